#!/usr/bin/env python3
"""Counts test functions in meson's logs: a cmocka test and a pytest test are one each.

    count.py LOG.json...            skips with their reason, failures with their output, the sum as the last line
    count.py --short LOG.json       only the sum

Any other test program (a lint script, a fuzz corpus) counts as one.
"""

import json
import os
import re
import sys
import xml.etree.ElementTree as xml

RUN = re.compile(r"^\[ RUN      \] (\S+)", re.M)
OK = re.compile(r"^\[       OK \] (\S+)", re.M)
SKIP = re.compile(r"^\[  SKIPPED \] (\S+)$", re.M)
TAP = re.compile(r"^(not ok|ok) \d+(?: - (\S+))?( # SKIP.*)?", re.M)


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return "%d passed, %d failed, %d skipped" % (self.passed, len(self.failed), len(self.skipped))


def count(test):
    """One test program of meson's log -> a Tally; failures are (name, output)."""
    tally, name = Tally(), test["name"].split(" / ")[-1].split(" / ")[-1]
    output = (test.get("stdout") or "") + (test.get("stderr") or "")
    junit = next((a.split("=", 1)[1] for a in test["command"] if a.startswith("--junitxml=")), None)
    if junit and os.path.exists(junit):
        _pytest(tally, name, junit)
    elif RUN.search(output):
        _cmocka(tally, name, output)
    elif TAP.search(test.get("stdout") or ""):
        _tap(tally, name, test["stdout"])
    if test["result"] == "SKIP" and not tally.skipped:
        tally.skipped.append((name, (output.strip().splitlines() or ["no reason given"])[0]))
    elif test["result"] in ("OK", "EXPECTEDFAIL") and not (tally.passed or tally.failed or tally.skipped):
        tally.passed = 1
    elif test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL") and not tally.failed:
        tally.failed.append(("%s: %s" % (name, test["result"]), output[-6000:]))
    elif tally.failed and not tally.failed[0][1]:
        tally.failed[0] = (tally.failed[0][0], output[-6000:])
    return tally


def _pytest(tally, name, junit):
    for case in xml.parse(junit).iter("testcase"):
        full = "%s: %s" % (name, case.get("name"))
        bad = [e for e in case if e.tag in ("failure", "error")]
        skip = case.find("skipped")
        if bad:
            tally.failed.append((full, "\n".join((e.text or e.get("message") or "") for e in bad)[-6000:]))
        elif skip is not None:
            tally.skipped.append((full, skip.get("message") or ""))
        else:
            tally.passed += 1


def _cmocka(tally, name, output):
    ok, skipped = set(OK.findall(output)), set(SKIP.findall(output))
    for test in dict.fromkeys(RUN.findall(output)):
        full = "%s: %s" % (name, test)
        if test in ok:
            tally.passed += 1
        elif test in skipped:
            tally.skipped.append((full, "skipped by the test itself"))
        else:
            tally.failed.append((full, ""))


def _tap(tally, name, output):
    for verdict, test, skip in TAP.findall(output):
        full = "%s: %s" % (name, test)
        if skip:
            tally.skipped.append((full, skip.replace("# SKIP", "").strip()))
        elif verdict == "ok":
            tally.passed += 1
        else:
            tally.failed.append((full, ""))


def tests(path):
    try:
        with open(path, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.strip()]
    except FileNotFoundError:
        return []


def main(argv):
    short = argv[:1] == ["--short"]
    total = Tally()
    for path in argv[1:] if short else argv:
        stage = os.path.basename(path)[:-len(".json")]
        for test in tests(path):
            tally = count(test)
            tally.failed = [("%s/%s" % (stage, n), text) for n, text in tally.failed]
            tally.skipped = [("%s/%s" % (stage, n), why) for n, why in tally.skipped]
            total.add(tally)
    if not short:
        for name, text in total.failed:
            print("\n---- FAILED %s\n%s" % (name, text.rstrip()))
        if total.failed:
            print()
        for name, _ in total.failed:
            print("failed: " + name)
        for name, why in total.skipped:
            print("skipped: %s: %s" % (name, " ".join(why.split())))
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
