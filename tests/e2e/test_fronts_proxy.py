"""Behind a balancer that begins each connection with a PROXY header, version 1 or 2."""

import socket
import ssl
import struct
import time

import pytest

from harness import raw
from harness.ports import free_port
from harness.proxy import SLOWNESS, allow, standard_policy

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source="203.0.113.9", destination="198.51.100.1", sport=41000, dport=443):
    family = "TCP6" if ":" in source else "TCP4"
    return ("PROXY %s %s %s %d %d\r\n" % (family, source, destination, sport, dport)).encode()


def v2(source="203.0.113.9", destination="198.51.100.1", sport=41000, dport=443, command=0x21, tlv=b"", family=None):
    six = ":" in source
    kind = socket.AF_INET6 if six else socket.AF_INET
    body = socket.inet_pton(kind, source) + socket.inet_pton(kind, destination) + struct.pack(">HH", sport, dport) + tlv
    return SIGNATURE + bytes([command, family or (0x21 if six else 0x11)]) + struct.pack(">H", len(body)) + body


LOCAL = SIGNATURE + b"\x20\x00\x00\x00"


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    return {"plain": free_port(), "tls": free_port(), "stranger": free_port(), "direct": free_port(),
            "unix": str(tmp_path_factory.mktemp("s") / "p.sock")}


@pytest.fixture(scope="module")
def gate(start_shared, origin, places, authority):
    policy = standard_policy(origin.url)
    policy["rules"].append(allow("office", who={"groups": ["office"]}, to={"apps": ["inventory"]},
                                 **{"from": {"networks": ["203.0.113.0/24", "2001:db8::/32"]}}))
    cert, key = authority.issue("inventory.example")[:2]
    front = {"proxy-protocol": {"trusted": ["127.0.0.1/32"]}}
    g = start_shared(policies={"10.yaml": policy}, config={"limits": {"handshake_timeout": "1s"}}, listeners=[
        {"address": "127.0.0.1:%d" % places["plain"], "front": front},
        {"address": "127.0.0.1:%d" % places["tls"], "front": front, "tls": {"certificates": [{"cert": cert, "key": key}]}},
        {"address": "127.0.0.1:%d" % places["stranger"], "front": {"proxy-protocol": {"trusted": ["192.0.2.1/32"]}}},
        {"address": "127.0.0.1:%d" % places["direct"], "front": "direct"},
        {"address": "unix:" + places["unix"], "front": {"proxy-protocol": {}}}])
    g.port = places["direct"]
    return g


def talk(places, header, token, place="plain", pieces=None, headers=(), tls=None):
    with raw.Conn(places.get(place), unix=places["unix"] if place == "unix" else None) as c:
        data = header + (b"" if tls else raw.head(target="/x", host="inventory.example", token=token, headers=list(headers)))
        for at in range(0, len(data), pieces or len(data)):
            c.send(data[at:at + (pieces or len(data))])
        if tls:
            c.sock = tls.wrap_socket(c.sock, server_hostname="inventory.example")
            c.send(raw.head(target="/x", host="inventory.example", token=token, headers=list(headers)))
        return c.read()


def bad_ones(gate):
    return gate.metrics()["postern_proxy_headers_bad_total"]


GOOD = [(v1(), "203.0.113.9"), (v1("2001:db8::7", "2001:db8::1"), "2001:db8::7"), (v2(), "203.0.113.9"),
        (v2("2001:db8::7", "2001:db8::1"), "2001:db8::7"), (v2(tlv=b"\x03\0\x04abcd\x04\0\x02xy"), "203.0.113.9"),
        (v2("::ffff:203.0.113.9", "::1"), "203.0.113.9"), (v2(tlv=b"\x04\x0f\xa0" + b"x" * 4000), "203.0.113.9")]


@pytest.mark.parametrize("header, address", GOOD)
@pytest.mark.parametrize("place", ["plain", "unix"])
def test_who_comes(gate, issuer, places, place, header, address):
    answer = talk(places, header, issuer.person("eva", ["office"]), place)
    assert answer.status == 200, answer
    record = gate.record(answer)
    assert record["client"]["address"] == address and record["client"]["front"] == "proxy-protocol"
    assert {n.lower(): v for n, v in answer.json["headers"]}["x-forwarded-for"] == address


@pytest.mark.parametrize("header", [v1(), v2(), v2(tlv=b"\x03\0\x04abcd")])
def test_before_tls(gate, issuer, places, authority, header):
    context = ssl.create_default_context(cafile=authority.ca)
    answer = talk(places, header, issuer.person("eva", ["office"]), "tls", tls=context)
    assert answer.status == 200 and gate.record(answer)["client"]["address"] == "203.0.113.9"


@pytest.mark.parametrize("header", [v1(), v2()])
def test_byte_by_byte(gate, issuer, places, header):
    assert talk(places, header, issuer.person("eva", ["office"]), pieces=1).status == 200


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", SIGNATURE + b"\x21\x00\x00\x00",
                                    SIGNATURE + b"\x21\x31\x00\xd8" + b"x" * 216])
def test_whom_nobody_knows_is_not_of_a_network(gate, issuer, staff, places, header):
    assert talk(places, header, issuer.person("eva", ["office"])).status == 403
    answer = talk(places, header, staff)
    assert answer.status == 200 and gate.record(answer)["client"].get("address") in (None, "-", "")


def test_a_health_check_is_the_balancers_own(gate, staff, places):
    answer = talk(places, LOCAL, staff)
    assert answer.status == 200 and gate.record(answer)["client"]["address"] == "127.0.0.1"


def test_forwarded_headers_are_not_believed(gate, issuer, places):
    answer = talk(places, v1("198.51.100.7"), issuer.person("eva", ["office"]), headers=["X-Forwarded-For: 203.0.113.9"])
    assert answer.status == 403 and gate.record(answer)["client"]["address"] == "198.51.100.7"


BAD = {
    "none": b"", "none, in the clear": b"GET / HTTP/1.1\r\nHost: inventory.example\r\n\r\n",
    "bare LF": v1().replace(b"\r\n", b"\n"), "a word less": b"PROXY TCP4 203.0.113.9\r\n",
    "a name": b"PROXY TCP4 localhost 198.51.100.1 1 2\r\n", "six as four": b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
    "port": b"PROXY TCP4 203.0.113.9 198.51.100.1 99999 2\r\n", "too long": b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
    "lower case": v1().lower(), "version 3": v2(command=0x31), "another command": v2(command=0x2f),
    "datagrams": v2(family=0x12), "addresses cut off": SIGNATURE + b"\x21\x11\x00\x04\xcb\x00\x71\x09",
    "huge": SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 5000, "twice": v1() + v1(), "tls": b"\x16\x03\x01\x02\x00" + b"x" * 64,
}


@pytest.mark.parametrize("case", list(BAD))
def test_malformed_is_closed_and_counted(gate, staff, places, case):
    before = bad_ones(gate)
    with raw.Conn(places["plain"]) as c:
        c.send(BAD[case] + raw.head(target="/x", host="inventory.example", token=staff))
        try:
            answer = c.read()
        except (raw.Closed, ConnectionResetError):
            answer = None
    if case == "twice":       # the second one is no request
        assert answer is None or answer.status == 400
    else:
        assert answer is None and bad_ones(gate) == before + 1


def test_a_stranger_is_not_even_read(gate, staff, places):
    before = bad_ones(gate)
    with pytest.raises((raw.Closed, ConnectionResetError, BrokenPipeError)):
        talk(places, v1(), staff, "stranger")
    assert bad_ones(gate) == before + 1


def test_on_other_listeners_it_is_no_request(gate, staff, places):
    assert talk(places, v1(), staff, "direct").status in (400, 501, 505)


def test_slow_peers_stall_nobody_and_are_closed(gate, staff, places):
    before, begun = bad_ones(gate), [raw.Conn(places["plain"]) for _ in range(40)]
    try:
        for i, c in enumerate(begun):
            c.send(v1()[:i % 30 + 1])
        start = time.monotonic()
        assert talk(places, v1(), staff).status == 200
        assert time.monotonic() - start < 0.9 * SLOWNESS
        for c in begun:
            with pytest.raises((raw.Closed, ConnectionResetError)):
                c.sock.settimeout(10 * SLOWNESS)
                c.fill()
        assert bad_ones(gate) == before + len(begun)
    finally:
        for c in begun:
            c.close()


def test_who_leaves_early_is_forgotten(gate, staff, places):
    for _ in range(5):
        with raw.Conn(places["plain"]) as c:
            c.send(v1()[:10])
    assert talk(places, v1(), staff).status == 200
