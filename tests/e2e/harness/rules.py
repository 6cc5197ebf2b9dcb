"""postern policy at work: small sets, and the command with its JSON."""

import json

from .proxy import app, command, dump

APPS = [app("wiki", "http://10.0.0.1:3000", host="wiki.example", public_paths=["/public/**"]),
        app("bastion", "ssh://10.0.0.2:22", host="bastion.example", logins=["ops", "root"])]
STAFF = {"id": "staff", "effect": "allow", "who": {"groups": ["staff"]}, "to": {"apps": ["wiki"]}}
ACME = {"id": "acme", "effect": "allow", "expires": "2099-01-31", "who": {"groups": ["contractors"],
        "claims": {"company": ["Acme"]}}, "to": {"apps": ["wiki"], "methods": ["GET"], "paths": ["/stock/**"]}}
OPS = {"id": "ops", "effect": "allow", "who": {"groups": ["ops"]}, "to": {"apps": ["bastion"], "logins": ["ops"]}}
SUSPENDED = {"id": "suspended", "effect": "deny", "who": {"groups": ["suspended"]}, "to": "everything"}
AT = "2026-11-27T15:00:00Z"


def rule(base, **change):
    return {k: v for k, v in {**base, **change}.items() if v is not None}


def writer(folder):
    """Writes a set below the folder and gives its path."""
    def write(*items, name="set", tests=None, more=None):
        (folder / name).mkdir(exist_ok=True)
        value = {"version": 1, "apps": APPS, "rules": list(items), "tests": tests, **(more or {})}
        (folder / name / "a.yaml").write_text(dump({k: v for k, v in value.items() if v}))
        return str(folder / name)
    return write


def policy(*args, status=0, **how):
    done = command("policy", *args, **how)
    assert done.returncode == status, (args, done.returncode, done.stdout, done.stderr)
    return done


def as_json(*args, status=0):
    return json.loads(policy(*args, "--format", "json", status=status).stdout)
