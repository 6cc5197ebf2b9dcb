#!/usr/bin/env python3
"""User instructions for a plain request with a known token, counted by callgrind: all threads, at 1 and at
64 connections, and the functions that most of them are in. Two runs that differ only in the number of
requests, so that start and end cancel out. libcrypto (the journal's hash) is told apart: valgrind's
processor has no SHA instructions, so its figure is many times the real one. Reports, and asserts nothing.
Needs valgrind."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

from harness.lockstep import Lockstep  # noqa: E402
from harness.proxy import Postern  # noqa: E402
from harness.tokens import Issuer  # noqa: E402

WARM, FEW, MANY = 192, 640, 2560
SHOWN = 12


def count(folder, connections, requests):
    """Instructions of a whole life that answers so many requests: {(object, function): own}."""
    out = os.path.join(folder, "callgrind.out")
    issuer, step = Issuer(), Lockstep()
    gate = Postern(tempfile.mkdtemp(dir=folder), issuer, step.url, workers=1,
                   wrap=["valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=" + out])
    try:
        gate.start()
        step.connect(gate.port, connections, issuer.person("eva", ["staff"]))
        step.run((WARM + requests) // connections)
        gate.stop()
    finally:
        gate.kill()
        step.close()
    text = subprocess.run(["callgrind_annotate", "--threshold=100", out], stdout=subprocess.PIPE, text=True).stdout
    each = {}
    for n, name, at in re.findall(r"^ *([\d,]+) \([ \d.]+%\)  \S*?:(\S+)(?: \[(\S+)\])?", text, re.M):
        key = os.path.basename(at), re.sub(r"'\d+$", "", name)
        each[key] = each.get(key, 0) + int(n.replace(",", ""))
    return each


def main():
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not installed")
        return 77
    # Valgrind is some twenty times slower than the processor.
    os.environ.setdefault("POSTERN_TEST_SLOWNESS", "20")
    with tempfile.TemporaryDirectory(prefix="postern-instructions-") as folder:
        for connections in (1, 64):
            few, many = count(folder, connections, FEW), count(folder, connections, MANY)
            grown = {key: (n - few.get(key, 0)) / (MANY - FEW) for key, n in many.items()}
            crypto = sum(n for (at, _), n in grown.items() if at.startswith("libcrypto"))
            print("%2d connections: %.0f instructions a request, and %.0f in libcrypto" % (
                connections, sum(grown.values()) - crypto, crypto))
            ours = {}
            for (at, name), n in grown.items():
                if not at.startswith("libcrypto"):
                    ours[name] = ours.get(name, 0) + n
            for name in sorted(ours, key=ours.get, reverse=True)[:SHOWN]:
                print("    %6.0f  %s" % (ours[name], name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
