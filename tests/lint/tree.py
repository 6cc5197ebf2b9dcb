"""The files of the checkout that the lint suite looks at: what git knows or would add."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def files(root, *suffixes):
    """Paths relative to root, sorted; only those with one of the suffixes, if any are given."""
    names = _git(root)
    if names is None:
        names = _walk(root)
    wanted = [n for n in names if not suffixes or n.endswith(suffixes)]
    return sorted(n for n in wanted if os.path.isfile(os.path.join(root, n)))


def _git(root):
    if not os.path.exists(os.path.join(root, ".git")):
        return None
    # A checkout that belongs to somebody else is readable all the same.
    cmd = ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "--cached", "--others",
           "--exclude-standard"]
    try:
        out = subprocess.run(cmd, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return {n.decode() for n in out.split(b"\0") if n}


def _walk(root):
    for here, dirs, names in os.walk(root):
        dirs[:] = [d for d in dirs if d not in ("__pycache__", ".git") and not d.startswith("build")]
        for name in names:
            yield os.path.relpath(os.path.join(here, name), root)


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def main(check, root=None):
    """Runs check(root) -> (report lines, finding lines) as a program."""
    root = root or (sys.argv[1] if len(sys.argv) > 1 else ROOT)
    report, findings = check(root)
    for line in report:
        print(line)
    for line in findings:
        print("error: " + line)
    print("%d finding%s" % (len(findings), "" if len(findings) == 1 else "s"))
    return 1 if findings else 0
