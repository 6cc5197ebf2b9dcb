"""A shadow: rules that are asked beside those in force, and change nothing."""

import json
import os
import re
import shutil
import time

from harness.proxy import SLOWNESS, command, dump, standard_policy


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
    assert gate.metrics()["postern_shadow_compared"] == 1
    query = ["audit", "query", "--config", gate.path("postern.yaml"), "--shadow-differs"]
    found = [json.loads(line) for line in command(*query).stdout.splitlines()]
    assert [r["id"] for r in found] == [wider.id, narrower.id]
    table = command(*query, "--table").stdout.splitlines()
    assert len(table) == 3 and table[1].endswith("/admin  shadow: allow contractor-stock"), table
    assert table[2].endswith("/x  shadow: deny no-delete"), table
    assert "shadow" not in command(*query[:-1], "--table", "--id", same["id"]).stdout


def test_what_is_compared_is_told(start):
    gate = start(ready=False)
    os.mkdir(gate.path("shadow"))
    shadow = standard_policy("http://127.0.0.1:1")
    gate.write("shadow/a.yaml", dump(shadow))
    gate.arguments = ["--shadow", gate.path("shadow")]
    gate.start()
    first = loaded(gate)
    assert [(n, d) for n, d in first if n == "3" and len(d) == 64] == first and len(first) == 1, gate.stderr()
    shadow["rules"].pop()
    gate.write("shadow/a.yaml", dump(shadow))
    wait_for(lambda: len(loaded(gate)) == 2)
    assert loaded(gate)[1][0] == "2" and loaded(gate)[1][1] != first[0][1]
    assert "its rules are those of before" in gate.stderr()
    assert gate.metrics()["postern_shadow_failing"] == 0


def loaded(gate):
    """What shadow.loaded told: (number of rules, digest)."""
    return re.findall(r"shadow\.loaded\b.*\brules=(\d+).*\bdigest=(\w+)", gate.stderr())


def test_a_shadow_that_cannot_be_read_ends_the_start(start):
    """Nothing would ever differ, which looks like good news."""
    gate = start(ready=False)
    gate.expect_alarm = True
    os.mkdir(gate.path("empty"))
    for name, why in (("nope", "No such file"), ("empty", "holds no policy file")):
        gate.arguments = ["--shadow", gate.path(name)]
        gate.start(ready=False)
        assert gate.process.wait(20 * SLOWNESS) == 1
        last = gate.stderr()[gate.stderr().rindex(gate.path(name) + ": error:"):]
        assert "the shadow rules cannot be read" in last and why in last and "--shadow names" in last, last


def test_a_shadow_that_fails_its_tests_is_compared_and_told(start, staff):
    gate = start(ready=False)
    os.mkdir(gate.path("shadow"))
    shadow = standard_policy("http://127.0.0.1:1")
    shadow["tests"] = [{"name": name, "as": {"user": "eva@corp.example", "groups": ["staff"]},
                        "at": "2026-11-27T15:00:00Z", "do": "GET https://inventory.example/x", "expect": expect}
                       for name, expect in (("staff reads", "allow"), ("staff is kept out", "deny default-deny"))]
    shadow["rules"].pop(1)
    gate.write("shadow/a.yaml", dump(shadow))
    gate.arguments = ["--shadow", gate.path("shadow")]
    gate.start()
    assert "the shadow rules fail 1 of their 2 tests" in gate.stderr() and "staff is kept out" in gate.stderr()
    assert "shadow.loaded" in gate.stderr() and gate.metrics()["postern_shadow_compared"] == 1


def test_a_shadow_with_errors_from_the_start_is_told(start, staff):
    """What is enforced starts all the same."""
    gate = start(ready=False)
    os.mkdir(gate.path("shadow"))
    gate.write("shadow/a.yaml", "version: 1\nrules:\n  - {id: x, efect: allow}\n")
    gate.arguments = ["--shadow", gate.path("shadow")]
    gate.start()
    record = gate.record(gate.get("/x", staff))
    assert record["decision"]["effect"] == "allow" and "shadow" not in record
    assert "shadow/a.yaml:3:13" in gate.stderr() and 'did you mean "effect"' in gate.stderr()
    assert "shadow.failed" in gate.stderr() and "nothing is compared" in gate.stderr()
    assert gate.metrics()["postern_shadow_compared"] == 0 and gate.metrics()["postern_shadow_failing"] == 1
    gate.write("shadow/a.yaml", dump({"version": 1, "apps": standard_policy("http://127.0.0.1:1")["apps"]}))
    wait_for(lambda: "shadow" in gate.record(gate.get("/x", staff)))
    assert gate.metrics()["postern_shadow_compared"] == 1


def test_what_an_audited_allow_would_let_in_is_counted(start, contractor):
    value = standard_policy("http://127.0.0.1:1")
    value["rules"].append({"id": "trial", "effect": "allow", "mode": "audit", "who": {"groups": ["contractors"]},
                           "to": {"apps": ["inventory"], "paths": ["/admin"]}})
    gate = start(policies={"10-apps.yaml": value})
    answer = gate.get("/admin", contractor)
    decision = gate.record(answer)["decision"]
    assert answer.status == 403 and decision["effect"] == "deny"
    assert (decision["would"], decision["would_rules"]) == ("allow", ["trial"])
    counted = gate.metrics()
    assert (counted["postern_would_allow_total"], counted["postern_would_deny_total"]) == (1, 0)


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
    wait_for(lambda: "those of before are compared" in gate.stderr())
    assert "shadow.failed" in gate.stderr() and "shadow/a.yaml" in gate.stderr()
    assert gate.metrics()["postern_shadow_compared"] == 1 and gate.metrics()["postern_shadow_failing"] == 1
    record = gate.record(gate.get("/x", staff))
    assert record["shadow"]["reason"] == "default-deny" and record["decision"]["effect"] == "allow"
    gate.write("shadow/a.yaml", dump(standard_policy("http://127.0.0.1:1")))
    wait_for(lambda: "shadow" not in gate.record(gate.get("/x", staff)))
    assert gate.metrics()["postern_shadow_failing"] == 0
    shutil.rmtree(gate.path("shadow"))
    wait_for(lambda: gate.metrics()["postern_shadow_failing"] == 1)
    assert gate.get("/x", staff).status == 200


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds * SLOWNESS
    while not condition():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.05)
