"""Whether a project's quotas hold a lane: one render of it at least.

Cloud Run counts GPUs when a job is deployed, as tasks times GPUs, so a lane without that quota
makes the whole deployment fail; machines of Batch and of pools are counted as they are started.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.deployment.findings import Finding, Level
from infra.deployment.gcloud import Gcloud, GcloudFailed
from infra.deployment.run_quota import GPUS, UNCONFIRMED, needs

ALL_REGIONS = "GPUS_ALL_REGIONS"


def lane_findings(lanes: Sequence[Mapping[str, Any]], gcloud: Gcloud) -> Iterator[Finding]:
    """One finding a lane, and one more for each quota of it of which nothing is said."""
    quotas = _Quotas(gcloud)
    for lane in lanes:
        try:
            lacking, unseen = list(_lacking(lane, quotas)), list(_unseen(lane, quotas))
        except GcloudFailed as failed:
            yield Finding(
                level=Level.UNKNOWN if _has_by_default(lane) else Level.LEFT_OUT,
                lane=lane["id"],
                what=f"Lane {lane['id']}: its quota cannot be seen: {failed}",
                fix="enable the APIs above, or wait a minute, and look again",
            )
            continue
        if lacking:
            yield Finding(
                level=Level.LEFT_OUT,
                lane=lane["id"],
                what=f"Lane {lane['id']}: {'; '.join(lacking)}",
                fix=f"ask for more: {_console(gcloud)}{_fewer(lane, quotas)}",
            )
            continue
        yield Finding(level=Level.WELL, what=f"Lane {lane['id']}: {_needs(lane, quotas)}")
        for words in unseen:
            yield Finding(
                level=Level.UNKNOWN,
                lane=lane["id"],
                what=f"Lane {lane['id']}: {words}",
                fix=f"look yourself: {_console(gcloud)}",
            )


def _console(gcloud: Gcloud) -> str:
    return f"https://console.cloud.google.com/iam-admin/quotas?project={gcloud.project}"


def _has_by_default(lane: Mapping[str, Any]) -> bool:
    """Whether every project has something of all that it needs: then it is tried unseen."""
    run = lane.get("cloud_run")
    return run is not None and not run.get("gpu")


def _lacking(lane: Mapping[str, Any], quotas: "_Quotas") -> Iterator[str]:
    if run := lane.get("cloud_run"):
        yield from _lacking_on_run(run, lane["tasks"], quotas)
    if workers := lane.get("workers"):
        yield from _lacking_on_run(workers, 1, quotas)
    if batch := lane.get("batch"):
        yield from _lacking_on_machines(batch, lane["tasks"], quotas)
        if not quotas.has_default_network():
            yield "there is no network 'default', which Batch uses"
    if pool := lane.get("pool"):
        machines = -(-lane["tasks"] // pool.get("tasks", 1))
        yield from _lacking_on_machines(pool, machines, quotas)


def _lacking_on_run(run: Mapping[str, Any], tasks: int, quotas: "_Quotas") -> Iterator[str]:
    if (gpu := run.get("gpu")) and gpu not in GPUS:
        yield f"nothing is known of the quota of {gpu} on Cloud Run"
    for need in needs(run):
        limit = quotas.of_run(need.quota, run["region"])
        if limit is not None and limit < tasks * need.each:
            yield (
                f"{need.quota} ({UNCONFIRMED}) is {need.words(limit)} in {run['region']}, "
                f"and {need.words(tasks * need.each)} are needed"
            )


def _unseen(lane: Mapping[str, Any], quotas: "_Quotas") -> Iterator[str]:
    run = lane.get("cloud_run") or {}
    for need in needs(run) if run else ():
        if quotas.of_run(need.quota, run["region"]) is None:
            yield (
                f"no quota {need.quota} ({UNCONFIRMED}) is listed in {run['region']}, so whether "
                f"{need.words(lane['tasks'] * need.each)} are allowed cannot be seen"
            )


def _fewer(lane: Mapping[str, Any], quotas: "_Quotas") -> str:
    """What would fit, in words; nothing where not even one task would."""
    fit = _tasks_at_once(lane, quotas)
    return f'; or say "tasks": {fit} of it' if fit and fit < lane["tasks"] else ""


def _tasks_at_once(lane: Mapping[str, Any], quotas: "_Quotas") -> int | None:
    """How many the quotas of Cloud Run hold; None where nothing is said of any."""
    run = lane.get("cloud_run") or {}
    limits = ((one, quotas.of_run(one.quota, run["region"])) for one in (needs(run) if run else ()))
    return min((limit // one.each for one, limit in limits if limit is not None), default=None)


def _lacking_on_machines(
    kind: Mapping[str, Any], machines: int, quotas: "_Quotas"
) -> Iterator[str]:
    region, spot = kind["region"], kind.get("spot", False)
    limits = quotas.of_region(region)
    cores = machines * _cores(kind["machine_type"])
    # Spot machines are counted as others while their own quota was never asked for.
    own = limits.get("PREEMPTIBLE_CPUS", 0) if spot else 0
    name = "PREEMPTIBLE_CPUS" if own else "CPUS"
    if limits.get(name, 0) < cores:
        yield f"{name} is {limits.get(name, 0):.0f} in {region}, and {cores} are needed"
    if gpu := kind.get("gpu"):
        wanted = machines * kind.get("gpus", 1)
        metric = f"{'PREEMPTIBLE_' if spot else ''}{_metric(gpu)}"
        for name, limit in (
            (metric, limits.get(metric, 0)),
            (ALL_REGIONS, quotas.of_project().get(ALL_REGIONS, 0)),
        ):
            if limit < wanted:
                yield f"{name} is {limit:.0f}, and {wanted} are needed"


def _needs(lane: Mapping[str, Any], quotas: "_Quotas") -> str:
    places = (lane.get(place) or {} for place in ("cloud_run", "batch", "pool", "workers"))
    gpu = next(filter(None, (place.get("gpu") for place in places)), None)
    words = f"{lane['tasks']} times {gpu} are allowed" if gpu else "it needs no GPU"
    tasks = _tasks_at_once(lane, quotas)
    if tasks is not None and tasks // lane["tasks"] < lane["executions"]:
        words += f"; {tasks // lane['tasks']} of its {lane['executions']} executions at once"
    return words


def _cores(machine_type: str) -> int:
    """e2-standard-4 has 4; 1 of a kind whose name does not say."""
    found = re.search(r"-(\d+)$", machine_type)
    return int(found[1]) if found else 1


def _metric(gpu: str) -> str:
    """nvidia-l4 is NVIDIA_L4_GPUS, nvidia-tesla-t4 is NVIDIA_T4_GPUS."""
    return f"{gpu.replace('-tesla', '').replace('-', '_').upper()}_GPUS"


class _Quotas:
    """What Google says of them, each asked once."""

    def __init__(self, gcloud: Gcloud) -> None:
        self._gcloud = gcloud
        self._known: dict[tuple[str, ...], Any] = {}

    def of_run(self, name: str, region: str) -> int | None:
        """None where no quota of that name is listed there.

        One of a GPU of which nothing is said is 0: that is how a quota of none looks.
        """
        infos = self._asked("beta", "quotas", "info", "list", "--service=run.googleapis.com")
        values = [
            int((one.get("details") or {}).get("value") or 0)
            for info in infos
            if info.get("quotaId") == name
            for one in info.get("dimensionsInfos") or ()
            if (one.get("dimensions") or {}).get("region", region) == region
            and region in (one.get("applicableLocations") or [region])
        ]
        none = 0 if any(name == quota for quota, _ in GPUS.values()) else None
        return max(values, default=none)

    def of_region(self, region: str) -> Mapping[str, float]:
        """Compute Engine's, by metric."""
        return _by_metric(self._asked("compute", "regions", "describe", region))

    def of_project(self) -> Mapping[str, float]:
        """Compute Engine's of all regions together."""
        return _by_metric(self._asked("compute", "project-info", "describe"))

    def has_default_network(self) -> bool:
        """Whether Batch finds a network."""
        networks = self._asked("compute", "networks", "list")
        return any(one.get("name") == "default" for one in networks)

    def _asked(self, *words: str) -> Any:
        if words not in self._known:
            self._known[words] = self._gcloud.json(*words)
        return self._known[words]


def _by_metric(answer: Mapping[str, Any]) -> Mapping[str, float]:
    return {str(one["metric"]): float(one["limit"]) for one in answer.get("quotas") or ()}
