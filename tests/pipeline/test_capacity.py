"""`clipline lanes` and `clipline why`, over the laptop's stores."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from functions.core.entries import Entry, Outcome
from functions.core.lanes import Lane
from functions.core.ledger import FIRST_PAUSE
from functions.core.render import Render, State
from functions.handle import handle
from functions.ports import LaunchRefused, Ports
from functions.settings import Laptop
from functions.wiring import laptop_ports
from ops.capacity import lane_lines, lane_states
from ops.why import render_why, why_lines
from schemas.failures import FailureClass
from schemas.plan import Order
from tests.lanes import laptop_lane
from tests.unit.makers import NOW, failure, requested, seconds, upload

FIRST = replace(laptop_lane("libx264/9.0/t1", 2), id="cloud-run/a/l4", executions=5)
SECOND = replace(FIRST, id="cloud-run/b/l4")


class OutOfStock:
    """A lane without machines."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def launch(self, order: Order) -> str:
        self.asked.append(order.render)
        raise LaunchRefused(failure(FailureClass.CAPACITY, reason="stock_out"))

    def stop(self, execution: str) -> None: ...

    def state(self, execution: str) -> None: ...


@pytest.fixture
def ports(tmp_path: Path) -> Ports:
    plain = laptop_ports(Laptop(home=tmp_path), FIRST, SECOND)
    return replace(plain, clock=lambda: NOW, draw=lambda: 0.0)


def uploaded(number: int, ports: Ports) -> Render:
    one = upload(name=f"acme/{number}.mp4")
    render = handle(requested(upload=one), ports)
    assert render is not None
    return render


def out_of(ports: Ports, *lanes: Lane) -> tuple[Ports, OutOfStock]:
    empty = OutOfStock()
    return replace(ports, backends={**ports.backends, **{one.id: empty for one in lanes}}), empty


def test_a_stock_out_sends_a_render_on_at_once_and_the_others_past_it(ports: Ports) -> None:
    ports, empty = out_of(ports, FIRST)
    renders = [uploaded(number, ports) for number in range(4)]
    assert [one.lane for one in renders] == [SECOND.id] * 4
    assert empty.asked == [renders[0].id], "one launch was refused, not four"
    assert renders[0].attempts[1].launched_at == renders[0].attempts[0].launched_at


def test_a_lane_that_has_recovered_is_tried_by_one_render_at_a_time(ports: Ports) -> None:
    out, _ = out_of(ports, FIRST)
    uploaded(0, out)
    later = replace(ports, clock=lambda: NOW + FIRST_PAUSE)
    lanes = [uploaded(number, later).lane for number in (1, 2, 3)]
    assert lanes == [FIRST.id, SECOND.id, SECOND.id]


def said(lines: Sequence[str], word: str) -> str:
    return next(line for line in lines if word in line)


def test_why_shows_each_lane_with_the_number_that_speaks_against_it(ports: Ports) -> None:
    ports, _ = out_of(ports, FIRST, SECOND)
    render = uploaded(0, ports)
    assert render.state is State.WAITING
    lines = list(why_lines(render_why(render, ports, NOW + seconds(1))))
    assert lines[0] == f"{render.id}  waiting"
    assert "attempt 1 on cloud-run/a/l4, 2026-03-01 12:00:00Z: the first choice" in lines
    assert "cloud-run/a/l4 had no machines once" in said(lines, "attempt 2")
    assert said(lines, "recomputed") == (
        "recomputed for 2026-03-01 12:00:01Z from 4 entries of the ledger:"
    )
    for lane in (FIRST, SECOND):
        assert f"  -  {lane.id}  had no machines once (50% of launches start): " in "\n".join(lines)


def test_why_says_which_lane_would_be_taken_now(ports: Ports) -> None:
    lines = list(why_lines(render_why(uploaded(0, ports), ports, NOW)))
    assert said(lines, "would be taken").startswith(f"  1  {FIRST.id}  would be taken: starts in")


def test_lanes_shows_the_ledger_by_lane(ports: Ports) -> None:
    ports.ledger.append(
        [
            Entry(
                lane=FIRST.id,
                render=f"r-{number}",
                attempt=1,
                outcome=outcome,
                launched_at=NOW - seconds(100),
                at=NOW - seconds(100 - after),
                ran=timedelta(hours=1),
                pixels=36 * 10**8,
            )
            for number, outcome, after in (
                (1, Outcome.STARTED, 10),
                (2, Outcome.STARTED, 12),
                (2, Outcome.FINISHED, 90),
                (3, Outcome.REFUSED, 99),
            )
        ]
    )
    first, *rest = list(lane_lines(lane_states(ports, (), NOW), ()))
    assert first.endswith("4 entries of the last 4 hours")
    text = "\n".join(rest)
    assert f"{SECOND.id}  open\n  places     0 of 5 taken, 0 launches under way" in text
    assert "% that a launch starts (1.9 starts, 1.0 stock-outs, faded)" in text
    assert "  start      11.0 s ± 1.0 s" in text
    assert "  speed      1.00 ± 1.00 megapixels a second and machine" in text
