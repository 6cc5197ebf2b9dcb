"""Keys from a URL: rotation under load, an issuer that is down, and nobody can make us ask too often."""

import threading

import pytest

from harness import raw
from harness.jwks import JwksServer
from harness.proxy import SLOWNESS
from harness.tokens import Issuer, Key


@pytest.fixture
def issuer():
    return Issuer("remote", "https://remote.example")


@pytest.fixture
def server(issuer):
    s = JwksServer(issuer.jwks())
    yield s
    s.stop()


def remote(issuer, server):
    return {"issuers": {issuer.name: {"issuer": issuer.url, "audience": "postern", "jwks_url": server.url,
                                      "algs": list(issuer.algs)}}}


def test_keys_from_a_url(start, issuer, server):
    gate = start(issuer=issuer, config=remote(issuer, server))
    assert gate.get("/x", issuer.person("eva", ["staff"])).status == 200


def test_rotation(start, issuer, server):
    gate = start(issuer=issuer, config=remote(issuer, server))
    old = issuer.person("eva", ["staff"])
    assert gate.get("/x", old).status == 200
    issuer.keys["RS256"] = Key("RS256", "remote-new")
    server.jwks = issuer.jwks()
    new = issuer.person("eva", ["staff"])
    raw.wait_for(lambda: gate.get("/x", new).status == 200, 45 * SLOWNESS, 0.1, "the new key (one refetch in 30 s)")


def test_rotation_under_load(start, issuer, server):
    """Tokens of the key that stays are good throughout."""
    gate = start(issuer=issuer, config=remote(issuer, server))
    good = issuer.person("eva", ["staff"], alg="ES256")
    stop, wrong = threading.Event(), []

    def load():
        while not stop.is_set():
            status = gate.get("/x", good).status
            if status != 200:
                wrong.append(status)

    workers = [threading.Thread(target=load) for _ in range(4)]
    for w in workers:
        w.start()
    try:
        issuer.keys["RS256"] = Key("RS256", "remote-newer")
        server.jwks = issuer.jwks()
        new = issuer.person("eva", ["staff"])
        raw.wait_for(lambda: gate.get("/x", new).status == 200, 45 * SLOWNESS, 0.1, "the new key")
    finally:
        stop.set()
        for w in workers:
            w.join()
    assert not wrong


def test_unknown_kids_do_not_make_us_ask(start, issuer, server):
    gate = start(issuer=issuer, config=remote(issuer, server))
    assert gate.get("/x", issuer.person("eva", ["staff"])).status == 200
    before = server.fetches
    for i in range(50):
        token = issuer.keys["RS256"].token(issuer.claims("eva"), {"kid": "k%d" % i})
        assert gate.get("/x", token).status == 401
    assert server.fetches - before <= 1


def test_issuer_down_at_start(start, issuer, server):
    server.stop()
    gate = start(issuer=issuer, wait=False, config=remote(issuer, server))
    token = issuer.person("eva", ["staff"])
    assert gate.get("/x", token).status in (401, 503)
    server.start()
    raw.wait_for(lambda: gate.get("/x", token).status == 200, 60 * SLOWNESS, 0.2, "the issuer that came back")


def test_issuer_down_later(start, issuer, server):
    gate = start(issuer=issuer, config=remote(issuer, server))
    assert gate.get("/x", issuer.person("eva", ["staff"])).status == 200
    server.stop()
    for _ in range(20):
        assert gate.get("/x", issuer.person("eva", ["staff"])).status == 200


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"keys":[]}', b"<html>", b"{" * 10000, b'{"keys":"' + b"a" * 300000 + b'"}'],
                         ids=["nothing", "empty", "a list", "no keys", "html", "deep", "too long"])
def test_bad_answer_keeps_the_old_keys(start, issuer, server, body):
    gate = start(issuer=issuer, config=remote(issuer, server))
    assert gate.get("/x", issuer.person("eva", ["staff"])).status == 200
    server.body = body
    gate.get("/x", issuer.keys["RS256"].token(issuer.claims("eva"), {"kid": "unknown"}))
    for _ in range(5):
        assert gate.get("/x", issuer.person("eva", ["staff"])).status == 200


def test_no_redirect_is_followed(start, issuer, server):
    evil = Issuer("remote", "https://remote.example")
    other = JwksServer(evil.jwks())
    server.status, server.headers = 302, {"Location": other.url}
    gate = start(issuer=issuer, wait=False, config=remote(issuer, server))
    assert gate.get("/x", evil.person("eva", ["staff"])).status in (401, 503)
    assert other.fetches == 0
    other.stop()


def test_slow_issuer_does_not_hold_up_others(start, issuer, server):
    gate = start(issuer=issuer, config=remote(issuer, server))
    good = issuer.person("eva", ["staff"])
    assert gate.get("/x", good).status == 200
    server.delay = 3.0
    unknown = issuer.keys["RS256"].token(issuer.claims("eva"), {"kid": "unknown"})
    waiting = threading.Thread(target=lambda: gate.get("/x", unknown))
    waiting.start()
    for _ in range(20):
        assert gate.get("/x", good, timeout=2 * SLOWNESS).status == 200
    waiting.join()
