"""People sign in at a certified provider, which knows nothing of us: by its own form, with its own checks."""

import os
import time

import pytest
from cryptography.hazmat.primitives import serialization

from harness import raw
from harness.certified import PEOPLE, Certified, node
from harness.people import PORTAL, SESSION, House
from harness.ports import free_port
from harness.proxy import SLOWNESS, allow, app
from harness.tokens import Key

pytestmark = pytest.mark.skipif(node() is None, reason="npm ci was not run in tests/provider")
SECRET = "s3cret of the client: +/%"


def policy(upstream):
    """The vault wants a class, the safe a second factor, the till a fresh sign-in."""
    def host(name):
        return app(name, upstream, host=name + ".postern.localhost")

    return {
        "version": 1,
        "apps": [host(n) for n in ("inventory", "vault", "till", "safe")],
        "rules": [allow("staff", to={"apps": ["inventory"]}),
                  allow("vault", to={"apps": ["vault"]}, auth={"acr": ["mfa"]}),
                  allow("till", to={"apps": ["till"]}, auth={"login_within": "3s"}),
                  allow("safe", to={"apps": ["safe"]}, auth={"mfa": True})],
    }


class Place(House):
    """A postern and the certified provider that its people sign in at."""

    def __init__(self, start, origin, folder, client=None, settings=None, sections=None, **issuer):
        port, self.folder = free_port(), str(folder)
        here = "http://%s:%d" % (PORTAL, port)
        self.write("secret", SECRET)
        self.client = {
            "client_id": "gate", "client_secret": SECRET, "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"], "redirect_uris": [here + "/.postern/callback"],
            "post_logout_redirect_uris": [here + "/"], "backchannel_logout_uri": here + "/.postern/backchannel/corp",
            "backchannel_logout_session_required": True, **(client or {})}
        self.client = {k: v for k, v in self.client.items() if v is not None}
        self.provider = Certified([self.client], {k: dict(v) for k, v in PEOPLE.items()}, **(settings or {})).start()
        corp = {"issuer": self.provider.issuer, "client_id": "gate", "client_secret_file": "secret",
                "scopes": ["email", "profile", "groups"], **issuer}
        super().__init__(start, origin, folder=folder, port=port, policy=policy(origin.url), config={
            "issuers": {"corp": {k: v for k, v in corp.items() if v is not None}}, "builtin": None, **(sections or {})})

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(text)

    def log_in(self, b, page, login="kim", acr="pwd", password="secret"):
        """Fills in the provider's form and goes where it leads."""
        assert page.url.startswith(self.provider.issuer + "/interaction/"), (page, page.text[:2000])
        return b.send(page.form("login", "password"), login=login, password=password, acr=acr)

    def signed_in(self, name="inventory", path="/", **how):
        b = self.browser()
        page = self.log_in(b, b.get(self.url(name, path)), **how)
        assert page.status == 200 and page.url == self.url(name, path), (page, page.text[:2000])
        return b

    def waits_for(self, b, status, seconds=15.0):
        raw.wait_for(lambda: b.ask(self.url("inventory")).status == status, seconds=seconds * SLOWNESS, step=0.2)


@pytest.fixture
def place(start, origin, tmp_path_factory):
    made = []

    def make(**how):
        made.append(Place(start, origin, tmp_path_factory.mktemp("place"), **how))
        return made[-1]

    yield make
    for p in made:
        p.provider.stop()


def pem(key):
    return key.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()).decode()


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_sign_in(place, alg):
    here = place(client={"id_token_signed_response_alg": alg})
    here.signed_in(path="/stock/1?x=%2f")
    record = here.journal.wait(kind="login")
    assert record["identity"]["subject"] == "kim" and record["identity"]["email"] == "kim@corp.example"
    assert record["identity"]["groups"] == ["staff"] and record["issuer"] == "corp"


@pytest.mark.parametrize("method", ["client_secret_post", "private_key_jwt", "private_key_jwt ES256", "none"])
def test_the_client_proves_itself(place, method, tmp_path_factory):
    method, _, alg = method.partition(" ")
    client, issuer = {"token_endpoint_auth_method": method}, {"client_auth": method.replace("client_secret_", "")}
    if method == "private_key_jwt":
        key = Key(alg or "RS256", "client")
        folder = tmp_path_factory.mktemp("key")
        (folder / "client.pem").write_text(pem(key))
        (folder / "client.pem").chmod(0o600)
        issuer.update(client_secret_file=None, client_key_file=str(folder / "client.pem"))
        client.update(client_secret=None, jwks={"keys": [key.jwk(kid=None)]})
    if method == "none":
        issuer.update(client_secret_file=None)
        client.update(client_secret=None)
    here = place(client=client, **issuer)
    here.signed_in()


def test_without_pushed_requests(place):
    here = place(settings={"par": False})
    b = here.signed_in()
    assert any("code_challenge=" in h.url for h in b.hops)
    pushed = place()
    b = pushed.signed_in()
    assert any("request_uri=" in h.url for h in b.hops) and not any("code_challenge=" in h.url for h in b.hops)


def test_a_wrong_password_lets_nobody_in(place):
    here = place()
    b = here.browser()
    page = here.log_in(b, b.get(here.url("inventory")), password="wrong")
    record = here.journal.wait(kind="login.failed", id=page.answer.id)
    assert record["reason"] == "login.denied" and record["error"] == "access_denied"
    assert page.status >= 400 and "<b>no</b>" not in page.text
    assert all(SESSION not in jar for jar in b.jar.values())


def test_one_sign_in_for_all_apps_and_browsers_apart(place):
    here = place()
    b = here.signed_in()
    b.jar = {"127.0.0.1": b.jar["127.0.0.1"]}            # the provider still knows him
    page = b.get(here.url("inventory", "/again"))
    assert page.status == 200 and page.url == here.url("inventory", "/again")
    assert here.browser().get(here.url("inventory")).url.startswith(here.provider.issuer)


def test_refresh_brings_new_groups(place):
    here = place(sections={"sessions": {"refresh": "1s"}})
    b = here.signed_in()
    here.provider.control("people", kim={"groups": ["nobody"]})
    here.waits_for(b, 403)
    here.journal.wait(kind="decision", decision__effect="deny", identity__groups=["nobody"])
    assert not here.journal.find(kind="session.revoked")


def test_an_ended_grant_ends_the_session(place):
    here = place(sections={"sessions": {"refresh": "1s"}})
    b = here.signed_in()
    here.provider.control("end", login="kim")
    here.waits_for(b, 302)
    assert here.journal.wait(kind="session.revoked")["why"] == "grant-ended"


def test_rotated_keys(place):
    here = place()
    here.signed_in()
    here.provider.control("rotate")
    here.signed_in()
    here.journal.wait(2, kind="login")


def test_sign_out_here_and_at_the_provider(place):
    here = place()
    one, two = here.signed_in(), here.signed_in()
    assert two.get(here.url("inventory")).status == 200
    page = one.get(here.portal("/.postern/logout"))
    page = one.send([f for f in page.forms() if f["method"] == "POST"][0])
    leave = [f for f in page.forms() if f["action"].startswith(here.provider.issuer)]
    assert leave and set(leave[0]["fields"]) >= {"id_token_hint", "client_id"}, page.text[:3000]
    page = one.send(leave[0])
    assert page.url.startswith(here.provider.issuer + "/session/end")
    page = one.send(page.forms()[0], follow=False, logout="yes")
    assert page.header("Location").startswith(here.portal("/"))
    seen = here.provider.control("seen")
    assert seen and all(s["url"] == here.portal("/.postern/backchannel/corp") and s["status"] == 200 for s in seen)
    assert one.ask(here.url("inventory")).status == 302
    assert two.ask(here.url("inventory")).status == 200      # another session at the provider
    assert one.get(here.url("inventory")).url.startswith(here.provider.issuer + "/interaction/")


def test_back_channel_logout(place):
    """Signed out at the provider, elsewhere: the session here dies before its answer."""
    here = place()
    b = here.signed_in()
    page = b.get(here.provider.issuer + "/session/end")
    b.send(page.forms()[0], logout="yes")
    assert here.provider.control("seen") == [{"url": here.portal("/.postern/backchannel/corp"), "status": 200}]
    assert b.ask(here.url("inventory")).status == 302
    assert here.journal.wait(kind="logout", how="backchannel")["ended"] == 1
    assert here.journal.wait(kind="session.revoked")["why"] == "backchannel"


def step_up(page):
    """The link of a refusal that leads to a stronger or newer sign-in."""
    found = [u for u in page.links() if "/.postern/login?" in u]
    assert found, page.text[:3000]
    return found[0]


def test_step_up_to_another_class(place):
    here = place()
    b = here.signed_in()
    page = b.get(here.url("vault", "/gold?x=1"))
    assert page.status == 403
    first = here.journal.wait(kind="login")
    page = here.log_in(b, b.get(step_up(page)), acr="mfa")
    assert page.status == 200 and page.url == here.url("vault", "/gold?x=1")
    record = here.journal.wait(kind="step_up")
    assert record["auth"]["acr"] == "mfa" and record["session"] != first["session"]
    assert here.journal.wait(kind="session.revoked")["why"] == "renewed"
    assert b.get(here.url("inventory")).status == 200


def test_step_up_to_more_than_one_factor(place):
    """The rule says mfa alone; the provider is asked by what it calls that."""
    here = place(mfa={"acr": ["mfa"]})
    b = here.signed_in()
    page = b.get(here.url("safe"))
    assert page.status == 403 and "mfa=1" in step_up(page)
    page = here.log_in(b, b.get(step_up(page)), acr="mfa")
    assert page.status == 200 and page.url == here.url("safe")
    assert here.journal.wait(kind="step_up")["auth"]["acr"] == "mfa"
    assert here.journal.wait(kind="decision", app="safe", status=200)["auth"]["mfa"] is True


def test_step_up_that_comes_back_weaker(place):
    here = place()
    b = here.signed_in()
    page = here.log_in(b, b.get(step_up(b.get(here.url("vault")))), acr="other")
    while page.url.startswith(here.provider.issuer) and page.forms():
        page = here.log_in(b, page, acr="other")         # the provider asks once more
        if len(b.hops) > 30:
            break
    assert b.ask(here.url("vault")).status in (302, 403)
    assert not here.journal.find(kind="step_up")


def test_how_old_a_sign_in_is_has_to_be_asked(place):
    """A provider need not say auth_time unless it is asked: unknown is refused, and the link asks."""
    here = place()
    b = here.signed_in()
    page = b.get(here.url("till"))
    assert page.status == 403
    page = b.get(step_up(page))                          # the provider's own sign-in is new enough
    assert page.status == 200 and page.url == here.url("till")


def test_step_up_to_a_newer_sign_in(place):
    here = place(client={"require_auth_time": True})
    b = here.signed_in()
    page = b.get(here.url("till"))
    assert page.status == 200
    end = time.monotonic() + 20
    while page.status == 200 and time.monotonic() < end:
        time.sleep(0.25)                                 # the sign-in has to grow old: no event tells it
        page = b.get(here.url("till"))
    assert page.status == 403
    page = b.get(step_up(page))
    page = here.log_in(b, page)                          # max_age made the provider ask again
    assert page.status == 200 and page.url == here.url("till")
    here.journal.wait(kind="step_up")
    assert here.journal.wait(kind="step_up")["session"] != here.journal.wait(kind="login")["session"]
