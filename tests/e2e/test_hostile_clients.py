"""Clients that want our memory, our descriptors or our place: they harm themselves, others go on."""

import resource
import select
import socket
import ssl
import threading
import time

import pytest

from harness import raw
from harness.jwks import JwksServer
from harness.ports import free_port
from harness.proxy import SLOWNESS
from harness.tokens import Issuer, Key


def deaf(port, data):
    """A connection that sends and takes next to nothing."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    s.connect(("127.0.0.1", port))
    s.settimeout(0.3)
    try:
        while data:
            data = data[s.send(data):]
    except OSError:
        pass
    return s


def test_refusals_that_nobody_reads_keep_no_buffers(start, staff):
    gate = start(workers=1, config={"limits": {"buffers": "1MiB"}})
    socks = [deaf(gate.port, raw.head("GET", "/x") * int(3000 / SLOWNESS)) for _ in range(60)]
    for _ in range(20):
        assert gate.get("/x", staff).status == 200
        assert gate.get("/bytes?n=50000", staff).status == 200
    for s in socks:
        s.close()


def test_slow_readers_beyond_the_limit_harm_themselves(start, staff):
    gate = start(workers=1, config={"limits": {"buffers": "1MiB"}})
    socks = [deaf(gate.port, raw.head("GET", "/bytes?n=30000000", token=staff)) for _ in range(60)]
    for _ in range(20):
        answer = gate.get("/x", staff)
        assert answer.status == 200, answer
    gate.journal.wait(end="buffers", count=10)
    for s in socks:
        s.close()


def test_half_open_heads_are_bounded_together(start, staff):
    gate = start(workers=1, config={"limits": {"buffers": "1MiB"}})
    big = raw.head("GET", "/x", token=staff, headers=["X-%d: %s" % (i, "a" * 15000) for i in range(4)])
    socks = [deaf(gate.port, big[:-2]) for _ in range(60)]
    grown = sum(not closed(s) for s in socks)
    assert grown <= 20, grown
    head = raw.head("GET", "/x", token=staff)
    for cut in range(1, len(head), 97):
        with gate.connect() as c:
            c.send(head[:cut])
            time.sleep(0.005)
            assert c.send(head[cut:]).read().status == 200
    for s in socks:
        s.close()
    assert gate.raw(big).status == 200, "the room is given back"


def test_deaf_pipeliners_make_place_for_uploads(start, staff):
    """Each holds a whole read of requests behind an answer that it does not take."""
    gate = start(workers=1, config={"limits": {"buffers": "1MiB"}})
    socks = [deaf(gate.port, raw.head("GET", "/x", headers=["X-Pad: " + "p" * 500]) * 4000) for _ in range(40)]
    for _ in range(10):
        answer = gate.request("POST", "/x", staff, body=b"u" * 90000)
        assert answer.status == 200 and answer.json["body_bytes"] == 90000
    for s in socks:
        s.close()


def closed(s):
    s.settimeout(0.05)
    try:
        return s.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_idle_ones_make_place(start, staff):
    gate = start(workers=1, config={"limits": {"connections": 16}})
    idle = []
    for _ in range(16):
        idle.append(gate.connect().send(raw.head("GET", "/x", token=staff)))
        assert idle[-1].read().status == 200
    begin = time.monotonic()
    for _ in range(3):
        assert gate.get("/x", staff, timeout=8 * SLOWNESS).status == 200
    assert time.monotonic() - begin < 8 * SLOWNESS, "they waited for the idle ones"
    for c in idle:
        c.close()


def swap(sock, data, count):
    """Sends and receives by turns on one thread, as a TLS object wants it, until `count` answers are there."""
    sock.setblocking(False)
    got, end, sent = b"", time.monotonic() + 30 * SLOWNESS, 0
    try:
        while got.count(b"HTTP/1.1 200 OK") < count or not got.endswith(b"}"):
            assert time.monotonic() < end, "stuck after %d answers" % got.count(b"HTTP/1.1 200 OK")
            for step in ("send", "receive"):
                try:
                    if step == "receive":
                        got += sock.recv(1 << 20)
                    elif sent < len(data):
                        sent += sock.send(data[sent:sent + 262144])
                except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    select.select([sock], [], [], 0.001)
    finally:
        sock.setblocking(True)
    return got


def test_thousands_of_requests_in_one_piece(start, staff, origin, authority):
    """More than one read of them, in the clear and decrypted: each is answered, in order."""
    port, plain = free_port(), free_port()
    cert, key, _ = authority.issue("inventory.example")
    gate = start(workers=1, listeners=[
        {"address": "127.0.0.1:%d" % plain, "front": "direct"},
        {"address": "127.0.0.1:%d" % port, "front": "direct", "tls": {"certificates": [{"cert": cert, "key": key}]}}])
    gate.port = plain
    count = 1500
    wanted = b"".join(raw.head("GET", "/public/%d" % i, headers=["X-Pad: " + "p" * (i % 400)]) for i in range(count))
    for how in ({"port": plain}, {"port": port, "tls": raw.client_tls(), "sni": "inventory.example"}):
        with raw.Conn(**how) as c:
            c.buf = swap(c.sock, wanted, count)
            for i in range(count):
                answer = c.read()
                assert answer.status == 200 and answer.json["target"] == "/public/%d" % i


def test_answer_is_not_lost_to_what_follows_it(gate, staff):
    """Bytes behind a request that ends the connection: closing on them would reset the answer away."""
    ask = raw.head("GET", "/bytes?n=300000", token=staff, headers=["Connection: close"])
    for _ in range(30):
        with gate.connect() as c:
            c.send(ask + raw.head("GET", "/never", token=staff) * 2000)
            assert len(c.read().body) == 300000
            assert c.is_closed()


def test_cut_answer_without_a_length_is_no_whole_answer(gate, staff):
    """An old client knows the end by the close: only a reset tells it from a broken one."""
    for path in ("/reset-chunked", "/short-chunk"):
        with gate.connect() as c:
            c.send(raw.head("GET", path, token=staff, version="HTTP/1.0"))
            with pytest.raises(ConnectionResetError):
                while True:
                    c.fill()


def test_first_requests_with_a_new_key(start):
    """All that come while the keys are fetched wait for them; nobody refuses another."""
    issuer = Issuer("remote", "https://remote.example")
    server = JwksServer(issuer.jwks())
    gate = start(issuer=issuer, config={"issuers": {issuer.name: {
        "issuer": issuer.url, "audience": "postern", "jwks_url": server.url, "algs": list(issuer.algs)}}})
    assert gate.get("/x", issuer.person("eva", ["staff"])).status == 200
    issuer.keys["RS256"] = Key("RS256", "remote-new")
    server.jwks, server.delay = issuer.jwks(), 0.5
    new, statuses = issuer.person("eva", ["staff"]), []
    askers = [threading.Thread(target=lambda: statuses.append(gate.get("/x", new).status)) for _ in range(8)]
    for a in askers:
        a.start()
        time.sleep(0.03)
    unknown = issuer.keys["RS256"].token(issuer.claims("eva"), {"kid": "never-seen"})
    assert gate.get("/x", unknown).status == 401
    for a in askers:
        a.join()
    server.stop()
    assert statuses == [200] * 8


def test_token_behind_a_tab_is_ours_too(gate, staff, contractor):
    both = ["X-Postern-Token: " + staff, "Authorization: Bearer\t" + contractor]
    assert gate.get("/x", None, headers=both).status == 400
    for path in ("/x", "/public/x"):
        answer = gate.get(path, None, headers=["Authorization: bearer\t" + staff])
        assert answer.status == 200 and "authorization" not in [n.lower() for n, _ in answer.json["headers"]]


def test_descriptors_run_out(start, staff):
    """With none left, those who have a connection are served, and others later."""
    gate = start(workers=1, limits={resource.RLIMIT_NOFILE: 460})
    with gate.connect() as mine:
        assert mine.send(raw.head("GET", "/x", token=staff)).read().status == 200
        socks = [deaf(gate.port, b"GET / HTTP/1.1\r\n") for _ in range(400)]
        for _ in range(10):
            assert mine.send(raw.head("GET", "/x", token=staff)).read().status == 200
        for s in socks:
            s.close()
    raw.wait_for(lambda: gate.get("/x", staff).status == 200, 20 * SLOWNESS)
