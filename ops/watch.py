"""Following one render: a line for each thing that happens, and a bar from real frame counts."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console
from rich.live import Live
from rich.text import Text

from functions.core.render import TERMINAL, Render, State
from functions.made import made
from functions.ports import Ports
from ops.happenings import happenings
from ops.paper import say_all, say_json
from ops.progress import eta
from schemas.watch_line import Happening, WatchLine

LOOK_EVERY = 0.1
BAR = 20
_SEEN_AFTER = {State.STARTING, State.RENDERING, State.STITCHING, State.DONE}


@dataclass(slots=True, kw_only=True)
class Watch:
    """One person's view of one render, from `since` on."""

    console: Console
    ports: Ports
    since: datetime
    as_json: bool = False
    """One object a line and no bar, for programs."""
    _told: set[tuple[object, ...]] = field(default_factory=set)

    def say(self, word: str, rest: str, at: datetime | None = None) -> None:
        """One line: seconds since the start, what happened, and the rest of it."""
        seconds = ((at or self.ports.clock()) - self.since).total_seconds()
        self.console.print(f"{max(seconds, 0.0):04.1f} {word:<10} {rest}", highlight=False)

    def tell(self, line: WatchLine) -> None:
        """The same of something that happened, at once whoever reads."""
        if self.as_json:
            say_json(line)
            say_all()
        else:
            self.say(line.what.value, line.text, line.at)

    def follow(
        self, find: Callable[[], Render | None], is_told: Callable[[Render], bool]
    ) -> Render:
        """Until the render that `find` finds is at its end and `is_told`; returns it then."""
        most = 0
        live = Live(console=self.console, transient=True, refresh_per_second=8)
        with nullcontext() if self.as_json else live:
            while True:
                render = find()
                if render is not None:
                    self._tell(render)
                    # Else nobody sees it, and it lists a bucket.
                    if self.console.is_terminal and not self.as_json:
                        most, bar = self._bar(render, most)
                        live.update(bar)
                    if render.state in TERMINAL and is_told(render):
                        return render
                time.sleep(LOOK_EVERY)

    def _tell(self, render: Render) -> None:
        for line in happenings(render, self.ports.clock()):
            again = line.text if line.what is Happening.WAITING else ""
            key = (line.what, line.attempt, line.output_id, again)
            if key not in self._told:
                self._told.add(key)
                self.tell(line)

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
