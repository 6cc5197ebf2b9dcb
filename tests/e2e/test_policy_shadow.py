"""A shadow: rules that are asked beside those in force, and change nothing."""

import os
import shutil
import time

from harness.proxy import SLOWNESS, dump, standard_policy


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
    assert gate.metrics()["postern_shadow_compared"] == 0
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
