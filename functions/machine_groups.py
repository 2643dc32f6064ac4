"""A group of machines that work for a pool, as data: settings read it, its adapter asks for it."""

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
