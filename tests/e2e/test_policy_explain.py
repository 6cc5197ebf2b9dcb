"""postern policy explain and who-can: what kept each rule, what is unknown, who is let in."""

import pytest

from harness.rules import ACME, AT, OPS, STAFF, SUSPENDED, as_json, policy, rule, writer


@pytest.fixture
def rules(tmp_path):
    return writer(tmp_path)


# ---- explain --------------------------------------------------------------------------------------------------

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


# ---- who-can --------------------------------------------------------------------------------------------------

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
