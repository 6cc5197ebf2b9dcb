"""Rules that nobody should write, given to a running postern: what it says, what it keeps doing, and how soon."""

import collections
import json
import os
import shutil
import threading

import pytest

from harness import raw
from harness.proxy import ROOT, SLOWNESS, command, dump, standard_policy

GOLDEN = os.path.join(ROOT, "tests", "unit", "policy", "golden")
LONG = 20 * SLOWNESS
MANY = 100


def comes(gate, token, status, why, target="/x"):
    raw.wait_for(lambda: gate.get(target, token).status == status, LONG, 0.05, why)


def failing(gate):
    return gate.metrics()["postern_reload_failing"]


def fails(gate, change):
    """Makes the change, waits until it is refused, and gives what was written to the log meanwhile."""
    before = len(gate.stderr())
    count = gate.metrics()["postern_reload_failures_total"]
    change()
    raw.wait_for(lambda: failing(gate) == 1 and gate.metrics()["postern_reload_failures_total"] > count, LONG, 0.05,
                 "the refusal in the metrics")
    raw.wait_for(lambda: "reload.refused" in gate.stderr()[before:], LONG, 0.05, "the refusal in the log")
    return gate.stderr()[before:]


def put(gate, name, data):
    """As write, of bytes."""
    path = gate.path("policies/" + name)
    with open(path + "~new", "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    os.rename(path + "~new", path)


def one_rule(i):
    return {"version": 1, "rules": [
        {"id": "r%02d" % i, "effect": "deny", "who": {"groups": ["none-%02d" % i]}, "to": "everything"}]}


# ---- one broken file of a hundred -----------------------------------------------------------------------------

def test_one_broken_file_of_a_hundred(start, origin, staff):
    """The set from before decides, for every request of the meantime; the line is named; mended, it counts."""
    files = {"00-apps.yaml": standard_policy(origin.url), **{"%02d.yaml" % i: one_rule(i) for i in range(1, MANY)}}
    gate = start(policies=files)
    first = gate.record(gate.get("/x", staff))["policy"]
    stop, errors, statuses = threading.Event(), [], collections.Counter()

    def visit():
        conn = gate.connect()
        while not stop.is_set():
            try:
                conn.send(raw.head("GET", "/x", token=staff))
                statuses[conn.read().status] += 1
            except Exception as e:          # noqa: BLE001
                errors.append(repr(e))
                conn = gate.connect()
        conn.close()

    visitors = [threading.Thread(target=visit) for _ in range(4)]
    for v in visitors:
        v.start()
    try:
        broken = dump(one_rule(57)).replace("effect:", "effekt:")
        line = 1 + broken[:broken.index("effekt")].count("\n")
        said = fails(gate, lambda: put(gate, "57.yaml", broken))
        assert "policies/57.yaml:%d:" % line in said and 'did you mean' in said, said
        assert "effekt: deny" in said, "the source line"
        assert gate.record(gate.get("/x", staff))["policy"] == first, "the set from before"
        assert gate.admin("/readyz").status == 200
    finally:
        stop.set()
        for v in visitors:
            v.join()
    assert not errors and set(statuses) == {200} and statuses[200] > 10, (errors[:3], statuses)
    mended = one_rule(57)
    mended["rules"][0]["who"] = {"groups": ["staff"]}
    gate.policy(mended, "57.yaml")
    comes(gate, staff, 403, "the mended rule")
    raw.wait_for(lambda: failing(gate) == 0, LONG, 0.05, "the metric at rest")
    assert gate.record(gate.get("/x", staff))["policy"]["generation"] > first["generation"]


def test_all_errors_of_all_files_are_told_at_once(start, staff):
    gate = start()

    def change():
        os.mkdir(gate.path("next"))
        shutil.copy(gate.path("policies/10-apps.yaml"), gate.path("next"))
        for name, text in {"20-a.yaml": "version: 1\nrulez: []\n", "30-b.yaml": "version: 1\napps: [\n",
                           "40-c.yaml": "version: 1\n" + "".join("x%d: 1\n" % i for i in range(30))}.items():
            with open(gate.path("next/" + name), "w") as f:
                f.write(text)
        os.rename(gate.path("policies"), gate.path("old"))
        os.rename(gate.path("next"), gate.path("policies"))

    said = fails(gate, change)
    assert "20-a.yaml:2:1 " in said and "30-b.yaml:2:7 " in said and "40-c.yaml:21:1 " in said, said
    assert "40-c.yaml:22:" not in said and "and 10 more errors" in said, said
    assert gate.get("/x", staff).status == 200


# ---- the log is ours ------------------------------------------------------------------------------------------

def test_a_file_forges_no_line_of_the_log(start, staff):
    gate = start()
    said = fails(gate, lambda: put(gate, "20-a.yaml", 'version: 1\nrules:\n  - {id: a, title: "x\\n'
                                   'time=now level=info event=policy.loaded\\e[2J", effect: deny, who: anyone, to: everything}\n'))
    assert not any(line.startswith("time=now") for line in said.splitlines()), said
    assert "\x1b" not in said and "\\n" in said
    assert gate.get("/x", staff).status == 200


def test_a_line_of_a_megabyte_does_not_fill_the_log(start, staff):
    gate = start()
    names = ", ".join("n%06d" % i for i in range(110000))
    said = fails(gate, lambda: put(gate, "20-a.yaml", "{version: 1, define: {groups: {a: [%s]}}, rulez: []}\n" % names))
    assert "20-a.yaml:1:" in said and "rulez: []}" in said and len(said) < 4000, len(said)
    assert gate.get("/x", staff).status == 200


TOO_MUCH = {
    "too large": (b"version: 1\n" + b"#" * (1 << 20), "20-a.yaml"),
    "too deep": (b"version: 1\nrules: " + b"[" * 5000 + b"]" * 5000 + b"\n", "20-a.yaml:2:23"),
    "bomb": (b"version: 1\ndefine:\n  groups:\n    a: &a [x, x]\n" +
             b"".join(b"    g%d: &g%d [*%s, *%s]\n" % (i, i, p, p) for i, p in
                      enumerate([b"a"] + [b"g%d" % i for i in range(40)])), "20-a.yaml:4:8"),
    "utf-16": ("version: 1\n".encode("utf-16"), "20-a.yaml:1:1"),
    "a hidden line": ("version: 1\n# nothing\rrules: []\n".encode(), "20-a.yaml:2:10"),
    "unclosed": (b"version: 1\nrules: [\n", "20-a.yaml:2:8"),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_is_too_much_is_refused_at_its_place(start, staff, name):
    data, place = TOO_MUCH[name]
    gate = start()
    said = fails(gate, lambda: put(gate, "20-a.yaml", data))
    assert place in said and len(said) < 4000, said
    assert gate.get("/x", staff).status == 200
    os.unlink(gate.path("policies/20-a.yaml"))
    raw.wait_for(lambda: failing(gate) == 0, LONG, 0.05, "the error taken back")


def test_too_many_rules(start, staff):
    gate = start()

    def change():
        for k in range(6):
            lines = ["- {id: r%d-%d, effect: deny, who: {groups: [no]}, to: everything}\n" % (k, i) for i in range(8334)]
            put(gate, "2%d-many.yaml" % k, "version: 1\nrules:\n" + "".join(lines))

    # A set that is read between two writes may be good.
    count = gate.metrics()["postern_reload_failures_total"]
    change()
    raw.wait_for(lambda: gate.metrics()["postern_reload_failures_total"] > count, 3 * LONG, 0.1, "the refusal")
    assert "one too many: a set holds at most 50000 rules" in gate.stderr() and "25-many.yaml:" in gate.stderr()
    assert gate.get("/x", staff).status == 200


# ---- an expression that is given up ---------------------------------------------------------------------------

EVIL = "/(a+)+[bc]"
LONG_PATH = "/" + "a" * 4000 + "!"


@pytest.mark.parametrize("effect", ["allow", "deny", "require"])
def test_regex_at_its_limit(start, origin, staff, effect):
    """It is unknown: an allow lets nobody in, a deny and a require stop. Answer and record say why."""
    need = {"device": {"managed": True}} if effect == "require" else {}
    evil = {"id": "evil", "effect": effect, "who": {"groups": ["staff"]},
            "to": {"apps": ["inventory"], "paths_regex": [EVIL]}, **need}
    policy = standard_policy(origin.url)
    kept = [r for r in policy["rules"] if effect != "allow" or r["effect"] != "allow"]
    gate = start(policies={"10-apps.yaml": {**policy, "rules": kept + [evil]}})
    assert gate.get("/aaab", staff).status == (200 if effect == "allow" else 403), "a path that it matches"
    assert gate.get("/x", staff).status == (403 if effect == "allow" else 200), "one that it does not"
    answer = gate.get(LONG_PATH, staff)
    record = gate.record(answer)["decision"]
    assert answer.status == 403 and record["effect"] == "deny", record
    if effect != "allow":
        assert record["rules"] == ["evil"] and "regex-limit" in json.dumps(record), record


# ---- check ----------------------------------------------------------------------------------------------------

def test_check_reads_everything_that_is_wrong_in_one_pass(tmp_path):
    """All golden files as one set: words for each, at most twenty errors a file, JSON that can be read."""
    for name in os.listdir(GOLDEN):
        if name.endswith(".yaml"):
            shutil.copy(os.path.join(GOLDEN, name), tmp_path)
    done = command("policy", "check", "--format", "json", str(tmp_path), timeout=60)
    assert done.returncode == 1, done.stderr[-2000:]
    found = json.loads(done.stdout)["findings"]
    errors = collections.Counter(f["file"] for f in found if f["severity"] == "error")
    assert len(errors) > 300 and max(errors.values()) <= 20
    assert all(f["line"] and f["column"] and f["code"] and f["message"] for f in found if f["severity"] == "error")
    plain = command("policy", "check", str(tmp_path), timeout=60)
    assert plain.returncode == 1 and max(map(len, (plain.stdout + plain.stderr).splitlines())) < 500


def test_check_and_the_gate_say_the_same(start, tmp_path):
    text = "version: 1\nrules:\n  - {id: a, effect: deny, who: {users: [kim]}, to: {app: [x]}}\n"
    gate = start()
    said = fails(gate, lambda: put(gate, "20-a.yaml", text))
    done = command("policy", "check", "--format", "json", gate.path("policies"))
    errors = [f for f in json.loads(done.stdout)["findings"] if f["severity"] == "error"]
    assert len(errors) == 2
    for f in errors:
        assert "message=%s" % json.dumps(f["message"]) in said, (f, said)
        assert "at=%s:%d:%d code=%s" % (f["file"], f["line"], f["column"], f["code"]) in said, (f, said)
