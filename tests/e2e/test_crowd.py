"""All sorts of slow connections at once, as many as fit, and good requests that do not notice."""

import contextlib
import resource
import socket
import threading
import time

import pytest

from harness import raw
from harness.ports import free_port
from harness.proxy import SLOWNESS, listens

from test_slow_clients import cpu_s, open_many, room
from test_websocket import open_socket


class Crowd:
    """Opens `counts` of each sort; a thread drips a byte now and then into those that live by it."""

    def __init__(self, gate, token, counts, tls_port):
        self.socks, self.dripping, self.stop = [], [], threading.Event()
        for what, count in counts.items():
            self.socks += getattr(self, what)(gate, token, count, tls_port)
        self.thread = threading.Thread(target=self.drip, daemon=True)
        self.thread.start()

    def idle(self, gate, token, count, _):
        return open_many(gate.port, count, raw.head(target="/public/x"), True)

    def heads(self, gate, token, count, _):
        """Slowloris: a head that never ends, a byte at a time."""
        socks = open_many(gate.port, count, b"GET /x HTTP/1.1\r\nHost: inventory.example\r\nX-A: ")
        self.dripping += socks
        return socks

    def bodies(self, gate, token, count, _):
        """A long body, a byte at a time: it makes progress, so it may go on."""
        socks = open_many(gate.port, count, raw.head("POST", "/x", token=token, headers=["Content-Length: 100000"]))
        self.dripping += socks
        return socks

    def readers(self, gate, token, count, _):
        """Asks for a long answer and takes none of it."""
        return open_many(gate.port, count, raw.head("GET", "/bytes?n=3000000", token=token))

    def handshakes(self, gate, token, count, tls_port):
        return open_many(tls_port, count, b"\x16\x03\x01\x02\x00\x01\x00")

    def sockets(self, gate, token, count, _):
        return [open_socket(gate, token).conn.sock for _ in range(count)]

    def drip(self):
        while not self.stop.wait(0.3):
            for s in self.dripping:
                with contextlib.suppress(OSError):
                    s.send(b"a", socket.MSG_DONTWAIT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        for s in self.socks:
            s.close()


@pytest.fixture
def tls(start, authority):
    cert, key, _ = authority.issue("inventory.example", stem="crowd")
    plain, secure = free_port(), free_port()

    def go(**how):
        g = start(ready=False, listeners=[
            {"address": "127.0.0.1:%d" % plain},
            {"address": "127.0.0.1:%d" % secure, "tls": {"certificates": [{"cert": cert, "key": key}]}}], **how)
        g.port, g.tls_port = plain, secure
        return g.start()
    return go


def test_everything_slow_at_once(tls, authority, staff):
    """Thousands that are idle, drip, stare or never shake hands: each good request is answered, and soon."""
    fits = room()
    counts = {"idle": fits - 1000, "heads": 200, "bodies": 100, "readers": 50, "handshakes": 100, "sockets": 50}
    gate = tls(config={"limits": {"drain_timeout": "2s", "head_timeout": "60s", "handshake_timeout": "60s"}})
    before = gate.open_files()
    with Crowd(gate, staff, counts, gate.tls_port) as crowd:
        assert gate.metrics()["postern_connections_open"] >= 0.95 * len(crowd.socks)
        times = []
        for i in range(150):
            begin = time.monotonic()
            if i % 3:
                assert gate.get("/x", staff).status == 200
            else:
                answer = raw.request(gate.tls_port, target="/x", token=staff, tls=raw.client_tls(authority.ca), sni="inventory.example")
                assert answer.status == 200
            times.append(time.monotonic() - begin)
        assert sorted(times)[int(len(times) * 0.95)] < 0.5 * SLOWNESS, sorted(times)[-8:]
        with open("/proc/%d/status" % gate.pid) as f:
            rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
        assert rss < 400 * 1024 * SLOWNESS, "%d KiB for %d connections" % (rss, len(crowd.socks))
        cpu = cpu_s(gate.pid)
        time.sleep(1)
        assert cpu_s(gate.pid) - cpu < 0.7, "it spins for those who do nothing"
    raw.wait_for(lambda: gate.open_files() < before + 150, 30 * SLOWNESS, why="the descriptors to be given back")
    assert gate.get("/x", staff).status == 200


def test_connections_limit_and_after(start, staff):
    """Full: whoever has a connection is served; when places get free, those who waited are."""
    gate = start(workers=1, config={"limits": {"connections": 50, "head_timeout": "60s"}})
    kept = gate.connect()
    assert kept.send(raw.head("GET", "/x", token=staff)).read().status == 200
    socks = open_many(gate.port, 80, b"GET /x HTTP/1.1\r\nX-A: ")
    raw.wait_for(lambda: gate.metrics()["postern_connections_open"] >= 49, 10 * SLOWNESS)
    for _ in range(50):
        assert kept.send(raw.head("GET", "/x", token=staff)).read().status == 200
    assert gate.metrics()["postern_connections_open"] <= 60
    waiting = [gate.connect().send(raw.head("GET", "/x", token=staff)) for _ in range(5)]
    for s in socks:
        s.close()
    for c in waiting:
        assert c.read().status == 200
        c.close()
    kept.close()


def test_descriptors_run_out_and_come_back(start, staff):
    """The process' own limit: three times over, and each time good requests go on afterwards."""
    gate = start(limits={resource.RLIMIT_NOFILE: 300}, config={"limits": {"head_timeout": "60s"}})
    before = gate.open_files()
    for _ in range(3):
        socks = open_many(gate.port, 400, b"GET /x HTTP/1.1\r\nX-A: ")
        assert gate.alive() and gate.admin("/healthz") and gate.open_files() <= 300
        for s in socks:
            s.close()
        raw.wait_for(lambda: served(gate, staff), 20 * SLOWNESS, 0.1, "room for a new connection")
    raw.wait_for(lambda: gate.open_files() <= before + 10, 20 * SLOWNESS)
    for _ in range(30):
        assert gate.get("/x", staff).status == 200


def served(gate, token):
    with contextlib.suppress(OSError, raw.Closed):
        return gate.get("/x", token, timeout=1).status == 200


def test_upstream_connections_limit(start, origin, staff):
    """Every connection to an upstream is taken: 503 with its own reason, not a queue without an end."""
    gate = start(workers=1, config={"limits": {"upstream_connections": 5}})
    busy = [gate.connect().send(raw.head("GET", "/slow?after=2", token=staff)) for _ in range(5)]
    raw.wait_for(lambda: len([r for r in origin.seen[-10:] if r.path == "/slow"]) >= 5, 10 * SLOWNESS)
    answer = gate.get("/x", staff)
    assert answer.status == 503 and gate.record(answer)["end"] == "upstream-busy"
    for c in busy:
        assert c.read().status == 200
        c.close()
    assert gate.get("/x", staff).status == 200


def test_drain_with_a_crowd(tls, staff):
    """Those who only sit there do not hold up the end."""
    gate = tls(config={"limits": {"drain_timeout": "3s", "head_timeout": "60s", "handshake_timeout": "60s"}})
    with Crowd(gate, staff, {"idle": 300, "heads": 50, "readers": 20, "handshakes": 50, "sockets": 20}, gate.tls_port):
        begin = time.monotonic()
        assert gate.stop() == 0 and time.monotonic() - begin < 8 * SLOWNESS
    assert not listens(gate.port)
