"""Putting the parts together: the only file of the control plane that knows every adapter."""

import os
import random
from datetime import UTC, datetime, timedelta
from functools import cache

from functions.core.lanes import Lane, Policy
from functions.errors import NotConfigured
from functions.ports import Doorkeeper, Ports
from functions.settings import Laptop, callers, laptop

SOURCE = "//clipline/functions"
LAPTOP_LANE = "laptop/cpu"

LAPTOP_POLICY = Policy(
    silence=timedelta(seconds=20),
    effect_grace=timedelta(seconds=2),
    upload_grace=timedelta(seconds=5),
    progress_every=timedelta(seconds=1),
    wait=timedelta(seconds=5),
    keep_done=timedelta(minutes=10),
)
"""A laptop's messages take milliseconds, so what has not come in seconds has got lost."""


@cache
def ports() -> Ports:
    """The parts that this process works with, as its environment says. Raises NotConfigured."""
    return laptop_ports(laptop(), _lane())


@cache
def doorkeeper() -> Doorkeeper:
    """Who asks for tokens, as the environment says. Raises NotConfigured."""
    known = callers()
    if known is None:
        from functions.adapters.open_door import OpenDoor

        return OpenDoor()
    from functions.adapters.google_tokens import GoogleTokens

    return GoogleTokens(known)


def reading_ports() -> Ports:
    """The parts for somebody who only looks: there is no lane, so nothing can be started."""
    place = laptop()
    if not place.state.is_dir():
        raise NotConfigured(f"there is no pipeline in {place.home} (set CLIPLINE_HOME)")
    return laptop_ports(place)


def laptop_ports(place: Laptop, *lanes: Lane) -> Ports:
    """The laptop's parts over the folders of `place`; every lane is child processes."""
    # Here, not above: a place loads the adapters of that place only.
    from functions.adapters.child_process import ChildProcesses
    from functions.adapters.directory_objects import DirectoryObjects
    from functions.adapters.pyav_probe import PyavProber
    from functions.adapters.sqlite_bus import SqliteBus
    from functions.adapters.sqlite_renders import SqliteRenders

    backend = ChildProcesses(place.executions)
    return Ports(
        clock=lambda: datetime.now(UTC),
        draw=random.random,
        renders=SqliteRenders(place.renders),
        uploads=DirectoryObjects(place.uploads, "uploads"),
        work=DirectoryObjects(place.work, "work"),
        outputs=DirectoryObjects(place.outputs, "outputs"),
        publisher=SqliteBus(place.bus, source=SOURCE),
        prober=PyavProber(),
        lanes=lanes,
        backends={lane.id: backend for lane in lanes},
        policy=LAPTOP_POLICY,
    )


def _lane() -> Lane:
    """The laptop's one lane; the composition says what encoder and how many tasks there are."""
    try:
        encoder_class = os.environ["CLIPLINE_ENCODER_CLASS"]
        tasks = int(os.environ["CLIPLINE_TASKS"])
    except (KeyError, ValueError) as error:
        raise NotConfigured(f"set by `make up`, not by hand: {error}") from error
    return laptop_lane(encoder_class, tasks)


def laptop_lane(encoder_class: str, tasks: int) -> Lane:
    """One render at a time, on every core."""
    return Lane(
        id=LAPTOP_LANE,
        encoder_class=encoder_class,
        tasks=tasks,
        executions=1,
        start_within=timedelta(minutes=2),
        attempt_limit=timedelta(hours=12),
    )
