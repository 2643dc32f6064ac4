"""A window onto one generation of an object: ffmpeg reads it by HTTP from this very process.

    ffmpeg ── Range: bytes=N- ──► 127.0.0.1 ── read(N, step) ──► the store, with our credentials
           ◄── as much as it reads before it hangs up ──

ffmpeg needs no credentials and no signed URL, so there is nothing to find in a log, in the list of
processes or in an upload's error message; the address ends with the `with`. Nothing is kept: not on
the disk, which is memory on Cloud Run, and no more than one step in the memory.
"""

import re
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

FIRST_STEP = 32 << 10
LARGEST_STEP = 2 << 20
"""Steps double from the first to this: a seek costs little, a long read few calls. What ffmpeg does
not want any more when it hangs up was read in vain: up to the last step, for each chunk."""
IN_FLIGHT = 32 << 10
"""Bytes on their way to ffmpeg. The system would let megabytes wait there, and each was read from
the store whether ffmpeg wants it or not."""

Read = Callable[[int, int], bytes]


@contextmanager
def window(read: Read, size: int) -> Iterator[str]:
    """The URL under which ffmpeg can read and seek in `size` bytes, given `read(start, length)`.

    What `read` raised is raised again at the end of the `with`, instead of whatever the truncated
    answer led to: a store that fails must not look like a damaged upload.
    """
    server = _Server(read, size)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{server.path}"
    except Exception as error:
        if server.failure:
            raise server.failure from error
        raise
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    if server.failure:
        raise server.failure


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, read: Read, size: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.read = read
        self.size = size
        self.path = f"/{secrets.token_urlsafe(16)}"
        """Only whom we tell it can read here, not every process of the machine."""
        self.failure: Exception | None = None

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader that hangs up in the middle is how ffmpeg seeks."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def setup(self) -> None:
        """Before the first answer: what is sent is at most so far ahead of what is read."""
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, IN_FLIGHT)
        super().setup()

    def do_HEAD(self) -> None:
        self._head()

    def do_GET(self) -> None:
        if span := self._head():
            with suppress(ConnectionError):
                self._send(*span)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: what is read is no news."""

    def _head(self) -> tuple[int, int] | None:
        """Answer with the headers; the bytes that are asked for, None if there are none."""
        size = self.server.size
        if self.path != self.server.path:
            self.send_error(404)
            return None
        told = self.headers["Range"] or ""
        asked = re.fullmatch(r"bytes=(\d{1,19})-(\d{0,19})", told)
        start = int(asked[1]) if asked else 0
        end = min(int(asked[2]) + 1, size) if asked and asked[2] else size
        if asked and start >= size:
            self.send_error(416)
            return None
        self.send_response(206 if asked else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.end_headers()
        return start, end

    def _send(self, start: int, end: int) -> None:
        step = FIRST_STEP
        while start < end:
            try:
                data = self.server.read(start, min(step, end - start))
            except Exception as error:
                self.server.failure = error
                return
            if not data:
                return
            self.wfile.write(data)
            start, step = start + len(data), min(2 * step, LARGEST_STEP)
