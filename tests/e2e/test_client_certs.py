"""Client certificates: who is asked for one, which of them count, and that a bad one is told in words."""

import datetime
import time
import urllib.parse

import pytest

from harness import raw
from harness.devices import SERVER, DeviceCA, client, device_of
from harness.ports import free_port
from harness.proxy import allow, app, standard_policy

UPGRADE = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
AGO = datetime.datetime.utcnow() - datetime.timedelta(days=3)


def policies(origin):
    policy = standard_policy(origin.url)
    policy["apps"].append(app("vault", origin.url))
    policy["rules"].append(allow("vault-known", to={"apps": ["vault"]}, device={"sources": ["mtls"]}))
    return {"10-apps.yaml": policy}


@pytest.fixture(scope="module")
def devices(tmp_path_factory):
    return DeviceCA(tmp_path_factory.mktemp("devices"))


@pytest.fixture(scope="module")
def revoked(devices):
    return devices.issue("laptop-lost")


@pytest.fixture(scope="module")
def tls_port():
    return free_port()


@pytest.fixture(scope="module")
def gate(start_shared, origin, authority, devices, revoked, tls_port):
    cert, key, _ = authority.issue("inventory.example", "vault.example", stem="apps")
    plain = free_port()
    g = start_shared(policies=policies(origin), config={"device_sources": {"mtls": {"kind": "certificate"}}}, listeners=[
        {"address": "127.0.0.1:%d" % plain, "front": "direct"},
        {"address": "127.0.0.1:%d" % tls_port, "front": "direct",
         "tls": {"certificates": [{"cert": cert, "key": key}], "client_ca": devices.ca,
                 "client_crl": devices.crl(revoked)}}])
    g.port = plain
    return g


@pytest.fixture(scope="module")
def ask(gate, authority, tls_port, staff):
    def ask(cert=None, host="vault.example", token=staff, **how):
        return raw.request(tls_port, host=host, token=token, tls=client(authority.ca, cert), sni=host, **how)
    return ask


def test_good_certificate_opens(gate, ask, devices):
    good = devices.issue("laptop-7")
    answer = ask(good)
    assert answer.status == 200
    record = gate.record(answer)
    assert record["device"]["id"] == "laptop-7" and record["device"]["by"] == "certificate"
    assert record["device"]["certificate"]["verdict"] == "cert.ok"
    assert int(record["device"]["certificate"]["serial"], 16) == good["x509"].serial_number
    value, source, age = device_of(record)["certificate.serial"]
    assert source == "mtls" and age == 0 and int(value, 16) == good["x509"].serial_number


BAD = {
    "none": (lambda ca, other, lost: None, "device:missing"),
    "another CA": (lambda ca, other, lost: other.issue("laptop-7"), "cert.untrusted"),
    "for servers": (lambda ca, other, lost: ca.issue("laptop-7", eku=[SERVER]), "cert.usage"),
    "for nothing": (lambda ca, other, lost: ca.issue("laptop-7", eku=()), "cert.usage"),
    "expired": (lambda ca, other, lost: ca.issue("laptop-7", start=AGO, end=AGO + datetime.timedelta(days=1)),
                "cert.expired"),
    "revoked": (lambda ca, other, lost: lost, "cert.revoked"),
    "no id": (lambda ca, other, lost: ca.issue("laptop-7", san=False), "cert.no-id"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_certificates_are_told_on_a_page(gate, ask, devices, revoked, tmp_path, case):
    """The handshake succeeds: a browser's own error page would tell the person nothing."""
    make, cause = BAD[case]
    answer = ask(make(devices, DeviceCA(tmp_path, "other CA"), revoked))
    assert answer.status == 403
    record = gate.record(answer)
    assert record["decision"]["reason"] == "default-deny" and cause in record["decision"]["causes"]
    assert "id" not in record["device"]
    if case != "none":
        assert record["device"]["certificate"]["verdict"] == cause and record["device"]["refused"] == cause
        assert len(record["device"]["certificate"]["sha256"]) == 64
        assert "The certificate that your device showed does not count" in answer.text


def test_only_hosts_whose_rules_want_a_device_ask(gate, authority, ask, devices, tls_port):
    """A browser that holds a certificate shows a dialog when it is asked."""
    good = devices.issue("laptop-7")
    asked = "device" in gate.record(ask(good, host="inventory.example"))
    assert not asked and "device" in gate.record(ask(good))


def test_a_certificate_alone_is_nobody(gate, ask, devices):
    answer = ask(devices.issue("laptop-7"), token=None)
    assert answer.status == 401


def test_one_verification_serves_a_connection(gate, authority, devices, staff, tls_port):
    with raw.Conn(tls_port, tls=client(authority.ca, devices.issue("laptop-8")), sni="vault.example") as c:
        for _ in range(3):
            c.send("GET / HTTP/1.1\r\nHost: vault.example\r\nAuthorization: Bearer %s\r\n\r\n" % staff)
            answer = c.read()
            assert answer.status == 200 and gate.record(answer)["device"]["id"] == "laptop-8"


def test_resumption_keeps_the_certificate(gate, authority, devices, staff, tls_port):
    ctx = client(authority.ca, devices.issue("laptop-9"))
    session = None
    for i in range(3):
        with raw.Conn(tls_port) as c:
            c.sock = ctx.wrap_socket(c.sock, server_hostname="vault.example", session=session)
            c.send("GET / HTTP/1.1\r\nHost: vault.example\r\nAuthorization: Bearer %s\r\n\r\n" % staff)
            answer = c.read()
            assert answer.status == 200 and gate.record(answer)["device"]["id"] == "laptop-9"
            assert c.sock.session_reused == (i > 0)
            session = c.sock.session


def test_a_chain_with_an_issuing_ca(gate, ask, devices, tmp_path):
    """Its CA has no revocation list: with lists every CA needs one."""
    answer = ask(DeviceCA(tmp_path, "issuing CA", above=devices).issue("laptop-10"))
    assert answer.status == 403 and "cert.crl" in gate.record(answer)["decision"]["causes"]


def test_one_person_two_devices(gate, ask, devices):
    one, two = ask(devices.issue("laptop-1")), ask(devices.issue("laptop-2"))
    assert gate.record(one)["device"]["id"] == "laptop-1" and gate.record(two)["device"]["id"] == "laptop-2"
    assert gate.record(one)["identity"] == gate.record(two)["identity"]


def start_small(start, origin, authority, devices, crl=None):
    cert, key, _ = authority.issue("vault.example", stem="small")
    plain, port = free_port(), free_port()
    tls = {"certificates": [{"cert": cert, "key": key}], "client_ca": devices.ca}
    if crl:
        tls["client_crl"] = crl
    g = start(policies=policies(origin), config={"device_sources": {"mtls": {"kind": "certificate"}}}, listeners=[
        {"address": "127.0.0.1:%d" % plain, "front": "direct"},
        {"address": "127.0.0.1:%d" % port, "front": "direct", "tls": tls}])
    g.port = plain
    return g, port


def test_revocation_reaches_open_connections(start, origin, authority, devices, staff, tmp_path):
    ca = DeviceCA(tmp_path, "own CA")
    lost = ca.issue("laptop-7")
    g, port = start_small(start, origin, authority, ca, crl=ca.crl(path="live.pem"))
    with raw.Conn(port, tls=client(authority.ca, lost), sni="vault.example") as c:
        def get():
            c.send("GET / HTTP/1.1\r\nHost: vault.example\r\nAuthorization: Bearer %s\r\n\r\n" % staff)
            return c.read()
        assert get().status == 200
        ca.crl(lost, path="live.pem")
        end = time.monotonic() + 20
        while (answer := get()).status == 200 and time.monotonic() < end:
            time.sleep(0.1)
        assert answer.status == 403 and "cert.revoked" in g.record(answer)["decision"]["causes"]


def test_an_expired_list_lets_nobody_in(start, origin, authority, devices, staff, tmp_path):
    ca = DeviceCA(tmp_path, "own CA")
    g, port = start_small(start, origin, authority, ca, crl=ca.crl(start=AGO, end=AGO + datetime.timedelta(hours=1)))
    answer = raw.request(port, host="vault.example", token=staff, tls=client(authority.ca, ca.issue("laptop-7")),
                         sni="vault.example")
    assert answer.status == 403 and "cert.crl" in g.record(answer)["decision"]["causes"]
    assert "has run out: no certificate of its CA counts" in g.stderr()


def test_header_of_a_trusted_front(start, origin, authority, devices, staff, tmp_path):
    """nginx' $ssl_client_escaped_cert. From anybody else the header is a spoof, and the app never sees it."""
    trusted, direct = free_port(), free_port()
    listeners = [{"address": "127.0.0.1:%d" % direct, "front": "direct"}]
    for port, peers in ((trusted, ["127.0.0.0/8"]), (direct + 1, ["10.0.0.0/8"])):
        listeners.append({"address": "127.0.0.1:%d" % port, "front": {"forwarded": {
            "trusted": peers, "client_cert_header": "X-Ssl-Cert", "client_ca": devices.ca}}})
    g = start(policies=policies(origin), config={"device_sources": {"mtls": {"kind": "certificate"}}},
              listeners=listeners)
    g.port = direct
    good, bad = devices.issue("laptop-7"), devices.issue("laptop-7", eku=[SERVER])

    def get(port, cert, **how):
        with open(cert["cert"]) as f:
            value = urllib.parse.quote(f.read())
        return raw.request(port, host="vault.example", token=staff, headers=[("X-Ssl-Cert", value)], **how)

    answer = get(trusted, good)
    assert answer.status == 200 and g.record(answer)["device"]["id"] == "laptop-7"
    assert not [n for n, _ in answer.json["headers"] if n.lower() == "x-ssl-cert"]
    answer = get(trusted, bad)
    assert answer.status == 403 and "cert.usage" in g.record(answer)["decision"]["causes"]
    answer = get(direct + 1, good)
    record = g.record(answer)
    assert answer.status == 403 and "id" not in record["device"] and record["spoof_attempts"] == 1


def test_a_list_that_runs_out_while_a_connection_is_open(start, origin, authority, staff, tmp_path):
    ca = DeviceCA(tmp_path, "own CA")
    g, port = start_small(start, origin, authority, ca,
                          crl=ca.crl(end=datetime.datetime.utcnow() + datetime.timedelta(seconds=8)))
    with raw.Conn(port, tls=client(authority.ca, ca.issue("laptop-7")), sni="vault.example") as c:
        def get():
            c.send(raw.head("GET", "/", host="vault.example", token=staff))
            return c.read()
        assert get().status == 200
        answer = raw.wait_for(lambda: (a := get()).status != 200 and a)
        assert answer.status == 403 and "cert.crl" in g.record(answer)["decision"]["causes"]


def test_what_stands_ends_with_its_certificate(gate, authority, devices, tls_port, staff):
    brief = devices.issue("laptop-7", end=datetime.datetime.utcnow() + datetime.timedelta(seconds=6))
    with raw.Conn(tls_port, tls=client(authority.ca, brief), sni="vault.example") as c:
        c.send(raw.head("GET", "/ws", host="vault.example", token=staff, headers=UPGRADE))
        answer = c.read()
        assert answer.status == 101
        start = gate.journal.wait(kind="visit.start", device__id="laptop-7")
        end = gate.journal.wait(kind="visit.end", id=start["id"], seconds=20)
    assert end["end"] == "policy" and not end["device"]["facts"]


def test_revocation_reaches_what_came_with_a_header(start, origin, staff, tmp_path):
    ca, port = DeviceCA(tmp_path, "own CA"), free_port()
    lost = ca.issue("laptop-7")
    front = {"trusted": ["127.0.0.0/8"], "client_cert_header": "X-Ssl-Cert", "client_ca": ca.ca,
             "client_crl": ca.crl(path="live.pem")}
    g = start(policies=policies(origin), config={"device_sources": {"mtls": {"kind": "certificate"}}},
              listeners=[{"address": "127.0.0.1:%d" % port, "front": {"forwarded": front}}])
    with open(lost["cert"]) as f:
        value = urllib.parse.quote(f.read())
    with raw.Conn(port) as c:
        c.send(raw.head("GET", "/ws", host="vault.example", token=staff, headers=["X-Ssl-Cert: " + value, *UPGRADE]))
        assert c.read().status == 101
        g.journal.wait(kind="visit.start")
        ca.crl(lost, path="live.pem")
        end = g.journal.wait(kind="visit.end", seconds=30)
    assert end["end"] == "policy" and end["device"]["certificate"]["verdict"] == "cert.revoked"
