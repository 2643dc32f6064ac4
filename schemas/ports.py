"""What both halves need from the outside world: objects and a way to publish."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from schemas.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """One generation of an object; a generation number is never used twice for a name."""

    name: str
    generation: int
    size_bytes: int
    updated: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


class ObjectMissing(LookupError):
    """There is no such object, or not the generation that was asked for."""


class PreconditionFailed(Exception):
    """Somebody else wrote first: read again and decide again. Nothing was changed."""


class NameRefused(ValueError):
    """This store cannot keep an object of that name: choose another one."""


class StoreUnavailable(OSError):
    """The store did not answer in time, or cannot now: try again later.

    What was asked of it may have been done all the same.
    """


class StoreRefused(Exception):
    """The store does not let this process in, or its bucket is missing: a person must mend that."""


class NotPublished(OSError):
    """The bus did not confirm the event: publish it again, since repeats are ordinary.

    It may be stored all the same. The message says what the bus answered, never what was published.
    """


class ObjectStore(Protocol):
    """One bucket. Reads see every finished write; a write is seen whole or not at all.

    `if_generation_match` is Cloud Storage's precondition: 0 means "there must be none yet".

    Writing may raise NameRefused for a name that this store cannot keep; any call StoreUnavailable
    or StoreRefused, where there is a network between.
    """

    @property
    def bucket(self) -> str:
        """The bucket's name, as events say it."""

    def now(self) -> datetime:
        """The store's own clock: the only one that leases are judged by."""

    def stat(self, name: str) -> ObjectInfo | None:
        """The live generation, or None."""

    def list(
        self, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> Iterator[ObjectInfo]:
        """Objects whose names start with the prefix and sort after `after`, in name order."""

    def read(self, name: str) -> bytes:
        """A small object's bytes. Raises ObjectMissing."""

    def read_range(self, name: str, start: int, length: int, *, generation: int) -> bytes:
        """At most `length` bytes from `start`; fewer at the end. Raises ObjectMissing."""

    def write(
        self,
        name: str,
        data: bytes,
        *,
        if_generation_match: int | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Write a small object. Raises PreconditionFailed."""

    def upload(
        self,
        name: str,
        path: Path,
        *,
        if_generation_match: int | None = 0,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Write a file of any size, by default create-only. Raises PreconditionFailed."""

    def download(self, name: str, path: Path) -> ObjectInfo:
        """Copy the live generation to a file. Raises ObjectMissing."""

    def delete(self, name: str, *, if_generation_match: int | None = None) -> None:
        """Remove it; an absent object is no error. Raises PreconditionFailed."""

    def readable(self, name: str, *, generation: int) -> AbstractContextManager[str]:
        """An input that ffmpeg can open and seek in, valid inside the `with`.

        Raises ObjectMissing when that generation is gone, also at the end of the `with`: whatever
        was read meanwhile may then be of two generations and must be thrown away.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A decoded picture."""

    width: int
    height: int
    pixels: bytes
    """Rows from the top of red, green, blue and opacity, a byte each."""


class NotAnImage(ValueError):
    """The bytes are no image that may be used; the message says what they are instead."""


class Images(Protocol):
    """Decodes still images without trusting them."""

    def decode(self, data: bytes) -> Image:
        """A PNG, JPEG or WebP within the limits of `schemas/assets.py`. Raises NotAnImage."""


class Publisher(Protocol):
    """A way to tell everybody who subscribed."""

    def publish(self, topic: str, event: Event) -> None:
        """Returns once the message is stored: it will be delivered at least once.

        Raises NotPublished.
        """
