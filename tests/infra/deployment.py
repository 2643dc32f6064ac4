"""A deployment as policies see it: the values of all its resources, by kind."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource."""

    address: str
    type: str
    name: str
    key: str | None
    """In its `for_each`."""
    values: Mapping[str, Any]

    def block(self, *path: str) -> Mapping[str, Any]:
        """The one block at that path; empty where there is none."""
        at: Any = self.values
        for step in path:
            held = at.get(step) or []
            at = (held[0] if held else {}) if isinstance(held, list) else held
        return dict(at or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A role, to whom, and on what."""

    address: str
    kind: str
    """Of what it is on: `topic`, `bucket`, …; `project`."""
    on: str
    role: str
    member: str


_ON = {
    "google_artifact_registry_repository_iam_member": ("repository", "repository"),
    "google_cloud_run_v2_job_iam_member": ("job", "name"),
    "google_cloud_run_v2_service_iam_member": ("service", "name"),
    "google_project_iam_member": ("project", "project"),
    "google_pubsub_subscription_iam_member": ("subscription", "subscription"),
    "google_pubsub_topic_iam_member": ("topic", "topic"),
    "google_service_account_iam_member": ("account", "service_account_id"),
    "google_storage_bucket_iam_member": ("bucket", "bucket"),
}


class Deployment:
    """All resources of a plan in which everything is known."""

    def __init__(self, planned: Mapping[str, Any]) -> None:
        """`planned` is `planned_values` of a plan, or `values` of a state, as JSON."""
        self.resources = tuple(
            Resource(
                address=one["address"],
                type=one["type"],
                name=one["name"],
                key=one.get("index"),
                values=one["values"],
            )
            for one in planned["root_module"]["resources"]
            if one["mode"] == "managed"
        )

    @classmethod
    def holding(cls, resources: Iterable[Resource]) -> "Deployment":
        """One of those resources."""
        one = cls({"root_module": {"resources": []}})
        one.resources = tuple(resources)
        return one

    def of(self, kind: str, name: str | None = None) -> tuple[Resource, ...]:
        """Those of a type, such as `pubsub_topic`."""
        wanted = f"google_{kind}"
        return tuple(r for r in self.resources if r.type == wanted and name in (None, r.name))

    def one(self, kind: str, key: str) -> Resource | None:
        """The one of that name in its `for_each`, or in the configuration."""
        return next((r for r in self.of(kind) if key in (r.key, r.name)), None)

    def grants(self) -> Iterator[Grant]:
        """Every role that is granted."""
        for resource in self.resources:
            if resource.type in _ON:
                kind, field = _ON[resource.type]
                yield Grant(
                    address=resource.address,
                    kind=kind,
                    on=str(resource.values[field]).rpartition("/")[2].partition("@")[0],
                    role=str(resource.values["role"]).rpartition("/")[2],
                    member=resource.values["member"],
                )


def short(member: str) -> str:
    """`serviceAccount:clipline-push@…` is `clipline-push`; Google's agents by their domain."""
    kind, _, who = member.partition(":")
    name, _, domain = who.partition("@")
    if kind != "serviceAccount":
        return member
    if "gserviceaccount.com" in domain and name.startswith("service-"):
        return domain.partition(".")[0]
    return name
