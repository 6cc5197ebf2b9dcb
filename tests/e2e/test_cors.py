"""Pages of other origins: preflights are answered from the app's cors:, and refusals can be read by them."""

import pytest

from harness.proxy import app, standard_policy

GOOD, OTHER, EVIL = "https://admin.corp.example", "http://localhost:3000", "https://evil.example"


@pytest.fixture(scope="module")
def gate(start_shared, origin):
    policy = standard_policy(origin.url)
    policy["apps"][0]["cors"] = {"origins": [GOOD, OTHER], "methods": ["GET", "PUT", "DELETE"],
                                 "headers": ["Authorization", "X-Custom"], "credentials": True}
    policy["apps"].append(app("simple", origin.url, cors={"origins": [GOOD]}))
    return start_shared(policies={"10-apps.yaml": policy})


def preflight(gate, origin, method="PUT", host="inventory.example", more=(), **how):
    return gate.request("OPTIONS", how.pop("target", "/stock/1"), host=host, headers=[
        "Origin: " + origin, "Access-Control-Request-Method: " + method, *more], **how)


def test_preflight_of_a_listed_origin(gate, origin):
    before = len(origin.seen)
    for good in (GOOD, OTHER):
        answer = preflight(gate, good, more=["Access-Control-Request-Headers: authorization"])
        assert answer.status == 204 and answer.get("Access-Control-Allow-Origin") == good
        assert answer.get("Access-Control-Allow-Methods") == "GET, PUT, DELETE"
        assert answer.get("Access-Control-Allow-Headers") == "Authorization, X-Custom"
        assert answer.get("Access-Control-Allow-Credentials") == "true" and "Origin" in answer.get("Vary")
    assert len(origin.seen) == before, "the app is not asked"
    record = gate.journal.wait(kind="decision", test=lambda r: r["decision"]["reason"] == "cors-preflight")
    assert record["app"] == "inventory" and record["status"] == 204 and record["decision"]["effect"] == "own"


def test_what_is_not_listed_is_not_told(gate):
    answer = preflight(gate, GOOD, host="simple.example")
    assert answer.status == 204 and answer.get("Access-Control-Allow-Methods") == "GET, HEAD, POST"
    assert answer.get("Access-Control-Allow-Headers") is None and answer.get("Access-Control-Allow-Credentials") is None


@pytest.mark.parametrize("bad", [EVIL, "null", GOOD + ".evil.example", GOOD + ":444", "HTTPS://ADMIN.CORP.EXAMPLE", GOOD + "/",
                                 "https://evil-admin.corp.example", "*"])
def test_preflight_of_another_origin(gate, origin, bad):
    before = len(origin.seen)
    answer = preflight(gate, bad)
    assert answer.status == 403 and answer.get("Access-Control-Allow-Origin") is None
    assert len(origin.seen) == before and gate.record(answer)["decision"]["effect"] == "deny"


def test_a_preflight_opens_nothing(gate, staff, contractor):
    """The request that follows is decided like any other; its refusal can be read by the page."""
    for token, status in ((None, 401), (contractor, 403)):
        answer = gate.request("PUT", "/stock/1", token, headers=["Origin: " + GOOD], body=b"x")
        assert answer.status == status and answer.get("Access-Control-Allow-Origin") == GOOD
        answer = gate.request("PUT", "/stock/1", token, headers=["Origin: " + EVIL], body=b"x")
        assert answer.status == status and answer.get("Access-Control-Allow-Origin") is None
    assert gate.request("PUT", "/stock/1", staff, headers=["Origin: " + GOOD], body=b"x").status == 200


def test_no_preflight_without_its_fields(gate):
    """An OPTIONS of another sort is a request like any other."""
    assert gate.request("OPTIONS", "/stock/1").status == 401
    assert gate.request("OPTIONS", "/stock/1", headers=["Origin: " + GOOD]).status == 401
    assert gate.request("OPTIONS", "/stock/1", headers=["Access-Control-Request-Method: PUT"]).status == 401
    assert gate.request("GET", "/stock/1", headers=["Origin: " + GOOD, "Access-Control-Request-Method: PUT"]).status == 401


def test_app_without_cors_is_not_spoken_for(gate, staff, origin):
    assert preflight(gate, GOOD, host="reports.example").status == 401
    assert preflight(gate, GOOD, host="nobody.example").status == 421


def test_two_origins_are_none(gate):
    assert preflight(gate, GOOD, more=["Origin: " + EVIL]).status == 400


def test_preflight_strips_like_the_rest(gate, staff):
    """A forwarded OPTIONS loses what looks like an identity, as every request does."""
    answer = gate.request("OPTIONS", "/x", staff, headers=["X-Auth-User: root", "X_Auth_User: root"])
    assert answer.status == 200 and "root" not in str(answer.json["headers"])
