"""postern policy: every subcommand on small sets, its words, its JSON and its exit status; and the shadow of a
running postern."""

import gzip
import json
import os
import random
import re
import shutil
import time

import pytest
import yaml

from harness.examples import copy_examples
from harness.proxy import ROOT, SLOWNESS, app, command, dump, standard_policy

APPS = [app("wiki", "http://10.0.0.1:3000", host="wiki.example", public_paths=["/public/**"]),
        app("bastion", "ssh://10.0.0.2:22", host="bastion.example", logins=["ops", "root"])]
STAFF = {"id": "staff", "effect": "allow", "who": {"groups": ["staff"]}, "to": {"apps": ["wiki"]}}
ACME = {"id": "acme", "effect": "allow", "expires": "2099-01-31", "who": {"groups": ["contractors"],
        "claims": {"company": ["Acme"]}}, "to": {"apps": ["wiki"], "methods": ["GET"], "paths": ["/stock/**"]}}
OPS = {"id": "ops", "effect": "allow", "who": {"groups": ["ops"]}, "to": {"apps": ["bastion"], "logins": ["ops"]}}
SUSPENDED = {"id": "suspended", "effect": "deny", "who": {"groups": ["suspended"]}, "to": "everything"}
AT = "2026-11-27T15:00:00Z"


def rule(base, **change):
    return {k: v for k, v in {**base, **change}.items() if v is not None}


@pytest.fixture
def rules(tmp_path):
    """Writes a set and gives its path."""
    def write(*items, name="set", tests=None, more=None):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        value = {"version": 1, "apps": APPS, "rules": list(items), "tests": tests, **(more or {})}
        (folder / "a.yaml").write_text(dump({k: v for k, v in value.items() if v}))
        return str(folder)
    return write


def policy(*args, status=0, **how):
    done = command("policy", *args, **how)
    assert done.returncode == status, (args, done.returncode, done.stdout, done.stderr)
    return done


def as_json(*args, status=0):
    return json.loads(policy(*args, "--format", "json", status=status).stdout)


# ---- usage ----------------------------------------------------------------------------------------------------

NAMES = ["check", "test", "explain", "who-can", "replay", "unused", "diff", "fmt"]


@pytest.mark.parametrize("name", NAMES)
def test_help_is_good_and_a_wrong_option_is_usage(name):
    assert policy(name, "--help").stdout.startswith("usage: postern policy " + name)
    assert policy(name, "-h").stdout == policy(name, "--help").stdout
    wrong = policy(name, "--no-such-option", status=2).stderr
    assert "usage:" in wrong and "option --no-such-option" in wrong and "policy %s --help" % name in wrong
    assert name in policy("--help").stdout


@pytest.mark.parametrize("name", ["check", "test", "diff", "fmt", "who-can", "replay", "unused", "explain"])
def test_missing_rules_are_an_error(name, tmp_path):
    none = str(tmp_path / "none")
    args = {"diff": [none, none], "who-can": ["--policy", none, "GET https://x/"],
            "explain": ["--policy", none, "GET https://x/"], "replay": ["--policy", none, "--log", none],
            "unused": ["--policy", none, "--log", none]}.get(name, [none])
    done = policy(name, *args, status=1)
    assert none in done.stderr and ("rules" in done.stderr or name in ("fmt", "diff")), done


def test_subcommand_is_needed():
    policy(status=2)
    policy("no-such", status=2)


# ---- check ----------------------------------------------------------------------------------------------------

LINTS = {
    "expires-soon": [rule(STAFF, expires=time.strftime("%Y-%m-%d", time.gmtime(time.time() + 9 * 86400)))],
    "expired": [rule(STAFF, expires="2020-01-01")],
    "contractor-no-expiry": [rule(ACME, expires=None)],
    "deny-on-paths": [rule(SUSPENDED, to={"apps": ["wiki"], "paths": ["/admin/**"]})],
    "regex-for-glob": [rule(STAFF, to={"apps": ["wiki"], "paths_regex": ["/a/[^/]+/b"]})],
    "unreachable": [rule(STAFF, who={"kind": "machine", "users": ["a@b.example"]})],
    "covered-by-deny": [rule(STAFF, who={"groups": ["suspended"]}), SUSPENDED],
    "redundant": [STAFF, rule(STAFF, id="again", to={"apps": ["wiki"], "methods": ["GET"]})],
    "allow-everything": [rule(STAFF, to="everything")],
}


@pytest.mark.parametrize("code", LINTS)
def test_lint(rules, code):
    path = rules(*LINTS[code])
    found = as_json("check", path)
    assert code in [f["code"] for f in found["findings"] if f["severity"] == "warning"], found
    assert all(f["line"] > 0 for f in found["findings"] if f["code"] == code)
    policy("check", "--strict", path, status=3)


def test_unreachable_by_its_parts(rules):
    for to in ({"apps": ["wiki"], "paths": ["/a/*"], "except": ["/a/**"]},
               {"apps": ["wiki"], "paths": ["/public/x"]},
               {"apps": ["bastion"], "methods": ["GET"]},
               {"apps": ["bastion"], "logins": ["nobody"]}):
        codes = [f["code"] for f in as_json("check", rules(rule(STAFF, to=to)))["findings"]]
        assert "unreachable" in codes, to


SCALARS = """version: 1
apps: [{name: wiki, host: wiki.example, upstream: "http://10.0.0.1:3000"}]
rules:
  - {id: a, effect: allow, who: {groups: [NO, 0755, 1.10, 09:30, ~, 1_000, 0x1F]}, to: {apps: [wiki]}}
  - {id: b, effect: allow, who: {groups: ["NO", '0755', 1.11, 42, nobody, 2026-11-27, "~"]}, to: {apps: [wiki]}}
"""


def test_ambiguous_scalars(tmp_path):
    (tmp_path / "a.yaml").write_text(SCALARS)
    found = [f for f in as_json("check", str(tmp_path))["findings"] if f["code"] == "ambiguous-scalar"]
    assert [f["line"] for f in found] == [4] * 7 and all("quotes" in f["suggestion"] for f in found)
    assert [f["message"].split(" take ")[1].split(" for ")[0] for f in found] == [
        "NO", "0755", "1.10", "09:30", "~", "1_000", "0x1F"]


def test_good_rules_have_no_warning(rules):
    path = rules(STAFF, ACME, OPS, SUSPENDED)
    assert as_json("check", "--strict", path)["warnings"] == 0
    assert "good" in policy("check", path).stdout


def test_names_of_the_configuration(gate, rules):
    path = rules(rule(STAFF, who={"services": ["no-such-service"]}))
    policy("check", path)
    done = policy("check", "--config", gate.path("postern.yaml"), path, status=1)
    assert "no-such-service" in done.stderr


# ---- test -----------------------------------------------------------------------------------------------------

KIM = {"user": "kim@acme.example", "groups": ["contractors"], "claims": {"company": "Acme"}}
GOOD_TESTS = [
    {"name": "in", "as": KIM, "at": AT, "do": "GET https://wiki.example/stock/1", "expect": "allow"},
    {"name": "not there", "like": "in", "do": "GET https://wiki.example/admin", "expect": "deny default-deny"},
    {"name": "not so", "like": "in", "do": "POST https://wiki.example/stock/1", "expect": "deny default-deny"},
    {"name": "another company", "like": "in", "as": {**KIM, "claims": {"company": "Other"}},
     "expect": "deny default-deny"},
    {"name": "no group", "like": "in", "as": {**KIM, "groups": []}, "expect": "deny default-deny"},
    {"name": "after it", "like": "in", "at": "2099-02-02T00:00:00Z", "expect": "deny rule:expired"},
]


def test_coverage(rules):
    path = rules(ACME, OPS, tests=GOOD_TESTS)
    told = as_json("test", path)
    by_id = {r["id"]: r for r in told["rules"]}
    assert (told["passed"], told["failed"], told["untouched"]) == (6, 0, 1)
    assert by_id["acme"]["applied"] == 1 and by_id["ops"]["in_scope"] == 0
    assert 'no test touches rule "ops"' in policy("test", path).stdout
    policy("test", "--strict", path, status=3)
    assert "acme" in policy("test", "--coverage", path).stdout


def test_failed_test(rules):
    path = rules(ACME, tests=[{**GOOD_TESTS[0], "expect": "deny when"}])
    assert as_json("test", path, status=3)["failed"] == 1


def test_mutants_are_noticed(rules):
    path = rules(ACME, tests=GOOD_TESTS)
    told = as_json("test", "--mutate", path)["mutations"]
    assert told["total"] >= 8 and told["noticed"] == told["total"], told


@pytest.mark.parametrize("missing,condition", [("not there", "to.paths"), ("not so", "to.methods"),
                                               ("another company", "who.claims"), ("no group", "who.groups"),
                                               ("after it", "expires")])
def test_mutant_that_no_test_notices(rules, missing, condition):
    path = rules(ACME, tests=[t for t in GOOD_TESTS if t["name"] != missing])
    told = as_json("test", "--mutate", path, status=3)["mutations"]
    assert condition in [c["condition"] for c in told["changes"] if not c["noticed"]], told
    assert condition in policy("test", "--mutate", path, status=3).stdout


# ---- explain and who-can --------------------------------------------------------------------------------------

def test_explain(rules):
    path = rules(STAFF, ACME, SUSPENDED)
    args = ["explain", "--policy", path, "--as", "kim@acme.example", "--group", "contractors", "--claim",
            "company=Acme", "--at", AT]
    told = as_json(*args, "GET https://wiki.example/stock/1")
    assert told["effect"] == "allow" and [r["id"] for r in told["rules"] if r["decisive"]] == ["acme"]
    refused = policy(*args, "GET https://wiki.example/admin", status=3)
    assert "default-deny" in refused.stdout
    text = policy(*args, "GET https://wiki.example/stock/1").stdout
    assert "by acme at" in text and "| " in text and "a.yaml:" in text
    policy(*args, "nonsense", status=2)
    asked = ["explain", "--policy", path, "GET https://wiki.example/stock/1"]
    assert "--as" in policy(*asked, status=3).stdout and "--as" not in policy(*asked, "--group", "x", status=3).stdout


@pytest.mark.parametrize("request_line, kept", [
    ("GET /stock/1", []),
    ("POST /stock/1", ["to.method"]),
    ("GET /admin", ["to.path"]),
    ("POST /admin", ["to.method", "to.path"]),
])
def test_explain_says_what_kept_a_rule(rules, request_line, kept):
    """Method and path are both `to`: the table says F, the words which of the two, or both."""
    words = {"to.method": "the method is none of its methods", "to.path": "the path is none of its paths"}
    method, path = request_line.split()
    args = ["explain", "--policy", rules(STAFF, ACME, SUSPENDED), "--as", "kim@acme.example", "--group", "contractors",
            "--claim", "company=Acme", "--at", AT, "%s https://wiki.example%s" % (method, path)]
    told = {r["id"]: r["kept_by"] for r in as_json(*args, status=3 if kept else 0)["rules"]}
    assert told["acme"] == [{"code": c, "text": words[c]} for c in kept]
    assert told["staff"] == [{"code": "who.groups", "text": "the groups do not fit"}]
    text = policy(*args, status=3 if kept else 0).stdout
    assert "staff does not apply: the groups do not fit\n" in text
    assert "suspended does not fire: the groups do not fit\n" in text
    line = "acme does not apply: " + "; ".join(words[c] for c in kept)
    assert (line + "\n" in text) if kept else ("acme does not" not in text), text


def test_who_can(rules):
    path = rules(STAFF, ACME, OPS, SUSPENDED)
    told = as_json("who-can", "--policy", path, "GET https://wiki.example/stock/1")
    assert [r["id"] for r in told["allow"]] == ["staff", "acme"]
    assert [r["id"] for r in told["deny"]] == ["suspended"]
    assert "company: [Acme]" in told["allow"][1]["who"] and told["allow"][1]["expires"] == "2099-01-31"
    told = as_json("who-can", "--policy", path, "POST https://wiki.example/stock/1")
    assert [r["id"] for r in told["allow"]] == ["staff"]
    assert [r["id"] for r in as_json("who-can", "--policy", path, "ssh ops@bastion")["allow"]] == ["ops"]
    policy("who-can", "--policy", path, "ssh root@bastion", status=3)
    assert as_json("who-can", "--policy", path, "GET https://wiki.example/public/x")["public"]
    policy("who-can", "--policy", path, "GET https://nowhere.example/", status=3)


# ---- diff -----------------------------------------------------------------------------------------------------

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
    "an exception less": (rule(STAFF, to={"apps": ["wiki"], "except": ["/admin/**"]}), STAFF),
}


@pytest.mark.parametrize("what", WIDER)
def test_diff_shows_who_gains(rules, what):
    before, after = WIDER[what]
    old, new = rules(before, SUSPENDED, name="old"), rules(after, SUSPENDED, name="new")
    wiki = apps_of(as_json("diff", old, new, status=3))["wiki"]
    assert wiki["change"] == "wider" and wiki["gains"]["after"]["effect"] == "allow", wiki
    assert "gains: " in policy("diff", old, new, status=3).stdout
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


# ---- the examples ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("today", [None, "2030-01-01"])
def test_examples_stand_every_test(tmp_path, today):
    folder = str(tmp_path / "policies")
    copy_examples(folder, today)
    policy("check", "--strict", folder)
    told = as_json("test", "--strict", "--mutate", folder)
    assert told["untouched"] == 0 and told["mutations"]["noticed"] == told["mutations"]["total"]


# ---- JSON Schema ----------------------------------------------------------------------------------------------

class Core(yaml.SafeLoader):
    """Plain scalars as the core schema of YAML 1.2 has them, which is what editors follow."""


Core.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (("bool", "^(?:true|false|True|False|TRUE|FALSE)$", "tTfF"),
                               ("int", "^[-+]?[0-9]+$", "-+0123456789"),
                               ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
                               ("null", "^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""])):
    Core.add_implicit_resolver("tag:yaml.org,2002:" + _tag, re.compile(_pattern), list(_first))

GOLDEN = os.path.join(ROOT, "tests", "unit", "policy", "golden")
FORM = {"unknown-key", "wrong-kind", "empty"}      # what tables alone can see


def whole_files():
    for folder in (GOLDEN, os.path.join(ROOT, "policies")):
        for name in sorted(os.listdir(folder)):
            if name.endswith(".yaml"):
                data = open(os.path.join(folder, name), "rb").read()
                if b"#=== " not in data:
                    yield os.path.join(folder, name), data


def test_schema_and_loader_hold_the_same_files_good_and_bad():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.load(open(os.path.join(ROOT, "policies", "schema", "policy.v1.json")))
    jsonschema.Draft7Validator.check_schema(schema)
    validator, seen = jsonschema.Draft7Validator(schema), {True: 0, False: 0}
    for path, data in whole_files():
        try:
            value = yaml.load(data.decode(), Core)
        except (yaml.YAMLError, UnicodeDecodeError, ValueError):
            continue                               # no editor reads it either
        done = command("policy", "check", "--format", "json", path)
        found = json.loads(done.stdout)["findings"]
        errors = {f["code"] for f in found if f["severity"] == "error"}
        # An editor takes a plain ~ for nothing at all; the loader takes it for text, and warns of it.
        odd = any(f["code"] == "ambiguous-scalar" for f in found)
        valid = not list(validator.iter_errors(value))
        seen[valid] += 1
        assert valid or errors or odd, (path, [e.message for e in validator.iter_errors(value)])
        assert not valid or not errors & FORM, (path, errors)
    assert seen[True] > 80 and seen[False] > 40, seen


# ---- replay and unused ----------------------------------------------------------------------------------------

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
    assert as_json("replay", "--since", "2090-01-01", "--log", log.path("access.jsonl"), "--policy",
                   log.path("policies"))["replayed"] == 0


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


def test_replay_is_quick(log, tmp_path):
    """A million may take five seconds: a tenth of it gets ten, for a busy machine and sanitizers."""
    lines = [x for x in open(log.path("access.jsonl")) if '"kind":"decision"' in x]
    with open(tmp_path / "access.jsonl", "w") as f:
        f.writelines(lines[i % len(lines)] for i in range(100000))
    begun = time.monotonic()
    told = as_json("replay", "--log", str(tmp_path / "access.jsonl"), "--policy", log.path("policies"))
    assert told["replayed"] == 100000
    assert time.monotonic() - begun < 10 * max(SLOWNESS, 1)


# ---- shadow ---------------------------------------------------------------------------------------------------

def test_shadow_is_told_and_never_enforced(start, staff, contractor):
    gate = start(ready=False)
    os.mkdir(gate.path("shadow"))
    shadow = standard_policy("http://127.0.0.1:1")
    shadow["rules"][1]["to"]["paths"] = ["/stock/**", "/admin"]
    shadow["rules"].append({"id": "no-delete", "effect": "deny", "who": "anyone",
                            "to": {"apps": ["inventory"], "methods": ["DELETE"]}})
    gate.write("shadow/a.yaml", dump(shadow))
    gate.arguments = ["--shadow", gate.path("shadow")]
    gate.start()
    same = gate.record(gate.get("/stock/1", contractor))
    assert same["decision"]["effect"] == "allow" and "shadow" not in same
    wider = gate.get("/admin", contractor)
    assert wider.status == 403
    assert gate.record(wider)["shadow"] == {"effect": "allow", "reason": "allow", "rules": ["contractor-stock"]}
    narrower = gate.request("DELETE", "/x", staff)
    assert narrower.status == 200
    record = gate.record(narrower)
    assert record["shadow"] == {"effect": "deny", "reason": "deny-rule", "rules": ["no-delete"]}
    assert record["decision"]["effect"] == "allow"
    assert gate.metrics()["postern_shadow_differences_total"] == 2


def test_shadow_is_read_again_and_a_broken_one_holds_nothing_up(start, staff):
    gate = start(ready=False)
    os.mkdir(gate.path("shadow"))
    shadow = standard_policy("http://127.0.0.1:1")
    gate.write("shadow/a.yaml", dump(shadow))
    gate.arguments = ["--shadow", gate.path("shadow")]
    gate.start()
    assert "shadow" not in gate.record(gate.get("/x", staff))
    shadow["rules"].pop(0)
    gate.write("shadow/a.yaml", dump(shadow))
    wait_for(lambda: "shadow" in gate.record(gate.get("/x", staff)))
    gate.write("shadow/a.yaml", "rules: [")
    wait_for(lambda: "shadow/a.yaml" in gate.stderr())
    record = gate.record(gate.get("/x", staff))
    assert record["shadow"]["reason"] == "default-deny" and record["decision"]["effect"] == "allow"
    gate.write("shadow/a.yaml", dump(standard_policy("http://127.0.0.1:1")))
    wait_for(lambda: "shadow" not in gate.record(gate.get("/x", staff)))
    shutil.rmtree(gate.path("shadow"))
    assert gate.get("/x", staff).status == 200


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds * SLOWNESS
    while not condition():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.05)
