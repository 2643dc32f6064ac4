"""Our workloads of `make bench-transitions`: `python -m tests.transitions.ours NAME FOLDER COUNT`.

Each prepares its files in the folder, untimed, then works in one thread of one process through
the real adapters, and prints what it did as JSON. A transition is one save of a render that a
compare-and-set let through: the sum of the stored versions says how many there were.

    handled   handle(progress) on 100 running renders, the clock 2 s on for each
    bussed    the same, each event taken from the SQLite bus, decoded, handled and acknowledged
    lives     whole renders, from requested to done, with every effect performed
    plain     no Clipline: the peers' task in a loop, which is SQLite's own limit here
    served    nothing: it serves the functions until its input ends, and prints the port
    echoed    the same for two functions that do nothing
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from functions.adapters.sqlite_bus import SqliteBus
from functions.handle import handle
from functions.ports import Ports
from functions.settings import Laptop
from functions.wiring import laptop_ports
from infra.laptop.server import Server
from schemas.events import (
    AttemptStarted,
    CancelRender,
    ChunkCommitted,
    RenderProgress,
    RenderRequested,
    SpecSource,
    StitchStarted,
)
from schemas.ids import Upload, render_id
from schemas.subscriptions import Subscription
from schemas.topics import Topic
from schemas.wire import event_of
from tests.lanes import laptop_lane
from tests.peers.rows import Rows
from tests.unit.makers import media, verified

RENDERS = 100
BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
STEP = timedelta(seconds=2)
"""Longer than `progress_every`, so that every progress event is a transition."""
LIFE = 12
"""Transitions from requested to done, with five chunks."""
ECHO = Path(__file__).parent / "echo.py"


@dataclass(slots=True)
class Clock:
    """A clock that goes on by STEP each time it is asked."""

    now: datetime = BEGIN

    def __call__(self) -> datetime:
        self.now += STEP
        return self.now


def main(name: str, folder: Path, count: int) -> None:
    """Do the workload, or serve."""
    if name in SERVERS:
        SERVERS[name](folder)
        return
    work, counted = WORKLOADS[name](folder, count)
    before = counted()
    began, cpu = time.perf_counter(), time.process_time()
    work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(json.dumps({"count": counted() - before, "seconds": seconds, "cpu": cpu}))


Workload = tuple[Callable[[], None], Callable[[], int]]


def handled(folder: Path, count: int) -> Workload:
    """Progress, handled."""
    ports = _ports(folder)
    renders = _running(ports)
    events = [_progress(renders[n % RENDERS], n) for n in range(count)]

    def work() -> None:
        for event in events:
            handle(event, ports)

    return work, lambda: _versions(ports)


def bussed(folder: Path, count: int) -> Workload:
    """Progress from the bus."""
    ports = _ports(folder)
    bus = SqliteBus(folder / "in.db", source="//clipline/bench")
    bus.declare([Subscription(name="on-result", topic=Topic.RENDER_RESULTS, push=True)])
    renders = _running(ports)
    for number in range(count):
        bus.publish(Topic.RENDER_RESULTS, _progress(renders[number % RENDERS], number))

    def work() -> None:
        while due := bus.lease(6, datetime.now(UTC)):
            for one in due:
                attributes = {key[3:]: value for key, value in one.attributes.items()}
                event = event_of(attributes, one.data)
                assert isinstance(event, RenderProgress)
                handle(event, ports)
                bus.ack(one.ack_id)

    return work, lambda: _versions(ports)


def lives(folder: Path, count: int) -> Workload:
    """Whole renders, one after the other; about `count` transitions."""
    ports = _ports(folder)

    def work() -> None:
        for number in range(count // LIFE):
            _live(ports, number)

    return work, lambda: _versions(ports)


def plain(folder: Path, count: int) -> Workload:
    """Version-checked UPDATEs."""
    folder.mkdir(exist_ok=True)
    rows = Rows(folder / "rows.db")
    rows.fill(count)

    def work() -> None:
        for id in range(count):
            rows.update(id, 0)

    return work, rows.done


def served(folder: Path) -> None:
    """The real entry points over a home with a render that was cancelled while it ran."""
    os.environ |= {
        "CLIPLINE_HOME": str(folder),
        "CLIPLINE_ENCODER_CLASS": "libx264/6.1/t1",
        "CLIPLINE_TASKS": "2",
    }
    ports = _ports(folder)
    (render,) = _running(ports, 1)
    handle(CancelRender(render=render, by="bench", reason="it must not run", at=BEGIN), ports)
    print(render, flush=True)
    _serve(Server())


def echoed(folder: Path) -> None:
    """Functions that do nothing, served in the same way."""
    print("-", flush=True)
    _serve(Server(("echo_event", "echo_http"), ECHO))


def _serve(server: Server) -> None:
    print(server.port, flush=True)
    sys.stdin.read()
    server.close()


def _ports(folder: Path) -> Ports:
    lane = replace(laptop_lane("libx264/6.1/t1", 2), executions=RENDERS * 10)
    return replace(laptop_ports(Laptop(home=folder), lane), clock=Clock())


def _running(ports: Ports, count: int = RENDERS) -> Sequence[str]:
    """Ids of that many renders with a started attempt."""
    return [_begin(ports, number) for number in range(count)]


def _begin(ports: Ports, number: int) -> str:
    upload = Upload(bucket="uploads", name=f"acme/{number:06}.mp4", generation=number + 1)
    ask = RenderRequested(
        upload=upload, media=media(), spec_source=SpecSource.DEFAULT, spec_text=None, at=BEGIN
    )
    handle(ask, ports)
    id = render_id(upload)
    handle(AttemptStarted(render=id, attempt=1, execution=f"{id}-0001", at=BEGIN), ports)
    return id


def _live(ports: Ports, number: int) -> None:
    id = _begin(ports, number)
    stored = ports.renders.load(id)
    assert stored is not None
    plan = stored.render.plan
    assert plan is not None
    (output,) = plan.outputs
    for chunk in output.chunks:
        event = ChunkCommitted(
            render=id, attempt=1, output_id=output.id, span=chunk, frames=chunk.end, at=BEGIN
        )
        handle(event, ports)
    handle(StitchStarted(render=id, attempt=1, output_id=output.id, at=BEGIN), ports)
    render = handle(verified(stored.render, output.id), ports)
    assert render is not None
    assert render.state.value == "done"


def _progress(render: str, number: int) -> RenderProgress:
    at = BEGIN + timedelta(milliseconds=number)
    return RenderProgress(render=render, attempt=1, task=0, frames=number // RENDERS, at=at)


def _versions(ports: Ports) -> int:
    """How many saves there were, by the versions that the store keeps."""
    everyone = ports.renders.newest(limit=100_000)
    stored = filter(None, (ports.renders.load(render.id) for render in everyone))
    return sum(one.version for one in stored)


WORKLOADS = {"handled": handled, "bussed": bussed, "lives": lives, "plain": plain}
SERVERS = {"served": served, "echoed": echoed}

if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
