"""Sessions: what a cookie is worth, how long, on which host, and how fast it is worth nothing any more."""

import contextlib
import fcntl
import json
import struct
import time

import pytest

from harness import raw
from harness.people import HASH, LOGIN, NAVIGATE, PORTAL, SESSION, House, policy, users
from harness.proxy import SLOWNESS, command
from test_websocket import Socket, close_code

APP = "inventory.postern.localhost"


@pytest.fixture(scope="module")
def house(start_shared, origin):
    shared = policy(origin.url)
    shared["apps"][0]["cors"] = {"origins": ["https://partner.example"]}
    return House(start_shared, origin, policy=shared)


def ask(house, cookie, target="/", host=APP, headers=(), **how):
    """A program's request: no redirects, no page."""
    cookies = ["Cookie: %s=%s" % (SESSION, cookie)] if cookie is not None else []
    return raw.request(house.port, how.pop("method", "GET"), target, host="%s:%d" % (host, house.port),
                       headers=[*cookies, *headers], **how)


def websocket(house, cookie, page="http://%s:%d", more=()):
    s = Socket.__new__(Socket)
    s.conn = house.postern.connect()
    named = ["Origin: " + (page % (APP, house.port) if "%" in page else page)] if page else []
    s.conn.send(raw.head("GET", "/ws", host="%s:%d" % (APP, house.port), headers=[
        "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Cookie: %s=%s" % (SESSION, cookie), *named, *more]))
    s.answer = s.conn.read()
    return s


def metric(house, name):
    return house.postern.metrics()[name]


def revoke(house, *what):
    return command("session", "revoke", *what, "--config", house.postern.path("postern.yaml"))


# ---- what it is worth -----------------------------------------------------------------------

def test_the_app_is_told_who_comes_and_never_how(house):
    b = house.signed_in()
    b.jar[APP]["theme"] = "dark"
    seen = b.get(house.url("inventory", "/x")).answer.json
    headers = {n.lower(): v for n, v in seen["headers"]}
    assert headers["x-auth-email"] == "eva@corp.example" and headers["x-auth-groups"] == "staff"
    assert headers["cookie"] == "theme=dark"
    text = json.dumps(seen)
    assert b.cookie(APP) not in text and "postern-login" not in text
    b.jar[APP][LOGIN] = "x" * 64
    assert {n.lower(): v for n, v in b.get(house.url("inventory", "/x")).answer.json["headers"]}["cookie"] == "theme=dark"


def test_the_record_names_the_session_and_not_the_cookie(house):
    b = house.signed_in()
    answer = ask(house, b.cookie(APP), "/x")
    record = house.journal.wait(kind="decision", id=answer.id)
    login = house.journal.wait(kind="login", session=record["session"])
    assert record["auth"]["kind"] == "session" and record["identity"]["email"] == "eva@corp.example" and login
    with open(house.postern.path("access.jsonl")) as f:
        log = f.read()
    assert all(value not in log for jar in b.jar.values() for value in jar.values())
    assert all(value not in house.postern.stderr() for jar in b.jar.values() for value in jar.values())


def test_a_cookie_is_short(house):
    b = house.signed_in()
    for host, jar in b.jar.items():
        for name, value in jar.items():
            assert len(name) + 1 + len(value) <= 128, (host, name)


def test_what_is_no_session_is_nobody_and_asks_nobody(house):
    b = house.signed_in()
    good = b.cookie(APP)
    asked = metric(house, "postern_sessions_asked_total")
    other = "B" if good[10] != "B" else "C"
    rows = ["", "x", "A" * 64, good[:-1], good + "A", '"' + good + '"', good[:10] + other + good[11:],
            good[:-5] + "AAAAA", good[::-1], good.upper(), "%41" + good[1:], good + "=", "A" * 8000, "\xff" * 64,
            b.cookie(PORTAL), b.cookie(APP, LOGIN) or "A" * 64]
    for value in rows:
        answer = ask(house, value, "/x")
        assert answer.status == 401, (value, answer)
    assert metric(house, "postern_sessions_asked_total") == asked
    for name in ("postern", "__Host-postern", "__Secure-postern", "__Host-Http-Postern", LOGIN):
        answer = ask(house, None, "/x", headers=["Cookie: %s=%s" % (name, good)])
        assert answer.status == 401, name


def test_a_cookie_is_good_on_its_own_host_alone(house):
    b = house.signed_in()
    mine = b.cookie(APP)
    assert b.get(house.url("reports", "/x")).status == 200        # handed on, with a value of its own
    other = b.cookie("reports.postern.localhost")
    assert len({mine, other, b.cookie(PORTAL)}) == 3
    assert ask(house, mine, "/x").status == 200
    assert ask(house, other, "/x", host="reports.postern.localhost").status == 200
    assert ask(house, mine, "/x", host="reports.postern.localhost").status == 401
    assert ask(house, other, "/x").status == 401
    assert ask(house, b.cookie(PORTAL), "/x").status == 401


def test_every_cookie_with_our_name_is_tried(house):
    good = house.signed_in().cookie(APP)
    planted = "; ".join("%s=%s" % (SESSION, v) for v in ["", "x", "A" * 64, good[::-1]])
    assert ask(house, None, "/x", headers=["Cookie: %s; %s=%s; a=b" % (planted, SESSION, good)]).status == 200
    assert ask(house, None, "/x", headers=["Cookie: " + planted, "Cookie: %s=%s" % (SESSION, good)]).status == 200


def test_an_app_cannot_set_it(house):
    good = house.signed_in().cookie(APP)
    lines = "%0A".join("Set-Cookie:%s=x" % n for n in (SESSION, LOGIN, "__Host-postern", "mine"))
    answer = ask(house, good, "/headers?h=" + lines)
    assert answer.status == 200 and answer.all("Set-Cookie") == ["mine=x"]


# ---- beside other proofs --------------------------------------------------------------------

def test_two_people_at_once(start, origin, issuer):
    provider = {"issuer": issuer.url, "audience": issuer.audience, "jwks_file": "keys.json", "algs": list(issuer.algs)}
    house = House(start, origin, config={"issuers": {"people": "builtin", issuer.name: provider}})
    good = house.signed_in().cookie(APP)
    token = issuer.person("eva", ["staff"])
    assert ask(house, good, "/x").status == 200 and ask(house, None, "/x", token=token).status == 200
    answer = ask(house, good, "/x", token=token)
    assert answer.status == 400
    assert house.journal.wait(kind="decision", id=answer.id)["decision"]["reason"] == "input:header"
    assert ask(house, good, "/x", token=token[:-4] + "AAAA").status == 401    # one that fails is never skipped
    assert ask(house, "x" * 64, "/x", token=token).status == 200              # a malformed cookie is none


# ---- WebSockets and caches ------------------------------------------------------------------

def test_a_websocket_is_opened_for_pages_of_its_own_host(house):
    good = house.signed_in().cookie(APP)
    for page in ("http://%s:%d", "https://%s:%d", "https://partner.example"):
        s = websocket(house, good, page)
        assert s.answer.status == 101, (page, s.answer)
        s.conn.close()
    for page in (None, "null", "", "https://evil.example", "http://%s:%d.evil.example", "http://evil.%s:%d",
                 "http://" + APP, "http://reports.postern.localhost:%d" % house.port, "ftp://%s:%d"):
        s = websocket(house, good, page)
        assert s.answer.status == 403 and s.answer.json["reason"] == "ws.origin", (page, s.answer)
        assert house.journal.wait(kind="decision", id=s.answer.id)["decision"]["reason"] == "ws.origin"
        s.conn.close()


def test_answers_are_kept_by_nobody_else(house):
    good = house.signed_in().cookie(APP)
    rows = {"": "private", "Cache-Control:public, max-age=60": "max-age=60", "Cache-Control:no-store": "no-store",
            "Cache-Control:s-maxage=9, max-age=5": "max-age=5", "Cache-Control:private, max-age=3": "private, max-age=3"}
    for said, told in rows.items():
        answer = ask(house, good, "/headers?h=" + said.replace(" ", "%20"))
        all_of_it = ", ".join(answer.all("Cache-Control"))
        assert told in all_of_it and "public" not in all_of_it and "s-maxage" not in all_of_it, (said, answer)
        assert "private" in all_of_it or "no-store" in all_of_it, (said, answer)
    assert ask(house, good, "/x").get("Strict-Transport-Security") is None      # plain HTTP here


def test_a_preflight_needs_no_cookie(house):
    answer = raw.request(house.port, "OPTIONS", "/x", host="%s:%d" % (APP, house.port), headers=[
        "Origin: https://partner.example", "Access-Control-Request-Method: PUT"])
    assert answer.status == 204 and answer.get("Access-Control-Allow-Origin") == "https://partner.example"


# ---- how long -------------------------------------------------------------------------------

def test_idle(start, origin):
    house = House(start, origin, workers=1, config={"sessions": {"idle": "4s"}})
    good = house.signed_in().cookie(APP)
    for _ in range(3):
        time.sleep(2)
        assert ask(house, good, "/x").status == 200
    time.sleep(6)
    answer = ask(house, good, "/x")
    assert answer.status == 401
    record = house.journal.wait(kind="decision", id=answer.id)
    assert record["decision"]["reason"] == "auth.none"


def test_max(start, origin):
    house = House(start, origin, workers=1, config={"sessions": {"max": "4s"}})
    b = house.signed_in()
    good = b.cookie(APP)
    s = websocket(house, good)
    assert s.answer.status == 101
    s.read()
    end = time.time() + 4
    code, text = close_code(s)
    assert code == 1008 and time.time() < end + 1.5 * SLOWNESS
    assert house.journal.wait(kind="visit.end")["decision"]["reason"] == "auth.none"
    assert ask(house, good, "/x").status == 401
    page = b.ask(house.url("inventory", "/x"))
    assert page.status == 302 and page.header("Location").startswith(house.portal("/.postern/login"))


def test_a_rule_may_want_less(start, origin):
    short = policy(origin.url)
    short["rules"].append({"id": "short", "effect": "require", "who": "anyone", "auth": {"issuers": ["people"]},
                           "to": {"apps": ["inventory"], "paths": ["/admin/**"]}, "session": {"max": "3s"}})
    house = House(start, origin, policy=short)
    good = house.signed_in().cookie(APP)
    assert ask(house, good, "/admin/x").status == 200
    time.sleep(3)
    answer = ask(house, good, "/admin/x")
    assert answer.status == 401 and ask(house, good, "/x").status == 200
    assert "session.max" in house.journal.wait(kind="decision", id=answer.id)["decision"]["causes"]


@pytest.mark.parametrize("limit", ["max", "idle"])
def test_what_a_rule_wants_less_is_asked_for_by_a_sign_in(start, origin, limit):
    """The portal's own session is good for longer: it is not handed on once more."""
    short = policy(origin.url)
    short["rules"].append({"id": "short", "effect": "require", "who": "anyone", "auth": {"issuers": ["people"]},
                           "to": {"apps": ["inventory"], "paths": ["/admin/**"]}, "session": {limit: "4s"}})
    house = House(start, origin, policy=short)
    b = house.signed_in(path="/admin/x")
    time.sleep(6)
    page = b.get(house.url("inventory", "/admin/x"))
    assert page.status == 200 and page.form("ticket", "password"), page
    page = b.sign_in(page, "eva@corp.example")
    assert page.status == 200 and page.url == house.url("inventory", "/admin/x"), page


# ---- restarts -------------------------------------------------------------------------------

@pytest.mark.parametrize("how", ["stop", "kill"])
def test_it_survives(start, origin, how):
    house = House(start, origin)
    good = house.signed_in().cookie(APP)
    assert ask(house, good, "/x").status == 200
    getattr(house.postern, how)()
    house.postern.start()
    assert ask(house, good, "/x").status == 200
    assert revoke(house, "--all").returncode == 0
    raw.wait_for(lambda: ask(house, good, "/x").status == 401, seconds=2 * SLOWNESS)
    getattr(house.postern, how)()
    house.postern.start()
    assert ask(house, good, "/x").status == 401


# ---- the end --------------------------------------------------------------------------------

def out_by_form(house, b):
    page = b.get(house.url("inventory", "/.postern/logout"))
    assert b.send(page.forms()[0]).status == 200


def out_by_command(house, b):
    assert revoke(house, "--user", "eva@corp.example").returncode == 0


def out_by_removal(house, b):
    people = users(**{"eva@corp.example": None})
    house.postern.write("users.yaml", json.dumps(people))
    import os
    os.chmod(house.postern.path("users.yaml"), 0o600)
    house.postern.signal(1)


@pytest.mark.parametrize("out", [out_by_form, out_by_command, out_by_removal])
def test_the_end_reaches_every_worker_and_every_websocket(start, origin, out):
    house = House(start, origin, workers=2)
    b = house.signed_in()
    good = b.cookie(APP)
    sockets = [websocket(house, good) for _ in range(20)]
    for s in sockets:
        assert s.answer.status == 101
        s.read()
    conns = [house.postern.connect() for _ in range(20)]      # of both workers, both know the cookie
    line = raw.head("GET", "/x", host="%s:%d" % (APP, house.port), headers=["Cookie: %s=%s" % (SESSION, good)])
    for c in conns:
        c.send(line)
        assert c.read().status == 200
    begun = time.monotonic()
    out(house, b)
    told = time.monotonic()
    for s in sockets:
        code, text = close_code(s)
        assert code == 1008 and "session" in text
        s.conn.close()
    assert time.monotonic() - told < 1.0 * SLOWNESS, (told - begun, time.monotonic() - told)
    for c in conns:
        c.send(line)
        assert c.read().status == 401
        c.close()
    ends = [r for r in house.journal.find(kind="visit.end")]
    assert house.journal.wait(count=20, kind="visit.end")["end"] == "session" and len(ends) <= 20


# ---- a store that is not to be asked --------------------------------------------------------

@contextlib.contextmanager
def unreadable(house):
    """Nobody may read the database: all the locks that readers share are taken (SQLite's walIndex locks)."""
    with open(house.postern.path("state/postern.db-shm"), "r+b") as f:
        deadline = time.monotonic() + 5
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 123)
                break
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield


def test_a_locked_store_lets_nobody_in(start, origin):
    house = House(start, origin, config={"limits": {"store_wait": "500ms"}})
    known, other = house.signed_in().cookie(APP), house.signed_in("kim@acme.example").cookie(APP)
    house.postern.stop()
    house.postern.start()
    assert ask(house, known, "/").status == 200
    conn = house.postern.connect()
    line = raw.head("GET", "/", host="%s:%d" % (APP, house.port), headers=["Cookie: %s=%s" % (SESSION, known)])
    conn.send(line)
    assert conn.read().status == 200
    with unreadable(house):
        conn.send(line)                        # who is known already needs no store
        assert conn.read().status == 200
        answer = ask(house, other, "/")
        assert answer.status == 503 and answer.get("Retry-After")
        record = house.journal.wait(kind="decision", id=answer.id)
        assert record["decision"]["reason"] == "store:unavailable" and "identity" not in record
    raw.wait_for(lambda: ask(house, other, "/").status == 200, seconds=15)
    conn.close()
