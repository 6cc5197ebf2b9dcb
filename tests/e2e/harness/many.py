"""Thousands of WebSockets, and as many sessions for them as a test likes.

The upstream is a process of its own, so that neither its descriptors nor its turns are the test's:
`python3 many.py` prints its port and takes every upgrade. Sessions are rows put beside a running postern, copies of one
that a person signed in for, each with a cookie made with postern's own key: a log-in for each would take an hour.
"""

import contextlib
import hashlib
import hmac
import os
import select
import socket
import sqlite3
import subprocess
import sys
import time

if __name__ != "__main__":
    from .tokens import b64u

ACCEPTED = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def upstream():
    """Answers every upgrade with 101 and everything else with two bytes, until its input ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(listener.getsockname()[1], flush=True)
    poll, links = select.epoll(), {}
    poll.register(listener, select.EPOLLIN)
    poll.register(sys.stdin, select.EPOLLIN | select.EPOLLHUP)
    while True:
        for fd, _ in poll.poll():
            if fd == sys.stdin.fileno():
                return
            if fd == listener.fileno():
                s = listener.accept()[0]
                links[s.fileno()] = s
                poll.register(s, select.EPOLLIN)
                continue
            with contextlib.suppress(ConnectionError):
                data = links[fd].recv(65536)
                if data:
                    if data.endswith(b"\r\n\r\n"):
                        links[fd].sendall(ACCEPTED if b"websocket" in data.lower() else PLAIN)
                    continue
            poll.unregister(fd)
            links.pop(fd).close()


class Upstream:
    def __init__(self):
        self.child = subprocess.Popen([sys.executable, os.path.abspath(__file__)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        self.port = int(self.child.stdout.readline())
        self.url = "http://127.0.0.1:%d" % self.port

    def close(self):
        self.child.stdin.close()
        self.child.wait(20)
        self.child.stdout.close()


# ---- sessions ---------------------------------------------------------------------------------

def mint(key, host, count):
    """[(cookie value, the hash that the store keeps)]: see session_cookie.c."""
    out = []
    for _ in range(count):
        data = os.urandom(32)
        tag = hmac.digest(key, b"session\0" + host.encode() + b"\0" + data, "sha256")[:16]
        out.append((b64u(data + tag), hashlib.sha256(data).digest()))
    return out


def cookie_key(postern):
    """The newest generation."""
    with open(postern.path("state/keys/cookie")) as f:
        return bytes.fromhex(f.read().split("\n")[2])


COLUMNS = ("issuer_name, issuer, subject, email, claims, provider_sid, created_s, seen_s, claims_s, ends_s, agent,"
           " address")


def add_sessions(postern, handle, host, count, silent=0):
    """Copies of the session `handle`: a cookie for each of `count` of them, and `silent` more whose cookie nobody has."""
    made = mint(cookie_key(postern), host, count)
    with contextlib.closing(sqlite3.connect(postern.path("state/postern.db"), timeout=20)) as db, db:
        first = db.execute("SELECT max(id) FROM session").fetchone()[0]
        db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                   " INSERT INTO session(handle, %s) SELECT lower(hex(randomblob(8))), %s FROM session, n"
                   " WHERE handle = ?" % (COLUMNS, COLUMNS), (count + silent, handle))
        db.executemany("INSERT INTO cookie(hash, session, host) VALUES(?, ?, ?)",
                       ((h, first + 1 + i, host) for i, (_, h) in enumerate(made)))
        db.execute("INSERT INTO cookie(hash, session, host) SELECT randomblob(32), id, ? FROM session WHERE id > ?",
                   (host, first + count))
    return [value for value, _ in made]


# ---- WebSockets -------------------------------------------------------------------------------

class Sockets:
    """Open WebSockets of one thread; `ends` are told with the time of the last byte of each."""

    def __init__(self, port, host, cookies, cookie_name, at_once=200):
        self.poll, self.open, self.last = select.epoll(), {}, {}
        for at in range(0, len(cookies), at_once):
            self._open(port, host, cookies[at:at + at_once], cookie_name)

    def _open(self, port, host, cookies, cookie_name):
        fresh = []
        for cookie in cookies:
            s = socket.create_connection(("127.0.0.1", port), 30)
            s.sendall(("GET /ws HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nConnection: Upgrade\r\n"
                       "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
                       "Cookie: %s=%s\r\n\r\n" % (host, host, KEY, cookie_name, cookie)).encode())
            fresh.append(s)
        for s in fresh:
            head = s.recv(65536)
            assert head.startswith(b"HTTP/1.1 101 "), head[:600]
            self.open[s.fileno()] = s
            self.poll.register(s, select.EPOLLIN)

    def wait_for_ends(self, seconds):
        """Until every one was closed: {"first", "last"}: times on the monotonic clock of the last byte that came."""
        end = time.monotonic() + seconds
        times, said = [], set()
        while self.open:
            left = end - time.monotonic()
            assert left > 0, "%d WebSockets are open still; said: %r" % (len(self.open), said)
            for fd, _ in self.poll.poll(left, 1024):
                data = self.open[fd].recv(4096)
                if data:
                    times.append(time.monotonic())
                    said.add(data)
                    continue
                self.poll.unregister(fd)
                self.open.pop(fd).close()
        return {"first": min(times), "last": max(times), "closed": time.monotonic(), "said": said}

    def close(self):
        for s in self.open.values():
            s.close()
        self.poll.close()


if __name__ == "__main__":
    upstream()
