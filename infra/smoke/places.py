"""Where a trial may be made: a deployment on Google Cloud, or the same over emulators here."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from functions.errors import NotConfigured
from functions.settings import laptop
from infra.deployment.gcloud import Gcloud, GcloudFailed
from infra.laptop.quiet import logs_to_file

SWEEP = "sweep"
NOT_OURS = ("CLIPLINE_PUSH_",)
"""Beginnings of what a function is told and somebody at a terminal is not."""


@contextmanager
def emulated(without: str | None = None) -> Iterator[None]:
    """The whole cloud on this machine, without that function if one is named.

    Raises NotConfigured if this machine lacks an emulator.
    """
    from infra.emulators.cloud import EmulatedCloud  # it loads Google's clients
    from infra.emulators.sdk import Absent
    from infra.laptop.pipeline import cores

    logs = laptop().logs
    logs_to_file(logs)
    try:
        cloud = EmulatedCloud(logs, cores(), without=without)
    except Absent as absent:
        raise NotConfigured(f"CLOUD=emulators: {absent}") from absent
    try:
        yield
    finally:
        cloud.close()


def deployed(project: str, name: str, gcloud: Gcloud) -> Mapping[str, str]:
    """What the control plane of that deployment is told: read from the function itself.

    Raises NotConfigured where there is no such deployment.
    """
    try:
        functions = gcloud.json("functions", "list", "--v2")
    except GcloudFailed as failed:
        raise NotConfigured(f"the functions of {project} cannot be listed: {failed}") from failed
    for one in functions:
        if str(one.get("name", "")).endswith(f"/functions/{name}-{SWEEP}"):
            return _told(one, project)
    raise NotConfigured(
        f"there is no function {name}-{SWEEP} in {project}: make deploy first, or say its NAME="
    )


def _told(function: Mapping[str, Any], project: str) -> Mapping[str, str]:
    told = (function.get("serviceConfig") or {}).get("environmentVariables") or {}
    known = {k: str(v) for k, v in told.items() if not k.startswith(NOT_OURS)}
    return {**known, "GOOGLE_CLOUD_PROJECT": project}


def enter(told: Mapping[str, str], home: Path) -> None:
    """Have this process work with that deployment, and log to that folder."""
    os.environ.update(told)
    logs_to_file(home)
