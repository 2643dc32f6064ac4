"""A deployment's lanes stand in its environment, each in one place."""

import json
from datetime import timedelta
from typing import Any

import pytest

from functions.cloud_lanes import cloud_lanes
from functions.errors import NotConfigured

KNOWN = {
    "encoder_class": "h264_nvenc/ada/470",
    "tasks": 3,
    "executions": 20,
    "start_within_seconds": 300,
    "attempt_limit_seconds": 3600,
}
RUN = KNOWN | {"id": "cloud-run/us-east4/l4", "region": "us-east4", "job": "renders-l4"}
BATCH = KNOWN | {
    "id": "batch/us-central1/l4/spot",
    "machines": {
        "project": "p",
        "region": "us-central1",
        "image": "renderer",
        "machine_type": "g2-standard-4",
        "spot": True,
        "gpu": "nvidia-l4",
        "cpu_milli": 4000,
        "memory_mib": 15000,
        "service_account": "clipline-render-job@p.iam.gserviceaccount.com",
        "topic": "projects/p/topics/execution-events",
    },
}


def lanes(*told: Any) -> Any:
    return cloud_lanes({"CLIPLINE_LANES": json.dumps(told)})


def test_lanes_are_read_in_the_order_of_choice() -> None:
    spot, run = lanes(BATCH, RUN)
    assert (spot.lane.id, run.lane.id) == (BATCH["id"], RUN["id"])
    assert spot.machines.spot
    assert spot.machines.zones == ()
    assert run.machines is None
    assert run.lane.attempt_limit == timedelta(hours=1)


def test_a_lane_may_be_a_pool_of_machines_that_pull() -> None:
    (one,) = lanes(KNOWN | {"id": "worker/desk", "pool": "desk"})
    assert (one.pool, one.lane.id) == ("desk", "worker/desk")


def test_a_tasks_memory_is_as_it_is_deployed_or_asked_for_and_on_cloud_run_holds_files() -> None:
    spot, run, plain = lanes(BATCH, RUN | {"memory_gib": 4}, RUN | {"id": "unknown"})
    assert (spot.lane.memory_bytes, spot.lane.files_in_memory) == (15_000 << 20, False)
    assert (run.lane.memory_bytes, run.lane.files_in_memory) == (4 << 30, True)
    assert plain.lane.memory_bytes is None


@pytest.mark.parametrize(
    "told",
    [
        KNOWN | {"id": "nowhere"},
        RUN | {"job": ""},
        RUN | {"region": ""},
        RUN | {"machines": BATCH["machines"]},
        RUN | {"pool": "desk"},
        BATCH | {"pool": "desk"},
        BATCH | {"region": "us-central1"},
        BATCH | {"machines": {"project": "p"}},
    ],
)
def test_a_lane_that_is_nowhere_or_in_two_places_is_refused(told: Any) -> None:
    with pytest.raises(NotConfigured):
        lanes(told)


def test_no_lane_or_one_id_twice_is_refused() -> None:
    for told in ((), (RUN, RUN)):
        with pytest.raises(NotConfigured):
            lanes(*told)
