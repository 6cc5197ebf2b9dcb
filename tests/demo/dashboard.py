#!/usr/bin/env python3
"""A small real dashboard behind the gate: data that changes, and what it received.

    dashboard.py inventory|reports PORT      on 127.0.0.1, nothing but the standard library

It knows nobody: whoever reaches it was let through, and who it is stands in X-Auth-User.
"""

import html
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1c2430}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d8dee8;padding:.35rem .6rem;text-align:left}
code{background:#eef2f7;padding:.1rem .3rem;border-radius:3px}input{width:6rem}nav a{margin-right:1rem}"""
MAX_BODY = 64 * 1024


class State:
    """The data of the inventory, guarded by one lock; every change wakes those who watch."""

    def __init__(self):
        self.changed, self.version = threading.Condition(), 0
        self.stock = {"pallets": 120, "forklifts": 4, "scanners": 31}

    def set(self, item, count):
        with self.changed:
            self.stock[item] = count
            self.version += 1
            self.changed.notify_all()

    def wait(self, version, seconds):
        with self.changed:
            self.changed.wait_for(lambda: self.version != version, seconds)
            return self.version, dict(self.stock)


STATE = State()


class Dashboard(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms for the first's ack
    app = "inventory"

    # ---- what it says ---------------------------------------------------------------------
    def page(self, title, body):
        text = ("<!doctype html><html lang=en><meta charset=utf-8>"
                "<meta name=viewport content='width=device-width,initial-scale=1'><title>%s</title><style>%s</style>"
                "<h1>%s</h1>%s<h2>What I received</h2><p><code>%s</code></p><table>%s</table>" % (
                    title, STYLE, title, body, html.escape("%s %s" % (self.command, self.path)),
                    "".join("<tr><td>%s<td><code>%s</code>" % (html.escape(n), html.escape(v))
                            for n, v in self.headers.items())))
        self.answer(200, "text/html; charset=utf-8", text.encode())

    def json(self, value, status=200):
        self.answer(status, "application/json", (json.dumps(value, indent=1) + "\n").encode())

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    # ---- what it offers -------------------------------------------------------------------
    def do_GET(self):
        path = unquote(self.path.split("?")[0])
        offers = {"/": self.front, "/stock": self.front, "/admin": self.settings, "/whoami": self.whoami,
                  "/api/stock": lambda: self.json(STATE.stock), "/events": self.events, "/favicon.ico": self.icon}
        offers.get(path.rstrip("/") or "/", self.nothing)()

    do_HEAD = do_GET

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            return self.json({"error": "too large"}, 413)
        form = parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
        parts = unquote(self.path.split("?")[0]).split("/")
        try:
            if parts[:3] != ["", "api", "stock"] or len(parts) != 4:
                return self.nothing()
            STATE.set(parts[3][:40], int(form["count"][0]))
        except (KeyError, ValueError):
            return self.json({"error": "count=NUMBER is missing"}, 400)
        self.json({parts[3][:40]: STATE.stock[parts[3][:40]], "changed_by": self.headers.get("X-Auth-User")})

    def front(self):
        if self.app == "reports":
            return self.page("Reports", "<p>Pallets moved this week: 412. Nobody but employees reads this.</p>")
        rows = "".join("<tr><td>%s<td>%d" % (html.escape(k), v) for k, v in STATE.stock.items())
        self.page("Inventory", "<p>Hello, <b>%s</b>.</p><nav><a href=/stock>stock</a><a href=/admin>settings</a>"
                  "<a href=/whoami>who am I</a></nav><table><tr><th>item<th>count%s</table>"
                  % (html.escape(self.headers.get("X-Auth-User") or "nobody"), rows))

    def icon(self):
        """A picture where a browser looks for one: SVG, whatever the name says."""
        self.answer(200, "image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
                    b'<rect width="16" height="16" rx="3" fill="#2b6cb0"/><path d="M4 12V8h2v4zm3 0V4h2v8zm3 0V6h2v6z" fill="#fff"/></svg>')

    def settings(self):
        self.page("Settings", "<p>Reorder below 10. A contractor has no business here, until a rule says so.</p>")

    def whoami(self):
        self.json({"user": self.headers.get("X-Auth-User"), "email": self.headers.get("X-Auth-Email"),
                   "groups": self.headers.get("X-Auth-Groups"), "headers": list(self.headers.items())})

    def events(self):
        """Server-sent events: the stock whenever it changes, and a sign of life in between."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection, version = True, -1
        while True:
            version, stock = STATE.wait(version, 5)
            self.wfile.write(b"data: %s\n\n" % json.dumps({"at": int(time.time()), **stock}).encode())

    def nothing(self):
        self.json({"error": "no such page"}, 404)

    def handle(self):
        try:
            super().handle()
        except (ConnectionResetError, BrokenPipeError):
            pass

    def log_message(self, *_):
        pass


def main():
    Dashboard.app = sys.argv[1]
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Dashboard)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
