"""What opens for a while: a stated purpose, an approval by somebody else, the broken glass. By answer, by record, and by
what others are told."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness import raw
from harness.people import HASH, House, allow, app
from harness.provider import Provider
from harness.proxy import SLOWNESS
from harness.smtp import Sink


WAITS = r"Waiting for an answer since \d+ \w+ \d{4}, \d\d:\d\d UTC"


def policy(upstream):
    hosts = ("dossier", "vault", "engine", "brief")
    return {
        "version": 1,
        "apps": [app(h, upstream, host=h + ".postern.localhost", title=h.title()) for h in hosts],
        "rules": [
            {"id": "suspended", "effect": "deny", "who": {"groups": ["suspended"]}, "to": "everything"},
            allow("dossier-purpose", who={"groups": ["contractors"]}, to={"apps": ["dossier"]},
                  purpose={"required": True, "prompt": "Which ticket?"}),
            allow("vault-approved", who={"groups": ["contractors"]}, to={"apps": ["vault"]},
                  approval={"by": {"groups": ["leads"]}, "count": 1, "valid_for": "1h", "reason_required": True}),
            {"id": "engine-hours", "effect": "require", "who": {"groups": ["contractors"]}, "to": {"apps": ["engine"]},
             "auth": {"methods": ["hwk"]}},
            allow("engine-all", who={"groups": ["contractors"]}, to={"apps": ["engine"]}),
            allow("short", who={"groups": ["contractors"]}, to={"apps": ["brief"]}, session={"max": "1s"},
                  break_glass={"skips": ["engine-hours"], "reason_required": True, "notify": ["alerts"]}),
            allow("engine-glass", who={"groups": ["contractors"]}, to={"apps": ["engine"]},
                  break_glass={"skips": ["engine-hours"], "reason_required": True, "notify": ["alerts"]}),
        ],
    }


class Hook:
    """A webhook that keeps what it is told."""

    def __init__(self):
        self.told = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                outer.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/hook" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def hook():
    h = Hook()
    yield h
    h.close()


@pytest.fixture
def provider():
    p = Provider()
    yield p
    p.stop()


@pytest.fixture(scope="module")
def sink():
    s = Sink()
    yield s
    s.close()


@pytest.fixture(scope="module")
def house(start_shared, origin, hook, sink):
    house = House(start_shared, origin, policy=policy(origin.url), config={
        "notify": {"alerts": {"webhook": hook.url}},
        "mail": {"smtp": "smtp://127.0.0.1:%d" % sink.port, "from": "postern@corp.example"}})
    serial = house.postern.metrics().get("postern_policy_generation")
    lead = {"name": "Lee", "password": HASH, "groups": ["leads"]}
    house.set_users(**{"lee@corp.example": lead, "lou@corp.example": {**lead, "name": "Lou"},
                       "sam@corp.example": {**lead, "name": "Sam", "groups": ["leads", "suspended"]}})
    assert serial
    raw.wait_for(lambda: b"reload.published" in house.postern.stderr().encode())
    return house


def signed_in(house, email, where):
    b = house.browser()
    page = b.get(where)
    return b, b.sign_in(page, email)


def link(page, part):
    return [u for u in page.links() if part in u][0]


def test_a_purpose_is_asked_and_recorded(house):
    kim, page = signed_in(house, "kim@acme.example", house.url("dossier", "/case/7"))
    assert page.status == 403 and page.url == house.url("dossier", "/case/7")
    page = kim.get(link(page, "/.postern/purpose?"))
    assert page.status == 200 and "Which ticket?" in page.text
    form = page.form("text")
    assert kim.send(form, text="").status == 400 and kim.send(form, text="x" * 501).status == 400
    page = kim.send(form, text="OPS-17: the <pump> leaks")
    assert page.status == 200 and page.url == house.url("dossier", "/case/7")
    record = house.journal.wait(kind="purpose.stated", app="dossier")
    assert record["purpose"] == "OPS-17: the <pump> leaks" and record["identity"]["email"] == "kim@acme.example"


def test_an_approval(house, sink):
    kim, page = signed_in(house, "kim@acme.example", house.url("vault", "/box"))
    assert page.status == 403
    page = kim.get(link(page, "/.postern/request?"))
    form = page.form("text")
    assert kim.send(form, text="no").status == 400          # a reason is required
    mails = len(sink.letters)
    page = kim.send(form, text="quarterly count of the box")
    assert page.status == 200 and page.url.startswith(house.portal("/"))
    assert "Your request is with the approvers." in page.text and re.search(WAITS, page.text)
    page = kim.get(house.url("vault", "/box"))
    assert page.status == 403 and re.search(WAITS, page.text) and "Ask for approval" not in page.text
    asked = house.journal.wait(kind="approval.asked")
    assert asked["grant"]["rule"] == "vault-approved" and asked["grant"]["reason"] == "quarterly count of the box"
    raw.wait_for(lambda: len(sink.letters) >= mails + 2)
    assert {r for m in sink.letters[mails:] for r in m.recipients} == {"lee@corp.example", "lou@corp.example"}
    assert "quarterly count" in sink.letters[-1].text and "/.postern/approvals" in sink.letters[-1].text
    assert "notify.failed" not in house.postern.stderr()        # nobody asked for a channel of that name
    again = kim.get(form["action"] + "?app=vault&rule=vault-approved&to=" + house.url("vault", "/box"))
    assert not [f for f in again.forms() if "text" in f["fields"]]      # it waits already
    assert kim.ask(house.url("vault", "/box")).status == 403

    # Neither the one who asked nor somebody else may say yes.
    mine = kim.get(house.portal("/.postern/approvals"))
    for who in (kim, signed_in(house, "eva@corp.example", house.portal("/"))[0]):
        csrf = who.get(house.portal("/.postern/logout")).form("csrf")["fields"]["csrf"]
        page = who.ask(house.portal("/.postern/approvals"), "POST",
                       {"csrf": csrf, "grant": "1", "verb": "approve"})
        assert page.status == 400 and kim.ask(house.url("vault", "/box")).status == 403
    assert "vault" in mine.text.lower()

    # Who is suspended opens no door for others, whatever `by` names.
    sam, page = signed_in(house, "sam@corp.example", house.portal("/.postern/approvals"))
    assert page.status == 200 and "kim@acme.example" not in page.text
    assert "/.postern/approvals" not in sam.get(house.portal("/")).text
    csrf = sam.get(house.portal("/.postern/logout")).form("csrf")["fields"]["csrf"]
    for verb in ("approve", "refuse", "end"):
        page = sam.ask(house.portal("/.postern/approvals"), "POST", {"csrf": csrf, "grant": "1", "verb": verb})
        assert page.status == 400 and "grant.approver" in page.text
    assert not house.journal.find(kind="approval.approved") and kim.ask(house.url("vault", "/box")).status == 403

    lee, page = signed_in(house, "lee@corp.example", house.portal("/.postern/approvals"))
    assert "kim@acme.example" in page.text and "quarterly count of the box" in page.text
    form = [f for f in page.forms() if "grant" in f["fields"]][0]
    page = lee.send(form, verb="approve")
    assert page.status == 200
    raw.wait_for(lambda: kim.ask(house.url("vault", "/box")).status == 200, seconds=1.0 * SLOWNESS)
    record = house.journal.wait(kind="approval.approved")
    assert record["identity"]["email"] == "lee@corp.example" and record["grant"]["email"] == "kim@acme.example"
    assert lee.send(form, verb="approve").status == 200                 # "gone", and nothing twice
    assert len(house.journal.find(kind="approval.approved")) == 1

    form = [f for f in lee.get(house.portal("/.postern/approvals")).forms() if "grant" in f["fields"]][0]
    lee.send(form, verb="end")
    raw.wait_for(lambda: kim.ask(house.url("vault", "/box")).status == 403, seconds=1.0 * SLOWNESS)
    house.journal.wait(kind="approval.ended")


def test_nobody_says_yes_to_himself_by_another_account(start, origin, tmp_path, provider):
    """Kim asks as a contractor of the built-in issuer, and comes back as a lead of another one."""
    (tmp_path / "secret").write_text(provider.secret)
    (tmp_path / "secret").chmod(0o600)
    provider.person = {"sub": "k-17", "email": "Kim@acme.example", "email_verified": True, "groups": ["leads"]}
    corp = {"issuer": provider.issuer, "client_id": provider.client_id, "client_secret_file": "secret"}
    house = House(start, origin, folder=tmp_path, policy=policy(origin.url), config={
        "issuers": {"people": "builtin", "corp": corp}, "notify": {"alerts": {"webhook": "http://127.0.0.1:9/"}}})
    kim, lead = house.browser(), house.browser()
    page = kim.sign_in(kim.get(link(kim.get(house.url("vault", "/box")), "issuer=people")), "kim@acme.example")
    kim.send(kim.get(link(page, "/.postern/request?")).form("text"), text="nobody else is here")
    grant = house.journal.wait(kind="approval.asked")["grant"]
    page = lead.get(link(lead.get(house.portal("/.postern/approvals")), "issuer=corp"))
    assert page.status == 200 and "kim@acme.example" in page.text
    assert not [f for f in page.forms() if "grant" in f["fields"] and "approve" in f["html"]]
    csrf = lead.get(house.portal("/.postern/logout")).form("csrf")["fields"]["csrf"]
    for verb in ("approve", "refuse"):
        said = lead.ask(house.portal("/.postern/approvals"), "POST", {"csrf": csrf, "grant": "1", "verb": verb})
        assert said.status == 400 and "grant.approver" in said.text, grant
    assert kim.ask(house.url("vault", "/box")).status == 403 and not house.journal.find(kind="approval.approved")


def test_an_approval_that_is_refused(house):
    kim, page = signed_in(house, "kim@acme.example", house.url("vault", "/"))
    kim.send(kim.get(link(page, "/.postern/request?")).form("text"), text="once more, please")
    lou, page = signed_in(house, "lou@corp.example", house.portal("/.postern/approvals"))
    lou.send([f for f in page.forms() if "grant" in f["fields"]][0], verb="refuse")
    house.journal.wait(kind="approval.refused", identity__email="lou@corp.example")
    assert kim.ask(house.url("vault", "/")).status == 403


def test_nobody_asks_for_a_rule_that_is_none_of_his_business(house):
    eva, _ = signed_in(house, "eva@corp.example", house.portal("/"))
    for path in ("request?app=vault&rule=vault-approved", "request?app=vault&rule=unknown",
                 "break-glass?app=engine&rule=engine-glass", "request?app=nothing&rule=x", "request"):
        page = eva.ask(house.portal("/.postern/" + path))
        assert page.status in (400, 403) and "vault-approved" not in page.text
    csrf = eva.get(house.portal("/.postern/logout")).form("csrf")["fields"]["csrf"]
    for path, rule, to in (("request", "vault-approved", "vault"), ("break-glass", "engine-glass", "engine")):
        page = eva.ask(house.portal("/.postern/" + path), "POST", {"csrf": csrf, "app": to, "rule": rule,
                                                                   "to": house.url(to), "text": "let me in"})
        assert page.status == 403


def test_the_broken_glass(house, hook):
    kim, page = signed_in(house, "kim@acme.example", house.url("engine", "/start"))
    assert page.status == 403
    page = kim.get(link(page, "/.postern/break-glass?"))
    assert "The people named for this are told at once." in page.text and "alerts" not in page.text
    form = page.form("text")
    assert kim.send(form, text=" ").status == 400 and kim.ask(house.url("engine", "/start")).status == 403
    page = kim.send(form, text="the engine is on fire")
    assert page.url == house.url("engine", "/start")
    raw.wait_for(lambda: kim.ask(house.url("engine", "/start")).status == 200, seconds=1.0 * SLOWNESS)
    record = house.journal.wait(kind="break_glass.opened")
    assert record["grant"]["reason"] == "the engine is on fire" and record["grant"]["expires"]
    raw.wait_for(lambda: hook.told)
    assert "the engine is on fire" in hook.told[-1]["text"] and hook.told[-1]["channel"] == "alerts"
    for part in (r"Opened: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\nEnds: \d{4}-", "Who: kim@acme.example\n", "App: engine\n",
                 "Rule: engine-glass\n", "Reason: the engine is on fire\n", re.escape(house.portal("/.postern/approvals"))):
        assert re.search(part, hook.told[-1]["text"]), part
    opened = house.journal.find(kind="decision", app="engine", decision__effect="allow")
    assert record["seq"] < raw.wait_for(lambda: house.journal.find(kind="decision", app="engine",
                                                                   decision__effect="allow"))[0]["seq"], opened
    page = kim.get(house.portal("/.postern/approvals"))
    kim.send([f for f in page.forms() if "grant" in f["fields"]][0], verb="end")
    raw.wait_for(lambda: kim.ask(house.url("engine", "/start")).status == 403, seconds=1.0 * SLOWNESS)
    house.journal.wait(kind="break_glass.ended")


def test_glass_that_many_presses_break_is_broken_once(house, hook):
    kim, page = signed_in(house, "kim@acme.example", house.url("engine", "/start"))
    form = kim.get(link(page, "/.postern/break-glass?")).form("text")
    told, opened = len(hook.told), len(house.journal.find(kind="break_glass.opened"))

    def press(n):
        other = house.browser()
        other.jar = {host: dict(cookies) for host, cookies in kim.jar.items()}
        answers.append(other.send(form, text="fire number %d" % n, follow=False).status)

    answers = []
    presses = [threading.Thread(target=press, args=(n,)) for n in range(24)]
    for p in presses:
        p.start()
    for p in presses:
        p.join()
    assert 303 in answers and set(answers) <= {303, 403}        # 403: it was open by then
    raw.wait_for(lambda: len(hook.told) > told)
    assert len(house.journal.find(kind="break_glass.opened")) == opened + 1 and len(hook.told) == told + 1
    page = kim.get(house.portal("/.postern/approvals"))
    kim.send([f for f in page.forms() if "grant" in f["fields"]][0], verb="end")
    raw.wait_for(lambda: kim.ask(house.url("engine", "/start")).status == 403, seconds=1.0 * SLOWNESS)


def test_a_text_holds_no_control_characters(house):
    kim, page = signed_in(house, "kim@acme.example", house.url("dossier", "/x"))
    form = kim.get(link(page, "/.postern/purpose?")).form("text")
    for text in ("bell \a and more", "\x1b[31m red text", "a lone \r return", "delete \x7f this", "next \x85 line"):
        page = kim.send(form, text=text, follow=False)
        assert page.status == 400 and "control characters" in page.text, text
    assert kim.send(form, text="two lines\r\n\tand a tab", follow=False).status == 303
    assert house.journal.wait(kind="purpose.stated", purpose="two lines\n\tand a tab")


def test_a_sign_in_that_did_not_help_is_said(house):
    for language, words in (("en", "You have just signed in, and that did not give what this app asks for:"),
                            ("de", "Sie haben sich eben angemeldet, und das ergab nicht, was diese App verlangt:")):
        kim = house.browser(language=language)
        page = kim.sign_in(kim.get(house.url("engine")), "kim@acme.example")
        assert page.status == 403 and words in page.text
        record = house.journal.wait(kind="decision", id=page.answer.id)
        assert record["decision"]["reason"] == "require-failed" and record["app"] == "engine"


def test_what_opened_ends_by_itself(house):
    kim, page = signed_in(house, "kim@acme.example", house.url("brief"))
    assert page.status == 403
    kim.send(kim.get(link(page, "/.postern/break-glass?")).form("text"), text="for a second", follow=False)
    assert house.journal.wait(kind="break_glass.opened", grant__app="brief")["grant"]["valid_for"] == 1
    record = house.journal.wait(kind="break_glass.ended", grant__app="brief", seconds=15)
    assert record["why"] == "time" and record["grant"]["reason"] == "for a second"
