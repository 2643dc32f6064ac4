"""What people read at the end of a run, and the picture of it."""

from collections import Counter
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from infra.simulator.__main__ import WIDTH
from infra.simulator.cause import Cause
from infra.simulator.course import Course
from infra.simulator.many import lived
from infra.simulator.picture import draw
from infra.simulator.report import report
from infra.simulator.spending import dollars_a_minute, waste
from infra.simulator.tally import Tally

COURSE = Course(seed="report")
SPENT = {(Cause.DELIVERED, "a"): 60_000_000, (Cause.FROZEN, "a"): 20_000_000}


def _printed(tally: Tally) -> str:
    console = Console(file=StringIO(), width=WIDTH)
    console.print(report(tally, COURSE, wall=1.0))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_waste_is_what_no_output_holds_and_a_minute_bears_it() -> None:
    tally = Tally(video=120_000_000)
    tally.spent.update(SPENT)
    tally.money.update({one: micros * 100_000 for one, micros in SPENT.items()})
    assert waste(tally) == 0.25
    assert dollars_a_minute(tally) == pytest.approx(80 * 0.0001 / 2)


def test_the_report_names_causes_with_what_was_delivered_first() -> None:
    tally = lived(COURSE, 0)
    page = _printed(tally)
    causes = [line for line in page.splitlines() if "$" in line and "%" in line]
    assert causes[1].strip().startswith(Cause.DELIVERED)
    assert causes[-1].strip().startswith("all")
    assert max(map(len, page.splitlines())) <= WIDTH


def test_a_run_of_nothing_has_a_report_as_well() -> None:
    assert "waste 0.0%" in _printed(Tally(ends=Counter(done=1)))


def test_the_picture_is_an_svg_with_the_causes_in_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.svg"
    draw(report(lived(COURSE, 0), COURSE, wall=1.0), path, title="t", width=WIDTH)
    words = "".join(ElementTree.parse(path).getroot().itertext()).replace("\xa0", " ")
    assert Cause.DELIVERED in words
    assert "violations" in words
