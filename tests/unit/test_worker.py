"""Who a task is stands in its environment, wherever it runs."""

import pytest

from render_job.choose import Worker
from render_job.errors import NotSetUp
from render_job.wiring import worker_of


def test_a_task_of_cloud_run_is_named_by_its_execution_and_index() -> None:
    told = {"CLOUD_RUN_EXECUTION": "renders-hkk8p", "CLOUD_RUN_TASK_INDEX": "2"}
    assert worker_of(told) == Worker(execution="renders-hkk8p", task=2)


def test_a_task_of_batch_is_named_by_its_job_and_index() -> None:
    told = {"CLIPLINE_EXECUTION": "r-1-0001", "BATCH_TASK_INDEX": "2"}
    assert worker_of(told) == Worker(execution="r-1-0001", task=2)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"CLOUD_RUN_EXECUTION": "renders-hkk8p"},
        {"BATCH_TASK_INDEX": "0"},
        {"CLOUD_RUN_EXECUTION": "../../etc", "CLOUD_RUN_TASK_INDEX": "0"},
        {"CLOUD_RUN_EXECUTION": "a\n", "CLOUD_RUN_TASK_INDEX": "0"},
        {"CLOUD_RUN_EXECUTION": "renders-hkk8p", "CLOUD_RUN_TASK_INDEX": "-1"},
        {"CLOUD_RUN_EXECUTION": "renders-hkk8p", "CLOUD_RUN_TASK_INDEX": "\N{THAI DIGIT ONE}"},
    ],
)
def test_a_task_that_cannot_tell_itself_from_others_does_not_begin(told: dict[str, str]) -> None:
    with pytest.raises(NotSetUp):
        worker_of(told)
