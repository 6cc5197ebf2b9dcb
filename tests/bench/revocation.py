#!/usr/bin/env python3
"""How fast the end of a session reaches the last of many open WebSockets.

    tests/bench/revocation.py [--sockets N] [--workers N] [--binary FILE]

One person opens N WebSockets (9,000 unless told otherwise; each takes two descriptors of postern) by way of the app's
cookie; then `postern session revoke` ends the session beside the running server. Printed: the time from the end of that
command, and from its start, to the last byte of the last socket. The bar is 1 s from its end; exit status 1 when it is missed.
"""

import argparse
import os
import resource
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import time
import types
from urllib.parse import urljoin

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "e2e")]

import adapter  # noqa: E402
from audit_cost import cpu_s  # noqa: E402
from harness import proxy  # noqa: E402
from harness.people import SESSION, House  # noqa: E402
from harness.proxy import Postern, command  # noqa: E402
from harness.tokens import Issuer  # noqa: E402

APP = "inventory.postern.localhost"
ACCEPT = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


def serve(listener):
    """The app, in a process of its own: takes every upgrade and says nothing more."""
    s = selectors.DefaultSelector()
    s.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in s.select():
            if key.fileobj is listener:
                conn, _ = listener.accept()
                s.register(conn, selectors.EVENT_READ)
                continue
            try:
                data = key.fileobj.recv(65536)
                if data:
                    key.fileobj.sendall(ACCEPT)
                    continue
            except OSError:
                pass
            s.unregister(key.fileobj)
            key.fileobj.close()


def start_origin():
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    child = os.fork()
    if child == 0:
        serve(listener)
    port = listener.getsockname()[1]
    listener.close()
    return child, types.SimpleNamespace(url="http://127.0.0.1:%d" % port)


def open_house(folder, origin, workers, binary):
    def start(ready, **how):
        return Postern(**{**how, "folder": folder, "issuer": Issuer(), "upstream": origin.url})

    proxy.BINARY = os.path.abspath(binary)
    most = {"long_visits": 100000, "upstream_connections": 100000}
    return House(start, origin, workers=workers, config={"limits": most})


def cookie(house):
    b = house.browser()
    page = b.sign_in(b.get(house.url("inventory", "/ws")), "eva@corp.example", follow=False)
    while not b.cookie(APP):
        page = b.ask(urljoin(page.url, page.header("Location")))
    return b.cookie(APP)


def open_sockets(house, value, count):
    head = ("GET /ws HTTP/1.1\r\nHost: %s:%d\r\nOrigin: http://%s:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: %s=%s\r\n\r\n" %
            (APP, house.port, APP, house.port, SESSION, value)).encode()
    out = []
    for begin in range(0, count, 100):
        batch = [socket.create_connection(("127.0.0.1", house.port), 10) for _ in range(min(100, count - begin))]
        for s in batch:
            s.sendall(head)
        for s in batch:
            data = b""
            while b"\r\n\r\n" not in data:
                more = s.recv(4096)
                if not more:
                    raise SystemExit("closed after %d sockets: %r" % (len(out), data))
                data += more
            if b" 101 " not in data:
                raise SystemExit("refused after %d sockets: %r" % (len(out), data[:300]))
        out += batch
    return out


def until_all_end(sockets):
    s, open_ones = selectors.DefaultSelector(), len(sockets)
    for one in sockets:
        one.setblocking(False)
        s.register(one, selectors.EVENT_READ)
    told, first, last = 0, None, None
    while open_ones:
        events = s.select(20)
        if not events:
            raise SystemExit("%d sockets are still open" % open_ones)
        for key, _ in events:
            try:
                data = key.fileobj.recv(4096)
            except ConnectionResetError:
                data = b""
            if data:
                last = time.monotonic()
                first = first or last
                told += data[:1] == b"\x88"
            else:
                s.unregister(key.fileobj)
                open_ones -= 1
    return first, last, told


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sockets", type=int, default=9000)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--binary", default=adapter.BINARY)
    o = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))       # what was started ends too
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(o.sockets, (hard - 500) // 2)
    folder, house = tempfile.mkdtemp(prefix="postern-revocation-"), None
    child, origin = start_origin()
    try:
        house = open_house(folder, origin, o.workers, o.binary)
        sockets = open_sockets(house, cookie(house), count)
        pid = house.postern.pid
        cpu, begun = sum(cpu_s(pid).values()), time.monotonic()
        done = command("session", "revoke", "--all", "--config", house.postern.path("postern.yaml"))
        ended = time.monotonic()
        first, last, told = until_all_end(sockets)
        cpu = sum(cpu_s(pid).values()) - cpu
        print("%d WebSockets on %d workers: the first byte %.0f ms, the last %.0f ms after `postern session revoke` had ended, "
              "which took %.0f ms (exit %d); %d were told why; %.0f us of postern's CPU each" % (
                  count, o.workers, (first - ended) * 1e3, (last - ended) * 1e3, (ended - begun) * 1e3, done.returncode, told, cpu * 1e6 / count))
    finally:
        if house:
            house.postern.stop()
        os.kill(child, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(last - ended > 1)


if __name__ == "__main__":
    main()
