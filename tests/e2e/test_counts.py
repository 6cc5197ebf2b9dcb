"""What a plain request with a known token costs, counted: a clock would say another thing each time."""

import os
import re
import shutil
import signal
import subprocess
import time
from urllib.parse import urljoin

import pytest

from harness.allocs import LIBRARY, Allocs
from harness.lockstep import Lockstep
from harness.people import SESSION, House
from harness.proxy import BINARY


@pytest.fixture
def step():
    s = Lockstep()
    yield s
    s.close()


@pytest.mark.parametrize("connections", [1, 64])
def test_no_allocation(start, step, staff, tmp_path, connections):
    """Nor does the thread that writes the journal ask for any memory."""
    if not LIBRARY:
        pytest.skip("COUNT_ALLOC_LIBRARY is not set: meson builds and names it")
    allocs = Allocs(tmp_path / "allocs")
    gate = start(upstream=step.url, workers=1, env=allocs.env)
    step.connect(gate.port, connections, staff)
    known = step.run(2000 // connections)
    gate.journal.wait(count=known, kind="decision", status=200)
    before = allocs.threads(gate.pid)
    asked = step.run(4000 // connections)
    gate.journal.wait(count=known + asked, kind="decision", status=200)
    after = allocs.threads(gate.pid)
    new = {name: after[name] - before.get(name, 0) for name in after}
    print("%d requests: %r" % (asked, new))
    for name in new:
        if name != "main":
            assert new[name] == 0, (name, new, allocs.callers(gate.pid, name, BINARY))


def cookie_of(house, host):
    """Signs in up to the app's door: the upstream of these tests answers in step alone."""
    b = house.browser()
    page = b.sign_in(b.get(house.url("inventory", "/stock/7")), "eva@corp.example", follow=False)
    while not b.cookie(host):
        page = b.ask(urljoin(page.url, page.header("Location")))
    return "Cookie: theme=dark; %s=%s; lang=en" % (SESSION, b.cookie(host))


@pytest.mark.parametrize("connections", [1, 64])
def test_no_allocation_with_a_session(start, step, tmp_path, connections):
    """A cookie that the worker knows: no memory, and the store is not asked."""
    if not LIBRARY:
        pytest.skip("COUNT_ALLOC_LIBRARY is not set: meson builds and names it")
    allocs = Allocs(tmp_path / "allocs")
    house = House(start, step, workers=1, env=allocs.env)
    host = "inventory.postern.localhost"
    step.connect(house.port, connections, None, host="%s:%d" % (host, house.port), field=cookie_of(house, host))
    known = step.run(2000 // connections)
    count = dict(kind="decision", status=200, app="inventory")
    house.journal.wait(count=known, **count)
    asked = house.postern.metrics()["postern_sessions_asked_total"]
    # Who was seen is told to the store every ten seconds, in a batch that takes memory: not in both turns.
    turns = []
    for _ in range(2):
        before = allocs.threads(house.postern.pid)
        known += step.run(4000 // connections)
        house.journal.wait(count=known, **count)
        after = allocs.threads(house.postern.pid)
        turns.append(after["worker-0"] - before["worker-0"])
    assert min(turns) == 0, (turns, allocs.callers(house.postern.pid, "worker-0", BINARY))
    assert house.postern.metrics()["postern_sessions_asked_total"] == asked


def traced(pid, work, out):
    """Runs work() while strace counts: {system call: times}."""
    tracer = subprocess.Popen(["strace", "-c", "-f", "-U", "calls,name", "-o", out, "-p", str(pid)],
                              stderr=subprocess.PIPE, text=True)
    first = tracer.stderr.readline()
    if "attached" not in first:
        tracer.wait()
        pytest.skip("no process may be traced here: " + first.strip())
    result = work()
    tracer.send_signal(signal.SIGINT)
    tracer.communicate(timeout=20)
    with open(out) as f:
        lines = [line.split() for line in f]
    return result, {p[1]: int(p[0]) for p in lines if len(p) == 2 and p[0].isdigit() and p[1] != "total"}


# 6.0 and 4.1 are what the design needs: wait, recv, send, wait, recv, send; at 64 connections the waits
# are shared. The bars leave room for one more, and for a timer.
@pytest.mark.parametrize("proof", ["token", "session"])
@pytest.mark.parametrize("connections,bar", [(1, 7.0), (64, 5.1)])
def test_system_calls(start, step, staff, tmp_path, connections, bar, proof):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    if proof == "token":
        gate = start(upstream=step.url, workers=1)
        step.connect(gate.port, connections, staff)
    else:
        house = House(start, step, workers=1)
        gate, host = house.postern, "inventory.postern.localhost"
        step.connect(gate.port, connections, None, host="%s:%d" % (host, gate.port), field=cookie_of(house, host))
    step.run(1 + 500 // connections)
    asked, calls = traced(gate.pid, lambda: step.run(3200 // connections), str(tmp_path / "strace"))
    each = sum(calls.values()) / asked
    print("%d requests at %d connections: %.2f calls each, %r" % (asked, connections, each, calls))
    assert each <= bar, calls
