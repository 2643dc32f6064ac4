"""A gate before the Firestore emulator: passes calls on, tells of them, and fails by order."""

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from google.cloud.firestore_v1.types import StructuredQuery

DESCENDING = 2
"""Firestore's number of it (`StructuredQuery.Direction`)."""
STREAMED = ("BatchGetDocuments", "RunQuery", "RunAggregationQuery")
"""Calls that are answered by several messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`method` is the last part of the gRPC method, such as `Commit`."""

    method: str
    request: bytes = field(repr=False)


Ask = Callable[[Call], Sequence[bytes]]
Fault = Callable[[Call, Ask], Sequence[bytes]]
"""Given the call and the way on, the answer; raises Refusal."""


class Refusal(Exception):
    """The answer is this status."""

    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code.name)
        self.code = code


def unavailable(call: Call, ask: Ask) -> Sequence[bytes]:
    """Refused before anything was done."""
    raise Refusal(grpc.StatusCode.UNAVAILABLE)


def answer_lost(call: Call, ask: Ask) -> Sequence[bytes]:
    """Done, but nobody hears of it."""
    ask(call)
    raise Refusal(grpc.StatusCode.UNAVAILABLE)


def denied(call: Call, ask: Ask) -> Sequence[bytes]:
    """The caller may not do that."""
    raise Refusal(grpc.StatusCode.PERMISSION_DENIED)


class Gate(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc ships no types
    """Passes calls on to the emulator behind it; thread-safe."""

    def __init__(self, behind: grpc.Channel) -> None:
        self._behind = behind
        self._lock = Lock()
        self._faults: deque[tuple[str, Fault]] = deque()
        self.calls: list[Call] = []
        self.host = ""

    def strike(self, pattern: str, *faults: Fault) -> None:
        """Those faults befall the next calls whose method has the pattern in it."""
        self._faults.extend((pattern, fault) for fault in faults)

    def seen(self, pattern: str) -> list[Call]:
        """Calls whose method has the pattern in it."""
        return [one for one in self.calls if re.search(pattern, one.method)]

    def forget(self) -> None:
        """Faults that did not strike, and calls."""
        self._faults.clear()
        self.calls.clear()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """See grpc.GenericRpcHandler."""
        path, metadata = details.method, details.invocation_metadata
        told = [pair for pair in metadata if pair[0].startswith(("google-", "x-goog-", "auth"))]

        def answer(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            try:
                yield from self._answer(path, told, request)
            except Refusal as refusal:
                context.abort(refusal.code, "by order")
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())

        if path.rpartition("/")[2] in STREAMED:
            return grpc.unary_stream_rpc_method_handler(answer)
        return grpc.unary_unary_rpc_method_handler(lambda *given: next(answer(*given)))

    def _answer(self, path: str, metadata: object, request: bytes) -> Sequence[bytes]:
        call = Call(method=path.rpartition("/")[2], request=request)
        self.calls.append(call)
        with self._lock:
            found = next((one for one in self._faults if re.search(one[0], call.method)), None)
            if found:
                self._faults.remove(found)

        def ask(call: Call) -> Sequence[bytes]:
            if call.method in STREAMED:
                return list(self._behind.unary_stream(path)(call.request, metadata=metadata))
            return [self._behind.unary_unary(path)(call.request, metadata=metadata)]

        return found[1](call, ask) if found else ask(call)


@contextmanager
def gate(behind: str) -> Iterator[Gate]:
    """A gate before that emulator, on a port of its own."""
    with grpc.insecure_channel(behind) as channel, ThreadPoolExecutor(40) as threads:
        one, server = Gate(channel), grpc.server(threads)
        server.add_generic_rpc_handlers((one,))
        one.host = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        yield one
        server.stop(None).wait()


def fields(query: "StructuredQuery") -> tuple[str, ...]:
    """What it filters by, and then what it sorts by, each once."""
    composite = query.where.composite_filter.filters
    filters = [one.field_filter for one in composite] or [query.where.field_filter]
    filtered = [one.field.field_path for one in filters if one.field.field_path]
    down = [one.field.field_path for one in query.order_by if one.direction == DESCENDING]
    asked = dict.fromkeys([*filtered, *(one.field.field_path for one in query.order_by)])
    return tuple(f"-{name}" if name in down else name for name in asked)
