"""Posture documents: signed by a server that manages devices, carried by a request or posted by the device."""

import contextlib
import json
import select
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.devices import DeviceCA, client, device_of
from harness import raw
from harness.jwks import JwksServer
from harness.ports import free_port
from harness.proxy import allow, app, standard_policy
from harness.raw import wait_for
from harness.tokens import Issuer

PORTAL = "access.example"
WAITING_MOST = 256                                          # posts that wait for keys


def policies(origin):
    policy = standard_policy(origin.url)
    policy["apps"].append(app("vault", origin.url))
    policy["rules"].append(allow("vault-healthy", to={"apps": ["vault"]},
                                 device={"disk_encrypted": True, "firewall": True, "seen_within": "10m"}))
    return {"10-apps.yaml": policy}


@pytest.fixture(scope="module")
def mdm():
    """The server that signs; its `sub` is of no matter."""
    return Issuer(name="mdm", url="https://mdm.example", audience="postern-posture")


@pytest.fixture(scope="module")
def document(mdm):
    def document(device="laptop-7", age_s=0, signer=None, **claims):
        posture = claims.pop("posture", {"disk_encrypted": True, "firewall": True})
        now = int(time.time())
        return (signer or mdm).token(device or "nobody", device_id=device, posture=posture,
                                     **{"iat": now - age_s, "exp": now + 3600, **claims})
    return document


def begin(start, origin, issuer, mdm, **more):
    mapped = {"issuer": issuer.url, "audience": issuer.audience, "jwks_file": "keys.json", "algs": list(issuer.algs),
              "device": {"id": "device_id"}}
    g = start(ready=False, policies=policies(origin), config={
        "issuers": {issuer.name: mapped},
        "portal": {"host": PORTAL},
        "device_sources": {"mdm": {"kind": "posture", "issuer": mdm.url, "audience": mdm.audience,
                                   "jwks_file": "mdm.json", "header": "X-Device-Posture", "cookie": "posture",
                                   "max_age": "5m"}}}, **more)
    g.write("mdm.json", json.dumps(mdm.jwks()))
    return g


@pytest.fixture(scope="module")
def gate(start_shared, origin, issuer, mdm):
    return begin(start_shared, origin, issuer, mdm).start()


@pytest.fixture(scope="module")
def ask(gate, staff):
    def ask(*headers, token=staff):
        return gate.get("/", token, host="vault.example", headers=list(headers))
    return ask


def post(g, body, **how):
    return g.request("POST", "/.postern/posture", host=PORTAL, body=body.encode(),
                     headers=[("Content-Type", "application/jwt")], **how)


# ---- carried by the request -----------------------------------------------------------------------

def test_in_a_header_or_cookie(gate, ask, document):
    for carried in (("X-Device-Posture", document()), ("Cookie", "a=b; posture=%s; c=d" % document())):
        answer = ask(carried)
        assert answer.status == 200
        record = gate.record(answer)
        assert record["device"]["id"] == "laptop-7" and record["device"]["by"] == "posture"
        value, source, age = device_of(record)["disk_encrypted"]
        assert (value, source) == (True, "mdm") and 0 <= age < 60
        seen = {n.lower(): v for n, v in answer.json["headers"]}
        assert "x-device-posture" not in seen and seen.get("cookie", "a=b; c=d") == "a=b; c=d"


def test_the_same_document_again(gate, ask, document):
    """A browser sends it with each request until it has a new one."""
    carried = ("X-Device-Posture", document())
    assert [ask(carried).status for _ in range(3)] == [200] * 3


@pytest.fixture(scope="module")
def stranger():
    return Issuer(name="other", url="https://mdm.example", audience="postern-posture")


BAD = {
    "none": (lambda d, s: None, None),
    "not signed by it": (lambda d, s: d(signer=s), "token.unknown-kid"),
    "for somebody else": (lambda d, s: d(aud="postern"), "token.audience"),
    "of another issuer": (lambda d, s: d(iss="https://evil.example"), "token.issuer"),
    "expired": (lambda d, s: d(exp=int(time.time()) - 1), "token.expired"),
    "too old": (lambda d, s: d(age_s=400), "posture.stale"),
    "from the future": (lambda d, s: d(age_s=-120), "token.not-yet"),
    "of no device": (lambda d, s: d(device=None), "posture.stale"),
    "not a token": (lambda d, s: "disk_encrypted=true", "token.malformed"),
    "cut": (lambda d, s: d()[:-4], None),
    "too long": (lambda d, s: d(filler="x" * 12500), "token.too-long"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_documents_prove_nothing(gate, ask, document, stranger, case):
    make, cause = BAD[case]
    made = make(document, stranger)
    answer = ask(*([("X-Device-Posture", made)] if made else []))
    assert answer.status == 403
    record = gate.record(answer)
    assert "device:missing" in record["decision"]["causes"] and "id" not in record["device"]
    if cause:
        assert record["device"]["refused"] == cause and cause in record["decision"]["causes"]


def test_an_access_token_is_no_document_and_the_reverse(gate, ask, document, staff):
    assert ask(("X-Device-Posture", staff)).status == 403
    assert gate.get("/", document(), host="inventory.example").status == 401


def test_what_it_says_counts(gate, ask, document):
    answer = ask(("X-Device-Posture", document(posture={"disk_encrypted": False, "firewall": True})))
    assert answer.status == 403 and "device.disk_encrypted" in gate.record(answer)["decision"]["causes"]
    answer = ask(("X-Device-Posture", document(posture={"disk_encrypted": "yes", "firewall": True})))
    assert answer.status == 403 and "device.disk_encrypted:missing" not in gate.record(answer)["decision"]["causes"]
    answer = ask(("X-Device-Posture", document(posture={"firewall": True})))
    assert answer.status == 403 and "device.disk_encrypted:missing" in gate.record(answer)["decision"]["causes"]


def test_one_person_two_devices(gate, ask, document):
    one = ask(("X-Device-Posture", document("laptop-1")))
    two = ask(("X-Device-Posture", document("laptop-2", posture={"disk_encrypted": False, "firewall": True})))
    assert (one.status, two.status) == (200, 403)
    assert gate.record(one)["device"]["id"] == "laptop-1" and gate.record(two)["device"]["id"] == "laptop-2"


def test_a_document_of_another_device_than_the_certificate(start, origin, issuer, mdm, authority, document, staff,
                                                           tmp_path):
    ca, port = DeviceCA(tmp_path), free_port()
    cert, key, _ = authority.issue("vault.example", stem="posture-vault")
    g = begin(start, origin, issuer, mdm, listeners=[
        {"address": "127.0.0.1:%d" % port, "front": "direct",
         "tls": {"certificates": [{"cert": cert, "key": key}], "client_ca": ca.ca}}]).start()

    def get(device, doc):
        return raw.request(port, host="vault.example", token=staff, tls=client(authority.ca, ca.issue(device)),
                           sni="vault.example", headers=[("X-Device-Posture", doc)])
    assert get("laptop-7", document("laptop-7")).status == 200
    answer = get("laptop-8", document("laptop-7"))
    record = g.record(answer)
    assert answer.status == 403 and record["device"]["id"] == "laptop-8"
    assert record["device"]["refused"] == "posture.other-device"


@pytest.fixture
def fetched(start, origin, issuer, mdm):
    """A postern that fetches the keys of the documents."""
    server = JwksServer(mdm.jwks())
    g = begin(start, origin, issuer, mdm)
    source = g.config["device_sources"]["mdm"]
    del source["jwks_file"]
    source["jwks_url"] = server.url
    g.write_config()
    yield g.start(), server
    server.stop()


def test_a_new_key_of_the_signer(fetched, mdm, document, staff):
    """The visit waits for the keys, and is decided with them."""
    g, server = fetched
    fresh = Issuer(name="mdm-2", url=mdm.url, audience=mdm.audience)
    server.jwks = fresh.jwks()
    answer = g.get("/", staff, host="vault.example", headers=[("X-Device-Posture", document(signer=fresh))])
    assert answer.status == 200 and g.record(answer)["device"]["id"] == "laptop-7"
    answer = g.get("/", staff, host="vault.example", headers=[("X-Device-Posture", document())])
    assert answer.status == 403 and g.record(answer)["device"]["refused"] == "token.unknown-kid"


def test_sources_change_places_while_a_document_waits(start, origin, issuer, mdm, document, staff):
    """It is read as what the configuration of now says, like the rest of the visit."""
    server = JwksServer(mdm.jwks())
    server.delay = 4.0
    g = begin(start, origin, issuer, mdm, wait=False)
    source = g.config["device_sources"]["mdm"]
    del source["jwks_file"]
    source["jwks_url"] = server.url
    g.write("devices.yaml", "version: 1\ndevices: {}\n")
    g.write_config()
    g.start()
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(g.get, "/", staff, host="vault.example", headers=[("X-Device-Posture", document())])
        wait_for(lambda: server.fetches)
        g.write_config(device_sources={"office": {"kind": "inventory", "file": "devices.yaml"}, "mdm": source})
        g.signal(signal.SIGHUP)
        assert waits.result().status == 200
        assert "reload.published" in g.stderr()
    server.stop()


def test_a_new_key_of_the_signer_when_posted(fetched, issuer, mdm, document):
    g, server = fetched
    fresh = Issuer(name="mdm-2", url=mdm.url, audience=mdm.audience)
    server.jwks = fresh.jwks()
    assert post(g, document("posted-9", signer=fresh)).status == 204
    wait_for(lambda: g.get("/", at(issuer, "posted-9"), host="vault.example").status == 200)


# ---- posted by the device -------------------------------------------------------------------------

def at(issuer, device):
    return issuer.person("eva", ["staff"], device_id=device)


def test_posted(gate, issuer, document):
    assert gate.get("/", at(issuer, "posted-1"), host="vault.example").status == 403
    assert post(gate, document("posted-1", jti="p1")).status in (200, 204)
    answer = wait_for(lambda: (a := gate.get("/", at(issuer, "posted-1"), host="vault.example")).status == 200 and a)
    record = gate.record(answer)
    assert record["device"]["by"] == "claims" and device_of(record)["firewall"][:2] == (True, "mdm")


def test_posted_ones_are_taken_once(gate, issuer, document):
    good, worse = document("posted-2", jti="a", age_s=60), document("posted-2", jti="b",
                                                                    posture={"disk_encrypted": False, "firewall": True})
    assert post(gate, good).status in (200, 204)
    assert post(gate, good).status == 400
    wait_for(lambda: gate.get("/", at(issuer, "posted-2"), host="vault.example").status == 200)
    assert post(gate, worse).status in (200, 204)
    older = document("posted-2", jti="c", age_s=60)
    assert post(gate, older).status == 400                  # what is older does not put the device back
    wait_for(lambda: "device.disk_encrypted" in
             gate.record(gate.get("/", at(issuer, "posted-2"), host="vault.example"))["decision"].get("causes", []))
    change = gate.journal.wait(kind="device.changed", device__id="posted-2",
                               test=lambda r: r["changes"] == [{"name": "disk_encrypted", "from": "true", "to": "false"}])
    assert change["source"] == "mdm"


@pytest.mark.parametrize("case", [c for c in BAD if c not in ("none", "too long")])
def test_bad_posts(gate, document, stranger, case):
    answer = post(gate, BAD[case][0](document, stranger))
    assert answer.status == 400


def test_posted_ones_survive_a_kill(start, origin, issuer, mdm, document):
    g = begin(start, origin, issuer, mdm).start()
    assert post(g, document("posted-3")).status in (200, 204)
    wait_for(lambda: g.get("/", at(issuer, "posted-3"), host="vault.example").status == 200)
    g.kill()
    g.start()
    wait_for(lambda: g.get("/", at(issuer, "posted-3"), host="vault.example").status == 200)
    assert post(g, document("posted-3", age_s=100)).status == 400


def test_another_issuer_of_the_same_source(start, origin, issuer, mdm, document):
    """What was posted by the word of the first one says nothing any more, not even after a start."""
    g = begin(start, origin, issuer, mdm).start()

    def status(device):
        return g.get("/", at(issuer, device), host="vault.example").status
    assert post(g, document("posted-6")).status == 204
    wait_for(lambda: status("posted-6") == 200)
    source = {**g.config["device_sources"]["mdm"], "issuer": "https://next.example"}
    g.write_config(device_sources={"mdm": source})
    g.signal(signal.SIGHUP)
    wait_for(lambda: status("posted-6") == 403)
    assert post(g, document("posted-7")).status == 400
    assert post(g, document("posted-7", iss="https://next.example")).status == 204
    wait_for(lambda: status("posted-7") == 200)
    g.stop()
    g.start()
    wait_for(lambda: status("posted-7") == 200)
    assert status("posted-6") == 403


def test_a_post_waits_for_keys_of_a_source_that_goes(start, origin, issuer, mdm, document):
    """Nobody answers for it any more: it is refused, and others were never in its way."""
    slow = JwksServer({"keys": []})
    slow.delay = 20.0
    g = begin(start, origin, issuer, mdm, wait=False)
    kept = g.config["device_sources"]["mdm"]
    other = {"kind": "posture", "issuer": "https://slow.example", "audience": mdm.audience, "jwks_url": slow.url}
    g.write_config(device_sources={"slow": other, "mdm": kept})
    g.start()
    doc = document(iss="https://slow.example")
    waiting = [g.connect() for _ in range(WAITING_MOST + 1)]
    for c in waiting:
        c.send(raw.head("POST", "/.postern/posture", PORTAL, headers=[
            ("Content-Type", "application/jwt"), ("Content-Length", str(len(doc)))]) + doc.encode())
    ready, _, _ = select.select([c.sock for c in waiting], [], [], 10)
    [full] = [c for c in waiting if c.sock in ready]
    assert full.read("POST").status == 503
    assert post(g, document("posted-8")).status == 204
    g.write_config(device_sources={"mdm": kept})
    g.signal(signal.SIGHUP)
    assert {c.read("POST").status for c in waiting if c is not full} == {400}
    for c in waiting:
        c.close()
    slow.stop()


def test_an_older_one_comes_first_after_a_start(start, origin, issuer, mdm, document):
    """Before what was kept has been read; with many devices that takes a moment."""
    g = begin(start, origin, issuer, mdm).start()
    older, newest = document("posted-4", age_s=60), document("posted-4", posture={"disk_encrypted": False})
    assert post(g, newest).status == 204
    g.stop()
    with contextlib.closing(sqlite3.connect(g.path("state/postern.db"))) as db, db:
        db.executemany("INSERT INTO posture(device, source, facts, seen_s) SELECT ?, source, facts, seen_s - 1000 FROM posture"
                       " WHERE device = 'posted-4'", [("other-%d" % i,) for i in range(30000)])
    g.start(ready=False)
    wait_for(lambda: _is_taken(g, older))
    g.wait_until_up()
    wait_for(lambda: "device.disk_encrypted" in
             g.record(g.get("/", at(issuer, "posted-4"), host="vault.example"))["decision"].get("causes", []))
    time.sleep(0.5)                                         # whatever is published after that
    assert g.get("/", at(issuer, "posted-4"), host="vault.example").status == 403


def _is_taken(g, document):
    with contextlib.suppress(OSError, raw.Closed):
        return post(g, document).status in (204, 400)
