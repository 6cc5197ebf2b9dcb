"""People with a browser: cookies by host, redirects followed by hand, forms filled in as a page gives them."""

import base64
import hashlib
import html
import os
import re
from urllib.parse import urlencode, urljoin, urlsplit

from . import raw
from .proxy import allow, app

PORTAL = "access.postern.localhost"
SESSION, LOGIN = "__Host-Http-postern", "__Host-Http-postern-login"


def password_hash(text, salt=None):
    """As `postern user passwd` writes it."""
    salt = salt or os.urandom(16)
    key = hashlib.scrypt(text.encode(), salt=salt, n=1 << 15, r=8, p=1, maxmem=1 << 26, dklen=32)
    plain = [base64.b64encode(b).decode().rstrip("=") for b in (salt, key)]
    return "$scrypt$ln=15,r=8,p=1$%s$%s" % tuple(plain)


PASSWORD = "correct horse battery"
HASH = password_hash(PASSWORD)                  # 70 ms: once a run


def users(**more):
    """users.yaml: kim is a contractor, eva is staff."""
    people = {"kim@acme.example": {"name": "Kim", "password": HASH, "groups": ["contractors"]},
              "eva@corp.example": {"name": "Eva", "password": HASH, "groups": ["staff"]}, **more}
    return {"version": 1, "users": {k: v for k, v in people.items() if v is not None}}


def policy(upstream):
    identity = {"headers": {"X-Auth-User": "sub", "X-Auth-Email": "email", "X-Auth-Groups": "groups"}}
    return {
        "version": 1,
        "apps": [app("inventory", upstream, host="inventory.postern.localhost", title="Inventory", identity=identity),
                 app("reports", upstream, host="reports.postern.localhost", title="Reports", identity=identity)],
        "rules": [allow("staff-all", to={"apps": ["inventory", "reports"]}),
                  allow("contractor-stock", who={"groups": ["contractors"]},
                        to={"apps": ["inventory"], "paths": ["/", "/stock/**", "/ws", "/sse"]})],
    }


def configure(port, **more):
    """Sections for a postern with a portal and the built-in issuer, on plain HTTP below localhost."""
    return {"portal": {"host": PORTAL, "origin": "http://%s:%d" % (PORTAL, port)},
            "issuers": {"people": "builtin"}, "builtin": {"users": "users.yaml"}, **more}


class Page:
    """An answer as a person meets it."""

    def __init__(self, url, answer):
        self.url, self.answer = url, answer
        self.status, self.text = answer.status, answer.text

    def header(self, name):
        return self.answer.get(name)

    def forms(self):
        """[{action, method, fields}] with the values that the page brings."""
        out = []
        for m in re.finditer(r"<form\b([^>]*)>(.*?)</form>", self.text, re.S):
            fields = {}
            for tag in re.findall(r"<input\b[^>]*>", m.group(2)):
                name = attribute(tag, "name")
                if name and attribute(tag, "type") not in ("submit", "checkbox"):
                    fields[name] = attribute(tag, "value") or ""
            for name in re.findall(r"<textarea\b[^>]*\bname=\"?([\w-]+)", m.group(2)):
                fields[name] = ""
            out.append({"action": urljoin(self.url, attribute("<form%s>" % m.group(1), "action") or self.url),
                        "method": (attribute("<form%s>" % m.group(1), "method") or "get").upper(),
                        "fields": fields, "html": m.group(2)})
        return out

    def form(self, *names):
        for f in self.forms():
            if all(n in f["fields"] for n in names):
                return f
        raise AssertionError("no form with %r on %s %d:\n%s" % (names, self.url, self.status, self.text[:3000]))

    def links(self):
        return [urljoin(self.url, html.unescape(h)) for h in re.findall(r"<a\b[^>]*\bhref=\"([^\"]*)\"", self.text)]

    def __repr__(self):
        return "<%s %s %s>" % (self.status, self.url, self.answer.headers)


def attribute(tag, name):
    m = re.search(r"\b%s=(?:\"([^\"]*)\"|([^\s>]+))" % name, tag)
    return html.unescape(m.group(1) if m.group(1) is not None else m.group(2)) if m else None


NAVIGATE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html,*/*;q=0.8"}


class Browser:
    """One person's browser. `jar`: {host: {name: value}}; every hop is kept in `hops`."""

    def __init__(self, port, agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", language="en"):
        self.port, self.agent, self.language = port, agent, language
        self.jar, self.hops = {}, []
        self.tls = None                     # a context: https, and maybe a client certificate

    # ---- one request -------------------------------------------------------------------------
    def ask(self, url, method="GET", fields=None, headers=None, body=None):
        parts = urlsplit(url)
        host = parts.hostname
        assert parts.scheme == ("https" if self.tls else "http") and parts.port, url
        sent = {"User-Agent": self.agent, "Accept-Language": self.language, **NAVIGATE, **(headers or {})}
        if self.jar.get(host):
            sent["Cookie"] = "; ".join("%s=%s" % c for c in self.jar[host].items())
        if fields is not None:
            body = urlencode(fields).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        if method == "POST" and "Sec-Fetch-Site" not in sent and "Origin" not in sent:
            sent.update({"Origin": "null", "Sec-Fetch-Site": "same-origin"})
        tls = {"tls": self.tls, "sni": host} if self.tls else {}
        answer = raw.request(parts.port, method, (parts.path or "/") + ("?" + parts.query if parts.query else ""),
                             host="%s:%d" % (host, parts.port), body=body,
                             headers=[(k, v) for k, v in sent.items() if v is not None], **tls)
        self.keep(host, answer)
        page = Page(url, answer)
        self.hops.append(page)
        return page

    def keep(self, host, answer):
        for line in answer.all("Set-Cookie"):
            pair, *rest = [p.strip() for p in line.split(";")]
            name, value = pair.split("=", 1)
            rest = [r.lower() for r in rest]
            if name.startswith("__Host-"):      # as browsers hold it
                assert "secure" in rest and "path=/" in rest and not any(r.startswith("domain") for r in rest), line
            jar = self.jar.setdefault(host, {})
            if "max-age=0" in rest:
                jar.pop(name, None)
            else:
                jar[name] = value

    def cookie(self, host, name=SESSION):
        return self.jar.get(host, {}).get(name)

    # ---- as a person does it ------------------------------------------------------------------
    def follow(self, page, most=12):
        while page.status in (301, 302, 303, 307, 308) and most:
            page = self.ask(urljoin(page.url, page.header("Location")))
            most -= 1
        assert most, "redirected for ever: %r" % self.hops[-12:]
        return page

    def get(self, url, **how):
        return self.follow(self.ask(url, **how))

    def send(self, form, follow=True, **fields):
        page = self.ask(form["action"], "POST", {**form["fields"], **fields})
        return self.follow(page) if follow else page

    def sign_in(self, page, email, password=PASSWORD, follow=True):
        """On the sign-in page of the built-in issuer."""
        return self.send(page.form("ticket", "email", "password"), follow, email=email, password=password)


class House:
    """A postern with a portal, and how its hosts are written."""

    def __init__(self, start, origin, **how):
        from .ports import free_port
        self.origin = origin
        port = how.pop("port", 0) or free_port()
        config = configure(port, **how.pop("config", {}))
        folder = how.pop("folder", None)
        self.postern = start(ready=False, folder=folder, policies={"10-apps.yaml": how.pop("policy", None) or
                             policy(origin.url)}, config=config,
                             listeners=[{"address": "127.0.0.1:%d" % port, "front": how.pop("front", "direct")},
                                        *how.pop("more", [])], **how)
        self.postern.port = self.port = port
        from .proxy import dump
        self.postern.write("users.yaml", dump(users()))
        os.chmod(self.postern.path("users.yaml"), 0o600)
        self.postern.start()
        self.journal = self.postern.journal

    def url(self, app, path="/"):
        return "http://%s.postern.localhost:%d%s" % (app, self.port, path)

    def portal(self, path="/"):
        return "http://%s:%d%s" % (PORTAL, self.port, path)

    def browser(self, **how):
        return Browser(self.port, **how)

    def signed_in(self, email="eva@corp.example", app="inventory", path="/"):
        b = self.browser()
        page = b.sign_in(b.get(self.url(app, path)), email)
        assert page.status == 200 and page.url == self.url(app, path), page
        return b

    def session_of(self, b):
        """The handle of the session that this browser got last."""
        hop = [h for h in b.hops if "/.postern/callback?" in h.url and h.status == 303][-1]
        return self.journal.wait(kind="login", id=hop.header("X-Request-Id"))["session"]

    def set_users(self, **more):
        from .proxy import dump
        self.postern.write("users.yaml", dump(users(**more)))
        os.chmod(self.postern.path("users.yaml"), 0o600)
