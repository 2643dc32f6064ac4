"""What many histories came to, for people at a terminal."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from math import log

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from functions.core.render import State
from infra.simulator.course import Course
from infra.simulator.coverage import ENOUGH, IMPOSSIBLE, STATES, untried
from infra.simulator.faults import Fault
from infra.simulator.odds import short_name
from infra.simulator.recoveries import recoveries_table
from infra.simulator.spending import by_cause, causes_table, headline
from infra.simulator.tally import Tally


def report(tally: Tally, course: Course, *, wall: float) -> RenderableType:
    """Everything on one page; `wall` is how many seconds it took."""
    return Group(
        Text(_title(tally, course), style="bold"),
        headline(tally),
        "",
        _beside(
            Group(_pairs("renders", _ends(tally)), "", _pairs("time", _times(tally, wall))),
            _pairs("cost", _costs(tally)),
        ),
        "",
        causes_table(tally),
        "",
        recoveries_table(tally),
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
    yield "launches for each success", f"{tally.launches / done:.2f}"
    billed = by_cause(tally.money).total()
    yield "metered for each dollar billed", f"{tally.metered / billed:.2f}" if billed else "-"
    yield "saves of each render", f"{tally.saves / renders:.1f}"
    yield "object operations of each render", f"{tally.object_calls / renders:.1f}"
    yield "most saves of one render in a second", f"{tally.busiest_second}"


def _times(tally: Tally, wall: float) -> Iterator[tuple[str, str]]:
    yield "lived", f"{tally.seconds / 86_400:,.1f} days, {tally.calls:,} calls"
    yield "took", f"{timedelta(seconds=round(wall))}, {tally.renders / wall:,.0f} renders a second"


def _beside(left: RenderableType, right: RenderableType) -> Table:
    table = Table.grid(padding=(0, 6))
    table.add_row(left, right)
    return table


def _pairs(title: str, pairs: Iterator[tuple[str, str]]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2))
    for name, value in pairs:
        table.add_row(name, value)
    return table


def _coverage(tally: Tally) -> Table:
    title = "what struck in which state"
    table = Table(title=title, title_justify="left", box=None, padding=0)
    table.add_column("", no_wrap=True)
    for state in STATES:
        table.add_column(state, justify="right", width=_wide(state))
    for fault in Fault:
        table.add_row(f" {fault.value}", *(_cell(tally, fault, state) for state in STATES))
    return table


def _cell(tally: Tally, fault: Fault, state: str) -> Text:
    """How often, the warmer the oftener; or a dash for what cannot be."""
    if (fault, state) in IMPOSSIBLE:
        return Text("-", style="dim")
    count, most = tally.struck[fault, state], max(tally.struck.values(), default=1)
    heat = log(1 + count) / log(1 + most)
    return Text(f"{count:>{_wide(state)}}", style=f"{_ink(heat)} on {_warmth(heat)}")


def _wide(state: str) -> int:
    """Columns for a state: its name and a gap, and six digits at least."""
    return max(8, len(state) + 1)


def _warmth(heat: float) -> str:
    """From a dark blue through plum to a bright orange, for 0 to 1."""
    cold, middle, hot = (38, 44, 72), (140, 50, 92), (252, 165, 62)
    low, high, share = (cold, middle, heat * 2) if heat < 0.5 else (middle, hot, heat * 2 - 1)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return f"rgb({red},{green},{blue})"


def _ink(heat: float) -> str:
    return "#000000" if heat > 0.65 else "#ffffff"


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
