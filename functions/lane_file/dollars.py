"""`[budget]`: what may be spent."""

from collections.abc import Mapping
from fractions import Fraction

from functions.core.prices import DOLLAR
from functions.lane_file.text import LaneFault, loaded


def read_dollars(text: str, name: str) -> Mapping[str, int]:
    """Limits in nano-dollars, by what they limit: `[budget]` with `render_dollars`, `day_dollars`.

    Raises LaneFault.
    """
    try:
        limits = loaded(text).get("budget", {})
        found = {field: round(Fraction(str(value)) * DOLLAR) for field, value in limits.items()}
    except (TypeError, AttributeError, ValueError) as error:
        raise LaneFault(f"{name}: [budget] needs dollars, such as 2.50: {error!r}") from error
    for field, value in found.items():
        if field not in ("render_dollars", "day_dollars") or value < 0:
            raise LaneFault(
                f"{name}: budget.{field} is no limit: there are render_dollars and day_dollars, "
                "0 at least"
            )
    return {field.removesuffix("_dollars"): value for field, value in found.items()}
