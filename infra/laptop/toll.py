"""What the kills cost: which encoder runs they ended, and how much of those was not kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from infra.laptop.encodings import Run
from infra.laptop.killer import Strike, Victim

NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """Time is that of encoder runs, from their beginning to their commit or kill."""

    runs: int
    pieces: int
    worked: timedelta
    """In all runs."""
    lost: timedelta
    """Of that, what was not kept: after a notice, since the last whole GOP."""
    lost_frames: int
    """In whole GOPs: what an encoder had not written yet is not counted."""

    @property
    def share(self) -> float:
        """How much of the work was lost, from 0 to 1."""
        return self.lost / self.worked if self.worked else 0.0


def toll(runs: Sequence[Run], strikes: Sequence[Strike]) -> Toll:
    """The reckoning of one render."""
    losses = [_loss(run, strikes) for run in runs]
    committed = [run for run in runs if run.committed_at is not None]
    return Toll(
        runs=len(runs),
        pieces=len(committed),
        worked=sum((loss.worked for loss in losses), NOTHING),
        lost=sum((loss.lost for loss in losses), NOTHING),
        lost_frames=sum(loss.frames for loss in losses),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loss:
    worked: timedelta
    lost: timedelta = NOTHING
    frames: int = 0


def _loss(run: Run, strikes: Sequence[Strike]) -> _Loss:
    hit = _hit(run, strikes)
    if hit is None or run.kept == run.span:
        return _Loss(worked=run.committed_at - run.began if run.committed_at else NOTHING)
    strike, victim = hit
    kept = len(run.kept) if run.kept else 0
    since = victim.written_at if kept and victim.written_at else run.began
    return _Loss(
        worked=strike.at - run.began,
        lost=strike.at - since,
        frames=max(0, victim.frames - kept),
    )


def _hit(run: Run, strikes: Sequence[Strike]) -> tuple[Strike, Victim] | None:
    """The first strike that met the run."""
    return next(
        (
            (strike, victim)
            for strike in strikes
            for victim in strike.victims
            if victim.task == run.task
            and run.began <= strike.at
            and (run.committed_at is None or strike.at <= run.committed_at)
        ),
        None,
    )
