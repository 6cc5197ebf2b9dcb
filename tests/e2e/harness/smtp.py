"""A mail server that keeps what it is given: plain, STARTTLS or TLS, with or without a log-in, and moody on demand."""

import base64
import email
import email.policy
import socketserver
import threading


class Letter:
    """One mail as the server got it."""

    def __init__(self, sender, recipients, data, was_tls, user):
        self.sender, self.recipients, self.data = sender, recipients, data
        self.was_tls, self.user = was_tls, user
        self.message = email.message_from_bytes(data, policy=email.policy.default)

    @property
    def subject(self):
        return self.message["Subject"]

    @property
    def text(self):
        return self.message.get_content().replace("\r\n", "\n")


class _Session(socketserver.StreamRequestHandler):
    def say(self, *lines):
        for i, line in enumerate(lines):
            code, text = line.split(" ", 1)
            last = i == len(lines) - 1
            self.wfile.write(("%s%s%s\r\n" % (code, " " if last else "-", text)).encode())
        self.wfile.flush()

    def upgrade(self):
        self.connection = self.server.sink.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.is_tls = True

    def setup(self):
        self.is_tls, self.user = False, None
        super().setup()
        if self.server.sink.mode == "tls":
            self.upgrade()

    def handle(self):
        sink = self.server.sink
        sink.connections += 1
        if sink.silent:
            sink.closing.wait(30)
            return
        self.say("220 sink ready")
        sender, to = None, []
        while True:
            line = self.rfile.readline(4096)
            if not line:
                return
            sink.heard.append(line)
            verb, _, rest = line.decode("latin-1").strip().partition(" ")
            verb = verb.upper()
            mood = sink.moods.pop(verb, None)
            if mood:
                self.say(mood)
            elif verb in ("EHLO", "HELO"):
                offers = ["250 sink"]
                if sink.mode == "starttls" and not self.is_tls:
                    offers.append("250 STARTTLS")
                if sink.users and (self.is_tls or sink.mode == "plain"):
                    offers.append("250 AUTH PLAIN LOGIN")
                self.say(*offers, "250 SIZE 1000000")
            elif verb == "STARTTLS" and sink.mode == "starttls":
                self.say("220 go ahead")
                self.upgrade()
            elif verb == "AUTH":
                if not self.log_in(rest):
                    return
            elif verb == "MAIL":
                if sink.users and not self.user:
                    self.say("530 authentication required")
                else:
                    sender, to = rest[rest.index("<") + 1:rest.index(">")], []
                    self.say("250 ok")
            elif verb == "RCPT":
                to.append(rest[rest.index("<") + 1:rest.index(">")])
                self.say("250 ok")
            elif verb == "DATA":
                self.say("354 go on")
                data = self.read_data()
                mood = sink.moods.pop("DOT", None)
                if not mood:
                    sink.keep(Letter(sender, to, data, self.is_tls, self.user))
                self.say(mood or "250 kept")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("500 what?")

    def log_in(self, rest):
        kind, _, first = rest.partition(" ")
        if kind.upper() != "PLAIN":
            self.say("504 no")
            return True
        if not first:
            self.say("334 ")
            first = self.rfile.readline(4096).decode().strip()
        _, user, password = base64.b64decode(first).decode().split("\0")
        if self.server.sink.users.get(user) == password:
            self.user = user
            self.say("235 welcome")
        else:
            self.say("535 wrong")
        return True

    def read_data(self):
        out = []
        while True:
            line = self.rfile.readline(65536)
            if line in (b".\r\n", b""):
                return b"".join(out)
            assert line.endswith(b"\r\n"), line
            out.append(line[1:] if line.startswith(b".") else line)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that went away is no story of ours


class Sink:
    """`moods` maps a verb (or DOT, the end of the data) to the answer that it gets once instead."""

    def __init__(self, mode="plain", tls=None, users=None, port=0):
        self.mode, self.tls, self.users = mode, tls, users or {}
        self.letters, self.heard, self.moods = [], [], {}
        self.connections, self.silent = 0, False
        self.closing = threading.Event()
        self._news = threading.Condition()
        self._server = _Server(("127.0.0.1", port), _Session)
        self._server.sink = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self):
        scheme = {"plain": "smtp", "starttls": "smtp+starttls", "tls": "smtps"}[self.mode]
        return "%s://127.0.0.1:%d" % (scheme, self.port)

    def keep(self, letter):
        with self._news:
            self.letters.append(letter)
            self._news.notify_all()

    def wait(self, n=1, timeout=10):
        """The first `n` letters, as soon as they are there."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.letters) >= n, timeout), "%d letters" % len(self.letters)
            return self.letters[:n]

    def close(self):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
