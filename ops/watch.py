"""Following one render: a line for each thing that happens, and a bar from real frame counts."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console
from rich.live import Live
from rich.text import Text

from functions.core.render import TERMINAL, Render, State
from functions.made import made
from functions.ports import Ports
from ops.progress import eta
from schemas.ids import short

LOOK_EVERY = 0.1
BAR = 20
_SEEN_AFTER = {State.STARTING, State.RENDERING, State.STITCHING, State.DONE}


@dataclass(slots=True, kw_only=True)
class Watch:
    """One person's view of one render, from `since` on."""

    console: Console
    ports: Ports
    since: datetime
    _told: set[str] = field(default_factory=set)

    def say(self, word: str, rest: str, at: datetime | None = None) -> None:
        """One line: seconds since the start, what happened, and the rest of it."""
        seconds = ((at or self.ports.clock()) - self.since).total_seconds()
        self.console.print(f"{max(seconds, 0.0):04.1f} {word:<10} {rest}", highlight=False)

    def follow(
        self, find: Callable[[], Render | None], is_told: Callable[[Render], bool]
    ) -> Render:
        """Until the render that `find` finds is at its end and `is_told`; returns it then."""
        most = 0
        with Live(console=self.console, transient=True, refresh_per_second=8) as live:
            while True:
                render = find()
                if render is not None:
                    self._tell(render)
                    if self.console.is_terminal:  # else nobody sees it, and it lists a bucket
                        most, bar = self._bar(render, most)
                        live.update(bar)
                    if render.state in TERMINAL and is_told(render):
                        return render
                time.sleep(LOOK_EVERY)

    def _tell(self, render: Render) -> None:
        if render.plan is not None:
            chunks = f"{render.plan.frames} frames, {render.plan.chunks} chunks"
            self._once("accepted", f"{short(render.id)}  {chunks}", render.created_at)
        for attempt in render.attempts:
            if attempt.started_at is not None:
                key = f"started/{attempt.number}"
                again = f" (attempt {attempt.number})" if attempt.number > 1 else ""
                self._once(key, f"{attempt.lane}: {render.why}{again}", attempt.started_at)
            if attempt.cause is not None:
                self._once(f"lost/{attempt.number}", attempt.cause.message, attempt.ended_at)
        if render.state is State.WAITING:
            self._once(f"waiting/{render.why}", render.why)
        for output in render.outputs:
            sheet = output.certificate
            self._once(
                f"stitched/{output.output_id}",
                f"{sheet.pieces} chunks  {output.output_id}",
                output.at,
            )
            drift = f", A/V drift {sheet.drift_samples}" if sheet.audio_samples is not None else ""
            counted = f"{sheet.frames}/{sheet.planned_frames} frames{drift}"
            self._once(f"verified/{output.output_id}", counted, output.at)

    def _once(self, key: str, rest: str, at: datetime | None = None) -> None:
        if key not in self._told:
            self._told.add(key)
            self.say(key.partition("/")[0], rest, at)

    def _bar(self, render: Render, most: int) -> tuple[int, Text]:
        """The bar, and the most frames that were seen so far, of which `most` before.

        Between its last frame and its commit a piece is in nobody's hand: the count may dip.
        """
        if render.plan is None or render.state not in _SEEN_AFTER or render.state in TERMINAL:
            return most, Text("")
        found, total = made(render, self.ports.work), render.plan.frames
        frames = max(most, min(found.committed + found.in_hand, total))
        full, ends = BAR * frames // total, eta(render, found)
        told = f"  {ends}" if ends and frames < total else ""
        return frames, Text(f"     {'█' * full}{'░' * (BAR - full)} {frames}/{total}{told}")
