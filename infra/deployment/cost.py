"""`make cost UPLOADS=1000`: the bill of a month, item by item, as a formula over dated prices.

    quantity = at rest + uploads * of one upload        bill = Σ quantity * price

At rest the sweep and the desk are called every minute and look; nothing else runs (a policy of
`tests/infra` holds that against the plan). Of one upload what was counted in a run of the sample is
taken, and said where it is a guess.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from functions.core.prices import DOLLAR, MINIMUM, Price, PricePart
from functions.landed import DESK
from infra.deployment import prices
from infra.deployment.prices import ListPrice

LANES = Path(__file__).resolve().parents[1] / "gcp" / "lanes.auto.tfvars.json"
MINUTES = 365 * 24 * 60 // 12
"""Of a month."""
KIB, MIB, GIB = 2**10, 2**20, 2**30
GB = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRest:
    """Of one minute that finds nothing, and of what stands there. Guesses, but for the counts."""

    calls: int = 2
    """Of functions that a clock calls (`infra/gcp/functions.tf`): the sweep, and the desk."""
    sweep_seconds: float = 0.3
    """A few calls to Firestore and Cloud Storage, one after another."""
    empty_pulls: int = len(DESK)
    """Of the desk, side by side; each of them counts a kilobyte."""
    pull_seconds: float = 1.0
    """So long the empty ones are waited for (`functions/adapters/pubsub_inbox.py`)."""
    function_mib: int = 512
    """As `infra/gcp/functions.tf` has it."""
    document_reads: int = 16
    """What is due, and twice, to wake and to watch: lines, two lanes and their ledgers, switches.
    An empty answer counts one."""
    lists: int = 1
    """Of the uploads bucket."""
    object_reads: int = 1
    """The cursor."""
    log_bytes: int = 2300
    """Cloud Run's own line of each request, and the sweep's."""
    image_gb: float = 0.6
    """The render task's and the functions' together."""
    conditions: int = 9
    """Of alerts (`infra/gcp/monitoring.tf`)."""
    stored_gb: float = 0.01
    """Bundles and Terraform's state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfOne:
    """Of one upload like the sample: 30 s to `web-720`.

    Counted in one run on a laptop (2 shared cores, 2026-11-29), but for what is said to be a guess.
    """

    seconds: float = 30.0
    """Of output."""
    upload_gb: float = 0.0031
    output_gb: float = 0.0079
    messages: int = 34
    """On all topics together; each is paid for when it comes and when it goes."""
    message_bytes: int = 1000
    """Pub/Sub's least, for each."""
    pushes: int = 33
    """Messages that a function takes."""
    push_seconds: float = 0.3
    """A guess: one load, one save."""
    saves: int = 24
    """Of the render's document."""
    documents_beside: int = 5
    """Its lane, its folder, its entries in the ledger."""
    reads_a_save: int = 6
    """A guess: the render, what it depends on, and the facts where it is routed."""
    object_writes: int = 60
    """A guess: pieces, claims and their renewals, records, the output."""
    object_reads: int = 200
    """A guess: tasks look at the work bucket."""
    cpu_seconds: float = 12.9
    """To encode and to verify, as its certificate says."""
    log_bytes: int = 40_000
    """A guess: a request's line for each push, ours, and the tasks'."""
    kept_months: float = 1.0
    """How long its upload and its output are kept."""
    pieces_days: float = 1 / 24
    """`Policy.keep_done`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One item of the bill."""

    what: str
    quantity: float
    price: ListPrice

    @property
    def nanodollars(self) -> float:
        """For the month."""
        return self.quantity * self.price.nanodollars


def bill(uploads: int, rest: AtRest | None = None, one: OfOne | None = None) -> list[Line]:
    """What Google asks for that month; lanes apart."""
    rest, one = rest or AtRest(), one or OfOne()
    pushes = uploads * one.pushes
    busy = MINUTES * (rest.sweep_seconds + rest.pull_seconds) + pushes * one.push_seconds
    messages = MINUTES * rest.empty_pulls + uploads * one.messages * 2
    reads = MINUTES * rest.document_reads + uploads * one.saves * one.reads_a_save
    month = uploads * one.kept_months
    pieces = uploads * one.output_gb * one.pieces_days / 30
    quantities = {
        prices.CPU: busy,
        prices.MEMORY: busy * rest.function_mib / 1024,
        prices.REQUEST: MINUTES * rest.calls + pushes,
        prices.STORED: rest.stored_gb + month * (one.upload_gb + one.output_gb) + pieces,
        prices.CLASS_A: MINUTES * rest.lists + uploads * one.object_writes,
        prices.CLASS_B: MINUTES * rest.object_reads + uploads * one.object_reads,
        prices.DOCUMENT_READ: reads,
        prices.DOCUMENT_WRITE: uploads * (one.saves + one.documents_beside),
        prices.DOCUMENTS_STORED: uploads * 10 * KIB / GIB,
        prices.MESSAGES: messages * one.message_bytes / MIB,
        prices.SCHEDULE: rest.calls,
        prices.LOGS: (MINUTES * rest.log_bytes + uploads * one.log_bytes) / GIB,
        prices.CONDITION: rest.conditions,
        prices.IMAGES: rest.image_gb,
        prices.OUT: uploads * one.output_gb,
    }
    return [
        Line(what=price.what, quantity=quantity, price=price)
        for price, quantity in quantities.items()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneCost:
    """One upload's tasks on a lane."""

    lane: str
    billed_seconds: float
    """Of each task."""
    tasks: int
    nanodollars: float | None
    """None where the lane has no price."""


def lane_costs(one: OfOne | None = None) -> list[LaneCost]:
    """On each lane that is deployed to begin with: a minute is billed at least."""
    one = one or OfOne()
    return [_lane_cost(lane, one) for lane in _lanes()]


def lane_prices() -> Iterator[tuple[str, PricePart]]:
    """What the price of each of these lanes is made of."""
    for lane in _lanes():
        price = _price(lane)
        yield from ((lane["id"], part) for part in (price.parts if price else ()))


def _lane_cost(lane: Mapping[str, Any], one: OfOne) -> LaneCost:
    tasks = int(lane["tasks"])
    seconds = max(one.cpu_seconds / tasks, MINIMUM.total_seconds())
    price = _price(lane)
    return LaneCost(
        lane=lane["id"],
        billed_seconds=seconds,
        tasks=tasks,
        nanodollars=None if price is None else seconds * tasks * price.nanodollars_a_second,
    )


def _price(lane: Mapping[str, Any]) -> Price | None:
    parts = (lane.get("price") or {}).get("parts")
    return Price(parts=tuple(PricePart(**part) for part in parts)) if parts else None


@cache
def _lanes() -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = json.loads(LANES.read_text(encoding="utf-8"))["lanes"]
    return found


def lines(uploads: int) -> Iterator[str]:
    """The bill as people read it."""
    items = bill(uploads)
    yield f"{'a month of ' + format(uploads, ',') + ' uploads':<38}{'quantity':>14}  {'dollars':>9}"
    for item in items:
        quantity = f"{item.quantity:,.0f}" if item.quantity >= 100 else f"{item.quantity:.3f}"
        yield (
            f"{item.what:<38}{quantity:>14} {_money(item.nanodollars):>10}"
            f"  at {_dollars(item.price.nanodollars)} a {item.price.unit}"
        )
    total = sum(item.nanodollars for item in items)
    for number, lane in enumerate(lane_costs() if uploads else ()):
        what = f"{'or' if number else 'tasks'} on {lane.lane}"
        cost = None if lane.nanodollars is None else uploads * lane.nanodollars
        said = "no price" if cost is None else _money(cost)
        yield f"{what:<38}{uploads:>14,} {said:>10}"
        if number == 0:
            total += cost or 0
    yield f"{'all together':<38}{'':>14} {_money(total):>10}"
    yield f"List prices without free tiers, read on {prices.READ} or before: docs/costs.md."


def _money(nanodollars: float) -> str:
    return f"{nanodollars / DOLLAR:,.2f}"


def _dollars(nanodollars: int) -> str:
    return f"${nanodollars / DOLLAR:.9f}".rstrip("0").rstrip(".")
