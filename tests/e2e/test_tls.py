"""TLS towards people: SNI, several certificates, and their replacement without a drop."""

import datetime
import socket
import ssl
import threading
import time

import pytest

from harness import raw
from harness.ports import free_port
from harness.proxy import SLOWNESS, command, standard_policy


@pytest.fixture(scope="module")
def names(authority):
    return {n: authority.issue(n) for n in ("inventory.example", "reports.example", "*.wild.example")}


@pytest.fixture(scope="module")
def tls_port():
    return free_port()


@pytest.fixture(scope="module")
def gate(start_shared, origin, names, tls_port):
    policy = standard_policy(origin.url)
    policy["apps"].append({"name": "wild", "host": "*.wild.example", "upstream": origin.url})
    policy["rules"][0]["to"]["apps"] += ["reports", "wild"]
    plain = free_port()
    certificates = [{"cert": c, "key": k} for c, k, _ in names.values()]
    g = start_shared(policies={"10-apps.yaml": policy}, config={"limits": {"handshake_timeout": "1s"}}, listeners=[
        {"address": "127.0.0.1:%d" % plain, "front": "direct"},
        {"address": "127.0.0.1:%d" % tls_port, "front": "direct", "tls": {"certificates": certificates}}])
    g.port = plain
    return g


@pytest.fixture(scope="module")
def ask(authority, tls_port):
    def ask(host, token, sni=None, target="/x", **how):
        return raw.request(tls_port, target=target, host=host, token=token, tls=raw.client_tls(authority.ca),
                           sni=sni or host, **how)
    return ask


@pytest.mark.parametrize("host", ["inventory.example", "reports.example", "a.wild.example"])
def test_certificate_by_name(gate, ask, staff, host):
    answer = ask(host, staff)
    assert answer.status == 200
    seen = {n.lower(): v for n, v in answer.json["headers"]}
    assert seen["x-forwarded-proto"] == "https" and seen["x-forwarded-host"] == host
    assert "max-age" in answer.get("Strict-Transport-Security")
    assert gate.record(answer)["client"]["tls"].startswith("TLSv1.")


def test_host_must_belong_to_the_name(gate, ask, staff):
    """The certificate of one host does not open another (domain fronting)."""
    assert ask("reports.example", staff, sni="inventory.example").status == 421
    assert ask("a.wild.example", staff, sni="inventory.example").status == 421


def test_unknown_name_gets_nothing_of_an_app(gate, staff, tls_port):
    try:
        answer = raw.request(tls_port, host="nobody.example", token=staff, tls=raw.client_tls(), sni="nobody.example")
        assert answer.status == 421
    except (ssl.SSLError, ConnectionResetError):
        pass


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_versions(gate, authority, staff, tls_port, version):
    ctx = raw.client_tls(authority.ca)
    ctx.minimum_version = ctx.maximum_version = ssl.TLSVersion[version]
    assert raw.request(tls_port, token=staff, tls=ctx, sni="inventory.example").status == 200


def test_old_versions_are_refused(gate, tls_port):
    ctx = raw.client_tls()
    ctx.set_ciphers("ALL:@SECLEVEL=0")
    ctx.minimum_version = ssl.TLSVersion.TLSv1
    ctx.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, OSError)):
        raw.request(tls_port, tls=ctx, sni="inventory.example")


def test_bodies_over_tls(gate, ask, staff, authority, tls_port):
    assert len(ask("inventory.example", staff, target="/bytes?n=5000000").body) == 5000000
    answer = raw.request(tls_port, "POST", "/x", token=staff, body=b"a" * 3000000, tls=raw.client_tls(authority.ca),
                         sni="inventory.example")
    assert answer.json["body_bytes"] == 3000000


def test_plain_http_on_a_tls_port(gate, tls_port):
    with raw.Conn(tls_port) as c:
        c.send(raw.head())
        answer = c.rest()
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.endswith(b"the address needs https://.\n"), answer
    with raw.Conn(tls_port) as c:
        c.send(b"SSH-2.0-client\r\n")
        assert b"HTTP/" not in c.rest()
    assert gate.alive()


def test_slow_handshake_does_not_hold_up_others(gate, ask, staff, tls_port):
    slow = [socket.create_connection(("127.0.0.1", tls_port)) for _ in range(50)]
    for s in slow:
        s.sendall(b"\x16\x03\x01")
    begin = time.monotonic()
    assert ask("inventory.example", staff).status == 200
    assert time.monotonic() - begin < 1.0 * SLOWNESS
    for s in slow:                                  # and they are closed in time
        s.settimeout(10)
        try:
            while s.recv(100):                      # an alert may come first
                pass
        except ConnectionResetError:
            pass
        s.close()


def test_certificate_is_replaced_without_a_drop(gate, ask, staff, authority, tls_port):
    stop, errors, count = threading.Event(), [], [0]

    def load():
        while not stop.is_set():
            try:
                assert ask("inventory.example", staff).status == 200
                count[0] += 1
            except Exception as e:          # noqa: BLE001 - whatever it is, it is the finding
                errors.append(repr(e))

    def serial():
        with raw.Conn(tls_port, tls=raw.client_tls(authority.ca), sni="inventory.example") as c:
            from cryptography import x509
            return x509.load_der_x509_certificate(c.sock.getpeercert(True)).serial_number

    kept = raw.Conn(tls_port, tls=raw.client_tls(authority.ca), sni="inventory.example")
    kept.send(raw.head(token=staff, target="/x"))
    assert kept.read().status == 200
    worker = threading.Thread(target=load)
    worker.start()
    try:
        for _ in range(2):
            _, _, wanted = authority.issue("inventory.example")
            raw.wait_for(lambda: serial() == wanted, 20 * SLOWNESS, why="the new certificate")
        kept.send(raw.head(token=staff, target="/x"))
        assert kept.read().status == 200, "a connection that was open is dropped"
    finally:
        stop.set()
        worker.join()
        kept.close()
    assert not errors and count[0] > 0, errors[:3]


DAY = 24 * 3600


def metric_of(gate, cert):
    return gate.metrics()['postern_certificate_expiration_timestamp_seconds{certificate="%s"}' % cert]


def test_end_of_a_certificate(start, authority, staff):
    """It is told at the start, at a reload and by `config check`, and the metrics say when; it is served until then."""
    port = free_port()
    now = datetime.datetime.utcnow().replace(microsecond=0)

    def issue(stem, left):
        days = 90
        return authority.issue("inventory.example", stem=stem, days=days, start=now - datetime.timedelta(days=days - left))[:2]

    (soon, soon_key), (fine, fine_key) = issue("ends-soon", 20), issue("ends-late", 60)
    gate = start(listeners=[
        {"address": "127.0.0.1:%d" % port, "tls": {"certificates": [{"cert": soon, "key": soon_key}, {"cert": fine, "key": fine_key}]}},
        {"address": "[::1]:%d" % port, "tls": {"certificates": [{"cert": soon, "key": soon_key}]}}])
    ends = (now + datetime.timedelta(days=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    place = next(i for i, line in enumerate(open(gate.path("postern.yaml")), 1) if "cert: " + soon in line)
    said = gate.stderr()
    assert "postern.yaml:%d:" % place in said and "expires at " + ends in said and fine not in said, said
    ask = lambda: raw.request(port, target="/x", token=staff, tls=raw.client_tls(authority.ca), sni="inventory.example")
    assert ask().status == 200
    unix = (now - datetime.datetime(1970, 1, 1)).total_seconds()
    assert metric_of(gate, soon) == unix + 20 * DAY and metric_of(gate, fine) == unix + 60 * DAY

    issue("ends-soon", -1)
    raw.wait_for(lambda: metric_of(gate, soon) == unix - DAY, 20 * SLOWNESS, why="the new end")
    raw.wait_for(lambda: "expired at" in gate.stderr(), 20 * SLOWNESS, why="words about the end")
    done = command("config", "check", "--config", gate.path("postern.yaml"))
    out = done.stdout
    assert done.returncode == 0 and "warning: the certificate %s expired at" % soon in out and "^" in out, done
    assert command("config", "check", "--strict", "--config", gate.path("postern.yaml")).returncode == 3

    issue("ends-soon", 60)
    raw.wait_for(lambda: metric_of(gate, soon) == unix + 60 * DAY, 20 * SLOWNESS, why="the renewed one")
    answer = ask()
    assert answer.status == 200 and gate.record(answer)["decision"]["effect"] == "allow"
    assert "expire" not in command("config", "check", "--config", gate.path("postern.yaml")).stdout


def test_key_that_does_not_fit_keeps_the_old_certificate(gate, ask, staff, authority, names):
    with open(names["reports.example"][1]) as f:
        right = f.read()
    with open(names["inventory.example"][1]) as f:
        wrong = f.read()
    with open(names["reports.example"][1], "w") as f:
        f.write(wrong)
    gate.signal(1)
    raw.wait_for(lambda: "reports.example" in gate.stderr(), 20 * SLOWNESS, why="words about the key")
    assert ask("reports.example", staff).status == 200
    with open(names["reports.example"][1], "w") as f:
        f.write(right)
    gate.signal(1)
    assert ask("reports.example", staff).status == 200
