"""The ports as processes see them: every call is a step, at which anything may happen."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from functions.core.admission import Gate
from functions.core.entries import Entry
from functions.core.quotas import Limit
from functions.core.render import Render, State
from functions.core.share import Head
from functions.ports import Conflict, Ledger, RenderStore, Stored
from functions.sought import ANY, Sought
from infra.simulator.faults import Fault, Unreachable
from infra.simulator.witness import Witness
from infra.simulator.world import World
from schemas.events import Event
from schemas.ports import NotPublished, ObjectInfo, ObjectStore, Publisher

_STITCHER_DIES = ((Fault.STITCHER_DIED_BEFORE, 1.0), (Fault.STITCHER_DIED_AFTER, 1.0))


@dataclass(frozen=True, slots=True)
class SteppedObjects:
    """An ObjectStore over another one."""

    world: World
    store: ObjectStore
    witness: Witness

    @property
    def bucket(self) -> str:
        """The other's."""
        return self.store.bucket

    def now(self) -> datetime:
        """The true time."""
        return self.store.now()

    def stat(self, name: str) -> ObjectInfo | None:
        """A step."""
        return self.world.call(lambda: self.store.stat(name))

    def list(
        self, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> Iterator[ObjectInfo]:
        """A step, at its beginning."""
        return self.world.call(lambda: self.store.list(prefix, after=after, limit=limit))

    def read(self, name: str) -> bytes:
        """A step."""
        return self.world.call(lambda: self.store.read(name))

    def read_range(self, name: str, start: int, length: int, *, generation: int) -> bytes:
        """A step."""
        return self.world.call(
            lambda: self.store.read_range(name, start, length, generation=generation)
        )

    def write(
        self,
        name: str,
        data: bytes,
        *,
        if_generation_match: int | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """A step."""

        def act() -> ObjectInfo:
            info = self.store.write(
                name, data, if_generation_match=if_generation_match, metadata=metadata
            )
            self.witness.written(self.bucket, info)
            return info

        return self.world.call(act)

    def upload(
        self,
        name: str,
        path: Path,
        *,
        if_generation_match: int | None = 0,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """A step."""

        def act() -> ObjectInfo:
            info = self.store.upload(
                name, path, if_generation_match=if_generation_match, metadata=metadata
            )
            self.witness.written(self.bucket, info)
            return info

        return self.world.call(act, _STITCHER_DIES if self.bucket == "outputs" else ())

    def download(self, name: str, path: Path) -> ObjectInfo:
        """A step."""
        return self.world.call(lambda: self.store.download(name, path))

    def delete(self, name: str, *, if_generation_match: int | None = None) -> None:
        """A step."""

        def act() -> None:
            self.store.delete(name, if_generation_match=if_generation_match)
            self.witness.deleted(self.bucket, name)

        self.world.call(act)

    @contextmanager
    def readable(self, name: str, *, generation: int) -> Iterator[str]:
        """Not a step: what is made of it takes far longer."""
        with self.store.readable(name, generation=generation) as url:
            yield url


@dataclass(frozen=True, slots=True)
class SteppedRenders:
    """A RenderStore over another one."""

    world: World
    store: RenderStore
    witness: Witness

    def load(self, render: str) -> Stored | None:
        """A step. From here on whoever asks is at work for that render."""
        if self.world.current:
            self.world.current.render = lambda: render
        return self.world.call(lambda: self.store.load(render))

    def load_all(self, renders: Sequence[str]) -> Sequence[Stored | None]:
        """For people; no step."""
        return self.store.load_all(renders)

    def versions(self, renders: Sequence[str]) -> Mapping[str, int]:
        """For people; no step."""
        return self.store.versions(renders)

    def save(
        self,
        render: Render,
        *,
        version: int,
        room: int | None = None,
        shared: Sequence[Limit] = (),
    ) -> None:
        """A step; now and then somebody else seems to have been faster."""
        process = self.world.current
        if process and self.world.fate.strikes(
            process.name, process.draw, Fault.STORE_CONFLICT, process.render
        ):
            raise Conflict(f"{render.id} was saved by somebody else")

        def act() -> None:
            before = self.store.load(render.id)
            self.store.save(render, version=version, room=room, shared=shared)
            self.witness.saved(before.render if before else None, render)

        self.world.call(act)

    def due(self, before: datetime, *, limit: int) -> Sequence[str]:
        """A step."""
        return self.world.call(lambda: self.store.due(before, limit=limit))

    def lines(self, *, limit: int) -> Sequence[Head]:
        """A step."""
        return self.world.call(lambda: self.store.lines(limit=limit))

    def waiting(self, line: str, *, limit: int) -> Sequence[Head]:
        """A step."""
        return self.world.call(lambda: self.store.waiting(line, limit=limit))

    def count(self, state: State) -> int:
        """For people; no step."""
        return self.store.count(state)

    def running(self, lane: str) -> int:
        """No step: one query with `of_upload`, which is one."""
        return self.store.running(lane)

    def of_upload(self, bucket: str, name: str) -> Sequence[Render]:
        """A step."""
        return self.world.call(lambda: self.store.of_upload(bucket, name))

    def newest_of(self, bucket: str, names: Sequence[str]) -> Mapping[str, str]:
        """For people; no step."""
        return self.store.newest_of(bucket, names)

    def folder_holder(self, folder: str) -> str | None:
        """No step: as `running`."""
        return self.store.folder_holder(folder)

    def newest(self, *, limit: int, sought: Sought = ANY) -> Sequence[Render]:
        """For people; no step."""
        return self.store.newest(limit=limit, sought=sought)


@dataclass(frozen=True, slots=True)
class SteppedLedger:
    """A Ledger over another one."""

    world: World
    store: Ledger
    witness: Witness

    def append(self, entries: Sequence[Entry]) -> None:
        """A step."""

        def act() -> None:
            self.store.append(entries)
            self.witness.noted(entries)

        self.world.call(act)

    def recent(self, lanes: Sequence[str], since: datetime, *, limit: int) -> Sequence[Entry]:
        """A step."""
        return self.world.call(lambda: self.store.recent(lanes, since, limit=limit))

    def spent(self, since: datetime) -> int:
        """A step."""
        return self.world.call(lambda: self.store.spent(since))

    def admit(self, launch: Entry, gate: Gate) -> bool:
        """A step."""

        def act() -> bool:
            passes = self.store.admit(launch, gate)
            if passes:
                self.witness.ledger.admitted(launch)
            return passes

        return self.world.call(act)


@dataclass(frozen=True, slots=True)
class SteppedPublisher:
    """A Publisher over another one."""

    world: World
    publisher: Publisher
    witness: Witness

    def publish(self, topic: str, event: Event) -> None:
        """A step."""

        def act() -> None:
            self.publisher.publish(topic, event)
            self.witness.published(topic, event)

        try:
            self.world.call(act)
        except Unreachable as error:
            raise NotPublished(str(error)) from error
