"""What live renders wait beside a running replay, in virtual time.

Run as `python -m tests.bench_beside [--letters N] [--minutes M]`, or `make bench-beside`. A steady
stream of live clips, 20 a minute, comes to the lanes of `infra/simulator/burst.py` (3 GPUs, 60
launches a minute), in the simulator: the real functions and tasks, no fault, virtual time. Beside
it the real `apply` replays so many renders that failed before: not at all, at the pace that live
renders leave, and as fast as its rate allows, for which it is not told the lanes. All are of one
tenant, and what is replayed is older: without a pace it stands before whatever comes.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from time import process_time

import msgspec

from functions.core.plan import make_plan
from functions.core.render import Render, State
from functions.core.words import dead_letter
from functions.desk import Desk, Wanted
from functions.ports import Ports
from functions.settings import Laptop
from functions.wiring import laptop_desk
from infra.laptop.subscriptions import subscriptions
from infra.simulator.burst import FLEET, SECONDS
from infra.simulator.history import Recipe, live
from infra.simulator.scenario import Deed, Scenario
from infra.simulator.world import Doing, Process
from ops.replay_apply import Run
from ops.replay_file import read, write
from schemas import names
from schemas.events import Event
from schemas.failures import Failure, FailureClass
from schemas.ids import Upload, render_id
from schemas.ports import Publisher
from schemas.replay_plan import PlanHead
from schemas.spec import parse_spec
from schemas.topics import Topic
from tests.pipeline.desk import Place

FULL = Failure(
    failure=FailureClass.DEPENDENCY, reason="disk_full", message="The disk was full: it is not."
)
EVERY = 3.0
"""Seconds between two live clips."""
FIRST = 600.0
"""The first live clip, when the old failures stand."""
BEGINS = 900.0
"""The replay, when the stream is steady."""
RATE = 600.0
"""Renders a minute that the replay may ask for."""


class Arm(Enum):
    """What is beside the live stream."""

    ALONE = "no replay"
    PACED = "a replay at its pace"
    UNPACED = "a replay at its rate alone"


@dataclass(frozen=True, slots=True)
class Through:
    """An Outbox over a Publisher: one after another."""

    publisher: Publisher

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        for one in events:
            self.publisher.publish(topic, one)


@dataclass(slots=True)
class Replay:
    """An operator with so many dead letters, who applies a plan of them."""

    arm: Arm
    letters: int
    folder: Path
    ports: Ports | None = None
    began: datetime | None = None
    told: list[str] = field(default_factory=list)

    def __call__(self, process: Process, ports: Ports) -> None:
        """What is done in the simulator."""
        self.ports = ports
        if self.arm is Arm.ALONE:
            return
        place = Place(Laptop(home=self.folder))
        place.bus.declare(subscriptions())
        for number in range(self.letters):
            self._fail(f"shop/old-{number}.mp4", ports, place)
        desk = replace(laptop_desk(place.home), outbox=Through(ports.publisher))
        desk.collect(datetime.now(UTC))
        process.wait(BEGINS - process.world.time, Doing.RESTING)
        head = PlanHead(made_at=ports.clock())
        path, end = write(head, Wanted(), desk, ports, self.folder / "plan")
        assert end.replays == self.letters, end
        self.began = ports.clock()
        self._run(path, desk, process, ports).go()

    def _run(self, path: Path, desk: Desk, process: Process, ports: Ports) -> Run:
        return Run(
            plan=read(path),
            ports=ports if self.arm is Arm.PACED else replace(ports, lanes=()),
            desk=desk,
            by="ana",
            reason="the disk was full",
            canary=0,
            per_minute=RATE,
            tell=self.told.append,
            pause=lambda seconds: process.wait(seconds, Doing.RESTING),
            now=lambda: process.world.time,
        )

    def _fail(self, name: str, ports: Ports, place: Place) -> None:
        """A render that failed before, whose upload stands."""
        info = ports.uploads.write(name, msgspec.json.encode((SECONDS, True, False)))
        upload = Upload(bucket="uploads", name=name, generation=info.generation)
        media = ports.prober.probe(ports.uploads, name, generation=info.generation)
        folder, now = names.output_folder(upload), ports.clock()
        render = Render(
            id=render_id(upload),
            upload=upload,
            state=State.FAILED,
            created_at=now,
            updated_at=now,
            deadline=now + timedelta(hours=24),
            revisit_at=None,
            media=media,
            plan=make_plan(upload, media, parse_spec(None), folder=folder),
            failure=FULL,
            failures=1,
        )
        ports.renders.save(render, version=0)
        letter = dead_letter(render, FULL, now)
        ports.publisher.publish(Topic.RENDER_DEAD_LETTER, letter)
        place.bus.publish(Topic.RENDER_DEAD_LETTER, letter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What one arm came to."""

    arm: Arm
    waits: Sequence[float]
    """Seconds of each live clip from its request to its first task, in order of their length."""
    replayed: Sequence[Render]
    """What was replayed, and is done."""
    took: float
    """Seconds from the beginning of the apply until the last of these was done."""

    def wait(self, share: float) -> float:
        """That share of the clips waited no longer."""
        return self.waits[min(len(self.waits) - 1, int(share * len(self.waits)))]


def beside(arm: Arm, letters: int, minutes: float, folder: Path) -> Beside:
    """Live one arm through: so many minutes of live clips, counted from the replay's beginning."""
    last = BEGINS + 60 * minutes
    deeds = [
        Deed(at=at, verb="upload", name=f"shop/live-{at:.0f}.mp4", seconds=SECONDS)
        for at in (FIRST + EVERY * n for n in range(int((last - FIRST) / EVERY)))
    ]
    recipe = Recipe(seed="beside", scenario=Scenario(deeds=tuple(deeds)), odds={}, lanes=FLEET)
    replay = Replay(arm, letters, folder)
    outcome = live(recipe, beside=replay)
    assert outcome.violations == (), outcome.violations
    assert replay.ports is not None
    renders = replay.ports.renders.newest(limit=10**6)
    assert {one.state for one in renders} == {State.DONE}
    old = [one for one in renders if one.upload.name.startswith("shop/old-")]
    ends = [one.attempts[-1].ended_at or one.updated_at for one in old]
    took = (max(ends) - replay.began).total_seconds() if replay.began else 0.0
    return Beside(arm=arm, waits=sorted(_waits(renders)), replayed=old, took=took)


def _waits(renders: Sequence[Render]) -> Iterator[float]:
    """Of live clips that came after the replay's beginning, or after its moment without one."""
    for one in renders:
        second = one.upload.name.partition("live-")[2].partition(".")[0]
        if second and float(second) >= BEGINS:
            started = next(a.started_at for a in one.attempts if a.started_at)
            yield (started - one.created_at).total_seconds()


def report(found: Sequence[Beside]) -> Iterator[str]:
    """Line by line."""
    yield f"{'':28} {'clips':>6} {'p50':>8} {'p95':>8} {'longest':>8}  replayed"
    for one in found:
        waits = " ".join(f"{one.wait(share):6.1f} s" for share in (0.5, 0.95, 1.0))
        last = f"{len(one.replayed)} in {one.took / 60:.0f} min" if one.replayed else "-"
        yield f"{one.arm.value:28} {len(one.waits):6,} {waits}  {last}"


def main() -> None:
    """Live all arms through, and say what live clips waited for a start."""
    parser = argparse.ArgumentParser(prog="tests.bench_beside", description=__doc__)
    parser.add_argument("--letters", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=45, help="of live clips beside the replay")
    told, began = parser.parse_args(), process_time()
    found = []
    for arm in Arm:
        with tempfile.TemporaryDirectory() as folder:
            found.append(beside(arm, told.letters, told.minutes, Path(folder) / "home"))
        print(f"{arm.value}: {process_time() - began:.0f} CPU seconds", file=sys.stderr)
    print("\n".join(report(found)))


if __name__ == "__main__":
    main()
