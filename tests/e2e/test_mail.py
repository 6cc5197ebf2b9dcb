"""Mails and webhooks: sent over SMTP as it is spoken, tried again, given up, and never more than was meant."""

import http.server
import json
import os
import re
import subprocess
import threading

import pytest

from harness.proxy import SANITIZER, SLOWNESS, dump
from harness.smtp import Sink

PROBE = os.environ.get("MAIL_PROBE")
pytestmark = pytest.mark.skipif(not PROBE, reason="MAIL_PROBE names no program")


@pytest.fixture
def sink(request):
    made = []

    def make(*args, **how):
        made.append(Sink(*args, **how))
        return made[-1]

    yield make
    for s in made:
        s.close()


@pytest.fixture
def send(tmp_path):
    """Runs the probe with this `mail:` and `notify:`; what it printed, and its log."""
    def run(kind, to, subject, text, mail=None, channels=None, seconds=20):
        config = {"version": 1, "listeners": [{"address": "127.0.0.1:80"}],
                  "issuers": {"corp": {"issuer": "https://idp.example", "audience": "x"}}}
        if mail:
            config["mail"] = mail
        if channels:
            config["notify"] = channels
        path = tmp_path / "postern.yaml"
        path.write_text(dump(config))
        p = subprocess.run([PROBE, str(path), kind, to, subject, str(int(seconds * SLOWNESS))], input=text.encode(),
                           capture_output=True, timeout=120, env={**os.environ, **SANITIZER})
        assert p.returncode == 0, p.stderr.decode()
        return p.stdout.decode().strip(), p.stderr.decode()
    return run


def server(sink, **more):
    return {"smtp": sink.url, "from": "postern@corp.example", **more}


def password_file(tmp_path, password):
    path = tmp_path / "password"
    path.write_text(password + "\n")
    path.chmod(0o600)
    return str(path)


def test_a_mail_arrives_as_it_was_written(sink, send):
    s = sink()
    text = "Ihr Zugangscode für „inventory“:\n\n  12345678\n\n.\n..\nFrom here = 100 %\n" + "lang " * 100 + "\n"
    out, _ = send("mail", "kim@acme.example", "Zugangscode für Kim", text, server(s))
    assert out == "queued sent=1 failed=0 queued=0"
    letter, = s.wait()
    assert (letter.sender, letter.recipients) == ("postern@corp.example", ["kim@acme.example"])
    assert letter.subject == "Zugangscode für Kim"
    assert letter.text == text
    assert "kim@acme.example" in letter.message["To"] and letter.message["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[0-9a-f]{32}@corp\.example>", letter.message["Message-ID"])
    assert not letter.was_tls
    assert max(map(len, letter.data.split(b"\r\n"))) <= 78
    letter.data.decode("ascii")


def test_nothing_given_in_becomes_a_header(sink, send):
    s = sink()
    out, _ = send("mail", "kim@acme.example", "hello\r\nBcc: evil@example\r\n\r\nbody", "x\r\n.\r\nMAIL FROM:<a@b>\r\n", server(s))
    assert out == "queued sent=1 failed=0 queued=0"
    letter, = s.wait()
    assert letter.recipients == ["kim@acme.example"] and "Bcc" not in letter.message
    assert letter.subject == "hello  Bcc: evil@example    body"
    assert letter.text == "x\n.\nMAIL FROM:<a@b>\n"
    assert len(s.letters) == 1
    for to in ("kim@acme.example\r\nRCPT TO:<evil@example>", "kim@acme.example> BODY=8BITMIME", "a@b,c@d"):
        out, _ = send("mail", to, "s", "t", server(s))
        assert out == "refused sent=0 failed=0 queued=0"
    assert s.connections == 1


def test_starttls_is_required_and_checked(sink, send, authority, tmp_path):
    s = sink("starttls", authority.server("127.0.0.1"), users={"postern": "open sesame"})
    good = server(s, username="postern", password_file=password_file(tmp_path, "open sesame"), ca=authority.ca)
    out, _ = send("mail", "kim@acme.example", "s", "t", good)
    assert out == "queued sent=1 failed=0 queued=0"
    letter, = s.wait()
    assert letter.was_tls and letter.user == "postern"
    # A server that does not offer it gets neither mail nor password.
    plain = sink()
    out, log = send("mail", "kim@acme.example", "s", "t", dict(good, smtp="smtp+starttls://127.0.0.1:%d" % plain.port), seconds=1)
    assert out == "queued sent=0 failed=0 queued=1" and "notify.retry" in log
    assert not plain.letters and not [l for l in plain.heard if l.startswith((b"AUTH", b"MAIL"))]
    # Nor one whose certificate is nobody's.
    del good["ca"]
    n = len(s.heard)
    out, log = send("mail", "kim@acme.example", "s", "t", good, seconds=1)
    assert out == "queued sent=0 failed=0 queued=1"
    assert not [l for l in s.heard[n:] if l.startswith((b"AUTH", b"MAIL"))]


def test_tls_from_the_first_byte(sink, send, authority):
    s = sink("tls", authority.server("127.0.0.1"))
    out, _ = send("mail", "kim@acme.example", "s", "t", server(s, ca=authority.ca))
    assert out == "queued sent=1 failed=0 queued=0"
    assert s.wait()[0].was_tls


def test_a_refused_log_in_is_told_without_the_password(sink, send, authority, tmp_path):
    s = sink("tls", authority.server("127.0.0.1"), users={"postern": "right"})
    wrong = server(s, username="postern", password_file=password_file(tmp_path, "hunter2hunter2"), ca=authority.ca)
    out, log = send("mail", "kim@acme.example", "s", "the PIN is 12345678", wrong, seconds=1)
    assert out == "queued sent=0 failed=0 queued=1"  # ours to mend: it is tried again
    assert "notify.retry" in log and "hunter2" not in log and "12345678" not in log
    assert not s.letters


def test_what_fails_for_now_is_tried_again_and_for_good_is_not(sink, send):
    s = sink()
    s.moods = {"RCPT": "451 greylisted, come again"}
    out, log = send("mail", "kim@acme.example", "s", "t", server(s))
    assert out == "queued sent=1 failed=0 queued=0" and "notify.retry" in log
    assert len(s.letters) == 1
    for verb in ("MAIL", "RCPT", "DATA", "DOT"):
        s.moods = {verb: "554 go away"}
        out, log = send("mail", "kim@acme.example", "s", "t", server(s))
        assert out == "queued sent=0 failed=1 queued=0", verb
        assert "notify.failed" in log and "554" in log and "kim@acme.example" in log
    assert len(s.letters) == 1


def test_a_server_that_is_down_is_waited_for(sink, send):
    s = sink()
    port = s.port
    s.close()
    late = []
    timer = threading.Timer(2, lambda: late.append(sink(port=port)))
    timer.start()
    out, log = send("mail", "kim@acme.example", "s", "t", {"smtp": "smtp://127.0.0.1:%d" % port, "from": "p@corp.example"})
    timer.join()
    assert out == "queued sent=1 failed=0 queued=0" and "notify.retry" in log
    assert len(late[0].letters) == 1


def test_a_channel_tells_each_of_its_addresses(sink, send):
    s = sink()
    out, _ = send("channel", "security", "break-glass", "Kim opened prod.\n", server(s),
                  {"security": {"mail": ["a@corp.example", "b@corp.example"]}})
    assert out == "queued sent=2 failed=0 queued=0"
    letters = s.wait(2)
    assert sorted(l.recipients[0] for l in letters) == ["a@corp.example", "b@corp.example"]
    assert all(len(l.recipients) == 1 and l.text == "Kim opened prod.\n" for l in letters)


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("Content-Length", "0")
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook():
    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    s.heard, s.answers = [], []
    threading.Thread(target=s.serve_forever, daemon=True).start()
    yield s
    s.shutdown()
    s.server_close()


@pytest.mark.parametrize("answers, sent, failed, heard", [
    ([], 1, 0, 1), ([204], 1, 0, 1), ([503, 200], 1, 0, 2), ([429, 200], 1, 0, 2),
    ([404], 0, 1, 1), ([302], 0, 1, 1)])
def test_a_webhook(send, hook, answers, sent, failed, heard):
    hook.answers = list(answers)
    url = "http://127.0.0.1:%d/hook?token=topsecret" % hook.server_address[1]
    out, log = send("channel", "ops", "approval wanted", "Kim asks for „prod“.\n", channels={"ops": {"webhook": url}})
    assert out == "queued sent=%d failed=%d queued=0" % (sent, failed)
    assert hook.heard == [("/hook?token=topsecret", "application/json",
                           {"channel": "ops", "subject": "approval wanted",
                            "text": "approval wanted\nKim asks for „prod“.\n"})] * heard
    assert "topsecret" not in log
