#!/usr/bin/env python3
"""What a log-in costs postern: CPU of the whole process, all threads, over N log-ins of N people.

    tests/bench/login_cost.py [--count N] [--binary FILE]

From the first request of an app without a cookie to its first answer: two redirects, the provider's answer, its token
fetched and verified, the session and two cookies written down and synced, the hand-on. Once at a scripted provider
with RS256 and with ES256 tokens, and once at the built-in issuer, whose password hashing (scrypt, on threads of its
own) is told apart. Prints microseconds; exit status 1 when a log-in without hashing is over the bar of 2 ms.
"""

import argparse
import os
import pathlib
import shutil
import sys
import tempfile
from urllib.parse import urlencode, urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "e2e")]

import adapter  # noqa: E402
from harness import proxy, raw  # noqa: E402
from harness.many import Upstream  # noqa: E402
from harness.people import HASH, NAVIGATE, Browser, House, Page  # noqa: E402
from harness.provider import Provider  # noqa: E402
from harness.proxy import Postern, dump  # noqa: E402
from harness.tokens import Issuer  # noqa: E402

BAR_US = 2000
WARM = 30


class Kept(Browser):
    """A connection for each host, as browsers keep it."""

    def __init__(self, port):
        super().__init__(port)
        self.conns = {}

    def ask(self, url, method="GET", fields=None, headers=None, body=None):
        parts = urlsplit(url)
        if parts.port != self.port:
            return super().ask(url, method, fields, headers, body)
        sent = {"User-Agent": self.agent, **NAVIGATE}
        if self.jar.get(parts.hostname):
            sent["Cookie"] = "; ".join("%s=%s" % c for c in self.jar[parts.hostname].items())
        if fields is not None:
            body = urlencode(fields)
            sent.update({"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body)),
                         "Origin": "null", "Sec-Fetch-Site": "same-origin"})
        if parts.hostname not in self.conns:
            self.conns[parts.hostname] = raw.Conn(self.port)
        conn = self.conns[parts.hostname]
        conn.send(raw.head(method, (parts.path or "/") + ("?" + parts.query if parts.query else ""), parts.netloc,
                           headers=list(sent.items())) + (body or "").encode())
        answer = conn.read(method)
        self.keep(parts.hostname, answer)
        return Page(url, answer)

    def close(self):
        for conn in self.conns.values():
            conn.close()


def starter(folder):
    def start(ready, folder=folder, **how):
        return Postern(folder, Issuer(), "http://127.0.0.1:9", workers=1, **how)
    return start


def at_provider(folder, upstream, provider):
    folder.mkdir()
    (folder / "secret").write_text(provider.secret + "\n")
    (folder / "secret").chmod(0o600)
    corp = {"issuer": provider.issuer, "client_id": provider.client_id, "client_secret_file": "secret"}
    return House(starter(folder), upstream, folder=folder, config={"issuers": {"corp": corp}, "builtin": None})


def cpu_s(pid):
    """{thread: seconds}; libuv's queue, where passwords are hashed, has no name of its own."""
    out = {}
    for tid in os.listdir("/proc/%d/task" % pid):
        at = "/proc/%d/task/%s/" % (pid, tid)
        name = open(at + "comm").read().strip()
        name = "control" if int(tid) == pid else "hashing" if name.startswith("postern") else name
        out[name] = out.get(name, 0.0) + int(open(at + "schedstat").read().split()[0]) / 1e9
    return out


def measure(house, log_in, count):
    """{thread: us of CPU a log-in}."""
    for i in range(WARM):
        log_in(i)
    house.journal.wait(count=WARM, kind="login")
    before = cpu_s(house.postern.pid)
    for i in range(WARM, WARM + count):
        log_in(i)
    house.journal.wait(count=WARM + count, kind="login")
    after = cpu_s(house.postern.pid)
    return {name: (s - before.get(name, 0)) * 1e6 / count for name, s in after.items()}


def foreign(folder, upstream, alg, count):
    provider = Provider()
    house = at_provider(folder, upstream, provider)
    provider.alg = alg

    def log_in(i):
        provider.person = {"sub": "user-%d" % i, "email": "user%d@corp.example" % i, "email_verified": True,
                           "groups": ["staff"]}
        b = Kept(house.port)
        page = b.get(house.url("inventory"))
        b.close()
        assert page.status == 200, page
    out = measure(house, log_in, count)
    house.postern.stop()
    provider.stop()
    return out


def builtin(folder, upstream, count):
    folder.mkdir()
    house = House(starter(folder), upstream, folder=folder)
    name = "user%d@corp.example"
    house.postern.write("users.yaml", dump({"version": 1, "users": {
        name % i: {"password": HASH, "groups": ["staff"]} for i in range(WARM + count)}}))
    os.chmod(house.postern.path("users.yaml"), 0o600)
    house.postern.stop()
    house.postern.start()

    def log_in(i):
        b = Kept(house.port)
        page = b.sign_in(b.get(house.url("inventory")), name % i)
        b.close()
        assert page.status == 200, page
    out = measure(house, log_in, count)
    house.postern.stop()
    return out


def tell(what, threads):
    hashing = threads.pop("hashing", 0)
    print("%-20s %6.0f us CPU a log-in (%s)%s" % (
        what, sum(threads.values()), ", ".join("%s %.0f" % (n, us) for n, us in sorted(threads.items()) if us >= 1),
        "; and password hashing %.0f us" % hashing if hashing >= 1 else ""), flush=True)
    return sum(threads.values())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--count", type=int, default=300)
    p.add_argument("--binary", default=adapter.BINARY)
    o = p.parse_args()
    proxy.BINARY = os.path.abspath(o.binary)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-login-cost-"))
    upstream = Upstream()
    try:
        worst = max(tell("a provider, " + alg, foreign(folder / alg, upstream, alg, o.count))
                    for alg in ("RS256", "ES256"))
        worst = max(worst, tell("the built-in issuer", builtin(folder / "builtin", upstream, min(o.count, 100))))
    finally:
        upstream.close()
        shutil.rmtree(folder, ignore_errors=True)
    print("bar %d us" % BAR_US)
    sys.exit(worst > BAR_US)


if __name__ == "__main__":
    main()
