"""Faults of who may do what."""

from tests.infra.fault import Fault, resource

CONTROL = 'google_service_account.actor["control"].member'
INTAKE = 'google_service_account.actor["intake"].member'
JOB = "values(google_cloud_run_v2_job.lane)[0]"

ROLES = (
    Fault(
        what="a wider role than is needed",
        file="storage.tf",
        old='{ bucket = "uploads", role = "roles/storage.objectViewer", actor = "control" }',
        new='{ bucket = "uploads", role = "roles/storage.admin", actor = "control" }',
        found_by="only_what_is_listed_is_granted",
        words="storage.admin",
    ),
    Fault(
        what="a role at the project that could be at a resource",
        file="pubsub.tf",
        new=resource(
            "project_iam_member",
            project="var.project",
            role='"roles/pubsub.editor"',
            member=CONTROL,
        ),
        found_by="only_what_is_listed_is_granted",
        words="pubsub.editor on the whole project",
    ),
    Fault(
        what="the render task may publish done events",
        file="pubsub.tf",
        new=resource(
            "pubsub_topic_iam_member",
            topic='google_pubsub_topic.this["render-done"].name',
            role='"roles/pubsub.publisher"',
            member='google_service_account.actor["render-job"].member',
        ),
        found_by="only_what_is_listed_is_granted",
        words="topic render-done to clipline-render-job",
    ),
    Fault(
        what="Pub/Sub's agent may not take what it gives up",
        file="pubsub.tf",
        old='resource "google_pubsub_subscription_iam_member" "pubsub_gives_up" {\n'
        "  for_each = local.pushed",
        new='resource "google_pubsub_subscription_iam_member" "pubsub_gives_up" {\n'
        '  for_each = { for name, one in local.pushed : name => one if name != "on-result" }',
        found_by="all_that_is_listed_is_granted",
        words="gcp-sa-pubsub lacks pubsub.subscriber on subscription on-result",
    ),
    Fault(
        what="Pub/Sub's agent may not publish what it gives up",
        file="pubsub.tf",
        old='resource "google_pubsub_topic_iam_member" "pubsub_gives_up" {\n'
        "  for_each = local.pushed",
        new='resource "google_pubsub_topic_iam_member" "pubsub_gives_up" {\n'
        '  for_each = { for name, one in local.pushed : name => one if name != "start-render" }',
        found_by="all_that_is_listed_is_granted",
        words="gcp-sa-pubsub lacks pubsub.publisher on topic start-render-undeliverable",
    ),
    Fault(
        what="Batch may not tell of ends",
        file="pubsub.tf",
        old='topic  = google_pubsub_topic.this["execution-events"].name\n'
        '  role   = "roles/pubsub.publisher"\n'
        '  member = google_service_account.actor["render-job"].member',
        new='topic  = google_pubsub_topic.this["execution-events"].name\n'
        '  role   = "roles/pubsub.viewer"\n'
        '  member = google_service_account.actor["render-job"].member',
        found_by="all_that_is_listed_is_granted",
        words="clipline-render-job lacks pubsub.publisher on topic execution-events",
    ),
    Fault(
        what="anybody may read outputs",
        file="storage.tf",
        new=resource(
            "storage_bucket_iam_member",
            bucket="google_storage_bucket.outputs.name",
            role='"roles/storage.objectViewer"',
            member='"allUsers"',
        ),
        found_by="nothing_is_public",
        words="is for allUsers",
    ),
    Fault(
        what="anybody with an account may call a function",
        file="functions.tf",
        new=resource(
            "cloud_run_v2_service_iam_member",
            name='google_cloudfunctions2_function.this["on-result"].name',
            location="var.region",
            role='"roles/run.invoker"',
            member='"allAuthenticatedUsers"',
        ),
        found_by="nothing_is_public",
        words="is for allAuthenticatedUsers",
    ),
    Fault(
        what="a bucket that may be made public",
        file="storage.tf",
        old='public_access_prevention    = "enforced"',
        new='public_access_prevention    = "inherited"',
        found_by="nothing_is_public",
        words="google_storage_bucket.outputs does not prevent public access",
    ),
    Fault(
        what="access lists of single objects",
        file="storage.tf",
        old="uniform_bucket_level_access = true",
        new="uniform_bucket_level_access = false",
        found_by="nothing_is_public",
        words="google_storage_bucket.outputs has access lists",
    ),
    Fault(
        what="functions that the internet reaches",
        file="functions.tf",
        old='"ALLOW_INTERNAL_ONLY"',
        new='"ALLOW_ALL"',
        found_by="nothing_is_public",
        words="can be reached from the internet",
    ),
    Fault(
        what="overrides on every job of the project",
        file="render_job.tf",
        new=resource(
            "project_iam_member",
            project="var.project",
            role="google_project_iam_custom_role.launcher.name",
            member=CONTROL,
        ),
        found_by="overrides_are_for_the_control_plane_and_the_render_jobs",
        words="carries run.jobs.runWithOverrides for clipline-control",
    ),
    Fault(
        what="overrides for somebody else, by a predefined role",
        file="render_job.tf",
        new=resource(
            "cloud_run_v2_job_iam_member",
            name=f"{JOB}.name",
            location=f"{JOB}.location",
            role='"roles/run.developer"',
            member=INTAKE,
        ),
        found_by="overrides_are_for_the_control_plane_and_the_render_jobs",
        words="run.developer carries run.jobs.runWithOverrides",
    ),
    Fault(
        what="renders of every database of the project",
        file="firestore.tf",
        old='/databases/${var.name}\\"',
        new='/databases/other\\"',
        found_by="a_grant_on_databases_is_for_ours_alone",
        words='documents["control"] is for every database',
    ),
    Fault(
        what="the task runs as Google's default account",
        file="render_job.tf",
        old='service_account       = google_service_account.actor["render-job"].email',
        new='service_account       = "123456789012-compute@developer.gserviceaccount.com"',
        found_by="every_actor_has_one_account_and_no_other_is_used",
        words="123456789012-compute@developer",
    ),
    Fault(
        what="on_upload runs as the control plane",
        file="functions.tf",
        old="google_service_account.actor[each.value.identity].email",
        new='google_service_account.actor["control"].email',
        found_by="a_function_runs_as_the_flows_say",
        words="on_upload as clipline-intake",
    ),
)
