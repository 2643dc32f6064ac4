"""`make preflight`, `plan`, `deploy` and `destroy` over stand-ins: from nothing and back."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from functions.errors import NotConfigured
from infra.deployment.__main__ import main
from infra.deployment.deploy import KEPT
from infra.deployment.exits import Status
from infra.deployment.gcloud import Gcloud
from infra.deployment.needs import BESIDE, ELSEWHERE, PERMISSIONS
from infra.deployment.run_quota import CPU, MEMORY
from infra.deployment.terraform import Terraform
from infra.smoke.places import deployed as told_of
from tests.infra.conftest import Deployed
from tests.infra.google import PROJECT, REGION, Google, environment_of, google, gpu_quota, ordinary
from tests.infra.terraform import GCP

GPU_LANES = GCP / "envs" / "gpu.tfvars.json"
HERE = ("--project", PROJECT, "--region", REGION)
STATE = f"gs://{PROJECT}-clipline-state"


@dataclass(frozen=True)
class Desk:
    """Somebody at a terminal."""

    google: Google
    folder: Path
    capfd: pytest.CaptureFixture[str]

    def types(self, verb: str, *words: str, here: tuple[str, ...] = HERE) -> tuple[int, str]:
        """The exit status, and all that was said."""
        self.capfd.readouterr()
        status = main(
            [verb, *here, *words],
            environment_of(self.google),
            folder=self.folder / "gcp",
            build=self.folder / "build",
        )
        said = self.capfd.readouterr()
        return status, said.out + said.err

    def resources(self, name: str = "clipline") -> list[str]:
        """Addresses in the state."""
        every = Terraform(
            folder=self.folder / "gcp",
            data=self.folder / "build" / f"{PROJECT}-{name}" / "terraform",
            environment=environment_of(self.google),
        ).addresses()
        return [one for one in every if not one.startswith("data.")]

    def told(self, name: str = "clipline") -> dict[str, object]:
        """What Terraform was told last."""
        path = self.folder / "build" / f"{PROJECT}-{name}" / "own.tfvars.json"
        found: dict[str, object] = json.loads(path.read_text())
        return found


@pytest.fixture
def desk(deployed: Deployed, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    # Terraform writes its lock into the root.
    shutil.copytree(GCP, tmp_path / "gcp", ignore=shutil.ignore_patterns(".terraform*"))
    with google(tmp_path / "google", deployed.terraform) as one:
        yield Desk(one, tmp_path, capfd)


def test_preflight_of_a_whole_project_is_well_and_changes_nothing(desk: Desk) -> None:
    before = desk.google.world()
    status, said = desk.types("preflight")
    assert status == Status.OK, said
    assert "Billing is enabled" in said
    assert "Lane cloud-run/us-east4/cpu: it needs no GPU" in said
    assert desk.google.world() == before
    assert desk.google.done() == []


def test_a_folders_default_that_will_not_do_is_told_before_it_is_deployed(
    desk: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "own.tfvars.json"

    def preflight(spec: str) -> tuple[int, str]:
        tenants = {"acme": {"defaults": {"acme/shorts/": {"spec": spec}}}}
        path.write_text(json.dumps({"tenants": tenants}))
        return desk.types("preflight", "--vars", str(path))

    status, said = preflight('{"outputs": [{"height": 9}]}')
    assert status == Status.NOT_READY
    assert "In the variable tenants: tenants.acme.defaults.'acme/shorts/'.spec will not do" in said
    status, said = preflight('{"outputs": [{"height": 90}]}')
    assert status == Status.OK, said
    assert "Tenants: acme" in said


@pytest.mark.parametrize(
    ("change", "what", "fix"),
    [
        ({"accounts": []}, "Nobody is signed in", "gcloud auth login"),
        ({"projects": {}}, "cannot be seen", "gcloud projects create"),
        ({"projects": {PROJECT: "DELETE_REQUESTED"}}, "is DELETE_REQUESTED", "undelete"),
        ({"billing": False}, "Billing is not enabled", "gcloud billing projects link"),
        ({"permissions": []}, "You lack pubsub.topics.create", "add-iam-policy-binding"),
    ],
    ids=["account", "project", "deleted", "billing", "permissions"],
)
def test_what_would_be_stumbled_over_is_named_with_its_fix(
    desk: Desk, change: dict[str, object], what: str, fix: str
) -> None:
    desk.google.change(**change)
    for verb in ("preflight", "deploy"):
        status, said = desk.types(verb)
        assert status == Status.NOT_READY, said
        assert what in said
        assert fix in said
        assert desk.google.done() == []


def test_an_api_that_is_not_enabled_is_told_of_and_no_reason_to_stop(desk: Desk) -> None:
    services = [one for one in desk.google.world()["services"] if "compute" not in one]
    desk.google.change(services=services)
    status, said = desk.types("preflight")
    assert status == Status.OK
    assert "gcloud services enable compute.googleapis.com" in said
    assert "Lane batch/us-east4/cpu/spot: its quota cannot be seen" in said


def test_lanes_are_held_against_the_quota_of_each(desk: Desk) -> None:
    desk.google.change(
        run_quotas=[
            gpu_quota("nvidia-l4", "us-east4", 3),
            gpu_quota("nvidia-rtx-pro-6000", "europe-west4", 0),
            *ordinary("us-east4", gib=48),
            *ordinary("europe-west4"),
        ],
        compute_quotas={"CPUS": 8, "PREEMPTIBLE_NVIDIA_L4_GPUS": 4},
    )
    status, said = desk.types("preflight", "--vars", str(GPU_LANES))
    assert status == Status.OK
    assert "Lane cloud-run/us-east4/l4: 3 times nvidia-l4 are allowed" in said
    quota = "NvidiaRtxPro6000GpuAllocNoZonalRedundancyPerProjectRegion"
    assert f"{quota} (name and unit not confirmed) is 0 in europe-west4, and 1000 are" in said
    assert "CPUS is 8 in us-central1, and 16 are needed" in said
    assert "GPUS_ALL_REGIONS is 0, and 4 are needed" in said
    assert "Lane worker/gpu: GPUS_ALL_REGIONS is 0, and 1 are needed" in said


@pytest.mark.parametrize(
    ("have", "lacking", "fix"),
    [
        (
            {"vcpus": 6},
            "CpuAllocPerProjectRegion (name and unit not confirmed) is 6 vCPU in us-east4, and "
            "8 vCPU are needed",
            '; or say "tasks": 3 of it',
        ),
        (
            {"gib": 12},
            "MemAllocPerProjectRegion (name and unit not confirmed) is 12 GiB in us-east4, and "
            "16 GiB are needed",
            '; or say "tasks": 3 of it',
        ),
        (
            {"vcpus": 1},
            "CpuAllocPerProjectRegion (name and unit not confirmed) is 1 vCPU in us-east4, and "
            "8 vCPU are needed",
            f"project={PROJECT}\n",
        ),
    ],
    ids=["processors", "memory", "not one task"],
)
def test_a_lane_that_processors_or_memory_cannot_hold_is_told_with_its_fix(
    desk: Desk, have: dict[str, int], lacking: str, fix: str
) -> None:
    desk.google.change(run_quotas=ordinary(REGION, **have))
    status, said = desk.types("preflight")
    assert status == Status.OK, said
    assert f"left out  Lane cloud-run/us-east4/cpu: {lacking}" in said
    assert f"iam-admin/quotas?project={PROJECT}" in said
    assert fix in said


def test_how_many_renders_a_quota_holds_at_once_is_said(desk: Desk) -> None:
    status, said = desk.types("preflight")
    assert status == Status.OK
    assert "Lane cloud-run/us-east4/cpu: it needs no GPU; 2 of its 20 executions at once" in said


def test_a_quota_that_is_not_listed_by_its_unconfirmed_name_leaves_no_lane_out(desk: Desk) -> None:
    desk.google.change(run_quotas=[])
    status, said = desk.types("preflight")
    assert status == Status.OK
    for name, needed in ((CPU, "8 vCPU"), (MEMORY, "16 GiB")):
        words = f"no quota {name} (name and unit not confirmed) is listed in us-east4"
        assert f"unknown   Lane cloud-run/us-east4/cpu: {words}" in said
        assert f"so whether {needed} are allowed cannot be seen" in said
    assert "left out  Lane cloud-run" not in said


def test_without_the_quotas_api_only_lanes_that_must_ask_are_left_out(desk: Desk) -> None:
    services = [one for one in desk.google.world()["services"] if "quotas" not in one]
    desk.google.change(services=services)
    status, said = desk.types("preflight", "--vars", str(GPU_LANES))
    assert status == Status.OK
    assert "unknown   Lane cloud-run/us-east4/cpu: its quota cannot be seen" in said
    assert "left out  Lane cloud-run/us-east4/l4: its quota cannot be seen" in said


@pytest.mark.long
def test_a_pipeline_without_any_gpu_is_deployed_and_taken_down_and_its_data_stay(
    desk: Desk,
) -> None:
    status, said = desk.types("deploy", "--vars", str(GPU_LANES))
    assert status == Status.OK, said
    assert "left out  lane cloud-run/us-east4/l4" in said
    assert f"Next: make smoke PROJECT={PROJECT}" in said
    world = desk.google.world()
    bucket = world["buckets"][STATE]
    assert bucket["versioning_enabled"]
    assert bucket["uniform_bucket_level_access"]
    assert bucket["public_access_prevention"] == "enforced"
    assert desk.google.objects(f"{PROJECT}-clipline-state") == ["clipline/default.tfstate"]
    ((image, digest),) = world["images"].items()
    assert desk.told()["render_image"] == f"{image.rpartition(':')[0]}@{digest}"
    assert desk.told()["omit_lanes"] == [
        "cloud-run/us-east4/l4",
        "cloud-run/europe-west4/rtx-pro-6000",
        "batch/us-central1/l4/spot",
        "worker/gpu",
    ]
    made = desk.resources()
    jobs = [one for one in made if one.startswith("google_cloud_run_v2_job.")]
    assert jobs == [
        'google_cloud_run_v2_job.lane["cloud-run/us-east4/cpu"]',
        'google_cloud_run_v2_job.workers["worker/small"]',
    ]

    # What is deployed is not built again.
    status, said = desk.types("deploy", "--vars", str(GPU_LANES))
    assert status == Status.OK
    assert "0 added, 0 changed, 0 destroyed" in said
    assert len([words for words in desk.google.done() if words[0] == "builds"]) == 1

    status, said = desk.types("destroy", "--yes", "--vars", str(GPU_LANES))
    assert status == Status.OK, said
    left = desk.resources()
    assert left == [one for one in made if one.startswith(KEPT)]
    assert {one.partition("[")[0] for one in left} >= {
        "google_firestore_database.renders",
        "google_storage_bucket.outputs",
        "google_storage_bucket.uploads",
        "google_storage_bucket.work",
    }

    # And the next deployment goes on with them.
    status, said = desk.types("deploy", "--vars", str(GPU_LANES))
    assert status == Status.OK, said
    assert sorted(desk.resources()) == sorted(made)

    status, said = desk.types("destroy", "--yes", "--delete-data", "--vars", str(GPU_LANES))
    assert status == Status.OK, said
    assert desk.resources() == []


@pytest.mark.long
def test_staging_and_production_share_nothing(desk: Desk) -> None:
    assert desk.types("deploy")[0] == Status.OK
    before = desk.resources()
    assert desk.types("deploy", "--name", "staging")[0] == Status.OK
    assert f"gs://{PROJECT}-staging-state" in desk.google.world()["buckets"]
    assert desk.resources("staging") != []
    assert desk.types("destroy", "--yes", "--delete-data", "--name", "staging")[0] == Status.OK
    assert desk.resources("staging") == []
    assert desk.resources() == before


def test_apis_are_enabled_and_their_quotas_asked_for_then(desk: Desk) -> None:
    desk.google.change(services=["cloudresourcemanager.googleapis.com"])
    status, said = desk.types("deploy")
    assert status == Status.OK, said
    assert "compute.googleapis.com" in desk.google.world()["services"]
    assert desk.told()["omit_lanes"] == []


@pytest.mark.long
def test_a_build_that_fails_is_told_and_the_same_command_goes_on(desk: Desk) -> None:
    desk.google.change(builds_fail=True)
    status, said = desk.types("deploy")
    assert status == Status.FAILED
    assert "gcloud builds submit" in said
    assert "the same command goes on" in said
    desk.google.change(builds_fail=False)
    assert desk.types("deploy")[0] == Status.OK


def test_a_plan_shows_all_and_changes_nothing(desk: Desk) -> None:
    before = desk.google.world()
    status, said = desk.types("plan")
    assert status == Status.OK, said
    assert "Nothing is deployed" in said
    assert "to add, 0 to change, 0 to destroy" in said
    assert desk.google.world() == before
    assert desk.google.done() == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--project", "", "--region", REGION), "PROJECT= is missing"),
        (("--project", "My Project", "--region", REGION), "PROJECT=My Project cannot be"),
        (("--project", PROJECT), "REGION= is missing"),
        (("--project", PROJECT, "--region", "mars"), "REGION=mars cannot be"),
        ((*HERE, "--name", "x"), "NAME=x cannot be"),
        ((*HERE, "--vars", "/nowhere/at-all"), "VARS: there is no file '/nowhere/at-all'"),
    ],
)
def test_a_word_that_cannot_be_meant_is_one_sentence(
    desk: Desk, words: tuple[str, ...], sentence: str
) -> None:
    status, said = desk.types("deploy", here=words)
    assert status == Status.UNSUITABLE
    assert said.startswith(sentence)
    assert len(said.splitlines()) == 1
    assert desk.google.asked() == []


def test_without_gcloud_nothing_is_begun(desk: Desk) -> None:
    (desk.google.folder / "bin" / "gcloud").unlink()
    status, said = desk.types("deploy")
    assert status == Status.UNSUITABLE
    assert "gcloud is not on the PATH" in said


def test_a_trial_finds_what_the_deployment_itself_is_told(desk: Desk) -> None:
    told = {"CLIPLINE_PROJECT": PROJECT, "CLIPLINE_LANES": "{}", "CLIPLINE_PUSH_TOKENS": "stripped"}
    desk.google.change(functions={"clipline-sweep": told, "staging-sweep": {}})
    gcloud = Gcloud(PROJECT, environment_of(desk.google))
    assert told_of(PROJECT, "clipline", gcloud) == {
        "CLIPLINE_PROJECT": PROJECT,
        "CLIPLINE_LANES": "{}",
        "GOOGLE_CLOUD_PROJECT": PROJECT,
    }
    with pytest.raises(NotConfigured, match="there is no function other-sweep in demo-project"):
        told_of(PROJECT, "other", gcloud)


@pytest.mark.parametrize("words", [("plan",), ("destroy", "--yes")], ids=["plan", "destroy"])
def test_who_cannot_see_a_deployment_is_not_told_that_there_is_none(
    desk: Desk, words: tuple[str, ...]
) -> None:
    desk.google.change(accounts=[])
    status, said = desk.types(*words)
    assert status == Status.FAILED
    assert "You do not currently have an active account" in said.splitlines()[-1]
    assert "no bucket" not in said
    assert desk.google.done() == []


def test_a_destroy_that_nobody_confirms_destroys_nothing(desk: Desk) -> None:
    status, said = desk.types("destroy")
    assert status == Status.DECLINED
    assert "Nothing was destroyed" in said
    assert desk.google.asked() == []


def test_every_kind_of_resource_says_what_its_maker_must_be_allowed(deployed: Deployed) -> None:
    kinds = {one.type for one in deployed.deployment.resources}
    assert kinds - ELSEWHERE.keys() == PERMISSIONS.keys()
    assert all(name.count(".") >= 2 for name in (*PERMISSIONS.values(), *BESIDE))
