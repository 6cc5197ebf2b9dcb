"""A certificate authority that lives as long as the test run."""

import base64
import datetime
import hashlib
import ipaddress
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alt(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    def __init__(self, folder, name="test authority"):
        self.folder, self.name = str(folder), _name(name)
        os.makedirs(self.folder, exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        cert = self._build(self.name, self.key.public_key(), 30).add_extension(
            x509.BasicConstraints(True, None), critical=True).sign(self.key, hashes.SHA256())
        self.ca = os.path.join(self.folder, "ca.pem")
        with open(self.ca, "wb") as f:
            f.write(cert.public_bytes(serialization.Encoding.PEM))

    def _build(self, subject, public, days, start=None):
        start = start or datetime.datetime.utcnow() - datetime.timedelta(hours=1)
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public)
                .serial_number(x509.random_serial_number()).not_valid_before(start)
                .not_valid_after(start + datetime.timedelta(days=days)))

    def issue(self, *names, stem=None, days=2, start=None):
        """(certificate file, key file, serial) for the names; written over what stood there before."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self._build(_name(names[0]), key.public_key(), days, start).add_extension(
            x509.SubjectAlternativeName([_alt(n) for n in names]), critical=False).sign(self.key, hashes.SHA256())
        stem = os.path.join(self.folder, stem or names[0].replace("*", "any"))
        # The key first, each by a rename: a reader between the two sees a pair that does not fit.
        for path, data in ((stem + ".key", _pem(key)),
                           (stem + ".pem", cert.public_bytes(serialization.Encoding.PEM))):
            with open(path + ".new", "wb", opener=lambda p, f: os.open(p, f, 0o600)) as f:
                f.write(data)
            os.rename(path + ".new", path)
        return stem + ".pem", stem + ".key", cert.serial_number

    def server(self, *names, stem=None, client_ca=None, **how):
        """A TLS context for a server of those names; with `client_ca` clients must show a certificate of it."""
        cert, key, _ = self.issue(*names, stem=stem or "server-" + names[0], **how)
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(cert, key)
        if client_ca:
            ctx.load_verify_locations(client_ca)
            ctx.verify_mode = ssl.CERT_REQUIRED
        return ctx


def pin(path):
    """The pin of a certificate file: SHA-256 of its public key."""
    with open(path, "rb") as f:
        public = x509.load_pem_x509_certificate(f.read()).public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "sha256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()
