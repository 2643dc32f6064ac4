"""What the stand-ins have in common: one lock, one loop, refusals and answers that get lost."""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import grpc

from infra.emulators.container import ContainerTask
from infra.emulators.rpc import Method, Refused, RpcServer

LOOK_EVERY = 0.01

log = logging.getLogger("clipline.emulator")


class Emulator(ABC):
    """Serves and lives from the end of `begin` to `close`. Handlers and steps never overlap."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._refusals: list[tuple[grpc.StatusCode, str]] = []
        self._losses = 0
        self._is_closed = threading.Event()

    def begin(self, services: Mapping[str, Mapping[str, Method]]) -> None:
        """Serve these, and move on what runs."""
        self._server = RpcServer(services)
        self._loop = threading.Thread(target=self._live, name="emulator", daemon=True)
        self._loop.start()

    @property
    def address(self) -> str:
        """Where an insecure channel finds it."""
        return self._server.address

    def close(self) -> None:
        """Nothing of it is left running."""
        self._server.close()
        self._is_closed.set()
        self._loop.join()
        for task in self.everything():
            task.kill()

    def refuse(self, code: grpc.StatusCode, message: str) -> None:
        """The next launch is answered so, and nothing runs."""
        with self._lock:
            self._refusals.append((code, message))

    def lose(self) -> None:
        """The next launch is taken, and its launcher is told UNAVAILABLE."""
        with self._lock:
            self._losses += 1

    @abstractmethod
    def everything(self) -> Iterable[ContainerTask]:
        """All tasks there ever were."""

    @abstractmethod
    def step(self) -> list[Callable[[], None]]:
        """Move on what runs, under the lock; what is to be told of it afterwards, without."""

    def method(self, takes: Any, answers: Any, handler: Callable[[Any], Any]) -> Method:
        """A method whose handler holds the lock."""

        def alone(request: Any) -> Any:
            with self._lock:
                return handler(request)

        return Method(takes=takes, answers=answers, handler=alone)

    def refuse_if_told(self) -> None:
        """Raises Refused if the launch in hand is the one to refuse."""
        if self._refusals:
            raise Refused(*self._refusals.pop(0))

    def lose_if_told(self) -> None:
        """Raises Refused if the launch in hand, taken already, is the one that nobody hears of."""
        if self._losses:
            self._losses -= 1
            raise Refused(grpc.StatusCode.UNAVAILABLE, "Socket closed")

    def _live(self) -> None:
        while not self._is_closed.wait(LOOK_EVERY):
            with self._lock:
                news = self.step()
            for tell in news:
                try:
                    tell()
                except Exception:
                    log.exception("news was not told")
