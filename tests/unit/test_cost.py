"""The bill of a month: its sum, its growth, and what it takes for granted of the deployment."""

from datetime import date

import pytest

from functions.adapters.pubsub_inbox import WAIT
from functions.core.prices import DOLLAR
from functions.landed import DESK
from infra.deployment import prices
from infra.deployment.cost import MINUTES, AtRest, OfOne, bill, lane_costs, lines
from infra.deployment.exits import Status
from infra.deployment.priced import main


def total(uploads: int) -> float:
    return sum(line.nanodollars for line in bill(uploads))


def test_at_rest_it_is_two_clocks_and_what_stands_there() -> None:
    paid = {line.price for line in bill(0) if line.nanodollars}
    assert paid == {
        *(prices.CPU, prices.MEMORY, prices.REQUEST, prices.SCHEDULE, prices.LOGS),
        *(prices.STORED, prices.CLASS_A, prices.CLASS_B, prices.DOCUMENT_READ),
        *(prices.CONDITION, prices.IMAGES, prices.MESSAGES),
    }
    assert total(0) < 10 * DOLLAR
    a_minute = AtRest().sweep_seconds + WAIT.total_seconds()
    assert AtRest().empty_pulls == len(DESK)
    (cpu,) = (line.quantity for line in bill(0) if line.price is prices.CPU)
    assert cpu == pytest.approx(MINUTES * a_minute)


def test_each_upload_costs_the_same() -> None:
    one = total(1) - total(0)
    assert one > 0
    assert total(1000) - total(0) == pytest.approx(1000 * one)


def test_a_minute_of_a_lane_is_billed_at_least() -> None:
    short, long = lane_costs(OfOne(cpu_seconds=1))[0], lane_costs(OfOne(cpu_seconds=4000))[0]
    assert short.billed_seconds == 60
    assert long.billed_seconds == 4000 / long.tasks
    # Two vCPUs and 4 GiB in each of four tasks, for a minute.
    assert short.nanodollars == 60 * 4 * (2 * 18_000 + 4 * 2_000)


def test_all_that_is_billed_is_told_and_sums_up() -> None:
    said = list(lines(1000))
    for line in bill(1000):
        assert any(one.startswith(line.what) for one in said)
    together = next(one for one in said if one.startswith("all together"))
    first = lane_costs()[0].nanodollars
    assert first is not None
    assert float(together.split()[-1]) == pytest.approx(
        (total(1000) + 1000 * first) / DOLLAR, abs=0.01
    )


def test_every_price_has_a_day_and_a_source() -> None:
    assert {line.price for line in bill(1)} == set(prices.ALL)
    for one in prices.ALL:
        assert date.fromisoformat(one.read_on) <= date(2026, 12, 31)
        assert one.nanodollars > 0
        assert one.source


@pytest.mark.parametrize("uploads", ["-1", "many", "1e3", "9" * 12])
def test_a_number_of_uploads_that_cannot_be_is_one_sentence(
    uploads: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"--uploads={uploads}"]) == Status.UNSUITABLE
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"UPLOADS={uploads} cannot be: it is a number of uploads a month.\n"


def test_the_bill_at_rest_is_what_is_printed_without_a_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == Status.OK
    assert capsys.readouterr().out.splitlines() == list(lines(0))
    assert AtRest().conditions > 0
