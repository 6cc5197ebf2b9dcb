"""What stands in front of postern at a vendor's: who signs, who publishes keys, who answers whois."""

import base64
import json
import os
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import serialization

from .tokens import Key, compact


class Team:
    """A Cloudflare team: one key signs for all of its applications."""

    def __init__(self, name="acme", kid=None):
        self.name, self.url = name, "https://%s.cloudflareaccess.com" % name
        self.key = Key("RS256", kid or name + "-key")

    def jwks(self):
        return {"keys": [self.key.jwk()]}

    def token(self, email="eva@corp.example", aud="aud-inventory", header=None, **claims):
        now = int(time.time())
        body = {"iss": self.url, "aud": [aud] if isinstance(aud, str) else aud, "sub": "sub-%s" % email, "email": email,
                "type": "app", "iat": now, "nbf": now, "exp": now + 600, **claims}
        return self.key.token({k: v for k, v in body.items() if v is not None}, header)

    def service(self, name="ci.access", **claims):
        return self.token(email=None, **{"sub": "", "common_name": name, **claims})


class Iap:
    """Google's Identity-Aware Proxy."""
    url = "https://cloud.google.com/iap"

    def __init__(self):
        self.key = Key("ES256", "iap-1")

    def jwks(self):
        return {"keys": [self.key.jwk()]}

    def token(self, email="eva@corp.example", **claims):
        now = int(time.time())
        body = {"iss": self.url, "aud": "/projects/1/apps/demo", "sub": "accounts.google.com:" + email, "email": email,
                "iat": now, "exp": now + 600, **claims}
        return self.key.token({k: v for k, v in body.items() if v is not None})


def padded(raw):
    return base64.urlsafe_b64encode(raw).decode()


ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"


class Alb:
    """An AWS load balancer: its parts are padded, and who signs stands in the header."""

    def __init__(self, arn=ARN, kid="0b1c7d6e-aaaa-4444-8888-000000000001"):
        self.arn, self.key = arn, Key("ES256", kid)

    def pem(self):
        return self.key.private.public_key().public_bytes(serialization.Encoding.PEM,
                                                          serialization.PublicFormat.SubjectPublicKeyInfo)

    def token(self, sub="eva", header=None, encode=padded, **claims):
        now = int(time.time())
        head = {"typ": "JWT", "kid": self.key.kid, "alg": "ES256", "iss": "https://idp.example",
                "client": "alb-client", "signer": self.arn, "exp": now + 120, **(header or {})}
        body = {"sub": sub, "email": "%s@corp.example" % sub, "exp": now + 120, "iss": "https://idp.example", **claims}
        head, body = ({k: v for k, v in x.items() if v is not None} for x in (head, body))
        data = encode(compact(head)) + "." + encode(compact(body))
        return data + "." + encode(self.key.sign(data.encode()))


class KeyShelf:
    """Publishes documents by path, and counts who asks for which."""

    def __init__(self):
        self.documents, self.asked, self.status = {}, [], None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                body = outer.documents.get(self.path)
                self.send_response(outer.status or (200 if body is not None else 404))
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def put(self, path, body):
        self.documents[path] = body if isinstance(body, bytes) else json.dumps(body).encode()
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


def node(address, login=None, **change):
    """What a daemon answers for a node; a member of Node is changed by its name."""
    out = {"Node": {"ID": 7, "StableID": "nABC", "Name": "laptop.tail.ts.net.", "User": 12,
                    "Addresses": [address + ("/128" if ":" in address else "/32")], "KeyExpiry": "0001-01-01T00:00:00Z"},
           "UserProfile": {"ID": 12, "LoginName": login or "tagged-devices", "DisplayName": login or ""}, "CapMap": None}
    out["Node"].update(change)
    return out


class Tailscaled:
    """A scripted local daemon. `answers`: address -> document, or a status."""

    def __init__(self, folder):
        self.path, self.answers, self.asked, self.hosts, self.delay = os.path.join(folder, "ts.sock"), {}, [], [], 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                url = urlsplit(self.path)
                where = parse_qs(url.query).get("addr", [""])[0]
                outer.asked.append(where)
                outer.hosts.append(self.headers["Host"])
                time.sleep(outer.delay)
                answer = outer.answers.get(where.rsplit(":", 1)[0].strip("[]"), 404)
                status = answer if isinstance(answer, int) else 200
                body = b"no match" if isinstance(answer, int) else json.dumps(answer).encode()
                if url.path != "/localapi/v0/whois" or self.headers["Host"] != "local-tailscaled.sock":
                    status, body = 403, b"invalid localapi request"
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def address_string(self):
                return "unix"

            def log_message(self, *_):
                pass

        self.server = _UnixServer(self.path, Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            os.unlink(self.path)
        self.server = None
