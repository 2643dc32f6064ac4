"""Settings: what the environment says, read once and checked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from functions.errors import NotConfigured


@dataclass(frozen=True, slots=True, kw_only=True)
class Laptop:
    """The laptop's folders: what people see, and the state that they should leave alone."""

    home: Path

    @property
    def uploads(self) -> Path:
        """A file dropped in here is an upload."""
        return self.home / "uploads"

    @property
    def outputs(self) -> Path:
        """Verified files arrive here under `TENANT/UPLOAD/CLIP/OUTPUT.mp4`."""
        return self.home / "outputs"

    @property
    def state(self) -> Path:
        """Everything else; `make reset` clears it."""
        return self.home / ".state"

    @property
    def work(self) -> Path:
        """The work bucket."""
        return self.state / "work"

    @property
    def renders(self) -> Path:
        """The database of renders."""
        return self.state / "renders.db"

    @property
    def bus(self) -> Path:
        """The database of messages."""
        return self.state / "bus.db"

    @property
    def executions(self) -> Path:
        """The database of executions."""
        return self.state / "executions.db"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.state / "logs"

    @property
    def scratch(self) -> Path:
        """Room for the tasks' work in hand."""
        return self.state / "scratch"


def laptop(environment: Mapping[str, str] = os.environ) -> Laptop:
    """Where this pipeline lives: `CLIPLINE_HOME`, by default `laptop` in the current folder.

    Raises NotConfigured for any `CLIPLINE_PLACE` but `laptop`, the only one that is built.
    """
    place = environment.get("CLIPLINE_PLACE", "laptop")
    if place != "laptop":
        raise NotConfigured(f"CLIPLINE_PLACE is '{place}', but must be 'laptop'")
    return Laptop(home=Path(environment.get("CLIPLINE_HOME") or "laptop").absolute())
