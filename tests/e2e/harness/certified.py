"""The certified provider of tests/provider: started with its clients and people, turned by the test."""

import glob
import json
import os
import platform
import subprocess
import urllib.request

from .ports import free_port
from .proxy import ROOT, SLOWNESS

FOLDER = os.path.join(ROOT, "tests", "provider")
PEOPLE = {
    "kim": {"email": "kim@corp.example", "email_verified": True, "name": "Kim", "groups": ["staff"],
            "device_compliant": True},
    "lee": {"email": "lee@corp.example", "email_verified": True, "name": "Lee", "groups": ["contractors"],
            "device_compliant": False},
}


def node():
    arch = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "")
    return (glob.glob(os.path.join(FOLDER, "node_modules", "node-linux-" + arch, "bin", "node")) or [None])[0]


class Certified:
    def __init__(self, clients, people=None, **settings):
        """clients: what oidc-provider calls so; `{port}` of the provider is chosen here."""
        self.port = free_port()
        self.settings = {"port": self.port, "clients": clients, "people": people or dict(PEOPLE), **settings}
        self.process = None

    @property
    def issuer(self):
        return "http://127.0.0.1:%d" % self.port

    def start(self):
        self.process = subprocess.Popen([node(), "server.mjs"], cwd=FOLDER, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.process.stdin.write(json.dumps(self.settings) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line.strip() == "ready", line + (self.process.stderr.read() if self.process.poll() is not None else "")
        return self

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def control(self, what, **about):
        request = urllib.request.Request("%s/-/%s" % (self.issuer, what), json.dumps(about).encode())
        with urllib.request.urlopen(request, timeout=10 * SLOWNESS) as answer:
            return json.load(answer)
