"""SIGTERM: every request on an accepted connection gets a whole answer."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import origin as upstream
from harness import people, raw
from harness.jwks import JwksServer
from harness.proxy import SLOWNESS, dump, listens

UPGRADE = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]


def test_drain_under_load(start, staff):
    gate = start(workers=2)
    answers, errors, begun = [], [], threading.Barrier(17)

    def load():
        conn = gate.connect()
        begun.wait()
        while True:
            try:
                conn.send(raw.head("GET", "/slow?after=0.05", token=staff))
            except OSError:
                return                      # closed between two requests: nothing was lost
            sent = time.monotonic()
            try:
                answer = conn.read()
                answers.append(answer)
                if answer.get("Connection") == "close":
                    return
            except (raw.Closed, ConnectionResetError) as e:
                # A request sent into a connection that was being closed while idle was never read.
                if time.monotonic() - sent > 0.04 * SLOWNESS or conn.buf:
                    errors.append(repr(e))
                return

    workers = [threading.Thread(target=load) for _ in range(16)]
    for w in workers:
        w.start()
    begun.wait()
    raw.wait_for(lambda: len(answers) > 50, 20 * SLOWNESS)
    gate.signal(signal.SIGTERM)
    for w in workers:
        w.join(20 * SLOWNESS)
    assert not errors, errors[:3]
    assert all(a.status == 200 and a.json for a in answers)
    assert gate.process.wait(20 * SLOWNESS) == 0
    gate.journal.refresh()
    recorded = {r["id"] for r in gate.journal.records if r["kind"] == "decision"}
    assert {a.id for a in answers} <= recorded, "an answer without a record"


def test_slow_answer_is_finished(start, staff):
    gate = start()
    with gate.connect() as c:
        c.send(raw.head("GET", "/slow?after=1.5", token=staff))
        raw.wait_for(lambda: gate.metrics(), 5)
        time.sleep(0.2)                     # on its way to the upstream
        gate.signal(signal.SIGTERM)
        answer = c.read()
        assert answer.status == 200 and answer.get("Connection") == "close" and c.is_closed()
    assert gate.process.wait(20 * SLOWNESS) == 0


def test_nobody_new_is_let_in(start, staff):
    gate = start()
    with gate.connect() as c:
        c.send(raw.head("GET", "/slow?after=2", token=staff))
        time.sleep(0.2)
        gate.signal(signal.SIGTERM)
        raw.wait_for(lambda: not listens(gate.port), 5 * SLOWNESS, why="the listener to close")
        assert c.read().status == 200


def test_idle_connections_end_at_once(start, staff):
    gate = start()
    conns = [gate.connect() for _ in range(20)]
    for c in conns:
        assert c.send(raw.head("GET", "/x", token=staff)).read().status == 200
    gate.signal(signal.SIGTERM)
    assert all(c.is_closed(5 * SLOWNESS) for c in conns)
    assert gate.process.wait(10 * SLOWNESS) == 0


LATE = threading.Event()


@upstream.at("/late-sse")
def late_sse(origin, link, r):
    LATE.wait(10)
    upstream.events(origin, link, r)


@upstream.at("/late-ws")
def late_ws(origin, link, r):
    LATE.wait(10)
    upstream.websocket(origin, link, r)


def has_heard(gate):
    """A worker that was told to end answers so, or has closed its listener."""
    try:
        return gate.get("/.postern/health").status == 503
    except (OSError, raw.Closed):
        return True


@pytest.mark.parametrize("path", ["/sse?n=0", "/late-sse?n=0", "/late-ws"])
def test_what_never_ends_holds_nothing_up(start, origin, staff, path):
    """Too young for the table of long visits, or asked for before the signal and begun after it."""
    gate = start(config={"limits": {"drain_timeout": "60s"}})
    LATE.clear()
    with gate.connect() as c:
        c.send(raw.head("GET", path, token=staff, headers=UPGRADE if path == "/late-ws" else []))
        if path == "/sse?n=0":
            c.head()
        else:
            raw.wait_for(lambda: origin.requests(path.split("?")[0]), why="the request at the app")
        gate.signal(signal.SIGTERM)
        raw.wait_for(lambda: "drain.begin" in gate.stderr(), 5 * SLOWNESS)
        raw.wait_for(lambda: has_heard(gate), 5 * SLOWNESS, why="the workers to hear of it")
        begin = time.monotonic()
        LATE.set()
        if path == "/late-ws":
            c.sock.settimeout(10)
            assert c.head().status == 101
            assert c.rest()[-60:].find(b"\x03\xe9") >= 0, "1001, going away"
        else:
            with pytest.raises((raw.Closed, ConnectionResetError)):
                c.head() if path != "/sse?n=0" else None
                for _ in c.chunks():
                    pass
    assert gate.process.wait(10 * SLOWNESS) == 0 and time.monotonic() - begin < 10 * SLOWNESS
    (record,) = [r for r in gate.journal.find(path=path.split("?")[0]) if "end" in r]
    assert (record["end"], record["kind"]) == ("drain", "visit.end" if path == "/late-ws" else "decision")
    assert record["status"] == (101 if path == "/late-ws" else 200) and record["decision"]["effect"] == "allow"


def test_a_stream_is_cut_at_the_end_of_the_time(start, staff):
    gate = start(config={"limits": {"drain_timeout": "1s"}})
    with gate.connect() as c:
        c.send(raw.head("GET", "/chunked?n=10000&gap=0.05", token=staff))
        answer = c.head()
        begin = time.monotonic()
        gate.signal(signal.SIGTERM)
        with pytest.raises((raw.Closed, ConnectionResetError)):
            for _ in c.chunks():
                pass
        assert time.monotonic() - begin < 6 * SLOWNESS
    assert gate.process.wait(10 * SLOWNESS) == 0
    assert gate.record(answer)["end"]


def test_second_signal_ends_at_once(start, staff):
    gate = start()
    gate.expect_alarm = True
    with gate.connect() as c:
        c.send(raw.head("GET", "/chunked?n=10000&gap=0.05", token=staff))
        c.head()
        gate.signal(signal.SIGTERM)
        time.sleep(0.3)
        gate.signal(signal.SIGTERM)
        gate.process.wait(15 * SLOWNESS)


def test_passwords_are_checked_and_keys_arrive_at_the_end(start, origin):
    """What is waited for then is answered by nobody who is gone."""
    shelves = [JwksServer({"keys": []}) for _ in range(24)]
    issuers = {"keys-%d" % i: {"issuer": "https://%d.example" % i, "audience": "x", "jwks_url": s.url}
               for i, s in enumerate(shelves)}
    gate = start(ready=False, policies={"10-apps.yaml": people.policy(origin.url)}, wait=False)
    gate.write_config(**people.configure(gate.port, issuers={"people": "builtin", **issuers}))
    gate.write("users.yaml", dump(people.users()))
    os.chmod(gate.path("users.yaml"), 0o600)
    for i, s in enumerate(shelves):
        s.delay = 3.0 + i * 0.02
    gate.start()
    begin = time.monotonic()
    browsers = [people.Browser(gate.port) for _ in range(4)]
    pages = [b.get("http://inventory.postern.localhost:%d/" % gate.port) for b in browsers]
    time.sleep(max(0.0, begin + 2.95 - time.monotonic()))
    with ThreadPoolExecutor(len(browsers)) as pool:
        for b, page in zip(browsers, pages):
            pool.submit(b.sign_in, page, "eva@corp.example", "wrong")
        time.sleep(0.1)
        gate.signal(signal.SIGTERM)
        time.sleep(0.02)
        gate.signal(signal.SIGTERM)
        assert gate.process.wait(15 * SLOWNESS) == 0
    for s in shelves:
        s.stop()


def test_restart_on_the_same_port(start, staff):
    gate = start()
    for _ in range(3):
        assert gate.get("/x", staff).status == 200
        assert gate.stop() == 0
        gate.start()
    assert gate.get("/x", staff).status == 200


def test_health_says_that_it_drains(start, staff):
    """Whoever asks on a connection that is open yet is told; so is the administrators' address."""
    gate = start()
    with gate.connect() as c, gate.connect() as busy, raw.Conn(gate.admin_port) as admin:
        assert c.send(raw.head(target="/.postern/health")).read().status == 200
        assert admin.send(raw.head(target="/readyz")).read().status == 200
        busy.send(raw.head("GET", "/slow?after=2", token=staff))
        raw.wait_for(lambda: gate.metrics()["postern_decisions_allowed_total"] >= 1, 5)
        gate.signal(signal.SIGTERM)
        raw.wait_for(lambda: "drain.begin" in gate.stderr(), 5)
        # a worker hears of it a moment after the line was written
        health = lambda: c.send(raw.head(target="/.postern/health")).read()
        answer = raw.wait_for(lambda: next((a for a in [health()] if a.status != 200), None), 2)
        assert answer.status == 503 and answer.text == "draining\n"
        assert admin.send(raw.head(target="/readyz")).read().status == 503
        assert busy.read().status == 200
