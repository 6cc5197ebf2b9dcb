"""Several issuers at once, programs beside people, and keys found by asking the issuer itself."""

import json
import threading
import time

import pytest

from harness import raw
from harness.certs import Authority
from harness.jwks import JwksServer
from harness.proxy import SLOWNESS, allow, app
from harness.tokens import Issuer, Key

# ---- several issuers, and programs ----------------------------------------------------------


@pytest.fixture(scope="module")
def corp():
    return Issuer("corp", "https://login.corp.example")


@pytest.fixture(scope="module")
def ci():
    return Issuer("ci", "https://ci.example", audience="postern-ci", algs=("ES256",))


@pytest.fixture(scope="module")
def entra():
    """An issuer with habits of its own: groups are called roles, every token is an access token."""
    return Issuer("entra", "https://entra.example/tenant/v2.0")


def rules(upstream):
    return {
        "version": 1,
        "apps": [app("inventory", upstream, identity={"headers": {"X-Auth-User": "sub", "X-Auth-Email": "email"}})],
        "rules": [
            allow("staff", who={"groups": ["staff"]}, to={"apps": ["inventory"], "paths": ["/people/**"]}),
            allow("robot", who={"services": ["stock-robot"]}, to={"apps": ["inventory"], "paths": ["/stock/**"]}),
            allow("machines", who={"kind": "machine"}, to={"apps": ["inventory"], "paths": ["/machines/**"]}),
            allow("humans", who={"kind": "human"}, to={"apps": ["inventory"], "paths": ["/humans/**"]}),
            allow("corp-only", who="anyone", to={"apps": ["inventory"], "paths": ["/corp/**"]}, auth={"issuers": ["corp"]}),
            allow("by-mail", who={"users": ["eva@example.com"]}, to={"apps": ["inventory"], "paths": ["/mail/**"]}),
            allow("by-domain", who={"domains": ["example.com"]}, to={"apps": ["inventory"], "paths": ["/domain/**"]}),
        ]}


@pytest.fixture(scope="module")
def gate(start_shared, origin, corp, ci, entra):
    g = start_shared(ready=False, issuer=corp, policies={"10.yaml": rules(origin.url)})
    for issuer in (ci, entra):
        g.write(issuer.name + ".json", json.dumps(issuer.jwks()))
    g.config["issuers"] |= {
        "ci": {"issuer": ci.url, "audience": ci.audience, "jwks_file": "ci.json", "algs": ["ES256"]},
        "entra": {"issuer": entra.url, "audience": ["postern", "api://postern"], "jwks_file": "entra.json",
                  "access_tokens": True, "trusted_email": True, "claims": {"groups": "roles", "email": "upn"}}}
    g.write_config(services={
        "stock-robot": {"issuer": "ci", "match": {"sub": "repo:corp/stock:*", "ref": "refs/heads/main"}},
        "corp-robot": {"issuer": "corp", "match": {"sub": "robot-1"}}})
    return g.start()


def robot(ci, **claims):
    return ci.token("repo:corp/stock:branch", **{"ref": "refs/heads/main", **claims})


def test_program_reaches_its_rule(gate, ci):
    answer = gate.get("/stock/1", robot(ci))
    assert answer.status == 200, answer
    record = gate.record(answer)
    assert record["identity"]["kind"] == "machine" and record["identity"]["issuer"] == ci.url
    assert "stock-robot" in json.dumps(record["identity"]) and record["decision"]["rules"] == ["robot"]


def test_a_program_is_no_person(gate, ci):
    assert gate.get("/machines/x", robot(ci)).status == 200
    for path in ("/people/x", "/humans/x", "/mail/x", "/domain/x"):
        assert gate.get(path, robot(ci, email="eva@example.com", email_verified=True)).status == 403, path


@pytest.mark.parametrize("what, sub, claims", [
    ("other ref", "repo:corp/stock:branch", {"ref": "refs/heads/feature"}), ("no ref", "repo:corp/stock:x", {}),
    ("other repository", "repo:corp/stocks:x", {"ref": "refs/heads/main"}),
    ("prefix alone", "repo:corp/stoc", {"ref": "refs/heads/main"}),
    ("ref as a list", "repo:corp/stock:x", {"ref": {"a": "refs/heads/main"}})])
def test_who_does_not_match_whole_is_no_program(gate, ci, what, sub, claims):
    token = ci.token(sub, **claims)
    assert gate.get("/stock/1", token).status == 403 and gate.get("/machines/x", token).status == 403
    answer = gate.get("/humans/x", token)
    assert gate.record(answer)["identity"]["kind"] == "human"


def test_a_person_is_no_program(gate, corp):
    token = corp.person("eva", ["staff"])
    assert gate.get("/people/x", token).status == 200 and gate.get("/machines/x", token).status == 403
    assert gate.get("/stock/1", token).status == 403


def test_program_of_another_issuer_does_not_match(gate, corp, entra):
    """A service names its issuer: equal claims from another one make nobody a program."""
    token = corp.token("repo:corp/stock:branch", ref="refs/heads/main")
    assert gate.get("/stock/1", token).status == 403
    assert gate.record(gate.get("/humans/x", corp.token("robot-1")))["identity"]["kind"] == "machine"


def test_keys_of_one_issuer_do_not_vouch_for_another(gate, corp, ci, entra):
    for signer, claimed in ((ci, corp), (corp, ci), (corp, entra), (entra, corp)):
        for kid in (None, next(iter(claimed.keys.values())).kid):
            key = signer.keys["ES256"]
            token = key.token(claimed.claims("eva", groups=["staff"], aud=claimed.audience), {"kid": kid} if kid else {})
            assert gate.get("/people/x", token).status == 401, (signer.name, claimed.name, kid)


def test_audience_of_one_issuer_is_not_anothers(gate, corp, ci):
    assert gate.get("/stock/1", robot(ci, aud="postern")).status == 401
    assert gate.get("/people/x", corp.person("eva", ["staff"], aud="postern-ci")).status == 401


def test_algorithms_are_each_issuers_own(gate, ci):
    rs = Key("RS256", "ci-rs256")
    assert gate.get("/stock/1", rs.token(ci.claims("repo:corp/stock:x", ref="refs/heads/main"))).status == 401


def at(entra, sub="eva", **claims):
    return entra.token(sub, header={"typ": "at+jwt"}, **claims)


def test_access_tokens_say_so(gate, entra):
    assert gate.get("/people/x", at(entra, roles=["staff"])).status == 200
    assert gate.get("/people/x", at(entra, roles=["staff"], aud="api://postern")).status == 200
    assert gate.get("/people/x", entra.token("eva", header={"typ": "application/at+jwt"}, roles=["staff"])).status in (200, 401)
    assert gate.get("/people/x", entra.token("eva", roles=["staff"])).status == 401, "typ JWT"
    assert gate.get("/people/x", at(entra, groups=["staff"])).status == 403, "its groups are called roles"


def test_claims_have_each_issuers_names(gate, corp, entra):
    """A trusted issuer's address counts without email_verified, another's does not."""
    assert gate.get("/mail/x", at(entra, upn="Eva@Example.com")).status == 200
    assert gate.get("/mail/x", at(entra, email="eva@example.com", email_verified=True)).status == 403
    assert gate.get("/domain/x", at(entra, upn="kim@example.com")).status == 200
    for bad in ("kim@evil.com@example.com", "kim@sub.example.com", "kim@example.com.evil.com", "kim@evilexample.com",
                "example.com", "@example.com", "kim@"):
        assert gate.get("/domain/x", at(entra, upn=bad)).status == 403, bad
    assert gate.get("/mail/x", corp.person("eva")).status == 200
    assert gate.get("/mail/x", corp.person("eva", email_verified=False)).status == 403
    assert gate.get("/mail/x", corp.person("eva", email_verified=None)).status == 403


def test_overage_is_unknown_and_not_empty(gate, corp):
    answer = gate.get("/people/x", corp.token("eva", _claim_names={"groups": "src1"}, _claim_sources={"src1": {"endpoint": "x"}}))
    assert answer.status == 403


def test_rule_for_one_issuer(gate, corp, entra):
    assert gate.get("/corp/x", corp.person("eva")).status == 200
    assert gate.get("/corp/x", at(entra)).status == 403


def test_issuer_taken_away(gate, corp, entra):
    """Whoever came by an issuer that is gone comes no more; the others notice nothing."""
    entra_token, corp_token = at(entra, roles=["staff"]), corp.person("eva", ["staff"])
    assert gate.get("/people/x", entra_token).status == 200
    issuers = dict(gate.config["issuers"])
    gate.write_config(issuers={k: v for k, v in issuers.items() if k != "entra"})
    try:
        raw.wait_for(lambda: gate.get("/people/x", entra_token).status == 401, 20 * SLOWNESS, 0.05, "the issuer to be gone")
        assert gate.get("/people/x", corp_token).status == 200
    finally:
        gate.write_config(issuers=issuers)
    raw.wait_for(lambda: gate.get("/people/x", entra_token).status == 200, 20 * SLOWNESS, 0.05, "the issuer to be back")


# ---- keys that the issuer itself tells ------------------------------------------------------


class Provider(JwksServer):
    """An issuer with a discovery document beside its keys."""

    def __init__(self, name, tls=None, path=""):
        self.paths, self.issuer = {}, None
        super().__init__(None, tls)
        self.issuer = Issuer(name, "%s://127.0.0.1:%d%s" % ("https" if tls else "http", self.port, path))
        self.jwks = self.issuer.jwks()
        self.document = {"issuer": self.issuer.url, "jwks_uri": self.url, "id_token_signing_alg_values_supported": ["RS256"]}

    def answer(self, path):
        self.paths[path] = self.paths.get(path, 0) + 1
        if path.endswith("/.well-known/openid-configuration"):
            return json.dumps(self.document).encode()
        return super().answer(path)


@pytest.fixture
def provider():
    p = Provider("found")
    yield p
    p.stop()


def found(provider, **more):
    return {"issuers": {"found": {"issuer": provider.issuer.url, "audience": "postern", **more}}}


def person(provider):
    return provider.issuer.person("eva", ["staff"])


def test_discovery(start, provider):
    gate = start(issuer=provider.issuer, config=found(provider))
    assert gate.get("/x", person(provider)).status == 200
    assert provider.paths["/.well-known/openid-configuration"] == 1 and provider.paths["/jwks.json"] == 1


def test_discovery_below_a_path(start):
    provider = Provider("found", path="/realms/corp")
    gate = start(issuer=provider.issuer, config=found(provider))
    assert gate.get("/x", person(provider)).status == 200
    assert "/realms/corp/.well-known/openid-configuration" in provider.paths
    provider.stop()


@pytest.mark.parametrize("wrong", [{"issuer": "https://evil.example"}, {"issuer": None}, {"jwks_uri": None},
                                   {"jwks_uri": "ftp://127.0.0.1/keys"}, {"jwks_uri": "http://idp.example/keys"}],
                         ids=["another issuer", "no issuer", "no keys", "no http", "plain http"])
def test_discovery_that_is_not_to_be_believed(start, provider, wrong):
    provider.document = {k: v for k, v in {**provider.document, **wrong}.items() if v is not None}
    gate = start(issuer=provider.issuer, wait=False, config=found(provider))
    assert gate.get("/x", person(provider)).status in (401, 503)
    raw.wait_for(lambda: "keys.failed" in gate.stderr(), 10 * SLOWNESS, why="words about the issuer")


def test_discovery_comes_later(start, provider):
    """Down at start, postern is up, ready and refuses; when the issuer is there its people come in."""
    provider.stop()
    gate = start(issuer=provider.issuer, config=found(provider))
    token = person(provider)
    assert gate.get("/x", token).status in (401, 503)
    assert gate.metrics()["postern_key_fetch_failures_total"] >= 1
    provider.start()
    raw.wait_for(lambda: gate.get("/x", token).status == 200, 60 * SLOWNESS, 0.2, "the issuer that came back")


@pytest.fixture
def secure(authority):
    p = Provider("found", tls=authority.server("127.0.0.1", "localhost"))
    yield p
    p.stop()


@pytest.mark.parametrize("how", ["discovery", "jwks_url"])
def test_https_with_a_private_authority(start, authority, secure, how):
    more = {"ca": authority.ca} if how == "discovery" else {"ca": authority.ca, "jwks_url": secure.url}
    gate = start(issuer=secure.issuer, config=found(secure, **more))
    assert gate.get("/x", person(secure)).status == 200


@pytest.mark.parametrize("why", ["no ca", "other ca", "other name"])
def test_https_that_cannot_be_verified(start, authority, secure, tmp_path, why):
    """Keys from somebody who only says that he is the issuer never count."""
    ca = {"no ca": None, "other ca": Authority(tmp_path / "other").ca, "other name": authority.ca}[why]
    more = {"ca": ca} if ca else {}
    if why == "other name":
        other = Provider("found", tls=authority.server("other.example"))
        more["jwks_url"] = other.url
    gate = start(issuer=secure.issuer, wait=False, config=found(secure, **more))
    assert gate.get("/x", person(secure)).status in (401, 503)
    raw.wait_for(lambda: "keys.failed" in gate.stderr(), 10 * SLOWNESS, why="words about the issuer")


# ---- rotation -------------------------------------------------------------------------------

def test_rotation_refuses_no_good_token(start, provider):
    """New keys are shown before they sign, as issuers do: no token is refused at any moment."""
    gate = start(issuer=provider.issuer, config=found(provider))
    stop, wrong, count = threading.Event(), [], [0]
    current = [provider.issuer.keys["RS256"]]

    def load():
        conn = gate.connect()
        while not stop.is_set():
            claims = provider.issuer.claims("eva", groups=["staff"], jti=str(count[0]))
            status = conn.send(raw.head("GET", "/x", token=current[0].token(claims))).read().status
            count[0] += 1
            if status != 200:
                wrong.append(status)

    workers = [threading.Thread(target=load) for _ in range(4)]
    for w in workers:
        w.start()
    try:
        new = Key("RS256", "found-next")
        provider.issuer.more.append(new)
        provider.jwks = provider.issuer.jwks()          # the key is there before the first token of it
        before = provider.paths["/jwks.json"]
        current[0] = new                                # unknown here: asked for once, and waited for
        raw.wait_for(lambda: provider.paths["/jwks.json"] > before, 10 * SLOWNESS)
        at_swap = count[0]
        raw.wait_for(lambda: count[0] > at_swap + 50, 20 * SLOWNESS)
    finally:
        stop.set()
        for w in workers:
            w.join()
    assert not wrong and provider.paths["/jwks.json"] == before + 1, (wrong, provider.paths)


def test_withdrawn_key_dies(start, provider):
    """The token was good and is remembered; with the keys that signed it, it goes."""
    provider.headers = {"Cache-Control": "max-age=0"}
    gate = start(issuer=provider.issuer, config=found(provider))
    token = person(provider)
    assert gate.get("/x", token).status == 200
    provider.issuer.keys["RS256"] = Key("RS256", "found-rs256-b")
    provider.jwks = provider.issuer.jwks()
    # a kid that nobody knows makes postern look, once the least time between two looks has passed
    probe = provider.issuer.keys["RS256"].token(provider.issuer.claims("eva", groups=["staff"]))
    assert gate.get("/x", probe).status == 200
    raw.wait_for(lambda: gate.get("/x", token).status == 401, 5 * SLOWNESS, 0.02, "the old token to die")
    assert gate.get("/x", probe).status == 200
