"""A gRPC server on a loopback port, over the client libraries' own message types."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
from google.longrunning.operations_pb2 import GetOperationRequest, Operation

THREADS = 8


class Refused(Exception):
    """What a handler raises to answer with that status instead."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One unary method: what it takes, what it answers, and who does the work."""

    takes: Any
    answers: Any
    handler: Callable[[Any], Any]


class RpcServer:
    """Serves from the moment it is made, on a free port of 127.0.0.1, until it is closed."""

    def __init__(self, services: Mapping[str, Mapping[str, Method]]) -> None:
        """`services` by full name, such as `google.cloud.run.v2.Jobs`, then by method."""
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="rpc")
        self._server = grpc.server(self._pool)
        for name, methods in services.items():
            handlers = {word: _unary(method) for word, method in methods.items()}
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(name, handlers),)
            )
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def close(self) -> None:
        """Cut off whoever is still connected."""
        self._server.stop(None).wait()
        self._pool.shutdown()


class Operations:
    """Long-running operations that are done when they are told of; for one lock's holder only."""

    def __init__(self) -> None:
        self._known: dict[str, Operation] = {}

    def done(self, parent: str, metadata: Any, response: Any) -> Operation:
        """An operation with that result, kept so that it can be asked for again."""
        return self._keep(parent, metadata, response)

    def going_on(self, parent: str, metadata: Any) -> Operation:
        """An operation that is not done; nobody here waits for one."""
        return self._keep(parent, metadata, None)

    def get(self, request: GetOperationRequest) -> Operation:
        """Raises Refused (NOT_FOUND)."""
        if request.name not in self._known:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"Operation '{request.name}' not found.")
        return self._known[request.name]

    def _keep(self, parent: str, metadata: Any, response: Any) -> Operation:
        operation = Operation(name=f"{parent}/operations/{len(self._known) + 1:08}")
        operation.metadata.Pack(_raw(metadata))
        if response is not None:
            operation.done = True
            operation.response.Pack(_raw(response))
        self._known[operation.name] = operation
        return operation


def _raw(message: Any) -> Any:
    """The protobuf below a proto-plus message; anything else is one already."""
    pb = getattr(type(message), "pb", None)
    return pb(message) if pb else message


def _unary(method: Method) -> Any:
    def answer(request: Any, context: Any) -> Any:
        try:
            return method.handler(request)
        except Refused as refused:
            context.abort(refused.code, str(refused))

    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=getattr(method.takes, "deserialize", None) or method.takes.FromString,
        response_serializer=getattr(method.answers, "serialize", None)
        or method.answers.SerializeToString,
    )
