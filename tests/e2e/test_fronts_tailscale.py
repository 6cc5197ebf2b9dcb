"""On a tailnet: the local daemon says whose a connection is, by its address alone."""

import os
import threading
import time

import pytest

from harness import raw
from harness.fronts import Tailscaled, node
from harness.ports import free_port
from harness.proxy import SLOWNESS, allow, app, command

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


# ---- headers of tailscale serve ---------------------------------------------------------------

LOGIN, NAME, PICTURE = "Tailscale-User-Login", "Tailscale-User-Name", "Tailscale-User-Profile-Pic"


def served_rules(upstream):
    headers = {"X-WEBAUTH-USER": "sub", "X-WEBAUTH-EMAIL": "email", "X-WEBAUTH-NAME": "name"}
    everybody = {"any": [{"claims": {"sub": ["eva@corp.example"]}}, {"claims": {"name": ["Gil"]}}]}
    return {"version": 1, "apps": [app("inventory", upstream, identity={"headers": headers})],
            "rules": [allow("eva", who=everybody, to={"apps": ["inventory"]}),
                      allow("staff", who={"groups": ["staff"]}, to={"apps": ["inventory"]})]}


@pytest.fixture(scope="module")
def served(start_shared, origin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("s")
    path, trusting, plain = (str(folder / n) for n in ("serve.sock", "trusting.sock", "plain.sock"))
    tcp, tailnet = free_port(), free_port()
    me = str(os.getuid())
    g = start_shared(policies={"10.yaml": served_rules(origin.url)}, listeners=[
        {"address": "unix:" + path, "peer_uid": me, "front": {"tailscale": {"serve": True, "name": "serve"}}},
        {"address": "unix:" + trusting, "peer_uid": me,
         "front": {"tailscale": {"serve": True, "name": "trusting", "trusted_email": True}}},
        {"address": "unix:" + plain, "peer_uid": me, "front": {"forwarded": {}}},
        {"address": "127.0.0.1:%d" % tcp, "front": "direct"},
        {"address": "127.0.0.1:%d" % tailnet, "front": {"tailscale": {"socket": str(folder / "none")}}}])
    g.port, g.tailnet, g.serve, g.trusting, g.plain = tcp, tailnet, path, trusting, plain
    return g


def through(path, *headers, token=None):
    with raw.Conn(0, unix=path) as c:
        return c.send(raw.head(target="/x", token=token, headers=[
            "X-Forwarded-For: 100.101.102.103", "X-Forwarded-Proto: https", *headers])).read()


def upstream(answer):
    assert answer.status == 200, answer
    return {n.lower(): v for n, v in answer.json["headers"]}


def test_serve_names_a_person(served):
    answer = through(served.serve, LOGIN + ": eva@corp.example", NAME + ": Eva Ott", PICTURE + ": https://pic.example/eva",
                     "Tailscale-Headers-Info: https://tailscale.com/s/serve-headers")
    up = upstream(answer)
    assert up["x-webauth-user"] == "eva@corp.example" and up["x-webauth-name"] == "Eva Ott"
    assert "x-webauth-email" not in up          # nobody has verified it
    assert not [n for n in up if n.startswith("tailscale-")], up
    record = served.record(answer)
    identity = record["identity"]
    assert (identity["subject"], identity["issuer_name"], identity["email_verified"]) == ("eva@corp.example", "serve", False)
    assert identity["claims"]["picture"] == "https://pic.example/eva" and record["auth"]["kind"] == "whois"
    assert record["client"]["address"] == "100.101.102.103" and record["client"]["front"] == "tailscale"
    assert not record.get("spoof_attempts"), record


def test_a_trusted_login_name_is_an_address(served):
    assert upstream(through(served.trusting, LOGIN + ": eva@corp.example"))["x-webauth-email"] == "eva@corp.example"


def test_what_serve_says_next_is_another_thing(served):
    """Remembered by all that it says: another name is not the old one's."""
    assert upstream(through(served.serve, LOGIN + ": eva@corp.example", NAME + ": Eva"))["x-webauth-name"] == "Eva"
    up = upstream(through(served.serve, LOGIN + ": eva@corp.example", NAME + ": Eva Ott"))
    assert up["x-webauth-name"] == "Eva Ott"
    assert "x-webauth-name" not in upstream(through(served.serve, LOGIN + ": eva@corp.example"))


def test_who_is_named_and_may_not(served):
    answer = through(served.serve, LOGIN + ": max@corp.example")
    assert answer.status == 403
    record = served.record(answer)
    assert record["decision"]["reason"] == "default-deny" and record["identity"]["subject"] == "max@corp.example"


def test_a_login_name_without_an_address(served):
    answer = through(served.serve, LOGIN + ": gil", NAME + ": Gil")
    assert upstream(answer)["x-webauth-user"] == "gil" and "email" not in served.record(answer)["identity"]


@pytest.mark.parametrize("login", ["", "=?utf-8?q?J=C3=BCrgen?=", "eva corp", "\xe9va@corp.example", "x" * 256])
def test_a_login_name_that_is_nobodys(served, login):
    record = refused(served, through(served.serve, LOGIN + ": " + login))
    assert record["decision"]["token"] == "token.subject"


def test_twice_is_refused(served):
    answer = through(served.serve, LOGIN + ": eva@corp.example", LOGIN.lower() + ": max@corp.example")
    assert answer.status == 400 and served.record(answer)["decision"]["reason"] == "field.twice"


def test_a_name_that_came_twice_is_none(served):
    answer = through(served.serve, LOGIN + ": eva@corp.example", NAME + ": Eva", NAME + ": Max")
    assert "x-webauth-name" not in upstream(answer)


def test_serve_names_nobody(served, staff):
    """A tagged node, or the public by a funnel."""
    refused(served, through(served.serve, "Tailscale-Funnel-Request: ?1"))
    assert through(served.serve, token=staff).status == 200


def test_a_look_alike_is_a_spoof(served):
    record = refused(served, through(served.serve, "Tailscale_User_Login: eva@corp.example"))
    assert record["spoof_attempts"] == 1
    answer = through(served.serve, LOGIN + ": eva@corp.example", "Tailscale_User_Login: max@corp.example")
    assert upstream(answer)["x-webauth-user"] == "eva@corp.example" and served.record(answer)["spoof_attempts"] == 1


def test_two_people_at_once_by_serve(served, staff):
    refused(served, through(served.serve, LOGIN + ": eva@corp.example", token=staff), 400, "input:header")


@pytest.mark.parametrize("place", ["direct", "plain"])
def test_anywhere_else_nobody_believes_it(served, staff, place):
    """Over TCP, and on a unix socket whose listener does not say serve."""
    time.sleep(1.1)         # one spoof record a second for a client's network
    headers = [LOGIN + ": eva@corp.example", NAME + ": Eva", PICTURE + ": https://pic.example"]

    def go(token=None):
        if place == "plain":
            return through(served.plain, *headers, token=token)
        return raw.request(served.port, target="/x", headers=headers, token=token)
    assert refused(served, go())["spoof_attempts"] == 3
    up = upstream(go(staff))
    assert up["x-webauth-user"] == "eva" and not [n for n in up if n.startswith("tailscale-")]
    told = served.journal.wait(kind="spoof_attempt", test=lambda r: LOGIN in r["headers"])
    assert "identity" not in told


def test_where_the_daemon_is_asked_its_headers_count_nothing(served):
    answer = raw.request(served.tailnet, target="/x", headers=[LOGIN + ": eva@corp.example"])
    assert refused(served, answer)["spoof_attempts"] == 1


@pytest.mark.parametrize("listener, why", [
    ({"address": "127.0.0.1:8099", "front": {"tailscale": {"serve": True}}}, "serve needs a unix socket"),
    ({"address": "unix:/run/postern/s.sock", "front": {"tailscale": {"serve": True}}}, "serve needs peer_uid"),
    ({"address": "unix:/run/postern/s.sock", "front": "tailscale"}, "write front: {tailscale: {serve: true}}")])
def test_a_configuration_that_would_believe_anybody(start, listener, why):
    g = start(ready=False, listeners=[listener])
    out = command("config", "check", "--config", g.path("postern.yaml"), cwd=g.folder)
    assert out.returncode == 1 and why in out.stdout + out.stderr, (out.stdout, out.stderr)
