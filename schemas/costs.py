"""What `clipline costs` says, a line for each sum; written for programs too."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """What attempts of one kind have taken and cost, of those that have ended.

    What was not asked to be told apart is empty. The sum of all lines is the sum of the attempts,
    to the microsecond and the nano-dollar.
    """

    TYPE: ClassVar = "clipline.cost-line.v1"
    tenant: str
    lane: str
    preset: str
    """Of all that a render was to make, with `+` between them."""
    cause: str
    """What that time and money were for."""
    lost: bool | None
    """Whether nothing came of it; None where causes are not told apart."""
    microseconds: int
    """From launches to ends, however many tasks ran."""
    nanodollars: int
    """Of all tasks, by the price of the lane on the day of the attempt."""
    version: int = 1
