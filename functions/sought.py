"""Which renders a person looks for."""

from dataclasses import dataclass
from datetime import datetime

from functions.core.render import Render, State
from schemas.failures import FailureClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Renders that are all of what is not None."""

    prefix: str = ""
    """Their ids start with it."""
    state: State | None = None
    failure: FailureClass | None = None
    """The class of what they failed by, or were cancelled for."""
    tenant: str | None = None
    since: datetime | None = None
    """Opened at that moment or later."""
    until: datetime | None = None
    """Opened before."""

    def fits(self, render: Render) -> bool:
        """Whether that render is one of them."""
        return (
            render.id.startswith(self.prefix)
            and self.state in (None, render.state)
            and self.failure in (None, render.failure.failure if render.failure else None)
            and self.tenant in (None, render.upload.tenant)
            and (self.since is None or self.since <= render.created_at)
            and (self.until is None or render.created_at < self.until)
        )


ANY = Sought()
"""All of them."""
