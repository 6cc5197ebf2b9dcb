"""The 33 relying-party cases of the OpenID conformance suite (16 basic, 6 configuration, 8 back-channel logout, 3 refresh)
against an issuer that lies, each by answer and by record; then the faults of others that a log-in must not repeat."""

import base64
import os
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from harness import raw
from harness.people import PORTAL, SESSION, House
from harness.proxy import SLOWNESS
from harness.provider import LOGOUT_EVENT, Provider, forged, half_hash, tampered, unsigned
from harness.tokens import Key


class Desk(House):
    """A postern whose people sign in at a provider of ours."""

    def __init__(self, start, origin, folder, provider, config=None, **client):
        self.provider = provider
        with open(os.path.join(folder, "secret"), "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(provider.secret + "\n")
        issuer = {"issuer": provider.issuer, "client_id": provider.client_id, "client_secret_file": "secret", **client}
        super().__init__(start, origin, folder=folder,
                         config={"issuers": {"corp": issuer}, "builtin": None, **(config or {})})

    def log_in(self, path="/", browser=None):
        """(browser, last page, the new record)"""
        b = browser or self.browser()
        before = len(self.outcomes())
        page = b.get(self.url("inventory", path))
        return b, page, raw.wait_for(lambda: self.outcomes()[before:], why="a record of the log-in")[-1]

    def outcomes(self):
        return self.journal.find(lambda r: r["kind"] in ("login", "step_up", "login.failed"))

    def is_let_in(self, path="/"):
        b, page, record = self.log_in(path)
        assert page.status == 200 and page.url == self.url("inventory", path), (page, page.text[:2000])
        assert record["kind"] == "login" and record["issuer"] == "corp", record
        assert self.provider.problems == []
        return b, record

    def is_refused(self, reason, token=None, error=None):
        """Nobody gets a session, the page tells no details, the record tells them."""
        b, page, record = self.log_in()
        assert record["kind"] == "login.failed" and record["issuer"] == "corp" and record["reason"] == reason, record
        assert record.get("token") == token and record.get("error") == error, record
        assert 400 <= page.status < 600 and page.answer.id == record["id"], page
        assert token is None or token not in page.text
        assert all(SESSION not in jar for jar in b.jar.values())
        again = b.ask(self.url("inventory"))
        assert again.status == 302 and "/.postern/login?" in again.header("Location")
        return page, record


@pytest.fixture(scope="module")
def op():
    p = Provider()
    yield p
    p.stop()


@pytest.fixture(autouse=True)
def honest(request):
    yield
    if "op" in request.fixturenames:
        request.getfixturevalue("op").reset()


@pytest.fixture(scope="module")
def house(start_shared, origin, op, tmp_path_factory):
    return Desk(start_shared, origin, tmp_path_factory.mktemp("desk"), op)


@pytest.fixture
def own(start, origin, tmp_path_factory):
    """A postern and a provider of one test."""
    made = []

    def make(config=None, provider=None, **client):
        p = provider or Provider()
        made.append(p)
        return Desk(start, origin, tmp_path_factory.mktemp("desk"), p, config, **client)

    yield make
    for p in made:
        p.stop()


# ---- basic ------------------------------------------------------------------------------------

def test_basic_01_code_flow(house, op):
    b, record = house.is_let_in("/stock/1?a=b")
    asked = op.requests("/authorize")[-1][0]
    assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == house.portal("/.postern/callback")
    form, headers = op.requests("/token")[-1]
    assert form["grant_type"] == "authorization_code" and len(form["code_verifier"]) == 43
    assert record["identity"]["issuer"] == op.issuer and record["identity"]["subject"] == "kim"
    assert record["identity"]["email"] == "kim@corp.example" and record["identity"]["groups"] == ["staff"]


def test_basic_02_scope_and_userinfo_claims(own):
    house = own(claims_from="userinfo", scopes=["email", "profile", "groups"])
    house.provider.in_id_token = ()
    _, record = house.is_let_in()
    scopes = house.provider.requests("/authorize")[-1][0]["scope"].split()
    assert sorted(scopes) == ["email", "groups", "openid", "profile"]
    assert record["identity"]["email"] == "kim@corp.example" and record["identity"]["groups"] == ["staff"]


def test_basic_03_nonce_invalid(house, op):
    for nonce in ("other", "", None):
        with op.lying(id_claims={"nonce": nonce}):
            house.is_refused("login.nonce")


def test_basic_04_client_secret_basic(own):
    provider = Provider(client_id="gate 1:x", secret="s3 %:ä/+")
    provider.client_id, provider.secret = "gate 1:x", "s3 %:ä/+"
    seen = []
    provider._authenticate = lambda form, headers: seen.append((headers.get("Authorization"), dict(form)))
    house = own(provider=provider)
    house.is_let_in()
    plain = base64.b64decode(seen[-1][0].removeprefix("Basic ")).decode()
    assert plain == "gate%201%3Ax:s3%20%25%3A%C3%A4%2F%2B"
    assert "client_secret" not in seen[-1][1] and "client_id" not in seen[-1][1]


def test_basic_05_invalid_iss(house, op):
    for iss in ("https://evil.example", op.issuer + "/", op.issuer.upper(), None):
        with op.lying(id_claims={"iss": iss}):
            house.is_refused("login.token", token="token.issuer")


def test_basic_06_missing_sub(house, op):
    for sub in (None, "", 7, "x" * 256):
        with op.lying(id_claims={"sub": sub}):
            house.is_refused("login.token", token="token.subject")


def test_basic_07_invalid_aud(house, op):
    for aud in ("other", ["other"], "gate2", "postern"):
        with op.lying(id_claims={"aud": aud}):
            house.is_refused("login.token", token="token.audience")
    with op.lying(id_claims={"aud": ["gate", "other"]}):
        house.is_refused("login.token", token="token.azp")
    with op.lying(id_claims={"azp": "other"}):
        house.is_refused("login.token", token="token.azp")


def test_basic_08_missing_aud(house, op):
    with op.lying(id_claims={"aud": None}):
        house.is_refused("login.token", token="token.audience")


def test_basic_09_missing_iat(house, op):
    with op.lying(id_claims={"iat": None}):
        house.is_refused("login.token", token="token.claim")


def test_basic_10_kid_absent_one_key(own):
    house = own()
    house.provider.shown_keys = [house.provider.keys["RS256"].jwk(kid=None)]
    house.provider.id_header = {"kid": None}
    house.is_let_in()


def test_basic_11_kid_absent_several_keys(own):
    provider = Provider()
    other = Key("RS256", "other")
    provider.shown_keys = [provider.keys["RS256"].jwk(kid=None), other.jwk(kid=None)]
    provider.id_header = {"kid": None}
    own(provider=provider).is_refused("login.token", token="token.ambiguous-key")


def test_basic_12_signed_with_rs256(house, op):
    with op.lying(alg="RS256"):
        _, record = house.is_let_in()
    assert op.requests("/token") and record["identity"]["subject"] == "kim"


def test_basic_13_signed_with_es256(house, op):
    with op.lying(alg="ES256"):
        house.is_let_in()


def test_basic_14_not_signed(house, op):
    with op.lying(sign=unsigned):
        house.is_refused("login.token", token="token.alg")


def test_basic_15_wrong_signature(house, op):
    for alg in ("RS256", "ES256"):
        with op.lying(alg=alg, sign=tampered(op)):
            house.is_refused("login.token", token="token.signature")
        with op.lying(alg=alg, sign=forged(Key(alg, op.keys[alg].kid))):
            if alg == "ES256":           # an RSA key is made once for a name: it would be the right one
                house.is_refused("login.token", token="token.signature")


def test_basic_16_userinfo_of_somebody_else(own):
    house = own(claims_from="userinfo")
    for lie in ({"sub": "lee"}, {"sub": None}, {"sub": ["kim"]}):
        with house.provider.lying(userinfo=lie):
            house.is_refused("login.userinfo")
    with house.provider.lying(userinfo_answer=(200, "application/jwt", b"e30.e30.")):
        house.is_refused("login.userinfo")
    with house.provider.lying(userinfo={"groups": ["admins"], "acr": "gold", "aud": "x", "iss": "x"}):
        _, record = house.is_let_in()
    assert record["identity"]["groups"] == ["staff"]         # the signed ones


# ---- configuration ----------------------------------------------------------------------------

def test_config_01_discovery(own):
    house = own()
    house.is_let_in()
    for path in ("/.well-known/openid-configuration", "/jwks", "/authorize", "/token"):
        assert house.provider.requests(path), path


def test_config_02_keys_of_the_document(own):
    provider = Provider()
    provider.metadata = {"jwks_uri": provider.issuer + "/elsewhere"}
    provider.get_elsewhere = provider.get_jwks
    own(provider=provider).is_let_in()
    assert provider.requests("/elsewhere") and not provider.requests("/jwks")


def test_config_03_issuer_mismatch(own):
    provider = Provider()
    provider.metadata = {"issuer": "https://evil.example"}
    house = own(provider=provider, config=None)
    b, page, record = house.log_in()
    assert page.status >= 400 and record["reason"] == "login.unreachable" and record["kind"] == "login.failed"
    assert not provider.requests("/authorize") and "https://evil.example" in house.postern.stderr()


def test_config_04_not_signed_whatever_the_document_says(own):
    provider = Provider()
    provider.metadata = {"id_token_signing_alg_values_supported": ["none", "RS256"]}
    provider.sign = unsigned
    own(provider=provider).is_refused("login.token", token="token.alg")


def test_config_05_key_rotated_just_before_signing(own):
    house = own()
    house.provider.rotate()
    house.is_let_in()                   # the unknown kid made postern ask for the keys


def test_config_06_key_rotated_between_log_ins(own):
    house = own()
    house.is_let_in()
    house.provider.rotate()
    house.is_let_in()
    assert len(house.provider.requests("/jwks")) >= 2


# ---- back-channel logout ------------------------------------------------------------------------

def notify(house, token, fields=None, name="corp"):
    body = urlencode(fields if fields is not None else {"logout_token": token}).encode()
    return raw.request(house.port, "POST", "/.postern/backchannel/" + name, host="%s:%d" % (PORTAL, house.port),
                       headers=[("Content-Type", "application/x-www-form-urlencoded")], body=body)


def is_refused_notice(house, token, check):
    b, _ = house.is_let_in()
    before = len(house.journal.find(kind="logout.failed"))
    answer = notify(house, token)
    assert answer.status == 400 and answer.get("Cache-Control") == "no-store"
    record = house.journal.wait(before + 1, kind="logout.failed")
    assert record["reason"] == check and record["issuer"] == "corp" and record["how"] == "backchannel", record
    assert check not in answer.text
    assert b.ask(house.url("inventory")).status == 200       # nobody was signed out


def ends(house, b, token):
    """The sessions die before the answer comes, on every host."""
    assert b.ask(house.url("inventory")).status == 200
    answer = notify(house, token)
    assert answer.status == 200 and answer.get("Cache-Control") == "no-store", answer.text
    assert b.ask(house.url("inventory")).status == 302
    record = house.journal.wait(kind="logout", how="backchannel")
    assert record["issuer"] == "corp" and record["ended"] == 1, record
    revoked = house.journal.wait(kind="session.revoked", why="backchannel")
    assert revoked["by"] == "issuer" and revoked["identity"]["subject"] == "kim"


def test_backchannel_01_ends_the_session(own):
    house = own()
    provider = house.provider
    provider.sid = "sid-1"
    one, _ = house.is_let_in()
    provider.sid = "sid-2"
    two, _ = house.is_let_in()
    ends(house, one, provider.logout_token(sid="sid-1", sub=None))
    assert two.ask(house.url("inventory")).status == 200     # another browser of the same person
    assert notify(house, provider.logout_token()).status == 200     # sub alone: all of them
    assert two.ask(house.url("inventory")).status == 302


def test_backchannel_02_not_signed(house, op):
    is_refused_notice(house, op.logout_token(sign=unsigned), "token.alg")


def test_backchannel_03_wrong_algorithm(house, op):
    key = op.keys["RS256"]
    is_refused_notice(house, op.logout_token(sign=lambda c, h: key.token(c, {**h, "alg": "RS512"}, "RS512")),
                      "token.alg")


def test_backchannel_04_no_event(house, op):
    is_refused_notice(house, op.logout_token(events=None), "token.claim")


def test_backchannel_05_wrong_event(house, op):
    is_refused_notice(house, op.logout_token(events={LOGOUT_EVENT + "s": {}}), "token.claim")


def test_backchannel_06_wrong_audience(house, op):
    is_refused_notice(house, op.logout_token(aud="other"), "token.audience")


def test_backchannel_07_wrong_issuer(house, op):
    is_refused_notice(house, op.logout_token(iss="https://evil.example"), "token.issuer")


def test_backchannel_08_with_a_nonce(house, op):
    is_refused_notice(house, op.logout_token(nonce="n"), "token.claim")


# ---- refresh ----------------------------------------------------------------------------------

def grown_old(house, b, count=1):
    """Claims become old, the person goes on, and the provider is asked."""
    def token_requests():
        return [f for f, _ in house.provider.requests("/token") if f["grant_type"] == "refresh_token"]

    before = len(token_requests())

    def asked():
        b.ask(house.url("inventory"))
        return len(token_requests()) >= before + count
    raw.wait_for(asked, seconds=20 * SLOWNESS, step=0.2, why="a refresh")
    return token_requests()[-1]


@pytest.fixture
def quick(own):
    """Claims are old after a second."""
    return lambda **client: own(config={"sessions": {"refresh": "1s"}}, **client)


def test_refresh_01_new_claims(quick):
    house = quick()
    b, _ = house.is_let_in()
    house.provider.person = {**house.provider.person, "groups": ["nobody"]}
    grown_old(house, b)
    raw.wait_for(lambda: b.ask(house.url("inventory")).status == 403, seconds=10 * SLOWNESS, step=0.1,
                 why="the new groups")
    house.journal.wait(kind="decision", decision__effect="deny", identity__groups=["nobody"])
    assert house.provider.problems == []


def test_refresh_02_of_another_issuer(quick):
    house = quick()
    b, _ = house.is_let_in()
    house.provider.person = {**house.provider.person, "groups": ["nobody"]}
    with house.provider.lying(id_claims={"iss": "https://evil.example"}):
        grown_old(house, b)
        raw.wait_for(lambda: "login.token" in house.postern.stderr(), seconds=10 * SLOWNESS, why="a word in the log")
    assert b.ask(house.url("inventory")).status == 200       # what was proved before still stands
    house.journal.wait(kind="decision", decision__effect="allow", identity__groups=["staff"])


def test_refresh_03_of_somebody_else(quick):
    house = quick()
    b, _ = house.is_let_in()
    with house.provider.lying(id_claims={"sub": "lee"}):
        grown_old(house, b)
        record = house.journal.wait(kind="session.revoked", seconds=10 * SLOWNESS)
    assert record["why"] == "other-person" and record["by"] == "issuer" and record["identity"]["subject"] == "kim"
    assert b.ask(house.url("inventory")).status == 302


# ---- faults of others -------------------------------------------------------------------------

def test_an_ended_grant_ends_the_session(quick):
    house = quick()
    b, _ = house.is_let_in()
    house.provider.refresh_tokens.clear()
    grown_old(house, b)
    record = house.journal.wait(kind="session.revoked", seconds=10 * SLOWNESS)
    assert record["why"] == "grant-ended" and b.ask(house.url("inventory")).status == 302


def test_a_provider_that_is_down_ends_nothing(quick):
    house = quick()
    b, _ = house.is_let_in()
    house.provider.down = {"/token"}
    grown_old(house, b)
    raw.wait_for(lambda: "login.unreachable" in house.postern.stderr(), seconds=10 * SLOWNESS, why="a word in the log")
    assert b.ask(house.url("inventory")).status == 200
    assert not house.journal.find(kind="session.revoked")


def test_a_refresh_without_an_id_token_keeps_the_claims(quick):
    house = quick()
    house.provider.gives_id_on_refresh = False
    b, _ = house.is_let_in()
    first = grown_old(house, b)["refresh_token"]
    second = grown_old(house, b)["refresh_token"]
    assert first != second                                   # the rotated one is used
    assert b.ask(house.url("inventory")).status == 200


def test_hashes(house, op):
    with op.lying(id_claims={"at_hash": half_hash("another")}):
        house.is_refused("login.hash")
    with op.lying(id_claims={"at_hash": None}):              # it is optional in the code flow
        house.is_let_in()
    with op.lying(id_claims={"c_hash": half_hash("another")}):
        house.is_refused("login.hash")


def test_iss_of_the_answer(house, op):
    for iss in ("https://evil.example", None):
        with op.lying(callback={"iss": iss}):
            house.is_refused("login.iss")


def test_an_error_of_the_provider_is_not_shown(house, op):
    with op.lying(callback={"code": None, "error": "access_denied", "error_description": "<script>alert(1)</script>"}):
        page, _ = house.is_refused("login.denied", error="access_denied")
        assert "alert" not in page.text
    with op.lying(callback={"code": None, "error": "<script>alert(1)</script>"}):
        page, _ = house.is_refused("login.error", error="?script?alert?1??/script?")
        assert "alert" not in page.text


def test_answers_of_the_token_endpoint(house, op):
    json_type = "application/json"
    for answer, reason, error in [
            ((400, json_type, b'{"error":"invalid_grant"}'), "login.code", "invalid_grant"),
            ((401, json_type, b'{"error":"invalid_client"}'), "login.error", "invalid_client"),
            ((200, "text/html", b"<html>"), "login.answer", None),
            ((200, json_type, b'{"access_token":"a","access_token":"b","token_type":"Bearer"}'), "login.answer", None),
            ((200, json_type, b"{" + b" " * 100_000 + b"}"), "login.answer", None),
            ((200, json_type, b" " * 1_000_000), "login.unreachable", None),
            ((500, json_type, b"{}"), "login.unreachable", None)]:
        with op.lying(token_answer=answer):
            house.is_refused(reason, error=error)
    with op.lying(token_members={"token_type": "DPoP"}):
        house.is_refused("login.answer")
    with op.lying(token_members={"id_token": None}):
        house.is_refused("login.answer")


def test_the_operator_learns_of_a_provider_that_answers_with_an_error(own):
    house = own()
    with house.provider.lying(token_answer=(401, "application/json", b'{"error":"invalid_client"}')):
        for _ in range(3):
            house.is_refused("login.error", error="invalid_client")
    told = [line for line in house.postern.stderr().splitlines() if "event=login.failed" in line]
    assert len(told) == 1, told                              # once a minute
    assert "level=warn" in told[0] and "issuer=corp" in told[0] and "error=invalid_client" in told[0], told
    assert "code=login.error" in told[0] and house.provider.secret not in told[0]


def test_a_provider_that_is_down(own):
    provider = Provider()
    house = own(provider=provider)
    provider.down = {"/token"}
    house.is_refused("login.unreachable")
    provider.down = set()
    house.is_let_in()


def to_the_way_back(house):
    """A browser that is about to come back from the provider, and the address."""
    b = house.browser()
    page = b.ask(house.url("inventory"))
    while not page.header("Location").startswith(house.portal("/.postern/callback")):
        page = b.ask(page.header("Location"))
    return b, page.header("Location")


def refused_state(house, page):
    record = house.journal.wait(kind="login.failed", id=page.answer.id)
    assert 400 <= page.status < 500 and record["reason"] == "login.state", (page, record)


def test_state_is_of_this_browser_and_good_once(house, op):
    b, back = to_the_way_back(house)
    refused_state(house, house.browser().ask(back))          # another browser: log-in fixation
    assert b.ask(back).status == 303
    fresh = house.browser()
    fresh.jar = {PORTAL: {k: v for k, v in b.jar[PORTAL].items() if k != SESSION}}
    refused_state(house, fresh.ask(back))                    # the same browser, a second time
    assert len([1 for f, _ in op.requests("/token")]) == 1   # the code was sent once


def test_state_forged_foreign_absent_double(house, op):
    b, back = to_the_way_back(house)
    query = parse_qs(urlsplit(back).query)
    base = back.split("?")[0]
    good = query["state"][0]
    for state in ("", "A" * 43, good[:-1], good + "A", good.swapcase()):
        refused_state(house, b.ask(base + "?" + urlencode({"code": "c", "state": state, "iss": op.issuer})))
    refused_state(house, b.ask(base + "?code=c"))
    assert 400 <= b.ask(back + "&state=" + good).status < 500   # two readers could take different ones
    assert not op.requests("/token")
    assert b.ask(back).status == 303                         # the log-in itself took no harm


def test_a_foreign_code_is_not_ours(house, op):
    """A code of another log-in is bound to another verifier; the provider is the one to see it."""
    _, other = to_the_way_back(house)
    b, back = to_the_way_back(house)
    code = parse_qs(urlsplit(other).query)["code"][0]
    mine = {k: v[0] for k, v in parse_qs(urlsplit(back).query).items()}
    page = b.follow(b.ask(back.split("?")[0] + "?" + urlencode({**mine, "code": code})))
    record = house.journal.wait(kind="login.failed", id=page.answer.id)
    assert record["reason"] == "login.nonce", record         # our own check, whatever the provider says
    assert "the verifier" in op.problems


def test_a_session_has_a_new_id_after_each_log_in(house):
    b, first = house.is_let_in()
    old = b.cookie(PORTAL)
    b.jar["inventory.postern.localhost"].pop(SESSION)
    b.jar[PORTAL].pop(SESSION)
    _, page, second = house.log_in(browser=b)
    assert page.status == 200 and second["session"] != first["session"] and b.cookie(PORTAL) != old


def test_a_logout_token_is_good_once(own):
    house = own()
    b, _ = house.is_let_in()
    token = house.provider.logout_token(sub="somebody")
    assert notify(house, token).status == 200
    answer = notify(house, token)
    assert answer.status == 400 and house.journal.wait(kind="logout.failed")["reason"] == "logout.replayed"
    assert b.ask(house.url("inventory")).status == 200


@pytest.mark.parametrize("change, check", [
    ({"jti": None}, "token.claim"), ({"iat": None}, "token.claim"), ({"exp": None}, "token.no-expiry"),
    ({"exp": 1}, "token.expired"), ({"sub": None}, "token.subject")])
def test_a_logout_token_that_lacks_something(house, op, change, check):
    is_refused_notice(house, op.logout_token(**change), check)


def test_an_id_token_is_no_logout_token(house, op):
    is_refused_notice(house, op.logout_token(header={"typ": "JWT"}), "token.typ")


def test_a_notice_that_is_no_form(house, op):
    for fields in ({}, {"logout_token": ""}, [("logout_token", "a"), ("logout_token", "b")]):
        assert notify(house, None, fields).status == 400
    assert notify(house, op.logout_token(), name="nobody").status in (400, 404)


def test_logout_of_one_session_hides_no_other(own):
    house = own()
    house.provider.sid = "shared"
    one, _ = house.is_let_in()
    two, _ = house.is_let_in()
    page = one.get(house.portal("/.postern/logout"))
    one.send([f for f in page.forms() if f["method"] == "POST"][0], follow=False)
    assert two.ask(house.url("inventory")).status == 200
    assert notify(house, house.provider.logout_token(sid="shared", sub=None)).status == 200
    assert two.ask(house.url("inventory")).status == 302


def test_clock_skew(house, op):
    now = int(time.time())
    with op.lying(id_claims={"iat": now + 300, "exp": now + 900}):
        house.is_refused("login.token", token="token.not-yet")
    with op.lying(id_claims={"iat": now + 30}):
        house.is_let_in()
    with op.lying(id_claims={"exp": now - 1}):
        house.is_refused("login.token", token="token.expired")


def test_groups_overage_is_unknown_not_none(house, op):
    with op.lying(id_claims={"groups": None, "_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}}):
        b, page, record = house.log_in()
    assert record["kind"] == "login" and page.status == 403
    decision = house.journal.wait(kind="decision", session=record["session"])
    assert decision["decision"]["effect"] == "deny"


def test_an_address_with_two_ats_is_none(house, op):
    with op.lying(id_claims={"email": "a@evil.com@corp.example"}):
        _, _, record = house.log_in()
    assert record["kind"] == "login" and record["identity"]["subject"] == "kim"


def test_tokens_are_seen_nowhere(own):
    house = own()
    b, _ = house.is_let_in()
    secrets = [*house.provider.access_tokens, *house.provider.refresh_tokens]
    seen = [h.url + h.text for h in b.hops] + [house.postern.stderr(), open(house.postern.path("access.jsonl")).read()]
    for secret in secrets:
        assert not any(secret in text for text in seen)
    assert not any("eyJ" in text for text in seen)


def test_pushed_requests(own):
    provider = Provider()
    provider.metadata = {"pushed_authorization_request_endpoint": provider.issuer + "/par",
                         "require_pushed_authorization_requests": True}
    house = own(provider=provider)
    b, _ = house.is_let_in()
    assert len(provider.requests("/par")) == 1
    assert sorted(provider.requests("/authorize")[-1][0]) == ["client_id", "request_uri"]
    provider.down = {"/par"}
    house.is_refused("login.unreachable")


def test_a_logout_token_of_a_new_key(own):
    """The provider rotated its keys since the log-in: postern asks for them, and the session ends all the same."""
    house = own()
    b, _ = house.is_let_in()
    house.provider.rotate()
    ends(house, b, house.provider.logout_token())


def test_a_logout_token_of_no_key_at_all(own):
    house = own()
    other = Key("ES256", "nobody's")
    is_refused_notice(house, house.provider.logout_token(sign=lambda c, h: other.token(c, h)), "token.unknown-kid")
