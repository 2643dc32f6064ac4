"""`docs/costs.md`, from the prices and the formula."""

from collections.abc import Iterable
from dataclasses import fields

from functions.core.prices import DOLLAR
from infra.deployment import prices
from infra.deployment.cost import AtRest, OfOne, bill, lane_costs, lane_prices, lines

VOLUMES = (0, 1_000, 100_000)


def page() -> str:
    """The page."""
    parts = (
        HEAD,
        "## At rest\n",
        _table(
            ("item", "quantity a month", "price", "dollars"),
            (
                (
                    line.what,
                    f"{line.quantity:,.2f} {line.price.unit}",
                    f"${line.price.nanodollars / DOLLAR:.7f}",
                    f"{line.nanodollars / DOLLAR:.2f}",
                )
                for line in bill(0)
                if line.quantity
            ),
        ),
        f"Together **${_total(0):.2f}** a month, mostly the second of every minute in which the\n"
        "desk waits for messages that do not come, and the alerts: no machine, no minimum of\n"
        "instances, no address, no gateway.\n",
        "## One upload like the sample\n",
        "30 s to `web-720`. Tasks on a lane, where a minute of each is billed at least:\n",
        _table(
            ("lane", "tasks", "billed", "dollars"),
            (
                (
                    f"`{one.lane}`",
                    str(one.tasks),
                    f"{one.billed_seconds:.0f} s each",
                    "no price" if one.nanodollars is None else f"{one.nanodollars / DOLLAR:.4f}",
                )
                for one in lane_costs()
            ),
        ),
        f"All else together: ${(_total(1000) - _total(0)) / 1000:.4f} an upload.\n",
        "## A month\n",
        "".join(
            f"`make cost UPLOADS={volume}`\n\n```\n" + "\n".join(lines(volume)) + "\n```\n\n"
            for volume in VOLUMES
        ).rstrip()
        + "\n",
        "## What is taken for granted\n",
        _table(("of a minute and of what stands there", "value"), _values(AtRest())),
        "",
        _table(("of one upload", "value"), _values(OfOne())),
        "The words beside each number, and which of them are guesses, are in\n"
        "`infra/deployment/cost.py`.\n",
        "## Prices\n",
        _table(
            ("what", "dollars", "unit", "read on", "source"),
            (
                (
                    one.what,
                    f"{one.nanodollars / DOLLAR:.9f}".rstrip("0"),
                    one.unit,
                    one.read_on,
                    one.source,
                )
                for one in prices.ALL
            ),
        ),
        "Of lanes to begin with, by the task (`infra/gcp/lanes.auto.tfvars.json`):\n",
        _table(
            ("lane", "what", "dollars", "unit", "read on", "source"),
            (
                (
                    f"`{lane}`",
                    f"{part.count} times a {part.what}",
                    f"{part.nanodollars_a_second / DOLLAR:.9f}".rstrip("0"),
                    "s",
                    part.read_on,
                    part.source,
                )
                for lane, part in lane_prices()
            ),
        ),
    )
    return "\n".join(parts)


HEAD = """# What it costs

Written by `make schemas` from `infra/deployment/cost.py`, `infra/deployment/prices.py` and the
lanes: change these. List prices of one day without free tiers; no bill of Google's has been seen.

`make cost UPLOADS=1000` prints a month of so many uploads. The formula:

    bill = Σ price * (at rest + uploads * of one upload)  +  uploads * tasks * seconds * lane
"""


def _total(uploads: int) -> float:
    return sum(line.nanodollars for line in bill(uploads)) / DOLLAR


def _values(of: AtRest | OfOne) -> Iterable[tuple[str, str]]:
    for one in fields(of):
        yield one.name.replace("_", " "), f"{getattr(of, one.name):g}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    table = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in table)
