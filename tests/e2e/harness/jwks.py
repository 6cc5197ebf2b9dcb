"""A JWKS endpoint whose answer a test may change, delay or take away."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class JwksServer:
    def __init__(self, jwks, tls=None):
        self.jwks, self.status, self.delay, self.headers = jwks, 200, 0.0, {}
        self.body, self.fetches, self.tls = None, 0, tls
        self.port, self.server = 0, None
        self.start()

    @property
    def url(self):
        return "%s://127.0.0.1:%d/jwks.json" % ("https" if self.tls else "http", self.port)

    def answer(self, path):
        return self.body if self.body is not None else json.dumps(self.jwks).encode()

    def respond(self, handler):
        """(status, body) for a request."""
        return self.status, self.answer(handler.path)

    def start(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.fetches += 1
                time.sleep(outer.delay)
                status, body = outer.respond(self)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        if self.tls:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        """Nobody listens any more; start() comes back on the same port."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
