"""Issuers: keys of every kind that postern may meet, their JWKS, and tokens, good and bad.

The signer writes what it is told: a token library would refuse to make most of the bad ones.
"""

import base64
import functools
import json
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

HASH = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVE = {"256": ec.SECP256R1, "384": ec.SECP384R1, "512": ec.SECP521R1}
CURVE_NAME = {"256": "P-256", "384": "P-384", "512": "P-521"}
COORDINATE = {"256": 32, "384": 48, "512": 66}


def b64u(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def number(n, length=None):
    return b64u(n.to_bytes(length or (n.bit_length() + 7) // 8, "big"))


class Key:
    """One signing key with its kid; `alg` is what it signs with unless a token asks for another."""

    def __init__(self, alg, kid, bits=2048):
        self.alg, self.kid, size = alg, kid, alg[-3:]
        if alg == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        elif alg.startswith("ES"):
            self.private = ec.generate_private_key(CURVE[size]())
        else:
            self.private = rsa_key(bits, kid)

    def jwk(self, **change):
        public = self.private.public_key()
        out = {"kid": self.kid, "use": "sig", "alg": self.alg}
        if self.alg == "EdDSA":
            raw = public.public_bytes_raw() if hasattr(public, "public_bytes_raw") else _raw(public)
            out.update(kty="OKP", crv="Ed25519", x=b64u(raw))
        elif self.alg.startswith("ES"):
            n, size = public.public_numbers(), self.alg[-3:]
            out.update(kty="EC", crv=CURVE_NAME[size], x=number(n.x, COORDINATE[size]),
                       y=number(n.y, COORDINATE[size]))
        else:
            n = public.public_numbers()
            out.update(kty="RSA", n=number(n.n), e=number(n.e))
        out.update(change)
        return {k: v for k, v in out.items() if v is not None}

    def sign(self, data, alg=None):
        alg = alg or self.alg
        digest = HASH.get(alg[-3:])
        if alg == "EdDSA":
            return self.private.sign(data)
        if alg.startswith("ES"):
            r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(digest())))
            size = COORDINATE[alg[-3:]]
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        if alg.startswith("PS"):
            pad = padding.PSS(padding.MGF1(digest()), digest().digest_size)
            return self.private.sign(data, pad, digest())
        return self.private.sign(data, padding.PKCS1v15(), digest())

    def token(self, claims, header=None, alg=None):
        """A compact JWS. `claims` may be bytes; a header member that is None is left out."""
        head = {"alg": alg or self.alg, "typ": "JWT", "kid": self.kid, **(header or {})}
        head = {k: v for k, v in head.items() if v is not None}
        body = claims if isinstance(claims, bytes) else compact(claims)
        data = (b64u(compact(head)) + "." + b64u(body)).encode()
        return data.decode() + "." + b64u(self.sign(data, alg or self.alg))


def _raw(public):
    from cryptography.hazmat.primitives import serialization as s
    return public.public_bytes(s.Encoding.Raw, s.PublicFormat.Raw)


@functools.lru_cache(maxsize=None)
def rsa_key(bits, name):
    # Making one takes a while: one per name and process is enough.
    return rsa.generate_private_key(65537, bits)


class Issuer:
    """An issuer with one key per algorithm that its tokens use."""

    def __init__(self, name="demo", url="https://idp.example", audience="postern", algs=("RS256", "ES256")):
        self.name, self.url, self.audience, self.algs = name, url, audience, tuple(algs)
        self.keys = {alg: Key(alg, "%s-%s" % (name, alg.lower())) for alg in self.algs}
        self.more = []                  # further keys that the JWKS shows

    def jwks(self):
        return {"keys": [k.jwk() for k in [*self.keys.values(), *self.more]]}

    def claims(self, sub, /, **change):
        """Claims of a token that is good for an hour; None takes a claim out."""
        now = int(time.time())
        out = {"iss": self.url, "aud": self.audience, "sub": sub, "iat": now, "exp": now + 3600}
        out.update(change)
        return {k: v for k, v in out.items() if v is not None}

    def token(self, sub, /, alg=None, header=None, **claims):
        return self.keys[alg or self.algs[0]].token(self.claims(sub, **claims), header)

    def person(self, name, groups=(), /, **claims):
        """A token of NAME@example.com with a verified address."""
        return self.token(name, **{"email": name + "@example.com", "email_verified": True,
                                   "groups": list(groups), **claims})
