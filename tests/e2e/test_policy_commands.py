"""postern policy: check and test on small sets, and what all commands share: words, JSON and exit status."""

import json
import os
import re
import signal
import subprocess
import time

import pytest
import yaml

from harness.examples import copy_examples
from harness.proxy import BINARY, ROOT, command
from harness.rules import ACME, AT, OPS, STAFF, SUSPENDED, as_json, policy, rule, writer


@pytest.fixture
def rules(tmp_path):
    return writer(tmp_path)


# ---- usage ----------------------------------------------------------------------------------------------------

NAMES = ["check", "test", "explain", "who-can", "replay", "unused", "diff", "fmt", "schema"]


@pytest.mark.parametrize("name", NAMES)
def test_help_is_good_and_a_wrong_option_is_usage(name):
    assert policy(name, "--help").stdout.startswith("usage: postern policy " + name)
    assert policy(name, "-h").stdout == policy(name, "--help").stdout
    wrong = policy(name, "--no-such-option", status=2).stderr
    assert "usage:" in wrong and "option --no-such-option" in wrong and "policy %s --help" % name in wrong
    assert name in policy("--help").stdout


def test_rules_are_named_by_option_or_as_an_argument(rules, tmp_path):
    path = rules(STAFF, tests=[{"name": "in", "as": {"user": "a@b.example", "groups": ["staff"]}, "at": AT,
                                "do": "GET https://wiki.example/", "expect": "allow"}])
    policy("fmt", path)
    for name in ("check", "test", "fmt"):
        assert policy(name, "--policy", path).stdout == policy(name, path).stdout
        assert "named twice" in policy(name, "--policy", path, path, status=2).stderr
        assert "a directory or file is missing" in policy(name, status=2).stderr
    for name in ("explain", "who-can"):
        assert "name the rules with --policy " + path in policy(name, path, "GET https://wiki.example/", status=2).stderr
        assert "quote it" in policy(name, "--policy", path, "GET", "https://wiki.example/", status=2).stderr
    for name in ("replay", "unused"):
        assert "name the rules with --policy " + path in policy(name, "--log", "x", path, status=2).stderr
    assert "the option --polcy is unknown; did you mean --policy?" in policy("explain", "--polcy", "x", status=2).stderr


@pytest.mark.parametrize("name", ["check", "test", "diff", "fmt", "who-can", "replay", "unused", "explain"])
def test_missing_rules_are_an_error(name, tmp_path):
    none = str(tmp_path / "none")
    args = {"diff": [none, none], "who-can": ["--policy", none, "GET https://x/"],
            "explain": ["--policy", none, "GET https://x/"], "replay": ["--policy", none, "--log", none],
            "unused": ["--policy", none, "--log", none]}.get(name, [none])
    done = policy(name, *args, status=1)
    assert none in done.stderr and ("rules" in done.stderr or name in ("fmt", "diff")), done


def calls(path, log="none"):
    """Each command that reads rules, on these."""
    return {"check": [path], "test": [path], "diff": [path, path], "fmt": ["--check", path],
            "who-can": ["--policy", path, "GET https://wiki.example/"],
            "explain": ["--policy", path, "GET https://wiki.example/"],
            "replay": ["--policy", path, "--log", log], "unused": ["--policy", path, "--log", log]}


BROKEN = "version: 1\nrules:\n  - {id: x, efect: allow, who: anyone, to: everything}\n"


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("fmt", "schema")])
@pytest.mark.parametrize("kind", ["broken", "empty", "absent"])
def test_an_error_is_one_object_too(name, kind, tmp_path):
    folder = tmp_path / "set"
    if kind != "absent":
        folder.mkdir()
    if kind == "broken":
        (folder / "a.yaml").write_text(BROKEN)
    done = policy(name, *calls(str(folder))[name], "--format", "json", status=1)
    told = json.loads(done.stdout)
    first = next(f for f in told["findings"] if f["severity"] == "error")
    assert not done.stderr and told["errors"] >= 1 and told["warnings"] == 0
    assert set(first) == {"file", "line", "column", "severity", "code", "message", "suggestion"}
    if kind == "broken":
        assert (first["file"], first["line"], first["column"], first["code"], first["suggestion"]) == (
            str(folder / "a.yaml"), 3, 13, "unknown-key", 'did you mean "effect"?')
    else:
        assert first["code"] == "unreadable" and str(folder) in first["message"] and first["suggestion"]


def members(value):
    if isinstance(value, dict):
        for k, v in value.items():
            yield k
            yield from members(v)
    for v in value if isinstance(value, list) else ():
        yield from members(v)


def test_every_member_is_told_on_the_page(rules, tmp_path):
    old, new = rules(STAFF, ACME, SUSPENDED, tests=GOOD_TESTS, name="old"), rules(STAFF, OPS, name="new")
    (tmp_path / "log").write_text('{"kind":"decision","host":"wiki.example","path":"/","method":"GET","facts":{"now":1795800000,'
                                  '"clock_good":true},"decision":{"effect":"deny","reason":"auth.none"}}\n')
    told = dict(re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", open(os.path.join(ROOT, "docs", "policy.md")).read(), re.M))
    common = {"findings", "errors", "warnings", "file", "line", "column", "severity", "code", "message", "suggestion"}
    for name, args in {**calls(old, str(tmp_path / "log")), "diff": [old, new], "test": ["--mutate", old]}.items():
        said = json.loads(command("policy", name, *args, "--format", "json").stdout)
        assert {"findings", "errors", "warnings"} <= set(said), name
        assert set(said) - common == {k for k in re.findall(r"`([a-z_]+)`", told.get(name, "")) if k in said} - common, name


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("replay", "unused", "fmt")])
def test_an_answer_that_nobody_can_read_is_an_error(name, rules):
    args = calls(rules(STAFF)).get(name, [])
    with open("/dev/full", "w") as full:
        done = subprocess.run([BINARY, "policy", name, *args], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "the answer cannot be written: No space left" in done.stderr


def test_a_closed_pipe_ends_quietly(rules):
    many = [rule(STAFF, id="r%d" % i) for i in range(3000)]
    with subprocess.Popen([BINARY, "policy", "test", rules(*many)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        p.stdout.readline()
        p.stdout.close()
        said = p.stderr.read()
    assert p.returncode == -signal.SIGPIPE and said == b"", said


def on_a_terminal(args, **env):
    """(standard output, what a terminal at standard error was sent)."""
    import pty
    ours, theirs = pty.openpty()
    with subprocess.Popen([BINARY, "policy", *args], stdout=subprocess.PIPE, stderr=theirs,
                          env={**os.environ, "TERM": "xterm", **env}) as p:
        os.close(theirs)
        out, shown = p.stdout.read(), b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(ours)
    return out.decode(), shown.decode()


def test_findings_have_colors_on_a_terminal_only(tmp_path):
    (tmp_path / "a.yaml").write_text(BROKEN)
    plain = policy("test", str(tmp_path), status=1).stderr
    _, shown = on_a_terminal(["test", str(tmp_path)], NO_COLOR="")
    assert "\x1b[1;31merror:\x1b[0m unknown key" in shown and "\x1b[1;32m^\x1b[0m" in shown
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r\n", "\n") == plain and "\x1b" not in plain
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb", "NO_COLOR": ""}):
        assert on_a_terminal(["test", str(tmp_path)], **env)[1].replace("\r\n", "\n") == plain


def test_long_work_shows_how_far_it_is_on_a_terminal_only(rules):
    many = [rule(STAFF, id="r%d" % i, who={"groups": ["g%d" % i]}) for i in range(400)]
    path = rules(*many, tests=[{"name": "in", "as": {"user": "a@b.example", "groups": ["g1"]}, "at": AT,
                                "do": "GET https://wiki.example/", "expect": "allow"}])
    out, shown = on_a_terminal(["test", "--mutate", path])
    assert re.search(r"\r\x1b\[K\d+ of 400 rules changed", shown) and shown.endswith("\r\x1b[K"), shown[-200:]
    assert "\x1b" not in out and "changes" in out
    assert policy("test", "--mutate", path, status=3).stderr == ""


def test_schema_is_the_published_one():
    assert policy("schema").stdout == policy("schema", "--format", "json").stdout == open(os.path.join(ROOT, "policies", "schema", "policy.v1.json")).read()


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
    assert "the rules were not changed, since 1 test fails\n" in policy("test", "--mutate", path, status=3).stdout
    assert "not changed" not in policy("test", path, status=3).stdout


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
