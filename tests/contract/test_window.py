"""How much a window asks of its store for a reader that wants little: each byte is paid for."""

import socket
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

from functions.adapters.gcs_window import window

SIZE = 64 << 20
MOST = 2 << 20


QUIET = 0.25
"""Seconds without a further question: then it asks for nothing more by itself."""


def test_what_the_reader_does_not_take_is_hardly_asked_of_the_store() -> None:
    asked = SimpleQueue[int]()

    def read(start: int, length: int) -> bytes:
        asked.put(length)
        return bytes(length)

    with window(read, SIZE) as url:
        place = urlsplit(url)
        with socket.create_connection((place.hostname, place.port), timeout=10) as reader:
            reader.sendall(f"GET {place.path} HTTP/1.1\r\nRange: bytes=0-\r\n\r\n".encode())
            assert reader.recv(1 << 16).startswith(b"HTTP/1.")
            total = total_of(asked)
    assert 0 < total <= MOST


def total_of(asked: SimpleQueue[int]) -> int:
    """Of all that is asked for, until that is too much or nothing more is asked."""
    total = 0
    while total <= MOST:
        try:
            total += asked.get(timeout=QUIET)
        except Empty:
            break
    return total
