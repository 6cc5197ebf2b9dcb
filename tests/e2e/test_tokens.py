"""Bad tokens never pass, whatever is wrong with them, and only the log knows what it was."""

import base64
import json
import time

import pytest

from harness.tokens import Issuer, Key, b64u, compact

ALGS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


@pytest.fixture(scope="module")
def every():
    """An issuer that may use every algorithm, with one key of each, and two for RS384."""
    issuer = Issuer(algs=ALGS)
    issuer.more.append(Key("RS384", "second-rs384"))
    return issuer


@pytest.fixture(scope="module")
def gate(start_shared, every):
    return start_shared(issuer=every)


@pytest.mark.parametrize("alg", ALGS)
def test_good_token_of_every_algorithm(gate, every, alg):
    token = every.token("eva", alg=alg, groups=["staff"])
    for _ in range(2):              # the second time it is known
        answer = gate.get("/x", token)
        assert answer.status == 200, answer
    auth = gate.record(answer)["auth"]
    assert alg in json.dumps(auth) and every.keys[alg].kid in json.dumps(auth)


def payload(every, **change):
    return every.claims("eva", groups=["staff"], **change)


def raw_token(every, head, body, alg="RS256", signature=None):
    data = (b64u(head) + "." + b64u(body)).encode()
    signature = every.keys[alg].sign(data) if signature is None else signature
    return data.decode() + "." + b64u(signature)


def resign(every, header_text, body=None, alg="RS256"):
    return raw_token(every, header_text.encode(), body or compact(payload(every)), alg)


KID = "demo-rs256"


def bad_tokens(every):
    now = int(time.time())
    good = every.token("eva", groups=["staff"])
    head, body, sig = good.split(".")
    rs, es = every.keys["RS256"], every.keys["ES256"]
    pad = lambda s: s + "=" * (-len(s) % 4)
    claim = lambda **c: every.token("eva", **{"groups": ["staff"], **c})
    header = lambda **h: rs.token(payload(every), h)
    body_text = lambda text: raw_token(every, compact({"alg": "RS256", "kid": KID}), text.encode())
    stranger = Key("RS256", "stranger")
    flipped = bytearray(base64.urlsafe_b64decode(pad(sig)))
    flipped[10] ^= 1
    start = '{"iss":"%s","aud":"postern","sub":"eva","groups":["staff"],"exp":%d' % (every.url, now + 600)
    yield from {
        # form
        "garbage": "not.a.token", "one part": "abc", "two parts": head + "." + body, "four parts": good + ".x",
        "empty signature": head + "." + body + ".", "empty payload": head + ".." + sig, "empty header": "." + body + "." + sig,
        "padded": ".".join(pad(p + "A" * (len(p) % 4 == 0)) for p in good.split(".")),
        "standard base64": good[:-8] + "++//++//", "white space": good[:40] + "%20" + good[40:],
        "too long": claim(filler="a" * 17000), "bytes after": good + "=",
        # signature
        "flipped bit": head + "." + body + "." + b64u(bytes(flipped)),
        "other key, known kid": head + "." + body + "." + b64u(stranger.sign((head + "." + body).encode())),
        "payload of another": head + "." + b64u(compact(payload(every, email="root@example.com"))) + "." + sig,
        "signature of zeros": head + "." + body + "." + b64u(bytes(256)),
        "es256 zeros": raw_token(every, compact({"alg": "ES256", "kid": "demo-es256"}), compact(payload(every)), signature=bytes(64)),
        "es256 der": raw_token(every, compact({"alg": "ES256", "kid": "demo-es256"}), compact(payload(every)),
                               signature=b"\x30\x44" + bytes(68)),
        "es256 short": raw_token(every, compact({"alg": "ES256", "kid": "demo-es256"}), compact(payload(every)),
                                 signature=es.sign(b"x")[:63]),
        # algorithm and key
        "alg none": raw_token(every, compact({"alg": "none"}), compact(payload(every)), signature=b""),
        "alg None": raw_token(every, compact({"alg": "None", "kid": KID}), compact(payload(every)), signature=b""),
        "alg lower": resign(every, '{"alg":"rs256","kid":"%s"}' % KID), "alg missing": header(alg=None),
        "alg number": resign(every, '{"alg":256,"kid":"%s"}' % KID), "alg list": resign(every, '{"alg":["RS256"],"kid":"%s"}' % KID),
        "alg unknown": header(alg="RS1"), "hs256": header(alg="HS256"),
        "alg of another kind": header(alg="ES256"), "ps with an rs key": rs.token(payload(every), {"alg": "PS256"}, "PS256"),
        "es384 with a p256 key": es.token(payload(every), {"alg": "ES384"}),
        "kid unknown": header(kid="nobody"), "kid missing, two keys fit": every.keys["RS384"].token(payload(every), {"kid": None}), "kid empty": header(kid=""),
        "kid number": resign(every, '{"alg":"RS256","kid":1}'), "kid of another key": header(kid="demo-es256"),
        "kid with a path": header(kid="../../dev/null"), "kid long": header(kid="k" * 5000),
        # header
        "jwk in the header": stranger.token(payload(every), {"jwk": stranger.jwk()}),
        "jku in the header": stranger.token(payload(every), {"jku": "http://127.0.0.1:9/jwks.json"}),
        "x5u in the header": stranger.token(payload(every), {"x5u": "http://127.0.0.1:9/c.pem"}),
        "crit": header(crit=["exp"], exp=1), "crit empty": header(crit=[]), "b64": header(b64=False, crit=["b64"]),
        "b64 true": header(b64=True), "zip": header(zip="DEF"), "nested": header(cty="JWT"), "enc": header(enc="A128GCM"),
        "typ of another kind": header(typ="logout+jwt"), "typ set": header(typ="secevent+jwt"),
        "header duplicate": resign(every, '{"alg":"RS256","alg":"RS256","kid":"%s"}' % KID),
        "header no object": resign(every, '["RS256"]'), "header deep": resign(every, '{"alg":"RS256","kid":"%s","x":%s}' % (KID, "[" * 40 + "]" * 40)),
        "header after": resign(every, '{"alg":"RS256","kid":"%s"} x' % KID), "header comma": resign(every, '{"alg":"RS256","kid":"%s",}' % KID),
        "header utf-8": raw_token(every, b'{"alg":"RS256","kid":"%s","x":"\xff"}' % KID.encode(), compact(payload(every))),
        "header nul": raw_token(every, b'{"alg":"RS256\x00","kid":"%s"}' % KID.encode(), compact(payload(every))),
        # payload
        "payload no object": body_text('["eva"]'), "payload empty text": body_text(""), "payload duplicate": body_text(start + ',"exp":%d}' % (now + 900)),
        "payload duplicate sub": body_text(start + ',"sub":"root"}'), "payload after": body_text(start + "}{}"),
        "payload deep": body_text(start + ',"x":' + "[" * 20 + "]" * 20 + "}"), "payload very deep": body_text(start + ',"x":' + "[" * 5000 + "]" * 5000 + "}"),
        "payload utf-8": raw_token(every, compact({"alg": "RS256", "kid": KID}), start.encode() + b',"x":"\xff"}'),
        "payload surrogate": body_text(start + ',"x":"\\ud800"}'), "payload nul": body_text(start + ',"x":"\\u0000"}'),
        "payload nan": body_text(start + ',"x":NaN}'), "payload comment": body_text(start + "/* */}"),
        # claims
        "iss other": claim(iss="https://evil.example"), "iss slash": claim(iss=every.url + "/"), "iss case": claim(iss=every.url.upper()),
        "iss missing": claim(iss=None), "iss list": claim(iss=[every.url]), "iss prefix": claim(iss=every.url + ".evil.example"),
        "aud other": claim(aud="other"), "aud missing": claim(aud=None), "aud empty": claim(aud=""), "aud list without": claim(aud=["a", "b"]),
        "aud empty list": claim(aud=[]), "aud case": claim(aud="Postern"), "aud number": claim(aud=7), "aud object": claim(aud={"postern": 1}),
        "aud mixed": claim(aud=["postern", 7]), "aud several without azp": claim(aud=["postern", "other"]),
        "azp of another": claim(aud=["postern", "other"], azp="other"),
        "exp missing": claim(exp=None), "exp past": claim(exp=now - 120), "exp text": claim(exp=str(now + 600)),
        "exp zero": claim(exp=0), "exp negative": claim(exp=-1), "exp infinite": body_text(start[:start.rindex(",")] + ',"exp":1e999}'),
        "exp null": body_text(start[:start.rindex(",")] + ',"exp":null}'),
        "nbf ahead": claim(nbf=now + 300), "iat ahead": claim(iat=now + 300), "nbf text": claim(nbf="1"), "iat text": claim(iat="1"),
        "sub missing": claim(sub=None), "sub empty": claim(sub=""), "sub number": claim(sub=7), "sub long": claim(sub="s" * 256),
        "sub control": claim(sub="eva\r\nX-Auth-User: root"), "sub nul": claim(sub="eva\u0000"),
        "email control": claim(email="a\nb@example.com"),
    }.items()


def names():
    return [name for name, _ in bad_tokens(Issuer(algs=ALGS))]


@pytest.fixture(scope="module")
def bad(every):
    return dict(bad_tokens(every))


@pytest.mark.parametrize("name", names())
def test_bad_token(gate, origin, bad, name):
    path = "/bad-" + b64u(name.encode())
    answer = gate.get(path, bad[name])
    if name == "white space":
        assert answer.status in (400, 401)
    else:
        assert answer.status in ((401, 431) if name == "too long" else (401,)), answer
    assert not origin.requests(path)
    if answer.status == 401:
        decision = gate.record(answer)["decision"]
        assert decision["effect"] == "deny" and not gate.record(answer).get("identity")


def test_edges_that_are_good(gate, every):
    now = int(time.time())
    for what, claims in {"skew": {"iat": now + 30, "nbf": now + 30}, "aud list": {"aud": ["postern"]},
                         "several with azp": {"aud": ["other", "postern"], "azp": "postern"},
                         "no kid, one key fits": {"header": {"kid": None}}, "long sub": {"sub": "s" * 255}, "float exp": {"exp": now + 600.5}}.items():
        answer = gate.get("/x", every.token(claims.pop("sub", "eva"), groups=["staff"], **claims))
        assert answer.status == 200, (what, answer)


def test_token_ends_while_it_is_remembered(gate, every):
    token = every.token("eva", groups=["staff"], exp=int(time.time()) + 2)
    assert gate.get("/x", token).status == 200
    end = time.time() + 10
    while gate.get("/x", token).status == 200 and time.time() < end:
        time.sleep(0.1)
    assert gate.get("/x", token).status == 401


def test_failing_token_is_never_skipped(gate, bad):
    """A public path is open to all, and yet a bad token gives nobody's identity."""
    answer = gate.get("/public/x", bad["exp past"])
    assert answer.status in (200, 401)
    if answer.status == 200:
        seen = {n.lower(): v for n, v in answer.json["headers"]}
        assert "x-auth-user" not in seen and "authorization" not in seen


def test_token_in_its_own_header(gate, every, staff):
    token = every.token("eva", groups=["staff"])
    answer = gate.get("/x", headers=["X-Postern-Token: " + token, "Authorization: Basic YTpi"])
    assert answer.status == 200, answer
    seen = {n.lower(): v for n, v in answer.json["headers"]}
    assert seen["authorization"] == "Basic YTpi" and "x-postern-token" not in seen


def test_two_tokens_of_two_people(gate, every):
    eva, kim = every.token("eva", groups=["staff"]), every.token("kim", groups=["staff"])
    assert gate.get("/x", eva, headers=["X-Postern-Token: " + kim]).status == 400


def test_bearer_that_is_too_long_to_look_into(start, staff):
    """It may be ours: it is refused, and passed on nowhere, not even beside a good token or on a public path."""
    gate = start(config={"limits": {"header": "40KiB"}})
    own = "X-Postern-Token: " + staff
    bearer = lambda n: "Authorization: Bearer " + "a" * n
    for headers in ([bearer(16385)], [bearer(16385), own]):
        answer = gate.get("/x", headers=headers)
        record = gate.record(answer)
        assert answer.status == 401 and record["decision"]["reason"] == "auth.none", answer
        assert record["decision"]["token"] == "token.too-long" and not record.get("identity"), record
        assert "too-long" not in answer.text and "16 KiB" not in answer.text
    seen = lambda answer: {n.lower(): v for n, v in answer.json["headers"]}
    answer = gate.get("/public/x", headers=[bearer(16385)])
    assert answer.status == 200 and "authorization" not in seen(answer)
    assert gate.record(answer)["decision"]["reason"] == "public-path"
    answer = gate.get("/x", headers=[bearer(16384), own])
    assert answer.status == 200 and len(seen(answer)["authorization"]) == 16384 + len("Bearer ")
    assert gate.record(answer)["identity"]["subject"] == "eva"


def test_token_in_the_query_is_nothing(gate, every):
    token = every.token("eva", groups=["staff"])
    assert gate.get("/x?access_token=" + token).status == 401
