"""Reload, rotation, drain and restart under load: every request on an accepted connection gets a whole answer."""

import hashlib
import os
import random
import re
import shutil
import signal
import ssl
import subprocess
import threading
import time

import pytest

from harness import raw
from harness.ports import free_port
from harness.proxy import SLOWNESS, command, standard_policy

LONG = 20 * SLOWNESS
UPLOAD = os.urandom(30000)
UPLOAD_SUM = hashlib.sha256(UPLOAD).hexdigest()
BLOCK = b"0123456789abcdef" * 4096


class NotWhole(AssertionError):
    pass


class Load:
    """Clients of every sort: kept connections and new ones, plain and TLS, up and down, sized and chunked."""

    def __init__(self, gate, token, clients=8, tls_port=None, ca=None):
        self.gate, self.token, self.tls_port, self.ca = gate, token, tls_port, ca
        self.stop, self.done, self.errors, self.statuses, self.lock = threading.Event(), 0, [], {}, threading.Lock()
        self.refused, self.ids = 0, []
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(clients)]

    def __enter__(self):
        for t in self.threads:
            t.start()
        raw.wait_for(lambda: self.done > 50, LONG, why="the load to get going: %s" % self.errors[:3])
        return self

    def __exit__(self, *_):
        self.finish()

    def finish(self):
        self.stop.set()
        for t in self.threads:
            t.join(LONG)

    def connect(self, i):
        if self.tls_port and i % 2:
            return raw.Conn(self.tls_port, tls=raw.client_tls(self.ca), sni="inventory.example", timeout=30)
        return self.gate.connect(timeout=30)

    def run(self, i):
        rand, conn, fresh = random.Random(i), None, True
        while not self.stop.is_set():
            try:
                conn, fresh = (conn, False) if conn else (self.connect(i), True)
            except (OSError, ssl.SSLError):
                self.refused += 1
                return                          # nobody listens any more
            sent = time.monotonic()
            try:
                answer = self.one(conn, rand)
            except (raw.Closed, OSError, ssl.SSLError, NotWhole) as e:
                self.failed(e, conn, fresh, time.monotonic() - sent)
                return
            with self.lock:
                self.done += 1
                self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
                self.ids.append(answer.id)
            # one in five goes away by itself, so that there are new connections all the time
            if answer.get("Connection") == "close" or (i % 4 == 3 and rand.random() < 0.2):
                conn.close()
                conn = None

    def failed(self, e, conn, fresh, after):
        with self.lock:
            self.errors.append((repr(e), "fresh" if fresh else "kept", round(after, 3), conn.buf[:100]))

    def one(self, conn, rand):
        what = rand.randrange(5)
        if what == 0:
            size = rand.randrange(200000)
            conn.send(raw.head("GET", "/bytes?n=%d" % size, token=self.token))
            answer = conn.read()
            self.check(answer, answer.body == (BLOCK * 4)[:size])
        elif what == 1:
            conn.send(raw.head("GET", "/chunked?n=20&size=800", token=self.token))
            answer = conn.read()
            self.check(answer, answer.body == b"".join(b"%08d" % i * 100 for i in range(20)))
        elif what == 2:
            conn.send(raw.head("POST", "/x", token=self.token, headers=["Content-Length: %d" % len(UPLOAD)]) + UPLOAD)
            answer = conn.read()
            self.check(answer, answer.status != 200 or answer.json["body_sha256"] == UPLOAD_SUM)
        elif what == 3:
            conn.send(raw.head("GET", "/slow?after=0.02", token=self.token))
            answer = conn.read()
            self.check(answer, answer.status != 200 or answer.json["target"] == "/slow?after=0.02")
        else:
            conn.send(raw.head("GET", "/stock/1", token=self.token))
            answer = conn.read()
            self.check(answer, answer.status != 200 or answer.json["target"] == "/stock/1")
        return answer

    @staticmethod
    def check(answer, good):
        if answer.status == 200 and not good:
            raise NotWhole("%d bytes of a body that is not the one asked for" % len(answer.body))
        if answer.status not in (200, 403):
            raise NotWhole(repr(answer))


@pytest.fixture
def tls(start, authority):
    """A postern with a plain and a TLS listener."""
    cert, key, _ = authority.issue("inventory.example", stem="load")
    plain, secure = free_port(), free_port()

    def go(**how):
        g = start(ready=False, listeners=[
            {"address": "127.0.0.1:%d" % plain},
            {"address": "127.0.0.1:%d" % secure, "tls": {"certificates": [{"cert": cert, "key": key}]}}], **how)
        g.port, g.tls_port = plain, secure
        return g.start()
    return go


def test_hangup_with_everything_changed(tls, origin, authority, issuer, staff):
    """Certificate, rules, limits, issuers and the log's level change with each SIGHUP."""
    gate = tls()
    with Load(gate, staff, tls_port=gate.tls_port, ca=authority.ca) as load:
        for i in range(6):
            authority.issue("inventory.example", stem="load")
            policy = standard_policy(origin.url)
            policy["rules"].append({"id": "round-%d" % i, "effect": "deny", "who": {"groups": ["nobody"]}, "to": "everything"})
            gate.policy(policy)
            gate.write_config(limits={"fields": 90 + i, "token_cache": 16 << i, "keepalive_timeout": "%ds" % (60 + i)},
                              issuers={**gate.config["issuers"], "more%d" % i: {"issuer": "https://more.example/%d" % i, "audience": "x", "jwks_file": "keys.json"}})
            gate.signal(signal.SIGHUP)
            gate.journal.wait(kind="policy.loaded", count=i + 2, seconds=LONG)
        at = load.done
        raw.wait_for(lambda: load.done > at + 50, LONG)
    assert not load.errors and set(load.statuses) == {200}, (load.errors[:3], load.statuses)
    assert gate.metrics()["postern_reload_failures_total"] == 0


def test_hangups_without_a_pause(start, staff):
    gate = start()
    with Load(gate, staff) as load:
        for i in range(100):
            gate.signal(signal.SIGHUP)
            time.sleep(0.005)
        at = load.done
        raw.wait_for(lambda: load.done > at + 50, LONG)
    assert not load.errors and set(load.statuses) == {200}, load.errors[:3]


def test_bad_reloads_under_load(tls, authority, origin, staff):
    """Rules, configuration and certificate broken in turn: nothing changes for anybody."""
    gate = tls()
    good = standard_policy(origin.url)
    with Load(gate, staff, tls_port=gate.tls_port, ca=authority.ca) as load:
        for text in ("version: 1\nrules: [\n", "", "version: 2\n"):
            before = gate.metrics()["postern_reload_failures_total"]
            gate.write("policies/10-apps.yaml", text)
            raw.wait_for(lambda: gate.metrics()["postern_reload_failures_total"] > before, LONG, 0.05)
        gate.policy(good)
        before = gate.metrics()["postern_reload_failures_total"]
        gate.write("postern.yaml", "version: 1\n")
        gate.signal(signal.SIGHUP)
        raw.wait_for(lambda: gate.metrics()["postern_reload_failures_total"] > before, LONG, 0.05)
        gate.write_config()
    assert not load.errors and set(load.statuses) == {200}, load.errors[:3]


def test_certificate_changes_hands_under_load(tls, authority, staff):
    """Replaced by a rename of the pair, file by file, as certbot and cert-manager do."""
    gate = tls()
    with Load(gate, staff, clients=10, tls_port=gate.tls_port, ca=authority.ca) as load:
        for _ in range(4):
            _, _, wanted = authority.issue("inventory.example", stem="load")

            def serial():
                with raw.Conn(gate.tls_port, tls=raw.client_tls(authority.ca), sni="inventory.example") as c:
                    from cryptography import x509
                    return x509.load_der_x509_certificate(c.sock.getpeercert(True)).serial_number
            raw.wait_for(lambda: serial() == wanted, LONG, 0.05, "the new certificate")
    assert not load.errors and set(load.statuses) == {200}, load.errors[:3]


def drained(gate, load):
    gate.signal(signal.SIGTERM)
    assert gate.process.wait(LONG) == 0
    load.finish()
    # A connection that was never accepted is reset when the listener goes; nothing was answered on it, ever.
    accepted = [e for e in load.errors if not (e[1] == "fresh" and e[3] == b"" and ("Reset" in e[0] or "SSL" in e[0] or "Closed" in e[0]))]
    assert not accepted, accepted[:3]
    assert set(load.statuses) == {200}
    gate.journal.refresh()
    there = {r["id"] for r in gate.journal.records if r["kind"] == "decision"}
    missing = [i for i in load.ids if i and i not in there]
    assert not missing, "%d answers without a record" % len(missing)
    return load


@pytest.mark.parametrize("workers", [1, 3])
def test_drain(tls, authority, staff, workers):
    gate = tls(workers=workers)
    with Load(gate, staff, clients=12, tls_port=gate.tls_port, ca=authority.ca) as load:
        drained(gate, load)
    assert len(load.errors) <= 2, "connections that were on their way: %s" % load.errors
    assert command("audit", "verify", "--config", gate.path("postern.yaml")).returncode == 0


def test_drain_right_after_a_reload(tls, authority, staff):
    gate = tls()
    with Load(gate, staff, tls_port=gate.tls_port, ca=authority.ca) as load:
        gate.write("policies/20-more.yaml", "version: 1\ndefine: {groups: {g: [a]}}\n")
        gate.signal(signal.SIGHUP)
        drained(gate, load)


def test_second_postern_on_one_journal(start, staff):
    """Two writers would tear the chain: the second does not start, the first notices nothing."""
    gate = start()
    second = start(ready=False)
    second.expect_alarm = True
    second.write_config(audit={"file": gate.path("access.jsonl")})
    with Load(gate, staff, clients=2) as load:
        second.start(ready=False)
        assert second.process.wait(LONG) == 1 and "access.jsonl" in second.stderr()
    assert not load.errors and gate.stop() == 0
    assert command("audit", "verify", "--config", gate.path("postern.yaml")).returncode == 0


def test_wrk_sees_no_failure(start, staff):
    """A load generator of others agrees: no socket error and no odd status through five reloads."""
    if not shutil.which("wrk"):
        pytest.skip("wrk is not here")
    gate = start()
    wrk = subprocess.Popen(["wrk", "-t1", "-c32", "-d2s", "-H", "Host: inventory.example", "-H", "Authorization: Bearer " + staff,
                            "http://127.0.0.1:%d/stock/1" % gate.port], stdout=subprocess.PIPE, text=True)
    for i in range(5):
        gate.write("policies/20-more.yaml", "version: 1\ndefine: {groups: {g%d: [a]}}\n" % i)
        gate.signal(signal.SIGHUP)
        time.sleep(0.3)
    out = wrk.communicate()[0]
    assert "Socket errors" not in out and "Non-2xx" not in out and wrk.returncode == 0, out
    asked = int(next(line for line in out.splitlines() if "requests in" in line).split()[0])
    assert gate.stop() == 0
    with open(gate.path("access.jsonl"), "rb") as f:
        ids = re.findall(rb'"kind":"decision"[^\n]*?"id":"([0-9a-f]{32})"', f.read())
    assert len(ids) == len(set(ids)) and len(ids) >= asked, (len(ids), asked)
