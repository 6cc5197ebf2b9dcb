"""No record, no access; and the chain holds through full disks, kills and restarts."""

import json
import os
import resource
import shutil
import signal
import subprocess
import threading
import time

import pytest

from harness import raw
from harness.proxy import SLOWNESS, command


def verify(gate, *more):
    return command("audit", "verify", "--config", gate.path("postern.yaml"), *more)


def test_chain_is_whole(start, staff):
    gate = start()
    for i in range(100):
        gate.get("/x", staff if i % 2 else None)
    assert gate.stop() == 0
    done = verify(gate)
    assert done.returncode == 0, done
    lines = open(gate.path("access.jsonl")).read().splitlines()
    assert len([1 for line in lines if json.loads(line)["kind"] == "decision"]) == 100


def edit_line(lines):
    i = next(i for i, line in enumerate(lines) if '"decision"' in line)
    return lines[:i] + [lines[i].replace('"eva"', '"adam"')] + lines[i + 1:]


CRIMES = {
    "edited": edit_line, "dropped": lambda x: x[:10] + x[11:], "swapped": lambda x: x[:10] + [x[11], x[10]] + x[12:],
    "inserted": lambda x: x[:10] + [x[9]] + x[10:], "truncated": lambda x: x[:-4],
}


@pytest.mark.parametrize("name", CRIMES)
def test_crime_is_noticed(start, staff, name):
    gate = start()
    for _ in range(30):
        gate.get("/x", staff)
    gate.stop()
    lines = open(gate.path("access.jsonl")).read().splitlines()
    with open(gate.path("access.jsonl"), "w") as f:
        f.write("\n".join(CRIMES[name](lines)) + "\n")
    done = verify(gate)
    assert done.returncode != 0, done
    assert done.stdout + done.stderr


def test_chain_goes_on_after_a_restart(start, staff):
    gate = start()
    for _ in range(3):
        for _ in range(10):
            gate.get("/x", staff)
        assert gate.stop() == 0
        gate.start()
    gate.stop()
    assert verify(gate).returncode == 0


def test_torn_last_line_is_kept_apart(start, staff):
    gate = start()
    for _ in range(10):
        gate.record(gate.get("/x", staff))
    gate.kill()
    with open(gate.path("access.jsonl"), "ab") as f:
        f.write(b'{"kind":"decision","id":"torn')
    gate.start()
    answer = gate.get("/x", staff)
    assert gate.record(answer)
    gate.stop()
    assert verify(gate).returncode == 0, verify(gate)
    text = open(gate.path("access.jsonl")).read()
    assert all(json.loads(line) for line in text.splitlines())


@pytest.mark.parametrize("sync", ["batch", "always"])
def test_killed_and_complete(start, staff, sync):
    """always: every answered request is in the log. batch: every one answered 50 ms before the kill."""
    gate = start(config={"audit": {"file": "access.jsonl", "sync": sync}})
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

    workers = [threading.Thread(target=load) for _ in range(8)]
    for w in workers:
        w.start()
    raw.wait_for(lambda: len(answered) > 300 / SLOWNESS and answered[-1][0] - answered[0][0] > 0.5, 30 * SLOWNESS)
    killed = time.monotonic()
    gate.signal(signal.SIGKILL)
    gate.process.wait()
    for w in workers:
        w.join()
    gate.start()
    gate.journal.refresh()
    there = {r.get("id") for r in gate.journal.records}
    must = [i for at, i in answered if sync == "always" or at < killed - 0.05 * SLOWNESS]
    missing = [i for i in must if i not in there]
    assert must and not missing, "%d of %d are missing" % (len(missing), len(must))
    gate.stop()
    assert verify(gate).returncode == 0, verify(gate)


def test_always_has_the_open_record_before_the_upstream(start, origin, staff):
    gate = start(config={"audit": {"file": "access.jsonl", "sync": "always"}})
    with gate.connect() as c:
        c.send(raw.head("GET", "/slow?after=1", token=staff))
        raw.wait_for(lambda: any(r.path == "/slow" for r in origin.seen[-20:]), 10)
        opened = gate.journal.find(kind="request.open")
        assert opened and opened[-1]["decision"]["effect"] == "allow"
        answer = c.read()
    assert gate.journal.wait(kind="request.close", id=answer.id)["status"] == 200


def full_disk(gate, staff):
    """Asks until the journal is full: the first answer that is no 200."""
    end = time.monotonic() + 60 * SLOWNESS
    while time.monotonic() < end:
        answer = gate.get("/x", staff)
        if answer.status != 200:
            return answer
    raise AssertionError("the disk never got full")


def test_file_size_limit_refuses(start, staff):
    """RLIMIT_FSIZE stands for a disk that is full: EFBIG, and SIGXFSZ must not kill."""
    gate = start(limits={resource.RLIMIT_FSIZE: 64 * 1024})
    answer = full_disk(gate, staff)
    assert answer.status == 503 and answer.get("Retry-After")
    assert gate.get("/x", staff).status == 503 and gate.alive()
    assert gate.admin("/healthz").status == 200


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


def test_full_disk_refuses_and_recovers(start, small_disk, staff):
    filler = os.path.join(small_disk, "filler")
    with open(filler, "wb") as f:
        f.write(b"x" * 100 * 1024)
    gate = start(config={"audit": {"file": os.path.join(small_disk, "access.jsonl"), "sync": "batch"}})
    gate.journal.path = os.path.join(small_disk, "access.jsonl")
    answer = full_disk(gate, staff)
    assert answer.status == 503 and answer.get("Retry-After")
    os.unlink(filler)
    raw.wait_for(lambda: gate.get("/x", staff).status == 200, 20 * SLOWNESS, 0.1, "room on the disk to be noticed")
    gate.stop()
    assert verify(gate).returncode == 0, verify(gate)


def test_full_disk_continues_when_told(start, small_disk, staff):
    gate = start(config={"audit": {"file": os.path.join(small_disk, "access.jsonl"), "sync": "batch", "on_error": "continue"}})
    for _ in range(1000):
        assert gate.get("/x", staff).status == 200
    assert gate.metrics()["postern_audit_errors_total"] > 0, gate.metrics()
    assert "on_error=continue" in gate.stderr()


def test_journal_that_cannot_be_opened(start):
    gate = start(ready=False, config={"audit": {"file": "no/such/folder/access.jsonl", "sync": "batch"}})
    gate.expect_alarm = True
    gate.start(ready=False)
    assert gate.process.wait(20 * SLOWNESS) == 1 and "access.jsonl" in gate.stderr()


def test_rotation_by_size(start, staff):
    gate = start(config={"audit": {"file": "access.jsonl", "sync": "batch", "rotate": {"size": "1MiB"}}})
    with gate.connect() as c:
        ids = [c.send(raw.head("GET", "/x" + "a" * 2000, token=staff)).read().id for _ in range(800)]
    gate.stop()
    files = [n for n in os.listdir(gate.folder) if n.startswith("access")]
    assert len(files) > 1, files
    assert verify(gate).returncode == 0, verify(gate)
    found = command("audit", "query", "--config", gate.path("postern.yaml"), "--id", ids[0])
    assert ids[0] in found.stdout, found


def test_replaced_file_is_noticed(start, staff):
    gate = start()
    gate.record(gate.get("/x", staff))
    shutil.move(gate.path("access.jsonl"), gate.path("moved.jsonl"))
    raw.wait_for(lambda: gate.get("/x", staff).status in (200, 503) and (
        os.path.exists(gate.path("access.jsonl")) or gate.get("/x", staff).status == 503), 10 * SLOWNESS, 0.1,
        "the journal that was taken away to be noticed")


def test_query_and_tail(start, staff, contractor):
    gate = start()
    eva, kim = gate.get("/x", staff), gate.get("/secret", contractor)
    gate.record(eva), gate.record(kim)
    config = ["--config", gate.path("postern.yaml")]
    for filters, there, absent in ((["--user", "eva"], eva, kim), (["--effect", "deny"], kim, eva),
                                   (["--reason", "default-deny"], kim, eva), (["--id", eva.id], eva, kim),
                                   (["--app", "inventory", "--since", "1h"], kim, None), (["--rule", "staff-all"], eva, kim)):
        done = command("audit", "query", *config, *filters)
        assert done.returncode == 0 and there.id in done.stdout, (filters, done)
        assert absent is None or absent.id not in done.stdout, filters
        assert all(json.loads(line) for line in done.stdout.splitlines()) and not done.stderr
    done = command("audit", "query", *config, "--reason", "default_deny")
    assert done.returncode == 0 and not done.stdout and "no record in " in done.stderr, done
    tail = command("audit", "tail", "--no-follow", "--lines", "50", *config)
    assert eva.id in tail.stdout and kim.id in tail.stdout, tail
