"""Secret keys are rotated beside a running postern: nobody is logged out, and what is made from then on is of the new ones."""

import base64
import contextlib
import hmac
import os
import signal

import jwt
import pytest

from harness import raw
from harness.people import HASH, PORTAL, House, policy
from harness.proxy import command
from test_assertion import keys, sent, verified
from test_sessions import APP, ask

NAMES = ("assertion", "issuer", "seal", "cookie")


@pytest.fixture(scope="module")
def house(start_shared, origin):
    wants = policy(origin.url)
    wants["apps"][0]["identity"] = {"assertion": True, "claims": ["email", "groups"]}
    # Nothing is remembered: each request is one for the tag of its cookie and for the store.
    return House(start_shared, origin, policy=wants, workers=1, config={"limits": {"session_cache": "0"}})


def rotate(house, name, *more):
    done = command("key", "rotate", name, *more, "--config", house.postern.path("postern.yaml"))
    assert done.returncode == 0, done.stderr


def taken(house, name):
    return house.postern.stderr().count("event=keys.taken message=\"a secret key was rotated\" keys=" + name)


@contextlib.contextmanager
def taking(house, name, by_signal=True):
    before = taken(house, name)
    yield
    if by_signal:
        house.postern.signal(signal.SIGHUP)
    raw.wait_for(lambda: taken(house, name) > before, 40, why="the new %s key to be taken" % name)


def generations(house, name):
    with open(house.postern.path("state/keys/" + name)) as f:
        return [line for line in f.read().split("\n") if len(line) == 64 and " " not in line]


def is_made_by(value, host, key):
    data = base64.urlsafe_b64decode(value)
    tag = hmac.digest(bytes.fromhex(key), b"session\0" + host.encode() + b"\0" + data[:32], "sha256")
    return hmac.compare_digest(tag[:16], data[32:])


def kids(document):
    return [k["kid"] for k in document.json["keys"]]


def issuer_keys(house):
    return raw.request(house.port, "GET", "/.postern/issuer/jwks.json", host="%s:%d" % (PORTAL, house.port))


def test_cookie(house):
    b = house.signed_in()
    page = b.get(house.portal("/.postern/logout"))
    with taking(house, "cookie"):
        rotate(house, "cookie")
    new, old = generations(house, "cookie")[:2]
    assert is_made_by(b.cookie(APP), APP, old) and ask(house, b.cookie(APP)).status == 200
    assert b.get(house.url("reports")).status == 200            # handed on from the portal, whose cookie is old as well
    assert is_made_by(b.cookie("reports.postern.localhost"), "reports.postern.localhost", new)
    other = house.signed_in("eva@corp.example")
    for host in (APP, PORTAL):
        assert is_made_by(other.cookie(host), host, new) and not is_made_by(other.cookie(host), host, old)
    assert b.send(page.form("csrf")).status == 200               # a form that was open meanwhile
    assert ask(house, b.cookie(APP) or "").status == 401


def test_assertion(house):
    b = house.signed_in()
    [before] = kids(keys(house))
    [first] = sent(b.get(house.url("inventory", "/x")).answer)
    with taking(house, "assertion"):
        rotate(house, "assertion")
    new, old = raw.wait_for(lambda: len(kids(keys(house))) == 2 and kids(keys(house)))
    assert old == before and kids(keys(house, "access")) == [new, old]
    [text] = sent(house.signed_in().get(house.url("inventory", "/x")).answer)
    assert jwt.get_unverified_header(text)["kid"] == new
    assert verified(house, text)["email"] == "eva@corp.example" and verified(house, first)
    assert b.get(house.url("inventory", "/x")).status == 200


def test_issuer(house):
    b = house.signed_in()
    [before] = kids(issuer_keys(house))
    waiting = house.browser()
    page = waiting.get(house.url("inventory", "/x"))
    with taking(house, "issuer"):
        rotate(house, "issuer")
    new, old = kids(issuer_keys(house))
    assert old == before and new != old
    assert waiting.sign_in(page, "eva@corp.example").url == house.url("inventory", "/x")   # the form was open meanwhile
    assert house.signed_in().cookie(APP)
    assert ask(house, b.cookie(APP)).status == 200


def test_seal(start, origin):
    """A refresh token that the old keys sealed, and that the built-in issuer's old key signed, is used all the same."""
    house = House(start, origin, config={"sessions": {"refresh": "1s"}, "limits": {"session_cache": "0"}})
    b = house.signed_in()
    with taking(house, "seal"), taking(house, "issuer"):
        rotate(house, "seal")
        rotate(house, "issuer")
    house.set_users(**{"eva@corp.example": {"password": HASH, "groups": ["staff", "night"]}})
    house.postern.signal(signal.SIGHUP)

    def groups():
        return dict((n.lower(), v) for n, v in ask(house, b.cookie(APP), "/x").json["headers"]).get("x-auth-groups", "")
    raw.wait_for(lambda: "night" in groups(), 20, 0.2, "claims by a token that the old key sealed")
    other = house.signed_in()
    assert ask(house, other.cookie(APP)).status == 200 and "keys.failed" not in house.postern.stderr()


def test_without_a_signal(house):
    """Files are looked at every quarter of a minute."""
    b = house.signed_in()
    with contextlib.ExitStack() as all_of_them:
        for name in NAMES:
            all_of_them.enter_context(taking(house, name, by_signal=False))
        for name in NAMES:
            rotate(house, name)
    assert ask(house, b.cookie(APP)).status == 200


def test_old_ones_dropped(house):
    b = house.signed_in()
    with taking(house, "cookie"):
        rotate(house, "cookie", "--drop-old")
    assert len(generations(house, "cookie")) == 1
    raw.wait_for(lambda: ask(house, b.cookie(APP)).status == 401)
    assert house.signed_in().cookie(APP)


@pytest.mark.parametrize("harm", ["gone", "damaged", "open to all"])
def test_a_file_that_cannot_be_read_changes_nothing(house, harm):
    b = house.signed_in()
    path = house.postern.path("state/keys/cookie")
    with open(path) as f:
        good = f.read()
    told = house.postern.stderr().count("event=keys.failed")
    if harm == "gone":
        os.unlink(path)
    elif harm == "damaged":
        house.postern.write("state/keys/cookie", good[:40])
        os.chmod(path, 0o600)
    else:
        os.chmod(path, 0o644)
    house.postern.signal(signal.SIGHUP)
    raw.wait_for(lambda: house.postern.stderr().count("event=keys.failed") > told)
    house.postern.signal(signal.SIGHUP)
    assert ask(house, b.cookie(APP)).status == 200 and house.signed_in().cookie(APP)
    assert os.path.exists(path) == (harm != "gone")              # a new one would log everybody out
    house.postern.write("state/keys/cookie", good)
    os.chmod(path, 0o600)
    house.postern.signal(signal.SIGHUP)
    assert ask(house, b.cookie(APP)).status == 200
    assert house.postern.stderr().count("event=keys.failed") == told + 1
