"""Allowed or refused: the answer and the line in the log say the same."""

import json


def test_allowed_request_and_its_record(gate, issuer, staff):
    answer = gate.get("/stock/7?x=1", staff)
    assert answer.status == 200 and answer.json["target"] == "/stock/7?x=1"
    r = gate.record(answer)
    assert (r["app"], r["method"], r["host"], r["status"]) == ("inventory", "GET", "inventory.example", 200)
    assert (r["identity"]["issuer"], r["identity"]["subject"]) == (issuer.url, "eva")
    assert r["identity"]["email"] == "eva@example.com"
    assert r["decision"]["effect"] == "allow" and r["decision"]["reason"] == "allow"
    assert "staff-all" in r["decision"]["rules"]
    assert r["policy"]["digest"] and r["policy"]["generation"] >= 1
    assert r["client"]["address"].startswith("127.0.0.1")
    assert r["upstream"]["status"] == 200 and r["duration_us"] > 0
    assert r["time"].endswith("Z") and r["seq"] > 0 and r["boot"]


def test_upstream_sees_the_same_id(gate, staff):
    answer = gate.get("/x", staff)
    assert dict((n.lower(), v) for n, v in answer.json["headers"])["x-request-id"] == answer.id


def test_default_deny(gate, origin, contractor):
    answer = gate.get("/secret-deny", contractor)
    assert answer.status == 403 and not origin.requests("/secret-deny")
    r = gate.record(answer)
    assert (r["decision"]["effect"], r["decision"]["reason"], r["status"]) == ("deny", "default-deny", 403)
    assert r["identity"]["subject"] == "kim" and not (r.get("upstream") or {}).get("status")


def test_deny_rule_beats_allow(gate, suspended):
    answer = gate.get("/x", suspended)
    assert answer.status == 403
    r = gate.record(answer)
    assert r["decision"]["reason"] == "deny-rule" and r["decision"]["rules"] == ["no-suspended"]


def test_other_app_has_no_rule(gate, staff):
    answer = gate.get("/x", staff, host="reports.example")
    assert answer.status == 403 and gate.record(answer)["app"] == "reports"


def test_no_token(gate, origin):
    answer = gate.get("/secret-401")
    assert answer.status == 401 and not origin.requests("/secret-401")
    assert answer.get("WWW-Authenticate").startswith("Bearer")
    r = gate.record(answer)
    assert (r["decision"]["reason"], r["status"]) == ("auth.none", 401) and not r.get("identity")


def test_rule_names_do_not_leak(gate, contractor):
    for accept in ("text/html", "application/json"):
        answer = gate.get("/admin", contractor, headers=["Accept: " + accept])
        assert answer.status == 403
        for word in ("staff-all", "contractor-stock", "no-suspended", "staff"):
            assert word not in answer.text, word


def test_journal_never_holds_a_secret(gate, staff):
    answer = gate.get("/x?token=querysecret", staff, headers=["Cookie: a=cookiesecret", "X-Api-Key: keysecret"])
    gate.record(answer)
    with open(gate.path("access.jsonl")) as f:
        text = f.read()
    for word in (staff, staff.split(".")[2], "cookiesecret", "keysecret", "Bearer"):
        assert word not in text
    assert staff not in gate.stderr()


def test_hostile_bytes_do_not_break_a_line(gate, staff):
    agent = 'x","effect":"allow"\u007d\xe4\\n\t\x80'.encode("latin-1").decode("latin-1")
    answer = gate.get("/a%22%7d%0a".replace("%0a", ""), staff, headers=["User-Agent: " + agent])
    assert answer.status == 200
    assert gate.record(answer)["identity"]["subject"] == "eva" and not gate.journal.odd


def test_every_request_has_one_record(gate, staff):
    ids = [gate.get("/x%d" % i, staff).id for i in range(50)]
    assert len(set(ids)) == 50
    for i in ids:
        gate.journal.wait(id=i)
        assert len(gate.journal.find(id=i, kind="decision")) == 1


def test_bytes_each_way(gate, staff):
    r = gate.record(gate.request("POST", "/x", staff, body=b"a" * 1000))
    assert 1000 in json_numbers(r)


def json_numbers(value):
    if isinstance(value, dict):
        return [n for v in value.values() for n in json_numbers(v)]
    return [value] if isinstance(value, int) else []


def test_sequence_has_no_hole(gate, staff):
    gate.record(gate.get("/x", staff))
    numbers = [r["seq"] for r in gate.journal.records]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    json.dumps(gate.journal.records)
