"""An edge of the map as it is now, as `clipline flows --json` says it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowState:
    """One flow over a topic: who speaks, who listens, and what lies between them."""

    TYPE: ClassVar = "clipline.flow-state.v1"
    topic: str
    subscription: str
    publishers: tuple[str, ...]
    subscriber: str
    depth: int
    """Messages that are not acknowledged, those in delivery too."""
    in_delivery: int
    oldest_at: datetime | None
    """When the oldest of them was published; None where there is none."""
    published_per_minute: float
    """Over the last `over_seconds`, as is the next."""
    acknowledged_per_minute: float
    """Given up counts too: it left."""
    over_seconds: float
    dead_letters: int | None
    """On the desk, taken from here, and on their way there; None where nothing is given up."""
    version: int = 1
