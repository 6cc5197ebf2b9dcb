"""A person's way in with a browser: first visit, deep link, the next app, the way out."""

import pytest

from harness.people import LOGIN, PORTAL, SESSION, House


@pytest.fixture(scope="module")
def house(start_shared, origin):
    return House(start_shared, origin)


def test_first_visit_to_the_app(house):
    b = house.browser()
    page = b.get(house.url("inventory", "/stock/7?x=1"))
    assert page.status == 200 and page.url.startswith(house.portal("/.postern/issuer/authorize?"))
    page = b.sign_in(page, "kim@acme.example")
    assert page.status == 200 and page.url == house.url("inventory", "/stock/7?x=1")
    record = house.journal.wait(kind="login")
    assert record["identity"]["email"] == "kim@acme.example" and record["app"] == "inventory"
    decision = house.journal.wait(kind="decision", app="inventory", decision__effect="allow")
    assert decision["session"] == record["session"]
