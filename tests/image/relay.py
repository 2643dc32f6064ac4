"""A port of another interface that leads to one of the loopback: for what only listens there."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

BLOCK_BYTES = 1 << 16


@contextmanager
def relay(host: str, target: str) -> Iterator[str]:
    """The `host:port` on which `target`, a `host:port` too, is reached."""
    there, _, port = target.rpartition(":")
    with socket.create_server((host, 0)) as server:
        thread = Thread(target=_accept, args=(server, (there, int(port))), daemon=True)
        thread.start()
        yield f"{host}:{server.getsockname()[1]}"
        # Wakes the thread, which a close alone would not.
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _accept(server: socket.socket, target: tuple[str, int]) -> None:
    with suppress(OSError):
        while True:
            near, _ = server.accept()
            Thread(target=_carry, args=(near, target), daemon=True).start()


def _carry(near: socket.socket, target: tuple[str, int]) -> None:
    """Both ways, until both are at their end."""
    with near, socket.create_connection(target) as far:
        back = Thread(target=_pass, args=(far, near), daemon=True)
        back.start()
        _pass(near, far)
        back.join()


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(BLOCK_BYTES):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
