"""Objects in a Cloud Storage bucket: the cloud's ObjectStore. Not run against Google Cloud.

Every write and delete carries `if_generation_match`, also where the caller asked for none: then it
is the generation that was just seen, and who was forestalled looks again. So every call may be
repeated, and one whose answer was lost does no harm. A repeated create that finds its own object
would look like a defeat; the object then bears the mark of this very write, and counts as written:

    write, mark 7f3a ──► done ──✗ the answer is lost
    write, mark 7f3a ──► 412: there is one ──► whose? mark 7f3a: ours

Checksums (CRC32C) go with every write, and the store refuses what does not fit; whole reads are
compared with the store's. A range has none. Parts are never composed: a composed object would need
its parts written, read and deleted, where a resumable upload needs one session.

Objects are read as they are stored: what was uploaded with `Content-Encoding: gzip` stays packed.
"""

import mimetypes
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar
from uuid import uuid4

import google_crc32c
import requests
from google.api_core import exceptions as api
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage import Blob, Client
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY

from functions.adapters.gcs_clock import GcsClock
from functions.adapters.gcs_window import window
from schemas.ports import (
    NameRefused,
    ObjectInfo,
    ObjectMissing,
    PreconditionFailed,
    StoreRefused,
    StoreUnavailable,
)

T = TypeVar("T")

SILENCE = timedelta(seconds=20)
"""The longest between two bytes of an answer, and for a connection."""
PATIENCE = timedelta(seconds=30)
"""The longest that one call is repeated; a claim not renewed for so long is lost anyway."""
CHUNK_BYTES = 8 << 20
"""Of a resumable upload, and what a larger file is: as much memory is needed, twice."""
MEDIA_TYPES = {
    "m3u8": "application/vnd.apple.mpegurl",
    "m4s": "video/iso.segment",
    "vtt": "text/vtt",
}
LONGEST_NAME = 1024
"""Bytes of UTF-8 (https://cloud.google.com/storage/docs/objects#naming)."""
MARK = "clipline-write"
"""The metadata key that tells a write that was repeated from another's; nobody else sees it."""

_FIELDS = "items(name,generation,size,updated,metadata),nextPageToken"
_TRIES = 20
"""How often a call without a precondition may be forestalled before it is handed back."""
_LATER = (
    *(api.TooManyRequests, api.ServerError, api.RetryError, DataCorruption, TransportError),
    *(requests.RequestException, ConnectionError, TimeoutError),
)


def connect(project: str | None = None) -> Client:
    """A client for all buckets of this process, for any number of threads; close it at the end.

    It speaks to the server in STORAGE_EMULATOR_HOST where that is set. Raises StoreRefused where
    there are no credentials.
    """
    try:
        return Client(project=project)
    except GoogleAuthError as error:
        raise StoreRefused(f"Cloud Storage: {error}") from error


class GcsObjects:
    """An ObjectStore for any number of threads and processes.

    Raises StoreUnavailable when no answer comes for `silence`, or when repeating a call for
    `patience` did not help, and StoreRefused at once. Cloud Storage takes about one write a second
    for one name; more of them are refused for a while, and repeated.
    """

    def __init__(
        self,
        client: Client,
        bucket: str,
        *,
        silence: timedelta = SILENCE,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._client = client
        self._bucket = client.bucket(bucket)
        retry = DEFAULT_RETRY.with_delay(initial=0.2, maximum=5)
        self._how: dict[str, Any] = {
            "timeout": silence.total_seconds(),
            "retry": retry.with_timeout(patience.total_seconds()),
        }
        self._clock = GcsClock(self._date)

    @property
    def bucket(self) -> str:
        """The bucket's name, as events say it."""
        name: str = self._bucket.name
        return name

    def now(self) -> datetime:
        """See `gcs_clock.py`."""
        return self._clock.now()

    def stat(self, name: str) -> ObjectInfo | None:
        """The live generation, or None."""
        blob = self._blob(name)
        return self._info(blob) if blob else None

    def list(
        self, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> Iterator[ObjectInfo]:
        """Objects in name order, a page of 1,000 a call, as each page is when it is asked for."""
        if limit == 0:
            return
        pages = self._client.list_blobs(
            self._bucket,
            prefix=prefix or None,
            start_offset=after or None,
            max_results=None if limit is None else limit + 1,
            fields=_FIELDS,
            **self._how,
        )
        with _asking(f"a list of {self.bucket}", missing=StoreRefused):
            for blob in islice((one for one in pages if one.name != after), limit):
                yield self._info(blob)

    def read(self, name: str) -> bytes:
        """A small object's bytes. Raises ObjectMissing."""
        file = BytesIO()
        self._fetch(name, lambda: file)
        return file.getvalue()

    def read_range(self, name: str, start: int, length: int, *, generation: int) -> bytes:
        """At most `length` bytes from `start`; fewer at the end. Raises ObjectMissing."""
        blob, wanted = self._bucket.blob(_known(name), generation=generation), max(length, 1)
        with _asking(f"{name} of generation {generation}"):
            try:
                data: bytes = blob.download_as_bytes(
                    start=start,
                    end=start + wanted - 1,
                    raw_download=True,
                    checksum=None,
                    **self._how,
                )
            except api.RequestRangeNotSatisfiable:
                return b""
        return data[: max(length, 0)]

    def write(
        self,
        name: str,
        data: bytes,
        *,
        if_generation_match: int | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Write a small object. Raises PreconditionFailed."""
        return self._put(name, BytesIO(data), len(data), if_generation_match, metadata or {})

    def upload(
        self,
        name: str,
        path: Path,
        *,
        if_generation_match: int | None = 0,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Write a file of any size, by default create-only. Raises PreconditionFailed.

        A file of more than 8 MiB goes in chunks, each repeated by itself when it fails.
        """
        with path.open("rb") as file:
            size = path.stat().st_size
            return self._put(name, file, size, if_generation_match, metadata or {})

    def download(self, name: str, path: Path) -> ObjectInfo:
        """Copy the live generation to a file. Raises ObjectMissing."""
        with path.open("wb") as file:
            return self._fetch(name, lambda: _emptied(file))

    def delete(self, name: str, *, if_generation_match: int | None = None) -> None:
        """Remove it; an absent object is no error. Raises PreconditionFailed."""

        def remove(generation: int) -> None:
            if generation == 0:
                return
            with _asking(name):
                self._bucket.blob(name).delete(if_generation_match=generation, **self._how)

        try:
            self._on_generation(_known(name), if_generation_match, remove)
        except ObjectMissing:
            return
        except PreconditionFailed:
            if self.stat(name) is not None:
                raise

    @contextmanager
    def readable(self, name: str, *, generation: int) -> Iterator[str]:
        """A URL on this machine, see `gcs_window.py`; ffmpeg needs the protocols http and tcp."""
        size = self._live(name, generation).size_bytes
        with window(lambda *span: self.read_range(name, *span, generation=generation), size) as url:
            yield url
        self._live(name, generation)

    def _blob(self, name: str) -> Blob | None:
        """With what the store says of it."""
        if _fault(name):
            return None  # what can never be written is not there
        with _asking(name):
            return self._bucket.get_blob(name, **self._how)

    def _live(self, name: str, generation: int) -> ObjectInfo:
        info = self.stat(name)
        if info is None or info.generation != generation:
            raise ObjectMissing(f"{name} has no generation {generation} any more")
        return info

    def _fetch(self, name: str, sink: Callable[[], IO[bytes]]) -> ObjectInfo:
        """Copy the live generation, and another one if it was replaced meanwhile."""
        for _ in range(_TRIES):
            blob = self._blob(name)
            if blob is None:
                break
            try:
                self._copy(blob, sink())
            except ObjectMissing:
                continue
            return self._info(blob)
        raise ObjectMissing(f"there is no {name} in {self.bucket}")

    def _copy(self, found: Blob, file: IO[bytes]) -> None:
        """The library does not check an answer that it had to ask for again in the middle."""
        checked = _Checked(file)
        with _asking(found.name):
            self._bucket.blob(found.name, generation=found.generation).download_to_file(
                checked, raw_download=True, checksum=None, **self._how
            )
        if checked.crc32c() != found.crc32c:
            raise StoreUnavailable(f"{found.name} arrived damaged")

    def _put(
        self, name: str, file: IO[bytes], size: int, expected: int | None, told: Mapping[str, str]
    ) -> ObjectInfo:
        fault, crc32c, mark = _fault(name), _crc32c_of(file), uuid4().hex
        if fault:
            raise NameRefused(f"{name[:200]!r} is no object name here: it {fault}")

        def send(generation: int) -> ObjectInfo:
            blob = self._bucket.blob(name, chunk_size=CHUNK_BYTES)
            blob.metadata = {**told, MARK: mark}
            is_large = size > CHUNK_BYTES
            with _asking(name, missing=StoreRefused):
                try:
                    blob.upload_from_file(
                        file,
                        rewind=True,
                        size=size,
                        content_type=_media_type(name),
                        if_generation_match=generation,
                        # In chunks the library would check by itself, and then delete the live
                        # object, whosever it is: the store checks instead.
                        checksum=None if is_large else "crc32c",
                        crc32c_checksum_value=crc32c if is_large else None,
                        **self._how,
                    )
                except api.PreconditionFailed:
                    live = self._blob(name)
                    if live is None or (live.metadata or {}).get(MARK) != mark:
                        raise
                    blob = live
            return self._info(blob)

        return self._on_generation(name, expected, send)

    def _on_generation(self, name: str, expected: int | None, act: Callable[[int], T]) -> T:
        """Act on that generation; if none is expected, on the live one, whichever it is by then."""
        if expected is not None:
            return act(expected)
        for _ in range(_TRIES):
            found = self.stat(name)
            try:
                return act(found.generation if found else 0)
            except PreconditionFailed:
                continue
        raise StoreUnavailable(f"{name} changes all the time")

    def _info(self, blob: Blob) -> ObjectInfo:
        self._clock.tell(blob.updated)
        metadata = {key: value for key, value in (blob.metadata or {}).items() if key != MARK}
        return ObjectInfo(
            name=blob.name,
            generation=blob.generation,
            size_bytes=blob.size,
            updated=blob.updated,
            metadata=metadata,
        )

    def _date(self) -> datetime:
        """Of an answer, whatever it is: the library does not show its headers."""
        with _asking("the time"):
            answer = requests.head(self._client.api_endpoint, timeout=self._how["timeout"])
            return parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)


class _Checked:
    """A file that is written through, and the CRC32C of what went by."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._sum = google_crc32c.Checksum()

    def write(self, data: bytes) -> int:
        self._sum.update(data)
        return self._file.write(data)

    def crc32c(self) -> str:
        return b64encode(self._sum.digest()).decode()


def _crc32c_of(file: IO[bytes]) -> str:
    checked = google_crc32c.Checksum()
    for _ in checked.consume(file, 1 << 20):
        pass
    return b64encode(checked.digest()).decode()


def _emptied(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    file.truncate()
    return file


def _media_type(name: str) -> str:
    """What browsers and players go by; a machine's own table may lack the newer ones."""
    _, _, extension = name.rpartition(".")
    known = MEDIA_TYPES.get(extension) or mimetypes.guess_type(name)[0]
    return known or "application/octet-stream"


def _fault(name: str) -> str | None:
    """What is wrong with a name. `.` and `..` would reach the bucket itself: DELETE …/o/.. ."""
    if name in ("", ".", ".."):
        return "is empty or a path"
    if "\r" in name or "\n" in name:
        return "has a line break in it"
    try:
        return f"is longer than {LONGEST_NAME} bytes" if len(name.encode()) > LONGEST_NAME else None
    except UnicodeEncodeError:
        return "is not Unicode text"


def _known(name: str) -> str:
    """The name of something that may be there. Raises ObjectMissing."""
    if fault := _fault(name):
        raise ObjectMissing(f"there is no {name[:200]!r}: it {fault}")
    return name


@contextmanager
def _asking(what: str, *, missing: type[Exception] = ObjectMissing) -> Iterator[None]:
    """Everything that the library raises, in the words of the port."""
    try:
        yield
    except api.NotFound as error:
        raise missing(f"{what}: {error.message}") from error
    except api.PreconditionFailed as error:
        raise PreconditionFailed(f"somebody else wrote {what} first") from error
    except _LATER as error:
        raise StoreUnavailable(f"{what}: {error}") from error
    except (api.GoogleAPICallError, GoogleAuthError) as error:
        raise StoreRefused(f"{what}: {error}") from error
