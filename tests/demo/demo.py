#!/usr/bin/env python3
"""The demo: postern in front of two small dashboards, three people who sign in, and a policy to edit.

    ./demo.sh [--port N]     runs until Ctrl-C
    ./demo.sh --check        runs every command that it would print, compares, and ends

Listens on 127.0.0.1 and ::1 only. Everything lives in one directory under the temporary directory,
which is removed at the end.
"""

import argparse
import ctypes
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

from harness.people import Browser  # noqa: E402
from harness.tokens import Issuer  # noqa: E402

BINARY = os.path.abspath(os.environ.get("POSTERN") or os.path.join(ROOT, "build-release", "postern"))
PEOPLE = {
    "kim": ("contractor", "kim@acme.example", ["contractors"], {"company": "Acme Logistics"}),
    "eva": ("employee", "eva@corp.example", ["employees"], {}),
    "sam": ("suspended", "sam@corp.example", ["employees", "suspended"], {}),
}
HIDDEN, SHOWN = "        # - /admin/**", "        - /admin/**"


def end_with_parent():
    # A demo that is killed hard must not leave servers behind: 1 is PR_SET_PDEATHSIG. A terminal's Ctrl-C
    # reaches them all, and it is the demo that ends them, one after the other.
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def is_free(port):
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind((host, port))
        except OSError:
            if family == socket.AF_INET or has_ipv6():
                return False
    return True


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def pick(first, last):
    return next(p for p in range(first, last) if is_free(p))


class Demo:
    def __init__(self, port):
        self.port, self.children = port, []
        self.run = tempfile.mkdtemp(prefix="postern-demo-")
        self.ports = {"inventory": pick(8091, 8191), "reports": pick(8192, 8291)}
        self.admin = pick(8292, 8391)
        self.policies = self.path("policies")
        self.issuer = Issuer("demo", "https://issuer.postern.localhost", algs=("ES256",))
        self.origin = "http://access.postern.localhost:%d" % port
        self.passwords = {name: "%s-%s" % (name, secrets.token_hex(4)) for name in PEOPLE}

    def path(self, name):
        return os.path.join(self.run, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", opener=lambda p, f: os.open(p, f, mode)) as f:
            f.write(text)

    # ---- setting up -----------------------------------------------------------------------
    def prepare(self):
        shutil.copytree(os.path.join(HERE, "policies"), self.policies)
        for name, usual in (("inventory", 8091), ("reports", 8092)):
            for file in os.listdir(self.policies):
                self.edit(file, "127.0.0.1:%d" % usual + '"', "127.0.0.1:%d\"" % self.ports[name], missing_ok=True)
        os.mkdir(self.path("state"), 0o700)
        self.write("keys.json", json.dumps(self.issuer.jwks()))
        for name, (_, email, groups, claims) in PEOPLE.items():
            token = self.issuer.token(name, email=email, email_verified=True, groups=groups,
                                      exp=int(time.time()) + 8 * 3600, **claims)
            self.write(name + ".token", "Authorization: Bearer %s\n" % token, 0o600)
            self.add_user(name, email, groups, claims)
        listeners = ["127.0.0.1"] + (["[::1]"] if has_ipv6() else [])
        self.write("postern.yaml", """# The demo's configuration: see docs and `postern init` for a commented one.
version: 1
listeners:
%s
admin: {address: "127.0.0.1:%d"}
policies: policies/
state: state
portal: {host: access.postern.localhost, origin: "%s", title: The demo, contact: it@corp.example}
issuers:
  people: builtin        # they sign in at postern itself; any OpenID provider stands beside it
  demo: {issuer: "%s", audience: postern, jwks_file: keys.json, algs: [ES256],
         absent_means_none: [groups]}
builtin: {users: users.yaml}
audit: {file: access.jsonl, sync: batch}
""" % ("\n".join('  - {address: "%s:%d", front: direct}' % (a, self.port) for a in listeners),
            self.admin, self.origin, self.issuer.url))

    def add_user(self, name, email, groups, claims):
        """The file is for people to write, too; the password's hash is the command's work."""
        users = self.path("users.yaml")
        if not os.path.exists(users):
            self.write("users.yaml", "# Who signs in at postern itself; postern user --help changes it.\n"
                       "version: 1\nusers:\n", 0o600)
        with open(users, "a") as f:
            f.write("  %s: {pin: true, name: %s, groups: %s, claims: %s}\n" % (
                email, name.capitalize(), json.dumps(groups), json.dumps(claims) if claims else "{}"))
        done = subprocess.run([BINARY, "user", "passwd", email, "--file", users, "--password-stdin"],
                              input=self.passwords[name] + "\n", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise SystemExit("demo: postern user passwd: " + done.stdout)

    def edit(self, file, old, new, missing_ok=False):
        """One change of a policy file, written beside it and renamed, as editors do."""
        path = os.path.join(self.policies, file)
        with open(path) as f:
            text = f.read()
        assert missing_ok or old in text, "%r is not in %s" % (old, path)
        with open(path + "~", "w") as f:
            f.write(text.replace(old, new))
        os.rename(path + "~", path)

    def spawn(self, *argv, **how):
        # A Ctrl-C between fork and the list of children would leave one behind.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        child = subprocess.Popen(argv, cwd=self.run, stdin=subprocess.DEVNULL, preexec_fn=end_with_parent, **how)
        self.children.append(child)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        return child

    def start(self):
        for name, port in self.ports.items():
            self.spawn(sys.executable, os.path.join(HERE, "dashboard.py"), name, str(port))
            self.wait_port(port)
        log = open(self.path("postern.log"), "wb")
        self.postern = self.spawn(BINARY, "run", "--config", self.path("postern.yaml"), stdout=log, stderr=log)
        self.wait_port(self.admin)
        end = time.monotonic() + 15
        while self.ask(self.admin, "/readyz") != 200:
            if time.monotonic() > end or self.postern.poll() is not None:
                self.fail("postern is not ready")
            time.sleep(0.02)

    @staticmethod
    def ask(port, path):
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as s:
                s.sendall(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" % path.encode())
                return int(s.recv(4096).split(b" ")[1])
        except (OSError, IndexError, ValueError):
            return 0

    def wait_port(self, port):
        end = time.monotonic() + 15
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if any(c.poll() is not None for c in self.children):
                    break
                time.sleep(0.02)
        self.fail("nothing answers on port %d" % port)

    def fail(self, why):
        try:
            with open(self.path("postern.log"), errors="replace") as f:
                sys.stderr.write(f.read()[-3000:])
        except OSError:
            pass
        raise SystemExit("demo: " + why)

    def stop(self):
        for child in reversed(self.children):
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        shutil.rmtree(self.run, ignore_errors=True)

    # ---- what to try ----------------------------------------------------------------------
    def lines(self):
        """(what, command, status that is right, text that the answer holds)."""
        inventory = "http://inventory.postern.localhost:%d" % self.port
        reports = "http://reports.postern.localhost:%d" % self.port
        me = lambda who: "-H @" + shlex.quote(self.path(who + ".token"))
        return [
            ("nobody is let in without a token", "curl -i %s/" % inventory, 401, "problem+json"),
            ("eva, an employee, sees the dashboard", "curl -i %s %s/" % (me("eva"), inventory), 200, "<b>eva@corp.example</b>"),
            ("kim, a contractor, sees the stock", "curl -i %s %s/stock" % (me("kim"), inventory), 200, "<b>kim@acme.example</b>"),
            ("the icon that every browser asks for is for everybody", "curl -i %s/favicon.ico" % inventory, 200, "svg"),
            ("kim changes it", "curl -i %s -d count=7 %s/api/stock/pallets" % (me("kim"), inventory), 200,
             '"changed_by": "kim@acme.example"'),
            ("kim has no business in the settings", "curl -i %s %s/admin" % (me("kim"), inventory), 403,
             "default-deny"),
            ("kim may not delete", "curl -i %s -X DELETE %s/api/stock/pallets" % (me("kim"), inventory), 403,
             "default-deny"),
            ("sam is suspended, whatever else sam may", "curl -i %s %s/" % (me("sam"), inventory), 403, "deny-rule"),
            ("a header that claims to be root is taken off",
             "curl -i %s -H 'X-Auth-User: root' %s/whoami" % (me("eva"), inventory), 200, '"user": "eva@corp.example"'),
            ("a path that tries to leave its rule is refused",
             "curl -i --path-as-is %s %s/stock/../admin" % (me("kim"), inventory), 400, "input:path"),
            ("eva reads the reports", "curl -i %s %s/" % (me("eva"), reports), 200, "412"),
            ("kim does not", "curl -i %s %s/" % (me("kim"), reports), 403, "default-deny"),
        ]

    def introduce(self):
        print("postern listens on 127.0.0.1 and ::1, port %d. In a browser on this machine open\n" % self.port)
        print("  %s/\n\nand sign in as one of these:\n" % self.origin)
        for name, (kind, email, groups, _) in PEOPLE.items():
            print("  %-18s  password %-14s  %s, groups %s" % (email, self.passwords[name], kind, ", ".join(groups)))
        print("\nKim may ask for the reports; Eva approves it on the same page, in another browser or a private window."
              "\n\nPrograms bring a token instead. Try in another terminal:\n")
        for what, command, status, _ in self.lines():
            print("  # %s: %d\n  %s\n" % (what, status, command))
        print("Tokens (Authorization headers, ES256, good for 8 hours) are in %s/{kim,eva,sam}.token." % self.run)
        print("\nThe rules; edit them while this runs: a good change counts at once, a bad one changes nothing and is told in"
              " the\nlog below (policy.failed) with its place and a hint:\n  %s/10-inventory.yaml\n"
              % self.policies)
        print("Configuration %s/postern.yaml, diagnostics %s/postern.log" % (self.run, self.run))
        print("Health and metrics: curl http://127.0.0.1:%d/metrics" % self.admin)
        print("\nThe access log follows. Ctrl-C ends everything.\n", flush=True)

    def follow(self):
        tail = self.spawn(BINARY, "audit", "tail", "--table", "--config", self.path("postern.yaml"))
        while self.postern.poll() is None and tail.poll() is None:
            time.sleep(0.2)
        if self.postern.poll() is not None:
            self.fail("postern ended with %d" % self.postern.returncode)
        self.fail("postern audit tail ended with %d" % tail.returncode)

    # ---- --check --------------------------------------------------------------------------
    def try_line(self, command, status, text):
        out = subprocess.run(["sh", "-c", command.replace("curl ", "curl -sS --max-time 20 ", 1)], cwd=self.run,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        right = out.startswith("HTTP/1.1 %d " % status) and (text is None or text in out)
        return right, out

    def signs_in(self, name, host, status, text):
        """As a browser would: the app's address, the form of the portal, the app."""
        browser = Browser(self.port)
        page = browser.get("http://%s.postern.localhost:%d/" % (host, self.port))
        page = browser.sign_in(page, PEOPLE[name][1], self.passwords[name])
        right = page.status == status and text in page.text
        print("%s  %s signs in on the way to %s" % ("ok  " if right else "BAD ", name, host))
        if not right:
            print("      wanted %d with %r, got %r\n%s" % (status, text, page, page.text[:1500]))
        return right

    def check(self):
        wrong = 0
        for name, host, status, text in (("eva", "reports", 200, "412"), ("kim", "inventory", 403, "default-deny"),
                                         ("kim", "reports", 403, "Ask for approval"), ("sam", "inventory", 403, "deny-rule")):
            wrong += not self.signs_in(name, host, status, text)
        for what, command, status, text in self.lines():
            right, out = self.try_line(command, status, text)
            print("%s  %s" % ("ok  " if right else "BAD ", what))
            if not right:
                print("      %s\n      wanted %d with %r, got:\n%s" % (command, status, text, out[:1500]))
                wrong += 1
        admin = next(line for line in self.lines() if "settings" in line[0])
        wrong += not self.comes("an edited rule counts", lambda: self.edit("10-inventory.yaml", HIDDEN, SHOWN),
                                admin[1], 200, "Settings")
        wrong += not self.comes("and is taken back", lambda: self.edit("10-inventory.yaml", SHOWN, HIDDEN),
                                admin[1], 403, "default-deny")
        seen = subprocess.run([BINARY, "audit", "verify", "--config", self.path("postern.yaml")], cwd=self.run,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print("%s  the log's chain is whole" % ("ok  " if seen.returncode == 0 else "BAD "))
        if seen.returncode:
            print(seen.stdout)
            wrong += 1
        return wrong

    def comes(self, what, change, command, status, text):
        change()
        end, right, out = time.monotonic() + 20, False, ""
        while not right and time.monotonic() < end:
            right, out = self.try_line(command, status, text)
            time.sleep(0 if right else 0.1)
        print("%s  %s" % ("ok  " if right else "BAD ", what) + ("" if right else "\n" + out[:1500]))
        return right


def main():
    ap = argparse.ArgumentParser(prog="./demo.sh", description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--port", type=int, help="instead of 8080")
    ap.add_argument("--check", action="store_true", help="run every printed command, compare, and end")
    args = ap.parse_args()
    port = args.port or (pick(8392, 8491) if args.check else 8080)
    if not is_free(port):
        raise SystemExit("demo: port %d is taken; try ./demo.sh --port %d" % (port, pick(8392, 8491)))
    demo = Demo(port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    try:
        demo.prepare()
        demo.start()
        if args.check:
            return 1 if demo.check() else 0
        demo.introduce()
        demo.follow()
    except KeyboardInterrupt:
        print("\nended.")
        return 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        demo.stop()


if __name__ == "__main__":
    sys.exit(main())
