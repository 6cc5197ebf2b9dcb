"""Bodies: sizes, streaming with back-pressure, Expect, pipelining, keep-alive."""

import hashlib
import json
import os
import threading
import time

import pytest

from harness import raw
from harness.proxy import SLOWNESS, standard_policy

MIB = 1 << 20


@pytest.fixture(scope="module")
def gate(start_shared, origin):
    policy = standard_policy(origin.url)
    policy["apps"].append({**policy["apps"][0], "name": "small", "host": "small.example", "max_body": "1KiB"})
    policy["rules"][0]["to"]["apps"].append("small")
    return start_shared(policies={"10-apps.yaml": policy}, config={"limits": {"body_stall": "1s", "client_stall": "2s"}})


def rss_kib(pid):
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


@pytest.mark.parametrize("size", [0, 1, 1023, 16384, 65536, 131072, 131073, MIB, 10 * MIB])
def test_answer_of_a_size(gate, staff, size):
    answer = gate.get("/bytes?n=%d" % size, staff)
    assert answer.status == 200 and len(answer.body) == size
    assert answer.body == (b"0123456789abcdef" * (size // 16 + 1))[:size]


@pytest.mark.parametrize("size", [0, 1, 16384, 65536, 131072, 131073, 3 * MIB])
@pytest.mark.parametrize("chunked", [False, True])
def test_request_of_a_size(gate, staff, size, chunked):
    body = os.urandom(size)
    if chunked:
        data = raw.head("POST", "/x", token=staff, headers=["Transfer-Encoding: chunked"])
        pieces = [body[i:i + 50000] for i in range(0, size, 50000)]
        data += b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
        answer = gate.raw(data)
    else:
        answer = gate.request("POST", "/x", staff, body=body)
    assert answer.status == 200
    assert answer.json["body_sha256"] == hashlib.sha256(body).hexdigest() and answer.json["body_bytes"] == size


def test_chunked_answer(gate, staff):
    answer = gate.get("/chunked?n=100&size=8000", staff)
    assert answer.get("Transfer-Encoding") == "chunked" and len(answer.body) == 800000
    assert answer.get("X-Trailer") is None


def test_chunked_answer_for_an_old_client(gate, staff):
    with gate.connect() as c:
        c.send(raw.head("GET", "/chunked?n=10&size=8", token=staff, version="HTTP/1.0"))
        answer = c.read()
        assert answer.get("Transfer-Encoding") is None and len(answer.body) == 80


def test_answer_until_close(gate, staff):
    assert gate.get("/until-close?n=1000", staff).body == b"to the end\n" * 1000


def test_byte_by_byte(gate, staff):
    data = raw.head("POST", "/x", token=staff, headers=["Transfer-Encoding: chunked"]) + b"3;e=f\r\nabc\r\n0\r\n\r\n"
    with gate.connect() as c:
        for i in range(len(data)):
            c.send(data[i:i + 1])
        assert c.read().json["body_bytes"] == 3


@pytest.mark.parametrize("how", ["length", "chunked"])
def test_body_over_the_apps_limit(gate, staff, how):
    with gate.connect() as c:
        if how == "length":
            c.send(raw.head("POST", "/x", "small.example", staff, ["Content-Length: 2000"]) + b"a" * 2000)
        else:
            c.send(raw.head("POST", "/x", "small.example", staff, ["Transfer-Encoding: chunked"])
                   + b"7d0\r\n" + b"a" * 2000 + b"\r\n0\r\n\r\n")
        assert c.read().status == 413
    assert gate.request("POST", "/x", staff, host="small.example", body=b"a" * 1024).status == 200


def test_length_over_the_limit_is_refused_at_once(gate, staff):
    with gate.connect() as c:
        c.send(raw.head("POST", "/x", "small.example", staff, ["Content-Length: 99999999999"]))
        assert c.read().status == 413


# ---- Expect: 100-continue -------------------------------------------------------------------

def test_continue_after_the_decision(gate, staff):
    with gate.connect() as c:
        c.send(raw.head("POST", "/x", token=staff, headers=["Expect: 100-continue", "Content-Length: 3"]))
        assert c.read(interim=True).status == 100
        c.send(b"abc")
        answer = c.read()
        assert answer.json["body_bytes"] == 3
        assert "expect" not in [n.lower() for n, _ in answer.json["headers"]]


def test_no_continue_for_the_refused(gate):
    with gate.connect() as c:
        c.send(raw.head("POST", "/x", headers=["Expect: 100-continue", "Content-Length: 3"]))
        assert c.read(interim=True).status == 401


def test_no_continue_for_too_much(gate, staff):
    with gate.connect() as c:
        c.send(raw.head("POST", "/x", "small.example", staff, ["Expect: 100-continue", "Content-Length: 5000"]))
        assert c.read(interim=True).status == 413


# ---- pipelining and keep-alive --------------------------------------------------------------

def test_pipelined_requests_are_answered_in_order(gate, staff):
    many = b"".join(raw.head("GET", "/p%d" % i, token=staff) for i in range(50))
    with gate.connect() as c:
        c.send(many)
        assert [c.read().json["target"] for _ in range(50)] == ["/p%d" % i for i in range(50)]


def test_pipelined_bodies_and_refusals(gate, staff):
    data = (raw.head("POST", "/a", token=staff, headers=["Content-Length: 3"]) + b"abc" + raw.head("GET", "/b")
            + raw.head("POST", "/c", token=staff, headers=["Transfer-Encoding: chunked"]) + b"1\r\nx\r\n0\r\n\r\n"
            + raw.head("GET", "/d", token=staff))
    with gate.connect() as c:
        c.send(data)
        answers = [c.read() for _ in range(4)]
    assert [a.status for a in answers] == [200, 401, 200, 200]
    assert [a.json.get("target") for a in answers] == ["/a", None, "/c", "/d"]


def test_bytes_that_are_no_request(gate, staff):
    with gate.connect() as c:
        c.send(raw.head("GET", "/a", token=staff) + b"\0\1\2 no request\r\n\r\n")
        assert c.read().status == 200 and c.read().status == 400 and c.is_closed()


def test_slow_answer_holds_back_the_next(gate, staff):
    with gate.connect() as c:
        c.send(raw.head("GET", "/slow?after=0.3", token=staff) + raw.head("GET", "/b", token=staff))
        assert c.read().json["target"].startswith("/slow") and c.read().json["target"] == "/b"


def test_keep_alive_and_close(gate, staff):
    with gate.connect() as c:
        for _ in range(5):
            assert c.send(raw.head("GET", "/x", token=staff)).read().get("Connection") != "close"
        c.send(raw.head("GET", "/x", token=staff, headers=["Connection: close"]))
        assert c.read().get("Connection") == "close" and c.is_closed()


def test_old_client(gate, staff):
    with gate.connect() as c:
        c.send(raw.head("GET", "/x", token=staff, version="HTTP/1.0"))
        assert c.read().status == 200 and c.is_closed()


def test_upstream_connection_is_used_again(gate, origin, staff):
    gate.get("/x", staff)
    before = origin.connections
    with gate.connect() as c:
        for _ in range(20):
            assert c.send(raw.head("GET", "/x", token=staff)).read().status == 200
    assert origin.connections - before <= 1


def test_upstream_connection_that_died_is_replaced(gate, origin, staff):
    for _ in range(10):
        assert gate.get("/x", staff).status == 200
        origin.drop()
        assert gate.get("/x", staff).status == 200


def test_head_of_an_answer_with_length(gate, staff):
    with gate.connect() as c:
        c.send(raw.head("HEAD", "/bytes?n=5000", token=staff))
        answer = c.read("HEAD")
        assert answer.get("Content-Length") == "5000"
        assert c.send(raw.head("GET", "/x", token=staff)).read().status == 200


@pytest.mark.parametrize("code", [204, 304])
def test_answer_without_a_body(gate, staff, code):
    with gate.connect() as c:
        assert c.send(raw.head("GET", "/status?code=%d" % code, token=staff)).read().status == code
        assert c.send(raw.head("GET", "/x", token=staff)).read().status == 200


def test_early_answer(gate, staff):
    """The upstream answers while the body is still coming: the person sees its answer."""
    with gate.connect() as c:
        c.send(raw.head("POST", "/early", token=staff, headers=["Content-Length: %d" % (8 * MIB)]) + b"a" * 65536)
        assert c.read().status == 413


def test_early_hints_pass_or_are_dropped(gate, staff):
    assert gate.get("/early-hints", staff).status == 200


# ---- back-pressure --------------------------------------------------------------------------

def test_slow_client_holds_back_the_upstream(gate, origin, staff):
    size = 256 * MIB
    before = rss_kib(gate.pid)
    with gate.connect(rcvbuf=65536) as c:
        c.send(raw.head("GET", "/bytes?n=%d" % size, token=staff))
        c.head()
        seen = raw.wait_for(lambda: origin.requests("/bytes"), why="the request at the upstream")[-1]
        settle(lambda: seen.sent)
        assert seen.sent < 64 * MIB and rss_kib(gate.pid) - before < 32 * 1024


def test_slow_upstream_holds_back_the_client(gate, origin, staff):
    before = rss_kib(gate.pid)
    origin.paused.set()
    sent = [0]
    try:
        with gate.connect() as c:
            c.send(raw.head("POST", "/slow-reader", token=staff, headers=["Content-Length: %d" % (64 * MIB)]))

            def push():
                try:
                    while sent[0] < 64 * MIB:
                        c.sock.sendall(b"a" * 65536)
                        sent[0] += 65536
                except OSError:
                    pass

            pusher = threading.Thread(target=push)
            pusher.start()
            settle(lambda: sent[0])
            assert sent[0] < 48 * MIB and rss_kib(gate.pid) - before < 32 * 1024
            origin.paused.clear()
            pusher.join(30)
            assert c.read().body == b"%d" % (64 * MIB)
    finally:
        origin.paused.clear()


def settle(what, seconds=10 * SLOWNESS):
    """Waits until a growing number stands still for a while."""
    end, last, since = time.monotonic() + seconds, None, time.monotonic()
    while time.monotonic() < end:
        now = what()
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > 0.5:
            return
        time.sleep(0.02)


def test_body_that_stalls(gate, staff):
    with gate.connect() as c:
        c.send(raw.head("POST", "/x", token=staff, headers=["Content-Length: 10"]) + b"abc")
        assert c.read().status == 408 and c.is_closed()


def test_client_that_takes_nothing_is_closed(gate, staff):
    with gate.connect(rcvbuf=65536) as c:
        c.send(raw.head("GET", "/bytes?n=%d" % (64 * MIB), token=staff))
        answer = c.head()
        record = gate.record(answer, )
        assert record["end"] not in (None, "", "done"), json.dumps(record)


def test_client_that_leaves_is_noticed(gate, origin, staff):
    with gate.connect() as c:
        c.send(raw.head("GET", "/sse?n=0", token=staff))
        answer = c.head()
    record = gate.record(answer)
    assert record["end"], record
