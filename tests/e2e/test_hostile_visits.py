"""Long visits at their turning points: a slow upgrade, a slow dial, a reload under them, the end of the process."""

import base64
import hashlib
import signal
import socket
import struct
import threading
import time

import pytest

from harness import origin as upstream
from harness import raw
from harness.proxy import SLOWNESS, standard_policy
from test_websocket import KEY, Socket, open_socket

SOON = {"limits": {"visit_after": "1s"}}


@upstream.at("/ws-late")
def late(origin, link, r):
    """A 101 after ?after= seconds."""
    time.sleep(r.number("after", 2.0))
    upstream.websocket(origin, link, r)


@upstream.at("/trickle")
def trickle(origin, link, r):
    """?n= bytes, a hundredth at a time, ?gap= seconds apart."""
    n, gap = r.number("n", 100000), r.number("gap", 0.03)
    link.begin("Content-Type: application/octet-stream\r\nContent-Length: %d" % n)
    for _ in range(100):
        link.send(b"x" * (n // 100))
        time.sleep(gap)


def again(gate, origin, times=2):
    """The policy is written anew, so that no snapshot of before is left."""
    for i in range(times):
        policy = standard_policy(origin.url)
        policy["apps"][1]["title"] = "Reports %d" % i
        before = len(gate.journal.find(kind="policy.loaded"))
        gate.policy(policy)
        gate.journal.wait(kind="policy.loaded", count=before + 1)


def test_upgrade_that_is_answered_late(start, origin, staff):
    gate = start(config=SOON)
    with Socket(gate, staff, path="/ws-late?after=2.5") as s:
        assert s.answer.status == 101
        s.read()
        again(gate, origin)
        s.send(b"still there")
        assert s.read() == (1, b"still there")
        s.send(struct.pack(">H", 1000), 8)
        assert s.read()[0] == 8
    end = gate.journal.wait(kind="visit.end")
    assert end["end"] == "complete" and end["upstream"]["address"] == origin.url
    assert gate.metrics()["postern_long_visits_open"] == 0


def test_late_upgrade_is_closed_by_a_new_policy(start, origin, staff):
    gate = start(config=SOON)
    with Socket(gate, staff, path="/ws-late?after=2.5") as s:
        s.read()
        policy = standard_policy(origin.url)
        policy["rules"] = policy["rules"][1:]
        gate.policy(policy)
        opcode, data = s.read()
        assert opcode == 8 and struct.unpack(">H", data[:2])[0] == 1008
    assert gate.journal.wait(kind="visit.end")["end"] == "policy"


def test_dial_longer_than_a_short_visit(start, origin, authority, staff):
    """The upstream's TLS handshake takes its time."""
    listener = socket.create_server(("127.0.0.1", 0))
    ctx = authority.server("127.0.0.1")

    def serve():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            time.sleep(2.5)
            with ctx.wrap_socket(sock, server_side=True) as s:
                s.recv(65536)
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: public\r\n\r\nok")

    threading.Thread(target=serve, daemon=True).start()
    policy = standard_policy("https://127.0.0.1:%d" % listener.getsockname()[1])
    policy["apps"][0]["tls"] = {"ca": authority.ca}
    policy["apps"][0]["shared_cache"] = True
    gate = start(policies={"10-apps.yaml": policy}, config=SOON)
    try:
        answer = gate.get("/x", staff)
        assert answer.status == 200 and answer.body == b"ok", answer
        assert answer.get("Cache-Control") == "public"
    finally:
        listener.close()


def test_record_of_a_visit_that_outlived_its_policy(start, origin, staff):
    gate = start(config=SOON)
    with open_socket(gate, staff) as s, gate.connect() as c:
        c.send(raw.head("GET", "/trickle?n=1000&gap=0.04", token=staff))
        ident = c.head().get("X-Seen-Id")
        gate.journal.wait(kind="request.open", id=ident)
        again(gate, origin, 3)
        assert len(c.take(1000)) == 1000
        s.send(struct.pack(">H", 1000), 8)
        s.read()
    assert gate.journal.wait(kind="visit.end")["upstream"]["address"] == origin.url
    assert gate.journal.wait(kind="decision", id=ident)["upstream"]["address"] == origin.url


def test_too_many_long_visits(start, staff):
    """The one too many is told so, instead of being cut."""
    gate = start(workers=1, config={"limits": {"long_visits": 2}})
    with open_socket(gate, staff), open_socket(gate, staff):
        assert Socket(gate, staff).answer.status == 503
    gate.journal.wait(end="visits-full")


def test_download_is_whole_when_we_end(start, staff):
    gate = start(config=SOON)
    with gate.connect() as c:
        c.send(raw.head("GET", "/trickle?n=100000", token=staff))
        ident = c.head().get("X-Seen-Id")
        gate.journal.wait(kind="request.open", id=ident)
        gate.signal(signal.SIGTERM)
        assert len(c.take(100000)) == 100000 and c.is_closed(5 * SLOWNESS)
    assert gate.process.wait(20 * SLOWNESS) == 0
    assert gate.journal.wait(kind="decision", id=ident)["end"] == "complete"


def test_event_stream_does_not_hold_up_the_end(start, staff):
    gate = start(config=SOON)
    with gate.connect() as c:
        c.send(raw.head("GET", "/sse?n=0", token=staff))
        ident = c.head().get("X-Seen-Id")
        gate.journal.wait(kind="request.open", id=ident)
        begin = time.monotonic()
        gate.signal(signal.SIGTERM)
        assert gate.process.wait(10 * SLOWNESS) == 0
        assert time.monotonic() - begin < 5 * SLOWNESS
    assert gate.journal.wait(kind="decision", id=ident)["end"] == "drain"


def test_asking_how_it_is_does_not_end_a_drain(start, staff):
    """A load balancer asks the administrators' listener all the time."""
    gate = start(workers=4)
    conns = [gate.connect() for _ in range(2)]
    for c in conns:
        c.send(raw.head("GET", "/slow?after=2.5", token=staff))
    time.sleep(0.3)                         # on their way to the upstream
    gate.signal(signal.SIGTERM)
    for _ in range(8):
        time.sleep(0.1)
        assert gate.admin("/readyz").status == 503
    for c in conns:
        assert c.read().status == 200
        c.close()
    assert gate.process.wait(20 * SLOWNESS) == 0


def test_client_that_sends_and_never_reads(start, staff):
    gate = start(config={"limits": {"client_stall": "1s"}})
    s = Socket(gate, staff)
    assert s.answer.status == 101
    data, stop = b"x" * 60000, time.monotonic() + 20 * SLOWNESS
    s.conn.sock.settimeout(1)
    with pytest.raises(OSError):
        while time.monotonic() < stop:
            try:
                s.send(data)                # echoed, and never read
            except TimeoutError:
                raw.wait_for(lambda: gate.journal.find(kind="visit.end"), 15 * SLOWNESS)
                raise ConnectionResetError
    assert gate.journal.wait(kind="visit.end")["end"] == "client-stall"


def test_last_frames_of_an_upstream_arrive(start, staff):
    """The upstream says goodbye and is gone while the client still sends."""
    accept = base64.b64encode(hashlib.sha1(KEY.encode() + upstream.GUID).digest())

    @upstream.at("/ws-bye")
    def bye(origin, link, r):
        link.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        link.take(1000)
        link.send(upstream.frame(8, struct.pack(">H", 4000) + b"bye"))
        raise upstream.Gone()

    gate = start()
    for _ in range(20):
        with Socket(gate, staff, path="/ws-bye") as s:
            for _ in range(40):
                try:
                    s.send(b"y" * 5000)
                except OSError:
                    break
            assert s.read() == (8, struct.pack(">H", 4000) + b"bye")
