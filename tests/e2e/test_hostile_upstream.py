"""Upstreams that answer early, leave in the middle or keep more than was asked for."""

import os
import signal
import socket
import threading
import time

import pytest

from harness import origin as upstream
from harness import raw
from harness.proxy import SLOWNESS, standard_policy

BIG = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbig\n"


@upstream.at("/early-then-reset")
def early_then_reset(origin, link, r):
    """Answers as soon as it sees the head, and is gone while the body still comes."""
    link.send(BIG)
    link.reset()


@upstream.at("/early-then-stay")
def early_then_stay(origin, link, r):
    """Answers at once with a long body, and never reads the request's."""
    link.begin("Content-Length: 3000000")
    link.send(b"z" * 3000000)
    time.sleep(r.number("stay", 0.5))
    raise upstream.Gone()


def post(gate, token, path, body, pieces):
    with gate.connect() as c:
        if pieces:
            c.send(raw.head("POST", path, token=token, headers=["Transfer-Encoding: chunked"]))
            try:
                for _ in range(pieces):
                    c.send(b"1\r\nx\r\n")
            except OSError:
                pass
        else:
            c.send(raw.head("POST", path, token=token, headers=["Content-Length: %d" % len(body)]))
            try:
                c.send(body)
            except OSError:
                pass
        return c.read()


@pytest.mark.parametrize("path", ["/early", "/early-then-reset"])
def test_early_answer_is_the_answer(gate, staff, path):
    """Whoever is told no in the middle of an upload hears that, and not that the upstream broke."""
    for i in range(40):
        answer = post(gate, staff, path, b"x" * (20000 * (i + 1)), pieces=0)
        assert answer.status == 413 and answer.body == b"big\n", (i, answer)


def test_early_answer_to_single_bytes(gate, staff):
    for i in range(20):
        answer = post(gate, staff, "/early", b"", pieces=300)
        assert answer.status == 413, (i, answer)


def test_long_early_answer_while_the_body_is_stuck(gate, staff):
    def push(c):
        try:
            c.send(b"y" * 20_000_000)
        except OSError:
            pass

    for _ in range(3):
        with gate.connect() as c:
            c.send(raw.head("POST", "/early-then-stay?stay=5", token=staff, headers=["Content-Length: 20000000"]))
            pusher = threading.Thread(target=push, args=(c,))
            pusher.start()
            assert len(c.read().body) == 3000000
            c.close()
            pusher.join()


def cpu(gate):
    with open("/proc/%d/stat" % gate.pid) as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_broken_upstream_and_deaf_client_cost_nothing(start, staff):
    """Both sides stuck: nothing may spin until one of them moves."""
    gate = start(workers=1, config={"limits": {"client_stall": "1m"}})
    socks = []
    for _ in range(5):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", gate.port))
        s.settimeout(0.5)
        try:
            s.sendall(raw.head("POST", "/early-then-stay", token=staff, headers=["Content-Length: 20000000"]) + b"y" * 20_000_000)
        except OSError:
            pass
        socks.append(s)
    time.sleep(1.5)                         # the upstream is gone by now
    before = cpu(gate)
    time.sleep(2)
    assert cpu(gate) - before < 0.5 * SLOWNESS
    for s in socks:
        s.close()


def serve_raw(behave, tls=None):
    """An upstream of its own; `behave(sock)` for each connection."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def one(sock):
        try:
            if tls:
                sock = tls.wrap_socket(sock, server_side=True)
            behave(sock)
        except OSError:
            pass
        finally:
            sock.close()

    def accept():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener


def test_bytes_behind_an_answer_reach_nobody(start, authority, staff):
    """A second answer right behind the first, at every place where a read may end."""
    first = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

    def behave(sock):
        sizes = [131072 - 45, 131072, 131072 - 43, 16384, 10]
        for size in sizes * 4:
            data = b""
            while b"\r\n\r\n" not in data:
                more = sock.recv(65536)
                if not more:
                    return
                data += more
            sock.sendall(first % size + b"f" * size + poison)

    listener = serve_raw(behave, authority.server("127.0.0.1"))
    policy = standard_policy("https://127.0.0.1:%d" % listener.getsockname()[1])
    policy["apps"][0]["tls"] = {"ca": authority.ca}
    gate = start(workers=1, policies={"10-apps.yaml": policy})
    for _ in range(60):
        try:
            body = gate.get("/x", staff).body
        except raw.Closed:
            continue                        # cut, as it must be
        assert b"poison" not in body, body[:100]
    listener.close()


def is_stopped(pid):
    def state(tid):
        with open("/proc/%d/task/%s/stat" % (pid, tid)) as f:
            return f.read().rsplit(") ", 1)[1][0]
    return all(state(tid) == "T" for tid in os.listdir("/proc/%d/task" % pid))


def test_answer_before_the_request_reaches_nobody(start, staff):
    """What an idle connection says is nobody's answer, even when a request takes it in that very moment."""
    poison, answer = threading.Event(), b"HTTP/1.1 200 OK\r\nX-Seen-Id: %s\r\nContent-Length: 6\r\n\r\n%s"
    taken = []

    def behave(sock):
        while True:
            head = sock.recv(65536)
            if not head:
                return
            taken.append(sock)
            sock.sendall(answer % (head.split(b"X-Request-Id: ")[1][:32], b"honest"))
            if len(taken) == 1:
                poison.wait(10)
                sock.sendall(answer % (b"0" * 32, b"poison"))

    listener = serve_raw(behave)
    gate = start(workers=1, policies={"10-apps.yaml": standard_policy("http://127.0.0.1:%d" % listener.getsockname()[1])})
    with gate.connect() as c:
        assert c.send(raw.head("GET", "/first", token=staff)).read().body == b"honest"
        gate.signal(signal.SIGSTOP)             # both are there when it looks again, the request first
        raw.wait_for(lambda: is_stopped(gate.pid), why="the process to stand still")
        c.send(raw.head("POST", "/second", token=staff, headers=["Content-Length: 2"]) + b"hi")
        time.sleep(0.05)
        poison.set()
        time.sleep(0.05)
        gate.signal(signal.SIGCONT)
        second = c.read()
    assert second.body == b"honest" and taken[1] is not taken[0]
    record = gate.record(second, path="/second")
    assert (record["status"], record["end"], record["upstream"]["reused"]) == (200, "complete", False)
    listener.close()


def test_upstreams_that_leave_idle_connections(start, staff):
    """Each connection serves one request and is closed when the next is on its way: a POST is sent
    anew only when nothing of it had left."""
    def behave(sock):
        for _ in range(2):
            data = b""
            while b"\r\n\r\n" not in data:
                more = sock.recv(65536)
                if not more:
                    return
                data += more
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    listener = serve_raw(behave)
    gate = start(workers=1, policies={"10-apps.yaml": standard_policy("http://127.0.0.1:%d" % listener.getsockname()[1])})
    for _ in range(100):
        assert gate.get("/x", staff).status == 200
    listener.close()


def test_partial_heads_do_not_take_the_buffers_of_others(start, origin, staff):
    def behave(sock):
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
        time.sleep(30)

    listener = serve_raw(behave)
    policy = standard_policy(origin.url)
    policy["apps"][1]["upstream"] = "http://127.0.0.1:%d" % listener.getsockname()[1]
    policy["rules"][0]["to"]["apps"] += ["reports"]
    gate = start(workers=1, policies={"10-apps.yaml": policy}, config={"limits": {"buffers": "1MiB", "drain_timeout": "1s"}})
    conns = [gate.connect().send(raw.head("GET", "/x", host="reports.example", token=staff)) for _ in range(60)]
    time.sleep(0.5)
    for _ in range(20):
        assert gate.get("/x", staff).status == 200
    gate.journal.wait(end="buffers", count=10, seconds=10 * SLOWNESS)
    for c in conns:
        c.close()
    listener.close()
