"""Devices: a CA that certifies them, a server that answers as Fleet's API does, posture documents."""

import datetime
import json
import os
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from . import raw
from .jwks import JwksServer

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _ago(**how):
    return datetime.datetime.utcnow() - datetime.timedelta(**how)


class DeviceCA:
    """Issues client certificates, good and bad, and revocation lists."""

    def __init__(self, folder, name="device CA", above=None):
        self.folder, self.name, self.above = str(folder), _name(name), above
        os.makedirs(self.folder, exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        signer = above or self
        self.cert = (x509.CertificateBuilder().subject_name(self.name).issuer_name(signer.name)
                     .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                     .not_valid_before(_ago(days=30)).not_valid_after(_ago(days=-30))
                     .add_extension(x509.BasicConstraints(True, None), critical=True)
                     .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False),
                                    critical=True)
                     .sign(signer.key, hashes.SHA256()))
        self.ca = self._write(name.replace(" ", "-") + ".pem", self._pem(self.cert))

    def _pem(self, x):
        return x.public_bytes(serialization.Encoding.PEM)

    def _write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path + "~", "wb", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(data)
        os.rename(path + "~", path)
        return path

    def issue(self, device, eku=(CLIENT,), start=None, end=None, san=True, stem=None):
        """{cert, key, x509}: PEM files and the certificate. `device` becomes the URI of the SAN."""
        key = ec.generate_private_key(ec.SECP256R1())
        b = (x509.CertificateBuilder().subject_name(_name("cn-" + device)).issuer_name(self.name)
             .public_key(key.public_key()).serial_number(x509.random_serial_number())
             .not_valid_before(start or _ago(hours=1)).not_valid_after(end or _ago(days=-2)))
        if san:
            b = b.add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(device)]), critical=False)
        if eku:
            b = b.add_extension(x509.ExtendedKeyUsage(list(eku)), critical=False)
        cert = b.sign(self.key, hashes.SHA256())
        stem = stem or "%s-%x" % (device.replace("/", "_").replace(":", "_"), cert.serial_number)
        pem = self._pem(cert)
        if self.above:
            pem += self._pem(self.cert)
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                   serialization.NoEncryption())
        return {"cert": self._write(stem + ".pem", pem), "key": self._write(stem + ".key", secret), "x509": cert}

    def crl(self, *revoked, path="crl.pem", start=None, end=None):
        """The file of a revocation list that names these certificates."""
        b = (x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(start or _ago(hours=1))
             .next_update(end or _ago(days=-1)))
        for cert in revoked:
            b = b.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(cert["x509"].serial_number)
                                          .revocation_date(_ago(minutes=1)).build())
        return self._write(path, self._pem(b.sign(self.key, hashes.SHA256())))


def client(server_ca, cert=None):
    """A TLS client context that shows this certificate when it is asked."""
    ctx = raw.client_tls(server_ca)
    if cert:
        ctx.load_cert_chain(cert["cert"], cert["key"])
    return ctx


def instant(age_s=0):
    return datetime.datetime.utcfromtimestamp(time.time() - age_s).strftime("%Y-%m-%dT%H:%M:%SZ")


def device_of(record):
    """{name: (value, source, age)} of a record's facts."""
    return {f["name"]: (f["value"], f["source"], f["age"]) for f in record["device"]["facts"]}


class Fleet(JwksServer):
    """GET /api/v1/fleet/hosts as Fleet's REST documentation describes it: pages of `hosts`, an empty one at the end, and
    {"message", "errors"} with 401 for a token that is not good."""

    def __init__(self, token="s3cret", **how):
        self.token, self.hosts, self.asked, self.page_size = token, [], [], None
        super().__init__({}, **how)

    @property
    def url(self):
        return "%s://127.0.0.1:%d" % ("https" if self.tls else "http", self.port)

    def host(self, uuid, serial="", age_s=0, policies=(), **more):
        """A host as the list shows it; `policies` are (name, response)."""
        at = instant(age_s)
        self.hosts = [h for h in self.hosts if h["uuid"] != uuid]
        self.hosts.append({
            "created_at": "2025-01-01T00:00:00Z", "updated_at": at, "id": len(self.hosts) + 1, "detail_updated_at": at,
            "label_updated_at": at, "policy_updated_at": at, "last_enrolled_at": "2025-01-01T00:00:00Z",
            "seen_time": instant(0), "refetch_requested": False, "hostname": "host-" + uuid, "uuid": uuid,
            "platform": "darwin", "osquery_version": "5.14.1", "os_version": "macOS 14.6.1", "build": "23G93",
            "hardware_vendor": "Apple Inc.", "hardware_serial": serial, "computer_name": "host-" + uuid,
            "team_id": None, "pack_stats": None, "status": "online",
            "issues": {"failing_policies_count": sum(a == "fail" for _, a in policies), "total_issues_count": 0},
            "mdm": {"encryption_key_available": True, "enrollment_status": "On (automatic)", "name": "Fleet",
                    "server_url": "https://fleet.example/mdm"},
            "policies": [{"id": i + 1, "name": n, "query": "SELECT 1", "critical": False, "response": a}
                         for i, (n, a) in enumerate(policies)],
            **more})

    def respond(self, handler):
        status, value = self.answer_to(handler)
        return (self.status, b"") if self.status != 200 else (status, json.dumps(value).encode())

    def answer_to(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if handler.headers.get("Authorization") != "Bearer " + self.token:
            return 401, {"message": "Authentication required",
                         "errors": [{"name": "base", "reason": "Authentication required"}]}
        if url.path != "/api/v1/fleet/hosts":
            return 404, {"message": "Resource Not Found", "errors": []}
        self.asked.append(query)
        page, size = int(query["page"]), self.page_size or int(query["per_page"])
        shown = [dict(h) for h in self.hosts[page * size:(page + 1) * size]]
        if query.get("populate_policies") != "true":
            for h in shown:
                h.pop("policies")
        return 200, {"hosts": shown}
