"""Fronts that assert who comes in a signed header: what counts, and every way to forge it.

Each vendor's header is tried from a trusted peer, from a stranger, twice, by names that look like it, signed by
others, expired, for another application; the answer and the audit record are looked at.
"""

import time

import pytest

from harness import raw
from harness.fronts import ARN, Alb, Iap, KeyShelf, Team
from harness.ports import free_port
from harness.proxy import SLOWNESS, allow, app
from harness.tokens import Issuer, b64u

from test_websocket import close_code, open_socket

CF, IAP, ALB, ANY = "Cf-Access-Jwt-Assertion", "X-Goog-IAP-JWT-Assertion", "X-Amzn-Oidc-Data", "X-Corp-Jwt"
PLACES = ("cloudflare", "by_app", "stranger", "iap", "alb", "any", "direct", "forwarded")


def rules(upstream):
    headers = {"headers": {"X-WEBAUTH-USER": "email"}}
    return {
        "version": 1,
        "apps": [app("inventory", upstream, identity=headers), app("reports", upstream, identity=headers)],
        "rules": [
            allow("corp-people", who={"domains": ["corp.example"]}, to={"apps": ["inventory", "reports"]}),
            allow("alb-people", who="anyone", to={"apps": ["inventory"]}, auth={"issuers": ["alb"]}),
            allow("robots", who={"services": ["ci"]}, to={"apps": ["inventory"]}),
            allow("staff", who={"groups": ["staff"]}, to={"apps": ["inventory"]}),
        ]}


def people_alone(upstream):
    policy = rules(upstream)
    policy["rules"] = [r for r in policy["rules"] if r["id"] == "corp-people"]
    return policy


@pytest.fixture(scope="module")
def team():
    return Team()


@pytest.fixture(scope="module")
def iap():
    return Iap()


@pytest.fixture(scope="module")
def alb():
    return Alb()


@pytest.fixture(scope="module")
def shelf(team, iap, alb):
    s = KeyShelf()
    s.certs = s.put("/certs", team.jwks())
    s.iap = s.put("/iap", iap.jwks())
    s.put("/alb/" + alb.key.kid, alb.pem())
    s.alb = "http://127.0.0.1:%d/alb" % s.port
    yield s
    s.close()


@pytest.fixture(scope="module")
def places():
    return {name: free_port() for name in PLACES}


@pytest.fixture(scope="module")
def gate(start_shared, origin, places, shelf):
    here, there = ["127.0.0.1/32"], ["192.0.2.1/32"]
    cloudflare = {"team": "acme", "keys_url": shelf.certs, "trusted": here}
    by_app = {**cloudflare, "audience": {"inventory": "aud-inventory", "reports": "aud-reports"}, "name": "by-app"}
    fronts = {
        "cloudflare": {"cloudflare": {**cloudflare, "audience": "aud-inventory"}},
        "by_app": {"cloudflare": by_app},
        "stranger": {"cloudflare": {**cloudflare, "audience": "aud-inventory", "trusted": there}},
        "iap": {"google-iap": {"audience": "/projects/1/apps/demo", "keys_url": shelf.iap, "trusted": here}},
        "alb": {"aws-alb": {"signer": ARN, "client": "alb-client", "keys_url": shelf.alb, "trusted": here, "name": "alb"}},
        "any": {"header-jwt": {"issuer": "demo", "header": ANY, "trusted": here}},
        "direct": "direct",
        "forwarded": {"forwarded": {"trusted": here}},
    }
    g = start_shared(policies={"10.yaml": rules(origin.url)}, config={
        "services": {"ci": {"issuer": "cloudflare", "match": {"common_name": "ci.access"}}}},
        listeners=[{"address": "127.0.0.1:%d" % places[n], "front": f} for n, f in fronts.items()])
    g.port = places["direct"]
    return g


def ask(places, place, *headers, host="inventory.example", **how):
    return raw.request(places[place], target="/x", host=host, headers=list(headers), **how)


def seen(answer):
    return {n.lower(): v for n, v in answer.json["headers"]}


def refused(gate, answer, status=401, reason="auth.none", token=None):
    """The client learns that it was refused; the record says which check failed."""
    assert answer.status == status, answer
    record = gate.record(answer)
    decision = record["decision"]
    assert (decision["effect"], decision["reason"]) == ("deny", reason) and not record.get("identity"), record
    assert token is None or decision["token"] == token, decision
    assert "token" not in decision or decision["token"] not in answer.text
    return record


# ---- what counts ----------------------------------------------------------------------------


def test_cloudflare(gate, places, team):
    answer = ask(places, "cloudflare", "%s: %s" % (CF, team.token()), "Cf-Access-Authenticated-User-Email: eva@corp.example",
                 "Cookie: CF_Authorization=secret; theme=dark", "X-Forwarded-For: 203.0.113.9")
    assert answer.status == 200, answer
    up = seen(answer)
    assert up["x-webauth-user"] == "eva@corp.example" and up["cookie"] == "theme=dark"
    assert up["x-forwarded-for"] == "203.0.113.9"
    assert not [n for n in up if n.startswith("cf-")], up
    record = gate.record(answer)
    assert record["identity"]["issuer_name"] == "cloudflare" and record["identity"]["kind"] == "human"
    assert record["client"]["front"] == "cloudflare" and not record.get("spoof_attempts"), record


def test_google_iap(gate, places, iap):
    answer = ask(places, "iap", "%s: %s" % (IAP, iap.token()), "X-Goog-Authenticated-User-Email: accounts.google.com:eva")
    assert answer.status == 200 and seen(answer)["x-webauth-user"] == "eva@corp.example"
    assert not [n for n in seen(answer) if n.startswith("x-goog")]
    assert gate.record(answer)["identity"]["issuer_name"] == "google-iap"


@pytest.mark.parametrize("encode", ["padded", "plain"])
def test_aws_alb(gate, places, alb, encode):
    token = alb.token() if encode == "padded" else alb.token(encode=b64u)
    answer = ask(places, "alb", "%s: %s" % (ALB, token), "X-Amzn-Oidc-Accesstoken: secret", "X-Amzn-Oidc-Identity: eva",
                 "Cookie: AWSELBAuthSessionCookie-0=secret")
    assert answer.status == 200, answer
    assert not [n for n in seen(answer) if n.startswith("x-amzn-oidc") or n == "cookie"], answer.json
    identity = gate.record(answer)["identity"]
    assert identity["issuer"] == ARN and identity["subject"] == "eva"
    # nobody has verified the address for us: the load balancer passes on what its provider says
    assert "x-webauth-user" not in seen(answer)


def test_a_key_is_fetched_once(gate, places, alb, shelf):
    for i in range(5):
        assert ask(places, "alb", "%s: %s" % (ALB, alb.token("eva%d" % i))).status == 200
    assert shelf.asked.count("/alb/" + alb.key.kid) == 1


def test_header_jwt(gate, places, issuer):
    answer = ask(places, "any", "%s: %s" % (ANY, issuer.person("eva", ["staff"])))
    assert answer.status == 200 and ANY.lower() not in seen(answer)
    assert gate.record(answer)["client"]["front"] == "header-jwt"


def test_service_tokens_are_machines_when_an_entry_says_so(gate, places, team):
    answer = ask(places, "cloudflare", "%s: %s" % (CF, team.service()))
    assert answer.status == 200, answer
    identity = gate.record(answer)["identity"]
    assert identity["kind"] == "machine" and identity["service"] == "ci" and identity["subject"] == "ci.access"
    refused(gate, ask(places, "cloudflare", "%s: %s" % (CF, team.service("other.access"))))
    refused(gate, ask(places, "cloudflare", "%s: %s" % (CF, team.service(None))))


def test_one_key_signs_for_all_apps_and_the_audience_tells_them_apart(gate, places, team):
    both = [team.token(aud="aud-inventory"), team.token(aud="aud-reports")]
    for host, good, bad in (("inventory.example", both[0], both[1]), ("reports.example", both[1], both[0])):
        assert ask(places, "by_app", "%s: %s" % (CF, good), host=host).status == 200
        refused(gate, ask(places, "by_app", "%s: %s" % (CF, bad), host=host))
        # and once more, from the cache
        refused(gate, ask(places, "by_app", "%s: %s" % (CF, bad), host=host))


def test_without_a_header_nobody_comes(gate, places):
    for place in ("cloudflare", "iap", "alb", "any"):
        refused(gate, ask(places, place))


# ---- forged ---------------------------------------------------------------------------------


def forged_cloudflare():
    now, team, other = int(time.time()), Team(), Team("evil")
    other.key.kid, stranger = team.key.kid, Team("acme", "unknown-kid")
    stranger.key = other.key
    return {
        "another team": lambda t: other.token(iss=t.url),
        "another team's own": lambda t: other.token(),
        "expired": lambda t: t.token(exp=now - 1),
        "no end": lambda t: t.token(exp=None),
        "not yet": lambda t: t.token(nbf=now + 3600),
        "another application": lambda t: t.token(aud="aud-other"),
        "no audience": lambda t: t.token(aud=[]),
        "of the team's own pages": lambda t: t.token(type="org"),
        "of no type": lambda t: t.token(type=None),
        "another issuer": lambda t: t.token(iss="https://login.example"),
        "no subject": lambda t: t.token(sub=None),
        "empty subject and no name": lambda t: t.token(sub=""),
        "alg none": lambda t: b64u(b'{"alg":"none"}') + "." + t.token().split(".")[1] + ".",
        "HS256 with the public key": lambda t: t.token(header={"alg": "HS256"}),
        "a key in the header": lambda t: other.token(iss=t.url, header={"jwk": other.key.jwk()}),
        "padded": lambda t: t.token() + "==",
        "a byte less": lambda t: t.token()[:-1],
        "garbage": lambda t: "x",
        "too long": lambda t: t.token(filler="x" * 13000),
    }


@pytest.mark.parametrize("case", list(forged_cloudflare()))
def test_forged_cloudflare(gate, places, team, case):
    token = forged_cloudflare()[case](team)
    answer = ask(places, "cloudflare", "%s: %s" % (CF, token))
    assert token == "x" or token not in str(refused(gate, answer))


@pytest.mark.parametrize("case, change", [
    ("another issuer", {"iss": "https://cloud.google.com"}), ("another audience", {"aud": "/projects/1/apps/other"}),
    ("expired", {"exp": int(time.time()) - 1}), ("no subject", {"sub": None})])
def test_forged_iap(gate, places, iap, case, change):
    refused(gate, ask(places, "iap", "%s: %s" % (IAP, iap.token(**change))))


def test_iap_signed_by_others(gate, places, iap):
    other = Iap()
    other.key.kid = iap.key.kid
    refused(gate, ask(places, "iap", "%s: %s" % (IAP, other.token())))


ALB_CASES = {
    "another load balancer": {"header": {"signer": ARN[:-1] + "9"}},
    "no signer": {"header": {"signer": None}},
    "our ARN and more": {"header": {"signer": ARN + "x"}},
    "another client": {"header": {"client": "other"}},
    "expired": {"header": {"exp": int(time.time()) - 1}},
    "expired within": {"exp": int(time.time()) - 1},
    "no end": {"header": {"exp": None}},
    "alg none": {"header": {"alg": "none"}},
    "RS256": {"header": {"alg": "RS256"}},
    "crit": {"header": {"crit": ["exp"]}},
    "no subject": {"sub": None},
    "control characters": {"name": "a\x01b"},
}


@pytest.mark.parametrize("case", list(ALB_CASES))
def test_forged_alb(gate, places, alb, case):
    refused(gate, ask(places, "alb", "%s: %s" % (ALB, alb.token(**ALB_CASES[case]))))


def test_alb_signed_by_another_load_balancer_of_the_region(gate, places, alb, shelf):
    """Its key is on the same shelf: the signer alone tells it from ours."""
    other = Alb(ARN[:-1] + "9", "0b1c7d6e-bbbb-4444-8888-000000000002")
    shelf.put("/alb/" + other.key.kid, other.pem())
    refused(gate, ask(places, "alb", "%s: %s" % (ALB, other.token())))
    assert "/alb/" + other.key.kid not in shelf.asked
    # who says that he is ours is held against a key that is not
    refused(gate, ask(places, "alb", "%s: %s" % (ALB, other.token(header={"signer": ARN, "kid": alb.key.kid}))))


def test_alb_unknown_keys_are_asked_for_once_and_within_bounds(gate, places, shelf):
    other = Alb(kid="0b1c7d6e-cccc-4444-8888-000000000003")
    for _ in range(3):
        refused(gate, ask(places, "alb", "%s: %s" % (ALB, other.token())))
    assert shelf.asked.count("/alb/" + other.key.kid) == 1
    before = len(shelf.asked)
    for kid in ("../certs", "a/b", "%2e%2e", "", "x" * 65, "a b", "a?b"):
        refused(gate, ask(places, "alb", "%s: %s" % (ALB, other.token(header={"kid": kid}))))
    assert len(shelf.asked) == before


@pytest.mark.parametrize("padding", ["", "=", "==", "===", "====="])
def test_alb_padding_where_none_belongs(gate, places, alb, padding):
    """Of the signature, which is not part of what is signed: whole or none."""
    data, sig = alb.token(encode=b64u).rsplit(".", 1)
    good = padding in ("", "=" * (-len(sig) % 4))
    assert ask(places, "alb", "%s: %s.%s%s" % (ALB, data, sig, padding)).status == (200 if good else 401)
    # and of the parts that are: another text than what was signed
    head, body = data.split(".")
    if padding:
        refused(gate, ask(places, "alb", "%s: %s%s.%s.%s" % (ALB, head, padding, body, sig)))


def test_forged_header_jwt(gate, places, issuer):
    other = Issuer("evil", issuer.url)
    other.keys["RS256"].kid = issuer.keys["RS256"].kid
    refused(gate, ask(places, "any", "%s: %s" % (ANY, other.person("eva", ["staff"]))))
    refused(gate, ask(places, "any", "%s: %s" % (ANY, issuer.person("eva", ["staff"], exp=int(time.time()) - 1))))
    # read by the issuer that the listener names, whoever else it might be good for
    refused(gate, ask(places, "any", "%s: %s" % (ANY, Team().token())))


# ---- from whom ------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["stranger", "direct", "forwarded"])
@pytest.mark.parametrize("header", [CF, "cf-access-jwt-assertion", "Cf_Access_Jwt_Assertion", "Cf.Access.Jwt.Assertion"])
def test_a_stranger_is_not_believed(gate, places, team, issuer, place, header):
    answer = ask(places, place, "%s: %s" % (header, team.token()))
    record = refused(gate, answer)
    assert record["spoof_attempts"] == 1, record
    # and nothing of it goes upstream with somebody who may
    answer = ask(places, place, "%s: %s" % (header, team.token()), token=issuer.person("eva", ["staff"]))
    assert answer.status == 200 and not [n for n in seen(answer) if "access" in n], answer.json


def test_a_spoof_attempt_has_a_record_of_its_own(gate, places, team):
    ids = set()

    def told():             # one a second for a client's network
        ids.add(ask(places, "direct", "%s: %s" % (CF, team.token())).id)
        return gate.journal.find(kind="spoof_attempt", test=lambda r: r["id"] in ids)

    record = raw.wait_for(told, step=0.2)[0]
    assert record["headers"] == [CF] and record["client"]["address"] == "127.0.0.1" and "identity" not in record


def test_header_jwt_is_taken_out_wherever_it_comes(gate, places, issuer):
    answer = ask(places, "any", "X_Corp_Jwt: " + issuer.person("eva", ["staff"]))
    assert refused(gate, answer)["spoof_attempts"] == 1


@pytest.mark.parametrize("place, header", [("cloudflare", CF), ("iap", IAP), ("alb", ALB), ("any", ANY)])
def test_twice_is_refused(gate, places, team, iap, alb, issuer, place, header):
    token = {"cloudflare": team.token, "iap": iap.token, "alb": alb.token}.get(
        place, lambda: issuer.person("eva", ["staff"]))()
    for second in (token, "x", ""):
        answer = ask(places, place, "%s: %s" % (header, token), "%s: %s" % (header.lower(), second))
        assert answer.status == 400, answer
        record = gate.record(answer)
        assert record["decision"]["reason"] == "field.twice" and record["spoof_attempts"] >= 1, record


def test_a_look_alike_beside_the_real_one(gate, places, team):
    answer = ask(places, "cloudflare", "%s: %s" % (CF, team.token()), "Cf_Access_Jwt_Assertion: x")
    assert answer.status == 200 and gate.record(answer)["spoof_attempts"] == 1


def test_no_bearer_of_a_front(gate, places, team, alb):
    """The same text in Authorization proves nothing, before and after it was seen in its header."""
    token = team.token()
    for place in ("cloudflare", "direct"):
        answer = ask(places, place, token=token)
        assert answer.status == 401, answer
        assert ask(places, "cloudflare", "%s: %s" % (CF, token)).status == 200
        refused(gate, ask(places, place, token=token))
        refused(gate, ask(places, place, "X-Postern-Token: " + token))


def test_a_header_of_another_front(gate, places, team, iap):
    """What one front has proved is no proof before another, though its listener remembers it."""
    token = team.token(aud=["aud-inventory", "/projects/1/apps/demo"])
    assert ask(places, "cloudflare", "%s: %s" % (CF, token)).status in (200, 401)
    refused(gate, ask(places, "iap", "%s: %s" % (IAP, team.token())))
    answer = ask(places, "iap", "%s: %s" % (CF, team.token()))
    assert refused(gate, answer)["spoof_attempts"] == 1


# ---- two credentials ------------------------------------------------------------------------


def test_two_people_at_once(gate, places, team, issuer):
    answer = ask(places, "cloudflare", "%s: %s" % (CF, team.token()), token=issuer.person("eva", ["staff"]))
    refused(gate, answer, 400, "input:header")


def test_the_same_person_twice(gate, places, issuer):
    token = issuer.person("eva", ["staff"])
    assert ask(places, "any", "%s: %s" % (ANY, token), token=issuer.person("eva", ["staff"], jti="b")).status == 200


def test_a_bad_header_is_not_made_good_by_a_bearer(gate, places, team, issuer):
    answer = ask(places, "cloudflare", "%s: %s" % (CF, team.token(exp=1)), token=issuer.person("eva", ["staff"]))
    refused(gate, answer)


def test_a_bearer_alone_counts_behind_a_front(gate, places, issuer):
    assert ask(places, "cloudflare", token=issuer.person("eva", ["staff"])).status == 200


# ---- reload ---------------------------------------------------------------------------------


def test_keys_of_the_team_rotate(start, origin):
    team, shelf, port = Team("rotor"), KeyShelf(), free_port()
    try:
        url = shelf.put("/certs", team.jwks())
        g = start(policies={"10.yaml": people_alone(origin.url)}, listeners=[
            {"address": "127.0.0.1:%d" % port, "front": {"cloudflare": {
                "team": "rotor", "audience": "a", "keys_url": url, "trusted": ["127.0.0.1/32"]}}}])
        place = {"p": port}
        assert ask(place, "p", "%s: %s" % (CF, team.token(aud="a"))).status == 200
        new = Team("rotor", "new-kid")
        shelf.put("/certs", new.jwks())
        assert ask(place, "p", "%s: %s" % (CF, new.token(aud="a"))).status == 200
        assert g.alive()
    finally:
        shelf.close()


def test_a_front_that_is_reloaded_reads_otherwise(start, origin, issuer):
    team, shelf, port = Team("acme"), KeyShelf(), free_port()
    try:
        front = {"team": "acme", "audience": "a", "keys_url": shelf.put("/certs", team.jwks()), "trusted": ["127.0.0.1/32"]}
        listen = {"address": "127.0.0.1:%d" % port}
        g = start(policies={"10.yaml": people_alone(origin.url)}, listeners=[{**listen, "front": {"cloudflare": front}}])
        place, header = {"p": port}, "%s: %s" % (CF, team.token(aud="a"))
        assert ask(place, "p", header).status == 200
        g.write_config(listeners=[{**listen, "front": {"cloudflare": {**front, "audience": "b"}}}])
        end = time.monotonic() + 10 * SLOWNESS
        while ask(place, "p", header).status != 401 and time.monotonic() < end:
            time.sleep(0.1)
        assert ask(place, "p", header).status == 401
        assert ask(place, "p", "%s: %s" % (CF, team.token(aud="b"))).status == 200
    finally:
        shelf.close()


def test_a_websocket_outlives_a_reload_and_ends_with_its_front(start, origin):
    team, shelf, port = Team("acme"), KeyShelf(), free_port()
    try:
        front = {"team": "acme", "audience": "a", "keys_url": shelf.put("/certs", team.jwks()), "trusted": ["127.0.0.1/32"]}
        listen = {"address": "127.0.0.1:%d" % port}
        g = start(policies={"10.yaml": people_alone(origin.url)}, listeners=[{**listen, "front": {"cloudflare": front}}])
        g.port = port
        s = open_socket(g, None, headers=["%s: %s" % (CF, team.token(aud="a"))])
        policy = people_alone(origin.url)
        policy["apps"][0]["title"] = "Stock"
        generation = g.metrics()["postern_policy_generation"]
        g.policy(policy, "10.yaml")
        raw.wait_for(lambda: g.metrics()["postern_policy_generation"] > generation, 10 * SLOWNESS)
        s.send(b"still there")
        assert s.read() == (1, b"still there")
        # another audience reads its tokens otherwise: nobody can say whose it is now
        g.write_config(listeners=[{**listen, "front": {"cloudflare": {**front, "audience": "b"}}}])
        s.conn.sock.settimeout(10 * SLOWNESS)
        assert close_code(s)[0] in (1001, 1008)
    finally:
        shelf.close()
