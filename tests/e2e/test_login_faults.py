"""What a log-in must not let through: forged, replayed, foreign and old states, codes and tickets; targets that are not
ours; providers that are slow, down or lying; browsers that keep nothing; people who are gone. By answer and by record."""

import select
import socket
import sqlite3
import time
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlsplit

import pytest

from harness import faults as tool
from harness import raw
from harness.faults import Faults
from harness.people import HASH, LOGIN, PORTAL, SESSION, House
from harness.provider import Provider
from harness.proxy import SANITIZER, SLOWNESS


@pytest.fixture(scope="module")
def house(start_shared, origin):
    return House(start_shared, origin)


@pytest.fixture(scope="module")
def provider():
    p = Provider()
    yield p
    p.stop()


@pytest.fixture(scope="module")
def foreign(start_shared, origin, provider, tmp_path_factory):
    """A house whose people sign in at a provider of their own."""
    return at_corp(start_shared, origin, provider, tmp_path_factory.mktemp("foreign"))


def at_corp(start, origin, provider, folder, **how):
    secret = folder / "secret"
    secret.write_text(provider.secret + "\n")
    secret.chmod(0o600)
    issuer = {"issuer": provider.issuer, "client_id": provider.client_id, "client_secret_file": "secret",
              "title": "Corp", "trusted_email": True}
    return House(start, origin, folder=folder,
                 config={"issuers": {"corp": issuer}, "builtin": None, "sessions": {"refresh": "1s"}}, **how)


def failed(house, reason, count=1):
    return house.journal.wait(kind="login.failed", reason=reason, count=count)


def start(house, b, app="inventory", path="/"):
    """Up to the provider: the page of the built-in issuer, and the state that it was called with."""
    page = b.get(house.url(app, path))
    return page, parse_qs(urlsplit(page.url).query)["state"][0]


def callback(house, **query):
    return house.portal("/.postern/callback?" + urlencode(query))


def code_of(house, b, page, email="eva@corp.example"):
    """Signs in, and stops before the callback: its URL."""
    answer = b.sign_in(page, email, follow=False)
    assert answer.status == 303, answer
    return urljoin(page.url, answer.header("Location"))


# ---- state and code ---------------------------------------------------------------------------------
def test_a_forged_state(house):
    b = house.browser()
    start(house, b)
    for state in ("A" * 43, "", "x", "A" * 5000):
        page = b.ask(callback(house, code="x", state=state))
        assert page.status == 403 and b.cookie(PORTAL) is None, page
    assert failed(house, "login.state")["client"]["address"] == "127.0.0.1"


def test_a_foreign_state(house):
    """The answer to another browser's log-in, sent to a victim: he would be signed in as the attacker."""
    attacker, victim = house.browser(), house.browser()
    url = code_of(house, attacker, start(house, attacker)[0])
    start(house, victim)
    before = len(house.journal.find(kind="login"))
    assert victim.ask(url).status == 403
    assert house.browser().ask(url).status == 403               # one without any cookie
    assert attacker.follow(attacker.ask(url)).status == 200     # and it was not used up by them
    failed(house, "login.state")
    house.journal.wait(count=before + 1, kind="login")
    assert len(house.journal.find(kind="login")) == before + 1


def test_a_replayed_answer(house):
    b = house.browser()
    url = code_of(house, b, start(house, b)[0])
    assert b.follow(b.ask(url)).status == 200
    thief = house.browser()
    thief.jar = {PORTAL: {LOGIN: b.cookie(PORTAL, LOGIN)}}      # even with the binding cookie
    assert thief.ask(url).status == 403 and thief.cookie(PORTAL) is None


def test_a_code_of_another_log_in(house):
    b = house.browser()
    code = parse_qs(urlsplit(code_of(house, b, start(house, b)[0])).query)["code"][0]
    other = house.browser()
    _, state = start(house, other)
    iss = house.portal("/.postern/issuer")
    page = other.ask(callback(house, code=code, state=state, iss=iss))
    assert page.status == 403 and other.cookie(PORTAL) is None
    assert failed(house, "login.code")["issuer"] == "people"


def test_an_invented_code_and_a_wrong_issuer(house):
    for query, reason in (({"code": "invented", "iss": house.portal("/.postern/issuer")}, "login.code"),
                          ({"code": "x", "iss": "http://evil.example"}, "login.iss"),
                          ({"error": "access_denied", "iss": house.portal("/.postern/issuer")}, "login.denied")):
        b = house.browser()
        _, state = start(house, b)
        page = b.ask(callback(house, state=state, **query))
        assert page.status == 403 and b.cookie(PORTAL) is None
        failed(house, reason)


# ---- tickets ----------------------------------------------------------------------------------------
def ticket(house, b, app="reports"):
    """The way from the portal to an app, not gone yet."""
    page = b.ask(b.ask(house.url(app, "/deep")).header("Location"))
    url = page.header("Location")
    assert "/.postern/back?t=" in url
    return url


def test_a_ticket_is_good_once(house):
    b = house.signed_in()
    url = ticket(house, b)
    assert b.get(url).url == house.url("reports", "/deep")
    del b.jar["reports.postern.localhost"][SESSION]
    assert b.ask(url).status == 403
    failed(house, "login.ticket")


def test_a_ticket_is_bound_to_the_browser(house):
    b, thief = house.signed_in(), house.browser()
    url = ticket(house, b)
    thief.ask(house.url("reports"))                             # has a binding cookie, of its own
    page = thief.ask(url)
    assert page.status == 403 and thief.cookie("reports.postern.localhost") is None
    assert b.ask(url).status == 403                             # whoever tried it has used it up
    failed(house, "login.ticket", count=2)


def test_a_ticket_is_bound_to_its_host(house):
    b = house.signed_in()
    url = ticket(house, b)
    b.jar.setdefault("inventory.postern.localhost", {})[LOGIN] = b.cookie("reports.postern.localhost", LOGIN)
    assert b.ask(url.replace("reports.", "inventory.")).status == 403
    assert b.get(url).url == house.url("reports", "/deep")


def test_forged_tickets(house):
    b = house.signed_in()
    for t in ("", "A" * 43, "A" * 42, "%00", "../..", "A" * 4000):
        page = b.ask(house.url("reports", "/.postern/back?t=" + t))
        assert page.status in (400, 403) and b.cookie("reports.postern.localhost") is None


def test_a_ticket_of_a_session_that_ended(house):
    b = house.signed_in()
    url = ticket(house, b)
    page = b.get(house.portal("/.postern/logout"))
    b.send(page.form("csrf"))
    assert b.ask(url).status == 403 and b.cookie("reports.postern.localhost") is None


# ---- targets ----------------------------------------------------------------------------------------
TARGETS = ["//evil.example/", "/\\evil.example", "\\\\evil.example", "https://evil.example/", "javascript:alert(1)",
           "http://evil.example:{port}/", "http://inventory.postern.localhost:{port}@evil.example/",
           "http://evil.example\\@inventory.postern.localhost:{port}/", "http:/\\evil.example",
           "http://inventory.postern.localhost:{port}.evil.example/", "http://inventory.postern.localhost/",
           "https://inventory.postern.localhost:{port}/", "http://inventory.postern.localhost:{other}/",
           "http://user@inventory.postern.localhost:{port}/", "\thttp://inventory.postern.localhost:{port}/",
           "http://inventory.postern.localhost:{port}/\t", "http://inventory.postern.localhost:{port}/\r\nX: y",
           " http://inventory.postern.localhost:{port}/", "http://INVENTORY.postern.localhost:{port}/",
           "http://inventory.postern.localhost.:{port}/", "data:text/html,x", "http://unknown.postern.localhost:{port}/",
           "http://inventory.postern.localhost:{port}/.postern/logout", "http://[::1]:{port}/", "http://", "http:",
           "http://" + PORTAL + ":{port}/.postern/login?to=x", "http://" + PORTAL + ":{port}/.postern/callback?code=1",
           "http://inventory.postern.localhost:{port}/#fragment", "http://inventory.postern.localhost:{port}/\u00e9",
           "http://inventory.postern.localhost:{port}/" + "a" * 5000]


def test_no_open_redirect(house):
    b = house.signed_in()
    anonymous = house.browser()
    bind = parse_qs(urlsplit(b.ask(house.url("reports")).header("Location")).query)["b"][0]
    for raw_target in TARGETS:
        target = raw_target.replace("{port}", str(house.port)).replace("{other}", str(house.port + 1))
        for who in (b, anonymous):
            page = who.ask(house.portal("/.postern/login?to=%s&b=%s" % (quote(target, safe=""), bind)))
            assert page.status in (400, 414) and page.header("Location") is None, (target, page)
            assert "evil.example" not in page.text.split("</style>")[-1]
    good = house.url("reports", "/x")
    for query in ("to=%s" % quote(good), "to=%s&b=short" % quote(good), "to=%s&b=%s&to=x" % (quote(good), bind),
                  "to=%s&b=%s&max_age=-1" % (quote(good), bind), "to=%s&b=%s&max_age=1e9" % (quote(good), bind)):
        assert b.ask(house.portal("/.postern/login?" + query)).status == 400, query


# ---- forms ------------------------------------------------------------------------------------------
def test_forms_count_from_their_own_page_alone(house):
    b = house.signed_in()
    form = b.get(house.portal("/.postern/logout")).form("csrf")
    stranger = house.signed_in("kim@acme.example", path="/stock/1")
    theirs = stranger.get(house.portal("/.postern/logout")).form("csrf")["fields"]["csrf"]
    for fields, headers in (({}, {}), ({"csrf": ""}, {}), ({"csrf": "A" * 43}, {}), ({"csrf": theirs}, {}),
                            (form["fields"], {"Sec-Fetch-Site": "cross-site"}),
                            (form["fields"], {"Sec-Fetch-Site": "same-site"}),
                            (form["fields"], {"Origin": "http://evil.example"}),
                            (form["fields"], {"Origin": house.url("inventory", "")})):
        page = b.ask(house.portal("/.postern/logout"), "POST", fields, headers=headers)
        assert page.status == 403, (fields, headers, page)
    assert b.get(house.portal("/")).status == 200
    assert b.ask(house.portal("/.postern/logout"), "POST", form["fields"],
                 headers={"Origin": house.portal("")}).status == 200


def test_a_wrong_password_says_nothing_of_who_exists(house):
    answers = []
    for email in ("eva@corp.example", "nobody@corp.example"):
        b = house.browser()
        page = b.sign_in(start(house, b)[0], email, "wrong wrong wrong")
        assert page.status == 403 and b.cookie(PORTAL) is None
        record = house.journal.wait(kind="login.failed", reason="builtin.refused", email=email)
        assert "wrong wrong" not in str(record)
        answers.append([w for w in page.text.split() if email not in w and "value=" not in w])
    assert len(answers[0]) == len(answers[1])
    b.jar.clear()


def test_form_bodies_that_are_none(house):
    b = house.signed_in()
    for body in (b"", b"%", b"%zz=1", b"csrf=%00", b"&&&&", b"=", b"a=1&" * 64, b"\xff\xfe", b"csrf=a&csrf=b"):
        page = b.ask(house.portal("/.postern/logout"), "POST", body=body,
                     headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert page.status == 403, body
    assert b.ask(house.portal("/.postern/logout"), "POST", body=b"a" * 70000).status == 413


# ---- loops ------------------------------------------------------------------------------------------
def test_a_browser_that_keeps_no_cookie_of_the_app(house):
    b = house.signed_in()
    seen = []
    for _ in range(5):
        b.jar.pop("reports.postern.localhost", None)
        hop = b.ask(b.ask(house.url("reports", "/loop")).header("Location"))
        seen.append(hop.status)
    assert seen == [303, 303, 303, 403, 403]
    failed(house, "login.loop")
    assert b.ask(b.ask(house.url("reports", "/elsewhere")).header("Location")).status == 303


# ---- abandoned ---------------------------------------------------------------------------------------
def test_ten_thousand_abandoned_log_ins(start, origin):
    thrifty = {"ASAN_OPTIONS": SANITIZER["ASAN_OPTIONS"] + ":quarantine_size_mb=1"}
    house = House(start, origin, config={"limits": {"logins": 500}}, env=thrifty)
    url = house.portal("/.postern/login?to=" + quote(house.portal("/"), safe=""))
    parts = urlsplit(url)
    target = parts.path + "?" + parts.query
    head = raw.head("GET", target, host="%s:%d" % (PORTAL, house.port), headers=[("Accept", "text/html")])
    first = house.browser()
    first.ask(url)
    old = first.ask(url).header("Location")
    with raw.Conn(house.port) as c:
        for i in range(10000):
            if i == 2000:
                before = memory(house)
            answer = c.send(head).read()
            assert answer.status == 303
    assert memory(house) < before + 24 * 1024       # KiB
    state = parse_qs(urlsplit(urljoin(url, old)).query)["state"][0]
    assert first.ask(callback(house, code="x", state=state)).status == 403    # pushed out
    assert house.signed_in().get(house.portal("/")).status == 200


def test_a_flood_from_one_network_stops_nobody_elsewhere(start, origin):
    house = House(start, origin, config={"limits": {"logins": 64}})
    b = house.browser()
    form = b.get(house.url("inventory"))
    head = raw.head("GET", "/.postern/login", host="%s:%d" % (PORTAL, house.port), headers=[("Accept", "text/html")])
    with socket.create_connection(("127.0.0.1", house.port), 20, source_address=("127.0.0.2", 0)) as s:
        for i in range(200):
            s.sendall(head)
            while b"\r\n\r\n" not in s.recv(65536):
                pass
    assert b.sign_in(form, "eva@corp.example").url == house.url("inventory", "/")
    assert house.journal.wait(kind="login")["identity"]["email"] == "eva@corp.example"


def memory(house):
    with open("/proc/%d/status" % house.postern.pid) as f:
        return int([line.split()[1] for line in f if line.startswith("VmRSS")][0])


# ---- people who are gone --------------------------------------------------------------------------------
@pytest.mark.parametrize("change, why", [({"eva@corp.example": None}, "user-removed"),
                                         ({"eva@corp.example": {"disabled": True, "groups": ["staff"]}},
                                          "user-disabled")])
def test_a_user_who_is_gone_loses_the_session(start, origin, change, why):
    house = House(start, origin)
    eva, kim = house.signed_in("eva@corp.example"), house.signed_in("kim@acme.example", path="/stock/1")
    with raw.Conn(house.port) as stream:
        cookie = "%s=%s" % (SESSION, eva.cookie("inventory.postern.localhost"))
        stream.send(raw.head("GET", "/chunked?n=1000&gap=0.05", host="inventory.postern.localhost:%d" % house.port,
                             headers=[("Cookie", cookie)]))
        assert stream.head().status == 200
        house.set_users(**change)
        record = house.journal.wait(kind="session.revoked", why=why, seconds=20)
        assert record["by"] == "users"
        raw.wait_for(lambda: eva.ask(house.url("inventory")).status == 302, seconds=1.0 * SLOWNESS)
        assert kim.ask(house.url("inventory", "/stock/1")).status == 200
    page = eva.sign_in(eva.get(house.url("inventory")), "eva@corp.example")
    assert page.status == 403 and eva.ask(house.url("inventory")).status == 302


def test_a_disabled_account_is_told_to_who_knows_its_password(start, origin):
    house = House(start, origin)
    house.set_users(**{"eva@corp.example": {"disabled": True, "password": HASH, "groups": ["staff"]}})
    raw.wait_for(lambda: "reload.published" in house.postern.stderr())
    b = house.browser()
    first = b.get(house.url("inventory"))
    page = b.sign_in(first, "eva@corp.example", password="wrong")
    assert "password is not right" in page.text and "disabled" not in page.text
    b = house.browser()
    page = b.sign_in(b.get(house.url("inventory")), "eva@corp.example")
    assert page.status == 400 and "This account is disabled" in page.text and "password is not right" not in page.text
    assert house.journal.wait(kind="login.failed", reason="builtin.disabled")["issuer"] == "builtin"


# ---- the disk -----------------------------------------------------------------------------------------
def test_a_log_in_that_cannot_be_recorded(start, origin, tmp_path):
    if not tool.compiler():
        pytest.skip("no compiler for the library that makes the disk fail")
    faults = Faults(tmp_path)
    house = House(start, origin, env=faults.env)
    b = house.browser()
    url = code_of(house, b, b.get(house.url("inventory")))
    faults.say("eio")
    raw.wait_for(lambda: house.browser().ask(house.url("inventory")).status == 503, seconds=30)
    page = b.ask(url)
    assert page.status == 503 and b.cookie(PORTAL) is None
    faults.say("")
    raw.wait_for(lambda: house.browser().ask(house.url("inventory")).status == 302, seconds=30, step=0.1)
    assert not house.journal.find(kind="login")
    assert b.get(url).status == 200 and house.journal.wait(kind="login")


def test_a_store_that_is_locked(start, origin):
    house = House(start, origin)
    b, inside = house.browser(), house.signed_in()
    url = code_of(house, b, b.get(house.url("inventory")))
    form = inside.get(house.portal("/.postern/logout")).form("csrf")
    with sqlite3.connect(house.postern.path("state/postern.db"), isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        page = b.ask(url)
        assert page.status == 503 and b.cookie(PORTAL) is None, page
        assert inside.ask(form["action"], "POST", form["fields"]).status == 503     # it has not ended, and says so
        other.execute("ROLLBACK")
    other.close()
    assert inside.get(house.portal("/")).url == house.portal("/")
    assert house.signed_in("kim@acme.example", path="/stock/1")


# ---- providers -------------------------------------------------------------------------------------------
def at_provider(house, b, path="/"):
    return b.get(house.url("inventory", path))


def test_a_provider_of_its_own(foreign, provider):
    b = foreign.browser()
    assert at_provider(foreign, b, "/stock/3").url == foreign.url("inventory", "/stock/3")
    record = foreign.journal.wait(kind="login")
    assert record["issuer"] == "corp" and record["identity"]["subject"] == "kim"
    assert not provider.problems


def test_an_id_token_is_no_bearer_token(foreign, provider):
    """An app that got hold of one would be its person at every other app."""
    claims = {"iss": provider.issuer, "aud": provider.client_id, "sub": "kim", "iat": int(time.time()),
              "exp": int(time.time()) + 600, "groups": ["staff"]}
    answer = raw.request(foreign.port, "GET", "/stock/3", host="inventory.postern.localhost:%d" % foreign.port,
                         headers=[("Authorization", "Bearer " + provider.token(claims))])
    assert answer.status == 401, answer
    assert foreign.journal.wait(id=answer.id)["decision"]["token"] == "token.audience"


@pytest.mark.parametrize("lies, reason", [
    ({"down": {"/token"}}, "login.unreachable"), ({"token_answer": (200, "application/json", b"{")}, "login.answer"),
    ({"id_claims": {"nonce": "other"}}, "login.nonce"), ({"id_claims": {"aud": "else"}}, "login.token"),
    ({"id_claims": {"iss": "http://evil.example"}}, "login.token"), ({"id_claims": {"exp": 1}}, "login.token"),
    ({"callback": {"iss": "http://evil.example"}}, "login.iss"), ({"callback": {"iss": None}}, "login.iss"),
    ({"callback": {"code": None}}, "login.code"), ({"callback": {"code": ["a", "b"]}}, "login.state"),
    ({"callback": {"error": "server_error", "code": None}}, "login.error")])
def test_a_provider_that_lies(foreign, provider, lies, reason):
    b = foreign.browser()
    with provider.lying(**lies):
        page = at_provider(foreign, b)
    assert page.status == 403 and b.cookie(PORTAL) is None, page
    record = foreign.journal.wait(kind="login.failed", id=page.answer.id)
    assert record["reason"] == reason and record.get("issuer", "corp") == "corp"


def test_a_provider_that_is_down(start, origin, provider, tmp_path):
    provider.stop()
    try:
        house = at_corp(start, origin, provider, tmp_path, wait=False)
        b = house.browser()
        page = b.get(house.url("inventory"))
        assert page.status == 403
        assert failed(house, "login.unreachable")["issuer"] == "corp"
    finally:
        provider.start()
    raw.wait_for(lambda: house.browser().get(house.url("inventory", "/stock/1")).status == 200, seconds=15, step=0.5)


def test_a_slow_provider_holds_nobody_else_up(foreign, provider):
    b = foreign.browser()
    hop = b.ask(b.ask(foreign.url("inventory")).header("Location"))
    back = b.ask(hop.header("Location")).header("Location")
    with provider.lying(delay={"/token": 3}):
        parts = urlsplit(back)
        with raw.Conn(foreign.port) as c:
            cookie = "%s=%s" % (LOGIN, b.cookie(PORTAL, LOGIN))
            c.send(raw.head("GET", parts.path + "?" + parts.query, host="%s:%d" % (PORTAL, foreign.port),
                            headers=[("Cookie", cookie)]))
            assert foreign.browser().ask(foreign.url("inventory")).status == 302
            assert not select.select([c.sock], [], [], 0)[0]        # nobody waits for somebody else's provider
            assert c.read().status == 303


def test_a_browser_that_leaves_while_the_provider_thinks(foreign, provider):
    b = foreign.browser()
    hop = b.ask(b.ask(foreign.url("inventory")).header("Location"))
    back = urlsplit(b.ask(hop.header("Location")).header("Location"))
    with provider.lying(delay={"/token": 0.5}):
        with raw.Conn(foreign.port) as c:
            cookie = "%s=%s" % (LOGIN, b.cookie(PORTAL, LOGIN))
            count = len(foreign.journal.find(kind="login"))
            c.send(raw.head("GET", back.path + "?" + back.query, host="%s:%d" % (PORTAL, foreign.port),
                            headers=[("Cookie", cookie)]))
            raw.wait_for(lambda: provider.requests("/token"))
        foreign.journal.wait(kind="login", count=count + 1)
    assert foreign.postern.alive()


# ---- refresh -----------------------------------------------------------------------------------------------
def test_claims_are_fetched_anew(foreign, provider):
    provider.reset()
    b = foreign.browser()
    assert at_provider(foreign, b).status == 200
    with provider.lying(person={**provider.person, "groups": ["contractors"]}):
        raw.wait_for(lambda: b.ask(foreign.url("inventory", "/staff-only")).status == 403, seconds=10, step=0.2)
        assert b.ask(foreign.url("inventory", "/stock/1")).status == 200


def test_a_grant_that_the_provider_ended(start, origin, provider, tmp_path):
    provider.reset()
    house = at_corp(start, origin, provider, tmp_path)
    b = house.browser()
    assert at_provider(house, b).status == 200
    provider.refresh_tokens.clear()
    raw.wait_for(lambda: b.ask(house.url("inventory")).status == 302, seconds=10, step=0.2)
    record = house.journal.wait(kind="session.revoked", why="grant-ended")
    assert record["by"] == "issuer"


# ---- the provider's logout ------------------------------------------------------------------------------------
def test_backchannel_logout(foreign, provider):
    provider.reset()
    provider.sid = "sid-back"
    b = foreign.browser()
    assert at_provider(foreign, b).status == 200
    other = foreign.browser()
    provider.sid = "sid-other"
    assert at_provider(foreign, other).status == 200
    url = foreign.portal("/.postern/backchannel/corp")
    token = provider.logout_token(sid="sid-back", sub=None)
    for bad in ({}, {"logout_token": ""}, {"logout_token": "x.y.z"}, {"logout_token": token + "x"},
                {"logout_token": provider.logout_token(sid="sid-back", aud="else")},
                {"logout_token": provider.logout_token(sid="sid-back", exp=1, iat=1)},
                {"logout_token": provider.logout_token(sid="sid-back", nonce="n")},
                {"logout_token": provider.logout_token(sid="sid-back", events={})}):
        page = foreign.browser().ask(url, "POST", bad, headers={"Origin": None, "Sec-Fetch-Site": None})
        assert page.status == 400 and page.header("Cache-Control") == "no-store", bad
    assert b.ask(foreign.url("inventory")).status == 200
    page = foreign.browser().ask(url, "POST", {"logout_token": token}, headers={"Sec-Fetch-Site": None})
    assert page.status == 200 and page.header("Cache-Control") == "no-store"
    assert b.ask(foreign.url("inventory")).status == 302        # dead before the answer
    assert other.ask(foreign.url("inventory")).status == 200
    assert foreign.browser().ask(url, "POST", {"logout_token": token}).status == 400
    assert foreign.journal.wait(kind="logout.failed", reason="logout.replayed")
    assert foreign.journal.wait(kind="session.revoked", why="backchannel")["by"] == "issuer"
    assert foreign.browser().ask(foreign.portal("/.postern/backchannel/unknown"), "POST",
                                 {"logout_token": token}).status == 400


def test_frontchannel_logout(foreign, provider):
    provider.reset()
    provider.sid = "sid-front"
    b = foreign.browser()
    assert at_provider(foreign, b).status == 200
    url = foreign.portal("/.postern/frontchannel/corp?")
    for query in ({"iss": provider.issuer}, {"sid": "sid-front"}, {"iss": "http://evil.example", "sid": "sid-front"}):
        assert foreign.browser().ask(url + urlencode(query)).status == 400
    assert b.ask(foreign.url("inventory")).status == 200
    assert foreign.browser().ask(url + urlencode({"iss": provider.issuer, "sid": "sid-front"})).status == 200
    assert b.ask(foreign.url("inventory")).status == 302


def test_the_providers_own_sign_out_is_offered(foreign, provider):
    provider.reset()
    b = foreign.browser()
    at_provider(foreign, b)
    page = b.send(b.get(foreign.portal("/.postern/logout")).form("csrf"))
    form = page.form("id_token_hint")
    assert form["action"] == provider.issuer + "/end" and form["fields"]["post_logout_redirect_uri"]


def test_no_script_of_an_app_reads_an_id_token(foreign, provider):
    """What postern answers on an app's host can be read there by the app's own pages."""
    provider.reset()
    b = foreign.browser()
    at_provider(foreign, b)
    fetch = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
    form = b.ask(foreign.url("inventory", "/.postern/logout"), headers=fetch).form("csrf")
    page = b.ask(form["action"], "POST", form["fields"], headers=fetch)
    assert page.status == 200 and "id_token" not in page.text and "eyJ" not in page.text
    fields = page.form("client_id")["fields"]
    assert set(fields) == {"client_id", "post_logout_redirect_uri"}
