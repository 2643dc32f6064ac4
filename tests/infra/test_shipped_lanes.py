"""The lanes that are shipped are those that Terraform deploys: the code reads them from there."""

import json
from dataclasses import dataclass

import pytest

from functions.cloud_lanes import CloudLane, cloud_lanes
from functions.core.quotas import running_limits
from tests.infra.conftest import Deployed
from tests.infra.deployment import Deployment
from tests.infra.inputs import INPUTS
from tests.infra.terraform import Terraform

UNPRICED = {"cloud-run/europe-west4/rtx-pro-6000", "batch/us-east4/cpu/spot"}
"""Of these nobody has read a price: their renders are not metered."""


@dataclass(frozen=True)
class Shipped:
    """Lanes as a function is told of them."""

    lanes: tuple[CloudLane, ...]

    def of(self, id: str) -> CloudLane:
        return next(one for one in self.lanes if one.id == id)


def told(deployment: Deployment) -> Shipped:
    (function,) = [one for one in deployment.of("cloudfunctions2_function") if one.key == "sweep"]
    return Shipped(cloud_lanes(function.block("service_config")["environment_variables"]))


@pytest.fixture(scope="module")
def with_gpus(deployed: Deployed) -> Shipped:
    """`infra/gcp/envs/gpu.tfvars.json`."""
    return told(deployed.deployment)


@pytest.fixture
def to_begin_with(copy: Terraform) -> Shipped:
    """`infra/gcp/lanes.auto.tfvars.json`, planned over what is deployed with the others."""
    (copy.folder / "z.auto.tfvars.json").write_text(json.dumps(INPUTS))
    copy.run("plan", "-input=false", "-out=plain")
    return told(Deployment(copy.shown("plain")["planned_values"]))


def test_they_can_be_read_and_say_where_their_prices_come_from(
    with_gpus: Shipped, to_begin_with: Shipped
) -> None:
    for shipped in (with_gpus, to_begin_with):
        assert len({one.id for one in shipped.lanes}) == len(shipped.lanes)
        for one in shipped.lanes:
            assert one.location
            parts = one.price.parts if one.price else ()
            assert bool(parts) == (one.id not in UNPRICED)
            assert all(part.read_on and part.source for part in parts)


def test_to_begin_with_there_is_no_gpu(to_begin_with: Shipped) -> None:
    assert [one.id for one in to_begin_with.lanes] == [
        "cloud-run/us-east4/cpu",
        "batch/us-east4/cpu/spot",
    ]
    assert all(one.gpu_slots is None for one in to_begin_with.lanes)


def test_what_lanes_share_is_counted_together(with_gpus: Shipped) -> None:
    limits = running_limits([one.lane for one in with_gpus.lanes])
    assert {one.name: one.most for one in limits} == {
        "us-east4 L4 GPUs": 3,
        "project executions": 1000,
    }


def test_an_hour_of_an_l4_costs_what_was_read(with_gpus: Shipped) -> None:
    run, spot = with_gpus.of("cloud-run/us-east4/l4"), with_gpus.of("batch/us-central1/l4/spot")
    assert (run.lane.is_spot, spot.lane.is_spot) == (False, True)
    assert run.price is not None
    assert run.price.nanodollars_a_second * 3600 == pytest.approx(1.05e9, rel=0.01)
