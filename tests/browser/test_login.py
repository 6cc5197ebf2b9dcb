"""The ways of a person with a real browser: in, on, back and out again."""

import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from browser import DESKTOP
from harness.people import PASSWORD, PORTAL, SESSION, House
from harness.proxy import allow, app, command

EVA, KIM = "eva@corp.example", "kim@acme.example"
FRESH_S = 5


def policy(shop, origin):
    def of(name, upstream=shop, **more):
        identity = {"headers": {"X-Auth-Email": "email"}}
        return app(name, upstream, host=name + ".postern.localhost", title=name.capitalize(), identity=identity, **more)
    return {
        "version": 1,
        "apps": [of("inventory", cross_site_post=["/acs"], description="What is in stock"), of("reports"),
                 of("payroll"), of("sockets", origin), of("vault")],
        "rules": [allow("staff-all", to={"apps": ["inventory", "reports", "payroll", "sockets"]}),
                  allow("contractor", who={"groups": ["contractors"]}, to={"apps": ["inventory"]}),
                  {"id": "fresh", "effect": "require", "who": "anyone", "to": {"apps": ["payroll"]},
                   "auth": {"login_within": "%ds" % FRESH_S}}],
    }


@pytest.fixture(scope="module")
def house(start_shared, shop, origin):
    return House(start_shared, shop, policy=policy(shop.url, origin.url))


def fill(tab, email=EVA, password=PASSWORD):
    """At the sign-in form; waits for what follows."""
    return tab.run("""
        await page.getByLabel("Mail address").fill(args.email);
        await page.getByLabel("Password", { exact: true }).fill(args.password);
        const [r] = await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Sign in", exact: true }).click()]);
        return { status: r.status(), url: page.url() };""", email=email, password=password)


def sign_in(tab, url, email=EVA):
    tab.goto(url)
    at = fill(tab, email)
    assert at["url"] == url, at
    return at


def is_sign_in_form(tab):
    return urlsplit(tab.url).hostname == PORTAL and tab.run("return await page.getByLabel('Password', { exact: true }).count()") == 1


def cookies(tab):
    """{host: {name: cookie}} of the profile."""
    out = {}
    for c in tab.run("return await context.cookies()"):
        out.setdefault(c["domain"], {})[c["name"]] = c
    return out


def who(tab):
    return tab.text("#who")


# ---- in -------------------------------------------------------------------------------------

def test_first_visit(tab, house):
    """An address is opened, a form asks, and the person is in: nothing to see of it in the address."""
    tab.run("state.said = []; page.on('console', (m) => state.said.push(m.text()))")
    tab.goto(house.url("inventory"))
    assert is_sign_in_form(tab) and "to continue to Inventory" in tab.text()
    assert tab.axe() == []
    assert fill(tab) == {"status": 200, "url": house.url("inventory")}
    assert who(tab) == EVA
    said = tab.run("return state.said")
    assert said == [], "nothing was blocked on the way"
    kept = cookies(tab)
    assert set(kept) == {PORTAL, "inventory.postern.localhost"}
    for host in kept:
        c = kept[host][SESSION]
        assert (c["httpOnly"], c["secure"], c["sameSite"], c["path"]) == (True, True, "Lax", "/")
        assert len(c["name"] + c["value"]) < 128
    assert kept[PORTAL][SESSION]["value"] != kept["inventory.postern.localhost"][SESSION]["value"]
    assert not tab.run("return await page.evaluate(() => document.cookie)")


def test_deep_link(tab, house):
    url = house.url("inventory", "/stock/7?q=%C3%BC+1&to=//evil.example")
    sign_in(tab, url)
    assert tab.text("#path") == "/stock/7?q=%C3%BC+1&to=//evil.example"


def test_the_second_app_asks_nothing(tab, house):
    sign_in(tab, house.url("inventory"))
    assert tab.goto(house.url("reports", "/x")) == {"status": 200, "url": house.url("reports", "/x")}
    assert who(tab) == EVA


def test_a_wrong_password_is_told_at_the_field(tab, house):
    tab.goto(house.url("inventory"))
    at = fill(tab, EVA, "wrong horse battery")
    assert at["status"] == 403 and is_sign_in_form(tab)
    assert tab.run("return await page.getByLabel('Mail address').inputValue()") == EVA
    assert tab.run("return await page.getByLabel('Password', { exact: true }).inputValue()") == ""
    assert "is not right" in tab.text("#password-error")
    tab.wait_focus("password")
    assert fill(tab)["url"] == house.url("inventory"), "the same form goes on"


def test_two_tabs_at_once(tab, house):
    """Both were opened before anybody signed in; each ends where it was going."""
    second = tab.another()
    tab.goto(house.url("inventory", "/one"))
    second.goto(house.url("inventory", "/two"))
    third = tab.another()
    third.goto(house.url("reports", "/three"))
    assert fill(tab)["url"] == house.url("inventory", "/one")
    assert fill(second)["url"] == house.url("inventory", "/two")
    assert third.goto(house.url("reports", "/three"))["url"] == house.url("reports", "/three")
    assert who(tab) == who(second) == who(third) == EVA
    assert tab.goto(house.url("inventory"))["status"] == 200


def test_german(browser, house):
    german = browser.tab(locale="de-DE", **DESKTOP)
    german.goto(house.url("inventory"))
    assert german.text("h1") == "Anmelden"
    assert german.run("return await page.evaluate(() => document.documentElement.lang)") == "de"
    german.close()


# ---- a session that is gone -----------------------------------------------------------------

def end_sessions(house, email=EVA):
    ended = len(house.journal.find(kind="session.revoked"))
    done = command("session", "revoke", "--user", email, "--config", house.postern.path("postern.yaml"))
    assert done.returncode == 0, done.stderr
    house.journal.wait(count=ended + int(done.stdout.split()[0]), kind="session.revoked")


def test_an_expired_session_in_the_background(tab, house):
    """A page that asks in the background gets an answer that it can read, not a log-in page."""
    sign_in(tab, house.url("inventory"))
    ask = """return await page.evaluate(async () => {
        const r = await fetch("/data");
        return { status: r.status, type: r.headers.get("content-type"), redirected: r.redirected, body: await r.json() };
    })"""
    assert tab.run(ask)["body"] == {"who": EVA}
    end_sessions(house)
    answer = tab.run(ask)
    assert (answer["status"], answer["redirected"]) == (401, False)
    assert answer["type"].startswith("application/problem+json") and answer["body"]["reason"] == "auth.none"
    there = tab.goto(answer["body"]["login_url"])
    assert is_sign_in_form(tab), there
    assert fill(tab)["url"] == house.url("inventory"), "and from there the person is back in the app"


def test_a_post_without_a_session(tab, house, shop):
    sign_in(tab, house.url("inventory", "/form"))
    end_sessions(house)
    before = len(shop.seen)
    status = tab.run("""const [r] = await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Save" }).click()]);
        return r.status()""")
    assert status == 401 and tab.url == house.url("inventory", "/save")
    assert "did not reach the app" in tab.text() and tab.axe() == []
    assert len(shop.seen) == before
    tab.run("""await Promise.all([page.waitForNavigation(), page.getByRole("link", { name: "Sign in" }).click()])""")
    assert is_sign_in_form(tab)
    assert fill(tab)["url"] == house.url("inventory")
    assert who(tab) == EVA


# ---- the app's own log-in, from another site ------------------------------------------------

def form_post(tab, shop, target):
    tab.goto(shop.foreign(target))
    tab.run("await page.waitForURL(args.url)", url=target)
    tab.run("await page.waitForFunction(() => document.querySelector('#who, .facts'))")


def test_a_form_post_of_the_apps_own_log_in(tab, house, shop):
    """It comes from another site and so without our cookie; the same bytes come again from the app's own origin."""
    sign_in(tab, house.url("inventory"))
    target = house.url("inventory", "/acs?relay=1")
    form_post(tab, shop, target)
    assert who(tab) == EVA
    assert tab.text("h1") == 'Got {"SAMLResponse": "PHNhbWw+w7w8L3NhbWw+\\r\\n\\"x\\"", "RelayState": "a b+c&d=e%"}'
    last = [s for s in shop.seen if s[2] == "/acs?relay=1"]
    assert len(last) == 1 and last[0][1] == "POST"


def test_a_form_post_without_a_session(tab, house, shop):
    form_post(tab, shop, house.url("inventory", "/acs"))
    assert tab.run("return await page.getByRole('link', { name: 'Sign in' }).count()") == 1
    assert not [s for s in shop.seen if s[2] == "/acs"]


def test_a_form_post_elsewhere_is_none_of_ours(tab, house, shop):
    """Only what the app lists: any other path takes no body from another site."""
    sign_in(tab, house.url("inventory"))
    form_post(tab, shop, house.url("inventory", "/save"))
    assert "Sign in to go on" in tab.text("h1")
    assert not [s for s in shop.seen if s[2] == "/save" and b"SAMLResponse" in s[3]]


# ---- WebSockets -----------------------------------------------------------------------------

OPEN = """return await page.evaluate((url) => new Promise((done) => {
    const s = new WebSocket(url);
    s.onmessage = (e) => e.data.startsWith("echo") && done(["message", e.data]);
    s.onopen = () => { s.send("echo"); window.socket = s; };
    s.onclose = (e) => done(["close", e.code]);
}), args.url)"""


def ws(house):
    return house.url("sockets", "/ws").replace("http:", "ws:")


def test_a_websocket_without_a_session(tab, house):
    tab.goto(house.portal("/.postern/health"))
    assert tab.run(OPEN, url=ws(house)) == ["close", 1006]


def test_a_websocket_with_one_and_its_end(tab, house):
    sign_in(tab, house.url("sockets"))
    assert tab.run(OPEN, url=ws(house)) == ["message", "echo"]
    tab.run("""await page.evaluate(() => { window.end = new Promise((done) => {
        socket.onclose = (e) => done([e.code, e.reason]); }); })""")
    end_sessions(house)
    code, reason = tab.run("return await page.evaluate(() => window.end)")
    assert code == 1008 or code >= 3000, (code, reason)
    assert reason


# ---- step-up --------------------------------------------------------------------------------

def test_step_up_and_return(tab, house):
    sign_in(tab, house.url("inventory"))
    time.sleep(FRESH_S + 1)
    target = house.url("payroll", "/slip/7?year=2026")
    assert tab.goto(target) == {"status": 403, "url": target}
    assert "One more step to open Payroll" in tab.text("h1") and "You signed in too long ago" in tab.text()
    assert tab.axe() == []
    tab.run("""await Promise.all([page.waitForNavigation(), page.getByRole("link", { name: "Confirm that it is you" }).click()])""")
    assert is_sign_in_form(tab)
    assert tab.run("return await page.getByLabel('Mail address').inputValue()") in ("", EVA)
    assert fill(tab) == {"status": 200, "url": target}
    assert who(tab) == EVA
    assert tab.goto(house.url("inventory"))["status"] == 200, "the other apps know the new session too"


# ---- the portal -----------------------------------------------------------------------------

def test_the_launcher(tab, house):
    sign_in(tab, house.portal("/"))
    text = tab.text()
    assert tab.axe() == []
    assert "Welcome, Eva" in text and EVA in text and "What is in stock" in text and "Vault" not in text
    assert "this browser" in text
    tab.run("""await Promise.all([page.waitForNavigation(), page.getByRole("link", { name: /Inventory/ }).click()])""")
    assert tab.url == house.url("inventory") and who(tab) == EVA


def test_a_contractor_sees_and_reaches_his_app_alone(tab, house):
    sign_in(tab, house.portal("/"), KIM)
    assert "Inventory" in tab.text() and "Reports" not in tab.text()
    assert tab.goto(house.url("reports", "/"))["status"] == 403
    text = tab.text()
    assert "Reports is not open to you" in text and KIM in text
    request = tab.run("return await page.locator('dd code').nth(1).innerText()")
    assert house.journal.wait(kind="decision", id=request)["decision"]["reason"] == "default-deny"
    assert tab.axe() == []


def test_a_session_elsewhere_is_ended_from_the_list(browser, tab, house):
    other = browser.tab(userAgent="Mozilla/5.0 (Windows NT 10.0) Firefox/140.0", **DESKTOP)
    sign_in(other, house.url("reports"))
    sign_in(tab, house.portal("/"))
    ended = len(house.journal.find(kind="session.revoked"))
    tab.run("""await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: /End the session Firefox on Windows/ }).first().click()])""")
    assert "has ended" in tab.text()
    house.journal.wait(count=ended + 1, kind="session.revoked")
    other.goto(house.url("reports"))
    assert is_sign_in_form(other)
    assert tab.goto(house.url("inventory"))["status"] == 200
    other.close()


# ---- out ------------------------------------------------------------------------------------

def press(tab, name):
    tab.run("""await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: args.name, exact: true }).click()])""", name=name)


def test_sign_out_in_this_browser(tab, house):
    sign_in(tab, house.url("inventory"))
    tab.goto(house.url("reports"))
    tab.goto(house.url("reports", "/.postern/logout"))
    assert tab.axe() == []
    press(tab, "Sign out")
    assert tab.text("h1") == "You are signed out" and tab.axe() == []
    for name in ("inventory", "reports"):
        tab.goto(house.url(name))
        assert is_sign_in_form(tab), name


def test_sign_out_everywhere(browser, tab, house):
    """Another browser of the same person is out within a second, its open WebSocket too."""
    other = browser.tab(**DESKTOP)
    sign_in(other, house.url("sockets"))
    assert other.run(OPEN, url=ws(house))[0] == "message"
    other.run("await page.evaluate(() => { window.end = new Promise((done) => { socket.onclose = (e) => done(e.code); }); })")
    sign_in(tab, house.url("inventory"))
    tab.goto(house.portal("/.postern/logout"))
    press(tab, "Sign out everywhere")
    assert "All your sessions have ended" in tab.text()
    assert other.run("return await page.evaluate(() => window.end)") != 1000
    for t, name in ((tab, "inventory"), (other, "sockets")):
        t.goto(house.url(name))
        assert is_sign_in_form(t)
    other.close()


def back(tab):
    """A page that comes from the back-forward cache does not load again."""
    tab.run("await page.goBack({ waitUntil: 'commit' }); await page.waitForFunction(() => document.readyState === 'complete')")


def test_back_button_after_sign_in(tab, house):
    """Behind the app lies the form that was filled in; who goes there finds a way on."""
    first, second = house.url("inventory", "/a"), house.url("inventory", "/b")
    sign_in(tab, first)
    tab.goto(second)
    back(tab)
    assert tab.url == first and who(tab) == EVA
    back(tab)
    if is_sign_in_form(tab):
        at = fill(tab)
        assert at["url"] == first or at["url"] == house.portal("/"), at
    else:
        assert tab.run("return await page.getByRole('link').count()") > 0, "no dead end"
    assert tab.goto(second)["status"] == 200


def test_back_button_after_sign_out(tab, house):
    """What the app showed is not taken from a cache for whoever sits there next."""
    sign_in(tab, house.url("inventory", "/secret"))
    tab.goto(house.url("inventory", "/.postern/logout"))
    press(tab, "Sign out")
    back(tab)
    back(tab)
    tab.run("await page.reload().catch(() => null)")
    assert is_sign_in_form(tab) or "/.postern/logout" in tab.url or "/.postern/" in tab.url, tab.url


def test_no_ticket_stays_in_the_history(tab, house):
    tab.run("""state.asked = []; page.on("request", (r) => state.asked.push([r.url(), r.headers().referer || ""]))""")
    sign_in(tab, house.url("inventory", "/x"))
    asked = tab.run("return state.asked")
    backs = [u for u, _ in asked if "/.postern/back" in u]
    assert len(backs) == 1 and parse_qs(urlsplit(backs[0]).query)["t"]
    secret = re.search(r"[?&]t=([^&]+)", backs[0]).group(1)
    assert all(secret not in referer for _, referer in asked)
    assert secret not in tab.url
    tab.goto(backs[0])
    assert "did not work" in tab.text("h1"), "a ticket is good once"
    assert tab.goto(house.url("inventory", "/x"))["status"] == 200


def test_an_app_that_leads_away_after_the_form(tab, house, shop):
    """The app goes on to another site at once: the form's policy must not hold the person back."""
    away = shop.foreign("x").replace("/foreign?x", "/landed")
    tab.goto(house.url("inventory", "/away?" + away))
    assert fill(tab)["url"] == away
