"""What is configured of a tenant: where its renders are made, its share, its folders' specs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from schemas.ids import Upload, tenant_of
from schemas.priority import Priority

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderDefault:
    """What is made of an upload that brings no spec. The default is what is made anywhere."""

    spec: str = ""
    """In JSON; empty for the built-in one."""
    await_sidecar_seconds: int = 0
    """For so long after the upload nothing is rendered: its sidecar may come."""

    @property
    def await_sidecar(self) -> timedelta:
        """The same as a length of time."""
        return timedelta(seconds=self.await_sidecar_seconds)


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
    defaults: Mapping[str, FolderDefault] = field(default_factory=dict)
    """By folder, for what lies in it or below; the longest one counts, and it alone."""


Tenants = Mapping[str, Tenant]
UNKNOWN = Tenant()
NOWHERE = FolderDefault()


def priority_of(upload: Upload, asked: Priority | None, tenants: Tenants) -> Priority:
    """What its spec asks for, up to the tenant's ceiling; else what is configured."""
    tenant = tenants.get(upload.tenant, UNKNOWN)
    if asked is not None:
        return asked.capped(tenant.ceiling)
    return _longest(tenant.folders, upload.name, tenant.priority)


def default_of(name: str, tenants: Tenants) -> FolderDefault:
    """Of the folder of an upload of that name."""
    tenant = tenants.get(tenant_of(name), UNKNOWN)
    return _longest(tenant.defaults, name, NOWHERE)


def _longest(of_folders: Mapping[str, T], name: str, otherwise: T) -> T:
    fitting = [folder for folder in of_folders if name.startswith(folder)]
    return of_folders[max(fitting, key=len)] if fitting else otherwise
