"""The command: what it prints, and what it says to arguments that cannot be."""

import json
from pathlib import Path

import pytest

from infra.policy.__main__ import main
from infra.policy.flight import Item

LANES = """\
[[lanes]]
id = "spot"
encoder_class = "libx264/5.1/t1"
tasks = 1
executions = 9
start_within_seconds = 600
attempt_limit_seconds = 90000
start_seconds = 120
job = "render"
region = "us-east4"
spot = true
[lanes.price]
parts = [{what = "all", nanodollars_a_second = 10, read_on = "2026-01-01", source = "made up"}]

[[lanes]]
id = "sure"
encoder_class = "libx264/5.1/t1"
tasks = 1
executions = 9
start_within_seconds = 600
attempt_limit_seconds = 90000
start_seconds = 120
job = "render"
region = "us-east4"
[lanes.price]
parts = [{what = "all", nanodollars_a_second = 30, read_on = "2026-01-01", source = "made up"}]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lanes.toml").write_text(LANES, encoding="utf-8")
    return tmp_path


def trace(folder: Path, *, hours: int) -> Path:
    series = {
        f"days/{zone}_l4_1": {
            "gap_seconds": 600,
            "available": [int(tick // 5 % 3 != shift) for tick in range(6 * hours)],
        }
        for shift, zone in enumerate(("a", "b"))
    }
    path = folder / "traces.json"
    path.write_text(json.dumps(series), encoding="utf-8")
    return path


def test_a_report_of_a_trace_and_lanes_is_printed_and_drawn(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--trace", str(trace(here, hours=30)), "--lanes", "lanes.toml", "--draws", "1"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "later part of traces.json" in said
    for word in ("Clipline", "on-demand", "greedy Spot", "Uniform Progress", "optimum", *Item):
        assert word in said, word
    # Of the later twelve hours a job of eight is drawn, one of a day is not.
    assert "4 h in 8 h" in said
    assert "1 h in 24 h" not in said
    assert "<svg" in Path("build/policy/report.svg").read_text(encoding="utf-8")


def test_equal_arguments_give_equal_reports(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--trace", str(trace(here, hours=30)), "--lanes", "lanes.toml", "--draws", "2"]
    main(arguments)
    first = capsys.readouterr().out
    main(arguments)
    assert capsys.readouterr().out == first
    main([*arguments, "--part", "first"])
    assert capsys.readouterr().out != first


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("tasks = 1", "tasks = 0"), "lanes.toml, line 4: lanes[0].tasks must be 1 at least"),
        (("spot = true\n", ""), "lanes.toml: no lane of libx264/5.1/t1 is Spot"),
        (('job = "render"\nregion = "us-east4"\n[', "spot = true\n["), "is Spot, so no deadline"),
        (("[lanes.price]\nparts", "[lanes.prize]\nparts"), "lanes[0].prize is no field of a lane"),
    ],
)
def test_lanes_that_cannot_be_flown_are_a_sentence(
    here: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], words: str
) -> None:
    text = LANES.replace(*change, 1)
    (here / "lanes.toml").write_text(text, encoding="utf-8")
    assert main(["--lanes", "lanes.toml"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_traces_that_cannot_be_flown_are_a_sentence(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "broken.json").write_text("[1]", encoding="utf-8")
    short = trace(here, hours=5)
    for path in ("none.json", "broken.json", str(short)):
        assert main(["--trace", path]) == 2, path
        said = capsys.readouterr().err
        assert path in said
        assert said.count("\n") == 1
    assert main(["--lanes", "none.toml"]) == 2
    assert "'none.toml' is no file of lanes" in capsys.readouterr().err
