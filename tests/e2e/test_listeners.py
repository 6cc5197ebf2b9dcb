"""Where requests come in: unix sockets and who may connect, redirects, ACME challenges, IPv6, the admin's address."""

import os
import socket
import subprocess
import sys

import pytest

from harness import raw
from harness.ports import free_port
from harness.proxy import SLOWNESS, command

NOBODY = 65534


@pytest.fixture(scope="module")
def webroot(tmp_path_factory):
    """What certbot --webroot leaves, and what must not be served."""
    root = tmp_path_factory.mktemp("acme")
    folder = root / ".well-known" / "acme-challenge"
    folder.mkdir(parents=True)
    (folder / "tok-EN_1").write_text("tok-EN_1.thumbprint")
    (folder / "with.dot").write_text("no token has a dot")
    (root / "secret").write_text("a secret")
    (folder / "folder").mkdir()
    os.symlink("../../secret", folder / "link")
    os.mkfifo(folder / "pipe")
    return root


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sockets")
    os.chmod(folder, 0o755)
    for parent in folder.parents:
        if str(parent).startswith("/tmp/"):
            os.chmod(parent, 0o755)
    return {"redirect": free_port(), "no-acme": free_port(), "v6": free_port(), "any": free_port(),
            **{n: str(folder / n) + ".sock" for n in ("mine", "other", "open", "admin")}}


@pytest.fixture(scope="module")
def gate(start_shared, places, webroot):
    g = start_shared(ready=False, listeners=[
        {"address": "127.0.0.1:%d" % free_port(), "front": "direct"},
        {"address": "127.0.0.1:%d" % places["redirect"], "redirect": "https", "acme_dir": str(webroot)},
        {"address": "127.0.0.1:%d" % places["no-acme"], "redirect": "https"},
        {"address": "[::1]:%d" % places["v6"]},
        {"address": ":%d" % places["any"], "plain": True},
        {"address": "unix:" + places["mine"], "peer_uid": str(os.getuid())},
        {"address": "unix:" + places["other"], "peer_uid": str(NOBODY)},
        {"address": "unix:" + places["open"]}])
    g.port = int(g.config["listeners"][0]["address"].rsplit(":", 1)[1])
    return g.start()


# ---- redirects and challenges ---------------------------------------------------------------

def to(gate, places, target, host="inventory.example", method="GET", **how):
    return raw.request(places["redirect"], method, target, host=host, **how)


@pytest.mark.parametrize("target", ["/", "/a/b?c=d&e", "/a%20b", "/?q", "//evil.example/x"])
def test_everything_is_sent_to_https(gate, places, target):
    answer = to(gate, places, target)
    assert answer.status == 308 and answer.get("Location") == "https://inventory.example" + target
    assert gate.journal.wait(kind="decision", status=308)["decision"] == {"effect": "own", "reason": "redirect"}


def test_redirect_keeps_method_and_drops_port(gate, places):
    answer = to(gate, places, "/x", "inventory.example:8080", "POST", body=b"abc")
    assert answer.status == 308 and answer.get("Location") == "https://inventory.example/x"
    assert to(gate, places, "/x", method="HEAD").status == 308


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "inventory.example.evil.example"])
def test_nobody_is_sent_elsewhere(gate, places, host):
    answer = to(gate, places, "/x", host)
    assert answer.status == 421 and answer.get("Location") is None


def test_redirecting_listener_serves_nothing_else(gate, places, staff, origin):
    before = len(origin.seen)
    answer = to(gate, places, "/x", token=staff)
    assert answer.status == 308 and not answer.body
    assert to(gate, places, "/public/x").status == 308 and len(origin.seen) == before
    assert to(gate, places, "/.postern/health").status == 200
    assert to(gate, places, "x y").status == 400 and to(gate, places, "/x", host="a b").status == 400


def test_challenge_is_served_for_any_host(gate, places):
    for host in ("inventory.example", "not-yet-an-app.example", "203.0.113.1"):
        answer = to(gate, places, "/.well-known/acme-challenge/tok-EN_1", host)
        assert answer.status == 200 and answer.text == "tok-EN_1.thumbprint"
    assert to(gate, places, "/.well-known/acme-challenge/tok-EN_1", method="HEAD").get("Content-Length") == "19"


@pytest.mark.parametrize("name", ["", "nothing", "with.dot", "link", "folder", "pipe", "../../secret", "..%2f..%2fsecret", "%2e%2e/x",
                                  "tok-EN_1/", "tok-EN_1%00", "a" * 129, "tok-EN_1/../../../secret", ".", ".."])
def test_only_challenges_are_served(gate, places, name):
    answer = to(gate, places, "/.well-known/acme-challenge/" + name)
    assert answer.status in (400, 404) and "secret" not in answer.text, answer


def test_no_challenges_without_a_directory(gate, places):
    answer = raw.request(places["no-acme"], target="/.well-known/acme-challenge/tok-EN_1")
    assert answer.status in (308, 404) and "thumbprint" not in answer.text


def test_challenge_path_of_an_app_is_the_apps(gate, staff):
    assert gate.get("/.well-known/acme-challenge/tok-EN_1", staff).json["target"] == "/.well-known/acme-challenge/tok-EN_1"
    assert gate.get("/.well-known/acme-challenge/tok-EN_1").status == 401


# ---- unix sockets ---------------------------------------------------------------------------

def through(path, token):
    with raw.Conn(0, unix=path) as c:
        return c.send(raw.head(target="/x", token=token)).read()


def test_unix_socket(gate, places, staff):
    for name in ("mine", "open"):
        answer = through(places[name], staff)
        assert answer.status == 200
        assert gate.record(answer)["client"]["front"] == "direct"


def test_another_user_is_turned_away(gate, places, staff):
    """Before a byte of his is read."""
    with pytest.raises((raw.Closed, ConnectionResetError, BrokenPipeError)):
        through(places["other"], staff)
    raw.wait_for(lambda: "listener.peer_refused" in gate.stderr(), 5 * SLOWNESS)
    assert through(places["mine"], staff).status == 200


def test_the_user_that_is_named_gets_in(gate, places, staff):
    """His uid is the lock, so that the file's mode need not be: he is in no group of ours."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    ask = ("import os,socket,sys; os.setgroups([]); os.setgid(%d); os.setuid(%d); s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
           "s.sendall(sys.stdin.buffer.read()); print(s.recv(4096).split(b'\\r\\n')[0].decode())" % (NOBODY, NOBODY))
    for name, wanted in (("other", "HTTP/1.1 200 OK"), ("mine", ""), ("open", None)):
        done = subprocess.run([sys.executable, "-c", ask, places[name]], input=raw.head(target="/x", token=staff),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if wanted is None:
            assert b"PermissionError" in done.stderr, "a socket without peer_uid is for its group"
        else:
            assert done.stdout.decode().strip() == wanted, done


def test_socket_left_behind_is_replaced(start, staff, tmp_path):
    """A kill leaves the file; the next start takes it. One that is in use stays its owner's."""
    path = str(tmp_path / "p.sock")
    gate = start(ready=False)
    gate.write_config(listeners=[{"address": "unix:" + path}])
    gate.start()
    gate.kill()
    assert os.path.exists(path)
    gate.start()
    assert through(path, staff).status == 200
    second = start(ready=False)
    second.expect_alarm = True
    second.write_config(listeners=[{"address": "unix:" + path}])
    second.start(ready=False)
    assert second.process.wait(20 * SLOWNESS) == 1 and path in second.stderr()
    assert through(path, staff).status == 200


# ---- addresses ------------------------------------------------------------------------------

def has_v6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


@pytest.mark.skipif(not has_v6(), reason="no IPv6 here")
def test_v6_and_dual_stack(gate, places, staff):
    with raw.Conn(places["v6"], host="::1") as c:
        answer = c.send(raw.head(target="/x", token=staff)).read()
    assert answer.status == 200 and gate.record(answer)["client"]["address"] == "::1"
    for host, address in (("::1", "::1"), ("127.0.0.1", "127.0.0.1")):
        with raw.Conn(places["any"], host=host) as c:
            answer = c.send(raw.head(target="/x", token=staff)).read()
        assert gate.record(answer)["client"]["address"] == address


def test_plain_everywhere_is_said(gate):
    assert "plain-listener" in gate.stderr() or "without TLS" in gate.stderr()


BAD = {
    "plain off loopback": ([{"address": "192.0.2.1:80"}], "plain"),
    "plain everywhere": ([{"address": ":8080"}], "plain"),
    "twice": ([{"address": "127.0.0.1:8080"}, {"address": "127.0.0.1:8080"}], "taken"),
    "no port": ([{"address": "127.0.0.1"}], "address"),
    "zone": ([{"address": "[fe80::1%eth0]:80"}], "address"),
    "unknown user": ([{"address": "unix:/run/x.sock", "peer_uid": "no-such-user-here"}], "no-such-user-here"),
    "peer_uid off a socket": ([{"address": "127.0.0.1:8080", "peer_uid": "root"}], "peer_uid"),
    "acme without redirect": ([{"address": "127.0.0.1:8080", "acme_dir": "/var/lib/acme"}], "acme_dir"),
    "no listener": ([], "listeners"),
    "unknown front": ([{"address": "127.0.0.1:8080", "front": "forwardet"}], "front"),
    "front that trusts nobody": ([{"address": "127.0.0.1:8080", "front": {"cloudflare": {"team": "acme", "audience": "a"}}}], "trusted"),
}


@pytest.mark.parametrize("name", BAD)
def test_listeners_that_are_refused(tmp_path, gate, name):
    listeners, word = BAD[name]
    path = tmp_path / "postern.yaml"
    from harness.proxy import dump
    path.write_text(dump({**gate.config, "listeners": listeners, "policies": gate.path("policies"), "state": gate.path("state"),
                          "issuers": {"demo": {**gate.config["issuers"]["demo"], "jwks_file": gate.path("keys.json")}}}))
    done = command("config", "check", "--config", str(path))
    out = done.stdout + done.stderr
    assert done.returncode == 1 and word in out and "postern.yaml:" in out, done


def test_port_in_use(start):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
        gate = start(ready=False, listeners=[{"address": "127.0.0.1:%d" % port}])
        gate.expect_alarm = True
        gate.start(ready=False)
        assert gate.process.wait(20 * SLOWNESS) == 1 and str(port) in gate.stderr()


def test_all_workers_take_requests(start, staff):
    """The first half of an id is its worker's own."""
    gate = start(workers=3)
    ids = {gate.get("/x", staff).id[:16] for _ in range(60)}
    assert len(ids) == 3


def test_admin_at_a_unix_socket(start, places, staff):
    gate = start(ready=False)
    gate.write_config(admin={"address": "unix:" + places["admin"]})
    gate.start(ready=False)

    def ask(path):
        with raw.Conn(0, unix=places["admin"]) as c:
            return c.send(raw.head(target=path, host="localhost")).read()

    raw.wait_for(lambda: os.path.exists(places["admin"]) and ask("/readyz").status == 200, 20 * SLOWNESS)
    assert ask("/healthz").text == "ok\n" and "postern_requests_total" in ask("/metrics").text
    assert gate.get("/x", staff).status == 200
    assert os.stat(places["admin"]).st_mode & 0o007 == 0, "nobody else reads metrics"
