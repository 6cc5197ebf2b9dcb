"""All clients and the upstream of one postern, in one thread and in step.

All clients ask, then all requests arrive, then all are answered, then all answers are read. So the proxy
meets the same bursts in every run, however slow a tracer makes it, and what it does for a request can be
counted instead of timed.
"""

import selectors
import socket

BODY = b"x" * 1024
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
TIMEOUT = 20.0


class Lockstep:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.clients, self.upstreams = [], {}

    def connect(self, port, count, token, host="inventory.example", target="/stock/7", field=None):
        """`field`: the line that says who comes, in the place of a Bearer."""
        self.request = ("GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\nUser-Agent: lockstep\r\n"
                        "Accept: */*\r\n\r\n" % (target, host, field or "Authorization: Bearer " + token)).encode()
        for _ in range(count):
            s = socket.create_connection(("127.0.0.1", port), TIMEOUT)
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.clients.append(s)

    def close(self):
        for s in self.clients + list(self.upstreams) + [self.listener]:
            s.close()
        self.selector.close()

    def run(self, rounds):
        """Each client asks once a round; returns how many requests were answered."""
        for _ in range(rounds):
            for s in self.clients:
                s.sendall(self.request)
            for s in self._arrived(len(self.clients)):
                s.sendall(ANSWER)
            for s in self.clients:
                self._read_answer(s)
        return rounds * len(self.clients)

    def _arrived(self, count):
        """The upstream connections that carry a request, once there are so many."""
        ready = []
        while len(ready) < count:
            events = self.selector.select(TIMEOUT)
            if not events:
                raise AssertionError("%d of %d requests reached the upstream" % (len(ready), count))
            for key, _ in events:
                if key.fileobj is self.listener:
                    self._accept()
                elif self._read_request(key.fileobj):
                    ready.append(key.fileobj)
        return ready

    def _accept(self):
        s, _ = self.listener.accept()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.upstreams[s] = b""
        self.selector.register(s, selectors.EVENT_READ)

    def _read_request(self, s):
        data = s.recv(65536)
        if not data:
            self.selector.unregister(s)
            del self.upstreams[s]
            s.close()
            return False
        self.upstreams[s] += data
        if not self.upstreams[s].endswith(b"\r\n\r\n"):
            return False
        self.upstreams[s] = b""
        return True

    @staticmethod
    def _read_answer(s):
        data = b""
        while not data.endswith(BODY):
            more = s.recv(65536)
            if not more or (data + more)[9:12] not in (b"200", b""):
                raise AssertionError("no good answer: %r" % (data + more)[:300])
            data += more
