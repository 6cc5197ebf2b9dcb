"""postern as a peer of the bench: shipped defaults, every record field, 100 rules over 20 apps.

The bench finds this file through POSTERN_ADAPTER; the binary is POSTERN, or the one in
build-release/, or the one in build/.
"""

import json
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILT = [os.path.join(ROOT, folder, "postern") for folder in ("build-release", "build")]
BINARY = os.path.abspath(os.environ.get("POSTERN") or next(filter(os.path.exists, BUILT), BUILT[0]))
APPS = 20


def app(v, n):
    """App 0 is the one that the bench talks to; the others have the same shape."""
    name = "bench" if n == 0 else "app-%02d" % n
    out = {"name": name, "host": "127.0.0.1" if n == 0 else name + ".bench.invalid",
           "upstream": "http://127.0.0.1:%d" % v.origin_port,
           "identity": {"headers": {"X-Auth-User": "sub"}}}
    if n == 0:
        out["aliases"] = ["localhost"]
    return out


def rules(v, n):
    """Five a piece: who may, who may a little, two that refuse and one that demands."""
    name = "bench" if n == 0 else "app-%02d" % n
    group = v.group if n == 0 else "users-%02d" % n
    here = {"apps": [name]}
    return [
        {"id": name + "-users", "effect": "allow", "who": {"groups": [group]}, "to": here},
        {"id": name + "-readers", "effect": "allow", "who": {"groups": ["readers-%02d" % n]},
         "to": {**here, "methods": ["GET", "HEAD"], "paths": ["/reports/**", "/api/v1/stock/*"]}},
        {"id": name + "-left", "effect": "deny", "who": {"groups": ["suspended", "left-%02d" % n]}, "to": here},
        {"id": name + "-admin", "effect": "deny", "who": {"groups": {"none": ["admins"]}},
         "to": {**here, "paths": ["/admin/**"]}},
        {"id": name + "-network", "effect": "require", "who": "anyone", "to": here,
         "from": {"networks": ["127.0.0.0/8", "10.0.0.0/8", "192.168.0.0/16"]}},
    ]


def config(v):
    certificate = {"cert": v.tls_cert, "key": v.dir + "/tls.key"}
    return {
        "version": 1,
        "listeners": [
            {"address": "127.0.0.1:%d" % v.port, "front": "direct"},
            {"address": "127.0.0.1:%d" % v.tls_port, "tls": {"certificates": [certificate]}, "front": "direct"},
        ],
        "admin": {"address": "unix:" + v.dir + "/admin.sock"},
        "policies": v.dir + "/policies",
        "state": v.dir + "/state",
        "workers": v.threads,
        "issuers": {"bench": {"issuer": v.iss, "audience": v.aud, "jwks_file": v.jwks,
                              "algs": ["RS256", "ES256"], "absent_means_none": ["groups"]}},
        # The bench counts the lines of one file: rotation at 1 GiB would hide most of a long run.
        "audit": {"file": v.dir + "/access.log", "sync": "batch", "rotate": {"size": "1TiB"}},
    }


def files(v):
    for name, mode in (("policies", 0o755), ("state", 0o700)):
        os.makedirs(os.path.join(v.dir, name), mode=mode, exist_ok=True)
    # postern refuses a key that others may read, and the bench makes its material readable for all.
    fd = os.open(v.dir + "/tls.key", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as out:
        out.write(open(v.tls_key).read())
    apps = {"version": 1, "apps": [app(v, n) for n in range(APPS)],
            "rules": [r for n in range(APPS) for r in rules(v, n)]}
    # JSON is YAML, and the bench has the standard library only.
    return {"postern.yaml": json.dumps(config(v), indent=1),
            "policies/10-apps.yaml": json.dumps(apps, indent=1)}


def commands(v):
    return [[BINARY, "run", "--config", v.dir + "/postern.yaml"]]
