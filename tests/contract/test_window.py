"""How much a window asks of its store for a reader that wants little: each byte is paid for."""

import socket
import time
from itertools import count
from urllib.parse import urlsplit

from functions.adapters.gcs_window import window

SIZE = 64 << 20
MOST = 2 << 20


def test_what_the_reader_does_not_take_is_hardly_asked_of_the_store() -> None:
    asked: list[int] = []

    def read(start: int, length: int) -> bytes:
        asked.append(length)
        return bytes(length)

    with window(read, SIZE) as url:
        place = urlsplit(url)
        with socket.create_connection((place.hostname, place.port), timeout=10) as reader:
            reader.sendall(f"GET {place.path} HTTP/1.1\r\nRange: bytes=0-\r\n\r\n".encode())
            assert reader.recv(1 << 16).startswith(b"HTTP/1.")
            settled(asked)
    assert 0 < sum(asked) <= MOST


def settled(asked: list[int]) -> None:
    """Until nothing more was asked for a quarter of a second."""
    deadline = time.monotonic() + 10
    for _ in count():
        before = len(asked)
        quiet = time.monotonic() + 0.25
        while len(asked) == before and time.monotonic() < quiet:
            time.sleep(0.01)
        if len(asked) == before or time.monotonic() > deadline:
            return
