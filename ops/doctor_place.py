"""Whether the place is set up: its settings, its disk, its clock, and whether a pipeline is up."""

import os
import shutil
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta

from functions.cloud_settings import cloud
from functions.core.render import TERMINAL, State
from functions.errors import NotConfigured
from functions.ports import Ports
from functions.settings import Laptop, Place, laptop, place
from functions.wiring import configured, is_up, reading_ports
from ops.times import clock, length
from schemas.doctor import DoctorFinding
from schemas.ports import StoreRefused

LEAST_FREE_BYTES = 2_000_000_000
"""A render needs its pieces, its output and a copy of it on disk at once."""
CLOCK_OFF = timedelta(seconds=5)
"""So far ahead a render's last change may be before the clock is called wrong."""
ANSWERS_WITHIN = 1.0
"""Seconds that an emulator has to take a connection."""
SHOWN_LANES = 4
_GOOGLES = ("PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST")
"""Emulators by Google's own names, beside `CLIPLINE_…_EMULATOR`."""


def of_place() -> Iterator[DoctorFinding]:
    """In order: where it is, the laptop's folders and clock or the cloud's settings, and lanes."""
    try:
        where = place()
    except NotConfigured as error:
        mend = "export CLIPLINE_PLACE=laptop, or unset CLIPLINE_PLACE"
        yield _bad("place", str(error), mend)
        return
    if where is Place.LAPTOP:
        yield from _of_laptop(laptop())
    else:
        yield _cloud()
    yield _lanes()
    yield from _emulators()


def _cloud() -> DoctorFinding:
    try:
        found = cloud()
    except NotConfigured as error:
        mend = "clipline --project ID doctor, or set it as the deployment has it"
        return _bad("place", str(error), mend)
    buckets = ", ".join((found.uploads, found.work, found.outputs))
    return _well("place", f"project {found.project}, database {found.database}, buckets {buckets}")


def _of_laptop(home: Laptop) -> Iterator[DoctorFinding]:
    if home.home.exists() and not home.home.is_dir():
        mend = "export CLIPLINE_HOME=FOLDER"
        yield _bad("home", f"{home.home} is no folder, so no pipeline can live there", mend)
        return
    yield _room(home)
    if not home.state.is_dir():
        yield _well("pipeline", f"no pipeline was ever up in {home.home}: make up starts one")
        return
    try:
        ports = reading_ports()
        yield _pipeline(home, ports)
        yield _clock(ports, ports.clock())
    except (NotConfigured, StoreRefused, OSError) as error:
        mend = f"put a copy of {home.state} back, or `make reset` to begin anew"
        yield _bad("state", " ".join(str(error).split()), mend)


def _room(home: Laptop) -> DoctorFinding:
    there = next(folder for folder in (home.home, *home.home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if not os.access(there, os.W_OK):
        mend = f"chmod u+w '{there}', or export CLIPLINE_HOME=FOLDER"
        return _bad("home", f"{there} cannot be written to", mend)
    text = f"{free / 1e9:.1f} GB free in {there}, which must have 2 GB"
    if free < LEAST_FREE_BYTES:
        return _bad("room", text, "make room there, or export CLIPLINE_HOME=FOLDER on another disk")
    return _well("room", text)


def _pipeline(home: Laptop, ports: Ports) -> DoctorFinding:
    """That none is up is wrong only if somebody waits for it."""
    if is_up(home):
        return _well("pipeline", f"a pipeline is up in {home.home}")
    left = sum(ports.renders.count(state) for state in State if state not in TERMINAL)
    if left:
        those = (
            "1 render is not at its end" if left == 1 else f"{left} renders are not at their end"
        )
        said = f"no pipeline is up in {home.home}, and {those}"
        return _bad("pipeline", said, "make up")
    return _well("pipeline", f"no pipeline is up in {home.home}, and nothing waits for one")


def _clock(ports: Ports, now: datetime) -> DoctorFinding:
    newest = max((one.updated_at for one in ports.renders.newest(limit=20)), default=now)
    if newest - now > CLOCK_OFF:
        said = (
            f"it is {clock(now)} by this clock, but a render changed {length(newest - now)} later"
        )
        return _bad("clock", said, "have the system set its clock (NTP), then clipline doctor")
    return _well("clock", f"{clock(now)}, not before what has happened here")


def _lanes() -> DoctorFinding:
    try:
        lanes = configured().lanes
    except NotConfigured as error:
        mend = "correct the file that CLIPLINE_LANES_FILE names, or name another"
        return _bad("lanes", str(error), mend)
    shown = ", ".join(lane.id for lane in lanes[:SHOWN_LANES])
    more = f" and {len(lanes) - SHOWN_LANES} more" if len(lanes) > SHOWN_LANES else ""
    said = f"{len(lanes)} lane{'' if len(lanes) == 1 else 's'}: {shown}{more}"
    return _well("lanes", said)


def _emulators() -> Iterator[DoctorFinding]:
    for name, address in sorted(os.environ.items()):
        if name in _GOOGLES or (name.startswith("CLIPLINE_") and name.endswith("_EMULATOR")):
            yield _emulator(name, address)


def _emulator(name: str, address: str) -> DoctorFinding:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        return _bad("emulator", f"{name} is '{address}', which is no HOST:PORT", f"unset {name}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS_WITHIN).close()
    except OSError:
        said = f"{name} is {address}, where nobody answers"
        return _bad("emulator", said, f"start that emulator, or unset {name}")
    return _well("emulator", f"{name} answers at {address}")


def _well(what: str, text: str) -> DoctorFinding:
    return DoctorFinding(what=what, well=True, text=text)


def _bad(what: str, text: str, mend: str) -> DoctorFinding:
    return DoctorFinding(what=what, well=False, text=text, mend=mend)
