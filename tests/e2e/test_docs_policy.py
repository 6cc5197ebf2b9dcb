"""The pages about rules are followed to the letter: what they say to write is written, what they say to run is
run, in one folder and in their order, and what is printed is what they show."""

import json
import os
import pty
import re
import subprocess

import pytest
import yaml

from harness.examples import copy_examples
from harness.proxy import BINARY, ROOT, SLOWNESS, command

PAGES = ("docs/policy.md", "docs/coming-from.md")
FOREIGN = ("Pomerium", "Authelia")                # rules of others, which nothing here reads
APART = (".gitlab-ci.yml", ".github/workflows/policy.yml", "policies-configmap.yaml",
         "deployment.yaml, in the template's spec")        # have a test of their own


def page(name):
    with open(os.path.join(ROOT, name)) as f:
        return f.read()


def blocks(name):
    """(language, first comment, text) of the fenced blocks, without their indent."""
    for indent, language, text in re.findall(r"^( *)```(\w*)\n(.*?)^ *```", page(name), re.M | re.S):
        text = re.sub(r"(?m)^" + indent, "", text)
        title = re.match(r"# (.+)\n", text)
        yield language, title.group(1) if title else "", text


def block(title):
    return next(text for name in PAGES for _, found, text in blocks(name) if found == title)


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A folder with the examples and with postern on the path."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "postern").symlink_to(os.path.abspath(BINARY))
    monkeypatch.setenv("PATH", "%s:%s" % (tmp_path / "bin", os.environ["PATH"]))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("NO_COLOR", "1")
    copy_examples(tmp_path / "w" / "policies")
    return tmp_path / "w"


def on_a_terminal(line, folder):
    """What somebody sees: both streams, in the order in which they come."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(["bash", "-c", line], cwd=folder, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:                            # how Linux says that the other end is closed
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    child.wait(60 * SLOWNESS)
    return re.sub(r"[^\n]*\r\x1b\[K", "", seen.decode())      # how far long work is: it is wiped away again


def lines(text):
    """Without colors, and without the line that shows how far long work is."""
    text = re.sub(r"\r\x1b\[K[^\r\n]*(?=\r\x1b\[K)|\r\x1b\[K|\x1b\[[0-9;]*m", "", text)
    return [line.rstrip() for line in text.rstrip().splitlines()]


def follow_console(text, folder):
    n = 0
    for step in re.split(r"(?m)^\$ ", text)[1:]:
        line, _, shown = step.partition("\n")
        assert lines(on_a_terminal(line, folder)) == lines(shown), line
        n += 1
    return n


def follow_yaml(title, text, folder):
    """A file to write, a quotation of an example, or some rules beside the examples."""
    if title.startswith("policies/"):
        assert text.split("\n", 1)[1] in page(title), "%s does not hold what is quoted from it" % title
    elif title.endswith(", continued"):
        with open(folder / title.split(",")[0], "a") as f:
            f.write(text.split("\n", 1)[1])
    elif re.fullmatch(r"[\w-]+/[\w-]+\.yaml", title):
        (folder / title).parent.mkdir(exist_ok=True)
        (folder / title).write_text(text)
    else:
        more = folder / "policies" / "more.yaml"
        more.write_text("version: 1\n" + text)
        done = command("policy", "check", str(folder / "policies"))
        more.unlink()
        assert done.returncode == 0, (text, done.stderr)


@pytest.mark.parametrize("name,steps", [("docs/policy.md", 12), ("docs/coming-from.md", 6)])
def test_page_is_followed(room, name, steps):
    n = 0
    for language, title, text in blocks(name):
        if language == "console":
            n += follow_console(text, room)
        elif language == "json":
            json.loads(text)
        elif title not in FOREIGN + APART:
            assert language == "yaml", (language, text)
            follow_yaml(title, text, room)
    assert n >= steps, n


def test_what_is_translated_is_warned_of_by_nobody(room):
    """Each rule from elsewhere stands with tests that notice every change of it."""
    titles = [title for _, title, _ in blocks("docs/coming-from.md") if title.startswith("from-")]
    assert [t.split("/")[0] for t in titles] == ["from-pomerium", "from-cloudflare", "from-authelia", "from-tailscale"]
    for title in titles:
        follow_yaml(title, block(title), room)
        folder = str((room / title).parent)
        for args in (["check", "--strict"], ["test", "--strict", "--mutate"], ["fmt", "--check"]):
            done = command("policy", *args, folder)
            assert done.returncode == 0, done


# ---- reference ------------------------------------------------------------------------------------------------

SCHEMA = json.loads(page("policies/schema/policy.v1.json"))


def below(schema, *names):
    """The mapping behind a key, through lists and alternatives."""
    for name in names:
        schema = mapping(schema)["properties"][name]
    return mapping(schema)


def mapping(schema):
    while "properties" not in schema:
        if "anyOf" in schema:
            schema = next(s for s in schema["anyOf"] if s.get("type") in ("object", "array") and "properties" in json.dumps(s))
        else:
            schema = schema["items"]
    return schema


SECTIONS = {"A file": (), "defaults": ("defaults",), "define": ("define",), "An app": ("apps",), "A rule": ("rules",), "A test": ("tests",),
            "identity": ("apps", "identity"), "cors": ("apps", "cors"), "timeouts": ("apps", "timeouts"), "health": ("apps", "health"),
            "tls": ("apps", "tls"), "who": ("rules", "who"), "to": ("rules", "to"), "device": ("rules", "device"), "auth": ("rules", "auth"),
            "from": ("rules", "from"), "A schedule": ("rules", "when"), "approval": ("rules", "approval"), "purpose": ("rules", "purpose"),
            "break_glass": ("rules", "break_glass"), "session": ("rules", "session"), "as": ("tests", "as")}


def rows(text):
    """The cells of each row of a table, by the heads of their columns; the first one is `key`."""
    heads = []
    for line in re.findall(r"(?m)^\| (.*) \|$", text):
        cells = [cell.strip() for cell in line.split(" |")]
        cells = [cell.strip("| ") for cell in cells]
        if cells[0] in ("key", "cause", "reason"):
            heads = ["key"] + cells[1:]
        else:
            yield dict(zip(heads, cells))


def reference():
    text = page("docs/policy.md")
    text = text[text.index("\n## Reference\n"):text.index("\n## Limits\n")]
    parts = re.split(r"(?m)^### (.+)$", text)
    return dict(zip(parts[1::2], parts[2::2]))


def test_reference_has_every_key():
    found = reference()
    assert set(found) == set(SECTIONS)
    for section, names in SECTIONS.items():
        schema = below(SCHEMA, *names)
        keys = [k for row in rows(found[section]) for k in re.findall(r"`([a-z_]+)`", row["key"])]
        assert sorted(keys) == sorted(schema["properties"]), section
        bold = {k for row in rows(found[section]) for k in re.findall(r"\*\*`([a-z_]+)`\*\*", row["key"])}
        assert bold == set(schema.get("required", [])), section


def test_reference_has_every_default_and_value():
    for section, names in SECTIONS.items():
        for row in rows(reference()[section]):
            for key in re.findall(r"`([a-z_]+)`", row["key"]):
                told = below(SCHEMA, *names)["properties"][key]
                if "default" in told:
                    assert "`%s`" % json.dumps(told["default"]).strip('"') == row["default"], (section, key)
                for value in told.get("enum", []) + told.get("items", {}).get("enum", []):
                    assert "`%s`" % value in row["value"], (section, key, value)


NEEDS = {"device": {"managed": True}, "auth": {"mfa": True}, "from": {"networks": ["10.0.0.0/8"]},
         "when": {"days": ["mon"], "hours": ["08:00-18:00"]}, "approval": {"by": "anyone", "valid_for": "1h"}, "purpose": {"required": True},
         "break_glass": {"skips": ["guard"], "reason_required": True, "notify": ["security"]}, "session": {"max": "1h"}, "on_missing": "ignore"}


def test_reference_says_where_keys_are_legal(tmp_path):
    guard = {"id": "guard", "effect": "require", "who": {"kind": "human"}, "to": {"apps": ["a"]}, "auth": {"mfa": True}}
    app = {"name": "a", "host": "a.example", "upstream": "http://127.0.0.1:1"}
    seen = set()
    for row in rows(reference()["A rule"]):
        for key in set(re.findall(r"`([a-z_]+)`", row["key"])) & set(NEEDS):
            for effect in ("allow", "require", "deny"):
                rule = {"id": "r", "effect": effect, "who": {"groups": ["g"]}, "to": {"apps": ["a"]}, key: NEEDS[key]}
                if effect == "require" and key in ("session", "on_missing"):
                    rule["auth"] = {"mfa": True}
                (tmp_path / "p.yaml").write_text(yaml.safe_dump({"version": 1, "apps": [app], "rules": [guard, rule]}))
                is_good = command("policy", "check", str(tmp_path / "p.yaml")).returncode == 0
                assert is_good == (row["legal in"] == "all" or effect in row["legal in"]), (key, effect)
            seen.add(key)
    assert seen == set(NEEDS)


def test_links_lead_somewhere():
    def anchors(name):
        seen, out = {}, set()
        for title in re.findall(r"(?m)^#+ (.+)$", re.sub(r"(?ms)^ *```.*?^ *```", "", page(name))):
            slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            out.add(slug + ("-%d" % seen[slug] if slug in seen else ""))
            seen[slug] = seen.get(slug, 0) + 1
        return out
    for name in PAGES:
        for target in re.findall(r"\]\(([^)]+)\)", page(name)):
            file, _, anchor = target.partition("#")
            path = os.path.normpath(os.path.join(os.path.dirname(name), file)) if file else name
            assert os.path.exists(os.path.join(ROOT, path)), target
            assert not anchor or anchor in anchors(path), target


# ---- reasons --------------------------------------------------------------------------------------------------

def sentences():
    """Code: what the portal says in English, by the tables of its source."""
    words = dict(re.findall(r'X\((\w+),[\s\\]*"((?:[^"\\]|\\.)*)"', page("proxy/portal/words_table.h")))
    told = {code: words[id] for code, id in re.findall(r'\{"([a-z_.:-]+)", WORDS_(\w+)\}', page("proxy/portal/cause.c"))}
    for code in ("users", "domains", "groups", "claims.NAME", "services", "kind"):
        told["who." + code] = words["CAUSE_WHO"]
    told["device.ATTRIBUTE"], told["device.ATTRIBUTE:missing"] = words["CAUSE_ATTRIBUTE"], words["CAUSE_ATTRIBUTE_MISSING"]
    return {code: text for code, text in told.items() if not code.startswith("cert.")}


def test_every_cause_is_told_as_the_portal_tells_it():
    text = page("docs/policy.md")
    text = text[text.index("| cause |"):]
    text = text[:text.index("\n\n")]
    told = {code: row["the person sees"] for row in rows(text) for code in re.findall(r"`([^`]+)`", row["key"])}
    assert told == {code: words.replace("{}.", "…") for code, words in sentences().items()}
    ours = re.findall(r'^    \{"([a-z_.:-]+)", "', page("policy/code.c"), re.M)
    assert len(ours) > 25 and set(ours) <= set(told)


def test_every_reason_is_told():
    text = page("docs/policy.md")
    table = text[text.index("| reason |"):text.index("| cause |")]
    told = [code for row in rows(table) for code in re.findall(r"`([a-z.:-]+)`", row["key"])]
    assert sorted(told) == sorted(re.findall(r'X\(POLICY_REASON_\w+, "([a-z.:-]+)"', page("policy/policy.h")))


# ---- elsewhere ------------------------------------------------------------------------------------------------

def git(folder, *args):
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.example", *args], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def scripts():
    jobs = yaml.safe_load(block(".gitlab-ci.yml"))
    yield "CI_MERGE_REQUEST_DIFF_BASE_SHA", jobs["policy"]["script"] + jobs["policy-diff"]["script"]
    steps = yaml.safe_load(block(".github/workflows/policy.yml"))["jobs"]["policy"]["steps"]
    yield "GITHUB_BASE_REF", [s["run"] for s in steps if "run" in s]


@pytest.mark.parametrize("old,new,status", [("methods: [GET, HEAD], except", "methods: [GET], except", 0),
                                            ("methods: [GET, HEAD], except", "except", 3)])
def test_jobs_of_ci(room, old, new, status):
    """They pass on the examples, and the last one ends as the page says when somebody gains; also on a runner that is
    used again, which cleans the folder and keeps the repository."""
    git(room, "init", "-q", "-b", "main")
    git(room, "add", ".")
    git(room, "commit", "-q", "-m", "before")
    git(room, "update-ref", "refs/remotes/origin/main", "HEAD")
    for variable, script in 2 * list(scripts()):
        env = {**os.environ, variable: "main" if "GITHUB" in variable else "HEAD"}
        for line in script[:-1]:
            subprocess.run(["bash", "-ec", line], cwd=room, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = room / "policies" / "wiki.yaml"
        before = path.read_text()
        assert old in before
        path.write_text(before.replace(old, new))
        done = subprocess.run(["bash", "-c", script[-1]], cwd=room, env=env, stdout=subprocess.PIPE, text=True)
        assert done.returncode == status, done.stdout
        path.write_text(before)
        git(room, "clean", "-ffdxq")


def test_jobs_of_ci_fetch_what_they_compare_with():
    """The runners' own clones are shallow."""
    gitlab = yaml.safe_load(block(".gitlab-ci.yml"))["policy-diff"]
    assert int(gitlab.get("variables", {}).get("GIT_DEPTH", 20)) == 0
    checkout = yaml.safe_load(block(".github/workflows/policy.yml"))["jobs"]["policy"]["steps"][0]
    assert int(checkout.get("with", {}).get("fetch-depth", 1)) == 0


def test_jobs_of_ci_use_what_is_there():
    """Also those that need more than this repository, such as a log."""
    seen = set()
    for title in (".gitlab-ci.yml", ".github/workflows/policy.yml"):
        for name, options in re.findall(r"postern policy (\w+)(.*)", block(title)):
            told = command("policy", name, "--help").stdout
            assert all(option in told for option in re.findall(r"--[a-z-]+", options)), (name, options)
            seen.add(name)
    assert seen == {"fmt", "check", "test", "diff", "replay"}


def test_config_map(tmp_path):
    held = yaml.safe_load(block("policies-configmap.yaml"))["data"]
    for name, text in held.items():
        (tmp_path / name).write_text(text)
    done = command("policy", "test", "--strict", "--mutate", str(tmp_path))
    assert done.returncode == 0, done
    spec = yaml.safe_load(block("deployment.yaml, in the template's spec"))
    mount = spec["containers"][0]["volumeMounts"][0]
    assert mount["name"] == spec["volumes"][0]["name"] and "subPath" not in mount


def test_each_example_names_the_schema_and_is_told():
    names = sorted(n for n in os.listdir(os.path.join(ROOT, "policies")) if n.endswith(".yaml"))
    text = page("docs/policy.md")
    for name in names:
        first = page("policies/" + name).splitlines()[0]
        assert first == "# yaml-language-server: $schema=./schema/policy.v1.json" and first in text
        assert "| `policies/%s` |" % name in text
