"""An upstream that is away, slow or hostile: 502 or 504 with a reason, and never a half truth."""

import json
import socket

import pytest

from harness import origin as upstream
from harness import raw
from harness.origin import Origin
from harness.ports import free_port
from harness.proxy import allow, app, standard_policy

from test_bodies import rss_kib


@pytest.fixture(scope="module")
def gate(start_shared, origin, tmp_path_factory, authority):
    away = free_port()
    unix = Origin(unix=str(tmp_path_factory.mktemp("u") / "o.sock"), name="unix")
    good = Origin(tls=authority.server("localhost"), name="tls")
    wrong_name = Origin(tls=authority.server("other.example"))
    policy = standard_policy(origin.url)
    policy["apps"][0]["timeouts"] = {"connect": "1s", "first_byte": "1s"}
    more = [app("away", "http://127.0.0.1:%d" % away), app("unix", unix.url), app("no-socket", "unix:/nowhere/o.sock"),
            app("tls", good.url.replace("127.0.0.1", "localhost"), tls={"ca": authority.ca}),
            app("tls-unknown-ca", good.url.replace("127.0.0.1", "localhost")),
            app("tls-wrong-name", wrong_name.url.replace("127.0.0.1", "localhost"), tls={"ca": authority.ca}),
            app("tls-to-plain", origin.url.replace("http:", "https:"), tls={"ca": authority.ca}),
            app("no-name", "http://does-not-exist.invalid:80", timeouts={"connect": "2s"}),
            app("rewrite", origin.url, rewrite_host=True), app("tcp", "tcp://127.0.0.1:%d" % away)]
    policy["apps"] += more
    policy["rules"].append(allow("staff-more", to={"apps": [a["name"] for a in more]}))
    return start_shared(policies={"10-apps.yaml": policy})


LIES = ["/two-lengths", "/length-and-chunked", "/bad-length", "/bad-coding", "/bad-status", "/no-http", "/lf-only", "/fold",
        "/nul", "/space-colon", "/switch", "/big-header", "/reset", "/close"]


@pytest.mark.parametrize("path", LIES)
def test_framing_in_doubt(gate, staff, path):
    answer = gate.get(path, staff)
    assert answer.status == 502, answer
    record = gate.record(answer)
    assert record["status"] == 502 and record["end"], json.dumps(record)
    assert record["decision"]["effect"] == "allow", "the policy allowed it; it was the upstream that failed"


def test_each_fault_has_its_own_reason(gate, staff):
    ends = {}
    for host, path in [("inventory", "/reset"), ("inventory", "/two-lengths"), ("inventory", "/hang"), ("away", "/x"),
                       ("tls-unknown-ca", "/x")]:
        ends[host + path] = gate.record(gate.get(path, staff, host=host + ".example"))["end"]
    assert len(set(ends.values())) >= 4, ends


@pytest.mark.parametrize("path", ["/short", "/short-chunk", "/bad-chunk", "/reset-mid"])
def test_truncated_answer_aborts_the_clients(gate, staff, path):
    with gate.connect() as c:
        c.send(raw.head("GET", path, token=staff))
        try:
            answer = c.read()
        except (raw.Closed, ConnectionResetError):
            return                      # the client can see that it is not whole
        assert answer.status == 502, "a cut answer looks whole: %r" % answer


def test_bytes_behind_an_answer_are_nobodys(gate, staff):
    for _ in range(5):
        answer = gate.get("/left-over", staff)
        assert answer.status in (200, 502) and b"poison" not in answer.body
        assert gate.get("/x", staff).json["target"] == "/x"


def test_slow_upstream(gate, staff):
    answer = gate.get("/hang", staff)
    assert answer.status == 504 and gate.record(answer)["status"] == 504


@pytest.mark.parametrize("path", ["/endless-headers", "/endless-interim"])
def test_endless(gate, staff, path):
    before = rss_kib(gate.pid)
    for _ in range(5):
        assert gate.get(path, staff).status == 502
    assert rss_kib(gate.pid) - before < 16 * 1024


@pytest.mark.parametrize("host", ["away", "no-socket", "no-name", "tls-unknown-ca", "tls-wrong-name", "tls-to-plain"])
def test_unreachable(gate, staff, host):
    answer = gate.get("/x", staff, host=host + ".example")
    # An upstream that does not answer the handshake may be slow as well as unreachable.
    assert answer.status in ((502, 504) if host == "tls-to-plain" else (502,)), answer
    assert gate.record(answer)["end"] == ("upstream-slow" if answer.status == 504 else
                                          "upstream-tls" if host.startswith("tls") else "upstream-unreachable")


def test_tcp_upstream_is_not_implemented(gate, staff):
    assert gate.get("/x", staff, host="tcp.example").status == 501


def test_verified_tls_upstream(gate, staff):
    for _ in range(3):
        assert gate.get("/x", staff, host="tls.example").json["origin"] == "tls"
    assert len(gate.get("/bytes?n=1000000", staff, host="tls.example").body) == 1000000


def test_unix_upstream(gate, staff):
    assert gate.get("/x", staff, host="unix.example").json["origin"] == "unix"


def test_host_is_rewritten_when_asked(gate, origin, staff):
    seen = {n.lower(): v for n, v in gate.get("/x", staff, host="rewrite.example").json["headers"]}
    assert seen["host"] == "127.0.0.1:%d" % origin.port and seen["x-forwarded-host"] == "rewrite.example"


def test_upstream_comes_back(start, issuer, staff):
    port = free_port()
    gate = start(upstream="http://127.0.0.1:%d" % port)
    assert gate.get("/x", staff).status == 502
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", port))
        s.listen()
        with gate.connect() as c:
            c.send(raw.head("GET", "/x", token=staff))
            peer, _ = s.accept()
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            assert c.read().body == b"ok"
            peer.close()


def test_post_is_never_sent_twice(gate, origin, staff):
    """A reused connection dies under a POST: it may have been done, so it is not repeated."""
    gate.get("/x", staff)
    before = len(origin.requests("/reset"))
    assert gate.request("POST", "/reset", staff, body=b"a").status == 502
    assert len(origin.requests("/reset")) == before + 1


# ---- headers of answers ---------------------------------------------------------------------

def answer_with(gate, staff, *headers):
    from urllib.parse import quote
    return gate.get("/headers?h=" + quote("\n".join(headers)), staff)


def test_hop_by_hop_is_removed(gate, staff):
    answer = answer_with(gate, staff, "Keep-Alive:timeout=5", "Connection:X-Hop", "X-Hop:1", "Proxy-Authenticate:Basic", "X-Keep:1")
    for name in ("Keep-Alive", "X-Hop", "Proxy-Authenticate"):
        assert answer.get(name) is None, name
    assert answer.get("X-Keep") == "1"


def test_our_cookies_cannot_be_set(gate, staff):
    answer = answer_with(gate, staff, "Set-Cookie:__Host-Http-postern=x; Path=/; Secure", "Set-Cookie:a=1; Path=/")
    assert answer.all("Set-Cookie") == ["a=1; Path=/"]


@pytest.mark.parametrize("sent, seen", [(None, "private"), ("public, max-age=60", "private"), ("s-maxage=60", "private"),
                                        ("no-store", "no-store"), ("private", "private")])
def test_cache_control(gate, staff, sent, seen):
    answer = answer_with(gate, staff, *(["Cache-Control:" + sent] if sent else []))
    got = ", ".join(answer.all("Cache-Control"))
    assert seen in got and "public" not in got and "s-maxage" not in got


# ---- lies about length, both ways -----------------------------------------------------------

def lies(path, text):
    """A behaviour that sends bytes and leaves the connection open for the next request."""
    upstream.BEHAVIOUR[path] = upstream.stays(text)


POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
lies("/longer", upstream.OK + b"Content-Length: 2\r\n\r\nabcdefgh")
lies("/longer-chunk", upstream.OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabcdef\r\n0\r\n\r\n")
lies("/behind-last-chunk", upstream.OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n" + POISON)
lies("/body-of-head", upstream.OK + b"Content-Length: 100\r\n\r\n" + POISON)
lies("/body-of-204", b"HTTP/1.1 204 No Content\r\n\r\n" + POISON)
lies("/body-of-304", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n" + POISON)
lies("/length-of-204", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nabcde")
lies("/huge-length", upstream.OK + b"Content-Length: 99999999999999999999\r\n\r\nab")
lies("/huge-chunk", upstream.OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nab")


@pytest.mark.parametrize("path, method", [("/longer", "GET"), ("/longer-chunk", "GET"), ("/behind-last-chunk", "GET"), ("/body-of-head", "HEAD"),
                                          ("/body-of-204", "GET"), ("/body-of-304", "GET"), ("/length-of-204", "GET"), ("/huge-length", "GET"),
                                          ("/huge-chunk", "GET")])
def test_lies_about_length(gate, staff, path, method):
    """Whatever comes behind an answer belongs to nobody, and the connection that it came on is not used again."""
    for _ in range(5):
        with gate.connect() as c:
            c.send(raw.head(method, path, token=staff))
            try:
                answer = c.read(method)
                assert answer.status in (200, 204, 304, 502) and b"poison" not in answer.body
                if answer.get("Connection") != "close":
                    again = c.send(raw.head("GET", "/x", token=staff)).read()
                    assert again.status == 200 and again.json["target"] == "/x"
            except (raw.Closed, ConnectionResetError):
                pass                    # cut: it does not look whole
        assert gate.get("/x", staff).json["target"] == "/x"
