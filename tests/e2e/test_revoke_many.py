"""The end of a session reaches its last WebSocket within a second of the word, with thousands of them open.

The second is one of a machine of our own: what the kernel let postern's threads and ours wait for a core is taken off.
"""

import os
import time

import pytest

from harness.many import Sockets, Upstream, add_sessions
from harness.people import SESSION, House
from harness.provider import Provider
from harness.proxy import SLOWNESS, command
from test_slow_clients import room

APP = "inventory.postern.localhost"
MOST = 9000
LIMITS = {"long_visits": "20000", "upstream_connections": "20000", "connections": "20000"}


@pytest.fixture(scope="module")
def upstream():
    u = Upstream()
    yield u
    u.close()


def fits():
    """Each costs postern two descriptors, and its workers fill unevenly."""
    return min(MOST if SLOWNESS == 1 else 2000, room())


def waited_s(pid):
    """{thread: seconds that it was ready to run and had no core}."""
    out = {}
    for tid in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, tid)) as f:
            out[tid] = int(f.read().split()[1]) / 1e9
    return out


class Word:
    """The moment in which a session is said to have ended."""

    def __init__(self, house):
        self.house, self.at = house, time.monotonic()
        self.waited = self._waited()

    def _waited(self):
        return [waited_s(self.house.postern.pid), waited_s(os.getpid())]

    def without_a_core(self):
        return sum(max(s - old.get(t, 0) for t, s in new.items()) for old, new in zip(self.waited, self._waited()))


class Crowd:
    """`sessions` sessions with `fits()` WebSockets in all."""

    def __init__(self, house, b, sessions):
        self.house, self.n = house, fits()
        here, handle = "%s:%d" % (APP, house.port), house.session_of(b)
        cookies = add_sessions(house.postern, handle, APP, sessions) if sessions > 1 else [b.cookie(APP)]
        self.sockets = Sockets(house.port, here, (cookies * self.n)[:self.n], SESSION)
        house.journal.wait(count=self.n, kind="visit.start", seconds=30 * SLOWNESS)
        assert house.postern.metrics()["postern_long_visits_open"] == self.n

    def ends(self, word, why, revoked, **fields):
        """All are told why, and all of it is in the log."""
        seen = self.sockets.wait_for_ends(20 * SLOWNESS)
        took, waited = seen["last"] - word.at, word.without_a_core()
        print("%d WebSockets: first byte %.3f s after the word, last byte %.3f s, of which %.3f s without a core" % (
            self.n, seen["first"] - word.at, took, waited))
        assert all(frame[0] == 0x88 and frame[2:4] == b"\x03\xf0" and b"session" in frame for frame in seen["said"])
        journal = self.house.journal
        journal.wait(count=self.n, kind="visit.end", end="session", seconds=20 * SLOWNESS)
        journal.wait(count=revoked, kind="session.revoked", why=why, seconds=20 * SLOWNESS, **fields)
        ids = {r["id"] for r in journal.find(kind="visit.end", end="session")}
        assert len(ids) == self.n and ids == {r["id"] for r in journal.find(kind="visit.start")}
        assert self.house.postern.metrics()["postern_long_visits_open"] == 0
        assert took - waited < 1.0 * SLOWNESS, (took, waited)


def by_form(house, b):
    page = b.get(house.portal("/.postern/logout"))
    word = Word(house)
    assert b.send(page.form("csrf"), everywhere="1").status == 200
    return word


def by_command(house, *what):
    """The word is the commit, which is the last that the command does."""
    assert command("session", "revoke", *what, "--config", house.postern.path("postern.yaml")).returncode == 0
    return Word(house)


def test_one_session_by_command(start, upstream):
    house = House(start, upstream, config={"limits": LIMITS})
    b = house.signed_in()
    crowd = Crowd(house, b, 1)
    crowd.ends(by_command(house, "--user", "eva@corp.example"), "administrator", 1, session=house.session_of(b))


def test_one_session_by_its_person(start, upstream):
    house = House(start, upstream, config={"limits": LIMITS})
    b = house.signed_in()
    crowd = Crowd(house, b, 1)
    crowd.ends(by_form(house, b), "everywhere", 1, session=house.session_of(b), by="self")


def test_one_session_by_its_issuer(start, upstream, tmp_path):
    provider = Provider()
    (tmp_path / "secret").write_text(provider.secret + "\n")
    (tmp_path / "secret").chmod(0o600)
    corp = {"issuer": provider.issuer, "client_id": provider.client_id, "client_secret_file": "secret"}
    house = House(start, upstream, folder=tmp_path,
                  config={"issuers": {"corp": corp}, "builtin": None, "limits": LIMITS})
    provider.sid = "sid-many"
    b = house.browser()
    assert b.get(house.url("inventory")).status == 200
    crowd = Crowd(house, b, 1)
    token, word = provider.logout_token(sid="sid-many", sub=None), Word(house)
    page = house.browser().ask(house.portal("/.postern/backchannel/corp"), "POST", {"logout_token": token},
                               headers={"Sec-Fetch-Site": None})
    assert page.status == 200
    crowd.ends(word, "backchannel", 1, by="issuer")
    provider.stop()


def test_all_sessions_at_once(start, upstream):
    house = House(start, upstream, config={"limits": LIMITS})
    b = house.signed_in()
    crowd = Crowd(house, b, fits())
    crowd.ends(by_command(house, "--all"), "administrator", crowd.n + 1)
