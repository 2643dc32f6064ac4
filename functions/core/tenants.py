"""What is configured of a tenant: where its renders may be made, and how its share is weighed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.ids import Upload
from schemas.priority import Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """The default is that of a tenant of whom nothing is said."""

    locations: tuple[str, ...] | None = None
    """Where its renders may be made; None for anywhere."""
    weight: int = 1
    """Launches that it has for each one of a tenant of weight 1, while both wait."""
    priority: Priority = Priority.NORMAL
    """Of its renders that say nothing else."""
    ceiling: Priority = Priority.NORMAL
    """The most urgent that its uploads may ask for: who uploads is not trusted beyond it."""
    folders: Mapping[str, Priority] = field(default_factory=dict)
    """By the beginning of an upload's name, in place of `priority`; the longest one counts."""


Tenants = Mapping[str, Tenant]
UNKNOWN = Tenant()


def priority_of(upload: Upload, asked: Priority | None, tenants: Tenants) -> Priority:
    """What its spec asks for, up to the tenant's ceiling; else what is configured."""
    tenant = tenants.get(upload.tenant, UNKNOWN)
    if asked is not None:
        return asked.capped(tenant.ceiling)
    fitting = [folder for folder in tenant.folders if upload.name.startswith(folder)]
    return tenant.folders[max(fitting, key=len)] if fitting else tenant.priority
