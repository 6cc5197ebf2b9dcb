"""Every line of the HTTP rules that needs no session, as rows of the table in http_rules.py."""

import json
import os

import pytest

import http_rules as table
from harness import raw
from harness.origin import Origin
from harness.proxy import allow, app, standard_policy


@pytest.fixture(scope="module")
def own_origin():
    """An upstream that nobody else talks to: what it saw, a row sent."""
    o = Origin()
    yield o
    o.close()


@pytest.fixture(scope="module")
def gate(start_shared, own_origin):
    policy = standard_policy(own_origin.url)
    policy["apps"].append(app("wild", own_origin.url, host="*.wild.example"))
    policy["rules"].append(allow("wild-staff", to={"apps": ["wild"]}))
    return start_shared(policies={"10-apps.yaml": policy})


@pytest.mark.parametrize("row", table.ROWS, ids=lambda r: r.id)
def test_refused_message(gate, own_origin, staff, row):
    wanted = row.status if isinstance(row.status, tuple) else (row.status,)
    before = len(own_origin.requests("/x"))
    with gate.connect() as c:
        try:
            c.send(row.data.replace(b"{token}", b"Authorization: Bearer " + staff.encode() + b"\r\n", 1))
        except (BrokenPipeError, ConnectionResetError):
            pass        # refused while we were still sending: the answer is there all the same
        answer = c.read()
        assert answer.status in wanted, answer
        assert not row.closes or c.is_closed(), "the connection stays open"
    if row.data not in [d for _, d, _ in table.CHUNKS]:
        assert len(own_origin.requests("/x")) == before, "the upstream saw it"
    assert gate.alive()


def test_refused_messages_are_in_the_log(gate, staff):
    answer = gate.raw(table.field(b"X-A : b").replace(b"{token}", b""))
    record = gate.record(answer)
    assert record["status"] == 400 and record["decision"]["effect"] == "deny"


def test_good_message_passes(gate, staff):
    """The table's own skeleton is right: without a fault it is answered by the upstream."""
    fill = lambda data: data.replace(b"{token}", b"Authorization: Bearer " + staff.encode() + b"\r\n", 1)
    for data in (table.field(b"X-A: b"), table.post(b"Content-Length: 1", b"a"), table.chunked(b"1;a=b\r\na\r\n0\r\n\r\n"),
                 table.chunked(b"1\r\na\r\n0\r\nX-A: b\r\n\r\n"), b"\r\n" + table.field(b"X-A:b"),
                 table.target(b"/" + b"a" * 8000), table.field(b"X-A: " + b"a" * 20000),
                 table.field(b"\r\n".join(b"X-%d: a" % i for i in range(95))), table.field(b"X-A: \xc3\xa4\tb"),
                 table.line(b"GET /x HTTP/1.0", b"")):
        answer = gate.raw(fill(data))
        assert answer.status == 200, (data[:60], answer)


@pytest.mark.parametrize("path", table.PATHS_REFUSED)
def test_refused_path(gate, staff, path):
    answer = gate.get(path, staff)
    assert answer.status == 400, answer
    assert gate.record(answer)["decision"]["reason"] == "input:path"


@pytest.mark.parametrize("sent, seen", table.PATHS_NORMAL)
def test_normal_path(gate, staff, sent, seen):
    answer = gate.get(sent, staff)
    assert answer.status == 200, answer
    assert answer.json["target"] == seen


@pytest.mark.parametrize("host", table.HOSTS_REFUSED)
def test_unknown_host(gate, staff, host):
    answer = gate.get("/x", staff, host=host)
    assert answer.status in ((421,) if host.count(":") != 1 or "evil" not in host else (400, 421)), answer
    assert "inventory" not in answer.text.replace(host, ""), "a hint at what there is"
    if answer.status == 421:
        assert gate.record(answer)["decision"]["reason"] == "input:host"


@pytest.mark.parametrize("host", table.HOSTS_ACCEPTED)
def test_known_host(gate, staff, host):
    answer = gate.get("/x", staff, host=host)
    assert answer.status == 200, answer
    assert gate.record(answer)["app"] == "inventory"


@pytest.mark.parametrize("host, status", [("a.wild.example", 200), ("A.WILD.Example", 200), ("A.wild.example.", 200),
                                          ("wild.example", 421), ("a.b.wild.example", 421), (".wild.example", 400),
                                          ("evil-wild.example", 421)])
def test_wildcard_host(gate, staff, contractor, host, status):
    assert gate.get("/x", staff, host=host).status == status
    assert gate.get("/x", contractor, host=host).status == (403 if status == 200 else status)


def received(answer):
    return {n.lower(): v for n, v in answer.json["headers"]}


WAYS = {
    "plain": ("/x", []),
    "1.0": ("/x", []),
    "public": ("/public/x", []),
    "websocket": ("/ws", ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]),
}


def seen_by_upstream(gate, way, token, fields):
    """The header list that the upstream received, as text."""
    path, more = WAYS[way]
    version = "HTTP/1.0" if way == "1.0" else "HTTP/1.1"
    with gate.connect() as c:
        c.send(raw.head("GET", path, token=token, headers=more + fields, version=version))
        answer = c.read()
        if way == "websocket":
            assert answer.status == 101, answer
            size = c.take(2)[1]
            return c.take(int.from_bytes(c.take(2), "big") if size == 126 else size).decode()
        assert answer.status == 200, answer
        return json.dumps(answer.json["headers"])


@pytest.mark.parametrize("way", WAYS)
def test_spoofed_headers_never_arrive(gate, staff, way):
    got = []
    for name in table.STRIPPED:
        if name == "X-Postern-Token":
            continue        # a credential: what is in it must hold
        if "spoof" in seen_by_upstream(gate, way, staff, [name + ": spoof"]):
            got.append(name)
    assert got == []


@pytest.mark.parametrize("way", WAYS)
def test_own_headers_arrive(gate, staff, way):
    seen = {n.lower(): v for n, v in json.loads(seen_by_upstream(gate, way, staff, []))}
    assert seen["host"] == "inventory.example"
    assert seen["x-forwarded-for"] == "127.0.0.1" and seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-host"] == "inventory.example" and seen["x-request-id"]
    assert "authorization" not in seen
    if way == "public":
        assert "x-auth-user" not in seen, "a public path is visited without identity"
    else:
        assert (seen["x-auth-user"], seen["x-auth-email"], seen["x-auth-groups"]) == ("eva", "eva@example.com", "staff")


def test_connection_names_a_field(gate, staff):
    seen = received(gate.get("/x", staff, headers=["Connection: X-Hop, close", "X-Hop: 1", "X-Keep: 1"]))
    assert "x-hop" not in seen and seen["x-keep"] == "1"


@pytest.mark.parametrize("name", ["X-Auth-User", "X-Forwarded-For", "X-Request-Id", "Host", "Authorization",
                                  "Content-Length", "X-Auth-Email"])
def test_connection_cannot_name_ours(gate, staff, name):
    answer = gate.request("POST", "/x", staff, headers=["Connection: keep-alive, " + name], body=b"abc")
    assert answer.status in (200, 400), answer
    if answer.status == 200:
        seen = received(answer)
        assert seen["x-auth-user"] == "eva" and seen["x-forwarded-for"] == "127.0.0.1"
        assert seen["host"] == "inventory.example" and answer.json["body_bytes"] == 3


def test_our_cookies_stay_here(gate, staff):
    seen = received(gate.get("/x", staff, headers=["Cookie: a=1; __Host-Http-postern=x; b=2; postern-login=y"]))
    assert "a=1" in seen["cookie"] and "b=2" in seen["cookie"] and "postern" not in seen["cookie"]


def test_foreign_authorization_passes_and_proves_nothing(gate):
    assert gate.get("/x", headers=["Authorization: Basic YTpi"]).status == 401
    assert received(gate.get("/public/x", headers=["Authorization: Basic YTpi"]))["authorization"] == "Basic YTpi"


@pytest.mark.parametrize("name, value", table.NO_FREE_PASS)
def test_no_free_pass(gate, own_origin, name, value):
    before = len(own_origin.requests("/x"))
    answer = gate.get("/x", headers=[(name, value)])
    assert answer.status in (400, 401), answer
    assert len(own_origin.requests("/x")) == before
    assert gate.alive()


@pytest.mark.parametrize("target", ["/x?/public/x", "/x?a=/public/", "/x%23/public/x", "/xpublic/x", "/PUBLIC/x", "/publicx"])
def test_not_a_public_path(gate, target):
    assert gate.get(target).status == 401


@pytest.mark.parametrize("target", ["/public/x", "/public", "/public/", "//public/x", "/%70ublic/x"])
def test_public_path(gate, target):
    answer = gate.get(target)
    assert answer.status == 200, answer
    record = gate.record(answer)
    assert record["decision"]["reason"] == "public-path" and not record.get("identity")


@pytest.mark.parametrize("target", ["/admin", "/admin/stock", "/stock%23/../admin", "/admin?x=/stock/1", "/admin%23/stock",
                                    "/stockx", "/STOCK/1", "/stock%2f..%2fadmin", "/stock/;/../admin"])
def test_contractor_stays_in_the_rule(gate, contractor, target):
    assert gate.get(target, contractor).status in (400, 403)


@pytest.mark.parametrize("target", ["/stock", "/stock/", "/stock/1/2", "//stock//1", "/%73tock/1"])
def test_contractor_reaches_the_rule(gate, contractor, target):
    assert gate.get(target, contractor).status == 200


def test_methods_compare_exactly(gate, contractor):
    assert gate.request("POST", "/stock/1", contractor, body=b"").status == 200
    for method in ("PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
        assert gate.request(method, "/stock/1", contractor).status == 403, method


def test_options_asterisk_is_ours(gate, own_origin):
    answer = gate.request("OPTIONS", "*")
    assert answer.status == 204 and not own_origin.requests("*")


@pytest.mark.parametrize("target", ["/.postern/", "/.postern/x", "//.postern/x", "/%2Epostern/x", "/.postern"])
def test_own_pages_are_never_forwarded(gate, own_origin, staff, target):
    answer = gate.get(target, staff)
    assert answer.status in (400, 404), answer
    assert not [r for r in own_origin.seen if "postern" in r.path]


def test_health_answers_any_host(gate):
    for host in ("inventory.example", "10.0.0.1", "nobody.example"):
        answer = gate.get("/.postern/health", host=host)
        assert answer.status == 200 and len(answer.body) < 32, answer


def test_spoof_attempt_is_recorded(gate, staff):
    answer = gate.get("/x", staff, headers=["X_Auth_User: root"])
    gate.journal.wait(test=lambda r: "spoof" in json.dumps(r) and answer.id in json.dumps(r))


def test_empty_post(gate, staff):
    assert gate.raw(table.line(b"POST /x HTTP/1.1").replace(b"{token}", b"Authorization: Bearer " + staff.encode() + b"\r\n")).json["body_bytes"] == 0


@pytest.mark.parametrize("groups, seen", [(["staff", "b"], "staff,b"), (["staff", "a,b"], None),
                                          (["staff", "\u00e4"], "staff,\u00e4")])
def test_list_claim_in_a_header(gate, issuer, groups, seen):
    got = received(gate.get("/x", issuer.person("eva", groups)))
    text = got.get("x-auth-groups")
    assert (text.encode("latin-1").decode() if text else text) == seen


def test_missing_claim_leaves_the_header_out(gate, issuer):
    got = received(gate.get("/x", issuer.token("eva", groups=["staff"]), headers=["X-Auth-Email: spoof"]))
    assert got["x-auth-user"] == "eva" and "x-auth-email" not in got


def test_trailers_are_dropped(gate, staff):
    """Of the request; those of the answer are in test_bodies."""
    data = table.chunked(b"3\r\nabc\r\n0\r\nX-Auth-User: root\r\nX-Trailer: 1\r\n\r\n").replace(
        b"{token}", b"Trailer: X-Trailer\r\nAuthorization: Bearer " + staff.encode() + b"\r\n")
    answer = gate.raw(data)
    seen = received(answer)
    assert answer.json["body_bytes"] == 3 and seen["x-auth-user"] == "eva" and "x-trailer" not in seen


def test_header_left_out_is_recorded(gate, issuer):
    answer = gate.get("/x", issuer.person("eva", ["staff", "a,b"]))
    assert gate.record(answer)["headers_left_out"] == 1
    assert "headers_left_out" not in gate.record(gate.get("/x", issuer.person("eva", ["staff"])))


def test_keepalive_on_both_sides(gate, staff):
    """The kernel probes for peers that are gone: every connection of the process has its timer set."""
    with gate.connect() as c:
        c.send(raw.head("GET", "/x", token=staff)).read()
        mine = c.sock.getsockname()[1]
        inodes = {os.readlink("/proc/%d/fd/%s" % (gate.pid, fd))[8:-1] for fd in os.listdir("/proc/%d/fd" % gate.pid)
                  if os.readlink("/proc/%d/fd/%s" % (gate.pid, fd)).startswith("socket:")}
        timers = {}
        with open("/proc/net/tcp") as f:
            for line in list(f)[1:]:
                fields = line.split()
                if fields[9] in inodes and fields[3] == "01":
                    timers[int(fields[2].split(":")[1], 16)] = fields[5].split(":")[0]
    assert mine in timers and len(timers) >= 2, timers
    assert set(timers.values()) <= {"02"}, "02 is the keepalive timer: %s" % timers


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_head_has_the_answers_length_and_no_body(gate, staff, version):
    with gate.connect() as c:
        c.send(raw.head("HEAD", "/bytes?n=5000", token=staff, version=version, headers=["Connection: keep-alive"]))
        answer = c.read("HEAD")
        assert answer.status == 200 and answer.get("Content-Length") == "5000" and not c.buf
        c.send(raw.head("GET", "/x", token=staff))
        assert c.read().json["target"] == "/x", "bytes of a body that HEAD does not have"
