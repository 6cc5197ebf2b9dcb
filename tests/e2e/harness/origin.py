"""The upstream: a raw, threaded HTTP/1.1 server that shows what it received and misbehaves on request.

A path chooses the behaviour; every other path echoes the request as JSON. Headers come back as a list
of pairs exactly as they stood on the wire, so that a test sees what a library would have folded.
"""

import base64
import hashlib
import json
import os
import socket
import struct
import threading
import time
from urllib.parse import parse_qs

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Gone(Exception):
    pass


class Request:
    def __init__(self, method, target, headers, head):
        self.method, self.target, self.headers, self.head = method, target, headers, head
        self.path, _, query = target.partition("?")
        self.query = {k: v[-1] for k, v in parse_qs(query, keep_blank_values=True).items()}
        self.body, self.sent, self.taken = b"", 0, 0

    def get(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def number(self, name, default):
        return type(default)(self.query.get(name, default))


class Link:
    """One connection of the origin."""

    def __init__(self, sock):
        self.sock, self.buf, self.seen_id = sock, b"", "X-Seen-Id: -"
        self.sock.settimeout(60)

    def fill(self):
        data = self.sock.recv(262144)
        if not data:
            raise Gone()
        self.buf += data

    def until(self, mark):
        while mark not in self.buf:
            self.fill()
        out, self.buf = self.buf.split(mark, 1)
        return out

    def take(self, count):
        while len(self.buf) < count:
            self.fill()
        out, self.buf = self.buf[:count], self.buf[count:]
        return out

    def some(self, most):
        if not self.buf:
            self.fill()
        out, self.buf = self.buf[:most], self.buf[most:]
        return out

    def send(self, data):
        self.sock.sendall(data)

    def request(self):
        head = self.until(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = [tuple(line.split(": ", 1)) if ": " in line else (line, "") for line in lines[1:]]
        out = Request(method, target, headers, head)
        # Told back in every good answer, so that a test finds the record that belongs to it.
        self.seen_id = "X-Seen-Id: " + (out.get("X-Request-Id") or "-")
        return out

    def begin(self, text, status="200 OK"):
        """The head of an answer whose body follows."""
        self.send(("HTTP/1.1 %s\r\n%s\r\n%s\r\n\r\n" % (status, self.seen_id, text)).encode())

    def body(self, request):
        """The body's pieces as they arrive."""
        if (request.get("Transfer-Encoding") or "").lower() == "chunked":
            while True:
                size = int(self.until(b"\r\n").split(b";")[0], 16)
                if size == 0:
                    while self.until(b"\r\n"):
                        pass
                    return
                yield self.take(size)
                self.take(2)
        left = int(request.get("Content-Length") or 0)
        while left:
            piece = self.some(left)
            left -= len(piece)
            yield piece

    def answer(self, body, status="200 OK", headers=(), method="GET"):
        lines = ["HTTP/1.1 " + status, self.seen_id, "Content-Length: %d" % len(body)] + ["%s: %s" % h for h in headers]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (b"" if method == "HEAD" else body))

    def chunk(self, data):
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone()


class Origin:
    def __init__(self, tls=None, unix=None, name="origin"):
        self.name, self.tls, self.unix = name, tls, unix
        self.seen, self.connections, self.lock = [], 0, threading.Lock()
        self.open, self.paused = set(), threading.Event()
        self.listener = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(unix or ("127.0.0.1", 0))
        self.listener.listen(4096)
        self.port = None if unix else self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        if self.unix:
            return "unix:" + self.unix
        return "%s://127.0.0.1:%d" % ("https" if self.tls else "http", self.port)

    def close(self):
        # shutdown wakes the thread in accept; closing alone would leave it there.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.drop()

    def drop(self):
        """Cuts every connection, as a restart of the application would."""
        with self.lock:
            links = list(self.open)
        for sock in links:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def requests(self, path):
        with self.lock:
            return [r for r in self.seen if r.path == path]

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        with self.lock:
            self.connections += 1
            self.open.add(sock)
        try:
            if self.tls:
                plain, sock = sock, self.tls.wrap_socket(sock, server_side=True)
                with self.lock:
                    self.open.discard(plain)
                    self.open.add(sock)
            if not self.unix:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = Link(sock)
            while True:
                request = link.request()
                with self.lock:
                    self.seen.append(request)
                    del self.seen[:-2000]
                BEHAVIOUR.get(request.path, echo)(self, link, request)
                if (request.get("Connection") or "").lower() == "close":
                    return
        except (Gone, OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.open.discard(sock)
            sock.close()


BEHAVIOUR = {}


def at(path):
    def keep(f):
        BEHAVIOUR[path] = f
        return f
    return keep


def echo(origin, link, r):
    digest, size = hashlib.sha256(), 0
    for piece in link.body(r):
        digest.update(piece)
        size += len(piece)
        if size <= 65536:
            r.body += piece
    seen = {"origin": origin.name, "method": r.method, "target": r.target, "headers": r.headers,
            "body_bytes": size, "body_sha256": digest.hexdigest()}
    link.answer(json.dumps(seen).encode(), headers=[("Content-Type", "application/json")], method=r.method)


@at("/bytes")
def sized(origin, link, r):
    """?n= bytes with a Content-Length."""
    n = r.number("n", 1024)
    link.begin("Content-Type: application/octet-stream\r\nContent-Length: %d" % n)
    block = b"0123456789abcdef" * 4096
    while r.sent < n and r.method != "HEAD":
        piece = block[:n - r.sent]
        link.send(piece)
        r.sent += len(piece)


@at("/chunked")
def chunked(origin, link, r):
    """?n= chunks of ?size= bytes, ?gap= seconds apart."""
    link.begin("Transfer-Encoding: chunked")
    for i in range(r.number("n", 10)):
        link.chunk((b"%08d" % i) * (r.number("size", 8) // 8))
        time.sleep(r.number("gap", 0.0))
    link.send(b"0\r\nX-Trailer: dropped\r\n\r\n")


@at("/until-close")
def until_close(origin, link, r):
    link.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"to the end\n" * r.number("n", 10))
    raise Gone()


@at("/close-after")
def close_after(origin, link, r):
    link.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nlast\n")
    raise Gone()


@at("/sse")
def events(origin, link, r):
    """?n= events, one whenever a piece of time has passed; 0 goes on for ever."""
    link.begin("Content-Type: text/event-stream\r\nTransfer-Encoding: chunked")
    n, i = r.number("n", 5), 0
    while n == 0 or i < n:
        link.chunk(b"data: %d\n\n" % i)
        i += 1
        time.sleep(r.number("gap", 0.05))
    link.send(b"0\r\n\r\n")


@at("/slow")
def slow(origin, link, r):
    """Answers after ?after= seconds."""
    time.sleep(r.number("after", 1.0))
    echo(origin, link, r)


@at("/slow-reader")
def slow_reader(origin, link, r):
    """Takes nothing of the body until somebody lets it."""
    while origin.paused.is_set():
        time.sleep(0.01)
    for piece in link.body(r):
        r.taken += len(piece)
    link.answer(b"%d" % r.taken)


@at("/early")
def early(origin, link, r):
    """Answers before the body has come, and closes."""
    link.send(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbig\n")
    raise Gone()


@at("/headers")
def headers(origin, link, r):
    """Answers with the headers that ?h= names, separated by new lines."""
    lines = [tuple(line.split(":", 1)) for line in r.query.get("h", "").split("\n") if line]
    link.answer(b"ok\n", headers=lines)


@at("/long-head")
def long_head(origin, link, r):
    """Answers with ?n= headers of ?each= bytes."""
    each = int(r.query.get("each", "1000"))
    link.answer(b"ok\n", headers=[("X-%d" % i, "v" * each) for i in range(int(r.query.get("n", "1")))])


@at("/status")
def status(origin, link, r):
    code = r.query.get("code", "200")
    if code in ("204", "304"):
        link.send(b"HTTP/1.1 %s Nothing\r\n\r\n" % code.encode())
    else:
        link.answer(b"status\n", status=code + " Status")


# ---- what an upstream must not do ----------------------------------------------------------

@at("/hang")
def hang(origin, link, r):
    while True:
        link.fill()


@at("/reset")
def reset(origin, link, r):
    link.reset()


@at("/reset-mid")
def reset_mid(origin, link, r):
    link.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 5000)
    time.sleep(0.05)
    link.reset()


@at("/reset-chunked")
def reset_chunked(origin, link, r):
    link.begin("Transfer-Encoding: chunked")
    link.chunk(b"x" * 5000)
    time.sleep(0.05)
    link.reset()


@at("/close")
def close(origin, link, r):
    raise Gone()


def says(text):
    def behave(origin, link, r):
        link.send(text)
        raise Gone()
    return behave


def stays(text):
    """Sends bytes and leaves the connection open, so that only the framing can be at fault."""
    def behave(origin, link, r):
        link.send(text)
        while True:
            link.fill()
    return behave


OK = b"HTTP/1.1 200 OK\r\n"
BEHAVIOUR.update({
    "/short": says(OK + b"Content-Length: 100\r\n\r\nonly this"),
    "/short-chunk": says(OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\nonly this"),
    "/two-lengths": stays(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nab"),
    "/length-and-chunked": stays(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"),
    "/bad-length": stays(OK + b"Content-Length: +2\r\n\r\nab"),
    "/bad-coding": stays(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "/bad-chunk": stays(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n"),
    "/bad-status": stays(b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n"),
    "/no-http": stays(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "/lf-only": stays(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab"),
    "/fold": stays(OK + b"X-A: b\r\n c\r\nContent-Length: 2\r\n\r\nab"),
    "/nul": stays(OK + b"X-A: a\0b\r\nContent-Length: 2\r\n\r\nab"),
    "/space-colon": stays(OK + b"X-A : b\r\nContent-Length: 2\r\n\r\nab"),
    "/switch": stays(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
    "/big-header": stays(OK + b"X-A: " + b"a" * 100000 + b"\r\nContent-Length: 2\r\n\r\nab"),
})


@at("/left-over")
def left_over(origin, link, r):
    """An answer with bytes behind it: the connection must not be used again."""
    link.send(OK + b"Content-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
    while True:
        link.fill()


@at("/endless-headers")
def endless(origin, link, r):
    link.send(OK)
    while True:
        link.send(b"X-Filler: " + b"a" * 1000 + b"\r\n")


@at("/endless-interim")
def endless_interim(origin, link, r):
    while True:
        link.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 10)


@at("/early-hints")
def early_hints(origin, link, r):
    link.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
    echo(origin, link, r)


# ---- WebSocket -----------------------------------------------------------------------------

def frame(opcode, data):
    if len(data) < 126:
        return bytes([0x80 | opcode, len(data)]) + data
    if len(data) < 65536:
        return bytes([0x80 | opcode, 126]) + struct.pack(">H", len(data)) + data
    return bytes([0x80 | opcode, 127]) + struct.pack(">Q", len(data)) + data


def read_frame(link):
    first, second = link.take(2)
    size = second & 127
    if size == 126:
        size = struct.unpack(">H", link.take(2))[0]
    elif size == 127:
        size = struct.unpack(">Q", link.take(8))[0]
    mask = link.take(4) if second & 128 else b"\0\0\0\0"
    data = bytearray(link.take(size))
    if any(mask):
        data = bytes(b ^ mask[i & 3] for i, b in enumerate(data))
    return first & 15, bytes(data)


@at("/ws")
def websocket(origin, link, r):
    """Echoes every message; the first message it sends says which headers came with the upgrade."""
    key = (r.get("Sec-WebSocket-Key") or "").encode()
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
    link.begin("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept, "101 Switching Protocols")
    link.send(frame(1, json.dumps(r.headers).encode()))
    while True:
        opcode, data = read_frame(link)
        link.send(frame(opcode, data))
        if opcode == 8:
            raise Gone()


if __name__ == "__main__":
    here = Origin(unix=os.environ.get("ORIGIN_UNIX"))
    print(here.url, flush=True)
    threading.Event().wait()
