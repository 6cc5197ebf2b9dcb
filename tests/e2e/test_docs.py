"""What the pages say is so: names, settings, examples and scripts in them are taken from the text and tried."""

import os
import re
import subprocess

import pytest
import yaml

from harness import raw
from harness.ports import free_port
from harness.proxy import ROOT, SLOWNESS, command, dump, standard_policy


def page(name):
    with open(os.path.join(ROOT, name)) as f:
        return f.read()


def blocks(name, language):
    """The fenced blocks of a page, without their indent."""
    out = []
    for indent, lang, text in re.findall(r"^( *)```(\w*)\n(.*?)^ *```", page(name), re.M | re.S):
        if lang == language:
            out.append(re.sub(r"(?m)^" + indent, "", text))
    return out


def test_every_metric_is_told(start, authority):
    cert, key, _ = authority.issue("inventory.example", stem="metrics")
    gate = start(listeners=[{"address": "127.0.0.1:%d" % free_port(), "tls": {"certificates": [{"cert": cert, "key": key}]}}],
                 config={"device_sources": {"office": {"kind": "inventory", "file": "devices.csv"}}}, ready=False)
    gate.write("devices.csv", "id,managed\nlaptop-7,true\n")
    gate.start()
    told = set(re.findall(r"`(postern_[a-z_]+)`", page("docs/operations.md")))
    assert {n.split("{")[0] for n in gate.metrics()} == told


def test_inventories_of_the_page_load(start):
    """As somebody would copy them."""
    gate = start(ready=False, config={"device_sources": {
        "one": {"kind": "inventory", "file": "one.yaml"}, "two": {"kind": "inventory", "file": "two.csv"}}})
    gate.write("one.yaml", [b for b in blocks("docs/operations.md", "yaml") if "\ndevices:" in b][0])
    gate.write("two.csv", blocks("docs/operations.md", "csv")[0])
    done = command("config", "check", "--config", gate.path("postern.yaml"))
    assert done.returncode == 0, done


def test_every_limit_is_a_setting():
    known = set(re.findall(r"^\| `([a-z_]+)` ", command("config", "reference").stdout, re.M))
    for name in ("docs/http.md", "docs/operations.md", "docs/policy.md"):
        told = set(re.findall(r"`limits\.([a-z_]+)`", page(name)))
        assert told <= known, told - known
    assert len(re.findall(r"`limits\.", page("docs/http.md"))) > 10


def test_defaults_that_are_told():
    """The table of limits names the defaults that the reference has."""
    known = dict(re.findall(r"^\| `([a-z_]+)` \| [^|]+ \| ([^|]*) \|", command("config", "reference").stdout, re.M))
    for line in page("docs/http.md").splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        names = re.findall(r"`limits\.([a-z_]+)`", line) if line.startswith("| ") and len(cells) == 4 else []
        values = [v.strip().replace(" ", "") for v in cells[1].split(";")] if names else []
        for name, value in zip(names, values):
            if re.match(r"^\d", value):
                assert known[name].strip() == value, (name, value, known[name])


def test_reference_is_the_commands():
    assert page("docs/config.md").strip() == command("config", "reference").stdout.strip()


def test_reasons_that_are_told_are_ours():
    """Every reason and end of the pages is a word of the source."""
    source = ""
    for folder in ("proxy", "policy"):
        for at, _, names in os.walk(os.path.join(ROOT, folder)):
            source += "".join(page(os.path.join(at, n)) for n in names if n.endswith((".c", ".h")))
    text = page("docs/http.md")
    table = text[text.index("| status |"):text.index("An answer that has begun")]
    words = re.findall(r"`([a-z0-9]+[.:-][a-z0-9.:-]+)`", table)
    words += re.findall(r"^\| `([a-z-]+)`", text[text.index("| `end` |"):], re.M)[1:]
    assert len(words) > 25
    for word in words:
        assert '"%s"' % word in source, word


def test_commands_for_a_change(tmp_path, start, origin, staff):
    """The commands that the page names, on rules of before and after and on a log of this postern."""
    gate = start()
    answer = gate.get("/x", staff)
    gate.record(answer)
    old, new, log = gate.path("policies"), tmp_path / "new", gate.path("access.jsonl")
    new.mkdir()
    policy = standard_policy(origin.url)
    policy["rules"] = [r for r in policy["rules"] if r["id"] != "staff-all"]
    (new / "10-apps.yaml").write_text(dump(policy))
    for status, args in ((0, ["diff", old, old]), (3, ["diff", str(new), old]), (0, ["replay", "--log", log, "--policy", old]),
                         (3, ["replay", "--log", log, "--policy", str(new)]), (3, ["unused", "--log", log, "--policy", old]),
                         (0, ["who-can", "--policy", old, "GET http://inventory.example/stock/1"])):
        done = command("policy", *args)
        assert done.returncode == status, (args, done)
    done = command("policy", "who-can", "GET https://wiki.corp.example/onboarding", cwd=ROOT)
    assert done.returncode == 0 and "everybody-reads-the-wiki" in done.stdout
    assert command("policy", "test", "--mutate", str(new)).returncode in (0, 3)
    text = page("docs/policy.md")
    assert {c for c in re.findall(r"postern policy ([a-z-]+)", text)} == set(
        re.findall(r"^  ([a-z-]+)  ", command("policy", "--help").stdout, re.M)), "every command is told"


def test_what_is_not_there_yet(tmp_path):
    """Each line of that list does what it says."""
    app = {"name": "a", "host": "a.example", "upstream": "http://127.0.0.1:1"}

    def check(rule=None, **more):
        policy = {"version": 1, "apps": [{**app, **more}],
                  "rules": [{"id": "r", "effect": "allow", "who": "anyone", "to": {"apps": ["a"]}, **(rule or {})}]}
        (tmp_path / "p.yaml").write_text(dump(policy))
        return command("policy", "check", str(tmp_path / "p.yaml"))

    def explain():
        return command("policy", "explain", "--policy", str(tmp_path / "p.yaml"), "--as", "eva@example.com", "GET http://a.example/").returncode

    assert check().returncode == 0 and explain() == 0
    for need in ({"device": {"managed": True}}, {"approval": {"by": "anyone", "valid_for": "1h"}}, {"purpose": {"required": True}}):
        assert check(need).returncode == 0 and explain() == 3, need
    assert check({"session": {"max": "4h"}}).returncode == 0 and explain() == 0
    assert check({"from": {"countries": ["SE"]}}).returncode == 1
    assert check(upstream="ssh://127.0.0.1:22").returncode == 0


@pytest.fixture
def tls(start, authority):
    cert, key, serial = authority.issue("inventory.example", stem="hook")
    g = start(ready=False)
    os.makedirs(g.path("tls"))
    for path, name in ((cert, "live.pem"), (key, "live.key")):
        g.write("tls/" + name, open(path).read())
        os.chmod(g.path("tls/" + name), 0o600)
    g.tls_port = free_port()
    g.write_config(listeners=[{"address": "127.0.0.1:%d" % g.tls_port, "tls": {"certificates": [{"cert": "tls/live.pem", "key": "tls/live.key"}]}}])
    return g.start()


def test_deploy_hook_of_certbot(tls, authority, staff, tmp_path):
    """The script of the page, with this machine's folder and group, brings a new certificate in."""
    script = next(b for b in blocks("docs/operations.md", "sh") if "RENEWED_LINEAGE" in b)
    lineage = tmp_path / "live"
    lineage.mkdir()
    cert, key, wanted = authority.issue("inventory.example", stem="hook-next")
    (lineage / "fullchain.pem").write_text(open(cert).read())
    (lineage / "privkey.pem").write_text(open(key).read())
    hook = tmp_path / "hook"
    hook.write_text(script.replace("/etc/postern/tls", tls.path("tls")).replace("-g postern ", ""))
    subprocess.run(["sh", str(hook)], check=True, env={**os.environ, "RENEWED_LINEAGE": str(lineage)})

    def serial():
        from cryptography import x509
        with raw.Conn(tls.tls_port, tls=raw.client_tls(authority.ca), sni="inventory.example") as c:
            return x509.load_der_x509_certificate(c.sock.getpeercert(True)).serial_number
    raw.wait_for(lambda: serial() == wanted, 20 * SLOWNESS, 0.05, "the renewed certificate")
    assert os.stat(tls.path("tls/live.key")).st_mode & 0o007 == 0


def test_listeners_of_the_operations_page(tmp_path, authority):
    """Its listeners are good as they stand, given the certificate."""
    listeners = next(b for b in blocks("docs/operations.md", "yaml") if "acme_dir" in b)
    cert, key, _ = authority.issue("inventory.corp.example")
    (tmp_path / "tls").mkdir()
    for path, end in ((cert, "pem"), (key, "key")):
        target = tmp_path / "tls" / ("inventory.corp.example." + end)
        target.write_text(open(path).read())
        target.chmod(0o600)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(dump(standard_policy("http://127.0.0.1:1")))
    (tmp_path / "postern.yaml").write_text("version: 1\npolicies: policies\nstate: state\n" + listeners +
                                           "issuers: {demo: {issuer: 'https://idp.example', audience: postern}}\n")
    done = command("config", "check", "--config", str(tmp_path / "postern.yaml"))
    assert done.returncode == 0, done
    assert yaml.safe_load(listeners)["listeners"][1]["redirect"] == "https"


def test_providers_of_the_pages(tmp_path):
    """What the README and the page of sign-in say of a provider is a configuration."""
    whole, = blocks("docs/sign-in.md", "yaml")
    short = "portal: {host: access.corp.example}\nissuers:\n" + next(b for b in blocks("README.md", "yaml") if "client_id" in b)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "corp").touch(0o600)
    (tmp_path / "secrets" / "corp").write_text("of this test alone, and long enough\n")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(dump(standard_policy("http://127.0.0.1:1")).replace("demo", "corp"))
    for text in (whole, short):
        (tmp_path / "postern.yaml").write_text("version: 1\npolicies: policies\nstate: state\naudit: {file: log}\nlisteners: [{address: '127.0.0.1:%d'}]\n%s" % (free_port(), text))
        done = command("config", "check", "--config", str(tmp_path / "postern.yaml"))
        assert done.returncode == 0, done


def test_readme_names_what_exists():
    """Its commands are those that the program has, its scripts are there."""
    text = page("README.md")
    for name in re.findall(r"build-release/postern (\w+)", text):
        assert command(name, "--help").returncode == 0, name
    for script in ("demo.sh", "test.sh"):
        assert "./" + script in text and os.access(os.path.join(ROOT, script), os.X_OK)


def test_readmes_token_is_good(tmp_path, start, origin):
    """The lines that make a key and a token make some that this configuration takes."""
    script = next(b for b in blocks("README.md", "sh") if "TOKEN=" in b)
    assert command("init", str(tmp_path / "gate")).returncode == 0
    script = script.replace("../../gate", str(tmp_path / "gate")) + 'printf %s "$TOKEN"\n'
    text = (tmp_path / "gate" / "postern.yaml").read_text()
    assert "127.0.0.1:8080" in text and "127.0.0.1:8081" in text
    gate = start(ready=False, folder=tmp_path / "gate")
    issuer = next(b for b in blocks("README.md", "yaml") if "jwks_file" in b)
    for old, new in (("127.0.0.1:8080", "127.0.0.1:%d" % gate.port), ("127.0.0.1:8081", "127.0.0.1:%d" % gate.admin_port),
                     ("  people: builtin\n", "  people: builtin\n" + issuer)):
        assert old in text
        text = text.replace(old, new)
    os.unlink(gate.path("policies/10-apps.yaml"))
    rules = (tmp_path / "gate" / "policies" / "inventory.yaml").read_text()
    gate.write("policies/inventory.yaml", rules.replace("http://127.0.0.1:3000", origin.url))
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True,
                          env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    gate.write("postern.yaml", text)
    gate.start()
    assert gate.get("/stock", done.stdout, host="inventory.postern.localhost").status == 200
    assert gate.request("POST", "/stock", done.stdout, host="inventory.postern.localhost", body=b"").status == 403
