"""What a lane on Batch runs on, as data: settings read it, its adapter asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMachines:
    """What a lane's jobs run on. A job has one kind of machine, Spot or standard, in one region."""

    project: str
    region: str
    zones: tuple[str, ...] = ()
    """Zones of the region; none for all of them."""
    image: str
    """The container image; its entry point takes a task's arguments."""
    options: str = ""
    """For `docker run`, where an image needs some to see the GPU."""
    machine_type: str
    spot: bool
    gpu: str | None = None
    """Such as `nvidia-l4`; some machine types have theirs built in, and it must be said all the
    same. None for a machine without."""
    gpus: int = 1
    cpu_milli: int
    """Thousandths of a core for each task: together with the memory it says how many tasks share a
    machine."""
    memory_mib: int
    service_account: str
    topic: str
    """In full: projects/P/topics/execution-events."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What a task is told of the deployment, as `functions/cloud_settings.py` reads it: a job of
    Batch is made by its launch, so nobody else could tell it."""
    retries: int = 3
    """Further runs of a task whose machine was lost, 0 to 10."""

    @property
    def parent(self) -> str:
        """As the API spells the region."""
        return f"projects/{self.project}/locations/{self.region}"
