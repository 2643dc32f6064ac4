"""The lanes of a flight: those of a file as the product reads it, or one machine in three zones."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from functions.cloud_lanes import CloudLane
from functions.core.lanes import Lane
from functions.core.prices import Price, PricePart
from functions.lane_file.lanes import read_lanes
from functions.lane_file.text import LaneFault
from infra.simulator.fleet import GPU, SPOT_PRICE

ZONES = 3
STANDARD_PRICE = Price(
    parts=(
        PricePart(
            what="g2-standard-4",
            nanodollars_a_second=197_000,
            read_on="2026-08-01",
            source="a round number: about 0.71 dollars an hour, 2.8 times Spot",
        ),
    )
)
_STANDARD = Lane(
    id="batch/us-central1/l4/standard",
    encoder_class=GPU,
    tasks=1,
    executions=100,
    start_within=timedelta(minutes=10),
    attempt_limit=timedelta(days=2),
    start=timedelta(minutes=2),
    price=STANDARD_PRICE,
)
_SPOT = replace(_STANDARD, is_spot=True, price=SPOT_PRICE)


def usual_lanes(machines: int) -> tuple[Lane, ...]:
    """Batch's Spot machines in three zones, and standard ones; so many of an attempt at most."""
    spot = [replace(_SPOT, id=f"batch/us-central1-{zone}/l4/spot") for zone in "abc"[:ZONES]]
    return tuple(replace(lane, tasks=machines) for lane in (*spot, _STANDARD))


def lanes_of(path: Path) -> tuple[Lane, ...]:
    """Those of a lane file that can be flown: of the first lane's encoder class.

    Raises LaneFault with a sentence for a file that cannot be read, and for one without prices,
    without a Spot lane, or without a lane that is sure.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LaneFault(f"'{path}' is no file of lanes: {error}") from error
    lanes = [one.lane for one in read_lanes(text, str(path), CloudLane, {})]
    flown = tuple(lane for lane in lanes if lane.encoder_class == lanes[0].encoder_class)
    _check(flown, path)
    return flown


def _check(lanes: Sequence[Lane], path: Path) -> None:
    kind = lanes[0].encoder_class
    for lane in lanes:
        if lane.price is None:
            raise LaneFault(f"{path}: '{lane.id}' has no price, so nothing can be compared")
    if not any(lane.is_spot for lane in lanes):
        raise LaneFault(f"{path}: no lane of {kind} is Spot, so nothing can be saved")
    if all(lane.is_spot for lane in lanes):
        raise LaneFault(f"{path}: every lane of {kind} is Spot, so no deadline is safe")
