"""TLS towards applications: the right authority and the right name, or the right key, and nothing else."""

import datetime
import os
import ssl

import pytest

from harness import raw
from harness.certs import Authority, pin
from harness.origin import Origin
from harness.proxy import SLOWNESS, allow, app, standard_policy


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"), "an authority of somebody else")


def named(origin, name="localhost"):
    return origin.url.replace("127.0.0.1", name)


@pytest.fixture(scope="module")
def gate(start_shared, origin, authority, stranger, tmp_path_factory):
    """One app for each way in which a certificate may be right or wrong; the app's name says which."""
    yesterday = datetime.datetime.utcnow() - datetime.timedelta(days=3)
    tomorrow = datetime.datetime.utcnow() + datetime.timedelta(days=1)
    good = Origin(tls=authority.server("localhost", "127.0.0.1", stem="up-good"), name="good")
    other_name = Origin(tls=authority.server("internal.example", stem="up-name"), name="other-name")
    wild = Origin(tls=authority.server("*.localhost", stem="up-wild"), name="wild")
    over = Origin(tls=authority.server("localhost", stem="up-over", start=yesterday, days=1), name="over")
    early = Origin(tls=authority.server("localhost", stem="up-early", start=tomorrow), name="early")
    theirs = Origin(tls=stranger.server("localhost", stem="up-theirs"), name="theirs")
    asks = Origin(tls=authority.server("localhost", stem="up-asks", client_ca=authority.ca), name="asks")
    old = authority.server("localhost", stem="up-old")
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old = Origin(tls=old, name="old")
    good_pin, their_pin = pin(authority.folder + "/up-good.pem"), pin(stranger.folder + "/up-theirs.pem")
    cert, key, _ = authority.issue("postern", stem="client")
    bundle = authority.folder + "/client-both.pem"
    with open(bundle, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(open(cert).read() + open(key).read())
    ca = {"ca": authority.ca}
    apps = {
        "good": (named(good), ca), "good-by-address": (good.url, ca),
        "good-by-pin": (named(good), {"pin": [good_pin]}), "good-ca-and-pin": (named(good), {**ca, "pin": [good_pin]}),
        "good-second-pin": (named(good), {"pin": [their_pin, good_pin]}),
        "theirs-by-pin": (named(theirs), {"pin": [their_pin]}), "over-by-pin": (named(over), {"pin": [pin(authority.folder + "/up-over.pem")]}),
        "other-name-said": (named(other_name), {**ca, "server_name": "internal.example"}),
        "client-cert": (named(asks), {**ca, "client_cert": bundle}),
        "bad-ca": (named(theirs), ca), "bad-system-ca": (named(good), None), "bad-name": (named(other_name), ca),
        "bad-name-said": (named(good), {**ca, "server_name": "internal.example"}), "bad-over": (named(over), ca), "bad-early": (named(early), ca),
        "bad-pin": (named(good), {"pin": [their_pin]}), "bad-ca-and-pin": (named(good), {**ca, "pin": [their_pin]}),
        "bad-pin-right-ca-wrong": (named(theirs), {**ca, "pin": [their_pin]}),
        "bad-wildcard": (named(wild), ca), "bad-no-client-cert": (named(asks), ca), "bad-old-tls": (named(old), ca),
    }
    policy = standard_policy(origin.url)
    policy["apps"] += [app(name, url, **({"tls": tls} if tls else {})) for name, (url, tls) in apps.items()]
    policy["rules"].append(allow("all", to={"apps": list(apps)}))
    g = start_shared(policies={"10-apps.yaml": policy})
    g.names = list(apps)
    return g


GOOD = ["good", "good-by-address", "good-by-pin", "good-ca-and-pin", "good-second-pin", "theirs-by-pin", "over-by-pin",
        "other-name-said", "client-cert"]
BAD = ["bad-ca", "bad-system-ca", "bad-name", "bad-name-said", "bad-over", "bad-early", "bad-pin", "bad-ca-and-pin",
       "bad-pin-right-ca-wrong", "bad-wildcard", "bad-no-client-cert", "bad-old-tls"]


@pytest.mark.parametrize("name", GOOD)
def test_right_certificate(gate, staff, name):
    for _ in range(3):
        answer = gate.get("/x", staff, host=name + ".example")
        assert answer.status == 200, answer
    assert len(gate.get("/bytes?n=300000", staff, host=name + ".example").body) == 300000
    assert gate.record(answer)["upstream"]["address"].startswith("https://")


@pytest.mark.parametrize("name", BAD)
def test_wrong_certificate(gate, staff, name):
    answer = gate.get("/x", staff, host=name + ".example")
    assert answer.status == 502, answer
    record = gate.record(answer)
    # a server that wants a certificate of ours says so after the handshake, in TLS 1.3
    assert record["end"] in (("upstream-tls", "upstream-reset") if name == "bad-no-client-cert" else ("upstream-tls",)), record


def test_every_app_was_asked(gate):
    assert sorted(GOOD + BAD) == sorted(gate.names)


def test_websocket_over_tls(gate, staff):
    with gate.connect() as c:
        c.send(raw.head("GET", "/ws", host="good.example", token=staff, headers=[
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]))
        assert c.read().status == 101


def test_upstreams_certificate_is_renewed(start, origin, authority, staff):
    """The upstream comes back with another key: by name it goes on, by pin it does not."""
    first = Origin(tls=authority.server("localhost", stem="renewed"), name="first")
    policy = standard_policy(origin.url)
    policy["apps"] += [app("named", named(first), tls={"ca": authority.ca}), app("pinned", named(first), tls={"pin": [pin(authority.folder + "/renewed.pem")]})]
    policy["rules"].append(allow("all", to={"apps": ["named", "pinned"]}))
    gate = start(policies={"10-apps.yaml": policy})
    for host in ("named.example", "pinned.example"):
        assert gate.get("/x", staff, host=host).status == 200
    cert, key, _ = authority.issue("localhost", stem="renewed")
    first.tls.load_cert_chain(cert, key)
    first.drop()
    raw.wait_for(lambda: gate.get("/x", staff, host="pinned.example").status == 502, 10 * SLOWNESS)
    assert gate.get("/x", staff, host="named.example").status == 200


def test_authority_is_replaced(start, origin, authority, stranger, staff):
    """The CA file of an app is watched like the rest."""
    theirs = Origin(tls=stranger.server("localhost", stem="later"), name="theirs")
    policy = standard_policy(origin.url)
    policy["apps"].append(app("later", named(theirs), tls={"ca": "ca.pem"}))
    policy["rules"].append(allow("all", to={"apps": ["later"]}))
    gate = start(ready=False, policies={"10-apps.yaml": policy})
    gate.write("ca.pem", open(authority.ca).read())
    gate.start()
    assert gate.get("/x", staff, host="later.example").status == 502
    gate.write("ca.pem", open(stranger.ca).read())
    raw.wait_for(lambda: gate.get("/x", staff, host="later.example").status == 200, 20 * SLOWNESS, 0.1, "the new authority")
    gate.write("ca.pem", "no certificate\n")
    raw.wait_for(lambda: "reload.refused" in gate.stderr(), 20 * SLOWNESS, why="words about the file")
    assert gate.get("/x", staff, host="later.example").status == 200
