"""What the laptop's cloud does to those who work in it: by default nothing.

`infra/laptop/storm.py` is the other weather, which `make run CHAOS=seed` asks for and nobody else
loads.
"""

from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console

from functions.core.render import Render
from infra.laptop.loop import Loop
from infra.laptop.pusher import Inbox


class Weather:
    """Calm: every message comes at once, and nobody is killed."""

    retries = 3
    """How often a task whose process ends badly is started again, as on Cloud Run by default."""

    def over(self, inbox: Inbox) -> Inbox:
        """What the pusher takes its messages from."""
        return inbox

    def loops(self) -> Sequence[Loop]:
        """What runs beside the pipeline, from now until the pipeline stops it."""
        return ()

    def tell(self, render: Render, makespan: timedelta, console: Console) -> None:
        """At the end, what was done to the render."""
