#!/usr/bin/env python3
"""A million sessions: how long `postern run` takes until it is ready, and what memory they hold.

    tests/bench/million.py [--sessions N] [--binary FILE]

One session is signed in for and copied into the store of a stopped postern (tests/e2e/harness/many.py); then it is
started with them, its file dropped from the kernel's memory and again with it there, against an empty store. 10,000
different sessions ask through a cache of 1,000. Memory is PSS of the process. Exit status 1 when a start takes more than
the bar of one second.
"""

import argparse
import os
import pathlib
import shutil
import socket
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "e2e")]

import adapter  # noqa: E402
from audit_cost import cpu_s  # noqa: E402
from harness import proxy  # noqa: E402
from harness.many import PLAIN, Upstream, add_sessions  # noqa: E402
from harness.people import SESSION, House  # noqa: E402
from login_cost import starter  # noqa: E402

APP = "inventory.postern.localhost"
CACHE, ASKED, BAR_S = 1000, 10000, 1.0


def pss_kib(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))


def timed_start(postern, what):
    """From the exec to the first 200 of /readyz."""
    begin = time.monotonic()
    postern.start()
    took = time.monotonic() - begin
    print("%-44s %6.0f ms, %4.0f ms CPU, PSS %d KiB" % (
        what, took * 1e3, sum(cpu_s(postern.pid).values()) * 1e3, pss_kib(postern.pid)))
    return took


def make_cold(path):
    for name in (path, path + "-wal"):
        if os.path.exists(name):
            fd = os.open(name, os.O_RDONLY)
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


def ask_all(house, cookies):
    """One connection, one request a session."""
    s = socket.create_connection(("127.0.0.1", house.port), 30)
    for cookie in cookies:
        s.sendall(("GET /x HTTP/1.1\r\nHost: %s:%d\r\nCookie: %s=%s\r\n\r\n" % (
            APP, house.port, SESSION, cookie)).encode())
        answer = b""
        while not answer.endswith(PLAIN[-6:]):
            more = s.recv(65536)
            assert more and (answer + more).startswith(b"HTTP/1.1 200"), answer + more
            answer += more
    s.close()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sessions", type=int, default=1000000)
    p.add_argument("--binary", default=adapter.BINARY)
    o = p.parse_args()
    proxy.BINARY = os.path.abspath(o.binary)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-million-"))
    upstream = Upstream()
    house = House(starter(folder), upstream, folder=folder, config={"limits": {"session_cache": str(CACHE)}})
    try:
        handle = house.session_of(house.signed_in())
        house.postern.stop()
        few = timed_start(house.postern, "start with one session")
        house.postern.stop()
        cookies = add_sessions(house.postern, handle, APP, ASKED, o.sessions - ASKED)
        path = house.postern.path("state/postern.db")
        print("%d sessions, %.0f MiB of file" % (o.sessions, os.path.getsize(path) / 2**20))
        make_cold(path)
        starts = [timed_start(house.postern, "start, file not in the kernel's memory")]
        for _ in range(3):
            house.postern.stop()
            starts.append(timed_start(house.postern, "start, file in the kernel's memory"))
        for turn in range(4):
            ask_all(house, cookies)
            print("PSS after %d sessions asked through a cache of %d: %d KiB" % (
                (turn + 1) * ASKED, CACHE, pss_kib(house.postern.pid)))
    finally:
        house.postern.stop()
        upstream.close()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(max(starts) > BAR_S)


if __name__ == "__main__":
    main()
