"""The transcript in the runbook is what the tool prints."""

from pathlib import Path

from tests.incident import PAPER, transcript, without_times


def test_the_runbooks_incident_is_what_the_tool_prints(tmp_path: Path) -> None:
    now = transcript(tmp_path)
    assert without_times(PAPER.read_text()) == without_times(now), "python -m tests.incident"
