"""The kill switch in memory: the simulator's."""

from collections.abc import Sequence

from functions.core.switches import Switching


class MemorySwitches:
    """Switches for one thread."""

    def __init__(self) -> None:
        self._noted: list[Switching] = []

    def note(self, switching: Switching) -> None:
        """Kept for good."""
        self._noted.append(switching)

    def noted(self) -> Sequence[Switching]:
        """What was noted last comes first."""
        return tuple(reversed(self._noted))
