"""What a deployment on Google Cloud, or on its emulators, is told by its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from functions.errors import NotConfigured

CLOUD_RUN, COMPUTE = "CLIPLINE_CLOUD_RUN_EMULATOR", "CLIPLINE_COMPUTE_EMULATOR"
"""Stand-ins that a laptop may have as well, for the machines of its pools."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One deployment. Emulators are where the environment names them, as for Google's clients."""

    project: str
    uploads: str
    work: str
    outputs: str
    """Names of the three buckets."""
    database: str = "(default)"
    """Of Firestore."""
    pubsub_emulator: str | None = None
    cloud_run_emulator: str | None = None
    batch_emulator: str | None = None
    compute_emulator: str | None = None
    """`host:port`; these three are stand-ins of our own (`infra/emulators`)."""


def cloud(environment: Mapping[str, str] = os.environ) -> Cloud:
    """The deployment that the environment describes. Raises NotConfigured."""
    return Cloud(
        project=needed(environment, "CLIPLINE_PROJECT"),
        uploads=needed(environment, "CLIPLINE_UPLOADS"),
        work=needed(environment, "CLIPLINE_WORK"),
        outputs=needed(environment, "CLIPLINE_OUTPUTS"),
        database=environment.get("CLIPLINE_DATABASE") or "(default)",
        pubsub_emulator=environment.get("PUBSUB_EMULATOR_HOST"),
        cloud_run_emulator=environment.get(CLOUD_RUN),
        batch_emulator=environment.get("CLIPLINE_BATCH_EMULATOR"),
        compute_emulator=environment.get(COMPUTE),
    )


def deployed_as(project: str, name: str) -> Mapping[str, str]:
    """The environment of somebody who looks at a deployment, named as `infra/gcp` names things."""
    return {
        "CLIPLINE_PLACE": "cloud",
        "CLIPLINE_PROJECT": project,
        "CLIPLINE_UPLOADS": f"{project}-{name}-uploads",
        "CLIPLINE_WORK": f"{project}-{name}-work",
        "CLIPLINE_OUTPUTS": f"{project}-{name}-outputs",
        "CLIPLINE_DATABASE": name,
    }


def needed(environment: Mapping[str, str], name: str) -> str:
    """The value of that variable. Raises NotConfigured."""
    if value := environment.get(name):
        return value
    raise NotConfigured(f"{name} is not set: a deployment in the cloud needs it")
