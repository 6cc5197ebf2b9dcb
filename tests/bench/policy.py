"""The benchmark of the decision, and beside it the Cedar WebAssembly build on the same rules.

Cedar is left out, with the reason, where node, npm or its package cannot be had.
"""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CEDAR = os.path.join(HERE, "cedar")
SETS = ((10000, 100), (10000, 1000), (10000, 1))
VISITS = 20


def cedar_packages(work):
    """The pinned package in a copy of its folder; None and a reason when there is none."""
    if not shutil.which("node") or not shutil.which("npm"):
        return None, "node or npm is not installed"
    folder = os.path.join(work, "cedar")
    os.makedirs(folder, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc", "decide.mjs"):
        shutil.copy(os.path.join(CEDAR, name), folder)
    got = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder,
                         capture_output=True, text=True, timeout=300)
    if got.returncode:
        return None, "npm ci failed: " + (got.stderr.strip().splitlines() or ["no reason"])[-1]
    return folder, None


def main():
    bench, work = sys.argv[1:3]
    status = subprocess.run([bench]).returncode
    try:
        folder, reason = cedar_packages(work)
    except subprocess.TimeoutExpired:
        folder, reason = None, "npm ci took too long"
    if not folder:
        print("cedar: skipped, " + reason)
        return status
    for rules, apps in SETS:
        where = os.path.join(work, "set-%d-%d" % (rules, apps))
        subprocess.run([bench, "write", str(rules), str(apps), str(VISITS), where], check=True)
        subprocess.run(["node", "decide.mjs", os.path.join(where, "cedar"),
                        "%d/%d" % (rules, apps)], cwd=folder)
    return status


if __name__ == "__main__":
    sys.exit(main())
