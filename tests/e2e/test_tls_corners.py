"""Corners of TLS towards people: no name, the least version, tickets across a reload, protocols, keys on disk."""

import os
import ssl
import subprocess

import pytest

from harness import raw
from harness.ports import free_port
from harness.proxy import SLOWNESS, command, standard_policy


@pytest.fixture(scope="module")
def certs(authority):
    return {n: authority.issue(n, stem="corner-" + n.replace("*", "any")) for n in ("inventory.example", "*.wild.example", "a.wild.example")}


@pytest.fixture(scope="module")
def ports():
    return {"usual": free_port(), "modern": free_port()}


@pytest.fixture(scope="module")
def gate(start_shared, origin, certs, ports):
    policy = standard_policy(origin.url)
    policy["apps"].append({"name": "wild", "host": "*.wild.example", "upstream": origin.url})
    policy["rules"][0]["to"]["apps"] += ["wild"]
    pairs = [{"cert": c, "key": k} for c, k, _ in certs.values()]
    plain = free_port()
    g = start_shared(policies={"10-apps.yaml": policy}, listeners=[
        {"address": "127.0.0.1:%d" % plain},
        {"address": "127.0.0.1:%d" % ports["usual"], "tls": {"certificates": pairs}},
        {"address": "127.0.0.1:%d" % ports["modern"], "tls": {"certificates": pairs[:1], "min": "1.3"}}])
    g.port = plain
    return g


def ask(port, ctx, token, host="inventory.example", sni="inventory.example"):
    with raw.Conn(port, tls=ctx, sni=sni) as c:
        return c.send(raw.head(target="/x", host=host, token=token)).read(), c.sock.selected_alpn_protocol()


def version(v, authority, ciphers=None):
    ctx = raw.client_tls(authority.ca)
    ctx.minimum_version = ctx.maximum_version = v
    if ciphers:
        ctx.set_ciphers(ciphers)
    return ctx


def serial(port, authority, sni):
    from cryptography import x509
    with raw.Conn(port, tls=raw.client_tls(authority.ca), sni=sni) as c:
        return x509.load_der_x509_certificate(c.sock.getpeercert(True)).serial_number


def test_least_version_of_a_listener(gate, authority, staff, ports):
    assert ask(ports["modern"], version(ssl.TLSVersion.TLSv1_3, authority), staff)[0].status == 200
    with pytest.raises((ssl.SSLError, OSError)):
        ask(ports["modern"], version(ssl.TLSVersion.TLSv1_2, authority), staff)
    assert ask(ports["usual"], version(ssl.TLSVersion.TLSv1_2, authority), staff)[0].status == 200


@pytest.mark.parametrize("ciphers", ["AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256"])
def test_old_suites_are_refused(gate, authority, staff, ports, ciphers):
    """Forward secrecy and authenticated encryption, or nothing."""
    with pytest.raises((ssl.SSLError, OSError)):
        ask(ports["usual"], version(ssl.TLSVersion.TLSv1_2, authority, ciphers + ":@SECLEVEL=0"), staff)


def test_exact_name_beats_a_wildcard(gate, authority, certs, ports):
    assert serial(ports["usual"], authority, "a.wild.example") == certs["a.wild.example"][2]
    assert serial(ports["usual"], authority, "b.wild.example") == certs["*.wild.example"][2]
    assert serial(ports["usual"], authority, "B.Wild.Example") == certs["*.wild.example"][2]


def test_no_name_gets_the_first_certificate(gate, certs, authority, staff, ports):
    """A client without SNI reaches the hosts of that certificate and no other."""
    ctx = raw.client_tls()
    assert ask(ports["usual"], ctx, staff, sni=None)[0].status == 200
    assert ask(ports["usual"], ctx, staff, host="a.wild.example", sni=None)[0].status == 421
    assert ask(ports["usual"], ctx, staff, host="reports.example")[0].status == 421


def test_misdirected_is_recorded(gate, staff, ports):
    answer = ask(ports["usual"], raw.client_tls(), staff, host="a.wild.example")[0]
    record = gate.record(answer)
    assert answer.status == 421 and record["decision"]["reason"] == "input:host" and record["client"]["tls"]


@pytest.mark.parametrize("offered, chosen", [(["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), ([], None)])
def test_protocol_is_agreed_on(gate, authority, staff, ports, offered, chosen):
    ctx = raw.client_tls(authority.ca)
    if offered:
        ctx.set_alpn_protocols(offered)
    answer, protocol = ask(ports["usual"], ctx, staff)
    assert answer.status == 200 and protocol == chosen


def test_no_common_protocol(gate, authority, staff, ports):
    ctx = raw.client_tls(authority.ca)
    ctx.set_alpn_protocols(["h2"])
    with pytest.raises((ssl.SSLError, OSError)):
        ask(ports["usual"], ctx, staff)


@pytest.mark.parametrize("v", ["TLSv1_2", "TLSv1_3"])
def test_tickets_outlive_a_reload(gate, authority, staff, ports, v):
    """A resumed session saves the handshake; a reload of something else must not take that away."""
    ctx = version(ssl.TLSVersion[v], authority)

    def once(session=None):
        plain = raw.Conn(ports["usual"])
        plain.sock = ctx.wrap_socket(plain.sock, server_hostname="inventory.example", session=session)
        with plain as c:
            assert c.send(raw.head(target="/x", token=staff)).read().status == 200
            return c.sock.session, c.sock.session_reused
    session, _ = once()
    assert once(session)[1]
    before = gate.metrics()["postern_reloads_total"]
    gate.write_config(limits={"fields": 90 if v == "TLSv1_2" else 91})
    raw.wait_for(lambda: gate.metrics()["postern_reloads_total"] > before, 20 * SLOWNESS, 0.05)
    assert once(session)[1], "the ticket of before the reload"


def test_ticket_of_another_name_opens_nothing(gate, authority, staff, ports):
    """A session that began for one host and is resumed for another: whichever way, the hosts stay apart."""
    ctx = version(ssl.TLSVersion.TLSv1_2, authority)
    first = raw.Conn(ports["usual"])
    first.sock = ctx.wrap_socket(first.sock, server_hostname="inventory.example")
    with first as c:
        assert c.send(raw.head(target="/x", token=staff)).read().status == 200
        session = c.sock.session
    second = raw.Conn(ports["usual"])
    second.sock = ctx.wrap_socket(second.sock, server_hostname="a.wild.example", session=session)
    with second as c:
        assert not c.sock.session_reused
        assert c.send(raw.head(target="/x", token=staff)).read().status == 421


def test_no_renegotiation(gate, ports):
    """TLS 1.2: a client that asks for another handshake is not heard."""
    done = subprocess.run(["openssl", "s_client", "-tls1_2", "-connect", "127.0.0.1:%d" % ports["usual"], "-servername", "inventory.example"],
                          input="R\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20 * SLOWNESS)
    assert "RENEGOTIATING" in done.stdout and ("no renegotiation" in done.stdout or "error" in done.stdout), done.stdout[-500:]
    assert gate.alive()


BAD = {
    "key for everybody": ("key", 0o644, "others may read it"), "key that does not fit": ("other", 0o600, "does not"),
    "no such file": ("gone", None, "c.key does not exist"), "no certificate": ("text", 0o600, "c.pem"),
}


@pytest.mark.parametrize("name", BAD)
def test_files_that_are_refused(gate, authority, tmp_path, name):
    what, mode, word = BAD[name]
    cert, key, _ = authority.issue("inventory.example", stem="bad-" + what)
    _, other, _ = authority.issue("reports.example", stem="bad-other-key")
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "c.pem").write_text(open(cert).read() if what != "text" else "no certificate\n")
    if what != "gone":
        (tmp_path / "tls" / "c.key").write_text(open(other if what == "other" else key).read())
        os.chmod(tmp_path / "tls" / "c.key", mode)
    from harness.proxy import dump
    (tmp_path / "postern.yaml").write_text(dump({
        **gate.config, "policies": gate.path("policies"), "state": gate.path("state"),
        "issuers": {"demo": {**gate.config["issuers"]["demo"], "jwks_file": gate.path("keys.json")}},
        "listeners": [{"address": "127.0.0.1:1", "tls": {"certificates": [{"cert": "tls/c.pem", "key": "tls/c.key"}]}}]}))
    done = command("config", "check", "--config", str(tmp_path / "postern.yaml"))
    out = done.stdout + done.stderr
    assert done.returncode == 1 and "error: " in out and word in out, done


def test_a_client_ca_is_the_certificate_of_a_ca(gate, tmp_path, certs):
    from harness.proxy import dump
    cert, key, _ = certs["inventory.example"]
    (tmp_path / "postern.yaml").write_text(dump({
        **gate.config, "policies": gate.path("policies"),
        "issuers": {"demo": {**gate.config["issuers"]["demo"], "jwks_file": gate.path("keys.json")}},
        "listeners": [{"address": "127.0.0.1:1", "tls": {"certificates": [{"cert": cert, "key": key}], "client_ca": cert}}]}))
    done = command("config", "check", "--config", str(tmp_path / "postern.yaml"))
    assert done.returncode == 1 and "not that of a CA" in done.stdout + done.stderr
