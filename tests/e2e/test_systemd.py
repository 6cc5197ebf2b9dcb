"""docs/postern.service: its sandbox is one in which postern works. Run without a sanitizer, which makes system calls
of its own."""

import os
import re
import subprocess

from harness import raw
from harness.ports import free_port
from harness.proxy import ROOT, command, standard_policy


def test_unit_is_sandboxed():
    text = open(os.path.join(ROOT, "docs", "postern.service")).read()
    for word in ("NoNewPrivileges=", "ProtectSystem=strict", "PrivateTmp=", "RestrictAddressFamilies=", "SystemCallFilter="):
        assert word in text, word


def unit():
    """The settings of the unit: {name: [values]}."""
    out = {}
    for line in open(os.path.join(ROOT, "docs", "postern.service")):
        if "=" in line and line[0] != "#":
            name, value = line.strip().split("=", 1)
            out.setdefault(name, []).append(value)
    return out


def calls_of(*groups):
    """The system calls of systemd's groups."""
    out = set()
    for group in groups:
        shown = subprocess.check_output(["systemd-analyze", "syscall-filter", group], text=True)
        names = [line.strip() for line in shown.splitlines()[1:]]
        out |= {n for n in names if re.match(r"\w+$", n)} | calls_of(*(n for n in names if n.startswith("@")))
    return out


def test_unit_lets_it_work(start, staff, authority, origin, tmp_path):
    """What a start, requests, TLS, a rotation, a reload and an end call is let through by SystemCallFilter."""
    cert, key, _ = authority.issue("inventory.example", stem="unit")
    port, trace = free_port(), str(tmp_path / "trace")
    policy = standard_policy(origin.url)
    policy["rules"].append({"id": "regex", "effect": "allow", "who": {"groups": ["staff"]},
                            "to": {"apps": ["reports"], "paths_regex": ["/a[0-9]+"]}})
    gate = start(ready=False, wrap=["strace", "-D", "-f", "-qq", "-o", trace], policies={"10-apps.yaml": policy},
                 config={"audit": {"file": "access.jsonl", "sync": "always", "rotate": {"size": "1MiB"}}})
    unix = str(tmp_path / "socket")
    gate.write_config(listeners=gate.config["listeners"] + [
        {"address": "unix:" + unix, "front": {"forwarded": {}}},
        {"address": "127.0.0.1:%d" % port, "tls": {"certificates": [{"cert": cert, "key": key}]}}])
    gate.start()
    for n in range(200):
        assert gate.get("/x?" + "q" * 7000, staff).status == 200
    assert gate.get("/a1", staff, host="reports.example").status == 200
    assert raw.request(port, target="/x", token=staff, tls=raw.client_tls(authority.ca), sni="inventory.example").status == 200
    closed = gate.journal.wait(kind="request.close", id=gate.get("/x", staff).id)
    assert closed["decision"]["effect"] == "allow"
    policy["rules"][0]["title"] = "changed"
    gate.policy(policy)
    raw.wait_for(lambda: gate.metrics()["postern_policy_generation"] == 2, 20, why="the reload")
    assert gate.stop() == 0
    called = set(re.findall(r"^\d+ +(\w+)\(", open(trace).read(), re.M)) - {"execve"}
    kept, left_out = unit()["SystemCallFilter"]
    assert len(called) > 30 and left_out[0] == "~"
    assert not called - (calls_of(kept) - calls_of(left_out[1:])), called


def test_unit_waits_for_the_drain():
    """A drain of the default length ends by itself before systemd kills, and what the unit makes is what the pages name."""
    settings = unit()
    drain = re.search(r"\| `drain_timeout` \| [^|]+ \| (\d+)s \|", command("config", "reference").stdout)
    assert int(settings["TimeoutStopSec"][0]) > int(drain[1])
    with open(os.path.join(ROOT, "docs", "operations.md")) as f:
        page = f.read()
    for setting, folder in (("StateDirectory", "/var/lib/"), ("LogsDirectory", "/var/log/"), ("RuntimeDirectory", "/run/")):
        assert folder + settings[setting][0] in page, setting
    assert settings["MemorySwapMax"] == ["0"] and settings["LimitCORE"] == ["0"]
