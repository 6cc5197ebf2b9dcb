"""Inventory files: facts of devices in decisions and records, their age, their conflicts, their reload."""

import os
import time

import pytest

from harness import raw
from harness.devices import DeviceCA, client, device_of
from harness.ports import free_port
from harness.proxy import allow, app, command, standard_policy
from harness.raw import wait_for

MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0.1 Safari/537.36"


def policies(origin, **more):
    policy = standard_policy(origin.url)
    policy["apps"] += [app("vault", origin.url), app("old", origin.url), app("sniff", origin.url)]
    policy["rules"] += [
        allow("vault-healthy", to={"apps": ["vault"]},
              device={"managed": True, "disk_encrypted": True, "min_os_version": {"macos": "14.9"}}),
        allow("old-any", to={"apps": ["old"]}, device={"managed": True, "seen_within": "365d"}),
        allow("sniff-all", to={"apps": ["sniff"]}),
        {"id": "sniff-no-old-chrome", "effect": "deny", "who": "anyone", "to": {"apps": ["sniff"]},
         "device": {"min_browser_version": {"firefox": "1", "chrome": "1"}, "sources": ["client"]},
         "on_missing": "ignore"},
    ]
    return {"10-apps.yaml": policy}


YAML = """version: 1
devices:
  laptop-7: {serial: C02XYZ, managed: true, disk_encrypted: true, os: macos, os_version: "14.10", jamf.site: lund}
  laptop-8: {managed: true, disk_encrypted: false, os: macos, os_version: "14.10"}
"""
CSV = "id,managed,disk_encrypted,os,os_version\r\nphone-1,true,true,macos,15.1\r\nphone-2,true,,macos,15.1\r\n"


def configure(issuer):
    mapped = {"issuer": issuer.url, "audience": issuer.audience, "jwks_file": "keys.json", "algs": list(issuer.algs),
              "device": {"id": "device_id"}}
    return {"issuers": {issuer.name: mapped},
            "device_sources": {"office": {"kind": "inventory", "file": "devices.yaml"},
                               "phones": {"kind": "inventory", "file": "phones.csv"}}}


def write(g, name, text, age_s=0):
    """Replaces the file, written that long ago."""
    with open(g.path(name + "~"), "w", newline="") as f:
        f.write(text)
    at = time.time() - age_s
    os.utime(g.path(name + "~"), (at, at))
    os.rename(g.path(name + "~"), g.path(name))


def begin(start, origin, issuer, **how):
    g = start(ready=False, policies=policies(origin), config=configure(issuer), **how)
    write(g, "devices.yaml", YAML)
    write(g, "phones.csv", CSV)
    return g.start()


@pytest.fixture(scope="module")
def gate(start_shared, origin, issuer):
    return begin(start_shared, origin, issuer)


@pytest.fixture(scope="module")
def on(issuer):
    """A token of eva's that says which device she sits at."""
    return lambda device, **claims: issuer.person("eva", ["staff"], device_id=device, **claims)


def test_facts_decide_and_are_recorded(gate, on):
    answer = gate.get("/", on("laptop-7"), host="vault.example")
    assert answer.status == 200
    device = gate.record(answer)["device"]
    assert device["id"] == "laptop-7" and device["by"] == "claims"
    facts = device_of({"device": device})
    assert facts["disk_encrypted"][:2] == (True, "office") and facts["os_version"][:2] == ("14.10", "office")
    assert facts["jamf.site"][0] == "lund" and 0 <= facts["managed"][2] < 600


@pytest.mark.parametrize("device, cause", [
    ("laptop-8", "device.disk_encrypted"),
    ("phone-2", "device.disk_encrypted:missing"),
    ("laptop-9", "device:missing"),
    (None, "device:missing"),
    (7, "device:missing"),
])
def test_refusals_say_what_is_missing(gate, issuer, device, cause):
    answer = gate.get("/", issuer.person("eva", ["staff"], device_id=device), host="vault.example")
    assert answer.status == 403 and cause in gate.record(answer)["decision"]["causes"]


def test_by_serial_number_and_from_csv(gate, on):
    assert gate.get("/", on("C02XYZ"), host="vault.example").status == 200
    answer = gate.get("/", on("phone-1"), host="vault.example")
    assert answer.status == 200 and device_of(gate.record(answer))["os_version"][:2] == ("15.1", "phones")


def test_one_person_two_devices(gate, on):
    """What is known of one says nothing of the other."""
    good, bad = gate.get("/", on("laptop-7"), host="vault.example"), gate.get("/", on("laptop-8"), host="vault.example")
    assert (good.status, bad.status) == (200, 403)
    assert gate.record(good)["device"]["id"] == "laptop-7" and gate.record(bad)["device"]["id"] == "laptop-8"


def test_other_apps_do_not_look(gate, on):
    answer = gate.get("/", on("laptop-7"))
    assert answer.status == 200 and "device" not in gate.record(answer)


def test_a_hint_never_allows(gate, issuer):
    """What the browser says of itself can make a deny true, and counts nowhere else."""
    nobody = issuer.person("eva", ["staff"])
    agent = [("User-Agent", MAC), ("Sec-CH-UA-Platform", '"macOS"'), ("Sec-CH-UA-Platform-Version", '"15.0.0"')]
    answer = gate.get("/", nobody, host="vault.example", headers=agent)
    assert answer.status == 403
    record = gate.record(answer)
    assert "device:missing" in record["decision"]["causes"]
    assert [f for f in record["device"]["facts"] if f["name"] == "os"] == [
        {"name": "os", "value": "macos", "source": "client", "age": 0, "hint": True}]
    answer = gate.get("/", nobody, host="sniff.example", headers=agent)
    assert answer.status == 403 and gate.record(answer)["decision"]["rules"] == ["sniff-no-old-chrome"]
    assert gate.get("/", nobody, host="sniff.example", headers=[("User-Agent", "curl/8")]).status == 200


def test_stale_is_unknown(start, origin, issuer, on):
    g = begin(start, origin, issuer)
    write(g, "devices.yaml", YAML + "# older\n", age_s=25 * 3600)
    answer = wait_for(lambda: (a := g.get("/", on("laptop-7"), host="vault.example")).status == 403 and a, 30)
    record = g.record(answer)
    assert "device:stale" in record["decision"]["causes"] and device_of(record)["managed"][2] > 86400
    assert g.get("/", on("laptop-7"), host="old.example").status == 200       # a rule that is content with that
    down = g.journal.wait(kind="device.source", source="office", state="old")
    assert down["devices"] == 2
    assert 'event=device.source' in g.stderr() and g.metrics()['postern_device_source_up{source="office"}'] == 0
    os.utime(g.path("devices.yaml"))                                         # an export that found nothing changed
    wait_for(lambda: g.get("/", on("laptop-7"), host="vault.example").status == 200, 30)
    g.journal.wait(kind="device.source", source="office", state="fresh")
    assert g.metrics()['postern_device_source_up{source="office"}'] == 1


def test_the_future_counts_as_now(start, origin, issuer, on):
    g = begin(start, origin, issuer)
    write(g, "devices.yaml", YAML + "# tomorrow\n", age_s=-86400)
    wait_for(lambda: "reload.published" in g.stderr(), 30)
    answer = g.get("/", on("laptop-7"), host="vault.example")
    assert answer.status == 200 and device_of(g.record(answer))["managed"][2] < 600


def test_conflict_is_unknown(start, origin, issuer, on):
    g = begin(start, origin, issuer)
    assert g.get("/", on("laptop-7"), host="vault.example").status == 200
    write(g, "phones.csv", CSV + "laptop-7,true,false,macos,14.10\r\n")
    answer = wait_for(lambda: (a := g.get("/", on("laptop-7"), host="vault.example")).status == 403 and a, 30)
    record = g.record(answer)
    assert "device:conflict" in record["decision"]["causes"]
    said = {(f["source"], f["value"]) for f in record["device"]["facts"] if f["name"] == "disk_encrypted"}
    assert said == {("office", True), ("phones", False)}


def test_a_change_is_recorded_and_ends_what_stands(start, origin, issuer, on):
    g = begin(start, origin, issuer)
    with g.connect() as c:
        c.send(raw.head("GET", "/ws", host="vault.example", token=on("laptop-7"), headers=[
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]))
        assert c.read().status == 101
        g.journal.wait(kind="visit.start")
        write(g, "devices.yaml", YAML.replace("disk_encrypted: true", "disk_encrypted: false"))
        end = g.journal.wait(kind="visit.end", seconds=30)
    assert end["end"] == "policy" and device_of(end)["disk_encrypted"][0] is False
    change = g.journal.wait(kind="device.changed")
    assert change["source"] == "office" and change["device"]["id"] == "laptop-7"
    assert change["changes"] == [{"name": "disk_encrypted", "from": "true", "to": "false"}]
    write(g, "devices.yaml", YAML.replace("  laptop-8:", "  laptop-9:"))
    added = g.journal.wait(kind="device.changed", added=True, seconds=30)
    removed = g.journal.wait(kind="device.changed", removed=True)
    assert added["device"]["id"] == "laptop-9" and removed["device"]["id"] == "laptop-8"


def test_a_broken_file_keeps_what_was_known(start, origin, issuer, on):
    g = begin(start, origin, issuer)
    write(g, "devices.yaml", YAML.replace("managed", "mannaged"))
    wait_for(lambda: "reload.refused" in g.stderr(), 30)
    assert "devices.yaml:3:" in g.stderr() and 'did you mean \\"managed\\"?' in g.stderr()
    assert g.get("/", on("laptop-7"), host="vault.example").status == 200
    checked = command("config", "check", "--config", g.path("postern.yaml"))
    assert checked.returncode == 1 and "devices.yaml:3:" in checked.stdout + checked.stderr


def test_a_broken_file_is_no_start(start, origin, issuer):
    g = start(ready=False, policies=policies(origin), config=configure(issuer))
    write(g, "devices.yaml", YAML)
    write(g, "phones.csv", CSV + 'phone-3,"true\r\n')
    g.start(ready=False)
    assert g.process.wait(20) == 1 and "phones.csv:4:9" in g.stderr()
    g.process = None


def test_by_certificate(start, origin, issuer, staff, authority, tmp_path):
    """The certificate names the device, the inventory knows it; another id in a claim changes nothing."""
    ca, port = DeviceCA(tmp_path), free_port()
    cert, key, _ = authority.issue("vault.example", stem="inventory-vault")
    config = configure(issuer)
    config["device_sources"]["mtls"] = {"kind": "certificate"}
    g = start(ready=False, policies=policies(origin), config=config, listeners=[
        {"address": "127.0.0.1:%d" % port, "front": "direct",
         "tls": {"certificates": [{"cert": cert, "key": key}], "client_ca": ca.ca}}])
    write(g, "devices.yaml", YAML)
    write(g, "phones.csv", CSV)
    g.start()

    def get(device, claimed):
        return raw.request(port, host="vault.example", tls=client(authority.ca, ca.issue(device)), sni="vault.example",
                           token=issuer.person("eva", ["staff"], device_id=claimed))
    good, bad = get("urn:uuid:laptop-7", "laptop-8"), get("laptop-8", "laptop-7")
    assert good.status == 200 and g.record(good)["device"]["id"] == "laptop-7"
    assert bad.status == 403 and "device.disk_encrypted" in g.record(bad)["decision"]["causes"]


def test_replay_of_the_log_knows_the_device(gate, on):
    """The record holds what the decision was made by."""
    gate.get("/", on("laptop-7"), host="vault.example")
    gate.record(gate.get("/", on("laptop-8"), host="vault.example"))
    same = command("policy", "replay", "--log", gate.path("access.jsonl"), "--policy", gate.path("policies"),
                   "--config", gate.path("postern.yaml"))
    assert same.returncode == 0, same.stdout + same.stderr
