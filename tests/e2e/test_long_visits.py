"""What runs for long is decided again: at the edge of a rule, at the end of a token, on new rules; and ends with its reason."""

import datetime
import json
import socket
import struct
import time

import pytest

from harness import faults as tool
from harness import raw
from harness.faults import Faults
from harness.proxy import SLOWNESS, standard_policy

from test_websocket import close_code, open_socket

SOON = {"limits": {"visit_after": "1s"}}


def with_rule(upstream, **rule):
    """Who is in `visitors` is allowed by one more rule."""
    policy = standard_policy(upstream)
    policy["rules"].append({"id": "visit", "effect": "allow", "who": {"groups": ["visitors"]}, "to": {"apps": ["inventory"]}, **rule})
    return {"10-apps.yaml": policy}


def without(upstream, rule_id="staff-all"):
    policy = standard_policy(upstream)
    policy["rules"] = [r for r in policy["rules"] if r["id"] != rule_id]
    return policy


def instant(seconds):
    return datetime.datetime.utcfromtimestamp(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def stream(gate, token, target="/sse?n=0&gap=0.02"):
    c = gate.connect()
    c.send(raw.head("GET", target, token=token))
    return c, c.head()


def cut_at(c):
    """When the answer broke off; it must not look whole."""
    with pytest.raises((raw.Closed, ConnectionResetError)):
        for _ in c.chunks():
            pass
    return time.time()


def ended(gate, ident, end, reason, kind="decision"):
    record = gate.journal.wait(kind=kind, id=ident)
    assert (record["end"], record["decision"]["effect"], record["decision"]["reason"]) == (end, "deny", reason), record
    return record


# ---- edges ----------------------------------------------------------------------------------

def test_stream_ends_with_its_rule(start, issuer, origin):
    edge = int(time.time()) + 4
    gate = start(config=SOON, policies=with_rule(origin.url, expires=instant(edge)))
    c, answer = stream(gate, issuer.person("vis", ["visitors"]))
    opened = gate.journal.wait(kind="request.open", id=answer.id)
    assert opened["decision"]["effect"] == "allow" and opened["decision"]["valid_until"] == edge
    assert edge <= cut_at(c) < edge + 1.0 * SLOWNESS
    record = ended(gate, answer.id, "policy", "default-deny")
    assert record["bytes_out"] > 0 and record["duration_us"] > 1000000
    assert gate.get("/x", issuer.person("vis", ["visitors"])).status == 403


def test_websocket_ends_with_its_rule(start, issuer, origin):
    edge = int(time.time()) + 3
    gate = start(policies=with_rule(origin.url, expires=instant(edge)))
    with open_socket(gate, issuer.person("vis", ["visitors"])) as s:
        opened = gate.journal.wait(kind="visit.start")
        assert opened["decision"]["valid_until"] == edge and opened["decision"]["rules"] == ["visit"]
        code, text = close_code(s)
        assert code == 1008 and "no longer" in text and edge <= time.time() < edge + 1.0 * SLOWNESS
        assert s.conn.is_closed()
    ended(gate, opened["id"], "policy", "default-deny", "visit.end")


def test_rule_that_begins(start, issuer, origin):
    """A deny that starts at an instant ends what an allow had let in."""
    edge = int(time.time()) + 3
    policy = standard_policy(origin.url)
    policy["rules"].append({"id": "from-now-on", "effect": "deny", "who": {"groups": ["staff"]}, "to": "everything", "starts": instant(edge)})
    gate = start(policies={"10-apps.yaml": policy})
    with open_socket(gate, issuer.person("eva", ["staff"])) as s:
        assert close_code(s)[0] == 1008 and edge <= time.time() < edge + 1.0 * SLOWNESS
    assert ended(gate, gate.journal.find(kind="visit.start")[0]["id"], "policy", "deny-rule", "visit.end")["decision"]["rules"] == ["from-now-on"]


def test_edge_of_a_schedule(start, issuer, origin, tmp_path):
    """Office hours end at 17:00 in Stockholm; the clock is set to a moment before."""
    if not tool.compiler():
        pytest.skip("no compiler for the library that sets the clock")
    faults = Faults(tmp_path)
    edge = 1795795200                       # Friday 2026-11-27 16:00:00 UTC, 17:00 in Stockholm
    policies = with_rule(origin.url, when="office-hours")
    policies["10-apps.yaml"]["define"] = {"schedules": {"office-hours": {
        "days": ["mon", "tue", "wed", "thu", "fri"], "hours": ["08:00-12:00", "13:00-17:00"], "timezone": "Europe/Stockholm"}}}
    faults.say("clock=%d" % (edge - 3 - int(time.time())))
    ahead = edge - 3 - int(time.time())
    gate = start(env=faults.env, policies=policies)
    token = issuer.person("vis", ["visitors"], iat=edge - 3600, exp=edge + 3600)
    with open_socket(gate, token) as s:
        assert gate.journal.wait(kind="visit.start")["decision"]["valid_until"] == edge
        assert close_code(s)[0] == 1008
        assert edge - 0.1 <= time.time() + ahead < edge + 1.1 * SLOWNESS
    answer = gate.get("/x", token)
    assert answer.status == 403 and "2026-11-30 07:00 UTC" in answer.text, "the remedy says when it opens again"
    assert "when" in gate.record(answer)["decision"]["causes"]


def test_token_that_ends(start, issuer, origin):
    """It ends a stream, a download to a slow reader, an upload and a WebSocket alike."""
    gate = start(config=SOON)
    end = int(time.time()) + 4
    token = issuer.person("eva", ["staff"], exp=end)
    c, answer = stream(gate, token)
    slow = gate.connect(rcvbuf=65536)
    slow.send(raw.head("GET", "/bytes?n=500000000", token=token))
    download = slow.head()
    upload = gate.connect()
    upload.send(raw.head("POST", "/x", token=token, headers=["Content-Length: 100000"]) + b"abc")
    with open_socket(gate, token) as s:
        code, text = close_code(s)
        assert code == 1008 and "expired" in text
    assert end <= cut_at(c) < end + 1.0 * SLOWNESS
    for ident in (answer.id, download.id):
        ended(gate, ident, "expired", "auth.none")
    uploads = [r for r in gate.journal.find(kind="decision", method="POST")] or [gate.journal.wait(kind="decision", method="POST")]
    assert uploads[0]["end"] == "expired"
    raw.wait_for(lambda: gate.metrics()["postern_long_visits_open"] == 0, 5 * SLOWNESS)
    assert gate.metrics()["postern_long_visits_ended_total"] >= 4
    slow.close(), upload.close()


# ---- new rules ------------------------------------------------------------------------------

def test_new_rules_end_a_stream(start, origin, staff, contractor):
    """Whoever is still allowed goes on, byte by byte."""
    gate = start(config=SOON)
    c, answer = stream(gate, staff)
    kept, kept_answer = stream(gate, contractor)
    gate.journal.wait(kind="request.open", id=answer.id)
    gate.journal.wait(kind="request.open", id=kept_answer.id)
    gate.policy(without(origin.url))
    gate.journal.wait(kind="policy.loaded", count=2)
    told = time.time()
    assert cut_at(c) < told + 1.0 * SLOWNESS
    record = ended(gate, answer.id, "policy", "default-deny")
    assert record["policy"]["generation"] == 2, "the policy that ended it"
    events = kept.chunks()
    for _ in range(20):
        next(events)
    kept.close()


def test_new_rules_end_who_takes_nothing(start, origin, staff):
    """A client that reads nothing cannot hold its visit open."""
    gate = start(config=SOON)
    slow = gate.connect(rcvbuf=65536)
    slow.send(raw.head("GET", "/bytes?n=500000000", token=staff))
    answer = slow.head()
    gate.journal.wait(kind="request.open", id=answer.id)
    with open_socket(gate, staff) as s:
        # the echo fills every buffer on the way: it is not read here
        s.conn.sock.settimeout(1)
        try:
            for _ in range(400):
                s.send(b"x" * 60000)
        except (socket.timeout, TimeoutError):
            pass
        gate.policy(without(origin.url))
        gate.journal.wait(kind="policy.loaded", count=2)
        told = time.monotonic()
        ended(gate, answer.id, "policy", "default-deny")
        end = gate.journal.wait(kind="visit.end")
        assert end["end"] == "policy" and time.monotonic() - told < 1.5 * SLOWNESS
    slow.close()


def test_change_before_it_counts_as_long(start, origin, staff):
    """The rules changed while it was young: when it has run long enough to stand, it is decided by the new ones."""
    gate = start(config={"limits": {"visit_after": "2s"}})
    begin = time.time()
    c, answer = stream(gate, staff)
    gate.policy(without(origin.url))
    gate.journal.wait(kind="policy.loaded", count=2)
    assert cut_at(c) < begin + 3.0 * SLOWNESS
    ended(gate, answer.id, "policy", "default-deny")


@pytest.mark.parametrize("what", ["all rules gone", "a deny", "a require"])
def test_what_ends_a_websocket(start, origin, staff, what):
    gate = start()
    policy = standard_policy(origin.url)
    if what == "all rules gone":
        del policy["rules"]
    elif what == "a deny":
        policy["rules"].append({"id": "no", "effect": "deny", "who": "anyone", "to": {"apps": ["inventory"], "paths": ["/ws"]}})
    else:
        policy["rules"].append({"id": "strong", "effect": "require", "who": "anyone", "to": "everything", "auth": {"mfa": True}})
    with open_socket(gate, staff) as s:
        gate.policy(policy)
        gate.journal.wait(kind="policy.loaded", count=2)
        begin = time.monotonic()
        assert close_code(s)[0] == 1008 and time.monotonic() - begin < 1.0 * SLOWNESS
    reason = {"a deny": "deny-rule", "a require": "require-failed"}.get(what, "default-deny")
    ended(gate, gate.journal.wait(kind="visit.start")["id"], "policy", reason, "visit.end")
    assert gate.metrics()["postern_long_visits_displaced_total"] == 0


# what became of the app -> end, reason, close code, its words
DISPLACED = {
    "app gone": ("app-gone", "input:host", 1008, "no app of this name"),
    "host gone": ("app-gone", "input:host", 1008, "no app of this name"),
    "host of another app": ("app-gone", "input:host", 1008, "no app of this name"),
    "websockets off": ("websocket-off", "ws.off", 1008, "no WebSockets"),
    "another upstream": ("upstream-changed", "upstream.changed", 1012, "another upstream"),
}


def displaced(what, origin):
    """The rules let everybody in as before; the app is not what it was."""
    policy = standard_policy(origin.url)
    app = policy["apps"][0]
    if what == "app gone":
        policy["apps"] = policy["apps"][1:]
        policy["rules"] = [{"id": "r", "effect": "allow", "who": "anyone", "to": {"apps": ["reports"]}}]
    elif what == "host gone":
        app["host"] = "moved.example"
    elif what == "host of another app":
        app["host"], policy["apps"][1]["host"] = policy["apps"][1]["host"], app["host"]
        policy["rules"].append({"id": "r", "effect": "allow", "who": "anyone", "to": {"apps": ["reports"]}})
    elif what == "websockets off":
        app["websocket"] = False
    else:
        app["upstream"] = origin.url.replace("127.0.0.1", "localhost")
    return policy


@pytest.mark.parametrize("what", DISPLACED)
def test_app_that_is_not_what_it_was_ends_a_websocket(start, origin, staff, what):
    end, reason, code, words = DISPLACED[what]
    gate = start()
    with open_socket(gate, staff) as s:
        gate.policy(displaced(what, origin))
        gate.journal.wait(kind="policy.loaded", count=2)
        begin = time.monotonic()
        got, text = close_code(s)
        assert time.monotonic() - begin < 1.0 * SLOWNESS
        assert got == code and words in text and s.conn.is_closed()
    record = ended(gate, gate.journal.wait(kind="visit.start")["id"], end, reason, "visit.end")
    assert record["policy"]["generation"] == 2, "the configuration that ended it"
    counts = gate.metrics()
    assert counts["postern_long_visits_displaced_total"] == counts["postern_long_visits_ended_total"] == 1
    assert counts["postern_long_visits_open"] == 0


@pytest.mark.parametrize("what", DISPLACED)
def test_app_that_is_not_what_it_was_ends_a_stream(start, origin, staff, what):
    """All but WebSockets that are switched off, which are nothing to it."""
    end, reason, _, _ = DISPLACED[what]
    gate = start(config=SOON)
    c, answer = stream(gate, staff)
    gate.journal.wait(kind="request.open", id=answer.id)
    gate.policy(displaced(what, origin))
    gate.journal.wait(kind="policy.loaded", count=2)
    begin = time.time()
    if what == "websockets off":
        events = c.chunks()
        for _ in range(60):
            next(events)
        c.close()
        assert gate.record(answer)["end"] == "client-abort"
        return
    assert cut_at(c) < begin + 1.0 * SLOWNESS
    ended(gate, answer.id, end, reason)


def test_path_that_is_refused_now_ends_its_visits(start, origin, staff):
    """An upload that runs for long goes to a path that a new request may not have any more."""
    policy = standard_policy(origin.url)
    policy["apps"][0]["path_params"] = "pass"
    gate = start(config=SOON, policies={"10-apps.yaml": policy})
    with gate.connect() as c:
        c.send(raw.head("POST", "/up;version=2", token=staff, headers=["Content-Length: 100"]) + b"begun")
        ident = gate.journal.wait(kind="request.open", path="/up;version=2")["id"]
        gate.policy(standard_policy(origin.url))
        gate.journal.wait(kind="policy.loaded", count=2)
        assert c.is_closed()
        ended(gate, ident, "policy", "input:path")
    assert gate.get("/up;version=2", staff).status == 400


def test_other_settings_of_an_app_end_nobody(start, origin, staff):
    gate = start()
    policy = standard_policy(origin.url)
    policy["apps"][0].update(title="Stock", max_body="1MiB", timeouts={"connect": "1s"}, aliases=["stock.example"])
    policy["apps"].reverse()
    with open_socket(gate, staff) as s:
        gate.policy(policy)
        gate.journal.wait(kind="policy.loaded", count=2)
        for _ in range(10):
            s.send(b"still here")
            assert s.read() == (1, b"still here")
            time.sleep(0.02)


def test_issuer_that_is_gone_ends_its_visits(start, issuer, staff):
    gate = start()
    with open_socket(gate, staff) as s:
        gate.write_config(issuers={"other": {**gate.config["issuers"][issuer.name], "issuer": "https://other.example"}})
        assert close_code(s)[0] == 1008
    ended(gate, gate.journal.wait(kind="visit.start")["id"], "policy", "auth.none", "visit.end")


@pytest.mark.parametrize("change", [{"audience": "other"}, {"claims": {"groups": "roles"}}, {"algs": ["ES256"]}])
def test_other_settings_of_the_issuer_end_its_visits(start, issuer, staff, change):
    """A new request with the same token would be nobody, or somebody else."""
    gate = start()
    with open_socket(gate, staff) as s:
        settings = gate.config["issuers"][issuer.name]
        gate.write_config(issuers={issuer.name: {**settings, **change}})
        code, text = close_code(s)
        assert code == 1008 and "decision" in text and s.conn.is_closed()
    ended(gate, gate.journal.wait(kind="visit.start")["id"], "policy", "auth.none", "visit.end")
    assert gate.get("/x", staff).status in (401, 403)


def test_broken_rules_end_nobody(start, staff):
    gate = start()
    with open_socket(gate, staff) as s:
        gate.write("policies/10-apps.yaml", "version: 1\nrules: [\n")
        gate.journal.wait(kind="policy.failed")
        s.send(b"still here")
        assert s.read() == (1, b"still here")


def test_would_be_refused_goes_on(start, origin, staff):
    """A rule in audit mode says what it would do and does nothing."""
    gate = start()
    policy = standard_policy(origin.url)
    policy["rules"].append({"id": "trial", "effect": "deny", "mode": "audit", "who": {"groups": ["staff"]}, "to": "everything"})
    with open_socket(gate, staff) as s:
        gate.policy(policy)
        gate.journal.wait(kind="policy.loaded", count=2)
        s.send(b"still here")
        assert s.read() == (1, b"still here")
    record = gate.record(gate.get("/x", staff))
    assert record["decision"]["would"] == "deny" and record["decision"]["would_rules"] == ["trial"]
    assert gate.metrics()["postern_would_deny_total"] >= 1


# ---- records and limits ---------------------------------------------------------------------

@pytest.mark.parametrize("sync", ["batch", "always"])
def test_records_of_long_visits(start, origin, staff, sync):
    """A stream: request.open and its end. A WebSocket: visit.start and visit.end. One of each, joined by the id."""
    gate = start(config={**SOON, "audit": {"file": "access.jsonl", "sync": sync}})
    c, answer = stream(gate, staff, "/sse?n=90&gap=0.02")
    assert b"".join(c.chunks()).count(b"data:") == 90
    close = "decision" if sync == "batch" else "request.close"
    record = gate.journal.wait(kind=close, id=answer.id)
    assert record["end"] == "complete" and record["status"] == 200 and record["decision"]["effect"] == "allow"
    assert len(gate.journal.find(kind="request.open", id=answer.id)) == 1
    with open_socket(gate, staff) as s:
        s.send(struct.pack(">H", 1000), 8)
        s.read()
    visit = gate.journal.wait(kind="visit.end")
    assert visit["end"] == "complete" and visit["status"] == 101 and visit["bytes_out"] > 0 and visit["protocol"] == "websocket"
    kinds = sorted(r["kind"] for r in gate.journal.find(id=visit["id"]))
    assert kinds == (["visit.end", "visit.start"] if sync == "batch" else ["request.open", "visit.end", "visit.start"]), kinds
    c.close()


def test_drain_closes_websockets(start, staff):
    gate = start(config={"limits": {"drain_timeout": "10s"}})
    with open_socket(gate, staff) as s:
        gate.signal(15)
        code, text = close_code(s)
        assert code == 1001 and "shutting down" in text
    assert gate.process.wait(10 * SLOWNESS) == 0
    assert gate.journal.wait(kind="visit.end")["end"] == "drain"


def test_table_of_long_visits_is_full(start, staff):
    """One more than the table takes is refused; a place that gets free is given again."""
    gate = start(workers=1, config={"limits": {"long_visits": 3}})
    kept = [open_socket(gate, staff) for _ in range(3)]
    c = gate.connect()
    c.send(raw.head("GET", "/ws", token=staff, headers=["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                                                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]))
    answer = c.read()
    assert answer.status == 503, answer
    assert gate.record(answer)["end"] == "visits-full"
    kept.pop().conn.close()
    raw.wait_for(lambda: gate.metrics()["postern_long_visits_open"] == 2, 5 * SLOWNESS)
    open_socket(gate, staff).conn.close()
    for s in kept:
        s.send(b"x")
        assert s.read() == (1, b"x")
        s.conn.close()


def test_kill_and_the_open_record(start, staff):
    """Killed in the middle of a visit: that it began is in the log."""
    gate = start(config={"audit": {"file": "access.jsonl", "sync": "always"}})
    with open_socket(gate, staff):
        ident = gate.journal.wait(kind="visit.start")["id"]
        gate.kill()
    gate.start()
    assert {r["kind"] for r in gate.journal.find(id=ident)} == {"request.open", "visit.start"}
    assert json.dumps(gate.journal.find(id=ident)[0]["decision"])
