#!/usr/bin/env python3
"""What the access log costs: CPU per request with the journal against the same program with a null sink.

    tests/bench/audit_cost.py [--rounds N] [--seconds S] [--build DIR]

Builds with -Dbench=true and link-time optimisation (the null sink exists only there), starts it twice on
the configuration of adapter.py, and lets wrk ask one and the other in turns: 64 connections, 1 KiB,
tokens known. The CPU is that of all threads of the process, the writer's too. Needs wrk and nginx.
Prints medians in microseconds; it asserts nothing.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import types

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "e2e")]

import adapter  # noqa: E402
from harness.certs import Authority  # noqa: E402
from harness.ports import free_port  # noqa: E402
from harness.proxy import listens  # noqa: E402
from harness.tokens import Issuer  # noqa: E402

NGINX = """daemon off; worker_processes 1; user root; pid %(dir)s/pid; error_log stderr crit;
events { worker_connections 1024; use epoll; multi_accept on; }
http { access_log off; keepalive_timeout 3600s; keepalive_requests 2000000000; default_type text/plain;
  server { listen 127.0.0.1:%(port)d backlog=1024; root %(dir)s/www; open_file_cache max=16 inactive=1h; sendfile on; } }
"""
WRK = """local tokens, n = {}, 0
function init(args)
  for line in io.lines(args[1]) do tokens[#tokens + 1] = wrk.format(nil, "/1k", {Authorization = "Bearer " .. line}) end
end
function request() n = n %% #tokens + 1; return tokens[n] end
function done(s) io.write(string.format("BENCH %%d %%d\\n", s.requests,
  s.errors.connect + s.errors.read + s.errors.write + s.errors.status + s.errors.timeout)) end
""".replace("%%", "%")


def build(folder):
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        subprocess.run(["meson", "setup", folder, ROOT, "-Db_lto=true", "-Dbench=true"], check=True,
                       stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", folder, "postern"], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(folder, "postern")


def cpu_s(pid):
    """The scheduler's nanoseconds, summed over the threads: {thread: seconds}."""
    out = {}
    for tid in os.listdir("/proc/%d/task" % pid):
        at = "/proc/%d/task/%s/" % (pid, tid)
        name = open(at + "comm").read().strip()
        out[name] = out.get(name, 0.0) + int(open(at + "schedstat").read().split()[0]) / 1e9
    return out


class Bench:
    def __init__(self, folder, cores):
        self.dir, self.cores, self.children = folder, cores, []
        self.issuer = Issuer("bench", "https://idp.bench.invalid", algs=("RS256",))
        self.write("keys.json", json.dumps(self.issuer.jwks()))
        self.write("load.lua", WRK)
        self.write("tokens", "".join(
            self.issuer.token("user%05d@bench.invalid" % i, groups=["staff", "team-%02d" % (i % 37), "dash-users"],
                              aud="dash", exp=int(time.time()) + 86400) + "\n" for i in range(1000)))
        self.cert, self.key, _ = Authority(self.path("ca")).issue("localhost")
        self.origin_port = free_port()
        os.mkdir(self.path("www"))
        self.write("www/1k", "0123456789abcdef" * 64)
        self.write("nginx.conf", NGINX % {"dir": folder, "port": self.origin_port})

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def spawn(self, argv, core, port):
        with open(self.path("stderr"), "ab") as err:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                                     preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        self.children.append(child)
        end = time.monotonic() + 15
        while not listens(port):
            if child.poll() is not None or time.monotonic() > end:
                raise SystemExit("%s does not listen:\n%s" % (argv[0], open(self.path("stderr")).read()[-2000:]))
            time.sleep(0.02)
        return child

    def start_origin(self):
        self.spawn(["nginx", "-e", "stderr", "-p", self.dir, "-c", self.path("nginx.conf")], self.cores[0],
                   self.origin_port)

    def start_postern(self, binary, name, *more):
        os.mkdir(self.path(name))
        v = types.SimpleNamespace(
            dir=self.path(name), port=free_port(), tls_port=free_port(), origin_port=self.origin_port, threads=1,
            jwks=self.path("keys.json"), iss=self.issuer.url, aud="dash", group="dash-users", tls_cert=self.cert,
            tls_key=self.key)
        for file, text in adapter.files(v).items():
            self.write(os.path.join(name, file), text)
        child = self.spawn([binary, "run", "--config", v.dir + "/postern.yaml", *more], self.cores[1], v.port)
        return child.pid, v.port

    def load(self, pid, port, seconds):
        """One round: (us of CPU per request, the same for each thread, requests)."""
        before = cpu_s(pid)
        out = subprocess.run(
            ["wrk", "-t1", "-c64", "-d%gs" % seconds, "-s", self.path("load.lua"), "http://127.0.0.1:%d" % port, "--",
             self.path("tokens")], stdout=subprocess.PIPE, text=True, check=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {self.cores[0]})).stdout
        # The writer is a tenth of a second behind at most.
        time.sleep(0.15)
        after = cpu_s(pid)
        requests, errors = map(int, out.split("BENCH ")[1].split())
        if errors or not requests:
            raise SystemExit("%d of %d requests failed" % (errors, requests))
        each = {n: (after[n] - before.get(n, 0.0)) * 1e6 / requests for n in after}
        return sum(each.values()), each, requests

    def stop(self):
        for child in self.children:
            child.terminate()
        for child in self.children:
            child.wait(20)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--seconds", type=int, default=1)
    p.add_argument("--build", default=os.path.join(ROOT, "build-bench"))
    o = p.parse_args()
    for tool in ("wrk", "nginx"):
        if not shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin"):
            raise SystemExit("this needs wrk and nginx; %s is not installed" % tool)
    os.environ["PATH"] += ":/usr/sbin"
    binary = build(o.build)
    folder = tempfile.mkdtemp(prefix="postern-audit-cost-")
    cores = sorted(os.sched_getaffinity(0))
    bench = Bench(folder, (cores[0], cores[-1]))
    try:
        bench.start_origin()
        sinks = {"journal": bench.start_postern(binary, "journal"),
                 "null": bench.start_postern(binary, "null", "--audit-sink", "null")}
        seen = {name: [] for name in sinks}
        for turn in range(-1, o.rounds):
            for name in list(sinks)[::1 if turn % 2 else -1]:
                result = bench.load(*sinks[name], o.seconds)
                if turn >= 0:
                    seen[name].append(result)
        report(seen)
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)


def report(seen):
    median = {}
    for name, rounds in seen.items():
        totals = [r[0] for r in rounds]
        median[name] = statistics.median(totals)
        threads = {t: statistics.median(r[1].get(t, 0.0) for r in rounds) for t in rounds[0][1]}
        print("%-8s %6.2f us CPU a request (spread %2.0f %%, %d requests; %s)" % (
            name, median[name], 100 * (max(totals) - min(totals)) / median[name], sum(r[2] for r in rounds),
            ", ".join("%s %.2f" % (t, us) for t, us in threads.items() if us >= 0.005)))
    pairs = [a[0] - b[0] for a, b in zip(seen["journal"], seen["null"])]
    print("audit    %6.2f us CPU a request (median of the pairs %.2f, from %.2f to %.2f)" % (
        median["journal"] - median["null"], statistics.median(pairs), min(pairs), max(pairs)))


if __name__ == "__main__":
    main()
