"""postern policy: check, test, explain and who-can on small sets, their words, their JSON and their exit status."""

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


@pytest.mark.parametrize("args, words", [
    (["--device", "firewal=true"], "did you mean firewall?"), (["--device", "zzzzzz=true"], "must be a device attribute"),
    (["--as", "@x"], "--as must be a mail address"), (["get https://wiki.example/"], '"get" must be a method in upper case'),
    (["--as", "kim"], "--as must be a mail address")])
def test_explain_checks_facts_as_tests_are(rules, args, words):
    said = policy("explain", "--policy", rules(STAFF), *args, *([] if " " in args[0] else ["GET https://wiki.example/"]),
                  status=2).stderr
    assert words in said, said


def test_explain_notes_a_group_that_is_nearly_one_of_the_rules(rules):
    ask = ["--policy", rules(STAFF), "--as", "a@b.example", "--approved", "staff", "GET https://wiki.example/"]
    done = policy("explain", "--group", "stuff", *ask, status=3)
    assert 'note: no rule names the group "stuff"; did you mean "staff"?\n' in done.stderr
    assert 'note: no rule "staff" opens by an approval or break glass\n' in done.stderr
    told = as_json("explain", "--group", "stuff", *ask, status=3)["findings"]
    assert {(f["code"], f["severity"]) for f in told} == {("unknown-group", "note"), ("no-grant", "note")}
    assert "group" not in policy("explain", "--group", "painters", *ask, status=3).stderr
    assert "group" not in policy("explain", "--group", "staff", *ask).stderr


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
    assert told["acme"] == [{"code": c, "text": words[c], "unknown": False} for c in kept]
    assert told["staff"] == [{"code": "who.groups", "text": "the groups do not fit", "unknown": False}]
    text = policy(*args, status=3 if kept else 0).stdout
    assert "staff does not apply: the groups do not fit\n" in text
    assert "suspended does not fire: the groups do not fit\n" in text
    line = "acme does not apply: " + "; ".join(words[c] for c in kept)
    assert (line + "\n" in text) if kept else ("acme does not" not in text), text


UNKNOWN = [
    ({"who": {"groups": ["staff"]}}, 'the groups are unknown (no --group; --group "" means none)'),
    ({"who": {"claims": {"company": ["Acme"]}}}, "the claim company is unknown (no --claim of that name)"),
    ({"device": {"firewall": True}}, "nothing is known of the device (no --device)"),
    ({"auth": {"mfa": True}}, "whether more than one factor was used is unknown (neither --mfa nor --no-mfa)"),
    ({"auth": {"mfa_within": "1h"}}, "when more than one factor was used is unknown (it takes --mfa and --auth-age)"),
    ({"auth": {"methods": ["hwk"]}}, 'the methods of the log-in are unknown (no --method; --method "" means none)'),
    ({"auth": {"acr": ["high"]}}, "the class of the log-in is unknown (no --acr)"),
    ({"auth": {"login_within": "1h"}}, "the time of the log-in is unknown (no --auth-age)"),
    ({"auth": {"issuers": ["corp"]}}, "the issuer is unknown (no --issuer)"),
    ({"from": {"networks": ["10.0.0.0/8"]}}, "the address is unknown (no --from)"),
]


@pytest.mark.parametrize("change, words", UNKNOWN)
def test_explain_tells_what_is_unknown_from_what_does_not_fit(rules, change, words):
    """Of an allow it is what kept it; a deny fires by it, and says so."""
    base = {"id": "r", "who": {"users": ["ada@corp.example"]}, "to": {"apps": ["wiki"]}, **change}
    ask = ["--as", "ada@corp.example", "--at", AT, "GET https://wiki.example/"]
    allow = rules({**base, "effect": "allow"})
    assert "  r does not apply: %s\n" % words in policy("explain", "--policy", allow, *ask, status=3).stdout
    kept = as_json("explain", "--policy", allow, *ask, status=3)["rules"][0]["kept_by"]
    assert [k["unknown"] for k in kept] == [True] and words.startswith(kept[0]["text"]), kept
    deny = rules({**base, "effect": "deny"})
    assert "  r fires: %s, and unknown refuses\n" % words in policy("explain", "--policy", deny, *ask, status=3).stdout
    told = as_json("explain", "--policy", deny, *ask, status=3)["rules"][0]
    assert told["doubts"] == kept and told["kept_by"] == []


def test_no_option_is_missed_for_a_fact_that_was_given(rules):
    """Unknown though given: a device that no wanted source saw, a claim of another type."""
    ask = ["--as", "a@b.example", "--group", "staff", "GET https://wiki.example/"]
    path = rules(rule(STAFF, device={"firewall": True, "sources": ["office"]}))
    text = policy("explain", "--policy", path, "--device", "firewall=true", *ask, status=3).stdout
    assert "staff does not apply: nothing is known of the device\n" in text, text
    path = rules(rule(STAFF, who={"claims": {"level": ["x"]}}))
    text = policy("explain", "--policy", path, "--claim", "level=5", *ask, status=3).stdout
    assert "the claim level" in text and "no --claim" not in text, text


def test_a_deny_that_is_meant_has_no_doubt(rules):
    ask = ["--policy", rules(STAFF, SUSPENDED), "--as", "a@b.example", "--group", "suspended", "GET https://wiki.example/"]
    text = policy("explain", *ask, status=3).stdout
    assert "unknown refuses" not in text and "(T true, F false, U unknown, - not asked)" in text
    assert not any(r["doubts"] for r in as_json("explain", *ask, status=3)["rules"])


WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
HOURS = {"days": ["mon", "tue", "wed", "thu", "sat"], "hours": ["08:00-12:00", "13:00-18:00"], "timezone": "Europe/Stockholm"}


def test_hours_are_told_on_the_clock_of_their_zone(rules):
    ask = ["--as", "a@b.example", "--group", "staff", "GET https://wiki.example/"]
    for when, at, words in (
            (HOURS, "2026-11-26T06:30:00Z", "Thu 07:30 Europe/Stockholm; open mon to thu, sat 08:00-12:00, 13:00-18:00"),
            (HOURS, "2026-07-02T20:30:00Z", "Thu 22:30 Europe/Stockholm; open mon to thu, sat 08:00-12:00, 13:00-18:00"),
            ({"days": ["mon", "tue"], "hours": ["00:00-24:00"]}, AT, "Fri 15:00 UTC; open mon, tue 00:00-24:00)"),
            ({"days": WEEK, "hours": ["08:00-10:00"]}, AT, "Fri 15:00 UTC; open 08:00-10:00)")):
        path = rules(rule(STAFF, when=when))
        text = policy("explain", "--policy", path, "--at", at, *ask, status=3).stdout
        assert "  staff does not apply: it is outside its hours (%s" % words in text, text
        assert "decided anew at 20" in text
    path = rules(rule(STAFF, when="office", expires="2026-11-30"),
                 more={"define": {"schedules": {"office": HOURS}}, "defaults": {"timezone": "Asia/Kolkata"}})
    text = policy("who-can", "--policy", path, "--at", AT, ask[-1]).stdout
    assert "when         office  (mon to thu, sat 08:00-12:00, 13:00-18:00 Europe/Stockholm)\n" in text, text
    assert "expires      2026-11-30  (2026-11-30T18:30:00Z)\n" in text, text
    assert as_json("who-can", "--policy", path, "--at", AT, ask[-1])["allow"][0]["hours"].endswith("Europe/Stockholm")
    text = policy("explain", "--policy", path, "--at", "2026-12-01T09:00:00Z", *ask, status=3).stdout
    assert "staff does not apply: it has expired (it ended 2026-11-30T18:30:00Z)" in text, text
    text = policy("explain", "--policy", path, "--at", "2026-11-26T09:00:00Z", *ask).stdout
    assert "  valid until 2026-11-26T11:00:00Z" in text, text


def test_who_can(rules):
    path = rules(STAFF, ACME, OPS, SUSPENDED)
    told = as_json("who-can", "--policy", path, "GET https://wiki.example/stock/1")
    assert [r["id"] for r in told["allow"]] == ["staff", "acme"]
    assert [r["id"] for r in told["deny"]] == ["suspended"]
    assert "company: [Acme]" in told["allow"][1]["who"] and told["allow"][1]["expires"] == "2099-01-31"
    told = as_json("who-can", "--policy", path, "POST https://wiki.example/stock/1")
    assert [r["id"] for r in told["allow"]] == ["staff"]
    assert [r["id"] for r in as_json("who-can", "--policy", path, "ssh ops@bastion")["allow"]] == ["ops"]
    assert "nobody: no rule allows it" in policy("who-can", "--policy", path, "ssh root@bastion", status=3).stdout
    said = policy("who-can", "--policy", path, "ssh stranger@bastion", status=3).stdout
    assert said == "nobody: bastion has no log-in stranger (ops, root)\n"
    assert as_json("who-can", "--policy", path, "GET https://wiki.example/public/x")["public"]
    policy("who-can", "--policy", path, "GET https://nowhere.example/", status=3)


def test_who_can_when_a_deny_takes_everybody_away(rules):
    """By the deny's who and needs: what it leaves, the allow still opens."""
    ask = "GET https://wiki.example/stock/1"
    for who, needs, is_forbidden in (({"groups": ["staff"]}, {}, True), ({"groups": ["staff", "others"]}, {}, True),
                                     ({"groups": ["others"]}, {}, False), ({"kind": "human"}, {}, False),
                                     ({"groups": ["staff"]}, {"device": {"jailbroken": True}}, False),
                                     ({"groups": ["staff"]}, {"expires": "2020-01-01"}, False),
                                     ({"groups": ["staff"]}, {"mode": "audit"}, False)):
        no = {"id": "no", "effect": "deny", "who": who, "to": {"apps": ["wiki"]}, **needs}
        told = as_json("who-can", "--policy", rules(STAFF, no), ask, status=3 if is_forbidden else 0)
        assert told["somebody"] is not is_forbidden, (who, needs)
        assert told["allow"][0].get("forbidden_by") == ("no" if is_forbidden else None), (who, needs)
    everybody = {"id": "no", "effect": "deny", "who": "anyone", "to": {"apps": ["wiki"]}}
    path = rules(STAFF, everybody)
    assert "nobody: a rule forbids it to everybody" in policy("who-can", "--policy", path, ask, status=3).stdout
    assert not as_json("who-can", "--policy", path, "GET https://wiki.example/public/x", status=3)["somebody"]
    path = rules(STAFF, SUSPENDED)
    told = as_json("who-can", "--policy", path, "GET https://wiki.example/public/x")
    assert told["public"] and told["somebody"] and not told["allow"] and not told["deny"]    # nobody is asked there


def test_who_can_for_machines_and_domains(rules):
    """Conditions stand as they are written; what cannot be asked for is nobody's."""
    bots = rule(STAFF, id="bots", who={"services": ["ci"]}, to={"apps": ["wiki"], "methods": ["GET"]})
    corp = rule(STAFF, id="corp", who={"all": [{"domains": ["corp.example"]}, {"groups": {"none": ["interns"]}}]})
    path = rules(bots, corp, OPS)
    told = as_json("who-can", "--policy", path, "GET https://wiki.example/")
    assert [(r["id"], r["who"]) for r in told["allow"]] == [
        ("bots", "{services: [ci]}"), ("corp", "{all: [{domains: [corp.example]}, {groups: {none: [interns]}}]}")]
    assert [r["id"] for r in as_json("who-can", "--policy", path, "PUT https://wiki.example/")["allow"]] == ["corp"]
    policy("who-can", "--policy", path, "ssh stranger@bastion", status=3)


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
