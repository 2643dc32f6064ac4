"""What people have decided of launches and money, in memory: the simulator's."""

from collections.abc import Sequence
from datetime import datetime

from functions.core.budget import Raise
from functions.core.switches import Switching


class MemorySwitches:
    """Switches for one thread."""

    def __init__(self) -> None:
        self._noted: list[Switching] = []
        self._raises: list[Raise] = []

    def note(self, switching: Switching) -> None:
        """Kept for good."""
        self._noted.append(switching)

    def noted(self) -> Sequence[Switching]:
        """What was noted last comes first."""
        return tuple(reversed(self._noted))

    def note_raise(self, one: Raise) -> None:
        """Kept for good."""
        self._raises.append(one)

    def raises(self, since: datetime) -> Sequence[Raise]:
        """What was noted last comes first."""
        return tuple(one for one in reversed(self._raises) if one.at >= since)
