"""A server of JSON over HTTP on a loopback port, for the stand-ins of services that speak so."""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]
"""The status, and what is said as JSON."""
Method = Callable[[Mapping[str, str], Any], Answer]
"""Takes the query and the body."""
POLL = 0.02
"""Seconds in which a server notices that it is closed."""


class RestServer:
    """Serves from the moment it is made until it is closed.

    `methods` are by verb and path below the prefix, as in `POST createInstances`.
    """

    def __init__(self, prefix: str, methods: Mapping[str, Method]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(prefix, methods))
        self._server.daemon_threads = True
        self._loop = threading.Thread(target=self._server.serve_forever, args=(POLL,), daemon=True)
        self._loop.start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Nobody listens any more."""
        self._server.shutdown()
        self._server.server_close()
        self._loop.join()


def error(status: int, words: str) -> Answer:
    """As Google's services say no."""
    return status, {"error": {"code": status, "message": words}}


def _handler(prefix: str, methods: Mapping[str, Method]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def _serve(self, verb: str) -> None:
            asked = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            method = methods.get(f"{verb} {asked.path.removeprefix(prefix)}")
            if method is None or not asked.path.startswith(prefix):
                self._say(error(404, f"there is no {asked.path}"))
                return
            query = {name: values[0] for name, values in parse_qs(asked.query).items()}
            self._say(method(query, json.loads(body or b"{}")))

        def _say(self, answer: Answer) -> None:
            said = json.dumps(answer[1]).encode()
            self.send_response(answer[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    return Handler
