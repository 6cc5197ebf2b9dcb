"""postern policy replay and unused: a postern's own log decided again."""

import gzip
import json
import random
import time

import pytest

from harness import raw
from harness.people import House
from harness.proxy import allow, app, command, dump, standard_policy
from harness.rules import as_json, policy


@pytest.fixture(scope="module")
def log(start_shared, staff, contractor, suspended):
    """A postern's own log: who came and what was decided."""
    gate = start_shared()
    for token, paths in ((staff, ["/", "/stock/1", "/admin"]), (contractor, ["/stock/1", "/stock/2", "/admin"]),
                         (suspended, ["/"]), (None, ["/public/a", "/stock/1"])):
        for path in paths:
            gate.record(gate.get(path, token))
    gate.get("/", host="nowhere.example")
    gate.stop()
    return gate


def with_policy(log, tmp_path, change, name="new"):
    value = standard_policy("http://127.0.0.1:1")
    change(value)
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    (folder / "a.yaml").write_text(dump(value))
    return str(folder)


def replay(log, path, status):
    return as_json("replay", "--log", log.path("access.jsonl"), "--policy", path, status=status)


def test_replay_by_the_same_rules_changes_nothing(log):
    told = replay(log, log.path("policies"), 0)
    assert told["same"] == told["replayed"] == 10 and not told["changes"], told
    assert "10 the same" in policy("replay", "--log", log.path("access.jsonl"), "--policy", log.path("policies")).stdout


def test_replay_tells_who_gains(log, tmp_path):
    new = with_policy(log, tmp_path, lambda v: v["rules"][1]["to"].update(paths=["/stock/**", "/admin"]))
    told = replay(log, new, 3)
    assert (told["gained"], told["lost"]) == (1, 0)
    row = told["changes"][0]
    assert (row["change"], row["subject"], row["app"], row["rule"], row["requests"]) == (
        "gains", "kim", "inventory", "contractor-stock", 1)
    assert row["example"]["path"] == "/admin" and row["email"].startswith("kim@")


def test_replay_tells_who_loses(log, tmp_path):
    new = with_policy(log, tmp_path, lambda v: v["rules"].pop(1))
    told = replay(log, new, 3)
    assert (told["gained"], told["lost"]) == (0, 2)
    assert [(r["change"], r["subject"], r["rule"], r["requests"]) for r in told["changes"]] == [
        ("loses", "kim", "contractor-stock", 2)]
    new = with_policy(log, tmp_path, lambda v: v["rules"].append(
        {"id": "nobody", "effect": "deny", "who": "anyone", "to": {"apps": ["inventory"]}}))
    told = replay(log, new, 3)
    assert told["lost"] == 6 and {r["rule"] for r in told["changes"]} == {"nobody"}
    assert "(no identity)" in policy("replay", "--log", log.path("access.jsonl"), "--policy", new, status=3).stdout


def test_replay_reads_rotated_and_compressed_files(log, tmp_path):
    lines = open(log.path("access.jsonl"), "rb").read().splitlines(keepends=True)
    with gzip.open(tmp_path / "access-20260101T000000Z-000000000001-000000000006.jsonl.gz", "wb") as f:
        f.writelines(lines[:6])
    (tmp_path / "access.jsonl").write_bytes(b"".join(lines[6:]) + b"{torn")
    told = as_json("replay", "--log", str(tmp_path / "access.jsonl"), "--policy", log.path("policies"))
    assert told["replayed"] == 10
    policy("replay", "--log", str(tmp_path / "none.jsonl"), "--policy", log.path("policies"), status=1)

@pytest.mark.parametrize("name", ["replay", "unused"])
def test_a_log_without_a_decision_is_an_error(log, tmp_path, name):
    """It must not look like a change that nobody feels."""
    live, rules = log.path("access.jsonl"), log.path("policies")
    refused = next(json.loads(x) for x in open(live) if '"kind":"decision"' in x and "kim" in x)
    refused["decision"] = {"effect": "deny", "reason": "auth.none", "causes": ["session.max"]}
    (tmp_path / "empty").write_text("")
    (tmp_path / "notes").write_text("nothing\nof that kind\n")
    (tmp_path / "beside").write_text(json.dumps(refused, separators=(",", ":")) + "\n")
    for args, advice in (([str(tmp_path / "empty")], "name the access log"),
                         ([str(tmp_path / "notes")], "name the access log"),
                         ([str(tmp_path / "beside")], "none that rules made"),
                         ([live, "--since", "2090-01-01"], "do --since and --until leave anything?")):
        done = policy(name, "--policy", rules, "--log", *args, status=1)
        assert "error: no decision in this log to replay: " + args[0] in done.stderr and advice in done.stderr, done
        told = as_json(name, "--policy", rules, "--log", *args, status=1)
        assert told["errors"] == 1 and advice in told["findings"][0]["suggestion"], told


def test_two_identities_of_one_address_are_told_apart(log, tmp_path):
    good = next(json.loads(x) for x in open(log.path("access.jsonl")) if '"kind":"decision"' in x and "kim" in x and
                '"allow"' in x)
    other = {**good, "identity": {**good["identity"], "issuer": "https://other.example"}}
    path, new = tmp_path / "access.jsonl", with_policy(log, tmp_path, lambda v: v["rules"].pop(1))
    path.write_text(json.dumps(good, separators=(",", ":")) + "\n")
    assert "(kim of " not in policy("replay", "--log", str(path), "--policy", new, status=3).stdout
    path.write_text("".join(json.dumps(r, separators=(",", ":")) + "\n" for r in (good, other)))
    text = policy("replay", "--log", str(path), "--policy", new, status=3).stdout
    assert "(kim of https://other.example)  app " in text and "(kim of %s)" % good["identity"]["issuer"] in text, text


def test_replay_of_lines_that_are_no_records(log, tmp_path):
    good = next(x for x in open(log.path("access.jsonl")) if '"kind":"decision"' in x and "kim" in x)
    chance = random.Random(7)
    with open(tmp_path / "access.jsonl", "w") as f:
        for _ in range(3000):
            at = chance.randrange(len(good) - 1)
            f.write(chance.choice([good[:at], good[at:-1], good[:at] + chance.choice('"\\{}[]:,0x') + good[at + 1:-1]])
                    .replace("\n", " ") + "\n")
    done = command("policy", "replay", "--log", str(tmp_path / "access.jsonl"), "--policy", log.path("policies"))
    assert done.returncode in (0, 3), done


def test_unused(log, tmp_path):
    told = as_json("unused", "--log", log.path("access.jsonl"), "--policy", log.path("policies"))
    used = {r["id"]: r["applied"] for r in told["rules"]}
    assert used == {"staff-all": 3, "contractor-stock": 2, "no-suspended": 1}
    new = with_policy(log, tmp_path, lambda v: v["rules"].append(
        {"id": "auditors", "effect": "allow", "who": {"groups": ["auditors"]}, "to": {"apps": ["reports"]}}))
    done = policy("unused", "--log", log.path("access.jsonl"), "--policy", new, status=3)
    assert 'allow "auditors" let nobody in' in done.stdout


def test_replay_of_many_records(log, tmp_path):
    lines = [x for x in open(log.path("access.jsonl")) if '"kind":"decision"' in x]
    with open(tmp_path / "access.jsonl", "w") as f:
        f.writelines(lines[i % len(lines)] for i in range(100000))
    told = as_json("replay", "--log", str(tmp_path / "access.jsonl"), "--policy", log.path("policies"))
    assert told["replayed"] == told["same"] == 100000 and not told["changes"]


# ---- a set that asks for everything ---------------------------------------------------------------------------

def rich_policy(upstream):
    weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    names = ("dossier", "vault", "engine", "plant", "public")
    apps = [app(n, upstream, host=n + ".postern.localhost") for n in names]
    apps[4]["public_paths"] = ["/pub/**"]
    people = {"groups": ["contractors"]}
    return {
        "version": 1,
        "define": {"schedules": {"always": {"days": weekdays, "hours": ["00:00-24:00"], "timezone": "Asia/Kolkata"}},
                   "networks": {"here": ["127.0.0.0/8"]}},
        "apps": apps,
        "rules": [
            allow("dossier-purpose", who=people, to={"apps": ["dossier"]}, purpose={"required": True}, session={"max": "2h"}),
            allow("vault-approved", who=people, to={"apps": ["vault"]},
                  approval={"by": {"groups": ["staff"]}, "valid_for": "1h"}),
            {"id": "engine-key", "effect": "require", "who": people, "to": {"apps": ["engine"]}, "auth": {"methods": ["hwk"]}},
            allow("engine-glass", who=people, to={"apps": ["engine"]},
                  break_glass={"skips": ["engine-key"], "reason_required": True, "notify": ["alerts"]}),
            allow("plant", who={"groups": {"all": ["staff"], "none": ["interns"]}, "claims": {"company": ["Acme", 7]}},
                  to={"apps": ["plant"], "methods": ["GET"], "paths": ["/a/**"], "except": ["/a/b"]},
                  device={"disk_encrypted": True, "min_os_version": {"macos": "14.6"}, "seen_within": "10m"},
                  auth={"mfa_within": "15m", "acr": ["high"]}, when="always", **{"from": {"networks": ["here"]}}),
            {"id": "plant-risk", "effect": "deny", "who": "anyone", "to": {"apps": ["plant"]}, "on_missing": "ignore",
             "device": {"jailbroken": True}},
            {"id": "watch", "effect": "deny", "mode": "audit", "who": "anyone", "to": {"apps": ["plant"], "paths": ["/a/x"]}},
        ],
    }


DEVICES = """version: 1
devices:
  good: {disk_encrypted: true, os: macos, os_version: "14.10", jailbroken: false}
  old: {disk_encrypted: true, os: macos, os_version: "14.2"}
  broken: {disk_encrypted: true, os: macos, os_version: "14.10", jailbroken: true}
"""


def link(page, part):
    return [u for u in page.links() if part in u][0]


@pytest.fixture(scope="module")
def rich(start_shared, origin, issuer, tmp_path_factory):
    """A house in which everything that rules can ask about has been asked, and was there or was not."""
    folder = tmp_path_factory.mktemp("rich")
    (folder / "devices.yaml").write_text(DEVICES)
    house = House(start_shared, origin, folder=folder, policy=rich_policy(origin.url), config={
        "notify": {"alerts": {"webhook": "http://127.0.0.1:9/"}},
        "issuers": {"people": "builtin", issuer.name: {
            "issuer": issuer.url, "audience": issuer.audience, "jwks_file": "keys.json", "algs": list(issuer.algs),
            "mfa": {"amr": ["otp"]}, "device": {"id": "device_id"}}},
        "device_sources": {"office": {"kind": "inventory", "file": "devices.yaml"}}})
    visit_plant(house, issuer)
    open_everything(house)
    house.postern.stop()
    return house


def visit_plant(house, issuer):
    now = int(time.time())
    good = {"device_id": "good", "company": "Acme", "amr": ["pwd", "otp"], "acr": "high", "auth_time": now - 60}
    for change in ({}, {"device_id": "old"}, {"device_id": "broken"}, {"device_id": "nobody's"}, {"device_id": None},
                   {"company": 7}, {"company": ["x", "Acme"]}, {"company": {"a": 1}}, {"company": None}, {"amr": ["pwd"]},
                   {"amr": None}, {"acr": "low"}, {"auth_time": now - 3600}, {"auth_time": None}, {"groups": ["staff", "interns"]},
                   {"groups": ["interns"]}, {"groups": None}):
        claims = {"groups": ["staff"], **good, **change}
        token = issuer.person("pat", claims.pop("groups"), **{k: v for k, v in claims.items() if v is not None}) \
            if claims["groups"] is not None else issuer.token("pat", **{k: v for k, v in claims.items() if v is not None})
        for path in ("/a/1", "/a/b", "/a/%C3%A4?q=1", "/b", "/a/x"):
            house.postern.get(path, token, host="plant.postern.localhost")
    house.postern.request("POST", "/a/1", issuer.person("pat", ["staff"], **good), host="plant.postern.localhost")
    for path in ("/pub/x", "/priv"):
        house.postern.get(path, host="public.postern.localhost")


def open_everything(house):
    kim = house.browser()
    page = kim.sign_in(kim.get(house.url("dossier", "/case/7")), "kim@acme.example")
    kim.send(kim.get(link(page, "/.postern/purpose?")).form("text"), text='OPS-17: "the <pump>" leaks')
    assert kim.get(house.url("dossier", "/case/7")).status == 200
    page = kim.get(house.url("vault", "/box"))
    kim.send(kim.get(link(page, "/.postern/request?")).form("text"), text="quarterly count")
    eva = house.browser()
    page = eva.sign_in(eva.get(house.portal("/.postern/approvals")), "eva@corp.example")
    eva.send([f for f in page.forms() if "grant" in f["fields"]][0], verb="approve")
    raw.wait_for(lambda: kim.get(house.url("vault", "/box")).status == 200)
    page = kim.get(house.url("engine", "/start"))
    kim.send(kim.get(link(page, "/.postern/break-glass?")).form("text"), text="it is on fire")
    raw.wait_for(lambda: kim.get(house.url("engine", "/start")).status == 200)


def rich_replay(house, change, folder, status):
    value = json.loads(json.dumps(rich_policy(house.origin.url)))      # nothing is shared
    change({r["id"]: r for r in value["rules"]})
    (folder / "new").mkdir()
    (folder / "new" / "10-apps.yaml").write_text(dump(value))
    return as_json("replay", "--log", house.postern.path("access.jsonl"), "--config", house.postern.path("postern.yaml"),
                   "--policy", str(folder / "new"), status=status)


def test_replay_of_all_kinds_of_facts_changes_nothing(rich, tmp_path):
    told = rich_replay(rich, lambda rules: None, tmp_path, 0)
    records = [json.loads(x) for x in open(rich.postern.path("access.jsonl"))]
    decided = [r for r in records if r["kind"] == "decision" and r.get("app")]
    by = {(r["app"], r["decision"]["reason"]) for r in decided}
    assert {("dossier", "allow"), ("dossier", "default-deny"), ("vault", "allow"), ("vault", "default-deny"),
            ("engine", "allow"), ("engine", "require-failed"), ("plant", "allow"), ("plant", "deny-rule"),
            ("plant", "default-deny"), ("public", "public-path"), ("public", "auth.none")} <= by, by
    assert told["same"] == told["replayed"] >= 85 and not told["changes"] and told["sets"] == 1, told
    assert told["left_out"]["broken"] == told["left_out"]["shortened"] == 0 and told["left_out"]["others"] > 0


def test_a_record_holds_what_was_open_and_stated(rich):
    by_app = {}
    for r in map(json.loads, open(rich.postern.path("access.jsonl"))):
        if r["kind"] == "decision" and r["decision"]["reason"] == "allow":
            by_app[r["app"]] = r["facts"]
    assert by_app["dossier"]["purpose"] == 'OPS-17: "the <pump>" leaks' and "grants" not in by_app["dossier"]
    assert [(g["kind"], g["rule"], len(g["digest"])) for g in by_app["vault"]["grants"]] == [("approval", "vault-approved", 64)]
    assert [(g["kind"], g["rule"]) for g in by_app["engine"]["grants"]] == [("break_glass", "engine-glass")]
    assert "grants" not in by_app["plant"] and "purpose" not in by_app["plant"]


RICH_LOSSES = {
    "the purpose was another rule's": (lambda r: r["dossier-purpose"]["who"].update(groups=["others"]), "dossier"),
    "an approval dies with the text of its rule": (lambda r: r["vault-approved"].update(title="Another"), "vault"),
    "glass that skips nothing more": (lambda r: r["engine-glass"].pop("break_glass"), "engine"),
    "a device of today": (lambda r: r["plant"]["device"].update(min_os_version={"macos": "15.0"}), "plant"),
    "the second factor is too long ago": (lambda r: r["plant"]["auth"].update(mfa_within="30s"), "plant"),
    "the audited rule is in force": (lambda r: r["watch"].pop("mode"), "plant"),
}


@pytest.mark.parametrize("what", RICH_LOSSES)
def test_replay_finds_who_loses_each(rich, tmp_path, what):
    change, app_name = RICH_LOSSES[what]
    told = rich_replay(rich, change, tmp_path, 3)
    assert told["lost"] > 0 and told["gained"] == 0 and {c["app"] for c in told["changes"]} == {app_name}, told


def test_a_device_that_no_record_names_is_told(log, tmp_path):
    new = with_policy(log, tmp_path, lambda v: v["rules"][0].update(device={"managed": True}))
    told = replay(log, new, 3)
    assert told["lost"] == told["lost_without_device"] == 3 == told["changes"][0]["without_device"], told
    assert "3 of the lost may be lost only because the record has no device" in policy(
        "replay", "--log", log.path("access.jsonl"), "--policy", new, status=3).stdout


def test_what_cannot_be_decided_again_is_counted(log, tmp_path):
    lines = open(log.path("access.jsonl")).read().splitlines()
    good = next(json.loads(x) for x in lines if '"kind":"decision"' in x and "kim" in x)
    cut = {("shortened" if k == "path" else k): (True if k == "path" else v) for k, v in good.items()}
    session = {**good, "decision": {"effect": "deny", "reason": "auth.none", "causes": ["session.max"]}}
    other = {**good, "policy": {"digest": "f" * 64, "generation": 2}}
    unheard = {**good, "decision": {"effect": "deny", "reason": "device.binding"}}
    with open(tmp_path / "access.jsonl", "w") as f:
        for r in (good, cut, session, other, unheard, {"kind": "policy.loaded"}):
            f.write(json.dumps(r, separators=(",", ":")) + "\n")
        f.write('{"kind":"decision","id":"torn\n[]\n')
    told = as_json("replay", "--log", str(tmp_path / "access.jsonl"), "--policy", log.path("policies"))
    assert told["left_out"] == {"unruled": 2, "shortened": 1, "others": 1, "broken": 2}
    assert (told["replayed"], told["same"], told["sets"]) == (2, 2, 2), told
    text = policy("replay", "--log", str(tmp_path / "access.jsonl"), "--policy", log.path("policies")).stdout
    assert "2 that no rule decided" in text and "1 of something else" in text and "2 lines that are no records" in text and "of 2 sets" in text


def test_unused_knows_audited_rules_and_how_far_the_log_reaches(log, tmp_path):
    def change(v):
        v["rules"].append({"id": "look", "effect": "allow", "mode": "audit", "who": "anyone", "to": {"apps": ["inventory"]}})
        v["rules"].append({"id": "nobody", "effect": "allow", "mode": "audit", "who": {"groups": ["x"]},
                           "to": {"apps": ["inventory"]}})
    new = with_policy(log, tmp_path, change)
    told = as_json("unused", "--log", log.path("access.jsonl"), "--policy", new)
    by_id = {r["id"]: r for r in told["rules"]}
    assert by_id["look"]["applied"] > 5 and by_id["look"]["audit"] and by_id["nobody"]["applied"] == 0
    assert told["unused"] == 0 and told["from"] <= told["to"] and told["from"][:2] == "20"
    text = policy("unused", "--log", log.path("access.jsonl"), "--policy", new).stdout
    assert 'allow "nobody" would have let nobody in (audit)' in text and " from 20" in text


def test_a_log_that_is_not_there_is_a_finding(log, tmp_path):
    for name in ("replay", "unused"):
        told = as_json(name, "--log", str(tmp_path / "none"), "--policy", log.path("policies"), status=1)
        assert told["findings"][0]["code"] == "unreadable" and told["errors"] == 1, told
