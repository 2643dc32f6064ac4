"""What runs: functions, render jobs and what they are told."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from functions.cloud_lanes import cloud_lanes
from functions.errors import NotConfigured
from functions.lane_file.dollars import read_dollars
from functions.lane_file.tenants import read_tenants
from functions.lane_file.text import LaneFault
from functions.settings import PushTokens
from infra.deployment.cost import AtRest
from tests.infra.at_rest import AT_REST
from tests.infra.deployment import Deployment
from tests.infra.variables import FUNCTIONS, TASK

GPU_NEEDS = {"nvidia-l4": (4, 16), "nvidia-rtx-pro-6000": (20, 80)}
"""Cores and GiB that Cloud Run asks for beside one (https://cloud.google.com/run/docs/configuring/jobs/gpu)."""
LONGEST_WITH_GPU, LONGEST = 3600, 168 * 3600
"""Seconds of a task (https://cloud.google.com/run/docs/configuring/task-timeout)."""
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
DURATION = re.compile(r"^\d+s$")


def functions_are_told_all_that_they_read(deployment: Deployment) -> Iterator[str]:
    """Every variable that the code reads is set, and every one that is set is read."""
    for function in deployment.of("cloudfunctions2_function"):
        told = function.block("service_config")["environment_variables"] or {}
        yield from _differ(function.address, set(told), FUNCTIONS)
        yield from (f"{function.address}: {name} is empty" for name, v in told.items() if not v)


def tasks_are_told_all_that_they_read(deployment: Deployment) -> Iterator[str]:
    """The same for the render task, on Cloud Run and on Batch."""
    for job in deployment.of("cloud_run_v2_job"):
        told = job.block("template", "template", "containers")["env"]
        yield from _differ(job.address, {one["name"] for one in told}, TASK)
    for function in deployment.of("cloudfunctions2_function"):
        for lane in _lanes(function.block("service_config")["environment_variables"]):
            if machines := lane.get("machines"):
                yield from _differ(f"lane {lane['id']}", set(machines["environment"]), TASK)


def the_code_can_read_its_lanes(deployment: Deployment) -> Iterator[str]:
    """CLIPLINE_LANES is what functions/cloud_lanes.py reads; the jobs that it names are there."""
    jobs = {
        (job.values["location"], job.values["name"]) for job in deployment.of("cloud_run_v2_job")
    }
    for function in deployment.of("cloudfunctions2_function"):
        environment = function.block("service_config")["environment_variables"] or {}
        try:
            lanes = cloud_lanes(environment)
            tenants = read_tenants(environment["CLIPLINE_LANES"], "CLIPLINE_LANES")
            read_dollars(environment["CLIPLINE_LANES"], "CLIPLINE_LANES")
        except (NotConfigured, LaneFault) as error:
            yield f"{function.address}: {error}"
            continue
        known = {lane.location for lane in lanes}
        for name, tenant in tenants.items():
            if tenant.locations is not None and not known & set(tenant.locations):
                yield f"{function.address}: no lane is where {name} may be rendered"
        for lane in lanes:
            if lane.job and (lane.region, lane.job) not in jobs:
                yield f"{function.address}: there is no job {lane.job} in {lane.region}"


def functions_check_their_callers(deployment: Deployment) -> Iterator[str]:
    """Behind Cloud Run's own check a token has no signature, but says who calls and whom."""
    for function in deployment.of("cloudfunctions2_function"):
        told = function.block("service_config")["environment_variables"] or {}
        if told.get("CLIPLINE_PUSH_TOKENS") != PushTokens.STRIPPED:
            yield f"{function.address} must expect tokens without their signature"
        callers = set(str(told.get("CLIPLINE_PUSH_ACCOUNTS", "")).split(","))
        for grant in deployment.grants():
            caller = grant.member.partition(":")[2]
            is_ours = grant.kind == "service" and grant.on == function.values["name"]
            if is_ours and caller not in callers:
                yield f"{function.address} is called by {caller}, whom it would refuse"


def a_function_ends_before_its_message_comes_again(deployment: Deployment) -> Iterator[str]:
    """The ack deadline is as long as the function may take, or two would work on one message."""
    limits = {
        function.values["name"]: function.block("service_config")["timeout_seconds"]
        for function in deployment.of("cloudfunctions2_function")
    }
    for subscription in deployment.of("pubsub_subscription"):
        endpoint = str(subscription.block("push_config").get("push_endpoint", ""))
        for name, limit in limits.items():
            if f"//{name}-" in endpoint and subscription.values["ack_deadline_seconds"] < limit:
                yield f"{subscription.address} waits less than the {limit} s of {name}"
    for clock in deployment.of("cloud_scheduler_job"):
        limit = limits.get(clock.values["name"])
        if clock.values["attempt_deadline"] != f"{limit}s":
            yield f"{clock.address} does not wait the {limit} s of {clock.values['name']}"


def gpu_jobs_can_be_deployed(deployment: Deployment) -> Iterator[str]:
    """A job with a GPU has no zonal redundancy, one GPU, and the cores and memory it needs."""
    for job in deployment.of("cloud_run_v2_job"):
        task = job.block("template", "template")
        gpu = job.block("template", "template", "node_selector").get("accelerator")
        limits = job.block("template", "template", "containers", "resources")["limits"]
        if gpu is None:
            continue
        if task["gpu_zonal_redundancy_disabled"] is not True:
            yield f"{job.address} asks for zonal redundancy, which jobs cannot have"
        if limits.get("nvidia.com/gpu") != "1":
            yield f"{job.address} has an accelerator and no GPU among its limits"
        if gpu not in GPU_NEEDS:
            yield f"{job.address} asks for {gpu}, which Cloud Run does not have"
            continue
        cores, gib = GPU_NEEDS[gpu]
        if int(limits["cpu"]) < cores or int(limits["memory"].removesuffix("Gi")) < gib:
            yield f"{job.address} needs {cores} cores and {gib} GiB beside {gpu}"


def a_task_has_a_time_limit_that_it_may_have(deployment: Deployment) -> Iterator[str]:
    """Seconds with an s; an hour with a GPU, a week without; and retries that are allowed."""
    for job in deployment.of("cloud_run_v2_job"):
        task = job.block("template", "template")
        longest = LONGEST_WITH_GPU if task.get("node_selector") else LONGEST
        timeout = str(task["timeout"])
        if not DURATION.match(timeout) or not 1 <= int(timeout[:-1]) <= longest:
            yield f"{job.address} has the timeout {timeout}"
        if not 1 <= task["max_retries"] <= 10:
            yield f"{job.address} is retried {task['max_retries']} times: a preempted task never is"
        if job.block("template")["parallelism"] < job.block("template")["task_count"]:
            yield f"{job.address} has tasks that wait for others"


def images_are_named_by_digest(deployment: Deployment) -> Iterator[str]:
    """A tag may become another image, and pieces of two ffmpegs would meet in one output."""
    for job in deployment.of("cloud_run_v2_job"):
        image = str(job.block("template", "template", "containers")["image"])
        if not DIGEST.search(image):
            yield f"{job.address} runs {image}"


def no_machine_runs_idle(deployment: Deployment) -> Iterator[str]:
    """Without an upload nothing runs, and nothing but what is stored is paid for.

    Whatever is there must be of a kind of which somebody has said what it costs at rest.
    """
    for function in deployment.of("cloudfunctions2_function"):
        if function.block("service_config")["min_instance_count"]:
            yield f"{function.address} keeps instances"
    for kind in ("compute_instance", "compute_region_instance_group_manager"):
        for machine in deployment.of(kind):
            if kind == "compute_instance" or machine.values.get("target_size"):
                yield f"{machine.address} is a machine that runs"
    for kind in sorted({one.type for one in deployment.resources} - AT_REST.keys()):
        yield f"nobody has said what {kind} costs at rest"


def what_is_billed_at_rest_is_there(deployment: Deployment) -> Iterator[str]:
    """The formula of `make cost` takes for granted what the plan has."""
    rest = AtRest()
    conditions = sum(
        len(alert.values["conditions"]) for alert in deployment.of("monitoring_alert_policy")
    )
    if conditions != rest.conditions:
        yield f"{conditions} alert conditions are planned, and {rest.conditions} are billed"
    clocks = {job.key for job in deployment.of("cloud_scheduler_job")}
    if len(clocks) != rest.calls:
        yield f"{len(clocks)} functions are called by a clock, and {rest.calls} are billed"
    for function in deployment.of("cloudfunctions2_function"):
        config = function.block("service_config")
        if function.key in clocks and config["available_memory"] != f"{rest.function_mib}Mi":
            yield f"{function.address} has {config['available_memory']}, which is not billed"
        if config["available_cpu"] != "1":
            yield f"{function.address} has {config['available_cpu']} vCPUs, and 1 is billed"


def _lanes(environment: Mapping[str, str] | None) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads((environment or {})["CLIPLINE_LANES"])["lanes"]
    except (KeyError, ValueError):
        return []
    return found


def _differ(where: str, told: set[str], read: set[str]) -> Iterator[str]:
    yield from (f"{where} is not told {name}" for name in sorted(read - told))
    yield from (f"{where} is told {name}, which nobody reads" for name in sorted(told - read))


POLICIES = (
    functions_are_told_all_that_they_read,
    tasks_are_told_all_that_they_read,
    the_code_can_read_its_lanes,
    functions_check_their_callers,
    a_function_ends_before_its_message_comes_again,
    gpu_jobs_can_be_deployed,
    a_task_has_a_time_limit_that_it_may_have,
    images_are_named_by_digest,
    no_machine_runs_idle,
    what_is_billed_at_rest_is_there,
)
