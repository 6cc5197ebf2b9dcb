"""A real postern with a configuration of its own, in a directory of its own, on ports of its own."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import time

import yaml

from . import raw
from .journal import Journal
from .ports import free_port
from .raw import SLOWNESS

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BINARY = os.path.abspath(os.environ.get("POSTERN") or os.path.join(ROOT, "build", "postern"))
# Sanitizers make everything some times slower: deadlines of the harness stretch, those of stories do not.
SANITIZER = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
    "TSAN_OPTIONS": "halt_on_error=0:exitcode=99:second_deadlock_stack=1",
    "LSAN_OPTIONS": "report_objects=1",
}
ALARMS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:", "UndefinedBehavior",
          "Assertion `", "stack smashing", "buffer overflow detected")


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data):        # anchors and aliases are refused by postern
        return True


def dump(value):
    return value if isinstance(value, str) else yaml.dump(value, Dumper=_Plain, sort_keys=False, width=1000)


def app(name, upstream, host=None, **more):
    return {"name": name, "host": host or name + ".example", "upstream": upstream, **more}


def allow(rule_id, who=None, to=None, **more):
    return {"id": rule_id, "effect": "allow", "who": who or {"groups": ["staff"]}, "to": to, **more}


def standard_policy(upstream):
    """The app and rules that most stories need: staff may do all, contractors some, the suspended nothing."""
    identity = {"headers": {"X-Auth-User": "sub", "X-Auth-Email": "email", "X-Auth-Groups": "groups"}}
    return {
        "version": 1,
        "apps": [app("inventory", upstream, identity=identity, public_paths=["/public/**"]),
                 app("reports", upstream)],
        "rules": [
            allow("staff-all", to={"apps": ["inventory"]}),
            allow("contractor-stock", who={"groups": ["contractors"]},
                  to={"apps": ["inventory"], "methods": ["GET", "POST"], "paths": ["/stock/**", "/ws", "/sse"]}),
            {"id": "no-suspended", "effect": "deny", "who": {"groups": ["suspended"]}, "to": "everything"},
        ],
    }


class Postern:
    def __init__(self, folder, issuer, upstream, policies=None, config=None, listeners=None, workers=2,
                 wait=True, limits=None, env=None, wrap=()):
        """config: sections that replace or add to the usual ones. limits: {resource.RLIMIT_X: value}."""
        self.folder, self.issuer, self.wait_ready = str(folder), issuer, wait
        self.port, self.admin_port = free_port(), free_port()
        self.rlimits, self.env, self.wrap = limits or {}, env or {}, list(wrap)
        self.process, self.starts, self.expect_alarm = None, 0, False
        self.arguments = []                # more of them, for `run`
        os.makedirs(self.path("policies"), exist_ok=True)
        os.makedirs(self.path("state"), mode=0o700, exist_ok=True)
        self.write("keys.json", json.dumps(issuer.jwks()))
        self.config = {
            "version": 1,
            "listeners": listeners or [{"address": "127.0.0.1:%d" % self.port, "front": "direct"}],
            "admin": {"address": "127.0.0.1:%d" % self.admin_port},
            "policies": "policies/", "state": "state", "workers": workers,
            "issuers": {issuer.name: {"issuer": issuer.url, "audience": issuer.audience,
                                      "jwks_file": "keys.json", "algs": list(issuer.algs)}},
            "audit": {"file": "access.jsonl", "sync": "batch"},
            **(config or {}),
        }
        for name, value in (policies or {"10-apps.yaml": standard_policy(upstream)}).items():
            self.write("policies/" + name, dump(value))
        self.write_config()
        self.journal = Journal(self.path("access.jsonl"))

    # ---- files ------------------------------------------------------------------------------
    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        """Replaces a file in one step, as an editor or a deployment does."""
        with open(self.path(name) + "~new", "w") as f:
            f.write(text)
        os.rename(self.path(name) + "~new", self.path(name))

    def write_config(self, **change):
        self.config.update(change)
        self.write("postern.yaml", dump({k: v for k, v in self.config.items() if v is not None}))

    def policy(self, value, name="10-apps.yaml"):
        self.write("policies/" + name, dump(value))

    def stderr(self):
        try:
            with open(self.path("stderr"), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    # ---- life -------------------------------------------------------------------------------
    def start(self, ready=True):
        self.starts += 1
        # The folder may not be readable by others, the process may not outlive a killed test run.
        with open(self.path("stderr"), "ab") as err:
            self.process = subprocess.Popen(
                self.wrap + [BINARY, "run", "--config", self.path("postern.yaml"), *self.arguments], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=err, stderr=err, preexec_fn=self._before_exec,
                env={**os.environ, **SANITIZER, **self.env})
        if ready:
            try:
                self.wait_until_up()
            except BaseException:
                self.kill()
                raise
        return self

    def _before_exec(self):
        for which, value in self.rlimits.items():
            resource.setrlimit(which, (value, value))

    def wait_until_up(self, seconds=15.0):
        end = time.monotonic() + seconds * SLOWNESS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError("postern ended with %d:\n%s" % (self.process.returncode, self.stderr()[-4000:]))
            with contextlib.suppress(OSError, raw.Closed):
                if self.admin("/readyz" if self.wait_ready else "/healthz").status == 200:
                    return
            time.sleep(0.01)
        raise AssertionError("postern is not ready:\n" + self.stderr()[-4000:])

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds=40.0):
        """SIGTERM, and the exit status. Whoever does not end in time is killed, and that is an error."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds * SLOWNESS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("postern did not end %g s after SIGTERM:\n%s" % (seconds, self.stderr()[-4000:]))

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    def finish(self):
        """The end of a story: postern ends by itself, with 0, and no sanitizer has spoken."""
        try:
            killed = self.process is not None and self.process.poll() == -signal.SIGKILL
            status = self.stop()
            found = [a for a in ALARMS if a in self.stderr()]
            assert not found or self.expect_alarm, "%s:\n%s" % (found, self.stderr()[-12000:])
            assert killed or status == 0 or self.expect_alarm, \
                "postern ended with %d:\n%s" % (status, self.stderr()[-4000:])
        finally:
            self.kill()
            self.journal.close()

    # ---- talking to it ----------------------------------------------------------------------
    def admin(self, path):
        return raw.request(self.admin_port, target=path, host="127.0.0.1")

    def metrics(self):
        """{name with labels: value}."""
        lines = self.admin("/metrics").text.splitlines()
        return {n: float(v) for n, v in (line.rsplit(" ", 1) for line in lines if line and line[0] != "#")}

    def request(self, method="GET", target="/", token=None, **how):
        return raw.request(self.port, method, target, token=token, **how)

    def get(self, target="/", token=None, **how):
        return self.request("GET", target, token, **how)

    def connect(self, **how):
        return raw.Conn(self.port, **how)

    def raw(self, data, method="GET", **how):
        return raw.raw(self.port, data, method, **how)

    def record(self, answer, **fields):
        """The decision record of an answer, by the id that the person was shown."""
        return self.journal.wait(kind="decision", id=answer.id if hasattr(answer, "id") else answer, **fields)

    def threads(self):
        return len(os.listdir("/proc/%d/task" % self.pid))

    def open_files(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))


def command(*args, stdin=None, cwd=None, timeout=30):
    """One run of a subcommand: CompletedProcess with text."""
    return subprocess.run([BINARY, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          cwd=cwd, timeout=timeout * SLOWNESS, env={**os.environ, **SANITIZER})


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0
