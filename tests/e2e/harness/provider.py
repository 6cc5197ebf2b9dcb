"""An OpenID provider that does as it is told: honest by default, and lying wherever a test says so.

Every lie is an attribute; `reset()` makes it honest again. Whoever comes to the authorization endpoint is signed in at
once as `person`.
"""

import base64
import contextlib
import hashlib
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from .tokens import Key, b64u, compact

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def changed(base, change):
    """A copy with members replaced; None takes one out."""
    return {k: v for k, v in {**base, **change}.items() if v is not None}


def half_hash(text, alg="RS256"):
    digest = hashlib.new("sha" + alg[-3:], text.encode()).digest()
    return b64u(digest[:len(digest) // 2])


class Provider:
    def __init__(self, client_id="gate", secret="s3cret"):
        self.client_id, self.secret = client_id, secret
        self.lock = threading.Lock()
        self.serial, self.port, self.server = 0, 0, None
        self.keys = {alg: self.new_key(alg) for alg in ("RS256", "ES256")}
        self.reset()
        self.start()

    @property
    def issuer(self):
        return "http://127.0.0.1:%d" % self.port

    def new_key(self, alg):
        self.serial += 1
        return Key(alg, "%s-%d" % (alg.lower(), self.serial))

    def reset(self):
        self.person = {"sub": "kim", "email": "kim@corp.example", "email_verified": True, "name": "Kim",
                       "groups": ["staff"]}
        self.in_id_token = ("email", "email_verified", "groups")
        self.alg = "RS256"
        self.sid = None                  # of the session at the provider: one for each log-in
        self.auth_time = None            # now, unless said otherwise
        self.gives_refresh, self.rotates = True, True
        self.gives_id_on_refresh = True
        # lies
        self.metadata = {}               # members of the discovery document that change
        self.callback = {}               # parameters of the way back that change; a list stands twice
        self.id_claims, self.id_header = {}, {}
        self.sign = None                 # (claims, header) -> token, instead of the right key
        self.token_members = {}          # of the token endpoint's answer
        self.token_answer = None         # (status, type, bytes) instead of it
        self.userinfo = {}               # members that change
        self.userinfo_answer = None
        self.shown_keys = None           # the JWKS, when it is not that of the keys
        self.delay = {}                  # path -> seconds
        self.down = set()                # paths that answer 503
        self.method = "client_secret_basic"
        # what was seen
        self.codes, self.refresh_tokens, self.access_tokens, self.pushed = {}, {}, {}, {}
        self.asked = []                  # (path, {parameters}, headers)
        self.problems = []               # what a strict provider would have refused

    @contextlib.contextmanager
    def lying(self, **lies):
        before = {name: getattr(self, name) for name in lies}
        for name, value in lies.items():
            setattr(self, name, value)
        try:
            yield self
        finally:
            for name, value in before.items():
                setattr(self, name, value)

    def requests(self, path):
        return [(query, headers) for p, query, headers in self.asked if p == path]

    # ---- documents --------------------------------------------------------------------------
    def document(self):
        url = self.issuer
        return changed({
            "issuer": url, "authorization_endpoint": url + "/authorize", "token_endpoint": url + "/token",
            "jwks_uri": url + "/jwks", "userinfo_endpoint": url + "/me", "end_session_endpoint": url + "/end",
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "token_endpoint_auth_methods_supported": [self.method],
            "code_challenge_methods_supported": ["S256"], "backchannel_logout_supported": True,
            "authorization_response_iss_parameter_supported": True,
        }, self.metadata)

    def jwks(self):
        keys = self.keys.values() if self.shown_keys is None else self.shown_keys
        return {"keys": [k if isinstance(k, dict) else k.jwk() for k in keys]}

    def rotate(self, alg="RS256"):
        self.keys[alg] = self.new_key(alg)

    def token(self, claims, header=None):
        head = {**self.id_header, **(header or {})}
        if self.sign:
            return self.sign(claims, head)
        return self.keys[self.alg].token(claims, head)

    def logout_token(self, header=None, sign=None, **change):
        now = int(time.time())
        claims = changed({"iss": self.issuer, "aud": self.client_id, "iat": now, "exp": now + 120,
                          "jti": secrets.token_hex(8), "sub": self.person["sub"], "events": {LOGOUT_EVENT: {}}}, change)
        head = {"typ": "logout+jwt", **(header or {})}
        return sign(claims, head) if sign else self.keys[self.alg].token(claims, head)

    # ---- endpoints: (method, parameters, headers) -> (status, type, body, [headers]) ---------
    def get_authorize(self, query, headers):
        if "request_uri" in query:
            query = self.pushed.pop(query["request_uri"])
        self._must(query.get("response_type") == "code" and query.get("client_id") == self.client_id, "the request")
        self._must(query.get("code_challenge_method") == "S256" and len(query.get("code_challenge", "")) == 43, "PKCE")
        self._must("openid" in query.get("scope", "").split() and query.get("state") and query.get("nonce"), "OpenID")
        code = secrets.token_urlsafe(24)
        sid = self.sid or secrets.token_hex(8)
        grant = {**query, "sid": sid, "person": dict(self.person), "auth_time": self.auth_time or int(time.time())}
        self.codes[code] = grant
        answer = changed({"code": code, "state": query.get("state"), "iss": self.issuer}, self.callback)
        pairs = [(n, v) for n, values in answer.items() for v in (values if isinstance(values, list) else [values])]
        there = query["redirect_uri"] + "?" + urlencode(pairs)
        return 302, "text/plain", b"", [("Location", there)]

    def post_par(self, form, headers):
        self._authenticate(form, headers)
        uri = "urn:ietf:params:oauth:request_uri:" + secrets.token_hex(8)
        self.pushed[uri] = form
        return 201, "application/json", compact({"request_uri": uri, "expires_in": 60}), []

    def _authenticate(self, form, headers):
        if self.method == "client_secret_basic":
            raw = base64.b64decode(headers.get("Authorization", "Basic ").split(" ", 1)[1]).decode()
            self._must(raw == "%s:%s" % (self.client_id, self.secret), "Basic")
            self._must("client_secret" not in form, "one way to prove the client")
        elif self.method == "client_secret_post":
            self._must((form.get("client_id"), form.get("client_secret")) == (self.client_id, self.secret), "the secret")
        elif self.method == "private_key_jwt":
            self._must(form.get("client_assertion", "").count(".") == 2, "the assertion")

    def _must(self, condition, what):
        if not condition:
            self.problems.append(what)

    def post_token(self, form, headers):
        self._authenticate(form, headers)
        if self.token_answer:
            status, kind, body = self.token_answer
            return status, kind, body, []
        if form.get("grant_type") == "refresh_token":
            return self._refresh(form)
        grant = self.codes.pop(form.get("code"), None)
        if grant is None:
            return 400, "application/json", b'{"error":"invalid_grant"}', []
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        self._must(b64u(verifier) == grant["code_challenge"], "the verifier")
        self._must(form.get("redirect_uri") == grant["redirect_uri"], "the redirect URI")
        return self._tokens(grant, {"nonce": grant["nonce"]}, gives_id=True)

    def _refresh(self, form):
        with self.lock:
            grant = self.refresh_tokens.get(form.get("refresh_token"))
            if grant is None:
                return 400, "application/json", b'{"error":"invalid_grant"}', []
            if self.rotates:
                del self.refresh_tokens[form["refresh_token"]]
        grant["person"] = dict(self.person)
        return self._tokens(grant, {}, self.gives_id_on_refresh, form["refresh_token"])

    def _tokens(self, grant, extra, gives_id, old=None):
        access, now, person = secrets.token_urlsafe(24), int(time.time()), grant["person"]
        self.access_tokens[access] = grant
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": 300, "scope": grant.get("scope")}
        if gives_id:
            claims = {"iss": self.issuer, "aud": self.client_id, "sub": person["sub"], "iat": now, "exp": now + 300,
                      "sid": grant["sid"], "auth_time": grant["auth_time"], "at_hash": half_hash(access, self.alg),
                      **{name: person[name] for name in self.in_id_token if name in person}, **extra}
            if grant.get("acr_values"):
                claims["acr"] = grant["acr_values"].split()[0]
            answer["id_token"] = self.token(changed(claims, self.id_claims))
        if self.gives_refresh:
            answer["refresh_token"] = old if old and not self.rotates else secrets.token_urlsafe(24)
            self.refresh_tokens[answer["refresh_token"]] = grant
        return 200, "application/json", compact(changed(answer, self.token_members)), []

    def get_me(self, query, headers):
        grant = self.access_tokens.get(headers.get("Authorization", "").removeprefix("Bearer "))
        if self.userinfo_answer:
            return (*self.userinfo_answer, [])
        if grant is None:
            return 401, "application/json", b'{"error":"invalid_token"}', []
        return 200, "application/json", compact(changed(grant["person"], self.userinfo)), []

    def post_end(self, form, headers):
        there = form.get("post_logout_redirect_uri")
        return (303, "text/plain", b"", [("Location", there)]) if there else (200, "text/plain", b"bye", [])

    def _document(self, query, headers):
        return 200, "application/json", compact(self.document()), []

    def get_jwks(self, query, headers):
        return 200, "application/json", compact(self.jwks()), []

    # ---- the server -------------------------------------------------------------------------
    def answer(self, method, target, body, headers):
        parts = urlsplit(target)
        pairs = parse_qsl(body.decode() if method == "POST" else parts.query, keep_blank_values=True)
        self._must(len(dict(pairs)) == len(pairs), "a parameter stands twice")
        self.asked.append((parts.path, dict(pairs), headers))
        time.sleep(self.delay.get(parts.path, 0))
        if parts.path in self.down:
            return 503, "text/plain", b"tired", []
        if parts.path == "/.well-known/openid-configuration":
            return self._document(dict(pairs), headers)
        serve = getattr(self, "%s_%s" % (method.lower(), parts.path.strip("/").replace("/", "_")), None)
        return serve(dict(pairs), headers) if serve else (404, "text/plain", b"no such thing", [])

    def start(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, kind, out, more = outer.answer(self.command, self.path, body, self.headers)
                self.send_response(status)
                for name, value in [("Content-Type", kind), ("Content-Length", str(len(out))), *more]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(out)

            do_GET = do_POST = _serve

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads, allow_reuse_address = True, True

            def handle_error(self, *_):      # a client that left
                pass

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        """Nobody listens any more; start() comes back on the same port."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


def unsigned(claims, header):
    return "%s.%s." % (b64u(compact({**header, "alg": "none"})), b64u(compact(claims)))


def forged(key):
    """Signs with a key that is not the provider's, under the kid that is."""
    def sign(claims, header):
        return key.token(claims, header)
    return sign


def tampered(provider):
    def sign(claims, header):
        head, payload, signature = provider.keys[provider.alg].token(claims, header).split(".")
        flipped = ("A" if signature[5] != "A" else "B")
        return ".".join((head, payload, signature[:5] + flipped + signature[6:]))
    return sign


