"""What a record says: each kind has its fields, with values that hold."""

import json
import os
import re
import ssl
import subprocess
import time

import pytest

from harness import raw
from harness.ports import free_port
from harness.jwks import JwksServer
from harness.proxy import BINARY, SLOWNESS, command, dump, standard_policy
from harness.tokens import Issuer

from test_websocket import open_socket

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
HEX64 = re.compile(r"[0-9a-f]{64}")


@pytest.fixture(scope="module")
def gate(start_shared, authority, origin):
    cert, key, _ = authority.issue("inventory.example", stem="records")
    plain, secure, behind = free_port(), free_port(), free_port()
    g = start_shared(listeners=[
        {"address": "127.0.0.1:%d" % plain},
        {"address": "127.0.0.1:%d" % behind, "front": {"forwarded": {"trusted": ["127.0.0.1/32"]}}},
        {"address": "127.0.0.1:%d" % secure, "tls": {"certificates": [{"cert": cert, "key": key}]}}])
    g.port, g.tls_port, g.behind = plain, secure, behind
    return g


def common(record):
    """What every line has, the last two by the writer."""
    assert TIME.fullmatch(record["time"]) and record["node"] and re.fullmatch("[0-9a-f]{16}", record["boot"])
    assert list(record)[-2:] == ["seq", "prev"] and HEX64.fullmatch(record["prev"])


def test_allowed_request(gate, issuer):
    token = issuer.person("eva", ["staff"], amr=["pwd", "otp"], acr="high", auth_time=int(time.time()) - 60, company="Acme")
    answer = gate.request("POST", "//stock/%41?secret=1", token, headers=["User-Agent: tester/1.0"], body=b"abcde")
    r = gate.record(answer)
    common(r)
    assert (r["app"], r["protocol"], r["method"], r["host"]) == ("inventory", "http", "POST", "inventory.example")
    assert (r["path"], r["path_normal"], r["agent"]) == ("//stock/%41", "/stock/A", "tester/1.0")
    assert "secret" not in json.dumps(r), "the query is dropped"
    assert r["client"] == {"address": "127.0.0.1", "front": "direct"}
    who = r["identity"]
    assert (who["kind"], who["issuer"], who["subject"], who["email"]) == ("human", issuer.url, "eva", "eva@example.com")
    assert who["groups"] == ["staff"] and who["email_verified"] is True and who["claims"]["company"] == "Acme"
    auth = r["auth"]
    assert auth["amr"] == ["pwd", "otp"] and auth["acr"] == "high" and auth["alg"] == "RS256" and auth["kid"] == "demo-rs256"
    assert auth["time"] < auth["expires"] == r["decision"]["valid_until"]
    assert (r["decision"]["effect"], r["decision"]["reason"], r["decision"]["rules"]) == ("allow", "allow", ["staff-all"])
    assert HEX64.fullmatch(r["policy"]["digest"]) and r["policy"]["generation"] >= 1
    assert r["facts"]["public"] is False and r["facts"]["clock_good"] is True and abs(r["facts"]["now"] - time.time()) < 60
    up = r["upstream"]
    assert up["address"].startswith("http://127.0.0.1:") and up["ip"] == "127.0.0.1" and up["status"] == 200
    assert up["first_byte_us"] >= 0 and ("connect_us" in up or up["reused"])
    assert (r["status"], r["bytes_in"], r["end"]) == (200, 5, "complete") and r["bytes_out"] == len(answer.body)
    assert 0 < r["decision_us"] < r["duration_us"] < 10 * 1000 * 1000 * SLOWNESS


def test_refused_request(gate, suspended):
    r = gate.record(gate.get("/x", suspended))
    common(r)
    assert (r["decision"]["effect"], r["decision"]["reason"], r["decision"]["rules"]) == ("deny", "deny-rule", ["no-suspended"])
    assert "who.groups" in r["decision"]["causes"] and "upstream" not in r and r["status"] == 403 and r["end"] == "refused"


def test_nobody_and_bad_tokens(gate, issuer):
    r = gate.record(gate.get("/x"))
    assert r["decision"]["reason"] == "auth.none" and "identity" not in r and "token" not in r["decision"]
    r = gate.record(gate.get("/x", issuer.person("eva", exp=1000)))
    assert r["decision"]["reason"] == "auth.none" and "exp" in r["decision"]["token"] and "identity" not in r


def test_malformed_request(gate):
    r = gate.record(gate.raw(b"GET /x HTTP/1.1\r\nHost : inventory.example\r\n\r\n"))
    common(r)
    assert (r["decision"]["reason"], r["status"], r["end"]) == ("field.space-before-colon", 400, "bad-request")


def test_answers_of_our_own(gate, issuer):
    """Nobody was let in and nobody refused: neither `allow` nor `deny` finds them, and no rule is asked again about them."""
    before = gate.metrics()["postern_own_answers_total"]
    answer = gate.request("OPTIONS", "*")
    assert answer.status == 204
    r = gate.journal.wait(kind="decision", decision__reason="options-asterisk")
    common(r)
    assert (r["decision"], r["status"], r["end"]) == ({"effect": "own", "reason": "options-asterisk"}, 204, "own-answer")
    assert "app" not in r and "upstream" not in r and "identity" not in r
    assert gate.metrics()["postern_own_answers_total"] == before + 1

    def query(*args):
        out = subprocess.run([BINARY, "audit", "query", "--file", gate.path("access.jsonl"), "--json", *args],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return [json.loads(line) for line in out.stdout.splitlines()], out
    found = query("--effect", "own")[0]
    assert r["id"] in [o["id"] for o in found] and {o["decision"]["effect"] for o in found} == {"own"}
    assert all(o["id"] != r["id"] for effect in ("allow", "deny", "none") for o in query("--effect", effect)[0])
    wrong = query("--effect", "maybe")[1]
    assert wrong.returncode == 2 and "allow, deny, own or none" in wrong.stderr
    told = subprocess.run([BINARY, "policy", "replay", "--log", gate.path("access.jsonl"), "--policy", gate.path("policies")],
                          stdout=subprocess.PIPE, text=True).stdout
    assert "2 that no rule decided" in told, told


def test_client_that_leaves_while_keys_are_fetched(start):
    """It was not refused, least of all for want of a policy."""
    issuer = Issuer("remote", "https://remote.example")
    server = JwksServer(issuer.jwks())
    try:
        gate = start(issuer=issuer, config={"issuers": {issuer.name: {
            "issuer": issuer.url, "audience": "postern", "jwks_url": server.url, "algs": list(issuer.algs)}}})
        assert gate.get("/x", issuer.person("eva", ["staff"])).status == 200
        server.delay = 2.0 * SLOWNESS
        asked = server.fetches
        token = issuer.keys["RS256"].token(issuer.claims("eva"), {"kid": "new"})
        with gate.connect() as c:
            c.send(("GET /left HTTP/1.1\r\nHost: inventory.example\r\nAuthorization: Bearer %s\r\n\r\n" % token).encode())
            raw.wait_for(lambda: server.fetches > asked, 5 * SLOWNESS, why="the keys are asked for")
        r = gate.journal.wait(kind="decision", path="/left")
        common(r)
        assert (r["decision"], r["end"]) == ({"effect": "none", "reason": "undecided"}, "client-abort")
        assert r["app"] == "inventory" and "identity" not in r and "upstream" not in r
    finally:
        server.stop()


def test_a_shadows_errors_are_not_the_rules_errors(start):
    """policy.failed names why the files were refused; the shadow refuses nothing, and its errors are warnings."""
    gate = start(ready=False)
    os.mkdir(gate.path("shadow"))
    gate.write("shadow/a.yaml", dump(standard_policy("http://127.0.0.1:1")))
    gate.arguments = ["--shadow", gate.path("shadow")]
    gate.start()
    gate.write("shadow/a.yaml", "version: 1\nshadowy: {}\n")
    raw.wait_for(lambda: "shadowy" in gate.stderr(), 10 * SLOWNESS, why="the broken shadow is told")
    gate.write("policies/20-more.yaml", "version: 1\ndefin: {}\n")
    failed = gate.journal.wait(kind="policy.failed")
    common(failed)
    assert len(failed["errors"]) == 1 and failed["errors"][0].startswith("20-more.yaml:2:1: "), failed["errors"]
    raw.wait_for(lambda: "reload.refused" in gate.stderr(), 10 * SLOWNESS, why="the refusal is told")
    log = [line for line in gate.stderr().splitlines() if "reload.f" in line]
    about_shadow = [line for line in log if "shadow" in line]
    assert len(about_shadow) >= 2 and all("reload.finding" in line for line in about_shadow), log
    assert [line for line in log if "reload.failed" in line and "defin" in line] == [line for line in log if "reload.failed" in line]


def test_public_path(gate, staff):
    r = gate.record(gate.get("/public/x", staff))
    assert r["decision"]["reason"] == "public-path" and "identity" not in r and r["facts"]["public"] is True


def test_tls_and_a_front(gate, authority, staff):
    ctx = raw.client_tls(authority.ca)
    r = gate.record(raw.request(gate.tls_port, target="/x", token=staff, tls=ctx, sni="inventory.example"))
    assert r["client"]["tls"] == "TLSv1.3" and r["client"]["cipher"].startswith("TLS_")
    assert r["client"]["group"] == "x25519" and "claimed" not in r["client"]
    ctx.set_ecdh_curve("prime256v1")
    r = gate.record(raw.request(gate.tls_port, target="/x", token=staff, tls=ctx, sni="inventory.example"))
    assert r["client"]["group"] == "secp256r1"
    ctx.maximum_version = ssl.TLSVersion.TLSv1_2
    r = gate.record(raw.request(gate.tls_port, target="/x", token=staff, tls=ctx, sni="inventory.example"))
    assert (r["client"]["tls"], r["client"]["group"]) == ("TLSv1.2", "secp256r1")
    answer = raw.request(gate.behind, target="/x", token=staff, headers=["X-Forwarded-For: 203.0.113.9"])
    assert gate.record(answer)["client"] == {"address": "203.0.113.9", "peer": "127.0.0.1", "front": "forwarded"}


def test_what_a_client_claims(gate, staff):
    """An address in a header that nobody vouches for is told as that, and decides nothing."""
    r = gate.record(gate.get("/x", staff, headers=['X-Forwarded-For: 6.6.6.6", "x": "' + "y" * 500]))
    assert r["client"] == {"address": "127.0.0.1", "claimed": ('6.6.6.6", "x": "' + "y" * 500)[:128], "front": "direct"}
    r = gate.record(gate.get("/x", staff, headers=["Forwarded: for=6.6.6.6"]))
    assert r["client"]["claimed"] == "for=6.6.6.6"
    r = gate.record(raw.request(gate.behind, target="/x", token=staff, headers=["X-Forwarded-For: 6.6.6.6, 203.0.113.9"]))
    assert r["client"] == {"address": "203.0.113.9", "peer": "127.0.0.1", "claimed": "6.6.6.6", "front": "forwarded"}


def test_spoof_attempts(start, staff):
    """In the decision, and in a record of its own: one a second and client, and what is left out is counted."""
    gate = start(config={"workers": 1})
    answer = gate.get("/x", staff, headers=["X-Auth-User: root", "Remote_User: root"])
    assert answer.status == 200
    r = gate.record(answer)
    assert r["spoof_attempts"] == 2 and "root" not in json.dumps(r)
    spoof = gate.journal.wait(kind="spoof_attempt")
    common(spoof)
    assert spoof["id"] == r["id"] and spoof["app"] == "inventory" and spoof["client"] == r["client"]
    assert spoof["headers"] == ["X-Auth-User", "Remote_User"] and spoof["spoof_attempts"] == 2 and "untold" not in spoof
    assert spoof["identity"] == {"issuer": r["identity"]["issuer"], "subject": "eva"} and "root" not in json.dumps(spoof)
    row = subprocess.run([BINARY, "audit", "query", "--file", gate.path("access.jsonl"), "--table", "--kind", "spoof_attempt"],
                         stdout=subprocess.PIPE, text=True).stdout
    assert " spoof_attempt eva app=inventory X-Auth-User (and 1 more)" in re.sub(" +", " ", row), row
    wrong = subprocess.run([BINARY, "audit", "query", "--file", gate.path("access.jsonl"), "--kind", "nonsense"],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert wrong.returncode == 2 and "login.failed, step_up" in wrong.stderr and "nonsense" not in wrong.stdout
    began = time.monotonic()
    n = 200
    for i in range(n):
        assert gate.get("/flood", headers=["X-Auth-User: root"]).status == 401
    raw.wait_for(lambda: len(gate.journal.find(kind="decision", path="/flood")) == n, 10 * SLOWNESS, why="the decisions")
    most = 1 + time.monotonic() - began
    told = gate.journal.find(kind="spoof_attempt")
    assert len(told) - 1 <= most, "no more than one a second"
    untold = gate.metrics()["postern_spoof_attempts_untold_total"]
    assert untold == n + 1 - len(told)
    raw.wait_for(lambda: gate.get("/after", headers=["X-Auth-User: root"]).status == 401
                 and len(gate.journal.find(kind="spoof_attempt")) > len(told), 10 * SLOWNESS, 0.1, "the next record")
    spoofs = gate.journal.find(kind="spoof_attempt")
    assert sum(r.get("untold", 0) for r in spoofs) >= untold and "identity" not in spoofs[-1]


def test_websocket(gate, staff):
    with open_socket(gate, staff) as s:
        s.send(b"hello")
        s.read()
    begin = gate.journal.wait(kind="visit.start")
    end = gate.journal.wait(kind="visit.end", id=begin["id"])
    for r in (begin, end):
        common(r)
        assert r["protocol"] == "websocket" and r["identity"]["subject"] == "eva" and r["decision"]["rules"] == ["staff-all"]
    assert "status" not in begin and end["status"] == 101 and end["bytes_in"] > 5 and end["bytes_out"] > 5


def test_query_is_hashed_when_told(start, staff):
    """Equal queries can be recognised, and none can be read."""
    gate = start(config={"audit": {"file": "access.jsonl", "query": "hash"}})
    same = [gate.record(gate.get("/x?token=abc", staff))["query_sha256"] for _ in range(2)]
    other = gate.record(gate.get("/x?token=abd", staff))["query_sha256"]
    assert same[0] == same[1] != other and HEX64.fullmatch(other)
    assert "query_sha256" not in gate.record(gate.get("/x", staff))
    with open(gate.path("access.jsonl")) as f:
        assert "token=ab" not in f.read()


def test_a_long_path_hides_nobody(start, staff):
    """What makes the record longer than one may be is left out of it, and not who asked and what became of it."""
    gate = start(config={"limits": {"request_line": "64KiB"}})
    answer = gate.get("//" + "a" * 65500, staff)  # two paths: as received, and normal
    assert answer.status == 200
    r = gate.record(answer)
    common(r)
    assert r["shortened"] is True and "path" not in r and r["path_begins"] == "/" + "a" * 1023
    assert (r["app"], r["identity"]["subject"], r["decision"]["rules"]) == ("inventory", "eva", ["staff-all"])
    assert (r["client"]["address"], r["status"], r["end"]) == ("127.0.0.1", 200, "complete")


def test_rules_that_were_loaded(start, origin):
    """Which files, by what, and the commit of the checkout they lie in."""
    gate = start(ready=False)
    git = ["git", "-C", gate.folder, "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for args in (["init", "-q"], ["add", "policies"], ["commit", "-q", "-m", "rules"]):
        if subprocess.run(git + args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            pytest.skip("git is not here")
    commit = subprocess.run(git + ["rev-parse", "HEAD"], stdout=subprocess.PIPE, text=True).stdout.strip()
    gate.start()
    first = gate.journal.wait(kind="policy.loaded")
    common(first)
    assert first["trigger"] == "start" and first["commit"] == commit and first["policy"]["generation"] == 1
    assert [f["name"] for f in first["files"]] == ["10-apps.yaml"] and first["removed"] == []
    assert HEX64.fullmatch(first["files"][0]["digest"]) and TIME.fullmatch(first["files"][0]["modified"]) and "owner" in first["files"][0]
    gate.write("policies/20-more.yaml", "version: 1\ndefine: {groups: {g: [a]}}\n")
    second = gate.journal.wait(kind="policy.loaded", count=2)
    assert [f["name"] for f in second["files"]] == ["20-more.yaml"] and second["policy"]["generation"] == 2
    gate.write("policies/20-more.yaml", "version: 1\ndefin: {}\n")
    failed = gate.journal.wait(kind="policy.failed")
    common(failed)
    assert (failed["files"], failed["removed"], failed["changed_total"]) == ([], [], 0), "nothing came into force"
    assert len(failed["errors"]) == 1 and failed["errors"][0].endswith(' (did you mean "define"?)')
    os.unlink(gate.path("policies/20-more.yaml"))
    assert gate.journal.wait(kind="policy.loaded", count=3)["removed"] == ["20-more.yaml"]
    rows = command("audit", "query", "--table", "--config", gate.path("postern.yaml")).stdout.splitlines()
    told = [re.split(r" - +", row, 1)[1] for row in rows if "policy." in row]
    assert told[:2] + told[3:] == ["trigger=start 10-apps.yaml", "trigger=change 20-more.yaml",
                                   "trigger=change removed 20-more.yaml"], rows
    assert told[2].startswith("trigger=change 20-more.yaml:2:1: ") and "did you mean" in told[2]
    assert "defin" in json.dumps(failed["errors"]) and ".yaml:" in failed["errors"][0] and failed["policy"]["generation"] == 2


def test_writers_own_records(start, staff):
    """The first of a file and the last before the end: the key, the tree, a signed note."""
    gate = start()
    gate.record(gate.get("/x", staff))
    assert gate.stop() == 0
    gate.journal.refresh()
    first, last = gate.journal.records[0], gate.journal.records[-1]
    assert first["kind"] == "journal" and first["format"] == 1 and first["seq"] == 1 and first["prev"] == "0" * 64
    assert last["kind"] == "checkpoint" and last["size"] == last["seq"] - 1 and "postern/audit/" in last["note"]
    with open(gate.path("state/keys/checkpoint.pub")) as f:
        assert first["key"] == f.read().strip()
    for record in gate.journal.records:
        common(record)
