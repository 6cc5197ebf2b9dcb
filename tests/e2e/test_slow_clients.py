"""Idle and slow connections, as many as there are descriptors for, cost the good ones nothing."""

import resource
import socket
import time

import pytest

from harness import raw
from harness.proxy import SLOWNESS


def room():
    """Connections that postern takes: it keeps a descriptor free for each one's upstream, and its workers fill
    unevenly."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(100, min(10000, (hard - 1000) // 2 * 8 // 10))


def open_many(port, count, data=b"", answered=False):
    """Connections that have sent `data` and then nothing more; with `answered`, after the answer to it."""
    socks = []
    for _ in range(count):
        s = socket.create_connection(("127.0.0.1", port), 10)
        if data:
            s.sendall(data)
        if answered:
            assert b" 200 " in s.recv(65536)
        socks.append(s)
    return socks


def good_requests(gate, token, count=50):
    begin = time.monotonic()
    for _ in range(count):
        assert gate.get("/x", token).status == 200
    return time.monotonic() - begin


# What the slow ones have said, and how many of them: half a body holds a connection to the upstream as well, and
# who says nothing waits in the kernel, which hands over a connection when its first byte is there.
SLOW = {
    "idle": (raw.head(target="/public/x"), 10000),
    "silent": (b"", 1000),
    "half a head": (b"GET /x HTTP/1.1\r\nHost: inventory.example\r\nX-A", 3000),
    "half a body": (None, 400),
}


@pytest.mark.parametrize("what", SLOW)
def test_slow_ones_do_not_hold_up_good_ones(start, staff, what):
    gate = start(config={"limits": {"head_timeout": "5m", "body_stall": "1h", "drain_timeout": "2s"}})
    data, count = SLOW[what]
    if data is None:
        data = raw.head("POST", "/x", token=staff, headers=["Content-Length: 10"]) + b"abc"
    socks = open_many(gate.port, min(count, room()), data, what == "idle")
    try:
        assert good_requests(gate, staff) < 10 * SLOWNESS
    finally:
        for s in socks:
            s.close()
    raw.wait_for(lambda: gate.open_files() < 200, 20 * SLOWNESS, why="the descriptors to be given back")


def test_slow_head_is_ended(start, staff):
    gate = start(config={"limits": {"head_timeout": "500ms"}})
    with gate.connect() as c:
        c.send(b"GET /x HTTP/1.1\r\nHost: inventory.exa")
        assert c.read().status == 408 and c.is_closed()
    with gate.connect() as c:               # a byte now and then does not buy time
        begin = time.monotonic()
        try:
            for _ in range(100):
                c.send(b"G" if time.monotonic() == begin else b"a")
                time.sleep(0.05)
        except OSError:
            pass
        assert time.monotonic() - begin < 3 * SLOWNESS


def test_idle_connection_is_ended(start, staff):
    gate = start(config={"limits": {"keepalive_timeout": "1s"}})
    with gate.connect() as c:
        assert c.send(raw.head("GET", "/x", token=staff)).read().status == 200
        assert c.is_closed(5 * SLOWNESS)
    gate = start(config={"limits": {"head_timeout": "1s"}})
    with gate.connect() as c:               # one that never says anything
        assert c.rest()[:13] in (b"", b"HTTP/1.1 408 ")


def test_descriptor_limit_reached(start, staff):
    """No new connection can be accepted; those that are there go on, and later ones come in again."""
    gate = start(limits={resource.RLIMIT_NOFILE: 256})
    kept = gate.connect()
    assert kept.send(raw.head("GET", "/x", token=staff)).read().status == 200
    socks = open_many(gate.port, 400)
    try:
        for _ in range(20):
            assert kept.send(raw.head("GET", "/x", token=staff)).read().status in (200, 503)
        assert gate.alive()
        cpu = cpu_s(gate.pid)
        time.sleep(1)
        assert cpu_s(gate.pid) - cpu < 0.7, "it spins while it cannot accept"
    finally:
        for s in socks:
            s.close()
    raw.wait_for(lambda: gate.get("/x", staff).status == 200, 20 * SLOWNESS, 0.1, "room for a new connection")
    kept.close()


def cpu_s(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_connections_limit(start, staff):
    gate = start(workers=1, config={"limits": {"connections": 20}})
    socks = open_many(gate.port, 60)
    time.sleep(0.2)
    assert gate.alive()
    for s in socks:
        s.close()
    raw.wait_for(lambda: gate.get("/x", staff).status == 200, 20 * SLOWNESS, 0.1)


def test_churn_leaves_nothing_behind(start, staff):
    gate = start()
    good_requests(gate, staff, 20)
    before = gate.open_files()
    for i in range(500):
        with gate.connect() as c:
            if i % 5 == 0:
                c.send(raw.head("GET", "/x", token=staff)).read()
            elif i % 5 == 1:
                c.send(b"GET / HT")
            elif i % 5 == 2:
                c.send(raw.head("GET", "/bytes?n=1000000", token=staff))
            elif i % 5 == 3:
                c.send(raw.head("POST", "/x", token=staff, headers=["Content-Length: 100"]) + b"abc")
    raw.wait_for(lambda: gate.open_files() <= before + 8, 20 * SLOWNESS, why="descriptors to be given back")
