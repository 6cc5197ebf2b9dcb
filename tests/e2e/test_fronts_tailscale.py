"""On a tailnet: the local daemon says whose a connection is, by its address alone."""

import threading
import time

import pytest

from harness import raw
from harness.fronts import Tailscaled, node
from harness.ports import free_port
from harness.proxy import SLOWNESS, allow, app

ME = "127.0.0.1"


def rules(upstream):
    return {
        "version": 1,
        "apps": [app("inventory", upstream, identity={"headers": {"X-WEBAUTH-USER": "email"}})],
        "rules": [
            allow("eva", who={"users": ["eva@corp.example"]}, to={"apps": ["inventory"]}),
            allow("servers", who={"services": ["server"]}, to={"apps": ["inventory"]}),
            allow("staff", who={"groups": ["staff"]}, to={"apps": ["inventory"]}),
        ]}


@pytest.fixture
def daemon(tmp_path):
    d = Tailscaled(str(tmp_path))
    yield d
    d.close()


@pytest.fixture
def gate(start, origin, daemon):
    ports = [free_port(), free_port()]
    front = {"tailscale": {"socket": daemon.path, "trusted": ["127.0.0.0/8"]}}
    g = start(policies={"10.yaml": rules(origin.url)}, config={
        "services": {"server": {"issuer": "tailscale", "match": {"tags": "tag:server"}}}},
        listeners=[{"address": "127.0.0.1:%d" % ports[0], "front": front},
                   {"address": "127.0.0.1:%d" % ports[1], "front": {"tailscale": {"socket": daemon.path, "name": "elsewhere"}}}],
        workers=1)
    g.port, g.outside = ports
    return g


def ask(gate, *headers, port=None, **how):
    return raw.request(port or gate.port, target="/x", host="inventory.example", headers=list(headers), **how)


def refused(gate, answer, status=401, reason="auth.none"):
    assert answer.status == status, answer
    record = gate.record(answer)
    assert (record["decision"]["effect"], record["decision"]["reason"]) == ("deny", reason), record
    assert not record.get("identity")
    return record


def test_a_person(gate, daemon):
    daemon.answers[ME] = node(ME, "eva@corp.example")
    answer = ask(gate, "Tailscale-User-Login: boss@corp.example")
    assert answer.status == 200, answer
    up = {n.lower(): v for n, v in answer.json["headers"]}
    assert up["x-webauth-user"] == "eva@corp.example" and "tailscale-user-login" not in up
    record = gate.record(answer)
    assert record["identity"]["subject"] == "12" and record["identity"]["issuer_name"] == "tailscale"
    assert record["auth"]["kind"] == "whois" and "alg" not in record["auth"]
    assert record["client"]["front"] == "tailscale" and record["spoof_attempts"] == 1
    assert daemon.hosts == ["local-tailscaled.sock"] and daemon.asked[0].startswith(ME + ":")


def test_one_connection_is_asked_about_once(gate, daemon):
    daemon.answers[ME] = node(ME, "eva@corp.example")
    with raw.Conn(gate.port) as c:
        for _ in range(20):
            c.send(raw.head(target="/x", host="inventory.example"))
            assert c.read().status == 200
    assert len(daemon.asked) == 1


def test_requests_at_once_share_one_question(gate, daemon):
    daemon.answers[ME], daemon.delay = node(ME, "eva@corp.example"), 0.3
    with raw.Conn(gate.port) as c:
        c.send(raw.head(target="/x", host="inventory.example") * 3)
        assert [c.read().status for _ in range(3)] == [200] * 3
    assert len(daemon.asked) == 1


@pytest.mark.parametrize("case, answer", [
    ("unknown", 404), ("tagged", node(ME, Tags=["tag:web"])), ("shared", node(ME, "eva@corp.example", Sharer=99)),
    ("sharee", node(ME, "eva@corp.example", Hostinfo={"ShareeNode": True})),
    ("expired", node(ME, "eva@corp.example", Expired=True)),
    ("expired by its key", node(ME, "eva@corp.example", KeyExpiry="2020-01-01T00:00:00Z")),
    ("a date that nobody can read", node(ME, "eva@corp.example", KeyExpiry="soon")),
    ("behind a router", node("100.64.0.1", "eva@corp.example", PrimaryRoutes=["127.0.0.0/8"])),
    ("an address within a network", node(ME, "eva@corp.example", Addresses=["127.0.0.0/8"])),
    ("nobody's", node(ME, "eva@corp.example", User=0) | {"UserProfile": {}}),
    ("no document", {"Node": None}), ("control characters", node(ME, "eva@corp.example\x00")),
    ("tagged, with a login name", node(ME, "eva@corp.example", Tags=["tag:web"]))])
def test_who_is_nobody(gate, daemon, case, answer):
    daemon.answers[ME] = answer
    refused(gate, ask(gate))


def test_a_tagged_node_is_a_machine_when_an_entry_says_so(gate, daemon):
    daemon.answers[ME] = node(ME, Tags=["tag:web", "tag:server"])
    answer = ask(gate)
    assert answer.status == 200, answer
    identity = gate.record(answer)["identity"]
    assert (identity["kind"], identity["service"], identity["subject"]) == ("machine", "server", "nABC")


@pytest.mark.parametrize("answer", [500, 403, 302])
def test_a_daemon_that_fails_lets_nobody_in(gate, daemon, answer):
    daemon.answers[ME] = answer
    refused(gate, ask(gate), 503, "whois:unavailable")
    daemon.answers[ME] = node(ME, "eva@corp.example")
    assert ask(gate).status == 200      # a failure is not remembered


def test_a_daemon_that_is_gone_lets_nobody_in(gate, daemon):
    daemon.close()
    start = time.monotonic()
    refused(gate, ask(gate), 503, "whois:unavailable")
    assert time.monotonic() - start < 5 * SLOWNESS


def test_a_slow_daemon_is_waited_for_a_while(gate, daemon):
    daemon.answers[ME], daemon.delay = node(ME, "eva@corp.example"), 60
    start = time.monotonic()
    refused(gate, ask(gate), 503, "whois:unavailable")
    assert 1 < time.monotonic() - start < 8 * SLOWNESS


def test_who_leaves_while_it_is_asked(gate, daemon):
    daemon.answers[ME], daemon.delay = node(ME, "eva@corp.example"), 0.3
    for _ in range(10):
        with raw.Conn(gate.port) as c:
            c.send(raw.head(target="/x", host="inventory.example"))
    assert ask(gate).status == 200


def test_off_the_tailnet_nobody_is_asked_about(gate, daemon, staff):
    daemon.answers[ME] = node(ME, "eva@corp.example")
    refused(gate, ask(gate, port=gate.outside))
    assert ask(gate, port=gate.outside, token=staff).status == 200
    assert daemon.asked == []


def test_two_people_at_once(gate, daemon, staff):
    daemon.answers[ME] = node(ME, "eva@corp.example")
    refused(gate, ask(gate, token=staff), 400, "input:header")


def test_stopping_while_it_is_asked(gate, daemon):
    daemon.answers[ME], daemon.delay = node(ME, "eva@corp.example"), 2.0
    asking = threading.Thread(target=lambda: ask(gate) if gate.alive() else None, daemon=True)
    asking.start()
    end = time.monotonic() + 5 * SLOWNESS
    while not daemon.asked and time.monotonic() < end:
        time.sleep(0.01)
    assert gate.stop() == 0
