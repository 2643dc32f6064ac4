"""`make preflight`: everything that a deployment would stumble over, looked at beforehand.

Nothing is changed. Billing, APIs, permissions and quotas are asked of Google; what cannot be asked
is said, and no reason to stop.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from infra.deployment.findings import Finding, Level, Report
from infra.deployment.gcloud import Gcloud, GcloudFailed
from infra.deployment.lane_quota import lane_findings
from infra.deployment.needs import BESIDE, PERMISSIONS, SERVICES
from infra.deployment.tenants import tenant_findings
from infra.deployment.wish import Wish

MOST_PERMISSIONS = 100
"""Of one call of testIamPermissions."""


def preflight(wish: Wish, gcloud: Gcloud) -> Report:
    """What was found; it stops early where nothing further can be asked."""
    signed_in = list(_signed_in(gcloud))
    found = [*signed_in, *_project(wish, gcloud)]
    if any(one.level is Level.MISSING for one in found):
        return Report(findings=found)
    found += [*_billing(wish, gcloud), *_services(gcloud), *_permissions(wish, gcloud)]
    lanes = list(lane_findings(wish.lanes, gcloud))
    if wish.lanes and all(one.level is Level.LEFT_OUT for one in lanes):
        lanes.append(
            Finding(
                level=Level.MISSING,
                what="No lane is left",
                fix="add one without a GPU, as infra/gcp/lanes.auto.tfvars.json has, or ask for "
                "quota",
            )
        )
    return Report(findings=[*found, *lanes, *tenant_findings(wish.tenants)])


def missing_services(gcloud: Gcloud) -> list[str]:
    """APIs that are not enabled yet. Raises GcloudFailed."""
    enabled = {_service_name(one) for one in gcloud.json("services", "list", "--enabled")}
    return [name for name in SERVICES if name not in enabled]


def _service_name(one: Any) -> str:
    config = one.get("config") or {}
    return str(config.get("name") or str(one.get("name", "")).rpartition("/")[2])


def _signed_in(gcloud: Gcloud) -> Iterator[Finding]:
    fix = "gcloud auth login && gcloud auth application-default login"
    try:
        accounts = gcloud.json("auth", "list", "--filter=status:ACTIVE")
    except GcloudFailed as failed:
        yield Finding(level=Level.MISSING, what=f"gcloud has no account: {failed}", fix=fix)
        return
    if not accounts:
        yield Finding(level=Level.MISSING, what="Nobody is signed in to gcloud", fix=fix)
        return
    yield Finding(level=Level.WELL, what=f"Signed in as {accounts[0]['account']}")


def _project(wish: Wish, gcloud: Gcloud) -> Iterator[Finding]:
    try:
        project = gcloud.json("projects", "describe", wish.project)
    except GcloudFailed as failed:
        yield Finding(
            level=Level.MISSING,
            what=f"The project {wish.project} cannot be seen: {failed}",
            fix=f"gcloud projects create {wish.project}, or ask its owner to let you in",
        )
        return
    state = project.get("lifecycleState")
    if state != "ACTIVE":
        yield Finding(
            level=Level.MISSING,
            what=f"The project {wish.project} is {state}",
            fix=f"gcloud projects undelete {wish.project}",
        )
        return
    yield Finding(level=Level.WELL, what=f"Project {wish.project}, {project['projectNumber']}")


def _billing(wish: Wish, gcloud: Gcloud) -> Iterator[Finding]:
    fix = (
        f"gcloud billing projects link {wish.project} --billing-account=ACCOUNT (gcloud billing "
        "accounts list)"
    )
    try:
        billing = gcloud.json("billing", "projects", "describe", wish.project)
    except GcloudFailed as failed:
        yield Finding(level=Level.UNKNOWN, what=f"Billing cannot be seen: {failed}", fix=fix)
        return
    if not billing.get("billingEnabled"):
        yield Finding(level=Level.MISSING, what="Billing is not enabled", fix=fix)
        return
    account = str(billing.get("billingAccountName", "")).rpartition("/")[2]
    yield Finding(level=Level.WELL, what=f"Billing is enabled, account {account}")


def _services(gcloud: Gcloud) -> Iterator[Finding]:
    try:
        missing = missing_services(gcloud)
    except GcloudFailed as failed:
        yield Finding(level=Level.UNKNOWN, what=f"APIs cannot be listed: {failed}")
        return
    for name in missing:
        yield Finding(
            level=Level.LATER,
            what=f"API {name} is not enabled",
            fix=f"make deploy does it: gcloud services enable {name}",
        )
    if not missing:
        yield Finding(level=Level.WELL, what=f"All {len(SERVICES)} APIs are enabled")


def _permissions(wish: Wish, gcloud: Gcloud) -> Iterator[Finding]:
    wanted = sorted({*PERMISSIONS.values(), *BESIDE})
    try:
        held = {one for part in _parts(wanted) for one in _held(part, wish, gcloud)}
    except GcloudFailed as failed:
        yield Finding(level=Level.UNKNOWN, what=f"Permissions cannot be tested: {failed}")
        return
    for name in wanted:
        if name not in held:
            yield Finding(
                level=Level.MISSING,
                what=f"You lack {name}",
                fix=f"an owner lets you: gcloud projects add-iam-policy-binding {wish.project} "
                "--member=user:YOU --role=roles/owner",
            )
    if held >= set(wanted):
        yield Finding(level=Level.WELL, what=f"You have all {len(wanted)} permissions")


def _held(part: list[str], wish: Wish, gcloud: Gcloud) -> Iterable[str]:
    path = f"v1/projects/{wish.project}:testIamPermissions"
    answer = gcloud.ask("cloudresourcemanager", path, {"permissions": part})
    permissions: Iterable[str] = answer.get("permissions", ())
    return permissions


def _parts(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), MOST_PERMISSIONS):
        yield names[start : start + MOST_PERMISSIONS]
