"""HTTP as bytes: what a client library would repair or refuse to send goes out as it is."""

import json
import os
import re
import socket
import ssl
import time

SLOWNESS = float(os.environ.get("POSTERN_TEST_SLOWNESS", "1"))      # sanitizers, loaded machines
TIMEOUT, PATIENCE_S = 10.0 * SLOWNESS, 20.0 * SLOWNESS


class Closed(Exception):
    """The other side closed before a whole answer was there."""


class Response:
    def __init__(self, version, status, reason, headers, body, whole=True):
        self.version, self.status, self.reason = version, status, reason
        self.headers, self.body, self.whole = headers, body, whole

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name, default=None):
        found = self.all(name)
        return found[0] if found else default

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def id(self):
        """The request id: the origin tells it back, a refusal names it in its body."""
        seen = re.search(rb"\b[0-9a-f]{32}\b", self.body)
        return self.get("X-Seen-Id") or (seen.group().decode() if seen else None)

    def __repr__(self):
        return "<%s %s %r %r>" % (self.status, self.reason, self.headers, self.body[:200])


class Conn:
    """One connection; `read()` takes one whole answer off it."""

    def __init__(self, port, tls=None, sni=None, host="127.0.0.1", timeout=TIMEOUT, rcvbuf=None, unix=None):
        if unix:
            self.sock = socket.socket(socket.AF_UNIX)
        else:
            self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(timeout)
        self.sock.connect(unix or (host, port))
        if not unix:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname=sni)
        self.buf = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        return self

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Closed("closed with %r unread" % self.buf[:200])
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

    def head(self):
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, *reason = lines[0].split(" ", 2)
        headers = [tuple(p.strip() for p in line.split(":", 1)) for line in lines[1:]]
        return Response(version, int(status), reason[0] if reason else "", headers, b"")

    def chunks(self):
        """The data of a chunked body, chunk by chunk; trailers are thrown away."""
        while True:
            size = int(self.until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                while self.until(b"\r\n"):
                    pass
                return
            yield self.take(size)
            if self.take(2) != b"\r\n":
                raise Closed("a chunk without its end")

    def read(self, method="GET", interim=False):
        """One answer. 1xx answers are skipped unless `interim`; a body cut short raises Closed."""
        while True:
            r = self.head()
            if r.status == 101 or interim or r.status >= 200:
                break
        if r.status < 200 or r.status in (204, 304) or method == "HEAD":
            return r
        if "chunked" in (r.get("Transfer-Encoding") or ""):
            r.body = b"".join(self.chunks())
        elif r.get("Content-Length") is not None:
            r.body = self.take(int(r.get("Content-Length")))
        else:
            r.body = self.rest()
        return r

    def rest(self):
        """Everything up to the close."""
        while True:
            try:
                self.fill()
            except (Closed, ConnectionResetError, ssl.SSLError):
                out, self.buf = self.buf, b""
                return out

    def is_closed(self, within=2.0):
        """True when the other side closes within that time and says nothing more."""
        self.sock.settimeout(within)
        try:
            return self.sock.recv(65536) == b"" and not self.buf
        except (ConnectionResetError, BrokenPipeError):
            return True
        except (socket.timeout, TimeoutError):
            return False
        finally:
            self.sock.settimeout(TIMEOUT)


def head(method="GET", target="/", host="inventory.example", token=None, headers=(), version="HTTP/1.1"):
    lines = ["%s %s %s" % (method, target, version)]
    if host is not None:
        lines.append("Host: " + host)
    if token:
        lines.append("Authorization: Bearer " + token)
    lines += ["%s: %s" % h if isinstance(h, tuple) else h for h in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def raw(port, data, method="GET", **how):
    """Sends bytes on a new connection and reads one answer."""
    with Conn(port, **how) as c:
        return c.send(data).read(method)


def request(port, method="GET", target="/", host="inventory.example", token=None, headers=(), body=None, **how):
    headers = list(headers)
    if body is not None:
        headers.append(("Content-Length", str(len(body))))
    return raw(port, head(method, target, host, token, headers) + (body or b""), method, **how)


def client_tls(verify=None):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if verify:
        ctx.load_verify_locations(verify)
    else:
        ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    return ctx


def wait_for(what, seconds=PATIENCE_S, step=0.02, why=""):
    """Asks until the answer is true; a story waits for what it means and never for a time."""
    end = time.monotonic() + seconds
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError("did not come within %g s: %s" % (seconds, why or what))
        time.sleep(step)
