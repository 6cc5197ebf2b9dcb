#!/usr/bin/env python3
"""What a session's cookie costs against a known bearer token: CPU per request of one postern, in turns.

    tests/bench/session_cost.py [--rounds N] [--seconds S] [--binary FILE]

One postern with a portal, one worker, and the 100 rules of adapter.py; 64 people sign in at the built-in issuer, and
64 bearer tokens say of themselves what those sessions say. wrk asks with the cookies and with the tokens in turns:
64 connections, 1 KiB, all known. The bar is 1.05 times the token's CPU. Needs wrk and nginx, and a release build:

    meson setup build-release --buildtype=release -Db_lto=true && ninja -C build-release postern

Prints medians in microseconds; exit status 1 when the median of the pairs is over the bar.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import types
from urllib.parse import urljoin

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "e2e")]

import adapter  # noqa: E402
from audit_cost import NGINX, cpu_s  # noqa: E402
from harness.people import HASH, SESSION, House  # noqa: E402
from harness.ports import free_port  # noqa: E402
from harness.proxy import Postern, dump, listens  # noqa: E402
from harness.tokens import Issuer  # noqa: E402

BAR = 1.05
PEOPLE = 64
WRK = """local requests, n = {}, 0
function init(args)
  for line in io.lines(args[1]) do
    local name, value = line:match("^([^:]+): (.*)$")
    requests[#requests + 1] = wrk.format(nil, "/1k", {[name] = value, Host = args[2]})
  end
end
function request() n = n % #requests + 1; return requests[n] end
function done(s) io.write(string.format("BENCH %d %d\\n", s.requests,
  s.errors.connect + s.errors.read + s.errors.write + s.errors.status + s.errors.timeout)) end
"""


def name_of(i):
    return "user%02d@bench.example" % i


def groups_of(i):
    return ["staff", "team-%02d" % (i % 37), "dash-users"]


def rules(origin_port):
    v = types.SimpleNamespace(origin_port=origin_port, group="dash-users")
    apps = [adapter.app(v, n) for n in range(adapter.APPS)]
    apps[0]["host"] = "bench.postern.localhost"
    del apps[0]["aliases"]
    return {"version": 1, "apps": apps, "rules": [r for n in range(adapter.APPS) for r in adapter.rules(v, n)]}


class Bench:
    def __init__(self, folder, cores, binary):
        self.folder, self.cores = folder, cores
        self.nginx = self.house = None
        try:
            self.open(binary)
        except BaseException:
            self.stop()
            raise

    def open(self, binary):
        self.issuer = Issuer("bench", "https://idp.bench.invalid", algs=("RS256",))
        self.start_origin()
        self.start_postern(binary)
        self.host = "bench.postern.localhost:%d" % self.house.port
        self.write("load.lua", WRK)
        self.write("tokens", "".join(self.token(i) for i in range(PEOPLE)))
        self.write("cookies", "".join(self.cookie(i) for i in range(PEOPLE)))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def start_origin(self):
        port = free_port()
        os.mkdir(self.path("www"))
        self.write("www/1k", "0123456789abcdef" * 64)
        self.write("nginx.conf", NGINX % {"dir": self.folder, "port": port})
        self.nginx = subprocess.Popen(["nginx", "-e", "stderr", "-p", self.folder, "-c", self.path("nginx.conf")],
                                      preexec_fn=lambda: os.sched_setaffinity(0, {self.cores[0]}))
        while not listens(port):
            time.sleep(0.02)
        self.origin = types.SimpleNamespace(url="http://127.0.0.1:%d" % port, port=port)

    def start_postern(self, binary):
        os.mkdir(self.path("postern"))
        provider = {"issuer": self.issuer.url, "audience": self.issuer.audience, "jwks_file": "keys.json",
                    "algs": ["RS256"], "absent_means_none": ["groups"]}
        people = {"version": 1, "users": {name_of(i): {"name": "User", "password": HASH, "groups": groups_of(i)}
                                          for i in range(PEOPLE)}}

        def start(folder, ready, **how):
            p = Postern(self.path("postern"), self.issuer, self.origin.url, **how)
            p.wrap = ["taskset", "-c", str(self.cores[1])]
            return p

        from harness import people as module
        module.users = lambda **more: people
        module.policy = lambda upstream: rules(self.origin.port)
        self.house = House(start, self.origin, workers=1,
                           config={"issuers": {"people": "builtin", self.issuer.name: provider},
                                   "audit": {"file": "access.jsonl", "sync": "batch", "rotate": {"size": "1TiB"}}})

    def token(self, i):
        text = self.issuer.token(name_of(i), groups=groups_of(i), email=name_of(i), email_verified=True, name="User",
                                 exp=int(time.time()) + 86400)
        return "Authorization: Bearer %s\n" % text

    def cookie(self, i):
        b, host = self.house.browser(), "bench.postern.localhost"
        page = b.sign_in(b.get(self.house.url("bench", "/1k")), name_of(i), follow=False)
        while not b.cookie(host):
            page = b.ask(urljoin(page.url, page.header("Location")))
        return "Cookie: %s=%s\n" % (SESSION, b.cookie(host))

    def load(self, proof, seconds):
        """One round: us of CPU of postern for a request."""
        pid = self.house.postern.pid
        before = sum(cpu_s(pid).values())
        out = subprocess.run(
            ["wrk", "-t1", "-c64", "-d%gs" % seconds, "-s", self.path("load.lua"),
             "http://127.0.0.1:%d" % self.house.port, "--", self.path(proof), self.host],
            stdout=subprocess.PIPE, text=True, check=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {self.cores[0]})).stdout
        time.sleep(0.15)        # the writer of the journal is a tenth of a second behind at most
        requests, errors = map(int, out.split("BENCH ")[1].split())
        if errors or not requests:
            raise SystemExit("%s: %d of %d requests failed" % (proof, errors, requests))
        return (sum(cpu_s(pid).values()) - before) * 1e6 / requests

    def stop(self):
        if self.nginx:
            self.nginx.terminate()
            self.nginx.wait()
        if self.house:
            self.house.postern.stop()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--seconds", type=float, default=1)
    p.add_argument("--binary", default=adapter.BINARY)
    o = p.parse_args()
    os.environ["PATH"] += ":/usr/sbin"
    for tool in ("wrk", "nginx"):
        if not shutil.which(tool):
            raise SystemExit("this needs wrk and nginx; %s is not installed" % tool)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))       # what was started ends too
    from harness import proxy
    proxy.BINARY = os.path.abspath(o.binary)
    folder = tempfile.mkdtemp(prefix="postern-session-cost-")
    cores = sorted(os.sched_getaffinity(0))
    bench = Bench(folder, (cores[0], cores[-1]), o.binary)
    seen = {"tokens": [], "cookies": []}
    try:
        for turn in range(-1, o.rounds):
            for proof in list(seen)[::1 if turn % 2 else -1]:
                us = bench.load(proof, o.seconds)
                if turn >= 0:
                    seen[proof].append(us)
        metrics = bench.house.postern.metrics()
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)
    report(seen, metrics)


def report(seen, metrics):
    for proof, us in seen.items():
        print("%-8s %6.2f us CPU a request (spread %2.0f %%)" % (
            proof, statistics.median(us), 100 * (max(us) - min(us)) / statistics.median(us)))
    ratios = [c / t for c, t in zip(seen["cookies"], seen["tokens"])]
    ratio = statistics.median(ratios)
    print("cookie / token %.3f (median of %d pairs, from %.3f to %.3f; bar %.2f); the store was asked %d times" % (
        ratio, len(ratios), min(ratios), max(ratios), BAR, metrics["postern_sessions_asked_total"]))
    sys.exit(ratio > BAR)


if __name__ == "__main__":
    main()
