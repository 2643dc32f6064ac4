"""Machines of pools: what they are, who reaches them, and that nobody makes one twice."""

import json
import re
from collections.abc import Iterator

from functions.cloud_lanes import cloud_lanes
from functions.errors import NotConfigured
from tests.infra.deployment import Deployment, Resource
from tests.infra.variables import TASK

OURS = "clipline-worker"
ENTRY = re.compile(r"^ {6}(CLIPLINE_\w+)=(.*)$", re.MULTILINE)
IMAGE = re.compile(r"^ +(\S+/\S+) worker --pool ([a-z0-9-]+) --tasks (\d+)", re.MULTILINE)
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
NOTICE = "CLIPLINE_METADATA"
GRACE_SECONDS, SPOT_SECONDS = 10, 30
"""A task's own grace, and what a Spot machine has in all."""


def a_group_makes_nothing_by_itself(deployment: Deployment) -> Iterator[str]:
    """No machine is repaired, healed, moved or replaced: each would double work, or end it."""
    for group in deployment.of("compute_region_instance_group_manager"):
        action = group.block("instance_lifecycle_policy").get("default_action_on_failure")
        if action != "DO_NOTHING":
            yield f"{group.address} makes what was preempted anew ({action})"
        if group.values.get("auto_healing_policies"):
            yield f"{group.address} heals what hangs, whose seats others have"
        update = group.block("update_policy")
        if update.get("instance_redistribution_type") != "NONE":
            yield f"{group.address} moves machines between zones"
        if update.get("type") != "OPPORTUNISTIC":
            yield f"{group.address} replaces machines that work"
        if group.values.get("list_managed_instances_results") != "PAGINATED":
            yield f"{group.address} does not page its machines"
    if deployment.of("compute_region_autoscaler"):
        yield "an autoscaler sets a size, and chooses whom to take away"


def nobody_reaches_a_worker(deployment: Deployment) -> Iterator[str]:
    """No address, no rule that lets anything in, no keys of the project's; Google's APIs alone."""
    for template in deployment.of("compute_instance_template"):
        for interface in template.values["network_interface"]:
            if interface.get("access_config") or interface.get("ipv6_access_config"):
                yield f"{template.address} has an address of its own"
        if template.values.get("can_ip_forward"):
            yield f"{template.address} forwards what is not its own"
        if (template.values.get("metadata") or {}).get("block-project-ssh-keys") != "true":
            yield f"{template.address} lets in whoever has a key of the project"
    for subnetwork in deployment.of("compute_subnetwork"):
        if not subnetwork.values["private_ip_google_access"]:
            yield f"{subnetwork.address} does not reach Google's APIs, which hangs for minutes"
    yield from (f"{rule.address} lets something in" for rule in deployment.of("compute_firewall"))


def a_worker_runs_as_itself(deployment: Deployment) -> Iterator[str]:
    """Under its own account, whose rights are on resources."""
    for template in deployment.of("compute_instance_template"):
        account = template.block("service_account")
        if str(account.get("email")).partition("@")[0] != OURS:
            yield f"{template.address} runs as {account.get('email')}"


def a_spot_worker_is_drained_and_not_restarted(deployment: Deployment) -> Iterator[str]:
    """It asks for the notice; the platform neither moves nor restarts it behind our backs."""
    for template in deployment.of("compute_instance_template"):
        how = template.block("scheduling")
        is_spot = how.get("provisioning_model") == "SPOT"
        if bool(how.get("preemptible")) != is_spot:
            yield f"{template.address} is Spot by one word and not by the other"
        if how.get("automatic_restart"):
            yield f"{template.address} is restarted by the platform"
        has_gpu = bool(template.values.get("guest_accelerator"))
        if (is_spot or has_gpu) and how.get("on_host_maintenance") != "TERMINATE":
            yield f"{template.address} cannot be moved while it runs"
        stop = re.search(r"docker stop --time (\d+)", _told(template))
        if stop is None or not GRACE_SECONDS < int(stop[1]) < SPOT_SECONDS:
            yield f"{template.address} does not leave a drain its time"
        if "poweroff" not in _told(template):
            yield f"{template.address} goes on costing when its worker has left"


def workers_are_told_all_that_they_read(deployment: Deployment) -> Iterator[str]:
    """As a task is, and where the notice comes from; and an image that cannot become another."""
    for template in deployment.of("compute_instance_template"):
        told = dict(ENTRY.findall(_told(template)))
        for name in sorted((TASK | {NOTICE}) - set(told)):
            yield f"{template.address} is not told {name}"
        for name in sorted(set(told) - TASK - {NOTICE}):
            yield f"{template.address} is told {name}, which nobody reads"
        runs = IMAGE.search(_told(template))
        if runs is None or not DIGEST.search(runs[1]):
            yield f"{template.address} runs {runs[1] if runs else 'no worker'}"


def the_control_plane_knows_its_groups(deployment: Deployment) -> Iterator[str]:
    """Every group that a lane names is there, with workers of its pool and as many hands."""
    groups = {
        f"regions/{one.values['region']}/{one.values['name']}": one
        for one in deployment.of("compute_region_instance_group_manager")
    }
    workers = [IMAGE.search(_told(one)) for one in deployment.of("compute_instance_template")]
    pulled = {(one[2], int(one[3])) for one in workers if one}
    for function in deployment.of("cloudfunctions2_function"):
        environment = function.block("service_config")["environment_variables"] or {}
        try:
            lanes = json.loads(environment["CLIPLINE_LANES"])["lanes"]
        except (KeyError, ValueError):
            continue
        named = {}
        for lane in lanes:
            if group := lane.get("group"):
                named[f"{group['where']}/{group['name']}"] = lane
                if (lane["pool"], group["tasks"]) not in pulled:
                    yield f"{function.address}: no worker pulls from {lane['pool']} as it is told"
        for name in sorted(set(named) - set(groups)):
            yield f"{function.address}: there is no group {name}"
        for name in sorted(set(groups) - set(named)):
            yield f"{function.address}: nobody tends the group {name}"


def a_worker_s_job_is_one_worker(deployment: Deployment) -> Iterator[str]:
    """A task each, as itself and nobody else; and what the control plane starts is there."""
    jobs = {
        (job.values["location"], job.values["name"]): job
        for job in deployment.of("cloud_run_v2_job")
        if job.name == "workers"
    }
    for job in jobs.values():
        task = job.block("template", "template")
        if str(task["service_account"]).partition("@")[0] != OURS:
            yield f"{job.address} runs as {task['service_account']}"
        if job.block("template")["task_count"] != 1:
            yield f"{job.address} is several workers of one name"
        if job.block("template", "template", "containers").get("args", [])[:1] != ["worker"]:
            yield f"{job.address} runs no worker"
    for function in deployment.of("cloudfunctions2_function"):
        environment = function.block("service_config")["environment_variables"] or {}
        try:
            lanes = cloud_lanes(environment)
        except NotConfigured:
            continue  # Another policy says so.
        starting = {one.id: one for one in lanes if one.workers}
        named = {(one.workers.region, one.workers.name) for one in lanes if one.workers}
        for where in sorted(named - set(jobs)):
            yield f"{function.address}: there is no job {where[1]} in {where[0]}"
        for where in sorted(set(jobs) - named):
            yield f"{function.address}: nobody starts workers of {where[1]}"
        for job in jobs.values():
            has, lane = job.block("template", "template")["timeout"], starting.get(job.key or "")
            if lane is not None and has != f"{lane.task_timeout_seconds}s":
                yield f"{job.address} ends after {has}: its workers count on another time"


def _told(template: Resource) -> str:
    return str((template.values.get("metadata") or {}).get("user-data", ""))


POLICIES = (
    a_group_makes_nothing_by_itself,
    nobody_reaches_a_worker,
    a_worker_runs_as_itself,
    a_spot_worker_is_drained_and_not_restarted,
    workers_are_told_all_that_they_read,
    the_control_plane_knows_its_groups,
    a_worker_s_job_is_one_worker,
)
