"""What the stories stand on does what it says, without any postern in between."""

import hashlib
import json
import os
import threading

import jwt
import pytest

from harness import raw
from harness.journal import Journal
from harness.jwks import JwksServer
from harness.origin import Origin, frame
from harness.tokens import Issuer

ALGS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


@pytest.mark.parametrize("alg", ALGS)
def test_token_holds_before_another_library(alg):
    issuer = Issuer(algs=[alg])
    token = issuer.person("eva", ["staff"])
    key = jwt.PyJWK(issuer.jwks()["keys"][0], algorithm=alg).key
    claims = jwt.decode(token, key, algorithms=[alg], audience="postern", issuer=issuer.url)
    assert claims["sub"] == "eva" and claims["groups"] == ["staff"]
    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(token[:-6] + "AAAAAA", key, algorithms=[alg], audience="postern")


def test_origin_shows_the_headers_as_they_came(origin):
    data = raw.head("POST", "/x?y=1", headers=["x-a: 1", "X-A: 2", "Content-Length: 3"]) + b"abc"
    seen = raw.raw(origin.port, data).json
    assert (seen["method"], seen["target"]) == ("POST", "/x?y=1")
    assert [h for h in seen["headers"] if h[0].lower() == "x-a"] == [["x-a", "1"], ["X-A", "2"]]
    assert seen["body_sha256"] == hashlib.sha256(b"abc").hexdigest()


def test_origin_reads_and_writes_chunks(origin):
    data = raw.head("POST", "/x", headers=["Transfer-Encoding: chunked"]) + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert raw.raw(origin.port, data).json["body_sha256"] == hashlib.sha256(b"abcde").hexdigest()
    assert raw.request(origin.port, target="/chunked?n=3&size=8").body == b"00000000" + b"00000001" + b"00000002"


def test_raw_notices_a_short_answer(origin):
    with pytest.raises((raw.Closed, ConnectionResetError)):
        raw.request(origin.port, target="/short")
    with pytest.raises((raw.Closed, ConnectionResetError)):
        raw.request(origin.port, target="/reset-mid")


def test_origin_echoes_a_websocket(origin):
    with raw.Conn(origin.port) as c:
        c.send(raw.head(target="/ws", headers=["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]))
        answer = c.read()
        assert answer.status == 101
        assert answer.get("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        c.until(b"]]")
        c.send(frame(1, b"hello"))
        assert c.take(7) == b"\x81\x05hello"


def test_origin_at_a_unix_socket(tmp_path):
    o = Origin(unix=str(tmp_path / "o.sock"))
    with raw.Conn(0, unix=o.unix) as c:
        assert c.send(raw.head()).read().json["target"] == "/"
    o.close()


def test_origin_with_tls(authority):
    o = Origin(tls=authority.server("localhost", "127.0.0.1"))
    ctx = raw.client_tls(authority.ca)
    assert raw.request(o.port, tls=ctx, sni="localhost").json["origin"] == "origin"
    o.close()


def test_jwks_server_goes_and_comes_back(issuer):
    server = JwksServer(issuer.jwks())
    assert raw.request(server.port, target="/jwks.json").json == issuer.jwks()
    server.stop()
    with pytest.raises(OSError):
        raw.request(server.port)
    server.start()
    assert raw.request(server.port).status == 200 and server.fetches == 2
    server.stop()


def test_journal_waits_for_a_whole_line(tmp_path):
    path = tmp_path / "j.jsonl"
    j = Journal(str(path))
    line = json.dumps({"kind": "decision", "id": "a", "decision": {"effect": "deny"}}) + "\n"
    path.write_text(line[:20])

    def later():
        with open(path, "a") as f:
            f.write(line[20:])

    threading.Timer(0.2, later).start()
    assert j.wait(id="a", decision__effect="deny")["kind"] == "decision"
    os.rename(path, tmp_path / "j.1")
    path.write_text('{"id": "b"}\n')
    assert j.wait(id="b", seconds=5)["id"] == "b"
    with pytest.raises(AssertionError):
        j.wait(id="c", seconds=0.2)
    j.close()
