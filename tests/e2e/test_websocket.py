"""WebSockets: frames pass both ways, and a visit that is no longer allowed is closed with its reason."""

import json
import struct
import threading
import time

import pytest

from harness import raw
from harness.proxy import SLOWNESS, standard_policy

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class Socket:
    def __init__(self, gate, token, path="/ws", headers=(), port=None, host="inventory.example"):
        self.conn = gate.connect()
        self.conn.send(raw.head("GET", path, host=host, token=token, headers=[
            "Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + KEY,
            *headers]))
        self.answer = self.conn.read()

    def send(self, data, opcode=1):
        mask = b"\x01\x02\x03\x04"
        size = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + struct.pack(">H", len(data)) \
            if len(data) < 65536 else bytes([0x80 | 127]) + struct.pack(">Q", len(data))
        self.conn.send(bytes([0x80 | opcode]) + size + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(data)))

    def read(self):
        """(opcode, data)."""
        first, second = self.conn.take(2)
        size = second & 127
        if size > 125:
            size = int.from_bytes(self.conn.take(2 if size == 126 else 8), "big")
        return first & 15, self.conn.take(size)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.conn.close()


def open_socket(gate, token, **how):
    s = Socket(gate, token, **how)
    assert s.answer.status == 101, s.answer
    s.headers = {n.lower(): v for n, v in json.loads(s.read()[1])}
    return s


def test_echo(gate, staff):
    with open_socket(gate, staff) as s:
        assert s.answer.get("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert s.headers["x-auth-user"] == "eva" and "authorization" not in s.headers
        for data in (b"", b"hello", b"a" * 125, b"b" * 126, b"c" * 70000, bytes(range(256)) * 4000):
            s.send(data, 2)
            assert s.read() == (2, data)
        s.send(b"ping", 9)
        assert s.read()[1] == b"ping"
        s.send(struct.pack(">H", 1000), 8)
        assert s.read() == (8, struct.pack(">H", 1000)) and s.conn.is_closed()


def test_start_and_end_are_recorded(gate, staff):
    with open_socket(gate, staff) as s:
        ident = s.answer.id
        s.send(struct.pack(">H", 1000), 8)
        s.read()
    ids = lambda r: ident and ident in json.dumps(r)
    gate.journal.wait(kind="visit.start", test=ids if ident else None)
    gate.journal.wait(kind="visit.end", test=ids if ident else None)


def test_many_at_once(gate, staff):
    sockets = [open_socket(gate, staff) for _ in range(60)]
    for i, s in enumerate(sockets):
        s.send(b"%d" % i)
    for i, s in enumerate(sockets):
        assert s.read() == (1, b"%d" % i)
        s.conn.close()


def test_both_ways_at_once(gate, staff):
    count = 300
    with open_socket(gate, staff) as s:
        pusher = threading.Thread(target=lambda: [s.send(b"x" * 20000) for _ in range(count)])
        pusher.start()
        for _ in range(count):
            assert s.read() == (1, b"x" * 20000)
        pusher.join()


BAD = {
    "no key": ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
    "short key": ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: abc"],
    "old version": ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Key: " + KEY],
    "no version": ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: " + KEY],
    "with a body": ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + KEY,
                    "Content-Length: 3"],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_handshake(gate, staff, name):
    answer = gate.raw(raw.head("GET", "/ws", token=staff, headers=BAD[name]) + (b"abc" if name == "with a body" else b""))
    assert answer.status in (400, 426), answer


def test_refused_upgrades(gate, contractor, issuer):
    assert Socket(gate, None).answer.status == 401
    assert Socket(gate, issuer.person("lee", ["none"])).answer.status == 403
    assert Socket(gate, contractor, path="/other").answer.status == 403


def test_upgrade_that_the_upstream_refuses(gate, staff):
    assert Socket(gate, staff, path="/status?code=403").answer.status == 403


def test_app_without_websockets(start, origin, staff):
    policy = standard_policy(origin.url)
    policy["apps"][0]["websocket"] = False
    gate = start(policies={"10-apps.yaml": policy})
    assert Socket(gate, staff).answer.status in (400, 403, 501)


def close_code(s):
    """The close frame that ends a visit: (code, text)."""
    while True:
        opcode, data = s.read()
        if opcode == 8:
            return struct.unpack(">H", data[:2])[0], data[2:].decode()


def test_closed_within_a_second_of_a_new_policy(start, origin, staff):
    gate = start()
    policy = standard_policy(origin.url)
    with open_socket(gate, staff) as kept, open_socket(gate, staff) as s:
        s.send(b"x")
        assert s.read() == (1, b"x")
        policy["rules"].append({"id": "closed", "effect": "deny", "who": {"groups": ["staff"]}, "to": {"apps": ["inventory"]}})
        gate.policy(policy)
        loaded = gate.journal.wait(kind="policy.loaded", count=2)
        told = time.monotonic()
        code, text = close_code(s)
        assert time.monotonic() - told < 1.0 * SLOWNESS
        assert code == 1008 and text, (code, text)
        assert s.conn.is_closed() and close_code(kept)[0] == 1008
        assert loaded["policy"]["generation"] >= 2 if "policy" in loaded else True
    end = gate.journal.wait(kind="visit.end", count=2)
    assert end["end"] and "deny-rule" in json.dumps(end)


def test_kept_by_a_policy_that_still_allows(start, origin, staff):
    gate = start()
    with open_socket(gate, staff) as s:
        policy = standard_policy(origin.url)
        policy["apps"][1]["title"] = "Reports, renamed"
        gate.policy(policy)
        gate.journal.wait(kind="policy.loaded", count=2)
        for i in range(20):
            s.send(b"%d" % i)
            assert s.read() == (1, b"%d" % i)


def test_closed_when_the_token_ends(gate, issuer):
    with open_socket(gate, issuer.person("eva", ["staff"], exp=int(time.time()) + 3)) as s:
        begin = time.monotonic()
        code, text = close_code(s)
        assert code == 1008 and text and time.monotonic() - begin < 5 * SLOWNESS


def test_closed_in_the_middle_of_a_frame(start, origin, staff):
    """The close frame stands between two frames, never inside one."""
    gate = start()
    with open_socket(gate, staff) as s:
        s.conn.send(b"\x82" + bytes([0x80 | 126]) + struct.pack(">H", 1000) + b"\0\0\0\0" + b"a" * 10)
        policy = standard_policy(origin.url)
        policy["rules"] = policy["rules"][1:]
        gate.policy(policy)
        assert close_code(s)[0] == 1008


def test_long_stream_is_decided_again(start, origin, staff):
    gate = start(config={"limits": {"visit_after": "1s"}})
    with gate.connect() as c:
        c.send(raw.head("GET", "/sse?n=0&gap=0.05", token=staff))
        answer = c.head()
        gate.journal.wait(kind="request.open", id=answer.id, seconds=10 * SLOWNESS)
        policy = standard_policy(origin.url)
        policy["rules"] = policy["rules"][1:]
        gate.policy(policy)
        gate.journal.wait(kind="policy.loaded", count=2)
        begin = time.monotonic()
        with pytest.raises((raw.Closed, ConnectionResetError)):
            for _ in c.chunks():
                pass
        assert time.monotonic() - begin < 1.5 * SLOWNESS
    assert gate.record(answer)["end"]
