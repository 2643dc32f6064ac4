"""`python -m tests.bench_wake`: what a sweep costs while many renders wait, in reads and CPU.

Over the laptop's stores in a folder of their own. First nothing has room, then a place is free.
"""

import argparse
import logging
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

from functions.core.render import State
from functions.core.switches import Reach, Switching
from functions.handle import handle
from functions.ports import Ports
from functions.settings import Laptop
from functions.sweep import sweep
from functions.wiring import laptop_ports
from schemas.ids import Upload, render_id
from tests.lanes import laptop_lane
from tests.pipeline.counting import counted
from tests.pipeline.test_wake import Machines
from tests.unit.makers import requested

LANE = replace(
    laptop_lane("libx264/9.0/t1", 1),
    id="cloud-run/a/l4",
    executions=60,
    launches_a_minute=60,
    start_within=timedelta(hours=1),
)
TENANTS = 20


def main() -> None:
    """Print reads and CPU of a sweep, by how many wait."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiting", type=int, nargs="*", default=[100, 1000, 10_000])
    logging.disable(logging.WARNING)
    for waiting in parser.parse_args().waiting:
        with tempfile.TemporaryDirectory() as folder:
            _measure(waiting, Path(folder))


def _measure(waiting: int, folder: Path) -> None:
    plain = laptop_ports(Laptop(home=folder), LANE)
    ports = replace(plain, backends={LANE.id: Machines()})
    _pause(ports, paused=True)
    _fill(ports, waiting)
    print(f"{waiting:6} wait, nothing has room: {_swept(ports)}")
    _pause(ports, paused=False)
    print(f"{waiting:6} wait, 60 have room:     {_swept(ports)}")


def _swept(ports: Ports) -> str:
    ports, calls = counted(ports)
    before, began = ports.renders.count(State.WAITING), process_time()
    sweep(ports)
    spent = process_time() - began
    woken = before - ports.renders.count(State.WAITING)
    del calls["count"]
    asked = ", ".join(f"{count} {name}" for name, count in sorted((+calls).items()))
    return f"{spent:.3f} CPU s, {woken} woken; {calls.total()} calls: {asked}"


def _fill(ports: Ports, waiting: int) -> None:
    """One render as it waits, and copies of it: to open each takes far longer."""
    upload = Upload(bucket="uploads", name="t0/0.mp4", generation=1)
    made = handle(requested(upload=upload), ports)
    assert made is not None
    assert made.plan is not None
    for number in range(1, waiting):
        name = f"t{number % TENANTS}/{number}.mp4"
        other = replace(upload, name=name)
        output = made.plan.outputs[0]
        outputs = (replace(output, object_name=f"t{number % TENANTS}/{number}/full/x.mp4"),)
        render = replace(
            made,
            id=render_id(other),
            upload=other,
            plan=replace(made.plan, render=render_id(other), upload=other, outputs=outputs),
            created_at=made.created_at + timedelta(milliseconds=number),
            pending=(),
        )
        ports.renders.save(render, version=0)


def _pause(ports: Ports, *, paused: bool) -> None:
    now = datetime.now(UTC)
    ports.switches.note(
        Switching(reach=Reach.ALL, paused=paused, by="bench", reason="bench", at=now)
    )


if __name__ == "__main__":
    main()
