"""What a lane on Batch runs on, as data: settings read it, its adapter asks for it."""

from dataclasses import dataclass


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
    retries: int = 3
    """Further runs of a task whose machine was lost, 0 to 10."""

    @property
    def parent(self) -> str:
        """As the API spells the region."""
        return f"projects/{self.project}/locations/{self.region}"
