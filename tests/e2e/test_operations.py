"""What an operator sees: health, metrics, the commands, and the first minute."""

import json
import os
import re
import shutil

import pytest

from harness import raw
from harness.proxy import SLOWNESS, command


def test_health_and_readiness(gate):
    assert gate.admin("/healthz").status == 200 and gate.admin("/readyz").status == 200
    assert gate.admin("/nothing").status == 404


def test_metrics(gate, staff):
    before = gate.metrics()
    assert all(n.startswith("postern_") for n in before if not n.startswith(("process_", "go_"))), list(before)[:5]
    for _ in range(10):
        gate.get("/x", staff)
    gate.get("/x")

    def counted():
        after = gate.metrics()
        return sum(after[n] - before.get(n, 0) for n in after if "requests" in n and "total" in n)

    # A request is counted when it is over, which its client cannot see.
    raw.wait_for(lambda: counted() >= 11, 20 * SLOWNESS, why="the requests in the metrics")
    text = gate.admin("/metrics").text
    names = set(re.findall(r"^# TYPE (\S+) (?:counter|gauge|histogram)$", text, re.M))
    for line in text.splitlines():
        assert line.startswith("#") or re.match(r'^[a-z_:]+(\{[^}]*\})? [-+0-9.e]+$', line), line
    assert names, "no types"


def test_admin_is_not_the_gate(gate, staff):
    """The admin address serves no app and the gate serves no metrics."""
    assert raw.request(gate.admin_port, target="/x", token=staff).status == 404
    answer = gate.get("/metrics", staff)
    assert answer.status == 200 and answer.json["target"] == "/metrics"
    assert gate.get("/metrics").status == 401


def test_admin_takes_no_nonsense(gate):
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\0\1\2\r\n\r\n", b"GET /" + b"a" * 100000, b"POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n"):
        with raw.Conn(gate.admin_port) as c:
            try:
                c.send(data)
                assert c.read().status >= 400
            except (raw.Closed, OSError):
                pass
    assert gate.admin("/healthz").status == 200


def test_version_and_help():
    assert re.match(r"postern \d+\.\d+", command("--version").stdout)
    shown = command("--help")
    assert shown.returncode == 0
    for word in ("run", "policy", "config", "token", "audit", "init"):
        assert word in shown.stdout
    assert command("no-such-command").returncode == 2 and command().returncode == 2


def test_run_without_a_configuration(tmp_path):
    done = command("run", "--config", str(tmp_path / "none.yaml"))
    assert done.returncode == 2 and "postern init" in done.stderr


def test_config_check(gate, tmp_path):
    assert command("config", "check", "--config", gate.path("postern.yaml")).returncode == 0
    bad = tmp_path / "postern.yaml"
    bad.write_text("version: 1\nlistener: []\n")
    done = command("config", "check", "--config", str(bad))
    assert done.returncode == 1 and "postern.yaml:2:1" in done.stdout + done.stderr and "listeners" in done.stdout + done.stderr


@pytest.mark.parametrize("name,at", [("tls/c.pem", "cert"), ("tls/c.key", "key"), ("keys.json", "jwks_file"),
                                     ("policies", "policies"), ("ca.pem", "ca")])
def test_config_check_says_where_a_file_is_named(tmp_path, authority, issuer, name, at):
    """What the configuration names and is not there is told at its line, with the line and a caret below."""
    cert, key, _ = authority.issue("inventory.example", stem="named")
    (tmp_path / "tls").mkdir()
    shutil.copy(cert, tmp_path / "tls" / "c.pem")
    shutil.copy(key, tmp_path / "tls" / "c.key")
    (tmp_path / "keys.json").write_text(json.dumps(issuer.jwks()))
    (tmp_path / "ca.pem").write_text(open(authority.ca).read())
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "a.yaml").write_text(
        "version: 1\napps:\n  - {name: a, host: a.example, upstream: 'http://127.0.0.1:1'}\n"
        "rules:\n  - {id: r, effect: allow, who: {groups: [staff]}, to: {apps: [a]}}\n")
    text = """version: 1
listeners:
  - address: "127.0.0.1:1"
    tls:
      certificates:
        - cert: tls/c.pem
          key: tls/c.key
policies: policies
state: state
issuers:
  a: {issuer: a, audience: x, jwks_file: keys.json}
  b:
    issuer: "https://b.example"
    audience: x
    ca: ca.pem
"""
    path = tmp_path / "postern.yaml"
    path.write_text(text)
    whole = command("config", "check", "--config", str(path))
    assert whole.returncode == 0, whole
    gone = tmp_path / name
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    done = command("config", "check", "--config", str(path))
    lines = text.splitlines()
    number, line = next((n, v) for n, v in enumerate(lines, 1) if "%s: %s" % (at, name) in v)
    column = line.index("%s: %s" % (at, name)) + len(at) + 3
    said = done.stdout.splitlines()
    where = [i for i, v in enumerate(said) if v.startswith("%s:%d:%d: error: " % (path, number, column))]
    assert done.returncode == 1 and len(where) == 1 and str(gone) in said[where[0]], done
    assert said[where[0] + 1] == "%6d | %s" % (number, line) and said[where[0] + 2] == "       | " + " " * (column - 1) + "^"
    found = json.loads(command("config", "check", "--config", str(path), "--format", "json").stdout)["findings"]
    assert [(f["line"], f["column"]) for f in found if f["severity"] == "error"] == [(number, column)], found


def test_no_directory_for_the_access_log(tmp_path):
    """Told where the setting is before the start, and by name at the start that fails."""
    (tmp_path / "policies").mkdir()
    path = tmp_path / "postern.yaml"
    path.write_text("version: 1\nlisteners:\n  - {address: '127.0.0.1:1'}\npolicies: policies\nstate: state\n"
                    "audit: {file: gone/access.jsonl}\n")
    done = command("config", "check", "--config", str(path))
    assert "%s:6:15: warning: the access log %s/gone/access.jsonl" % (path, tmp_path) in done.stdout, done
    done = command("run", "--config", str(path))
    assert done.returncode == 1 and "cannot open the access log %s/gone/access.jsonl" % tmp_path in done.stderr, done
    (tmp_path / "gone").mkdir()
    assert "access log" not in command("config", "check", "--config", str(path)).stdout


def test_redirect_that_leads_nowhere_here(tmp_path, authority):
    (tmp_path / "policies").mkdir()
    cert, key, _ = authority.issue("a.example")
    path = tmp_path / "postern.yaml"
    for port, is_told in ((8443, True), (443, False)):
        path.write_text("version: 1\nlisteners:\n  - {address: '127.0.0.1:80', redirect: https}\n"
                        "  - {address: '127.0.0.1:%d', tls: {certificates: [{cert: %s, key: %s}]}}\n"
                        "policies: policies\n" % (port, cert, key))
        said = command("config", "check", "--config", str(path)).stdout
        assert ("%s:3:41: note: redirects lead to port 443" % path in said) == is_told, said


def test_largest_head_of_an_answer(start, staff):
    """Up to the largest legal value the limit is what passes; one beyond is refused, not without effect."""
    gate = start(config={"limits": {"response_headers": "120KiB"}})
    fields = lambda n, each: "/long-head?n=%d&each=%d" % (n, each)
    answer = gate.get(fields(7, 17000), staff)
    assert answer.status == 200 and gate.record(answer)["upstream"]["status"] == 200
    answer = gate.get(fields(8, 17000), staff)
    assert answer.status == 502 and gate.record(answer)["status"] == 502
    gate.write_config(limits={"response_headers": "128KiB"})
    done = command("config", "check", "--config", gate.path("postern.yaml"))
    assert done.returncode == 1 and "response_headers must be between 1KiB and 120KiB" in done.stdout, done


def test_config_headers():
    done = command("config", "headers")
    assert done.returncode == 0
    for name in ("X-Forwarded-User", "Cf-Access-", "Remote-User", "Tailscale-"):
        assert name.lower() in done.stdout.lower(), name


def test_init_makes_something_that_runs(tmp_path, start, issuer):
    folder = tmp_path / "first"
    done = command("init", str(folder))
    assert done.returncode == 0, done
    assert (folder / "postern.yaml").exists() and list((folder / "policies").glob("*.yaml"))
    assert command("config", "check", "--config", str(folder / "postern.yaml")).returncode == 0
    assert command("policy", "check", str(folder / "policies")).returncode == 0
    first = (folder / "policies" / "inventory.yaml").read_text().splitlines()[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first).group(1)
    assert (folder / "policies" / named).read_text() == command("policy", "schema").stdout, "editors follow it at once"
    tested = command("policy", "test", str(folder / "policies"))
    assert tested.returncode == 0, tested
    for path, _, files in os.walk(folder):
        for name in files:
            if name.endswith((".key", ".pem")) or "keys" in path:
                assert os.stat(os.path.join(path, name)).st_mode & 0o077 == 0, name
    assert command("init", str(folder)).returncode != 0, "it must not overwrite"
    config = str(folder / "postern.yaml")
    done = command("user", "add", "kim@acme.example", "--group", "contractors", "--password-stdin", "--config", config,
                   stdin="correct horse battery\n")
    assert done.returncode == 0, done
    assert command("config", "check", "--config", config).returncode == 0


def test_policy_check_test_explain(gate):
    folder = gate.path("policies")
    assert command("policy", "check", folder).returncode == 0
    done = command("policy", "explain", "--policy", folder, "--as", "kim@example.com", "--group", "contractors",
                   "GET http://inventory.example/stock/1")
    assert done.returncode == 0 and "contractor-stock" in done.stdout and "allow" in done.stdout, done
    done = command("policy", "explain", "--policy", folder, "--as", "kim@example.com", "--group", "contractors",
                   "GET http://inventory.example/admin")
    assert "default-deny" in done.stdout, done


@pytest.mark.parametrize("name", ["kim", "eva"])
def test_policy_check_of_a_broken_file(tmp_path, name):
    (tmp_path / "a.yaml").write_text("version: 1\nrules:\n  - {id: %s, effect: allow, who: {grups: [a]}, to: everything}\n" % name)
    done = command("policy", "check", str(tmp_path))
    out = done.stdout + done.stderr
    assert done.returncode == 1 and "a.yaml:3:" in out and "groups" in out and "^" in out, out


def test_token_check(tmp_path, issuer):
    jwks = tmp_path / "keys.json"
    jwks.write_text(json.dumps(issuer.jwks()))
    args = ["token", "check", "--jwks", str(jwks), "--issuer", issuer.url, "--audience", "postern"]
    good = command(*args, stdin=issuer.person("eva"))
    assert good.returncode == 0 and good.stdout == "good\n", good
    bad = command(*args, stdin=issuer.person("eva", exp=1))
    assert bad.returncode == 1 and bad.stderr
    assert command("token", "check").returncode == 2


TOKEN_CONFIG = """version: 1
listeners: [{address: "127.0.0.1:1"}]
issuers:
  people: {issuer: "%s", audience: postern, jwks_file: keys.json}
  fetched: {issuer: "https://ci.example", audience: postern, jwks_url: "https://ci.example/keys"}
services:
  inventory: {issuer: people, match: {sub: "repo:corp/inventory:*"}}
"""


def test_token_check_against_a_configuration(tmp_path, issuer):
    """The token is put to the issuer that it names, as at the door, and told whom it proves."""
    path, jwks = tmp_path / "postern.yaml", tmp_path / "keys.json"
    path.write_text(TOKEN_CONFIG % issuer.url)
    jwks.write_text(json.dumps(issuer.jwks()))
    check = lambda token, *more: command("token", "check", "--config", str(path), *more, stdin=token)

    human = check(issuer.person("eva", ["a", "b"]))
    assert human.returncode == 0
    first, email, groups, ends = human.stdout.splitlines()
    assert first == 'good: issuer people, subject "eva", human: no entry of services matches'
    assert (email, groups) == ('  email: "eva@example.com"', '  groups: "a", "b"') and ends.startswith("  ends: 20") and ends.endswith("Z")
    machine = check(issuer.token("repo:corp/inventory:main") + "\n")
    assert machine.returncode == 0
    assert machine.stdout.splitlines()[0] == 'good: issuer people, subject "repo:corp/inventory:main", machine by service inventory'
    for token, word in ((issuer.person("eva", exp=1), "token.expired"), (issuer.person("eva", aud="other"), "token.audience"),
                        (issuer.person("eva", iss="https://evil.example"), 'token.issuer: no issuer of %s is "https://evil.example"' % path),
                        ("not.a.token", "token.malformed"), ("a" * 17000, "token.too-long")):
        done = check(token)
        assert done.returncode == 1 and done.stderr.startswith("bad: " + word) and not done.stdout, done

    # what stands in the token, beside what would be right
    for token, word in ((issuer.person("eva", exp=1), "exp is 1970-01-01T00:00:01Z\n       = now is 20"),
                        (issuer.person("eva", aud=["other", "mine"]), 'aud is "other", "mine"; issuer people wants "postern"'),
                        (issuer.person("eva", header={"kid": "gone"}), 'kid is "gone"'),
                        (issuer.person("eva", header={"alg": "ES384"}), 'alg is "ES384"; algs of issuer people are RS256, ES256'),
                        (issuer.person("eva", iss=issuer.url + "/"), 'issuer people is "%s"' % issuer.url),
                        ("", "nothing came on standard input"), ("Bearer a.b.c", "give the token alone")):
        assert "       = " + word in check(token).stderr, (word, check(token))
    for facts, word in (({"groups": "a"}, "groups: unknown: the claim groups is not a list of texts"),
                        ({"groups": None}, "groups: unknown: there is no claim groups"),
                        ({"groups": []}, "groups: none"), ({"email": None}, "email: none"),
                        ({"email_verified": False}, 'email: "eva@example.com", which does not count')):
        assert "  " + word in check(issuer.person("eva", **facts)).stdout, check(issuer.person("eva", **facts))

    fetched = issuer.person("eva", iss="https://ci.example")
    done = check(fetched)
    assert done.returncode == 1 and "https://ci.example/keys" in done.stderr and "--jwks" in done.stderr, done
    assert check(fetched, "--jwks", str(jwks)).stdout.startswith("good: issuer fetched,")

    path.write_text("version: 1\nlistener: []\n")
    done = check(fetched)
    assert done.returncode == 1 and "postern.yaml:2:1" in done.stderr
    path.unlink()
    assert check(fetched).returncode == 2
    for more in (["--issuer", "a"], ["--audience", "a"], ["--alg", "RS256"], ["--signature-only"]):
        assert check(fetched, *more).returncode == 2


def test_secret_in_argv_or_environment(gate):
    """Nothing secret is given to the process where others could read it."""
    with open("/proc/%d/cmdline" % gate.pid, "rb") as f:
        assert b"key" not in f.read().replace(gate.folder.encode(), b"").lower()
