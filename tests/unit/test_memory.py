"""What the kernel counts of those that it killed for memory."""

from pathlib import Path

from render_job.memory import kills


def test_both_kinds_of_control_groups_are_read_and_none_is_no_error(tmp_path: Path) -> None:
    second, first, none = tmp_path / "events", tmp_path / "oom_control", tmp_path / "none"
    second.write_text("low 0\nhigh 0\nmax 31\noom 4\noom_kill 3\noom_group_kill 1\n")
    first.write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    assert kills((second, first)) == 3
    assert kills((none, first)) == 2
    assert kills((none, none)) == 0


def test_a_file_that_counts_something_else_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "oom_control"
    file.write_text("oom_kill_disable 0\nunder_oom 0\n")
    assert kills((file,)) == 0
