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
