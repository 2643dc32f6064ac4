"""The money of a day, as `clipline budget --json` says it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseLine:
    """Somebody raised the day's limit."""

    at: datetime
    nanodollars: int
    """The new limit."""
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """Limits, and what is spent of them, at one moment. A day is one of UTC."""

    TYPE: ClassVar = "clipline.budget-state.v1"
    at: datetime
    render_nanodollars: int | None
    """What a render may cost; beyond it, it fails. None where there is no limit."""
    day_nanodollars: int | None
    """What the day may cost, raises counted; beyond it renders wait. None where there is no
    limit."""
    spent_nanodollars: int
    """Since midnight, by the attempts that have ended."""
    is_spent: bool
    """Whether renders wait for the reset."""
    waiting: int
    """Renders that wait, for money or for whatever else."""
    reset_at: datetime
    raises: tuple[RaiseLine, ...]
    """Of today."""
    version: int = 1
