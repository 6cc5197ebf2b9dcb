"""Rules and configuration change under a running gate: good ones count, bad ones change nothing."""

import os
import signal
import threading

import pytest

from harness import raw
from harness.proxy import SLOWNESS, dump, standard_policy

LONG = 20 * SLOWNESS


def without_staff(upstream):
    policy = standard_policy(upstream)
    policy["rules"] = [r for r in policy["rules"] if r["id"] != "staff-all"]
    return policy


def comes(gate, token, status, why):
    raw.wait_for(lambda: gate.get("/x", token).status == status, LONG, 0.05, why)


def failures(gate):
    return len(gate.journal.find(kind="policy.failed")) or gate.stderr().count("policy.failed")


def fails(gate, change, why):
    """After the change the failure is told, and the rules from before still hold."""
    before = failures(gate)
    change()
    raw.wait_for(lambda: failures(gate) > before, LONG, 0.05, why)


def test_good_change_counts(start, origin, staff):
    gate = start()
    first = gate.record(gate.get("/x", staff))["policy"]
    gate.policy(without_staff(origin.url))
    comes(gate, staff, 403, "the new rules")
    loaded = gate.journal.wait(kind="policy.loaded", count=2)
    assert "10-apps.yaml" in str(loaded)
    second = gate.record(gate.get("/x", staff))["policy"]
    assert second["generation"] > first["generation"] and second["digest"] != first["digest"]
    gate.policy(standard_policy(origin.url))
    comes(gate, staff, 200, "the old rules again")


def test_hangup_reloads(start, origin, staff):
    gate = start()
    gate.policy(without_staff(origin.url))
    gate.signal(signal.SIGHUP)
    comes(gate, staff, 403, "the new rules")


def test_what_changes_nothing_is_told_too(start, origin):
    """Who asks for a reload, or takes an error back, reads how it ended; and no record claims that anything was loaded."""
    gate = start()
    told = lambda: [l for l in gate.stderr().splitlines() if "event=reload.unchanged" in l]
    gate.signal(signal.SIGHUP)
    raw.wait_for(lambda: len(told()) == 1, LONG, 0.05, "the answer to SIGHUP")
    assert "trigger=SIGHUP" in told()[0]
    fails(gate, lambda: gate.write("policies/10-apps.yaml", BROKEN["unknown key"]), "the error")
    gate.policy(standard_policy(origin.url))
    raw.wait_for(lambda: len(told()) == 2, LONG, 0.05, "the error taken back")
    metrics = lambda: raw.request(gate.admin_port, target="/metrics").body.splitlines()
    raw.wait_for(lambda: b"postern_reload_failing 0" in metrics(), LONG, 0.05, "the metric")
    assert len(gate.journal.find(kind="policy.loaded")) == 1


BROKEN = {
    "no yaml": "version: 1\nrules: [\n",
    "half written": None,
    "unknown key": "version: 1\nrules:\n  - {id: a, effekt: allow, who: anyone, to: everything}\n",
    "unknown app": "version: 1\nrules:\n  - {id: a, effect: allow, who: anyone, to: {apps: [nowhere]}}\n",
    "duplicate id": "version: 1\nrules:\n  - {id: staff-all, effect: deny, who: anyone, to: everything}\n",
    "failing test": "version: 1\ntests:\n  - {name: t, as: {user: a@example.com, groups: [none]}, at: 2026-11-27T15:00:00Z,"
                    " do: GET http://inventory.example/x, expect: allow}\n",
    "not utf-8": "version: 1\n# \udce4\n",
    "anchor": "version: 1\nrules: &a []\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_bad_change_keeps_the_last_good_set(start, origin, staff, name):
    gate = start()
    text = BROKEN[name]
    if text is None:
        full = dump(standard_policy(origin.url))
        text = full[:len(full) * 2 // 3].rsplit(":", 1)[0]
    target = "10-apps.yaml" if name == "half written" else "20-new.yaml"

    def change():
        with open(gate.path("policies/" + target), "w", errors="surrogateescape") as f:
            f.write(text)

    fails(gate, change, "words about the failure")
    assert gate.get("/x", staff).status == 200
    assert target in gate.stderr(), "the file is named"
    assert gate.admin("/readyz").status == 200
    if target == "20-new.yaml":
        os.unlink(gate.path("policies/20-new.yaml"))
    gate.policy(without_staff(origin.url))
    comes(gate, staff, 403, "the next good change")


def test_emptied_directory(start, staff):
    gate = start()
    fails(gate, lambda: os.unlink(gate.path("policies/10-apps.yaml")), "words about the empty directory")
    assert gate.get("/x", staff).status == 200


def test_directory_taken_away_and_back(start, origin, staff):
    gate = start()
    fails(gate, lambda: os.rename(gate.path("policies"), gate.path("away")), "words about the missing directory")
    assert gate.get("/x", staff).status == 200
    os.rename(gate.path("away"), gate.path("policies"))
    gate.policy(without_staff(origin.url))
    comes(gate, staff, 403, "the new rules in the directory that came back")


def test_symlink_swap(start, origin, staff, tmp_path):
    """As Kubernetes does: policies is a link to ..data, which is renamed over."""
    for name, policy in (("v1", standard_policy(origin.url)), ("v2", without_staff(origin.url))):
        os.makedirs(tmp_path / name)
        (tmp_path / name / "10-apps.yaml").write_text(dump(policy))
    os.symlink("v1", tmp_path / "..data")
    gate = start(ready=False)
    os.makedirs(gate.path("mount"))
    for name in ("v1", "v2"):
        os.rename(tmp_path / name, gate.path("mount/" + name))
    os.symlink("v1", gate.path("mount/..data"))
    os.symlink("..data/10-apps.yaml", gate.path("mount/10-apps.yaml"))
    gate.write_config(policies="mount")
    gate.start()
    assert gate.get("/x", staff).status == 200
    os.symlink("v2", gate.path("mount/..new"))
    os.rename(gate.path("mount/..new"), gate.path("mount/..data"))
    comes(gate, staff, 403, "what the link points to now")


def test_no_policy_at_start_refuses_all(start, origin, staff):
    gate = start(ready=False, wait=False, policies={"10-apps.yaml": "version: 1\nrules: [\n"})
    gate.start()
    answer = gate.get("/x", staff)
    assert answer.status in (403, 503) and gate.record(answer)["decision"]["reason"] == "policy:none"
    assert gate.admin("/readyz").status == 503 and gate.admin("/healthz").status == 200
    gate.policy(standard_policy(origin.url))
    comes(gate, staff, 200, "the first good set")
    assert gate.admin("/readyz").status == 200


def test_configuration_reload(start, issuer, staff):
    """Another issuer comes in without a restart; a broken configuration changes nothing."""
    gate = start()
    issuers = gate.config["issuers"]
    gate.write("postern.yaml", "version: 1\nlisteners: [\n")
    gate.signal(signal.SIGHUP)
    raw.wait_for(lambda: "postern.yaml" in gate.stderr(), LONG, why="words about the configuration")
    assert gate.get("/x", staff).status == 200
    gate.write_config(issuers={issuer.name: {**issuers[issuer.name], "audience": "another"}})
    gate.signal(signal.SIGHUP)
    comes(gate, staff, 401, "the new audience")
    gate.write_config(issuers=issuers)
    gate.signal(signal.SIGHUP)
    comes(gate, staff, 200, "the old audience")


def test_what_needs_a_restart_says_so(start, staff):
    gate = start()
    gate.write_config(workers=1)
    gate.signal(signal.SIGHUP)
    raw.wait_for(lambda: "restart" in gate.stderr(), LONG, why="words about the restart")
    assert gate.get("/x", staff).status == 200


def test_broken_configuration_at_start(start):
    gate = start(ready=False)
    gate.expect_alarm = True
    gate.write("postern.yaml", "version: 1\nlisteners:\n  - {adress: \"127.0.0.1:1\", front: direct}\nworkers: none\n")
    gate.start(ready=False)
    assert gate.process.wait(LONG) == 1
    assert "adress" in gate.stderr() and "address" in gate.stderr() and "workers" in gate.stderr(), "all errors, with a hint"


def test_broken_policy_at_start(start, origin, staff):
    """It runs, says that it is not ready, refuses everybody, and lets in with the first good set."""
    gate = start(ready=False)
    gate.expect_alarm = True
    gate.write("policies/10-apps.yaml", "version: 1\nrule: []\n")
    gate.start(ready=False)
    raw.wait_for(lambda: "event=not-ready" in gate.stderr(), LONG, why="the word that it runs")
    assert "event=ready" not in gate.stderr() and gate.admin("/readyz").status == 503
    answer = gate.get("/x", staff)
    assert answer.status == 503 and gate.record(answer)["decision"]["effect"] == "deny"
    gate.policy(standard_policy(origin.url))
    gate.journal.wait(kind="policy.loaded", seconds=LONG)
    raw.wait_for(lambda: gate.admin("/readyz").status == 200, LONG, why="readiness")
    assert gate.get("/x", staff).status == 200


def test_reload_under_load_drops_nothing(start, origin, staff, contractor):
    gate = start()
    stop, errors, statuses = threading.Event(), [], []

    def load(token):
        conn = gate.connect()
        while not stop.is_set():
            try:
                conn.send(raw.head("GET", "/stock/1", token=token))
                statuses.append(conn.read().status)
            except Exception as e:          # noqa: BLE001
                errors.append(repr(e))
                conn = gate.connect()
        conn.close()

    workers = [threading.Thread(target=load, args=(t,)) for t in (staff, contractor) * 4]
    for w in workers:
        w.start()
    try:
        for i in range(8):
            policy = standard_policy(origin.url) if i % 2 else without_staff(origin.url)
            policy["rules"].append({"id": "round-%d" % i, "effect": "deny", "who": {"groups": ["nobody"]}, "to": "everything"})
            gate.policy(policy)
            gate.journal.wait(kind="policy.loaded", count=i + 2, seconds=LONG)
    finally:
        stop.set()
        for w in workers:
            w.join()
    assert not errors, errors[:3]
    assert set(statuses) <= {200, 403} and statuses.count(200) > 0


def test_warnings_of_a_large_set_do_not_fill_the_log(start, origin):
    """Each load of ten thousand rules would tell what hardly changes; check tells all."""
    policy = standard_policy(origin.url)
    policy["rules"] += [{"id": "odd-%d" % i, "effect": "deny", "who": {"claims": {"unheard-of": ["x"]}}, "to": "everything"}
                        for i in range(150)]
    gate = start()
    gate.policy(policy)
    told = lambda: [line for line in gate.stderr().splitlines() if "event=reload.finding" in line]
    raw.wait_for(lambda: told() and "more; postern policy check tells all" in told()[-1], LONG, 0.05, "the last line")
    assert len(told()) == 101 and len([line for line in told() if "code=absent-claim" in line]) > 90
