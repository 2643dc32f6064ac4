"""What lies on the dead-letter desk: grouped by cause, or one by one."""

from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from functions.core.prices import dollars
from functions.desk import Group
from ops.times import ago
from schemas.dead_letters import DeadLetterGroup, DeadLetterRecord, Landed
from schemas.failures import FailureClass

INDENT = " " * 7
REPEATS = frozenset({FailureClass.INPUT, FailureClass.SPEC})
"""The fault is in what came in, which a replay would take again as it is."""


def handle(id: str) -> str:
    """The first digits of a record's or render's id: enough to name one among many thousands."""
    return id[:10]


def group_line(group: Group) -> DeadLetterGroup:
    """The group as programs get it."""
    example = group.example
    return DeadLetterGroup(
        fingerprint=example.fingerprint,
        count=group.count,
        first_at=group.first_at,
        last_at=example.at,
        failure=example.failure.failure,
        reason=example.failure.reason,
        message=example.failure.message,
        advice=example.advice,
        lanes=group.lanes,
        example=example.id,
        action=action(example),
        nanodollars=group.nanodollars,
    )


def action(record: DeadLetterRecord) -> str:
    """The command that a person would give next about records of that cause."""
    if record.letter is None or record.failure.failure in REPEATS:
        return f"clipline show {handle(record.id)}"
    return f"clipline replay plan --fingerprint {record.fingerprint}"


def group_lines(group: DeadLetterGroup, now: datetime) -> Iterator[Text]:
    """The group as people read it: what, why, what to do."""
    lanes = ", ".join(group.lanes) or "no lane"
    cost = f"  {dollars(group.nanodollars)}" if group.nanodollars else ""
    span = f"last {ago(group.last_at, now)} ago"
    if group.count > 1:
        span += f", first {ago(group.first_at, now)} ago"
    yield Text.assemble(
        (f"{group.count:>5}  ", "bold"),
        (group.failure.value, "bold red"),
        f"  {span}  {lanes}{cost}  {group.fingerprint}",
    )
    yield Text(f"{INDENT}{one_line(group.message)}")
    yield Text(f"{INDENT}{group.advice}", "dim")
    yield Text.assemble(INDENT, (group.action, "cyan"))


def record_line(record: DeadLetterRecord, now: datetime) -> Text:
    """One record, on one line."""
    what = record.render if record.landed is Landed.RENDER else record.subscription
    return Text.assemble(
        (handle(record.id), "bold"),
        f"  {ago(record.at, now):>6} ago  ",
        (record.failure.failure.value, "red"),
        f"  {record.tenant or '-'}  {what}  {one_line(record.failure.message)}",
    )


def one_line(text: str) -> str:
    """The text without line ends and control characters, which would move a terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in text)
