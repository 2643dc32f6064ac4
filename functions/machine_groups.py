"""Groups of machines that work for a pool, as data: settings read them, adapters ask for them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineGroup:
    """A managed instance group, in a zone or over a region, that was made with no machine in it."""

    project: str
    where: str
    """`zones/us-central1-a` or `regions/us-central1`."""
    name: str
    most: int
    """Machines that it may have at once."""
    tasks: int = 1
    """Seats that the worker of one machine takes at once."""

    @property
    def path(self) -> str:
        """As the API spells it."""
        return f"projects/{self.project}/{self.where}/instanceGroupManagers/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerJob:
    """A Cloud Run job whose executions, of one task each, are workers: small renders share one."""

    project: str
    region: str
    name: str
    most: int
    """Executions that may run at once."""
    tasks: int = 1
    """Seats that one of them takes at once."""
    idle_seconds: int = 20
    """One that has had nothing to do for so long leaves. Until then it is paid for."""

    @property
    def path(self) -> str:
        """As the API spells it."""
        return f"projects/{self.project}/locations/{self.region}/jobs/{self.name}"
