"""A gate before fake-gcs-server: what that server leaves out, and faults by order.

fake-gcs-server 1.54.0 was seen to keep `ifGenerationMatch` of a multipart upload and `generation`
of a read, and to leave out what is done here instead, as the documentation of Cloud Storage has it:

- `ifGenerationMatch` of DELETE, and of a resumable upload, at its start as well as at its end;
- the chunks of a resumable upload: status 308 with a `Range`, and the same answer to a chunk that
  comes again; its own sessions end by a question for their status;
- `crc32c` in the metadata: what does not fit is refused with 400.

Not imitated: permissions, quotas (one write a second for a name), soft delete, versions.
"""

import json
import re
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from threading import Lock, Thread
from urllib.parse import parse_qs, quote, urlsplit

import google_crc32c

BOUNDARY = "clipline-gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """As it came; `target` is the path with its query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def query(self) -> dict[str, str]:
        """The last value of each parameter."""
        return {key: values[-1] for key, values in parse_qs(urlsplit(self.target).query).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """As it goes; a `Content-Length` above the body's own cuts the answer short."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


Ask = Callable[[Request], Answer]
Fault = Callable[[Request, Ask], Answer | None]
"""Given the request and the way on, the answer; None hangs up without one."""


def unavailable(request: Request, ask: Ask) -> Answer:
    """Refused before anything was done."""
    return _error(503, "try again")


def answer_lost(request: Request, ask: Ask) -> None:
    """Done, but nobody hears of it."""
    ask(request)


def bent_on_the_way_in(request: Request, ask: Ask) -> Answer:
    """One bit of what is sent is another: the last of a chunk, or the one before a part's end."""
    at = len(request.body) - (1 if "upload_id" in request.query else 60)
    body = bytearray(request.body)
    body[at] ^= 1
    changed = Request(
        method=request.method, target=request.target, headers=request.headers, body=bytes(body)
    )
    return ask(changed)


def bent_on_the_way_out(request: Request, ask: Ask) -> Answer:
    """One bit of what is read is another."""
    answer = ask(request)
    body = bytes([answer.body[0] ^ 1]) + answer.body[1:]
    return Answer(status=answer.status, headers=answer.headers, body=body)


def cut_short(request: Request, ask: Ask) -> Answer:
    """Half of the body, under the length of the whole."""
    answer = ask(request)
    return Answer(
        status=answer.status, headers=answer.headers, body=answer.body[: len(answer.body) // 2]
    )


class Gate:
    """Passes requests on to the server behind it; thread-safe."""

    def __init__(self, behind: str, *, remembers: bool) -> None:
        self._behind = urlsplit(behind).netloc
        self._remembers = remembers
        self._lock = Lock()
        self._sessions: dict[str, _Session] = {}
        self._faults: deque[tuple[str, Fault]] = deque()
        self.requests: list[Request] = []
        self.url = ""

    def strike(self, pattern: str, *faults: Fault) -> None:
        """Those faults befall the next requests whose `METHOD target` has the pattern in it."""
        self._faults.extend((pattern, fault) for fault in faults)

    def seen(self, pattern: str) -> list[Request]:
        """Requests whose `METHOD target` has the pattern in it."""
        return [one for one in self.requests if _fits(pattern, one)]

    def forget(self) -> None:
        """Faults that did not strike, and requests."""
        self._faults.clear()
        self.requests.clear()

    def answer(self, request: Request) -> Answer | None:
        """What the server behind it, the gate itself or a fault says."""
        if self._remembers:
            self.requests.append(request)
        with self._lock:
            found = next((one for one in self._faults if _fits(one[0], request)), None)
            if found:
                self._faults.remove(found)
        return found[1](request, self._ask) if found else self._ask(request)

    def _ask(self, request: Request) -> Answer:
        if request.method in ("GET", "HEAD"):
            return self._pass(request)
        with self._lock:
            if request.method == "DELETE" and "/o/" in request.target:
                return self._delete(request)
            if "upload_id" in request.query:
                return self._chunk(request, self._sessions[request.query["upload_id"]])
            if request.query.get("uploadType") == "resumable":
                return self._begin(request)
            if request.query.get("uploadType") == "multipart":
                return self._multipart(request)
            return self._pass(request)

    def _delete(self, request: Request) -> Answer:
        path = urlsplit(request.target).path
        live = self._generation(path)
        wanted = request.query.get("ifGenerationMatch")
        if live and wanted not in (None, live):
            return _error(412, "conditionNotMet")
        return self._pass(request)

    def _begin(self, request: Request) -> Answer:
        session = _Session(
            metadata=json.loads(request.body), query=request.query, target=request.target
        )
        if (refusal := self._refusal(session)) is not None:
            return refusal
        key = f"session-{len(self._sessions)}"
        self._sessions[key] = session
        return Answer(
            status=200, headers={"Location": f"{self.url}{request.target}&upload_id={key}"}
        )

    def _chunk(self, request: Request, session: "_Session") -> Answer:
        asked = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", request.headers["content-range"])
        assert asked
        if session.answer is None and asked[1] is not None:
            # Bytes that are here already are passed over.
            session.data += request.body[len(session.data) - int(asked[1]) :]
        if session.answer is None and asked[2] == str(len(session.data)):
            session.answer = self._finish(session)
            session.data.clear()
        if session.answer is not None:
            return session.answer
        held = {"Range": f"bytes=0-{len(session.data) - 1}"} if session.data else {}
        return Answer(status=308, headers=held)

    def _finish(self, session: "_Session") -> Answer:
        if (refusal := self._refusal(session)) is not None:
            return refusal
        return self._store(session.target, session.metadata, bytes(session.data))

    def _refusal(self, session: "_Session") -> Answer | None:
        bucket = urlsplit(session.target).path.split("/")[-2]
        name = quote(session.metadata["name"], safe="")
        live = self._generation(f"/storage/v1/b/{bucket}/o/{name}") or "0"
        wanted = session.query.get("ifGenerationMatch")
        return _error(412, "conditionNotMet") if wanted not in (None, live) else None

    def _multipart(self, request: Request) -> Answer:
        boundary = request.headers["content-type"].partition("boundary=")[2].strip('"')
        _, told, content = request.body.split(f"--{boundary}".encode(), 2)
        metadata = json.loads(told.partition(b"\r\n\r\n")[2])
        data = content.partition(b"\r\n\r\n")[2].rpartition(f"\r\n--{boundary}--".encode())[0]
        return self._store(request.target, metadata, data)

    def _store(self, target: str, metadata: Mapping[str, object], data: bytes) -> Answer:
        told = metadata.get("crc32c")
        checksum = google_crc32c.Checksum(data).digest()
        if told not in (None, b64encode(checksum).decode()):
            return _error(400, "crc32c does not fit")
        body = b"".join(
            (
                f"--{BOUNDARY}\r\nContent-Type: application/json\r\n\r\n".encode(),
                json.dumps(metadata).encode(),
                f"\r\n--{BOUNDARY}\r\nContent-Type: application/octet-stream\r\n\r\n".encode(),
                data,
                f"\r\n--{BOUNDARY}--".encode(),
            )
        )
        return self._pass(
            Request(
                method="POST",
                target=target.replace("uploadType=resumable", "uploadType=multipart"),
                headers={"Content-Type": f"multipart/related; boundary={BOUNDARY}"},
                body=body,
            )
        )

    def _generation(self, path: str) -> str | None:
        answer = self._pass(Request(method="GET", target=path, headers={}, body=b""))
        return json.loads(answer.body)["generation"] if answer.status == 200 else None

    def _pass(self, request: Request) -> Answer:
        connection = HTTPConnection(self._behind, timeout=60)
        try:
            headers = {
                name: value
                for name, value in request.headers.items()
                if name.lower() in ("content-type", "range")
            }
            connection.request(request.method, request.target, request.body, headers)
            answer = connection.getresponse()
            return Answer(status=answer.status, headers=dict(answer.headers), body=answer.read())
        finally:
            connection.close()


@dataclass(slots=True, kw_only=True)
class _Session:
    metadata: Mapping[str, str]
    query: Mapping[str, str]
    target: str
    data: bytearray = field(default_factory=bytearray)
    answer: Answer | None = None


@contextmanager
def gate(behind: str, *, remembers: bool = False, host: str = "127.0.0.1") -> Iterator[Gate]:
    """A gate before that server, on a port of its own, which may remember all requests.

    `host` is the interface that it serves, for those who cannot reach this machine's loopback.
    """
    one = Gate(behind, remembers=remembers)

    class Handler(_Handler):
        gate = one

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    one.url = f"http://{host}:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    gate: Gate
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        length = int(self.headers["Content-Length"] or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(
            method=self.command, target=self.path, headers=headers, body=self.rfile.read(length)
        )
        answer = self.gate.answer(request)
        if answer is None:
            self._hang_up()
            return
        self.send_response_only(answer.status)
        told = {name: value for name, value in answer.headers.items() if name not in _HOP}
        length = int(answer.headers.get("Content-Length", len(answer.body)))
        for name, value in told.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
            if len(answer.body) < length:
                self._hang_up()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = _serve

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(SHUT_RDWR)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


_HOP = ("Content-Length", "Transfer-Encoding", "Connection")


def _fits(pattern: str, request: Request) -> bool:
    return re.search(pattern, f"{request.method} {request.target}") is not None


def _error(status: int, message: str) -> Answer:
    body = json.dumps({"error": {"code": status, "message": message}}).encode()
    return Answer(status=status, headers={"Content-Type": "application/json"}, body=body)
