"""A contractor without a password: the one-time PIN that comes by mail."""

import re

import pytest

from harness import raw
from harness.people import House
from harness.proxy import SLOWNESS
from harness.smtp import Sink

LEE = "lee@acme.example"


@pytest.fixture
def sink():
    s = Sink()
    yield s
    s.close()


@pytest.fixture
def house(start, origin, sink):
    h = House(start, origin, config={"builtin": {"users": "users.yaml", "pin": True},
                                     "mail": {"smtp": sink.url, "from": "postern@corp.example"}})
    h.set_users(**{LEE: {"pin": True, "groups": ["contractors"]}})
    raw.wait_for(lambda: "reload.published" in h.postern.stderr())
    return h


def ask_for_pin(house, email=LEE):
    b = house.browser()
    page = b.get(house.url("inventory", "/stock/1"))
    return b, b.send(page.form("ticket", "email"), email=email, password="", pin="send")


def pin_of(letter):
    return re.search(r"^ +(\d{8})$", letter.text, re.M).group(1)


def test_a_pin_opens_the_app_once(house, sink):
    b, page = ask_for_pin(house)
    letter, = sink.wait(timeout=10 * SLOWNESS)
    assert letter.recipients == [LEE] and letter.sender == "postern@corp.example"
    form, pin = page.form("ticket", "pin"), pin_of(letter)
    assert pin not in page.text
    page = b.send(form, pin=pin)
    assert page.status == 200 and page.url == house.url("inventory", "/stock/1")
    record = house.journal.wait(kind="login")
    assert record["identity"]["email"] == LEE and record["issuer"] == "people"
    assert "access.postern.localhost" in b.send(form, pin=pin).url  # the form is used up, and so is the PIN
    assert pin not in house.postern.stderr()
    sent = house.postern.metrics()
    assert sent["postern_notices_sent_total"] == 1 and sent["postern_notices_queued"] == 0


def test_a_wrong_pin_opens_nothing(house, sink):
    b, page = ask_for_pin(house)
    pin = pin_of(sink.wait(timeout=10 * SLOWNESS)[0])
    wrong = pin[:-1] + ("1" if pin[-1] == "0" else "0")
    for _ in range(5):
        page = b.send(page.form("ticket", "pin"), pin=wrong)
        assert page.status in (200, 400, 401, 403, 429) and "/stock/" not in page.url
    page = b.send(page.form("ticket", "pin"), pin=pin)
    assert "/stock/" not in page.url  # dead by now


def test_a_pin_is_for_the_form_that_asked(house, sink):
    b, page = ask_for_pin(house)
    pin = pin_of(sink.wait(timeout=10 * SLOWNESS)[0])
    thief, other = ask_for_pin(house, "kim@acme.example")  # takes none
    page = thief.send(other.form("ticket", "pin"), email=LEE, pin=pin)
    assert "/stock/" not in page.url
    assert len(sink.letters) == 1


def test_nobody_learns_who_takes_one(house, sink):
    pages = {}
    for email in (LEE, "kim@acme.example", "nobody@acme.example"):
        _, page = ask_for_pin(house, email)
        text = re.sub(r'value="[\w-]{43}"', "", page.text.replace(email, "X"))
        pages[email] = (page.status, re.sub(r"\b[0-9a-f]{32}\b", "", text))
    assert len(set(pages.values())) == 1, pages
    sink.wait(timeout=10 * SLOWNESS)
    assert [l.recipients for l in sink.letters] == [[LEE]]


def test_a_mail_server_that_is_down_harms_nobody_else(house, sink):
    sink.close()
    _, page = ask_for_pin(house)
    assert page.form("ticket", "pin")
    assert house.signed_in("eva@corp.example")
    raw.wait_for(lambda: "notify.retry" in house.postern.stderr())
