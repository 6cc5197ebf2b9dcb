#!/usr/bin/env python3
"""How long `postern policy replay` takes for a million recorded decisions.

    tests/bench/replay.py [--count N] [--rounds N] [--binary FILE]

The records are those of 200 people on 20 apps, written by a running postern and repeated, each read and decided by
itself. Prints seconds of wall clock and of CPU, of a plain log and of a compressed one; exit status 1 when the median
of a plain million is over the bar of 5 s.
"""

import argparse
import gzip
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(os.path.dirname(HERE)), "tests", "e2e")]

import adapter  # noqa: E402
from harness import proxy  # noqa: E402
from harness.origin import Origin  # noqa: E402
from harness.proxy import Postern, allow, app  # noqa: E402
from harness.tokens import Issuer  # noqa: E402

BAR_S = 5.0
PEOPLE, APPS = 200, 20


def rules_of(upstream):
    names = ["app-%02d" % n for n in range(APPS)]
    return {"version": 1, "apps": [app(n, upstream, host=n + ".postern.localhost") for n in names],
            "rules": [allow(n + "-users", {"groups": ["group-%02d" % i]}, {"apps": [n]}) for i, n in enumerate(names)] +
            [{"id": n + "-left", "effect": "deny", "who": {"groups": ["left"]}, "to": {"apps": [n]}} for n in names]}


def record(folder):
    """The folder of rules and the lines of decisions."""
    origin, issuer = Origin(), Issuer()
    gate = Postern(folder, issuer, origin.url, policies={"10-apps.yaml": rules_of(origin.url)}).start()
    for i in range(PEOPLE):
        groups = ["group-%02d" % (i % APPS)] + (["left"] if i % 10 == 0 else [])
        gate.get("/stock/%d" % i, issuer.person("user-%d" % i, groups), host="app-%02d.postern.localhost" % (i * 7 % APPS))
    gate.stop()
    origin.close()
    lines = [x for x in open(gate.path("access.jsonl")) if '"kind":"decision"' in x]
    return gate.path("policies"), lines


def measure(command, count):
    before, begun = os.times(), time.monotonic()
    told = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    assert json.loads(told)["same"] == count, told
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - begun, cpu


def main():
    o = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    o.add_argument("--count", type=int, default=1000000)
    o.add_argument("--rounds", type=int, default=5)
    o.add_argument("--binary", default=adapter.BINARY)
    args = o.parse_args()
    proxy.BINARY = os.path.abspath(args.binary)
    work = pathlib.Path(tempfile.mkdtemp(prefix="postern-replay-"))
    try:
        policies, lines = record(work / "postern")
        logs = {"plain": work / "access.jsonl", "gz": work / "access.jsonl.gz"}
        opened = {"plain": lambda p: open(p, "w"), "gz": lambda p: gzip.open(p, "wt", compresslevel=6)}
        medians = {}
        for kind, path in logs.items():
            with opened[kind](path) as f:
                f.writelines(lines[i % len(lines)] for i in range(args.count))
            command = [proxy.BINARY, "policy", "replay", "--log", str(path), "--policy", policies,
                       "--format", "json"]
            walls, cpus = zip(*(measure(command, args.count) for _ in range(args.rounds)))
            medians[kind] = statistics.median(walls)
            print("replay %d, %s: %.2f s (%.2f to %.2f), %.2f s of CPU" %
                  (args.count, kind, medians[kind], min(walls), max(walls), statistics.median(cpus)), flush=True)
        return args.count == 1000000 and medians["plain"] > BAR_S
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
