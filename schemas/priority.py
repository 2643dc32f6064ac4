"""How urgent a render is: what a spec may ask for, and what its tenant's ceiling lets pass."""

from enum import StrEnum


class Priority(StrEnum):
    """From the most urgent down."""

    LIVE = "live"
    """Somebody sits there and waits."""
    NORMAL = "normal"
    BACKGROUND = "background"
    """A back-catalogue, say: nobody waits for any one of them."""

    def capped(self, ceiling: "Priority") -> "Priority":
        """The less urgent of the two."""
        order = tuple(Priority)
        return max(self, ceiling, key=order.index)
