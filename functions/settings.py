"""Settings: what the environment says, read once and checked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
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
        """Verified files arrive here under `TENANT/UPLOAD/CLIP/OUTPUT.EXT`."""
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
    def dead_letters(self) -> Path:
        """The database of the dead-letter desk."""
        return self.state / "dead_letters.db"

    @property
    def ledger(self) -> Path:
        """The database of what became of launches."""
        return self.state / "ledger.db"

    @property
    def switches(self) -> Path:
        """The database of who paused what."""
        return self.state / "switches.db"

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


class Place(StrEnum):
    """Where the pipeline runs: `CLIPLINE_PLACE`."""

    LAPTOP = "laptop"
    CLOUD = "cloud"
    """Google Cloud, or its emulators."""


def place(environment: Mapping[str, str] = os.environ) -> Place:
    """The laptop, unless the environment says otherwise. Raises NotConfigured."""
    word = environment.get("CLIPLINE_PLACE", Place.LAPTOP)
    if word not in set(Place):
        raise NotConfigured(f"CLIPLINE_PLACE is '{word}', but must be laptop or cloud")
    return Place(word)


def laptop(environment: Mapping[str, str] = os.environ) -> Laptop:
    """Where this pipeline lives: `CLIPLINE_HOME`, by default `laptop` in the current folder.

    Raises NotConfigured where the place is another one.
    """
    if place(environment) is not Place.LAPTOP:
        raise NotConfigured("this works on a laptop only: unset CLIPLINE_PLACE")
    return Laptop(home=Path(environment.get("CLIPLINE_HOME") or "laptop").absolute())


class PushTokens(StrEnum):
    """What is asked of the token that a caller shows: `CLIPLINE_PUSH_TOKENS`."""

    SIGNED = "signed"
    """Its signature and all that it says. The default anywhere but on the laptop."""
    STRIPPED = "stripped"
    """All that it says. For services behind Cloud Run's own check, which takes the signature away
    before we see it: without that check anybody could write such a token."""
    UNCHECKED = "unchecked"
    """Nothing; who may reach the service may call it. For emulators, which send no token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """Who may call the functions."""

    accounts: frozenset[str]
    """E-mails of the service accounts that push: of the subscriptions, of Eventarc's trigger and
    of the scheduler."""
    audiences: frozenset[str]
    """What their tokens are made out for: the services' URLs, or a name of our own."""
    signed: bool
    """Whether the signature must be there."""


def callers(environment: Mapping[str, str] = os.environ) -> Callers | None:
    """Who may call, from `CLIPLINE_PUSH_ACCOUNTS` and `CLIPLINE_PUSH_AUDIENCES`, lists with commas.

    None where no token is asked for: on the laptop, which listens to itself alone, and where that
    is switched off explicitly. Raises NotConfigured; there is no default for who may call.
    """
    is_laptop = place(environment) is Place.LAPTOP
    word = environment.get("CLIPLINE_PUSH_TOKENS") or (
        PushTokens.UNCHECKED if is_laptop else PushTokens.SIGNED
    )
    if word not in set(PushTokens):
        raise NotConfigured(
            f"CLIPLINE_PUSH_TOKENS is '{word}', but must be signed, stripped or unchecked"
        )
    if word == PushTokens.UNCHECKED:
        return None
    return Callers(
        accounts=_listed(environment, "CLIPLINE_PUSH_ACCOUNTS"),
        audiences=_listed(environment, "CLIPLINE_PUSH_AUDIENCES"),
        signed=word == PushTokens.SIGNED,
    )


def _listed(environment: Mapping[str, str], name: str) -> frozenset[str]:
    values = frozenset(filter(None, map(str.strip, environment.get(name, "").split(","))))
    if not values:
        raise NotConfigured(f"{name} is not set, but tokens are checked (CLIPLINE_PUSH_TOKENS)")
    return values
