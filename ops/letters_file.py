"""Dead letters on file: written as they are found, and taken in only if the whole file is good."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from functions.desk import DeadLetters
from functions.landed import own_id
from schemas.dead_letters import DeadLetterRecord
from schemas.letters_file import LettersEnd, LettersHead, LettersLine, LettersTaken
from schemas.wire import Unreadable, from_json, to_json

LONGEST_LINE_BYTES = 1 << 25
"""A message is at most 10 MB (https://cloud.google.com/pubsub/quotas), and base64 is 4/3 of it."""
VERSION = 1
"""Of files and records, the newest that is known here."""
BATCH = 200
"""Records that are kept in one go."""


class FileRefused(Exception):
    """The message names the line and says why, and what was taken in: nothing, mostly."""


def write(head: LettersHead, records: Iterable[DeadLetterRecord], path: Path) -> LettersEnd:
    """The file's last line. It has its name once it is whole, and replaces another."""
    draft = path.parent / f".{path.name}-{os.getpid()}.part"
    try:
        with draft.open("wb") as file:
            end = write_to(file, head, records)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return end


def write_to(file: BinaryIO, head: LettersHead, records: Iterable[DeadLetterRecord]) -> LettersEnd:
    """The same to an open file, a pipe for example."""
    file.write(to_json(head) + b"\n")
    seen, count = sha256(), 0
    for record in records:
        line = to_json(record) + b"\n"
        seen.update(line)
        count += 1
        file.write(line)
    end = LettersEnd(records=count, digest=seen.hexdigest())
    file.write(to_json(end) + b"\n")
    return end


def take_in(path: Path, letters: DeadLetters) -> LettersTaken:
    """Read it twice: to see that it is whole and good, and then to keep what is new.

    Raises FileRefused, before anything was kept unless the file was changed meanwhile.
    """
    with path.open("rb") as file:
        whole = Reading(file, path)
        try:
            for _ in whole.records():
                continue
        except FileRefused as refused:
            raise FileRefused(f"{refused}. Nothing of it was taken in") from None
        file.seek(0)
        new, records = 0, Reading(file, path).records()
        try:
            while batch := list(islice(records, BATCH)):
                new += letters.keep(batch)
        except FileRefused as refused:
            raise FileRefused(f"{refused}. It was changed while {new} were taken in") from None
    return LettersTaken(records=whole.end.records, new=new, digest=whole.end.digest)


@dataclass(slots=True)
class Reading:
    """One way through a file, of which a line is in memory at a time."""

    file: BinaryIO
    path: Path
    _number: int = 0
    _end: LettersEnd | None = None

    @property
    def end(self) -> LettersEnd:
        """Its last line, once all records were read."""
        assert self._end is not None, "asked for once all is read"
        return self._end

    def records(self) -> Iterator[DeadLetterRecord]:
        """Every record. Raises FileRefused at the first line that is wrong, the end included."""
        seen, count = sha256(), 0
        self._head()
        while True:
            line = self._line()
            if b'"kind":"end"' in line[-200:] and (end := self._as_end(line)) is not None:
                break
            record = self._record(line)
            seen.update(line)
            count += 1
            yield record
        if (end.records, end.digest) != (count, seen.hexdigest()):
            raise self._refused("what stands above is not what was written: the digest is another")
        if self.file.read(1):
            raise self._refused("the file goes on after its end")
        self._end = end

    def _head(self) -> None:
        with self._naming("no head of a file of dead letters"):
            head = from_json(self._line(), LettersLine)
        if not isinstance(head, LettersHead):
            raise self._refused("no head of a file of dead letters")
        if head.version > VERSION:
            raise self._refused("it was written by a newer version of Clipline")

    def _line(self) -> bytes:
        self._number += 1
        line = self.file.readline(LONGEST_LINE_BYTES + 1)
        if len(line) > LONGEST_LINE_BYTES:
            raise self._refused(f"it is longer than {LONGEST_LINE_BYTES} bytes")
        if not line.endswith(b"\n"):
            raise self._refused("the file ends here, and is not whole")
        return line

    def _as_end(self, line: bytes) -> LettersEnd | None:
        """None where it only looks like one, as a record's own words may."""
        try:
            end = from_json(line, LettersLine)
        except Unreadable:
            return None
        return end if isinstance(end, LettersEnd) else None

    def _record(self, line: bytes) -> DeadLetterRecord:
        with self._naming("no dead letter"):
            record = from_json(line, DeadLetterRecord)
        if record.version > VERSION:
            raise self._refused("it was written by a newer version of Clipline")
        if record.id != own_id(record):
            raise self._refused("its id is not that of what it holds")
        return record

    @contextmanager
    def _naming(self, what: str) -> Iterator[None]:
        try:
            yield
        except Unreadable as error:
            raise self._refused(f"{what} ({str(error)[:200]})") from error

    def _refused(self, why: str) -> FileRefused:
        return FileRefused(f"'{self.path}', line {self._number}: {why}")
