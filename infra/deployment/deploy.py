"""`make plan`, `make deploy` and `make destroy`: one deployment, from nothing and back.

    preflight ─► APIs ─► state bucket ─► bundle ─► init ─► repository ─► image, far away ─► apply

Each step looks first, so a deployment that was interrupted anywhere is simply begun again.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.bundle.stage import stage
from infra.deployment.findings import Report
from infra.deployment.gcloud import Gcloud, GcloudFailed
from infra.deployment.image_context import stage_context
from infra.deployment.preflight import missing_services, preflight
from infra.deployment.terraform import Terraform
from infra.deployment.wish import Wish

UNBUILT = f"sha256:{'0' * 64}"
"""In place of the digest of an image that is not there yet."""
REPOSITORY = "google_artifact_registry_repository.images"
KEPT = (
    "google_firestore_database.",
    "google_firestore_field.",
    "google_firestore_index.",
    "google_project_service.",
    "google_storage_bucket.outputs",
    "google_storage_bucket.uploads",
    "google_storage_bucket.work",
)
"""Beginnings of addresses that a destroy leaves: data, and the APIs that it lives on. They stay in
the state, so that the next deployment goes on with them."""
NOT_FOUND = "not found: 404"
"""As gcloud says it of a bucket that is not there."""
LOCAL = 'terraform {\n  backend "local" {}\n}\n'


class NotReady(Exception):
    """Preflight found something that must be mended first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployer:
    """What all verbs share. `say` is told what happens, in a line."""

    wish: Wish
    gcloud: Gcloud
    environment: Mapping[str, str]
    say: Callable[[str], None]
    archive: Callable[[], Path] = field(default=lambda: stage().archive)

    def preflight(self) -> Report:
        """Look, and say what was found."""
        report = preflight(self.wish, self.gcloud)
        for line in report.lines():
            self.say(line)
        return report

    def plan(self) -> None:
        """What a deployment would do; nothing is changed.

        Raises NotConfigured, GcloudFailed, TerraformFailed.
        """
        omitted = self.preflight().omitted
        if self._has_state_bucket():
            terraform = self._terraform(self.wish.folder)
            self._init(terraform)
        else:
            self.say(f"Nothing is deployed: there is no bucket {self.wish.state_bucket} yet.")
            terraform = self._terraform(self._first_look())
            terraform.init()
        self._tell(image=self._image_or_none_yet(), omitted=omitted)
        terraform.change("plan", "-lock=false")

    def deploy(self) -> None:
        """All of it. Raises NotReady before anything is changed; GcloudFailed, TerraformFailed."""
        report = self.preflight()
        if report.is_ready and (missing := missing_services(self.gcloud)):
            self.say(f"Enabling {len(missing)} APIs, then looking again at what they tell")
            self.gcloud.do("services", "enable", *missing)
            report = self.preflight()
        if not report.is_ready:
            raise NotReady
        self._make_state_bucket()
        terraform = self._terraform(self.wish.folder)
        self._init(terraform)
        self._tell(image=self._image_or_none_yet(), omitted=report.omitted)
        image = self._image_there()
        if image is None:
            terraform.change("apply", "-auto-approve", f"-target={REPOSITORY}")
            image = self._build()
        self._tell(image=image, omitted=report.omitted)
        terraform.change("apply", "-auto-approve")
        for bucket, name in terraform.outputs()["buckets"].items():
            self.say(f"{bucket:<9} gs://{name}")
        for lane in report.omitted:
            self.say(f"left out  lane {lane}: deploy again when there is quota")
        self.say(f"Next: make smoke PROJECT={self.wish.project} NAME={self.wish.name}")

    def destroy(self, *, delete_data: bool) -> None:
        """Take it down; uploads, work, outputs and renders stay unless `delete_data`.

        Raises NotConfigured, GcloudFailed, TerraformFailed.
        """
        if not self._has_state_bucket():
            self.say(f"There is nothing to destroy: no bucket {self.wish.state_bucket}.")
            return
        terraform = self._terraform(self.wish.folder)
        self._init(terraform)
        self._tell(
            image=self._image_or_none_yet(),
            omitted=[],
            delete_data=delete_data,
        )
        if delete_data:
            # What protects data is taken away first, and by that alone.
            data = [one for one in terraform.addresses() if one.startswith(KEPT)]
            if data:
                terraform.change("apply", "-auto-approve", *_targets(data))
            terraform.change("destroy", "-auto-approve")
            self.say(
                f"All is gone but the state: gcloud storage rm -r gs://{self.wish.state_bucket}"
            )
            return
        going = [one for one in terraform.addresses() if not one.startswith((*KEPT, "data."))]
        if going:
            terraform.change("destroy", "-auto-approve", *_targets(going))
        self.say("Uploads, work, outputs and renders stay: make destroy DELETE_DATA=1 takes them.")

    # ── the parts ──

    def _terraform(self, folder: Path) -> Terraform:
        return Terraform(
            folder=folder,
            data=self.wish.home / "terraform",
            variables=(*self.wish.variables, self._own),
            environment=self.environment,
        )

    @property
    def _own(self) -> Path:
        """What this program tells Terraform; it counts most."""
        return self.wish.home / "own.tfvars.json"

    def _tell(self, *, image: str, omitted: list[str], delete_data: bool = False) -> None:
        told: dict[str, object] = {
            "project": self.wish.project,
            "region": self.wish.region,
            "name": self.wish.name,
            "functions_archive": str(self.archive().resolve()),
            "render_image": image,
            "omit_lanes": omitted,
            "gcloud": self.gcloud.binary,
        }
        if delete_data:
            told["delete_data"] = True
        self.wish.home.mkdir(parents=True, exist_ok=True)
        self._own.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")

    def _named(self, image: str) -> str:
        return f"{self.wish.repository}/{image}"

    def _init(self, terraform: Terraform) -> None:
        terraform.init(
            f"-backend-config=bucket={self.wish.state_bucket}",
            f"-backend-config=prefix={self.wish.name}",
        )

    def _first_look(self) -> Path:
        """A copy of the root that needs no state bucket."""
        folder = self.wish.home / "first-look"
        shutil.rmtree(folder, ignore_errors=True)
        kept_out = shutil.ignore_patterns(".terraform", "*.tfstate*", "my.auto.tfvars")
        shutil.copytree(self.wish.folder, folder, ignore=kept_out)
        (folder / "backend_override.tf").write_text(LOCAL, encoding="utf-8")
        return folder

    def _has_state_bucket(self) -> bool:
        """Raises GcloudFailed where that cannot be seen: then nobody says that it is not there."""
        try:
            self.gcloud.json("storage", "buckets", "describe", f"gs://{self.wish.state_bucket}")
        except GcloudFailed as failed:
            if NOT_FOUND in str(failed):
                return False
            raise
        return True

    def _make_state_bucket(self) -> None:
        bucket = f"gs://{self.wish.state_bucket}"
        if not self._has_state_bucket():
            self.say(f"Making {bucket} for Terraform's state")
            self.gcloud.do(
                *("storage", "buckets", "create", bucket, f"--location={self.wish.region}"),
                *("--uniform-bucket-level-access", "--public-access-prevention"),
            )
        self.gcloud.do("storage", "buckets", "update", bucket, "--versioning")

    def _image_there(self) -> str | None:
        """The image of this checkout by its digest; None if it was never built there."""
        tag = stage_context(self.wish.home).tag
        try:
            said = self.gcloud.json(
                "artifacts", "docker", "images", "describe", self._named(f"render:{tag}")
            )
        except GcloudFailed:
            return None
        digest = (said.get("image_summary") or {}).get("digest")
        return self._named(f"render@{digest}") if digest else None

    def _image_or_none_yet(self) -> str:
        return self._image_there() or self._named(f"render@{UNBUILT}")

    def _build(self) -> str:
        context = stage_context(self.wish.home)
        self.say(f"Building render:{context.tag} with Cloud Build")
        self.gcloud.do(
            *("builds", "submit", str(context.folder), f"--region={self.wish.region}"),
            f"--config={self.wish.folder / 'image.cloudbuild.yaml'}",
            f"--substitutions=_IMAGE={self._named(f'render:{context.tag}')}",
        )
        built = self._image_there()
        if built is None:
            raise GcloudFailed("the image was built, but its repository does not show it")
        return built


def _targets(addresses: list[str]) -> list[str]:
    return [f"-target={one}" for one in addresses]
