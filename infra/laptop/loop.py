"""A thread that does one thing again and again until it is told to stop."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

LONGEST_STEP = timedelta(seconds=10)
"""Longer than any step; its thread ends with the process."""

log = logging.getLogger("clipline.laptop")


class Loop:
    """Calls `step` every `pause`, or at once again while it answers that there is more to do.

    An exception is logged and the loop goes on after a second: one bad turn must not stop the
    laptop's cloud.
    """

    def __init__(self, name: str, step: Callable[[], bool], pause: timedelta) -> None:
        self._step = step
        self._pause = pause.total_seconds()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends after the step in hand; waits for that, but not for ever."""
        self._over.set()
        self._thread.join(LONGEST_STEP.total_seconds())
        if self._thread.is_alive():
            log.warning("%s does not end", self._thread.name, extra={"action": "stuck"})

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                more = self._step()
            except Exception:
                if self._over.is_set():
                    return
                log.exception("%s stumbled", self._thread.name, extra={"action": "stumbled"})
                self._over.wait(1)
                continue
            if not more:
                self._over.wait(self._pause)
