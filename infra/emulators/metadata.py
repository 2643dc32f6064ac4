"""A stand-in of Compute Engine's metadata server, as far as a Spot machine is told of its end.

Serves `instance/preempted` on a loopback port. As the service does, it asks for `Metadata-Flavor:
Google`, answers at once with the value and its ETag, and with `wait_for_change=true` only when the
value is not the one of `last_etag` any more, or after `timeout_sec`
(https://cloud.google.com/compute/docs/metadata/querying-metadata#waitforchange).
"""

import threading
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from infra.emulators.rest import POLL

PATH = "/computeMetadata/v1/instance/preempted"
LONGEST = timedelta(minutes=5)
"""What a question without a limit of its own waits here; the service's may wait for ever."""


class MetadataEmulator:
    """Serves from the moment it is made until it is closed."""

    def __init__(self, port: int = 0) -> None:
        self._changed = threading.Condition()
        self._preempted = False
        self._is_closed = False
        self.questions = 0
        """Asked so far."""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._loop = threading.Thread(target=self._server.serve_forever, args=(POLL,), daemon=True)
        self._loop.start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    def preempt(self) -> None:
        """The machine is being taken away."""
        with self._changed:
            self._preempted = True
            self._changed.notify_all()

    def close(self) -> None:
        """Whoever still waits is answered."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._loop.join()

    def _answer(self, query: dict[str, list[str]]) -> tuple[str, str]:
        """The value and its tag, when they are to be told."""
        with self._changed:
            self.questions += 1
            if query.get("wait_for_change") == ["true"]:
                seconds = float(query.get("timeout_sec", [str(LONGEST.total_seconds())])[0])
                known = query.get("last_etag", [self._tag])[0]
                self._changed.wait_for(lambda: self._is_closed or self._tag != known, seconds)
            return ("TRUE" if self._preempted else "FALSE"), self._tag

    @property
    def _tag(self) -> str:
        return "2b" if self._preempted else "1a"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        emulator = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                if self.headers.get("Metadata-Flavor") != "Google":
                    self.send_error(403)
                elif asked.path != PATH:
                    self.send_error(404)
                else:
                    value, tag = emulator._answer(parse_qs(asked.query))
                    self.send_response(200)
                    self.send_header("Metadata-Flavor", "Google")
                    self.send_header("ETag", tag)
                    self.send_header("Content-Length", str(len(value)))
                    self.end_headers()
                    with suppress(BrokenPipeError):  # whoever asked has not waited for it
                        self.wfile.write(value.encode())

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        return Handler
