"""A Fleet server polled: its facts in decisions, its pages, its failures told before its facts are too old."""

import json
import os

import pytest

from harness.devices import Fleet, device_of
from harness.jwks import JwksServer
from harness.proxy import allow, app, standard_policy
from harness.raw import wait_for

POLICIES = [("postern: firewall", "pass"), ("Gatekeeper enabled (macOS)", "pass")]


def policies(origin):
    policy = standard_policy(origin.url)
    policy["apps"] += [app("vault", origin.url), app("gatekept", origin.url), app("fresh", origin.url)]
    policy["rules"] += [
        allow("vault-healthy", to={"apps": ["vault"]},
              device={"managed": True, "compliant": True, "disk_encrypted": True, "firewall": True,
                      "min_os_version": {"macos": "14.6"}}),
        allow("gatekept-one", to={"apps": ["gatekept"]},
              device={"attributes": {"fleet.gatekeeper_enabled_macos": True}}),
        allow("fresh-only", to={"apps": ["fresh"]}, device={"managed": True, "seen_within": "1h"}),
    ]
    return {"10-apps.yaml": policy}


@pytest.fixture
def fleet():
    f = Fleet()
    f.host("uuid-1", "C02XYZ", policies=POLICIES, disk_encryption_enabled=True)
    f.host("uuid-2", "C02ABC", policies=[("postern: firewall", "fail"), ("Gatekeeper enabled (macOS)", "")],
           disk_encryption_enabled=True)
    f.host("uuid-3", "", age_s=2 * 3600, policies=POLICIES, disk_encryption_enabled=False)
    yield f
    f.stop()


@pytest.fixture
def begin(start, origin, issuer, fleet):
    def begin(every="1s", url=None, **more):
        mapped = {"issuer": issuer.url, "audience": issuer.audience, "jwks_file": "keys.json",
                  "algs": list(issuer.algs), "device": {"id": "device_id"}}
        g = start(ready=False, policies=policies(origin), config={
            "issuers": {issuer.name: mapped},
            "device_sources": {"macs": {"kind": "fleet", "url": url or fleet.url, "token_file": "fleet.token",
                                        "every": every, **more}}})
        g.write("fleet.token", fleet.token + "\n")
        os.chmod(g.path("fleet.token"), 0o600)
        return g.start()
    return begin


@pytest.fixture(scope="module")
def on(issuer):
    return lambda device: issuer.person("eva", ["staff"], device_id=device)


def becomes(g, status, token, host="vault.example", seconds=20):
    return wait_for(lambda: (a := g.get("/", token, host=host)).status == status and a, seconds)


def test_hosts_and_their_policies(begin, on, fleet):
    g = begin()
    record = g.record(becomes(g, 200, on("uuid-1")))
    facts = device_of(record)
    assert record["device"]["id"] == "uuid-1"
    assert facts["os"][:2] == ("macos", "macs") and facts["os_version"][0] == "14.6.1"
    assert facts["compliant"][0] is True and facts["firewall"][0] is True and facts["fleet.status"][0] == "online"
    assert g.get("/", on("C02XYZ"), host="vault.example").status == 200            # by serial number, as MDM CAs write
    record = g.record(g.get("/", on("uuid-2"), host="vault.example"))
    assert "device.firewall" in record["decision"]["causes"] and "device.compliant" in record["decision"]["causes"]
    assert g.get("/", on("uuid-1"), host="gatekept.example").status == 200
    record = g.record(g.get("/", on("uuid-2"), host="gatekept.example"))
    assert "device.fleet.gatekeeper_enabled_macos:missing" in record["decision"]["causes"]
    record = g.record(g.get("/", on("uuid-3"), host="fresh.example"))
    assert "device:stale" in record["decision"]["causes"] and device_of(record)["managed"][2] >= 7200
    assert fleet.asked[0]["populate_policies"] == "true" and fleet.asked[0]["page"] == "0"
    assert fleet.token not in g.stderr() and fleet.token not in open(g.path("access.jsonl")).read()


def test_pages(begin, on, fleet):
    for i in range(4, 40):
        fleet.host("uuid-%d" % i, policies=POLICIES, disk_encryption_enabled=True)
    fleet.page_size = 10
    g = begin()
    becomes(g, 200, on("uuid-39"))
    assert {int(q["page"]) for q in fleet.asked} >= {0, 1, 2, 3, 4}
    wait_for(lambda: g.metrics().get('postern_device_source_devices{source="macs"}') == 39)


def test_changes_are_seen_and_recorded(begin, on, fleet):
    g = begin()
    becomes(g, 200, on("uuid-1"))
    fleet.host("uuid-1", "C02XYZ", policies=POLICIES, disk_encryption_enabled=False)
    answer = becomes(g, 403, on("uuid-1"))
    assert "device.disk_encrypted" in g.record(answer)["decision"]["causes"]
    change = g.journal.wait(kind="device.changed", source="macs")
    assert change["device"]["id"] == "uuid-1"
    assert change["changes"] == [{"name": "disk_encrypted", "from": "true", "to": "false"}]
    fleet.hosts = [h for h in fleet.hosts if h["uuid"] != "uuid-1"]
    answer = becomes(g, 403, on("uuid-1"))
    wait_for(lambda: "device:missing" in g.record(g.get("/", on("uuid-1"), host="vault.example"))["decision"]["causes"])


def test_silence_is_told_before_facts_are_stale(begin, on, fleet):
    """Its facts still count when the alarm comes."""
    g = begin()
    becomes(g, 200, on("uuid-1"))
    fleet.stop()
    down = g.journal.wait(kind="device.source", source="macs", state="down", seconds=20)
    assert down["devices"] == 3 and down["why"]
    assert g.get("/", on("uuid-1"), host="vault.example").status == 200
    assert g.get("/", on("uuid-1"), host="fresh.example").status == 200
    wait_for(lambda: g.metrics()['postern_device_source_up{source="macs"}'] == 0)
    assert "event=device.source" in g.stderr() and "state=down" in g.stderr()
    fleet.start()
    g.journal.wait(kind="device.source", source="macs", state="up", seconds=20)
    wait_for(lambda: g.metrics()['postern_device_source_up{source="macs"}'] == 1)
    assert len(g.journal.find(kind="device.source", state="down")) == 1


class Hook(JwksServer):
    """A webhook; `heard` are the notices."""

    def __init__(self):
        self.heard = []
        super().__init__({})
        hook = self.server.RequestHandlerClass

        def do_POST(handler):
            self.heard.append(json.loads(handler.rfile.read(int(handler.headers["Content-Length"]))))
            handler.send_response(200)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        hook.do_POST = do_POST


def test_channels_hear_of_it(begin, on, fleet):
    hook = Hook()
    g = begin()
    g.config["notify"] = {"security": {"webhook": hook.url}}
    g.write_config()
    becomes(g, 200, on("uuid-1"))
    wait_for(lambda: g.stderr().count("reload.published") > 0, 20)
    fleet.stop()
    notice = wait_for(lambda: hook.heard and hook.heard[0], 20)
    assert notice["channel"] == "security" and notice["subject"] == "Device source macs is down"
    fleet.start()
    wait_for(lambda: [n["subject"] for n in hook.heard] == ["Device source macs is down", "Device source macs is up"], 20)
    hook.stop()


@pytest.mark.parametrize("fault", ["token", "html", "half", "500"])
def test_what_is_no_answer_changes_nothing(begin, on, fleet, fault):
    g = begin()
    becomes(g, 200, on("uuid-1"))
    if fault == "token":
        fleet.token = "another"
    elif fault == "500":
        fleet.status = 500
    else:
        body = b"<html>welcome</html>" if fault == "html" else b'{"hosts": [{"uuid": "uuid-1"'
        fleet.respond = lambda handler: (200, body)
    down = g.journal.wait(kind="device.source", source="macs", state="down", seconds=20)
    assert ("401" if fault == "token" else "500" if fault == "500" else "Fleet") in down["why"]
    assert g.get("/", on("uuid-1"), host="vault.example").status == 200
    if fault == "token":
        g.write("fleet.token", fleet.token)                  # the token was changed on our side, too
        os.chmod(g.path("fleet.token"), 0o600)
        g.journal.wait(kind="device.source", source="macs", state="up", seconds=20)


def test_a_second_source_that_disagrees(begin, on, fleet):
    g = begin()
    becomes(g, 200, on("uuid-1"))
    g.write("devices.yaml", "version: 1\ndevices:\n  uuid-1: {disk_encrypted: false}\n")
    g.config["device_sources"]["office"] = {"kind": "inventory", "file": "devices.yaml"}
    g.write_config()
    answer = becomes(g, 403, on("uuid-1"))
    assert "device:conflict" in g.record(answer)["decision"]["causes"]


def test_unreachable_from_the_start(begin, on, fleet):
    fleet.stop()
    g = begin()
    assert g.get("/", on("uuid-1"), host="vault.example").status == 403
    assert g.journal.wait(kind="device.source", source="macs", state="down")["devices"] == 0
    fleet.start()
    becomes(g, 200, on("uuid-1"))


def test_over_https_with_an_own_ca(start, origin, issuer, authority, begin, on):
    secure = Fleet(tls=authority.server("127.0.0.1", stem="fleet"))
    secure.host("uuid-1", policies=POLICIES, disk_encryption_enabled=True)
    g = begin(url=secure.url)
    assert g.journal.wait(kind="device.source", source="macs", state="down", seconds=20)
    g.config["device_sources"]["macs"]["ca"] = authority.ca
    g.write_config()
    becomes(g, 200, on("uuid-1"))
    secure.stop()
