"""The assertion: an app verifies by our keys who comes, and nobody else can say so."""

import json
import time

import jwt
import pytest

from harness import raw
from harness.people import House, policy
from harness.proxy import command, standard_policy

CLAIMS = ["email", "groups", "level", "absent"]


@pytest.fixture(scope="module")
def house(start_shared, origin, issuer):
    wants = policy(origin.url)
    wants["apps"][0]["identity"] = {"assertion": True, "claims": CLAIMS, "headers": {"X-Auth-User": "sub"}}
    provider = {"issuer": issuer.url, "audience": issuer.audience, "jwks_file": "keys.json", "algs": list(issuer.algs)}
    return House(start_shared, origin, policy=wants, workers=1, config={"issuers": {"people": "builtin", issuer.name: provider}})


def keys(house, app="inventory"):
    answer = raw.request(house.port, "GET", "/.postern/jwks.json", host="%s.postern.localhost:%d" % (app, house.port))
    assert answer.status == 200, answer
    return answer


def sent(answer):
    return [v for n, v in answer.json["headers"] if n.lower() == "x-postern-assertion"]


def ask(house, token, **how):
    return raw.request(house.port, "GET", "/x", host="inventory.postern.localhost:%d" % house.port, token=token, **how)


def verified(house, text, audience="inventory"):
    key = next(k for k in keys(house).json["keys"] if k["kid"] == jwt.get_unverified_header(text)["kid"])
    return jwt.decode(text, jwt.PyJWK(key).key, algorithms=["ES256"], audience=audience,
                      issuer=house.portal("")[:-1] if house.portal("").endswith("/") else house.portal(""),
                      options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]})


def test_the_app_verifies_who_comes(house):
    answer = house.signed_in().get(house.url("inventory", "/x")).answer
    [text] = sent(answer)
    said = verified(house, text)
    assert said["email"] == "eva@corp.example" and said["groups"] == ["staff"]
    assert set(said) == {"iss", "aud", "sub", "iat", "exp", "jti", "email", "groups"}
    assert said["exp"] - said["iat"] == 300 and abs(said["iat"] - time.time()) < 60
    with pytest.raises(jwt.InvalidAudienceError):
        verified(house, text, audience="reports")


def test_only_the_claims_that_are_listed(house, issuer):
    said = verified(house, sent(ask(house, issuer.person("eva", ["staff"], level=3, secret="s")))[0])
    assert said["level"] == 3 and "secret" not in said and "absent" not in said
    said = verified(house, sent(ask(house, issuer.token("sam", groups=["staff"], email="boss@corp.example")))[0])
    assert "email" not in said


def test_made_once_for_a_person_and_app(house, issuer):
    eva, sam = issuer.person("eva", ["staff"], n=1), issuer.person("sam", ["staff"])
    [first] = sent(ask(house, eva))
    assert sent(ask(house, eva)) == [first] and sent(ask(house, sam)) != [first]


def test_a_spoofed_one_never_arrives(house, issuer):
    eva = issuer.person("eva", ["staff"], n=2)
    [ours] = sent(ask(house, eva))
    for name in ("X-Postern-Assertion", "x_postern_assertion", "X.Postern.Assertion"):
        assert sent(ask(house, eva, headers=[name + ": spoof"])) == [ours]
    b = house.signed_in()
    assert sent(b.get(house.url("reports", "/x"), headers={"X-Postern-Assertion": "spoof"}).answer) == []


def test_keys_on_every_host(house):
    for app in ("inventory", "reports", "access"):
        answer = keys(house, app)
        assert answer.get("Cache-Control") == "public, max-age=300" and "Set-Cookie" not in dict(answer.headers)
        for key in answer.json["keys"]:
            assert set(key) == {"kty", "crv", "use", "alg", "kid", "x", "y"} and key["alg"] == "ES256"
    answer = raw.request(house.port, "GET", "/.postern/jwks.json", host="unknown.example")
    assert answer.status == 421
    for method in ("POST", "DELETE"):
        answer = raw.request(house.port, method, "/.postern/jwks.json", host="inventory.postern.localhost:%d" % house.port)
        assert answer.status in (404, 405), answer


def test_claims_that_no_assertion_may_carry(tmp_path, origin):
    (tmp_path / "policies").mkdir()
    (tmp_path / "postern.yaml").write_text(json.dumps({
        "version": 1, "listeners": [{"address": "127.0.0.1:8080"}], "policies": "policies", "state": "state",
        "audit": {"file": "access.jsonl"}}))
    for claims, why in ((["sub"], "is a claim of the assertion itself"), (["exp"], "is a claim of the assertion itself"),
                        (["email", "email"], "is there twice"), (["email"], None)):
        rules = standard_policy(origin.url)
        rules["apps"][0]["identity"] = {"assertion": True, "claims": claims}
        (tmp_path / "policies" / "10.yaml").write_text(json.dumps(rules))
        done = command("config", "check", "--config", str(tmp_path / "postern.yaml"))
        assert (done.returncode == 0) == (why is None) and (why or "") in done.stdout, (claims, done)
