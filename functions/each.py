"""One thing done to each of many, several under way together where it is a journey."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
V = TypeVar("V")


def each(act: Callable[[T], V], items: Iterable[T], at_once: int) -> Iterator[V]:
    """What becomes of each, in order; so many are under way together."""
    if at_once == 1:
        yield from map(act, items)
        return
    waiting: deque[Future[V]] = deque()
    with ThreadPoolExecutor(at_once) as pool:
        for one in items:
            waiting.append(pool.submit(act, one))
            if len(waiting) > at_once:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
