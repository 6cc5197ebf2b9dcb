"""postern policy diff: who gains and who loses by another set."""

import shlex

import pytest

from harness.proxy import app
from harness.rules import ACME, OPS, STAFF, SUSPENDED, as_json, policy, rule, writer


@pytest.fixture
def rules(tmp_path):
    return writer(tmp_path)


def apps_of(told):
    return {a["app"]: a for a in told["apps"]}


def test_diff_is_blind_to_order_names_and_layout(rules):
    old = rules(STAFF, ACME, OPS, SUSPENDED, name="old")
    new = rules(SUSPENDED, rule(STAFF, id="people", title="Everybody here"), OPS,
                rule(ACME, to={"paths": ["/stock/**/"], "methods": ["GET"], "apps": ["wiki"]}), name="new")
    assert all(a["change"] == "same" for a in as_json("diff", old, new)["apps"])


WIDER = {
    "a method": (ACME, rule(ACME, to={**ACME["to"], "methods": ["GET", "POST"]})),
    "a path": (ACME, rule(ACME, to={**ACME["to"], "paths": ["/**"]})),
    "a group": (STAFF, rule(STAFF, who={"groups": ["staff", "interns"]})),
    "a claim less": (ACME, rule(ACME, who={"groups": ["contractors"]})),
    "a later end": (rule(ACME, expires="2027-01-31"), ACME),
    "a network": (rule(STAFF, **{"from": {"networks": ["192.0.2.0/24"]}}),
                  rule(STAFF, **{"from": {"networks": ["192.0.2.0/24", "198.51.100.0/24"]}})),
    "an hour": (rule(STAFF, when={"days": ["mon"], "hours": ["08:00-16:00"]}),
                rule(STAFF, when={"days": ["mon"], "hours": ["08:00-18:00"]})),
    "an older system": (rule(STAFF, device={"min_os_version": {"macos": "14.6"}}),
                        rule(STAFF, device={"min_os_version": {"macos": "14.1"}})),
    "a log-in of yesterday": (rule(STAFF, auth={"mfa_within": "1h"}), rule(STAFF, auth={"mfa_within": "8h"})),
    "no encryption": (rule(STAFF, device={"managed": True, "disk_encrypted": True}),
                      rule(STAFF, device={"managed": True})),
    "a longer session": (rule(STAFF, session={"max": "4h"}), rule(STAFF, session={"max": "8h"})),
    "no record": (rule(STAFF, session={"record": True}), STAFF),
    "a method less": (rule(STAFF, auth={"methods": ["hwk"], "acr": ["it's high"]}), rule(STAFF, auth={"acr": ["it's high"]})),
    "a service": (rule(STAFF, who={"services": ["ci"]}), rule(STAFF, who={"services": ["ci", "cd"]})),
    "another source": (rule(STAFF, device={"managed": True, "sources": ["mdm"], "attributes": {"mdm.level": "5"}}),
                       rule(STAFF, device={"sources": ["mdm"], "attributes": {"mdm.level": "5"}})),
    "no purpose": (rule(STAFF, purpose={"required": True}), STAFF),
    "an exception less": (rule(STAFF, to={"apps": ["wiki"], "except": ["/admin/**"]}), STAFF),
}


@pytest.mark.parametrize("what", WIDER)
def test_diff_shows_who_gains(rules, what):
    before, after = WIDER[what]
    old, new = rules(before, SUSPENDED, name="old"), rules(after, SUSPENDED, name="new")
    wiki = apps_of(as_json("diff", old, new, status=3))["wiki"]
    assert wiki["change"] == "wider" and wiki["gains"]["after"]["effect"] == "allow", wiki
    text = policy("diff", old, new, status=3).stdout
    shown = shlex.split(next(x for x in text.splitlines() if x.startswith("      see ")))
    assert "gains: " in text and shown[1:4] == ["postern", "policy", "explain"]
    assert shown[8:] == wiki["gains"]["explain"][4:] and shown[6] == "--at"       # a second may lie between the two
    seen = as_json("explain", *wiki["gains"]["explain"])
    assert (seen["effect"], seen["session"]) == ("allow", wiki["gains"]["after"]["session"]), seen
    before = as_json("explain", "--policy", old, *wiki["gains"]["explain"][2:],
                     status=0 if wiki["gains"]["before"]["effect"] == "allow" else 3)
    assert before["effect"] == wiki["gains"]["before"]["effect"] and before["reason"] == wiki["gains"]["before"]["reason"]
    back = apps_of(as_json("diff", new, old))["wiki"]                  # the other way round nobody gains: proved
    assert back["change"] == "narrower" and back["loses"]["before"]["effect"] == "allow", back


def test_diff_guard_removed(rules):
    old, new = rules(STAFF, SUSPENDED, name="old"), rules(STAFF, name="new")
    wiki = apps_of(as_json("diff", old, new, status=3))["wiki"]
    assert "suspended" in wiki["gains"]["who"] and wiki["gains"]["before"]["rules"] == ["suspended"]


def test_diff_follows_a_host_to_another_app(rules):
    """What a wildcard answers depends on who has a name for himself."""
    wild = {"apps": [app("wiki", "http://10.0.0.1:3000", host="wiki.example"),
                     app("other", "http://10.0.0.3:3000", host="*.example")]}
    gone = {"apps": [app("wiki", "http://10.0.0.1:3000", host="wiki.elsewhere.example"),
                     app("other", "http://10.0.0.3:3000", host="*.example")]}
    guests = {"id": "guests", "effect": "allow", "who": "anyone", "to": {"apps": ["other"]}}
    told = apps_of(as_json("diff", rules(STAFF, guests, name="old", more=wild), rules(STAFF, guests, name="new", more=gone),
                           status=3))
    assert told["other"]["change"] == "wider" and "//wiki.example/" in told["other"]["gains"]["request"], told
    assert told["wiki"]["change"] == "wider" and "wiki.elsewhere" in told["wiki"]["gains"]["request"], told
    assert told["wiki"]["gains"]["before"]["reason"] == "input:host"


def test_diff_knows_what_a_broken_glass_skips(rules):
    """Two requires that change names are the same; what skips one of them by its name is not."""
    glass = {"id": "glass", "effect": "allow", "who": {"groups": ["oncall"]}, "to": {"apps": ["wiki"]},
             "break_glass": {"skips": ["one"], "reason_required": True, "notify": ["security"]}}
    mfa = {"effect": "require", "who": "anyone", "to": {"apps": ["wiki"]}, "auth": {"mfa": True}}
    managed = {"effect": "require", "who": "anyone", "to": {"apps": ["wiki"]}, "device": {"managed": True}}
    old = rules(STAFF, glass, {"id": "one", **mfa}, {"id": "two", **managed}, name="old")
    new = rules(STAFF, glass, {"id": "two", **mfa}, {"id": "one", **managed}, name="new")
    assert apps_of(as_json("diff", old, new, status=3))["wiki"]["change"] != "same"


def test_diff_that_nobody_can_decide(rules):
    old = rules(rule(STAFF, to={"apps": ["wiki"], "paths_regex": ["/x{3}y"]}), name="old")
    new = rules(rule(STAFF, to={"apps": ["wiki"], "paths_regex": ["/xxxy"]}), name="new")
    assert apps_of(as_json("diff", old, new, status=3))["wiki"]["change"] == "undecided"
    assert "not decided" in policy("diff", old, new, status=3).stdout
