"""A person's way in with a browser: first visit, deep link, the next app, two tabs, the way out. By answer and by
record."""

from urllib.parse import parse_qs, urlsplit

import pytest

from harness.people import LOGIN, PORTAL, SESSION, House


@pytest.fixture(scope="module")
def house(start_shared, origin):
    return House(start_shared, origin)


@pytest.fixture
def kim(house):
    return house.signed_in("kim@acme.example", path="/stock/1")


@pytest.fixture
def eva(house):
    return house.signed_in("eva@corp.example")


def test_first_visit_to_the_app(house):
    b = house.browser()
    page = b.get(house.url("inventory", "/stock/7?x=1&y=%2f"))
    assert page.status == 200 and page.url.startswith(house.portal("/.postern/issuer/authorize?"))
    page = b.sign_in(page, "kim@acme.example")
    assert page.status == 200 and page.url == house.url("inventory", "/stock/7?x=1&y=%2f")
    record = house.journal.wait(kind="login")
    assert record["identity"]["email"] == "kim@acme.example" and record["app"] == "inventory"
    assert record["issuer"] == "people" and len(record["session"]) == 16 and record["auth"]
    decision = house.journal.wait(kind="decision", app="inventory", decision__effect="allow")
    assert decision["session"] == record["session"]
    assert decision["identity"]["subject"] == record["identity"]["subject"]


def test_every_hop_says_little(house):
    b = house.signed_in("eva@corp.example")
    cookies = set(b.jar["inventory.postern.localhost"].values()) | set(b.jar[PORTAL].values())
    for hop in b.hops:
        if hop.url.startswith(house.url("inventory")) and hop.status == 200:
            continue                                    # the app's own answer
        assert hop.header("Cache-Control") == "no-store", hop
        assert hop.header("Referrer-Policy") == "no-referrer", hop
        assert not any(c in hop.url or c in hop.text for c in cookies), hop
        assert len(hop.answer.all("Set-Cookie")) <= 2 and all(len(c.split(";")[0]) <= 128
                                                              for c in hop.answer.all("Set-Cookie"))
        for line in hop.answer.all("Set-Cookie"):
            assert all(a in line for a in ("; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax")), line
            assert "omain" not in line


def test_each_host_has_a_cookie_of_its_own(house, eva):
    page = eva.get(house.url("reports"))                # no sign-in once more
    assert page.status == 200 and page.url == house.url("reports")
    values = {eva.cookie(h) for h in ("inventory.postern.localhost", "reports.postern.localhost", PORTAL)}
    assert len(values) == 3 and None not in values
    eva.jar["reports.postern.localhost"][SESSION] = eva.cookie("inventory.postern.localhost")
    other = eva.ask(house.url("reports"))
    assert other.status == 302 and other.header("Location").startswith(house.portal("/.postern/login?"))


def test_two_tabs_at_once(house):
    b = house.browser()
    first = b.get(house.url("inventory", "/stock/1"))
    second = b.get(house.url("inventory", "/stock/2"))
    assert b.sign_in(first, "kim@acme.example").url == house.url("inventory", "/stock/1")
    assert b.sign_in(second, "kim@acme.example").url == house.url("inventory", "/stock/2")
    assert b.get(house.url("inventory", "/stock/1")).status == 200


def test_two_tabs_and_the_ticket_of_the_slower_one(house, eva):
    one = eva.ask(house.url("reports", "/a"))
    two = eva.ask(house.url("reports", "/b"))
    one, two = eva.ask(one.header("Location")), eva.ask(two.header("Location"))
    assert "/.postern/back?t=" in one.header("Location") and one.header("Location") != two.header("Location")
    assert eva.follow(one).url == house.url("reports", "/a")
    assert eva.follow(two).url == house.url("reports", "/b")


def test_the_back_button_leads_on(house, kim):
    callback = [h.url for h in kim.hops if "/.postern/callback?" in h.url][0]
    assert kim.get(callback).url == house.url("inventory", "/stock/1")
    back = [h.url for h in kim.hops if "/.postern/back?" in h.url][0]
    page = kim.get(back)
    assert page.status == 403 and "t=" not in page.text.split("</style>")[-1]


def test_a_program_gets_401_and_where_to_sign_in(house):
    b = house.browser()
    page = b.ask(house.url("inventory", "/stock/1"), headers={
        "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Accept": "application/json"})
    assert page.status == 401 and not b.jar.get("inventory.postern.localhost")
    told = page.answer.json
    assert told["reason"] == "auth.none" and told["login_url"]
    hop = b.ask(told["login_url"])
    assert hop.status == 302 and hop.header("Location").startswith(house.portal("/.postern/login?"))


def test_a_form_without_a_session_is_not_sent_away(house):
    b = house.browser()
    page = b.ask(house.url("inventory", "/stock/1"), "POST", {"amount": "3"})
    assert page.status == 401 and page.header("Location") is None
    link = [u for u in page.links() if "/.postern/login?" in u][0]
    assert parse_qs(urlsplit(link).query)["to"] == [house.url("inventory")]
    page = b.sign_in(b.get(link), "kim@acme.example")
    assert page.url == house.url("inventory")


def test_prefetches_and_frames_are_not_sent_away(house):
    b = house.browser()
    for headers in ({"Sec-Purpose": "prefetch"}, {"Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Dest": "image",
                                                                              "Sec-Fetch-Mode": "no-cors"}):
        assert b.ask(house.url("inventory"), headers=headers).status == 401


def test_the_portal_shows_what_is_open(house, kim):
    page = kim.get(house.portal("/"))
    assert page.status == 200 and "kim@acme.example" in page.text
    assert house.url("inventory") in page.links() and house.url("reports") not in page.links()


def test_sign_out_here(house, kim):
    page = kim.get(house.url("inventory", "/.postern/logout"))
    assert page.status == 200 and kim.get(house.url("inventory", "/stock/1")).status == 200      # nothing has ended
    old = dict(kim.jar["inventory.postern.localhost"])
    session = house.session_of(kim)
    page = kim.send(page.form("csrf"))
    assert page.status == 200 and kim.cookie("inventory.postern.localhost") is None
    record = house.journal.wait(kind="logout", session=session)
    assert record["how"] == "here" and record["identity"]["email"] == "kim@acme.example"
    revoked = house.journal.wait(kind="session.revoked", session=session)
    assert revoked["why"] == "logout" and revoked["by"] == "self"
    kim.jar["inventory.postern.localhost"].update(old)              # a stolen cookie is worth nothing now
    page = kim.ask(house.url("inventory", "/stock/1"))
    assert page.status == 302
    assert kim.get(house.portal("/")).url.startswith(house.portal("/.postern/issuer/authorize?"))


def test_sign_out_everywhere(house, eva):
    other = house.signed_in("eva@corp.example", app="reports")
    page = eva.get(house.portal("/.postern/logout"))
    page = eva.send(page.form("csrf"), everywhere="1")
    assert page.status == 200
    assert house.journal.wait(kind="logout", how="everywhere")["ended"] >= 2
    assert other.ask(house.url("reports")).status == 302
    assert other.ask(house.portal("/")).status == 302


def test_an_app_can_sign_out_here_alone(house, eva):
    """Script of an app can read and send its own host's form; other devices are none of its business."""
    other = house.signed_in("eva@corp.example", app="reports")
    page = eva.get(house.url("inventory", "/.postern/logout"))
    assert eva.send(page.form("csrf"), everywhere="1").status == 200
    assert house.journal.wait(kind="logout", session=house.session_of(eva))["how"] == "here"
    assert other.ask(house.url("reports")).status == 200


def test_another_session_is_ended_from_the_portal(house, eva):
    other = house.signed_in("eva@corp.example", app="reports")
    handle = house.session_of(other)
    page = eva.get(house.portal("/"))
    form = [f for f in page.forms() if handle in f["html"]][0]
    page = eva.send(form, session=handle)
    assert page.status == 200 and page.url.startswith(house.portal("/"))
    assert other.ask(house.url("reports")).status == 302
    assert eva.ask(house.url("inventory")).status == 200
    revoked = house.journal.wait(kind="session.revoked", session=handle)
    assert revoked["why"] == "logout"


def test_a_session_survives_a_restart_and_a_kill(house, kim):
    house.postern.stop()
    house.postern.start()
    assert kim.get(house.url("inventory", "/stock/1")).status == 200
    house.postern.kill()
    house.postern.start()
    page = kim.ask(house.url("inventory", "/stock/1"))
    assert page.status == 200


def test_the_app_never_sees_our_cookies(house, origin, kim):
    kim.jar["inventory.postern.localhost"]["theirs"] = "1"
    page = kim.get(house.url("inventory", "/stock/cookie"))
    seen = page.answer.json["headers"] if page.header("Content-Type") == "application/json" else None
    text = page.text
    assert SESSION not in text and LOGIN not in text
    assert seen is None or any("theirs=1" in v for _, v in (seen.items() if isinstance(seen, dict) else seen))
