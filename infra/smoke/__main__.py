"""`make smoke`: send the sample through a whole deployment, break it once, and replay it.

    python -m infra.smoke --project=my-project [--name=clipline]
    python -m infra.smoke --cloud=emulators [--without=FUNCTION]

The exit status is one of `infra/deployment/exits.py`.
"""

import argparse
import os
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from functions.adapters.pubsub_listener import PubSubListener
from functions.cloud_settings import cloud
from functions.errors import NotConfigured, TryAgainLater
from functions.wiring import desk, ports
from infra.deployment.exits import Status
from infra.deployment.gcloud import Gcloud
from infra.laptop.run import SAMPLE
from infra.laptop.server import TARGETS
from infra.smoke.evidence import Evidence, questions
from infra.smoke.heard import LISTENED, Heard
from infra.smoke.places import deployed, emulated, enter
from infra.smoke.trial import NotSeen, Patience, Trial
from render_job.errors import RenderFault
from schemas.ports import NotPublished, StoreRefused, StoreUnavailable

BUILD = Path(__file__).resolve().parents[2] / "build"
HERE = Patience(
    told=timedelta(seconds=30),
    waits=timedelta(seconds=30),
    let_go=timedelta(seconds=90),
    started=timedelta(seconds=90),
    ended=timedelta(seconds=60),
    collected=timedelta(seconds=45),
    done=timedelta(minutes=3),
)
"""Over emulators: nothing is cold or far, and the sweep comes every five seconds."""


def main(arguments: list[str] | None = None) -> int:
    """Try it, and say what was seen."""
    told = _parser().parse_args(arguments)
    try:
        with _place(told):
            return _tried(HERE if told.cloud else Patience(), is_emulated=bool(told.cloud))
    except NotConfigured as error:
        print(f"{str(error).removesuffix('.')}.", file=sys.stderr)
        return Status.UNSUITABLE
    except (NotPublished, RenderFault, StoreRefused, StoreUnavailable, TryAgainLater) as error:
        print(f"The trial was ended: {str(error).removesuffix('.')}.", file=sys.stderr)
        return Status.FAILED
    except KeyboardInterrupt:
        return Status.INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.smoke", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--project", help="a project on Google Cloud with a deployment")
    where.add_argument("--cloud", choices=["emulators"], help="over emulators on this machine")
    parser.add_argument("--name", default="clipline", help="of the deployment")
    parser.add_argument("--without", choices=TARGETS, help="emulators only: leave a function out")
    return parser


def _place(told: argparse.Namespace) -> AbstractContextManager[None]:
    if told.cloud:
        return emulated(told.without)
    if not told.project:
        raise NotConfigured("PROJECT= is missing: a project's id; or say CLOUD=emulators")
    if told.without:
        raise NotConfigured("--without is for emulators: nothing is taken out of a deployment")
    enter(deployed(told.project, told.name, Gcloud(told.project)), BUILD / "smoke")
    return nullcontext()


def _tried(patience: Patience, *, is_emulated: bool) -> int:
    begun = time.monotonic()

    def say(step: str, words: str) -> None:
        print(f"{time.monotonic() - begun:6.1f} s  {step:<12} {words}", flush=True)

    place = cloud()
    where = "emulators on this machine: not run against Google Cloud" if is_emulated else "live"
    print(f"project {place.project}, {where}")
    listener = PubSubListener(
        place.project,
        LISTENED,
        name=f"smoke-{uuid4().hex[:8]}",
        emulator=os.environ.get("PUBSUB_EMULATOR_HOST"),
    )
    evidence: Evidence | None = None
    try:
        evidence = Trial(
            ports=ports(),
            letters=desk().letters,
            heard=Heard(listener),
            video=SAMPLE,
            patience=patience,
            say=say,
        ).run()
    except NotSeen as missing:
        print(missing, file=sys.stderr)
    finally:
        listener.close()
    _answer(evidence, is_emulated=is_emulated)
    return Status.OK if evidence else Status.FAILED


def _answer(evidence: Evidence | None, *, is_emulated: bool) -> None:
    print("\nWhat only a live project can answer (docs/deploy.md), and what was measured:")
    for number, (question, answer) in enumerate(questions(evidence), 1):
        print(f" {number}. {question}\n    {answer}")
    if is_emulated:
        print("These are of stand-ins: they say nothing about Google Cloud.")


if __name__ == "__main__":
    sys.exit(main())
