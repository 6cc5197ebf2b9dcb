"""People of two providers with a real browser: a certified one, and our own. The choice, the step-up there, the way out."""

import os

import pytest

from harness.certified import Certified, node
from harness.people import PORTAL, House
from harness.ports import free_port
from harness.proxy import allow, app
from test_login import fill, is_sign_in_form, press

pytestmark = pytest.mark.skipif(node() is None, reason="npm ci was not run in tests/provider")
SECRET = "s3cret-of-the-client"


def policy(upstream):
    def of(name):
        return app(name, upstream, host=name + ".postern.localhost", title=name.capitalize(),
                   identity={"headers": {"X-Auth-Email": "email"}})
    return {"version": 1, "apps": [of("inventory"), of("vault")],
            "rules": [allow("all", who={"groups": ["staff", "contractors"]}, to={"apps": ["inventory"]}),
                      allow("vault", to={"apps": ["vault"]}, auth={"acr": ["mfa"]})]}


@pytest.fixture(scope="module")
def house(start_shared, shop, tmp_path_factory):
    port, folder = free_port(), tmp_path_factory.mktemp("two")
    with open(folder / "secret", "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(SECRET)
    base = "http://%s:%d" % (PORTAL, port)
    provider = Certified([{
        "client_id": "gate", "client_secret": SECRET, "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"], "redirect_uris": [base + "/.postern/callback"],
        "post_logout_redirect_uris": [base + "/"], "backchannel_logout_uri": base + "/.postern/backchannel/corp",
        "backchannel_logout_session_required": True}]).start()
    corp = {"issuer": provider.issuer, "client_id": "gate", "client_secret_file": "secret", "title": "Corp Example",
            "scopes": ["email", "profile", "groups"], "mfa": {"acr": ["mfa"]}, "mail_domains": ["corp.example"]}
    h = House(start_shared, shop, folder=str(folder), port=port, policy=policy(shop.url),
              config={"issuers": {"people": "builtin", "corp": corp}, "builtin": {"users": "users.yaml", "title": "Guests"}})
    h.provider = provider
    yield h
    provider.stop()


def at_provider(tab, house):
    return tab.url.startswith(house.provider.issuer + "/interaction/")


def fill_there(tab, login="kim", acr="pwd"):
    tab.run("""
        await page.locator("[name=login]").fill(args.login);
        await page.locator("[name=password]").fill("secret");
        await page.locator("[name=acr]").fill(args.acr);
        await Promise.all([page.waitForURL(/postern[.]localhost/), page.locator("form").evaluate((f) => f.submit())]);
        await page.waitForLoadState();""", login=login, acr=acr)


def choose(tab, name):
    tab.run("""await Promise.all([page.waitForNavigation(), page.getByRole("link", { name: args.name }).click()])""", name=name)


def by_mail(tab, email):
    tab.run("""await page.getByLabel("Mail address").fill(args.email);
        await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Continue" }).click()])""", email=email)


def sign_in(tab, house, url):
    tab.goto(url)
    choose(tab, "Corp Example")
    fill_there(tab)
    assert tab.url == url


def test_a_person_chooses(tab, house):
    url = house.url("inventory", "/x?y=1")
    tab.goto(url)
    assert tab.text("h1") == "How do you want to sign in?" and tab.axe() == []
    choose(tab, "Corp Example")
    assert at_provider(tab, house)
    fill_there(tab)
    assert tab.url == url and tab.text("#who") == "kim@corp.example"


def test_the_other_choice_is_our_own_form(tab, house):
    tab.goto(house.url("inventory"))
    choose(tab, "Guests")
    assert is_sign_in_form(tab)
    assert fill(tab)["url"] == house.url("inventory") and tab.text("#who") == "eva@corp.example"


def test_a_mail_address_shows_the_way(tab, house):
    url = house.url("inventory", "/by-mail")
    tab.goto(url)
    by_mail(tab, "somebody@nowhere.example")
    assert "No way to sign in is set up" in tab.text("#email-error") and tab.axe() == []
    assert tab.run("return await page.getByLabel('Mail address').inputValue()") == "somebody@nowhere.example"
    by_mail(tab, "kim@corp.example")
    assert at_provider(tab, house), tab.url
    fill_there(tab)
    assert tab.url == url


def test_a_second_factor_at_the_provider_and_back(tab, house):
    sign_in(tab, house, house.url("inventory"))
    target = house.url("vault", "/keys")
    assert tab.goto(target)["status"] == 403
    assert "One more step to open Vault" in tab.text("h1") and "stronger way to sign in" in tab.text()
    choose(tab, "Confirm that it is you")
    assert at_provider(tab, house), tab.url
    fill_there(tab, acr="mfa")
    assert tab.url == target and tab.text("#who") == "kim@corp.example"


def test_who_cancels_at_the_provider_reads_why(tab, house):
    tab.goto(house.url("inventory"))
    choose(tab, "Corp Example")
    fill_there(tab, login="nobody")
    assert "Signing in did not work" in tab.text("h1") and "you cancelled there" in tab.text()
    assert "login.denied" in tab.text() and tab.axe() == []
    choose(tab, "Try again")
    assert "How do you want" in tab.text("h1") or at_provider(tab, house)


def test_out_here_and_there(tab, house):
    """Our sign-out offers the provider's; pressed, the next log-in asks for the password again."""
    sign_in(tab, house, house.url("inventory"))
    tab.goto(house.url("inventory", "/.postern/logout"))
    press(tab, "Sign out")
    assert "You are signed out" in tab.text("h1") and "Corp Example" in tab.text() and tab.axe() == []
    tab.goto(house.url("inventory"))
    choose(tab, "Corp Example")
    assert tab.url == house.url("inventory"), "the provider's own session went on"
    tab.goto(house.url("inventory", "/.postern/logout"))
    press(tab, "Sign out")
    press(tab, "Sign out at Corp Example")
    assert tab.url.startswith(house.provider.issuer)
    tab.run("""await Promise.all([page.waitForURL(/postern[.]localhost/), page.locator("button[name=logout]").click()]);
        await page.waitForLoadState();""")
    tab.goto(house.url("inventory"))
    choose(tab, "Corp Example")
    assert at_provider(tab, house), "and now the password is asked for"
