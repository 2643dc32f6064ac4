"""Who may do what."""

from collections.abc import Iterator

from schemas.flows import ACTORS
from tests.infra.allowed import ALLOWED, CARRY_OVERRIDES, ON_PROJECT
from tests.infra.deployment import Deployment, short

EVERYBODY = ("allUsers", "allAuthenticatedUsers")
OVERRIDES = "run.jobs.runWithOverrides"


def only_what_is_listed_is_granted(deployment: Deployment) -> Iterator[str]:
    """Every role stands in the list of what its actor may do, on the resource it needs it on."""
    for one in deployment.grants():
        if one.kind == "project":
            if (short(one.member), one.role) not in ON_PROJECT:
                yield f"{one.address} grants {one.role} on the whole project"
        elif (short(one.member), one.kind, one.on, one.role) not in ALLOWED:
            yield f"{one.address} grants {one.role} on {one.kind} {one.on} to {short(one.member)}"


def all_that_is_listed_is_granted(deployment: Deployment) -> Iterator[str]:
    """Nobody lacks what they need: a missing grant fails in silence, weeks later."""
    grants = tuple(deployment.grants())
    there = {(short(one.member), one.kind, one.on, one.role) for one in grants}
    on_project = {(short(one.member), one.role) for one in grants if one.kind == "project"}
    for actor, kind, on, role in ALLOWED:
        if (actor, kind, on, role) not in there:
            yield f"{actor} lacks {role} on {kind} {on}"
    for actor, role in ON_PROJECT:
        if (actor, role) not in on_project:
            yield f"{actor} lacks {role} on the project"


def nothing_is_public(deployment: Deployment) -> Iterator[str]:
    """Nobody unknown may read, write or call anything."""
    for grant in deployment.grants():
        if grant.member in EVERYBODY:
            yield f"{grant.address} is for {grant.member}"
    for bucket in deployment.of("storage_bucket"):
        if bucket.values["public_access_prevention"] != "enforced":
            yield f"{bucket.address} does not prevent public access"
        if not bucket.values["uniform_bucket_level_access"]:
            yield f"{bucket.address} has access lists of its objects"
    for function in deployment.of("cloudfunctions2_function"):
        if function.block("service_config")["ingress_settings"] != "ALLOW_INTERNAL_ONLY":
            yield f"{function.address} can be reached from the internet"


def overrides_are_for_the_control_plane_and_the_render_jobs(
    deployment: Deployment,
) -> Iterator[str]:
    """Whoever may run a job with overrides may run anything as that job."""
    roles = {
        f"{role.values['role_id']}"
        for role in deployment.of("project_iam_custom_role")
        if OVERRIDES in role.values["permissions"]
    }
    for grant in deployment.grants():
        if grant.role in CARRY_OVERRIDES:
            yield f"{grant.address}: {grant.role} carries {OVERRIDES}"
        if grant.role in roles and (grant.kind, short(grant.member)) != ("job", "clipline-control"):
            yield f"{grant.address} carries {OVERRIDES} for {short(grant.member)}"
    if not roles:
        yield f"no role carries {OVERRIDES}: nothing can be launched"


def a_grant_on_databases_is_for_ours_alone(deployment: Deployment) -> Iterator[str]:
    """Firestore's roles are the project's: a condition names the one database."""
    names = [one.values["name"] for one in deployment.of("firestore_database")]
    for one in deployment.of("project_iam_member"):
        said = str(one.block("condition").get("expression", ""))
        is_of_databases = str(one.values["role"]).startswith("roles/datastore.")
        if is_of_databases and not any(f'/databases/{name}"' in said for name in names):
            yield f"{one.address} is for every database of the project"


def every_actor_has_one_account_and_no_other_is_used(deployment: Deployment) -> Iterator[str]:
    """One service account per actor, and Google's default ones for nobody."""
    accounts = {one.values["account_id"] for one in deployment.of("service_account")}
    for actor in ACTORS:
        if actor.identity and actor.identity not in accounts:
            yield f"{actor.name} has no account {actor.identity}"
    used = {
        "functions": [
            f.block("service_config")["service_account_email"]
            for f in deployment.of("cloudfunctions2_function")
        ],
        "jobs": [
            job.block("template", "template")["service_account"]
            for job in deployment.of("cloud_run_v2_job")
        ],
    }
    for what, emails in used.items():
        for email in emails:
            if str(email).partition("@")[0] not in accounts:
                yield f"{what} run as {email}, which is none of ours"


def a_function_runs_as_the_flows_say(deployment: Deployment) -> Iterator[str]:
    """The identity of an entry point is the one in schemas/flows.py."""
    identities = {actor.name: actor.identity for actor in ACTORS}
    for function in deployment.of("cloudfunctions2_function"):
        entry = function.block("build_config")["entry_point"]
        email = str(function.block("service_config")["service_account_email"])
        if email.partition("@")[0] != identities.get(entry):
            yield f"{function.address} runs as {email}, {entry} as {identities.get(entry)}"


POLICIES = (
    only_what_is_listed_is_granted,
    all_that_is_listed_is_granted,
    nothing_is_public,
    overrides_are_for_the_control_plane_and_the_render_jobs,
    a_grant_on_databases_is_for_ours_alone,
    every_actor_has_one_account_and_no_other_is_used,
    a_function_runs_as_the_flows_say,
)
