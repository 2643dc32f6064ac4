"""What many histories came to, for people at a terminal."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from functions.core.render import State
from infra.simulator.course import Course
from infra.simulator.coverage import ENOUGH, IMPOSSIBLE, STATES, untried
from infra.simulator.faults import Fault
from infra.simulator.odds import short_name
from infra.simulator.tally import Tally, quantile


def report(tally: Tally, course: Course, *, wall: float) -> RenderableType:
    """Everything on one page; `wall` is how many seconds it took."""
    return Group(
        Text(_title(tally, course), style="bold"),
        "",
        _pairs("renders", _ends(tally)),
        "",
        _pairs("cost", _costs(tally)),
        "",
        _pairs("time", _times(tally, wall)),
        "",
        _coverage(tally),
        "",
        *_verdict(tally, missed(tally, course)),
    )


def missed(tally: Tally, course: Course) -> Sequence[tuple[Fault, str]]:
    """The pairs of fault and state that so many renders should have tried, and did not."""
    return untried(tally.struck) if course.is_usual and tally.renders >= ENOUGH else ()


def _title(tally: Tally, course: Course) -> str:
    what = f"{tally.renders:,} renders in {tally.histories:,} histories of seed {course.seed}"
    on = [short_name(fault) for fault in Fault if course.odds.get(fault)]
    if course.is_usual:
        return f"{what}, every fault at its usual odds"
    return f"{what}, {'only ' + ', '.join(on) if on else 'without a fault'}"


def _ends(tally: Tally) -> Iterator[tuple[str, str]]:
    for end, count in tally.ends.most_common():
        yield end, f"{count:,} ({count / tally.renders:.1%})"


def _costs(tally: Tally) -> Iterator[tuple[str, str]]:
    renders, done = max(1, tally.renders), max(1, tally.ends[State.DONE])
    yield "frames encoded for each delivered", f"{tally.work_ratio:.3f}"
    fast, slow = quantile(tally.recoveries, 0.5), quantile(tally.recoveries, 0.95)
    if fast and slow:
        yield "from a lost attempt to work again", f"p50 {fast:.0f} s, p95 {slow:.0f} s"
    yield "launches for each success", f"{tally.launches / done:.2f}"
    yield "saves of each render", f"{tally.saves / renders:.1f}"
    yield "object operations of each render", f"{tally.object_calls / renders:.1f}"
    yield "most saves of one render in a second", f"{tally.busiest_second}"


def _times(tally: Tally, wall: float) -> Iterator[tuple[str, str]]:
    yield "lived", f"{tally.seconds / 86_400:,.1f} days, {tally.calls:,} calls"
    yield "took", f"{timedelta(seconds=round(wall))}, {tally.renders / wall:,.0f} renders a second"


def _pairs(title: str, pairs: Iterator[tuple[str, str]]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2))
    for name, value in pairs:
        table.add_row(name, value)
    return table


def _coverage(tally: Tally) -> Table:
    table = Table(title="what struck in which state", title_justify="left", box=None)
    table.add_column("")
    for state in STATES:
        table.add_column(state, justify="right")
    for fault in Fault:
        table.add_row(fault.value, *(_cell(tally, fault, state) for state in STATES))
    return table


def _cell(tally: Tally, fault: Fault, state: str) -> str:
    """How often, or a dash for what cannot be."""
    return "-" if (fault, state) in IMPOSSIBLE else f"{tally.struck[fault, state]}"


def _verdict(tally: Tally, missed: Sequence[tuple[Fault, str]]) -> Sequence[Text]:
    gaps = [
        Text(f"never tried: {fault} while {state}", style="bold red") for fault, state in missed
    ]
    if not tally.violations:
        return [*gaps, Text("0 violations", style="bold green")]
    lines = [*gaps, Text(f"{tally.violations} violations", style="bold red")]
    for invariant, count in tally.invariants.most_common():
        first = next((b for b in tally.broken if b.violation.invariant == invariant), None)
        seen = f": history {first.number}, {first.violation.seen}" if first else ""
        lines.append(Text(f"  {count:,} times: {invariant}{seen}"))
    return lines
