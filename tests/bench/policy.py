"""The benchmark of the decision, and beside it the Cedar WebAssembly build on the same rules.

  policy.py POLICY_BENCH POLICY_DRIVER FOLDER

Some decisions of each set are held against the reference interpreter. Cedar is left out, with the
reason, where node, npm or its package cannot be had.
"""

import glob
import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CEDAR = os.path.join(HERE, "cedar")
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "reference"))
SETS = ((10000, 100), (10000, 1000), (10000, 1))
VISITS = 200  # the first CEDAR_VISITS of them for Cedar, which takes long
CEDAR_VISITS = 20


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def compare(driver, where, name):
    """True when the reference decides alike, without a subject and with one."""
    import harness
    import reference
    texts = {os.path.basename(p): read(p) for p in sorted(glob.glob(os.path.join(where, "*.yaml")))}
    facts = [json.loads(line) for line in read(os.path.join(where, "facts.jsonl")).splitlines()]
    for asked in facts[::2]:
        asked["subject_age_s"] = 0
    start = time.monotonic()
    policy = reference.Policy(texts)
    answers = harness.run_driver(driver, texts, facts)
    differ = [a for a, b in zip(facts, answers) if harness.difference(policy, a, b)]
    print("reference %s: %d of %d decisions equal (%.0f s)" %
          (name, len(facts) - len(differ), len(facts), time.monotonic() - start), flush=True)
    for asked in differ[:3]:
        print(json.dumps(asked))
    return not differ


def cedar_packages(work):
    """The pinned package in a copy of its folder; None and a reason when there is none."""
    if not shutil.which("node") or not shutil.which("npm"):
        return None, "node or npm is not installed"
    folder = os.path.join(work, "cedar")
    os.makedirs(folder, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc", "decide.mjs"):
        shutil.copy(os.path.join(CEDAR, name), folder)
    try:
        got = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder,
                             capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return None, "npm ci took too long"
    if got.returncode:
        return None, "npm ci failed: " + (got.stderr.strip().splitlines() or ["no reason"])[-1]
    return folder, None


def main():
    bench, driver, work = sys.argv[1:4]
    work = os.path.join(work, "policy-bench")
    os.makedirs(work, exist_ok=True)
    good = subprocess.run([bench]).returncode == 0
    folder, reason = cedar_packages(work)
    if not folder:
        print("cedar: skipped, " + reason)
    for rules, apps in SETS:
        name = "%d/%d" % (rules, apps)
        where = os.path.join(work, "set-%d-%d" % (rules, apps))
        subprocess.run([bench, "write", str(rules), str(apps), str(VISITS), where], check=True)
        good = compare(driver, where, name) and good
        if folder:
            subprocess.run(["node", "decide.mjs", os.path.join(where, "cedar"), name,
                            str(CEDAR_VISITS)], cwd=folder)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
