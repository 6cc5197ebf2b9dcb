"""A session is bound to the device that it was opened on: what another certificate, or none, is worth with its cookie."""

import json
import os
import time

import pytest

from harness.devices import DeviceCA, client
from harness.people import PORTAL, Browser, configure, policy, users
from harness.ports import free_port
from harness.proxy import allow, app, dump
from harness.tokens import Issuer

VAULT = "vault.postern.localhost"


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return DeviceCA(tmp_path_factory.mktemp("devices"))


@pytest.fixture(scope="module")
def mdm():
    return Issuer(name="mdm", url="https://mdm.example", audience="postern-posture")


@pytest.fixture(scope="module")
def house(start_shared, origin, authority, ca, mdm):
    port, rules = free_port(), policy(origin.url)
    rules["apps"].append(app("vault", origin.url, host=VAULT))
    rules["rules"].append(allow("vault-known", to={"apps": ["vault"]}, device={"managed": True}))
    cert, key, _ = authority.issue(PORTAL, VAULT, "inventory.postern.localhost", stem="device-sessions")
    config = configure(port, device_sources={
        "mtls": {"kind": "certificate"}, "office": {"kind": "inventory", "file": "devices.yaml"},
        "mdm": {"kind": "posture", "issuer": mdm.url, "audience": mdm.audience, "jwks_file": "mdm.json",
                "header": "X-Device-Posture"}})
    config["portal"]["origin"] = "https://%s:%d" % (PORTAL, port)
    g = start_shared(ready=False, policies={"10-apps.yaml": rules}, config=config, listeners=[
        {"address": "127.0.0.1:%d" % port, "front": "direct",
         "tls": {"certificates": [{"cert": cert, "key": key}], "client_ca": ca.ca}}])
    g.port = port
    g.write("users.yaml", dump(users()))
    os.chmod(g.path("users.yaml"), 0o600)
    g.write("mdm.json", json.dumps(mdm.jwks()))
    g.write("devices.yaml", "version: 1\ndevices: {laptop-7: {managed: true}, laptop-8: {managed: true}}\n")
    return g.start()


def browser(house, authority, cert=None):
    b = Browser(house.port)
    b.tls = client(authority.ca, cert)
    return b


def url(house, host=VAULT, path="/"):
    return "https://%s:%d%s" % (host, house.port, path)


@pytest.fixture
def seven(ca):
    return ca.issue("laptop-7")


@pytest.fixture
def eva(house, authority, seven):
    b = browser(house, authority, seven)
    page = b.sign_in(b.get(url(house)), "eva@corp.example")
    assert page.status == 200 and page.url == url(house)
    return b


def decided(house, page, **fields):
    return house.journal.wait(id=page.answer.id, **fields)


def test_opened_with_a_certificate(house, eva):
    page = eva.get(url(house))
    record = decided(house, page, kind="decision")
    assert page.status == 200 and record["device"]["id"] == "laptop-7" and record["device"]["by"] == "certificate"
    assert house.journal.wait(kind="login")["device"] == "laptop-7"


def test_another_certificate_on_the_same_session(house, authority, ca, eva):
    """Also of a device that is as good."""
    thief = browser(house, authority, ca.issue("laptop-8"))
    thief.jar = {h: dict(c) for h, c in eva.jar.items()}
    page = thief.ask(url(house))
    assert page.status == 403
    record = decided(house, page)
    assert record["decision"]["reason"] == "device.binding"
    assert record["device"]["certificate"]["verdict"] == "cert.ok"
    assert eva.get(url(house)).status == 200                # its own device goes on


def test_the_cookie_without_the_device(house, authority, eva):
    """A cookie that was carried away does not bring the posture of the device that it was taken from."""
    thief = browser(house, authority)
    thief.jar = {h: dict(c) for h, c in eva.jar.items()}
    page = thief.ask(url(house))
    assert page.status == 403
    record = decided(house, page)
    assert "device:missing" in record["decision"]["causes"] and "id" not in record["device"]


@pytest.mark.parametrize("device", ["laptop-7", "laptop-8"])
def test_the_cookie_with_a_document_instead_of_the_certificate(house, authority, mdm, eva, device):
    """Neither one that was carried away with the cookie, nor one of a device that is as good."""
    thief, now = browser(house, authority), int(time.time())
    thief.jar = {h: dict(c) for h, c in eva.jar.items()}
    document = mdm.token("any", device_id=device, posture={"managed": True}, iat=now, exp=now + 600)
    page = thief.ask(url(house), headers={"X-Device-Posture": document})
    assert page.status == 403
    record = decided(house, page)
    assert record["device"]["refused"] == "device.binding" and "id" not in record["device"]
    assert eva.ask(url(house), headers={"X-Device-Posture": document}).status == 200


def test_a_renewed_certificate_signs_in_again(house, authority, ca, eva):
    eva.tls = client(authority.ca, ca.issue("laptop-7"))
    assert eva.ask(url(house)).status == 403
    eva.jar = {}
    page = eva.sign_in(eva.get(url(house)), "eva@corp.example")
    assert page.status == 200
