"""Attempts as jobs of Batch, which takes an id of our choice: a launch happens once.

launch ─► CreateJob r-…-0001 ── created, or there already ─► its id
├───── "no" ─────────► LaunchRefused
└───── no answer ────► once more, since the id makes that harmless
└─ no answer again ─► TryAgainLater
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import grpc
from google.api_core.exceptions import AlreadyExists, GoogleAPICallError, NotFound
from google.cloud.batch_v1.services.batch_service import BatchServiceClient
from google.cloud.batch_v1.services.batch_service.transports import BatchServiceGrpcTransport
from google.cloud.batch_v1.types import (
    AllocationPolicy,
    CancelJobRequest,
    ComputeResource,
    CreateJobRequest,
    Environment,
    Job,
    JobNotification,
    JobStatus,
    LifecyclePolicy,
    ListTasksRequest,
    LogsPolicy,
    Runnable,
    ServiceAccount,
    Task,
    TaskGroup,
    TaskSpec,
    TaskStatus,
)

from functions.adapters import google_calls
from functions.adapters.google_calls import ANSWER_WITHIN, answered, not_known, status_of
from functions.batch_machines import BatchMachines
from functions.outcomes.batch import MACHINE_LOST, BatchEnd, failure_of
from functions.outcomes.refusals import refusal_of
from functions.ports import ExecutionState, LaunchRefused
from schemas.ids import execution_id
from schemas.plan import Order

TELLS = (JobStatus.State.SUCCEEDED, JobStatus.State.FAILED)
"""States of which a notification is asked for: Batch publishes none of a cancellation."""
ENDED = (*TELLS, JobStatus.State.CANCELLED)
LEAST = timedelta(seconds=1)
TRIES = 2


class BatchJobs:
    """A Backend. `channel` is for a stand-in; without one it is Google's endpoint, and TLS."""

    def __init__(
        self,
        machines: BatchMachines,
        *,
        channel: grpc.Channel | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._machines = machines
        self._clock = clock
        if channel is None:
            self._client = BatchServiceClient()
        else:
            transport = BatchServiceGrpcTransport(channel=channel)
            self._client = BatchServiceClient(transport=transport)

    def launch(self, order: Order) -> str:
        """Create the attempt's job, if it is not there, and return its id.

        Raises LaunchRefused; TryAgainLater where it is not known whether it runs.
        """
        name = execution_id(order.render, order.attempt)
        request = CreateJobRequest(
            parent=self._machines.parent,
            job_id=name,
            job=job_of(order, self._machines, self._clock()),
        )
        status = ""
        for _ in range(TRIES):
            try:
                self._client.create_job(request, timeout=ANSWER_WITHIN, retry=None)
                return name
            except AlreadyExists:
                return name
            except GoogleAPICallError as error:
                status = status_of(error)
                refusal = refusal_of(status, str(error.message), order.lane)
                if refusal is not None:
                    raise LaunchRefused(refusal) from error
        raise not_known(order.lane, status)

    def stop(self, execution: str) -> None:
        """Cancel it. One that has ended or never was is no error. Raises TryAgainLater."""
        request = CancelJobRequest(name=self._named(execution))
        google_calls.stop(
            execution,
            lambda: self._client.cancel_job(request, timeout=ANSWER_WITHIN, retry=None),
            self.state,
        )

    def state(self, execution: str) -> ExecutionState | None:
        """Whether it is over, and why; None if the service does not know it. Raises TryAgainLater.

        A job without machines has not ended, whatever its events say: the start deadline is the
        core's.
        """
        try:
            with answered(f"'{execution}' is looked at"):
                job = self._client.get_job(
                    name=self._named(execution), timeout=ANSWER_WITHIN, retry=None
                )
                if job.status.state not in ENDED:
                    return ExecutionState(ended=False)
                end = end_of(job, self._tasks(job))
                return ExecutionState(ended=True, failure=failure_of(end))
        except NotFound:
            return None

    def _tasks(self, job: Job) -> Sequence[Task]:
        """Only a failure's are asked for."""
        if job.status.state != JobStatus.State.FAILED:
            return ()
        request = ListTasksRequest(parent=job.task_groups[0].name)
        return tuple(self._client.list_tasks(request, timeout=ANSWER_WITHIN, retry=None))

    def _named(self, execution: str) -> str:
        return f"{self._machines.parent}/jobs/{execution}"


def job_of(order: Order, machines: BatchMachines, now: datetime) -> Job:
    """The job that an order becomes. Its tasks are told ids and nothing else."""
    told = {
        **machines.environment,
        "CLIPLINE_EXECUTION": execution_id(order.render, order.attempt),
        "CLIPLINE_LANE": order.lane,
    }
    container = Runnable.Container(
        image_uri=machines.image,
        options=machines.options,
        commands=["--render", order.render, "--attempt", str(order.attempt)],
    )
    task = TaskSpec(
        runnables=[Runnable(container=container)],
        environment=Environment(variables=told),
        compute_resource=ComputeResource(
            cpu_milli=machines.cpu_milli, memory_mib=machines.memory_mib
        ),
        max_run_duration=max(LEAST, order.deadline - now),
        max_retry_count=machines.retries,
        lifecycle_policies=[
            LifecyclePolicy(
                action=LifecyclePolicy.Action.RETRY_TASK,
                action_condition=LifecyclePolicy.ActionCondition(exit_codes=sorted(MACHINE_LOST)),
            )
        ],
    )
    return Job(
        task_groups=[TaskGroup(task_count=order.tasks, parallelism=order.tasks, task_spec=task)],
        allocation_policy=_allocation(machines),
        labels={"clipline-render": order.render, "clipline-attempt": str(order.attempt)},
        logs_policy=LogsPolicy(destination=LogsPolicy.Destination.CLOUD_LOGGING),
        notifications=[_notification(machines.topic, state) for state in TELLS],
    )


def _allocation(machines: BatchMachines) -> AllocationPolicy:
    model = AllocationPolicy.ProvisioningModel
    policy = AllocationPolicy.InstancePolicy(
        machine_type=machines.machine_type,
        provisioning_model=model.SPOT if machines.spot else model.STANDARD,
    )
    if machines.gpu:
        gpu = AllocationPolicy.Accelerator(type_=machines.gpu, count=machines.gpus)
        policy.accelerators = [gpu]
    places = machines.zones or (machines.region,)
    kind = "zones" if machines.zones else "regions"
    return AllocationPolicy(
        location=AllocationPolicy.LocationPolicy(
            allowed_locations=[f"{kind}/{place}" for place in places]
        ),
        instances=[
            AllocationPolicy.InstancePolicyOrTemplate(
                policy=policy, install_gpu_drivers=machines.gpu is not None
            )
        ],
        service_account=ServiceAccount(email=machines.service_account),
    )


def _notification(topic: str, state: int) -> JobNotification:
    message = JobNotification.Message(
        type_=JobNotification.Type.JOB_STATE_CHANGED, new_job_state=JobStatus.State(state)
    )
    return JobNotification(pubsub_topic=topic, message=message)


def end_of(job: Job, tasks: Iterable[Task]) -> BatchEnd:
    """What the service says of a job that is over, in our own words."""
    everyone = tuple(tasks)
    failed = [one for one in everyone if one.status.state == TaskStatus.State.FAILED]
    return BatchEnd(
        job=job.name.rpartition("/")[2],
        state=JobStatus.State(job.status.state).name,
        events=(
            *(event.description for event in job.status.status_events),
            *(event.description for one in failed for event in one.status.status_events),
        ),
        exit_codes=tuple(filter(None, map(_last_code, failed))),
        began=any(map(_has_run, everyone)),
    )


def _last_code(task: Task) -> int:
    """Of the last run that said one; 0 where none did."""
    codes = [event.task_execution.exit_code for event in task.status.status_events]
    return next((code for code in reversed(codes) if code), 0)


def _has_run(task: Task) -> bool:
    running = TaskStatus.State.RUNNING
    return any(event.task_state == running for event in task.status.status_events)
