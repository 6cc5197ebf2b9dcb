"""The disk fails and the clock jumps: without a record nobody is let in, and what was answered is in the log."""

import json
import os
import signal
import subprocess
import threading
import time

import pytest

from harness import faults as tool
from harness import raw
from harness.faults import Faults
from harness.proxy import SLOWNESS, command, standard_policy

from test_websocket import close_code, open_socket


@pytest.fixture
def faults(tmp_path):
    if not tool.compiler():
        pytest.skip("no compiler for the library that makes the disk fail")
    return Faults(tmp_path)


def verify(gate):
    return command("audit", "verify", "--config", gate.path("postern.yaml"))


def lines_of(path):
    with open(path) as f:
        return [json.loads(line) for line in f]


def until_refused(gate, token, answered):
    def ask():
        answer = gate.get("/x", token)
        if answer.status == 200:
            answered.append(answer.id)
        return answer if answer.status == 503 else None
    return raw.wait_for(ask, 30 * SLOWNESS, 0, "the journal that cannot be written to be noticed")


def until_answered(gate, token, answered):
    def ask():
        answer = gate.get("/x", token)
        if answer.status == 200:
            answered.append(answer.id)
        return answer.status == 200
    raw.wait_for(ask, 30 * SLOWNESS, 0.05, "the journal that can be written again to be noticed")


def check_none_lost(gate, answered, path=None):
    assert gate.stop() == 0
    there = {r.get("id") for r in lines_of(path or gate.path("access.jsonl")) if r["kind"] in ("decision", "request.close")}
    missing = [i for i in answered if i not in there]
    assert answered and not missing, "%d of %d records are missing" % (len(missing), len(answered))
    assert verify(gate).returncode == 0, verify(gate)


@pytest.mark.parametrize("sync", ["batch", "always"])
def test_input_output_error(start, faults, origin, staff, sync):
    """EIO: refused with 503 and Retry-After, not ready, not forwarded; then all is well and nothing is lost."""
    gate = start(env=faults.env, config={"audit": {"file": "access.jsonl", "sync": sync}})
    answered = [gate.get("/x", staff).id for _ in range(20)]
    faults.say("eio")
    refused = until_refused(gate, staff, answered)
    assert int(refused.get("Retry-After")) > 0 and "access log" in refused.text
    assert gate.admin("/readyz").status == 503 and gate.admin("/healthz").status == 200
    assert gate.metrics()["postern_audit_writable"] == 0 and gate.metrics()["postern_audit_errors_total"] > 0
    before = len(origin.seen)
    for _ in range(20):
        assert gate.get("/refused", staff).status == 503
    assert not origin.requests("/refused") and len(origin.seen) == before
    assert gate.get("/x").status == 503, "not even a refusal goes without a record"
    faults.say("")
    until_answered(gate, staff, answered)
    assert gate.admin("/readyz").status == 200 and gate.metrics()["postern_audit_writable"] == 1
    answered += [gate.get("/x", staff).id for _ in range(20)]
    check_none_lost(gate, answered)


def test_error_under_load(start, faults, staff):
    gate = start(env=faults.env)
    answered, other, stop, lock = [], set(), threading.Event(), threading.Lock()

    def load():
        conn = gate.connect()
        while not stop.is_set():
            answer = conn.send(raw.head("GET", "/x", token=staff)).read()
            with lock:
                answered.append(answer.id) if answer.status == 200 else other.add(answer.status)

    workers = [threading.Thread(target=load) for _ in range(6)]
    for w in workers:
        w.start()
    try:
        for _ in range(3):
            faults.say("eio")
            raw.wait_for(lambda: gate.get("/x", staff).status == 503, 20 * SLOWNESS, 0.01)
            faults.say("")
            raw.wait_for(lambda: gate.get("/x", staff).status == 200, 20 * SLOWNESS, 0.01)
    finally:
        stop.set()
        for w in workers:
            w.join()
    assert other <= {503}, other
    check_none_lost(gate, answered)


def test_error_with_continue(start, faults, staff):
    """An explicit choice: access without a record, and a metric and the log say so."""
    gate = start(env=faults.env, config={"audit": {"file": "access.jsonl", "on_error": "continue"}})
    faults.say("eio")
    raw.wait_for(lambda: gate.get("/x", staff).status == 200 and gate.metrics()["postern_audit_errors_total"] > 0, 10 * SLOWNESS)
    for _ in range(50):
        assert gate.get("/x", staff).status == 200
    assert gate.metrics()["postern_audit_writable"] == 0 and gate.admin("/readyz").status == 200
    assert "on_error=continue" in gate.stderr()
    faults.say("")
    raw.wait_for(lambda: gate.metrics()["postern_audit_writable"] == 1, 20 * SLOWNESS, 0.05, "the disk that works again")
    assert gate.record(gate.get("/x", staff))
    assert gate.stop() == 0 and verify(gate).returncode == 0


def test_slow_disk(start, faults, staff):
    """A sync that takes two seconds holds up nobody with batch, and everybody with always; none is lost."""
    gate = start(env=faults.env)
    faults.say("slow")
    begin, answered = time.monotonic(), [gate.get("/x", staff).id for _ in range(50)]
    assert time.monotonic() - begin < 1.5 * SLOWNESS
    faults.say("")
    check_none_lost(gate, answered)


def test_killed_while_the_disk_is_slow(start, faults, staff):
    """A sync that is under way keeps no record in memory: a kill takes the last 50 ms at most."""
    gate = start(env=faults.env)
    faults.say("slow")
    begin, answered = time.monotonic(), []
    while time.monotonic() - begin < 0.6 * SLOWNESS:
        answer = gate.get("/x", staff)
        answered.append((time.monotonic(), answer.id))
    killed = time.monotonic()
    gate.kill()
    faults.say("")
    gate.start()
    there = {r.get("id") for r in lines_of(gate.path("access.jsonl"))}
    must = [i for at, i in answered if at < killed - 0.05 * SLOWNESS]
    assert len(must) > 10 and not [i for i in must if i not in there]


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 256 KiB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], stderr=subprocess.PIPE)
    if done.returncode:
        pytest.skip("cannot mount a tmpfs: " + done.stderr.decode().strip())
    yield str(folder)
    subprocess.run(["umount", "-l", str(folder)], check=False)


@pytest.mark.parametrize("sync", ["batch", "always"])
def test_full_disk_loses_no_record(start, small_disk, origin, staff, sync):
    filler, path = os.path.join(small_disk, "filler"), os.path.join(small_disk, "access.jsonl")
    with open(filler, "wb") as f:
        f.write(b"x" * 150 * 1024)
    gate = start(config={"audit": {"file": path, "sync": sync}})
    answered = []
    refused = until_refused(gate, staff, answered)
    assert int(refused.get("Retry-After")) > 0
    before = len(origin.seen)
    assert gate.get("/x", staff).status == 503 and len(origin.seen) == before
    os.unlink(filler)
    until_answered(gate, staff, answered)
    answered += [gate.get("/x", staff).id for _ in range(10)]
    check_none_lost(gate, answered, path)


def test_taken_away_file(start, origin, staff):
    """Moved away by somebody else: a new one is begun, both together are the chain, none is lost."""
    gate = start()
    answered = [gate.get("/x", staff).id for _ in range(10)]
    gate.record(answered[-1])
    os.rename(gate.path("access.jsonl"), gate.path("access.jsonl.old"))
    end = time.monotonic() + 15 * SLOWNESS
    while not os.path.exists(gate.path("access.jsonl")) and time.monotonic() < end:
        answer = gate.get("/x", staff)
        if answer.status == 200:
            answered.append(answer.id)
        time.sleep(0.02)
    answered.append(gate.get("/x", staff).id)
    assert gate.stop() == 0
    there = {r.get("id") for name in ("access.jsonl.old", "access.jsonl") for r in lines_of(gate.path(name))}
    assert set(answered) <= there


def test_read_only_at_start(start, tmp_path):
    gate = start(ready=False)
    gate.expect_alarm = True
    os.makedirs(gate.path("access.jsonl"))              # a directory stands in its place
    gate.start(ready=False)
    assert gate.process.wait(20 * SLOWNESS) == 1 and "access.jsonl" in gate.stderr()


# ---- killed ---------------------------------------------------------------------------------

@pytest.mark.parametrize("sync, workers", [("always", 2), ("batch", 2), ("always", 1)])
def test_killed_again_and_again(start, staff, sync, workers):
    """Three kills in a row: every request that was answered (batch: 50 ms before) is there, in one whole chain."""
    gate = start(workers=workers, config={"audit": {"file": "access.jsonl", "sync": sync}})
    for _ in range(3):
        answered, lock = [], threading.Lock()

        def load():
            try:
                conn = gate.connect()
                while True:
                    answer = conn.send(raw.head("GET", "/x", token=staff)).read()
                    with lock:
                        answered.append((time.monotonic(), answer.id))
            except (OSError, raw.Closed):
                return

        workers_ = [threading.Thread(target=load) for _ in range(6)]
        for w in workers_:
            w.start()
        raw.wait_for(lambda: len(answered) > 100 and answered[-1][0] - answered[0][0] > 0.2, 30 * SLOWNESS)
        killed = time.monotonic()
        gate.signal(signal.SIGKILL)
        gate.process.wait()
        for w in workers_:
            w.join()
        gate.start()
        there = {r.get("id") for r in lines_of(gate.path("access.jsonl"))}
        must = [i for at, i in answered if sync == "always" or at < killed - 0.05]
        assert must and not [i for i in must if i not in there]
    assert gate.stop() == 0 and verify(gate).returncode == 0, verify(gate)


# ---- the clock ------------------------------------------------------------------------------

def by_the_clock(upstream):
    """Staff may always; on top of that everybody named may at any hour, by a rule that asks the clock."""
    policy = standard_policy(upstream)
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    policy["define"] = {"schedules": {"always": {"days": days, "hours": ["00:00-24:00"]}}}
    policy["rules"].append({"id": "by-the-clock", "effect": "allow", "who": {"groups": ["clocked"]},
                            "to": {"apps": ["inventory"]}, "when": "always"})
    return {"10-apps.yaml": policy}


def test_clock_stepped_back(start, faults, issuer, origin, staff):
    """Ten minutes back: rules that ask the time do not hold, the log says clock.stepped, and the chain is whole."""
    clocked = issuer.person("tim", ["clocked"], iat=int(time.time()) - 3600)
    staff = issuer.person("eva", ["staff"], iat=int(time.time()) - 3600)
    gate = start(env=faults.env, policies=by_the_clock(origin.url))
    assert gate.get("/x", clocked).status == 200 and gate.get("/x", staff).status == 200
    faults.say("clock=-600")
    answer = raw.wait_for(lambda: (lambda a: a if a.status == 403 else None)(gate.get("/x", clocked)), 10 * SLOWNESS, 0.05,
                          "the step to be noticed")
    gate.journal.wait(kind="clock.stepped")
    record = gate.record(answer)
    assert record["facts"]["clock_good"] is False and "clock" in json.dumps(record["decision"]), record
    assert gate.get("/x", staff).status == 200, "a rule without the time holds as before"
    faults.say("")
    raw.wait_for(lambda: gate.get("/x", clocked).status == 200, 10 * SLOWNESS, 0.05, "the clock to be right again")
    assert gate.stop() == 0 and verify(gate).returncode == 0, verify(gate)


def test_small_step_is_nothing(start, faults, issuer, origin):
    clocked = issuer.person("tim", ["clocked"], iat=int(time.time()) - 3600)
    gate = start(env=faults.env, policies=by_the_clock(origin.url))
    assert gate.get("/x", clocked).status == 200
    faults.say("clock=-60")
    for _ in range(20):
        assert gate.get("/x", clocked).status == 200
        time.sleep(0.02)


def test_clock_before_the_build(start, faults, issuer, origin):
    """A machine that woke up in 1970: what asks the time is refused; tokens are from the future, and refused."""
    faults.say("clock=-%d" % (int(time.time()) - 86400))
    gate = start(env=faults.env, policies=by_the_clock(origin.url))
    assert gate.get("/x", issuer.person("tim", ["clocked"])).status == 401
    old = issuer.person("tim", ["clocked"], iat=1000, exp=200000)
    answer = gate.get("/x", old)
    assert answer.status == 403 and gate.record(answer)["facts"]["clock_good"] is False
    assert gate.get("/x", issuer.person("eva", ["staff"], iat=1000, exp=200000)).status == 200


def test_clock_stepped_back_ends_a_long_visit(start, faults, issuer, origin):
    """A visit that hangs on the time is decided again when the time is no longer known, at its next decision."""
    gate = start(env=faults.env, policies=by_the_clock(origin.url))
    token = issuer.person("tim", ["clocked"], iat=int(time.time()) - 3600, exp=int(time.time()) + 3)
    with open_socket(gate, token) as s:
        faults.say("clock=-600")
        gate.journal.wait(kind="clock.stepped")
        assert close_code(s)[0] == 1008


def test_clock_stepped_forward(start, faults, issuer, staff):
    """Two hours on: a token that is over by the new time is over, and a WebSocket that came by it ends."""
    gate = start(env=faults.env)
    assert gate.get("/x", staff).status == 200
    with open_socket(gate, staff) as s:
        faults.say("clock=7200")
        raw.wait_for(lambda: gate.get("/x", staff).status == 401, 5 * SLOWNESS, 0.05, "the token to be over")
        s.conn.sock.settimeout(10 * SLOWNESS)
        assert close_code(s)[0] == 1008
