"""postern user: people of the built-in issuer, by hand."""

import base64
import hashlib
import json
import os
import pty
import re
import select
import subprocess
import time

import pytest
import yaml

from harness.proxy import BINARY, SANITIZER, SLOWNESS

PASSWORD = "correct horse battery"
FILE = """\
# people of ours
version: 1
users:
  # staff
  eva@corp.example: {pin: true, groups: [staff, ops]}  # boss

  # contractors
  kim@acme.example:
    pin: true       # until May
    claims: {company: Acme}
"""


@pytest.fixture
def users(tmp_path):
    class Users:
        path = tmp_path / "users.yaml"

        def write(self, text=FILE, mode=0o600):
            self.path.write_text(text)
            self.path.chmod(mode)

        def run(self, *args, stdin="", code=0, config=None):
            where = ["--config", str(config)] if config else ["--file", str(self.path)]
            p = subprocess.run([BINARY, "user", *args, *where], input=stdin, capture_output=True, text=True,
                               timeout=60, env={**os.environ, **SANITIZER}, start_new_session=True)
            assert p.returncode == code, p.stderr + p.stdout
            return p.stdout if code == 0 else p.stderr

        def list(self):
            return {u["email"]: u for u in map(json.loads, self.run("list", "--format", "json").splitlines())}

        def tree(self):
            return yaml.safe_load(self.path.read_text())["users"]

    u = Users()
    u.write()
    return u


def matches(phc, password):
    _, kind, parameters, salt, digest = phc.split("$")
    p = dict(x.split("=") for x in parameters.split(","))
    raw = [base64.b64decode(x + "=" * (-len(x) % 4)) for x in (salt, digest)]
    return kind == "scrypt" and hashlib.scrypt(password.encode(), salt=raw[0], n=1 << int(p["ln"]), r=int(p["r"]),
                                               p=int(p["p"]), maxmem=1 << 28, dklen=len(raw[1])) == raw[1]


def test_a_file_is_made_and_grows(users):
    users.path.unlink()
    out = users.run("add", "Kim@acme.example", "--name", "Kim \"K\" Lee", "--group", "contractors", "--group", "a b",
                    "--password-stdin", stdin=PASSWORD + "\n")
    assert "kim@acme.example" in out.lower() and PASSWORD not in out
    assert users.path.stat().st_mode & 0o777 == 0o600
    kim = users.tree()["kim@acme.example"]
    assert matches(kim["password"], PASSWORD) and kim["password"].startswith("$scrypt$ln=15,r=8,p=1$")
    assert (kim["name"], kim["groups"]) == ('Kim "K" Lee', ["contractors", "a b"])
    users.run("add", "eva@corp.example", "--pin")
    assert list(users.tree()) == ["kim@acme.example", "eva@corp.example"]
    assert users.tree()["eva@corp.example"] == {"pin": True}
    listed = users.list()
    assert listed["kim@acme.example"]["password"] and not listed["kim@acme.example"]["pin"]
    assert listed["eva@corp.example"]["pin"] and not listed["eva@corp.example"]["password"]
    assert "$scrypt" not in users.run("list")
    assert re.search(r"kim@acme.example +password +enabled +contractors,a b\n", users.run("list"))


def test_what_people_wrote_stays(users):
    users.run("disable", "KIM@acme.example")
    assert users.path.read_text() == FILE + "    disabled: true\n"
    users.run("enable", "kim@acme.example")
    assert users.path.read_text() == FILE
    users.run("groups", "eva@corp.example", "--remove", "ops", "--add", "night shift", "--add", "staff")
    assert users.run("groups", "eva@corp.example") == "staff\nnight shift\n"
    text = users.path.read_text()
    for comment in ("# people of ours", "# staff", "# boss", "# contractors", "# until May"):
        assert comment in text
    users.run("passwd", "kim@acme.example", "--password-stdin", stdin=PASSWORD)
    kim = users.tree()["kim@acme.example"]
    assert matches(kim["password"], PASSWORD) and kim["pin"] and kim["claims"] == {"company": "Acme"}
    users.run("passwd", "kim@acme.example", "--pin")
    assert "password" not in users.tree()["kim@acme.example"]
    users.run("remove", "eva@corp.example")
    assert list(users.tree()) == ["kim@acme.example"]
    users.run("remove", "kim@acme.example")
    assert users.tree() == {} and "# people of ours" in users.path.read_text()


@pytest.mark.parametrize("args, stdin, code, said", [
    (["add", "eva@corp.example", "--pin"], "", 1, "is in .*users.yaml already"),
    (["add", "EVA@corp.example", "--pin"], "", 1, "already"),
    (["add", "nobody", "--pin"], "", 1, "is no mail address"),
    (["add", "a@b\nc", "--pin"], "", 1, "is no mail address"),
    (["add", "a@b", "--group", "x\ny", "--pin"], "", 2, "must be one line"),
    (["add", "a@b", "--name", "\x1b[2J", "--pin"], "", 2, "must be one line"),
    (["add", "a@b", "--group", "", "--pin"], "", 2, "must be one line"),
    (["add", "a@b", "--password-stdin"], "short\n", 1, "has 5 characters, it needs at least 10"),
    (["add", "a@b", "--password-stdin"], "", 1, "no password on standard input"),
    (["add", "a@b", "--password-stdin"], "x" * 2000 + "\n", 1, "no password|at most"),
    (["add", "a@b"], "", 1, "no terminal"),
    (["passwd", "who@corp.example", "--pin"], "", 1, "there is no user who@corp.example"),
    (["passwd", "who@corp.example", "--password-stdin"], PASSWORD, 1, "there is no user"),
    (["passwd", "eva@corp.example", "--pin", "--password-stdin"], "", 2, "exclude each other"),
    (["disable", "who@corp.example"], "", 1, "there is no user"),
    (["remove", "who@corp.example"], "", 1, "there is no user"),
    (["groups", "eva@corp.example", "--remove", "unknown"], "", 1, "is not in the group unknown"),
    (["groups", "who@corp.example"], "", 1, "there is no user"),
    (["disable"], "", 2, "whose"),
    (["disable", "a@b", "c@d"], "", 2, "one mail address"),
    (["list", "a@b"], "", 2, "takes no address"),
    (["disable", "eva@corp.example", "--pin"], "", 2, "unknown"),
    (["rename"], "", 2, "which"),
    ([], "", 2, "which"),
])
def test_what_cannot_be_is_said_and_changes_nothing(users, args, stdin, code, said):
    err = users.run(*args, stdin=stdin, code=code)
    assert re.search(said, err), err
    assert users.path.read_text() == FILE
    assert sorted(os.listdir(users.path.parent)) == ["users.yaml"]


def test_a_broken_file_is_told_and_left_alone(users):
    for text, said in [("version: 1\nusers:\n  a@b: {pinn: true}\n", r"users.yaml:3:9: .*unknown key \"pinn\""),
                       ("version: 1\nusers:\n  a@b: {password: hunter2hunter2}\n", "not of the form"),
                       ("version: 1\n", "users"), ("", "empty")]:
        users.write(text)
        err = users.run("add", "new@corp.example", "--pin", code=1)
        assert re.search(said, err), err
        assert "hunter2" not in err
        assert users.path.read_text() == text
    users.write(mode=0o644)
    assert "chmod 0600" in users.run("list", code=1)
    users.path.unlink()
    assert "cannot open" in users.run("list", code=1)


def test_mode_and_link_stay(users, tmp_path):
    users.write(mode=0o640)
    (tmp_path / "link").symlink_to("users.yaml")
    real, users.path = users.path, tmp_path / "link"
    users.run("disable", "eva@corp.example")
    assert users.path.is_symlink() and real.stat().st_mode & 0o777 == 0o640
    assert users.tree()["eva@corp.example"]["disabled"] is True


def test_two_at_once_lose_nothing(users):
    running = [subprocess.Popen([BINARY, "user", "add", "u%d@corp.example" % i, "--pin", "--file", str(users.path)],
                                stdout=subprocess.DEVNULL, env={**os.environ, **SANITIZER}) for i in range(12)]
    assert [p.wait(60) for p in running] == [0] * 12
    assert len(users.tree()) == 14


def test_the_configuration_names_the_file(users, tmp_path):
    config = tmp_path / "postern.yaml"
    config.write_text("version: 1\nlisteners: [{address: \"127.0.0.1:80\"}]\nportal: {host: access.example}\n"
                      "issuers: {people: builtin}\nbuiltin: {users: users.yaml}\n")
    assert "eva@corp.example" in users.run("list", config=config)
    users.run("disable", "eva@corp.example", config=config)
    assert users.tree()["eva@corp.example"]["disabled"] is True
    assert "there is no configuration" in users.run("list", config=tmp_path / "other.yaml", code=1)


def terminal(args, answers):
    """Runs it on a terminal of its own; what that showed, and the exit code."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(SANITIZER)
        os.execv(BINARY, [BINARY, "user", *args])
    shown, answers, end = b"", list(answers), time.monotonic() + 20 * SLOWNESS
    while time.monotonic() < end:
        if not select.select([fd], [], [], 0.2)[0]:
            continue
        try:
            part = os.read(fd, 4096)
        except OSError:
            break
        shown += part
        if part.endswith(b": ") and answers:
            os.write(fd, answers.pop(0).encode())
    os.close(fd)
    return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("answers, code, said", [
    ([PASSWORD + "\n"] * 2, 0, "is added"),
    ([PASSWORD + "\n", PASSWORD + "x\n"], 1, "not the same"),
    (["short\n"] * 2, 1, "at least 10"),
    (["\x03"], 1, "no password was given"),
    (["\x04"], 1, "no password was given"),
])
def test_a_password_typed_is_not_shown(users, answers, code, said):
    shown, status = terminal(["add", "new@corp.example", "--file", str(users.path)], answers)
    assert status == code and said in shown, shown
    assert "New password for new@corp.example" in shown
    assert PASSWORD not in shown and "short\r" not in shown
    assert ("new@corp.example" in users.tree()) == (code == 0)
