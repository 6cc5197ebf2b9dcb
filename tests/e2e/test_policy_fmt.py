"""postern policy fmt: the usual layout, every comment in its place, the same meaning, and never half a file."""

import json
import os
import random
import re
import resource
import stat
import subprocess
import sys

import pytest
import yaml

from harness.proxy import BINARY, ROOT, command

sys.path.insert(0, os.path.join(ROOT, "tests", "reference"))

import generate  # noqa: E402

Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
GOLDEN = os.path.join(ROOT, "tests", "unit", "policy", "golden")
COMMENT = re.compile(r"(?:^|\s)#[ \t]*(.*?)\s*$")

UGLY = """#top


version:   1
apps:
-   name: wiki     # the wiki
    host:   wiki.example
    upstream: "http://10.0.0.1:3000"
    labels: { env: prod,team: "a b" }
rules:
    # who works here
    - id: staff
      effect: allow
      who: {groups: [ staff,'it''s #1' ]}
      to:
          apps: [wiki]
"""
NEAT = """# top

version: 1
apps:
  - name: wiki     # the wiki
    host: wiki.example
    upstream: "http://10.0.0.1:3000"
    labels: {env: prod, team: "a b"}
rules:
  # who works here
  - id: staff
    effect: allow
    who: {groups: [staff, 'it''s #1']}
    to:
      apps: [wiki]
"""


def fmt(*args, status=0, **how):
    done = command("policy", "fmt", *args, **how)
    assert done.returncode == status, (args, done.returncode, done.stdout, done.stderr)
    return done


def test_fmt(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(UGLY)
    assert json.loads(fmt("--check", "--format", "json", str(path), status=3).stdout)["changed"] == [str(path)]
    assert path.read_text() == UGLY
    fmt(str(tmp_path))
    assert path.read_text() == NEAT
    assert sorted(os.listdir(tmp_path)) == ["a.yaml"]
    fmt("--check", str(path))
    path.write_text("rules: [")
    fmt(str(path), status=1)
    assert path.read_text() == "rules: ["


def test_examples_are_as_fmt_would_write_them():
    fmt("--check", os.path.join(ROOT, "policies"))


# ---- any layout -----------------------------------------------------------------------------------------------

class Ugly:
    """Writes a tree as nobody should: any step, any gaps, and a numbered comment wherever one may stand."""

    def __init__(self, seed):
        self.r, self.n = random.Random(seed), 0

    def note(self, often):
        if self.r.random() >= often:
            return ""
        self.n += 1
        return "#" + self.r.choice(["", " ", "  "]) + "note-%d it's: [x] {\"y\"}, - %s" % (self.n, self.r.choice(["a", "#", "b  c"]))

    def tail(self):
        note = self.note(.2)
        return (" " * self.r.randint(1, 6) + note if note else " " * self.r.choice([0, 0, 0, 2])) + "\n"

    def between(self, indent):
        """Empty lines, and comments that stand alone."""
        out = "\n" * self.r.choice([0, 0, 0, 1, 3])
        for _ in range(self.r.choice([0, 0, 1, 2])):
            note = self.note(.5)
            out += " " * self.r.choice([indent, indent, 0, indent + 2]) + note + "\n" if note else ""
        return out

    def scalar(self, value):
        text = generate.to_yaml(value)
        if text.startswith('"') and "'" not in text and "\\" not in text and self.r.random() < .4:
            text = "'" + text[1:-1] + "'"
        return text

    def flow(self, node, indent):
        gap = lambda: " " * self.r.choice([0, 0, 1, 3])  # noqa: E731
        if not isinstance(node, (dict, list)):
            return self.scalar(node)
        marks = "{}" if isinstance(node, dict) else "[]"
        items = [self.scalar(k) + ":" + " " * self.r.randint(1, 3) + self.flow(v, indent) for k, v in node.items()] \
            if isinstance(node, dict) else [self.flow(v, indent) for v in node]
        out = marks[0] + gap()
        for i, item in enumerate(items):
            out += item + (gap() + "," if i + 1 < len(items) else gap())
            if self.r.random() < .1:
                out += self.tail().rstrip(" \n") + "\n" + " " * (indent + self.r.randint(1, 6))
            else:
                out += gap()
        return out + marks[1]

    def value(self, node, indent):
        if isinstance(node, (dict, list)) and node and self.r.random() < .6:
            step = self.r.randint(0 if isinstance(node, list) else 1, 5)
            return self.tail() + self.block(node, indent + step)
        return " " * self.r.randint(1, 4) + self.flow(node, indent) + self.tail()

    def block(self, node, indent):
        out = ""
        for key in node if isinstance(node, dict) else range(len(node)):
            out += self.between(indent) + " " * indent
            if isinstance(node, dict):
                out += self.scalar(key) + ":" + self.value(node[key], indent)
                continue
            gap = self.r.randint(1, 4)
            item = node[key]
            if isinstance(item, dict) and item and self.r.random() < .7:
                inner = self.block(item, indent + 1 + gap)
                first = re.search(r"^ *[^ #\n]", inner, re.M)            # what comes before it goes before the dash
                out = out[:len(out) - indent] + inner[:first.start()] + " " * indent + "-" + " " * gap + \
                    inner[first.start():].lstrip(" ")
            else:
                out += "-" + " " * gap + self.flow(item, indent + 1) + self.tail()
        return out


def documents(seeds):
    for seed in seeds:
        for name, doc in generate.Maker(seed).policy_set(1, 6).items():
            yield "%d-%s" % (seed, name), doc, Ugly(seed).block(doc, 0)


def comments(text):
    return [m.group(1) for m in map(COMMENT.search, text.splitlines()) if m]


def notes(text):
    return re.findall(r"#+ *note-\d+", text)


def test_any_layout_keeps_its_meaning_and_its_comments(tmp_path):
    before = {}
    for name, doc, text in documents(range(30)):
        assert yaml.load(text, Loader) == yaml.load(generate.file_text(doc), Loader), text
        before[name] = text
        (tmp_path / name).write_text(text)
    told = json.loads(fmt("--format", "json", str(tmp_path)).stdout)
    assert len(told["changed"]) > 30 and told["errors"] == 0
    for name, text in before.items():
        after = (tmp_path / name).read_text()
        assert yaml.load(after, Loader) == yaml.load(text, Loader), (text, after)
        assert [n.lstrip("# ") for n in notes(after)] == [n.lstrip("# ") for n in notes(text)], (text, after)
        assert not re.search(r"[ \t]$|\n\n\n|\t|\r", after, re.M), after
    fmt("--check", str(tmp_path))


def all_files():
    for folder in (GOLDEN, os.path.join(ROOT, "policies")):
        for name in sorted(os.listdir(folder)):
            if name.endswith(".yaml") and os.path.getsize(os.path.join(folder, name)) < 100000:
                data = open(os.path.join(folder, name), "rb").read()
                if b"\r" not in data:
                    yield name, data


@pytest.mark.parametrize("kind", ["unix", "dos"])
def test_files_of_all_kinds_keep_theirs(tmp_path, kind):
    """The examples and the golden cases, with Windows' ends of lines too."""
    before = dict(all_files())
    for name, data in before.items():
        (tmp_path / name).write_bytes(data.replace(b"\n", b"\r\n") if kind == "dos" else data)
    written = {name: (tmp_path / name).read_bytes() for name in before}
    told = json.loads(command("policy", "fmt", "--format", "json", *[str(tmp_path / n) for n in before]).stdout)
    refused = {os.path.basename(f["file"]) for f in told["findings"] if f["severity"] == "error"}
    assert len(before) - len(refused) > 100
    for name, data in before.items():
        after = (tmp_path / name).read_bytes()
        if name in refused:
            assert after == written[name], name
            continue
        assert b"\r" not in after and comments(after.decode()) == comments(data.decode()), name
        assert events(data) in (None, events(after)), name
    fmt("--check", *[str(tmp_path / n) for n in before if n not in refused])


def events(data):
    """None: nothing that another reader of YAML can read."""
    try:
        return [(type(e).__name__, getattr(e, "value", None)) for e in yaml.parse(data, Loader)]
    except yaml.YAMLError:
        return None


# ---- the file -------------------------------------------------------------------------------------------------

def test_rights_and_links_stay(tmp_path):
    path, link = tmp_path / "a.yaml", tmp_path / "link.yaml"
    path.write_text(UGLY)
    path.chmod(0o664)
    link.symlink_to("a.yaml")
    if os.getuid() == 0:
        os.chown(path, 12345, 12346)
    old = os.umask(0o077)
    try:
        fmt(str(link))
    finally:
        os.umask(old)
    now = path.stat()
    assert link.is_symlink() and path.read_text() == NEAT and stat.S_IMODE(now.st_mode) == 0o664
    assert os.getuid() or (now.st_uid, now.st_gid) == (12345, 12346)


def test_a_full_disk_leaves_the_file_alone(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(UGLY)
    done = subprocess.run([BINARY, "policy", "fmt", "--format", "json", str(path)], capture_output=True, text=True,
                          preexec_fn=lambda: (resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)), ignore_size_signal()))
    assert done.returncode == 1, done
    found = json.loads(done.stdout)["findings"][0]
    assert found["code"] == "unwritable" and "File too large" in found["message"] and found["file"] == str(path)
    assert path.read_text() == UGLY and os.listdir(tmp_path) == ["a.yaml"]


def ignore_size_signal():
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def test_comments_cost_no_more_than_other_lines(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("version: 1\n" + "# what was once thought of it\n" * 30000)
    fmt("--check", str(path), timeout=20)
