"""People whom a front identifies, with a browser: the portal is theirs too, without a log-in or a session of ours. By
answer and by audit record."""

import time

import pytest

from harness import raw
from harness.fronts import KeyShelf, Team
from harness.people import NAVIGATE, PORTAL, Browser, House, allow, app
from harness.ports import free_port
from harness.proxy import SLOWNESS

from test_grants import Hook
from test_websocket import close_code, open_socket

CF, ANY = "Cf-Access-Jwt-Assertion", "X-Corp-Jwt"
HOSTS = ("inventory", "reports", "vault", "engine", "dossier", "safe")


def policy(upstream):
    corp, kim, leads = {"domains": ["corp.example"]}, {"users": ["kim@acme.example"]}, {"users": ["lee@corp.example"]}
    both = {"any": [kim, {"groups": ["staff"]}]}
    return {
        "version": 1,
        "apps": [app(h, upstream, host=h + ".postern.localhost", title=h.title()) for h in HOSTS],
        "rules": [
            allow("corp", who=corp, to={"apps": ["inventory"]}),
            allow("reports-lee", who=leads, to={"apps": ["reports"]}),
            allow("vault-approved", who=both, to={"apps": ["vault"]},
                  approval={"by": leads, "count": 1, "valid_for": "1h", "reason_required": True}),
            {"id": "engine-key", "effect": "require", "who": kim, "to": {"apps": ["engine"]}, "auth": {"methods": ["hwk"]}},
            allow("engine-all", who=kim, to={"apps": ["engine"]}),
            allow("engine-glass", who=kim, to={"apps": ["engine"]},
                  break_glass={"skips": ["engine-key"], "reason_required": True, "notify": ["alerts"]}),
            allow("dossier-purpose", who=kim, to={"apps": ["dossier"]}, purpose={"required": True}),
            allow("safe-mfa", who=kim, to={"apps": ["safe"]}, auth={"mfa": True}),
        ],
    }


class Fronted(Browser):
    """A browser whose requests come through the front: it adds who this is."""

    def __init__(self, port, token, only=None):
        super().__init__(port)
        self.token, self.only = token, only

    def ask(self, url, method="GET", fields=None, headers=None, body=None):
        named = {CF: self.token} if self.token and (not self.only or self.only in url) else {}
        return super().ask(url, method, fields, {**named, **(headers or {})}, body)


@pytest.fixture(scope="module")
def team():
    return Team()


@pytest.fixture(scope="module")
def house(start_shared, origin, team, issuer):
    hook, shelf, port, any_port, by_app = Hook(), KeyShelf(), free_port(), free_port(), free_port()
    keys, here = shelf.put("/certs", team.jwks()), ["127.0.0.1/32"]
    cloudflare = {"team": "acme", "keys_url": keys, "trusted": here}
    tags = {"inventory": "aud-inventory", "reports": "aud-reports"}
    demo = {"issuer": issuer.url, "audience": issuer.audience, "jwks_file": "keys.json", "algs": list(issuer.algs)}
    header_jwt = {"header-jwt": {"issuer": "demo", "header": ANY, "trusted": here}}
    split = {"cloudflare": {**cloudflare, "audience": tags, "name": "by-app"}}
    h = House(start_shared, origin, port=port, policy=policy(origin.url), config={
        "notify": {"alerts": {"webhook": hook.url}}, "issuers": {"people": "builtin", "demo": demo}}, front={"cloudflare": {**cloudflare, "audience": "aud"}}, more=[
            {"address": "127.0.0.1:%d" % any_port, "front": header_jwt}, {"address": "127.0.0.1:%d" % by_app, "front": split}])
    h.any_port, h.by_app, h.team, h.hook = any_port, by_app, team, hook
    yield h
    hook.close()
    shelf.close()


def person(house, email, **how):
    return Fronted(house.port, house.team.token(email, aud="aud"), **how)


def record(house, page):
    return house.journal.wait(kind="decision", id=page.header("X-Request-Id") or page.answer.id)


def link(page, part):
    return [u for u in page.links() if part in u]


def test_the_launcher_is_theirs(house):
    eva = person(house, "eva@corp.example")
    page = eva.ask(house.portal("/"))
    assert page.status == 200, page
    assert link(page, house.url("inventory", "/")) and not link(page, "reports.postern")
    assert "eva@corp.example" in page.text and "cloudflare" in page.text
    # no session of ours: none to list, none to end; who signs in, signs out
    assert not page.forms() and link(page, "/cdn-cgi/access/logout") == [house.portal("/cdn-cgi/access/logout")]
    assert not eva.cookie(PORTAL)
    seen = record(house, page)
    assert seen["identity"]["issuer_name"] == "cloudflare" and seen["identity"]["email"] == "eva@corp.example", seen
    assert "session" not in seen and seen["auth"]["kind"] == "token" and seen["client"]["front"] == "cloudflare"
    assert link(person(house, "lee@corp.example").ask(house.portal("/")), house.url("reports", "/"))


def test_no_second_log_in(house):
    eva = person(house, "eva@corp.example")
    page = eva.ask(house.portal("/.postern/login?to=" + house.portal("/")))
    assert page.status == 303 and page.header("Location") == house.portal("/")
    page = eva.get(house.url("inventory", "/.postern/login"))
    assert page.status == 200 and page.url == house.url("inventory", "/"), eva.hops
    assert not [h for h in eva.hops if "/issuer/" in h.url or "/.postern/back" in h.url]
    assert record(house, page)["decision"]["rules"] == ["corp"]


def test_a_step_up_is_the_fronts(house):
    kim = person(house, "kim@acme.example")
    page = kim.ask(house.url("safe", "/door"))
    assert page.status == 403 and "at cloudflare, with a second factor" in page.text, page.text
    assert not link(page, "/.postern/login")
    seen = record(house, page)
    assert seen["decision"]["effect"] == "deny" and any(c.startswith("auth.mfa") for c in seen["decision"]["causes"]), seen
    answer = raw.request(house.port, target="/door", host="safe.postern.localhost:%d" % house.port,
                         headers=[(CF, kim.token), ("Accept", "application/json")])
    assert answer.status == 403 and "at cloudflare" in answer.text and "login" not in answer.json, answer.text
    page = kim.ask(house.portal("/"))
    assert "at cloudflare, with a second factor" in page.text and not link(page, "/.postern/login")
    german = kim.ask(house.url("safe", "/door"), headers={"Accept-Language": "de"})
    assert "bei cloudflare" in german.text and german.status == 403


def test_a_purpose_needs_a_session(house):
    kim = person(house, "kim@acme.example")
    page = kim.ask(house.url("dossier", "/case"))
    assert page.status == 403 and "only people who sign in" in page.text and not link(page, "/.postern/purpose")
    assert any(c.startswith("purpose") for c in record(house, page)["decision"]["causes"])
    page = kim.ask(house.portal("/.postern/purpose?app=dossier&to=" + house.url("dossier", "/case")))
    assert page.status == 403 and "only people who sign in" in page.text and not page.forms()
    assert record(house, page)["decision"]["reason"] == "purpose.session"


def test_an_approval(house):
    kim, lee = person(house, "kim@acme.example"), person(house, "lee@corp.example")
    page = kim.ask(house.url("vault", "/box"))
    assert page.status == 403, page
    seen = record(house, page)
    assert "approval:required" in seen["decision"]["causes"], seen
    form = kim.get(link(page, "/.postern/request?")[0]).form("text")
    assert kim.send(form, text="no").status == 400
    assert kim.send(form, text="count the box").status == 200
    asked = house.journal.wait(kind="approval.asked")
    assert asked["identity"]["email"] == "kim@acme.example" and asked["identity"]["issuer_name"] == "cloudflare"
    assert asked["grant"]["subject"] == "sub-kim@acme.example" and asked["grant"]["reason"] == "count the box"
    assert kim.ask(house.url("vault", "/box")).status == 403
    # nobody says yes to himself, nor somebody whom the rule does not name
    mine = kim.get(house.portal("/.postern/approvals")).form("grant")
    for who in (kim, person(house, "eva@corp.example")):
        who.jar = {k: dict(v) for k, v in kim.jar.items()}
        assert who.ask(mine["action"], "POST", {**mine["fields"], "verb": "approve"}).status == 400
    # and no form counts that another browser got
    eve = person(house, "lee@corp.example")
    assert eve.ask(mine["action"], "POST", {**mine["fields"], "verb": "approve"}).status == 403

    page = lee.get(house.portal("/.postern/approvals"))
    assert "kim@acme.example" in page.text and "count the box" in page.text
    form = [f for f in page.forms() if "grant" in f["fields"]][0]
    assert lee.send(form, verb="approve").status == 200
    raw.wait_for(lambda: kim.ask(house.url("vault", "/box")).status == 200, seconds=1.0 * SLOWNESS)
    approved = house.journal.wait(kind="approval.approved")
    assert approved["identity"]["email"] == "lee@corp.example" and approved["grant"]["email"] == "kim@acme.example"
    seen = record(house, kim.ask(house.url("vault", "/box")))
    assert seen["decision"]["effect"] == "allow" and seen["decision"]["rules"] == ["vault-approved"]
    # by whichever token of this person
    assert person(house, "kim@acme.example").ask(house.url("vault", "/box")).status == 200
    form = [f for f in lee.get(house.portal("/.postern/approvals")).forms() if "grant" in f["fields"]][0]
    lee.send(form, verb="end")
    raw.wait_for(lambda: kim.ask(house.url("vault", "/box")).status == 403, seconds=1.0 * SLOWNESS)
    house.journal.wait(kind="approval.ended")


def test_the_broken_glass(house):
    kim = person(house, "kim@acme.example")
    page = kim.ask(house.url("engine", "/start"))
    assert page.status == 403
    form = kim.get(link(page, "/.postern/break-glass?")[0]).form("text")
    page = kim.send(form, text="the engine is on fire")
    assert page.url == house.url("engine", "/start")
    raw.wait_for(lambda: kim.ask(house.url("engine", "/start")).status == 200, seconds=1.0 * SLOWNESS)
    opened = house.journal.wait(kind="break_glass.opened")
    assert opened["identity"]["issuer_name"] == "cloudflare" and opened["grant"]["reason"] == "the engine is on fire"
    kim.send([f for f in kim.get(house.portal("/.postern/approvals")).forms() if "grant" in f["fields"]][0], verb="end")
    raw.wait_for(lambda: kim.ask(house.url("engine", "/start")).status == 403, seconds=1.0 * SLOWNESS)
    house.journal.wait(kind="break_glass.ended")
    raw.wait_for(lambda: house.hook.told)
    assert "kim@acme.example" in house.hook.told[-1]["text"]


def test_a_grant_counts_for_a_bearer_of_the_same_person(house, issuer):
    """Asked for through a front, used by a program: grants are kept by issuer and subject."""
    token = issuer.person("pat", ["staff"])
    pat, lee = Browser(house.any_port), person(house, "lee@corp.example")
    where = house.portal("/.postern/request?app=vault&rule=vault-approved&to=" + house.url("vault", "/"))
    where = where.replace(":%d/.postern" % house.port, ":%d/.postern" % house.any_port)
    form = pat.ask(where, headers={ANY: token}).form("text")
    page = pat.ask(form["action"], "POST", {**form["fields"], "text": "nightly job"}, headers={ANY: token})
    assert page.status == 303, page

    def bearer():
        return raw.request(house.any_port, target="/job", host="vault.postern.localhost", token=token)
    assert bearer().status == 403
    page = lee.get(house.portal("/.postern/approvals"))
    form = [f for f in page.forms() if "grant" in f["fields"] and "nightly job" in page.text][-1]
    assert lee.send(form, verb="approve").status == 200
    raw.wait_for(lambda: bearer().status == 200, seconds=1.0 * SLOWNESS)
    seen = house.journal.wait(kind="decision", id=bearer().id)
    assert seen["decision"]["rules"] == ["vault-approved"] and seen["identity"]["issuer_name"] == "demo"


def test_signing_out_is_the_fronts(house):
    eva = person(house, "eva@corp.example")
    for where in (house.portal("/.postern/logout"), house.url("inventory", "/.postern/logout")):
        page = eva.ask(where)
        assert page.status == 303 and page.header("Location") == "/cdn-cgi/access/logout"
        assert record(house, page)["identity"]["email"] == "eva@corp.example"


def test_a_session_left_over_can_be_ended(house):
    """Two people at once are refused everywhere but on the way out."""
    b = Fronted(house.port, None)
    b.sign_in(b.get(house.portal("/")), "eva@corp.example")
    assert b.cookie(PORTAL)
    b.token = house.team.token("lee@corp.example", aud="aud")
    page = b.ask(house.portal("/"))
    assert page.status == 400, page
    seen = house.journal.wait(kind="decision", id=page.answer.id)
    assert seen["decision"]["reason"] == "input:header" and "identity" not in seen, seen
    page = b.ask(house.portal("/.postern/logout"))
    assert page.status == 200
    b.send(page.form("csrf"))
    assert not b.cookie(PORTAL)
    page = b.ask(house.portal("/"))
    assert page.status == 200 and "lee@corp.example" in page.text


@pytest.mark.parametrize("change", [{"exp": 1}, {"aud": "another"}, {"type": "org"}])
def test_a_bad_assertion_is_no_way_to_a_log_in(house, change):
    b = Fronted(house.port, house.team.token(**{"aud": "aud", **change}))
    for url in (house.portal("/"), house.portal("/.postern/approvals"), house.url("inventory", "/")):
        page = b.ask(url)
        assert page.status == 401 and not page.header("Location") and not link(page, "/.postern/login"), (url, page)
        seen = house.journal.wait(kind="decision", id=page.header("X-Request-Id") or page.answer.id)
        assert seen["decision"]["effect"] == "deny" and seen["decision"]["token"].startswith("token."), seen


def test_whom_the_front_does_not_name(house):
    page = Fronted(house.port, None).ask(house.portal("/"))
    assert page.status == 302 and "/.postern/login" in page.header("Location")


def test_a_bearer_opens_no_page(house, issuer):
    """Pages are for people with a browser: a header that a script can set is none of their proofs."""
    page = Browser(house.port).ask(house.portal("/"), headers={"Authorization": "Bearer " + issuer.person("eva", ["staff"])})
    assert page.status == 302 and "/.postern/login" in page.header("Location")


def test_a_portal_takes_each_apps_audience_and_an_app_its_own(house):
    token = house.team.token("eva@corp.example", aud="aud-reports")

    def ask(host, path="/"):
        return raw.request(house.by_app, target=path, host="%s.postern.localhost" % host,
                           headers=[(CF, token), *NAVIGATE.items()])
    assert ask("access").status == 200
    answer = ask("inventory")
    assert answer.status == 401 and not answer.get("Location"), answer
    assert house.journal.wait(kind="decision", id=answer.id)["decision"]["token"] == "token.audience"
    assert ask("inventory", "/.postern/logout").status == 401
    assert ask("reports", "/.postern/logout").status == 303


def test_an_app_that_is_reached_another_way(house):
    """The portal is behind the front and the app is not: the person is told, and not sent round for ever."""
    eva = person(house, "eva@corp.example", only=PORTAL)
    page = eva.get(house.url("inventory", "/"), )
    assert page.status == 403 and "another way" in page.text, page
    assert house.journal.wait(kind="login.failed")["reason"] == "login.front"


def test_grants_end_an_open_socket(house):
    """A long visit of who has no session ends with its grant, within a second."""
    kim, lee = person(house, "kim@acme.example"), person(house, "lee@corp.example")
    page = kim.ask(house.url("vault", "/box"))
    kim.send(kim.get(link(page, "/.postern/request?")[0]).form("text"), text="watch the box")
    page = lee.get(house.portal("/.postern/approvals"))
    lee.send([f for f in page.forms() if "verb" not in f["fields"] and "grant" in f["fields"]][0], verb="approve")
    raw.wait_for(lambda: kim.ask(house.url("vault", "/box")).status == 200, seconds=1.0 * SLOWNESS)
    s = open_socket(house.postern, None, host="vault.postern.localhost", headers=["%s: %s" % (CF, kim.token)])
    s.send(b"here")
    assert s.read() == (1, b"here")
    forms = [f for f in lee.get(house.portal("/.postern/approvals")).forms() if "grant" in f["fields"]]
    began = time.monotonic()
    for f in forms:
        lee.send(f, verb="end")
    s.conn.sock.settimeout(10 * SLOWNESS)
    assert close_code(s)[0] == 1008 and time.monotonic() - began < 2 * SLOWNESS
    house.journal.wait(kind="visit.end", app="vault")
