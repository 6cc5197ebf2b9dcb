"""Who is refused: a person sees a page, a program a problem in JSON, and both an id."""

import pytest

from harness import people
from harness.ports import free_port
from harness.proxy import standard_policy

NAVIGATE = ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"]
HTML = ["Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"]

# id, method, headers, is a person
WHO = [
    ("navigation", "GET", NAVIGATE, True),
    ("navigation in another order", "GET", HTML + NAVIGATE[::-1], True),
    ("old browser", "GET", HTML, True),
    ("post navigation", "POST", NAVIGATE + HTML, True),
    ("prefetch", "GET", NAVIGATE + ["Sec-Purpose: prefetch;prerender"], False),
    ("frame", "GET", ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"], False),
    ("fetch", "GET", ["Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"] + HTML, False),
    ("image", "GET", ["Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"], False),
    ("curl", "GET", ["Accept: */*"], False),
    ("no accept", "GET", [], False),
    ("json first", "GET", ["Accept: application/json, text/html;q=0.5"], False),
    ("old browser's post", "POST", HTML, False),
]


@pytest.mark.parametrize("method, headers, is_person", [w[1:] for w in WHO], ids=[w[0] for w in WHO])
def test_no_token(gate, method, headers, is_person):
    answer = gate.request(method, "/x", headers=headers, body=b"" if method == "POST" else None)
    assert answer.status == 401 and answer.get("WWW-Authenticate").startswith("Bearer")
    kind = answer.get("Content-Type")
    if is_person:
        assert kind.startswith("text/html") and answer.body.lower().startswith(b"<!doctype html")
    else:
        assert kind.startswith("application/problem+json")
        assert answer.json["status"] == 401 and "auth.none" in answer.text
    assert answer.id in answer.text, "the person can name the request"
    assert "access token" in answer.text and "Ask whoever gave you this address" in answer.text, "what opens it, and whom to ask"
    assert "Sign in" not in answer.text, "there is nowhere to sign in"
    decision = gate.record(answer)["decision"]
    assert (decision["effect"], decision["reason"]) == ("deny", "auth.none") and "access token" in decision["remedy"]
    assert "no-store" in answer.get("Cache-Control")


@pytest.mark.parametrize("headers", [NAVIGATE, ["Accept: application/json"]])
def test_forbidden(gate, contractor, headers):
    answer = gate.get("/admin", contractor, headers=headers)
    assert answer.status == 403
    assert answer.get("Content-Type").startswith("text/html" if headers is NAVIGATE else "application/problem+json")
    assert "default-deny" in answer.text and answer.id in answer.text


def test_device_that_nothing_reports(start, origin, staff):
    policy = standard_policy(origin.url)
    policy["rules"].append({"id": "managed", "effect": "require", "who": "anyone", "to": "everything", "device": {"managed": True}})
    gate = start(policies={"10-apps.yaml": policy})
    answer = gate.get("/x", staff, headers=NAVIGATE)
    assert answer.status == 403 and "The state of your device must be known" in answer.text
    assert gate.record(answer)["decision"]["causes"] == ["device:missing"]


def test_failure_says_what_to_do(start, staff):
    gate = start(upstream="http://127.0.0.1:1")
    answer = gate.get("/x", staff, headers=NAVIGATE)
    assert answer.status == 502 and "The app does not answer" in answer.text and "Try again in a moment" in answer.text
    assert gate.record(answer)["end"] == "upstream-unreachable"


def test_page_brings_nothing_from_elsewhere(gate):
    answer = gate.get("/x", headers=NAVIGATE)
    policy = answer.get("Content-Security-Policy")
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert answer.get("X-Content-Type-Options") == "nosniff"
    assert "<script" not in answer.text and "http://" not in answer.text.replace("http://www.w3.org", "")


def test_page_escapes_what_it_shows(gate, issuer):
    token = issuer.person("eva", ["none"], name="<script>alert(1)</script>")
    answer = gate.get("/%3Cscript%3E?%3Cscript%3E", token, headers=NAVIGATE)
    assert answer.status == 403 and "<script" not in answer.text


def test_head_has_no_body(gate):
    with gate.connect() as c:
        c.send(b"HEAD /x HTTP/1.1\r\nHost: inventory.example\r\n\r\n")
        first = c.read("HEAD")
        assert first.status == 401 and int(first.get("Content-Length")) > 0
        c.send(b"GET /public/x HTTP/1.1\r\nHost: inventory.example\r\n\r\n")
        assert c.read().status == 200, "a body came after the answer to HEAD"


def test_refused_post_with_a_body(gate):
    """The body of a refused request is read away or the connection ends; it is never a request."""
    inner = b"GET /public/x HTTP/1.1\r\nHost: inventory.example\r\n\r\n"
    with gate.connect() as c:
        c.send(b"POST /x HTTP/1.1\r\nHost: inventory.example\r\nContent-Length: %d\r\n\r\n" % len(inner) + inner)
        assert c.read().status == 401
        if not c.is_closed(0.5):
            assert c.buf == b""
            c.send(b"HEAD /x HTTP/1.1\r\nHost: inventory.example\r\n\r\n")
            assert c.read("HEAD").status == 401


def test_what_failed_in_a_token_is_not_told(gate, issuer):
    good = issuer.person("eva", ["staff"])
    answers = [gate.get("/x", t) for t in (issuer.person("eva", exp=1), issuer.person("eva", aud="other"),
                                           good[:-8] + "AAAAAAAA")]
    texts = {a.text.replace(a.id, "") for a in answers}
    assert {a.status for a in answers} == {401} and len(texts) == 1, texts


RULE, APP, HELP = "security@corp.example", "logistics@corp.example", "it@corp.example"


def owned(origin):
    """Kim is a contractor: kept out of the inventory, and of a part of the reports; nobody gives her the wiki."""
    value = people.policy(origin.url)
    value["apps"][0]["owner"] = APP
    value["apps"].append({"name": "wiki", "host": "wiki.postern.localhost", "upstream": origin.url, "title": "Wiki"})
    out = {"effect": "deny", "who": {"groups": ["contractors"]}}
    value["rules"] += [{"id": "kept-out", "owner": RULE, "to": {"apps": ["inventory"]}, **out},
                       {"id": "no-payroll", "to": {"apps": ["reports"], "paths": ["/payroll/**"], "methods": ["GET"]}, **out}]
    return value


@pytest.fixture(scope="module")
def house(start_shared, origin):
    port = free_port()
    portal = people.configure(port)["portal"]
    return people.House(start_shared, origin, policy=owned(origin), port=port,
                        config={"portal": {**portal, "contact": HELP}})


@pytest.mark.parametrize("app, path, contact, sentence, absent", [
    ("inventory", "/stock/1", RULE, ("A rule keeps you out of this app.", "Eine Regel hält Sie von dieser App fern."),
     ("not among those", "kept-out")),
    ("reports", "/payroll/1", HELP, ("This part of the app is not open to you.", "Dieser Teil der App ist für Sie nicht offen."),
     ("keeps you out", "look at this", "no-payroll")),
    ("wiki", "/", HELP, ("No rule gives you access to this.", "Keine Regel gibt Ihnen hierauf Zugriff."), ("keeps you out",)),
], ids=["deny", "deny of a part", "no rule"])
def test_page_and_problem_name_the_same_contact(house, app, path, contact, sentence, absent):
    for language, wanted in zip(("en", "de"), sentence):
        kim = house.browser(language=language)
        page = kim.sign_in(kim.get(house.url(app, path)), "kim@acme.example")
        assert page.status == 403 and wanted in page.text, page.text
        assert '<a href="mailto:%s">' % contact in page.text, page.text
        assert not [a for a in absent if a in page.text] and (contact == HELP or HELP not in page.text)
        told = kim.ask(house.url(app, path), headers={"Accept": "application/json", "Sec-Fetch-Mode": "cors",
                                                      "Sec-Fetch-Dest": "empty"}).answer
        assert (told.status, told.json["contact"]) == (403, contact), told.text
