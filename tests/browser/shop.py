"""An app as people use one: pages with links, a form, a background request, and a log-in of its own that answers by
form_post from another site."""

import html
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGE = """<!doctype html><html lang="en"><title>%(title)s</title><h1>%(title)s</h1>
<p id="who">%(who)s</p><p id="path">%(path)s</p>
<a href="/next">next</a>
<form method="post" action="/save"><input name="text" value="three boxes"><button>Save</button></form>"""

# What another site's log-in sends back: a form that posts itself, across sites.
FOREIGN = """<!doctype html><title>foreign</title><form method="post" action="%s">
<input type="hidden" name="SAMLResponse" value="PHNhbWw+w7w8L3NhbWw+&#13;&#10;&quot;x&quot;">
<input type="hidden" name="RelayState" value="a b+c&amp;d=e%%"></form><script>document.forms[0].submit()</script>"""


class Shop:
    """Answers below any host; `seen`: (host, method, path, body) of what came."""

    def __init__(self):
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                shop.answer(self, b"")

            def do_POST(self):
                shop.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        self.seen = []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def foreign(self, action):
        """An address of another site that posts a form to `action`."""
        return "http://login.elsewhere.localhost:%d/foreign?%s" % (self.server.server_port, action)

    def answer(self, h, body):
        path, host = urlsplit(h.path), h.headers["Host"]
        self.seen.append((host, h.command, h.path, body))
        who = h.headers.get("X-Auth-Email") or "nobody"
        if path.path == "/data":
            self.send(h, 200, "application/json", json.dumps({"who": who}))
        elif path.path == "/foreign":
            self.send(h, 200, "text/html", FOREIGN % html.escape(path.query))
        elif path.path == "/away":
            self.send(h, 302, "text/plain", "", Location=path.query)
        else:
            if h.command == "POST":
                fields = parse_qs(body.decode(), keep_blank_values=True)
                title = "Got " + json.dumps({k: v[0] for k, v in fields.items()}, ensure_ascii=False)
            else:
                title = "Shop"
            self.send(h, 200, "text/html; charset=utf-8", PAGE % {
                "title": html.escape(title), "who": html.escape(who), "path": html.escape(h.path)})

    @staticmethod
    def send(h, status, kind, text, **headers):
        data = text.encode()
        h.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            h.send_header(name, value)
        h.end_headers()
        h.wfile.write(data)
