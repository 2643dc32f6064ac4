"""`python -m infra.laptop run|up|reset`: what `make run`, `make up` and `make reset` call."""

import argparse
import faulthandler
import os
import shutil
import signal
import sys
from pathlib import Path

from rich.console import Console

from functions.adapters.up_lock import is_up
from functions.errors import NotConfigured
from functions.settings import Laptop, laptop
from infra.laptop.exits import Refused, Status
from infra.laptop.incarnation import RunningAlready
from infra.laptop.pipeline import Pipeline
from infra.laptop.quiet import logs_to_file
from infra.laptop.run import render_one
from infra.laptop.stage import LaptopStage, Stage
from infra.laptop.weather import Weather
from render_job.errors import RenderFault

SLOW_STOP = 14.0
"""Seconds after which a stop is too slow: every thread's stack is written to `stuck.log` then."""


def main(arguments: list[str] | None = None) -> int:
    """Do what was asked; the exit status is one of `infra/laptop/exits.py`."""
    parser = argparse.ArgumentParser(prog="python -m infra.laptop", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="render one video and show what happens")
    run.add_argument("--video", type=Path, help="a video file; a sample without it")
    run.add_argument("--spec", type=Path, help="a JSON file that says what to make of it")
    run.add_argument("--cloud", choices=["emulators"], help="through Google's emulators instead")
    run.add_argument("--image", metavar="NAME", help="render in containers of this image")
    run.add_argument("--chaos", metavar="SEED", help="misbehave meanwhile, by this seed")
    verbs.add_parser("up", help="keep the laptop's cloud running")
    reset = verbs.add_parser("reset", help="forget renders, messages and objects")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    told = parser.parse_args(arguments)
    console = Console(soft_wrap=True, markup=False)
    # Sent when somebody writes to a file that the watcher has on lease; it would end the process.
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        place = laptop()
        if told.verb == "run":
            weather = _weather(place, told.chaos)
            stage = _stage(told.cloud, told.image, place, weather)
            return render_one(stage, told.video, told.spec, console, weather)
        return _up(place, console) if told.verb == "up" else _reset(place, console, told.yes)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return refusal.status
    except (NotConfigured, RunningAlready, RenderFault) as error:
        print(f"{str(error).removesuffix('.')}.", file=sys.stderr)
        return Status.UNSUITABLE
    except KeyboardInterrupt:
        return Status.INTERRUPTED


def _weather(place: Laptop, chaos: str | None) -> Weather:
    if chaos is None:
        return Weather()
    from infra.laptop.storm import storm  # nobody else is to load it

    return storm(chaos, place)


def _stage(cloud: str | None, image: str | None, place: Laptop, weather: Weather) -> Stage:
    if image is not None:
        if cloud is not None or type(weather) is not Weather:
            raise NotConfigured("IMAGE= goes with neither CLOUD= nor CHAOS=")
        if is_up(place.state):
            raise NotConfigured("a pipeline is up here, which IMAGE= cannot change: stop it first")
        from infra.laptop.program import container  # Docker is for whoever asks for it

        return LaptopStage(place, weather, container(place.home, image))
    if cloud is None:
        return LaptopStage(place, weather)
    from infra.emulators.stage import EmulatedStage  # it loads Google's clients

    return EmulatedStage(place)


def _up(place: Laptop, console: Console) -> int:
    logs_to_file(place.logs)
    asked, ask = os.pipe()
    for number in (signal.SIGINT, signal.SIGTERM):
        # A handler runs in the middle of anything: a byte into a pipe needs no lock.
        signal.signal(number, lambda *_: os.write(ask, b"."))
    pipeline = Pipeline(place, Weather())
    try:
        console.print(f"Up. Drop a video into {place.uploads}/ and find it in {place.outputs}/")
        console.print("Look: .venv/bin/clipline renders   Stop: Ctrl-C", highlight=False)
        os.read(asked, 1)
        console.print("Stopping: what is whole is committed; the next `make up` goes on.")
    finally:
        with (place.logs / "stuck.log").open("a") as stacks:
            faulthandler.dump_traceback_later(SLOW_STOP, file=stacks)
            pipeline.close()
            faulthandler.cancel_dump_traceback_later()
    return Status.OK


def _reset(place: Laptop, console: Console, sure: bool) -> int:
    """Uploads and outputs are people's files: they go too, which is why it asks."""
    if not place.state.exists():
        console.print("There is nothing to forget.")
        return Status.OK
    if is_up(place.state):
        raise Refused(Status.UNSUITABLE, "The pipeline is running: stop it first (Ctrl-C).")
    if not sure:
        console.print(f"This deletes {place.home}/ with all uploads, outputs and renders.")
        if not sys.stdin.isatty() or input("Type yes to go on: ").strip().lower() != "yes":
            console.print("Nothing was deleted.")
            return Status.OK
    for folder in (place.uploads, place.outputs, place.state):
        shutil.rmtree(folder, ignore_errors=True)
    console.print(f"Deleted what was in {place.home}/")
    return Status.OK


if __name__ == "__main__":
    sys.exit(main())
