from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.laptop.encodings import Run, runs
from infra.laptop.killer import Strike, Victim
from infra.laptop.misbehaviour import Kill, Target
from infra.laptop.toll import Toll, toll
from schemas.pieces import Span

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def run(began: float, committed: float | None = None, *, frames: int = 96, task: str = "a") -> Run:
    """Of 96 frames, from one second to another; `frames` of them are kept if it ended."""
    kept = Span(0, frames) if committed is not None else None
    return Run(
        task=task,
        began=at(began),
        span=Span(0, 96),
        kept=kept,
        committed_at=None if committed is None else at(committed),
    )


def strike(moment: float, *tasks: str, frames: int = 48, written: float | None = None) -> Strike:
    written_at = None if written is None else at(written)
    victims = tuple(Victim(task=task, frames=frames, written_at=written_at) for task in tasks)
    kill = Kill(after=timedelta(0), target=Target.TASK, notice=False, pick=0)
    return Strike(kill=kill, at=at(moment), victims=victims)


def cost(*found: Run, strikes: tuple[Strike, ...]) -> tuple[float, float, int]:
    """Seconds lost, seconds worked, frames lost."""
    done: Toll = toll(found, strikes)
    return done.lost.total_seconds(), done.worked.total_seconds(), done.lost_frames


def test_nothing_is_lost_where_nobody_is_hit() -> None:
    assert cost(run(0, 4), run(4, 9), strikes=()) == (0, 9, 0)
    assert cost(run(0, 4), strikes=(strike(2, "b"), strike(5, "a"))) == (0, 4, 0)


def test_a_run_that_was_killed_is_lost_from_its_beginning() -> None:
    found = (run(0), run(3, 7))
    assert cost(*found, strikes=(strike(2, "a", written=1), strike(9, "a"))) == (2, 6, 48)


def test_a_run_that_was_told_is_lost_from_its_last_whole_gop() -> None:
    found = (run(0, 2.2, frames=48), run(3, 7))
    assert cost(*found, strikes=(strike(2, "a", written=1.5),)) == (0.5, 6, 0)


def test_a_whole_gop_that_was_not_kept_after_a_notice_is_seen() -> None:
    told = strike(2, "a", frames=72, written=1.5)
    assert cost(run(0, 2.2, frames=48), strikes=(told,)) == (0.5, 2, 24)


def test_a_run_that_ended_in_spite_of_the_kill_is_not_lost() -> None:
    assert cost(run(0, 2.2), strikes=(strike(2, "a", frames=96, written=1.9),)) == (0, 2.2, 0)


def test_runs_are_read_from_the_logs_of_their_tasks(tmp_path: Path) -> None:
    (tmp_path / "r-1-0001-0.log").write_text(
        "2026-03-01 12:00:00,000 encode r-1 full/web 0-96\n"
        "2026-03-01 12:00:03,500 encode r-1 full/web 0-96\n"
        "2026-03-01 12:00:05,250 commit r-1 full/web 0-48\n"
        "2026-03-01 12:00:06,000 encode r-2 full/web 0-96\n"
    )
    (tmp_path / "r-1-0001-1.log").write_text("2026-03-01 12:00:01,000 encode r-1 full/web 96-200\n")
    local = datetime(2026, 3, 1, 12).astimezone()
    lost, short, other = runs(tmp_path, "r-1")
    assert (lost.task, lost.began, lost.kept) == ("r-1-0001-0", local, None)
    assert (short.began, short.kept) == (local + timedelta(seconds=3.5), Span(0, 48))
    assert short.committed_at == local + timedelta(seconds=5.25)
    assert (other.task, other.span) == ("r-1-0001-1", Span(96, 200))
