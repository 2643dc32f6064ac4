"""Faults that are planted into `infra/gcp`, and what finds each.

A fault is an edit of a file; without `old` it is added at the end. Those that Terraform itself does
not find are planted all at once by the tests: no two may meet in one place.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One planted fault."""

    what: str
    file: str
    old: str = ""
    new: str
    found_by: str
    """A policy, or `validate`."""
    words: str
    """Part of the sentence in which it is found."""

    def plant(self, folder: Path) -> None:
        """Edit the file. Raises ValueError where there is nothing of the kind to edit."""
        path = folder / self.file
        text = path.read_text()
        if self.old not in text:
            raise ValueError(f"{self.file} has no {self.old!r}: the fault '{self.what}' is stale")
        path.write_text(text.replace(self.old, self.new, 1) if self.old else text + self.new)


def _resource(kind: str, **values: str) -> str:
    lines = "".join(f"  {name} = {value}\n" for name, value in values.items())
    name = f"planted_{zlib.crc32(lines.encode())}"
    return f'\nresource "google_{kind}" "{name}" {{\n{lines}}}\n'


CONTROL = 'google_service_account.actor["control"].member'
INTAKE = 'google_service_account.actor["intake"].member'
JOB = "values(google_cloud_run_v2_job.lane)[0]"

FAULTS = (
    # roles
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
        new=_resource(
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
        new=_resource(
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
        new=_resource(
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
        new=_resource(
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
        new=_resource(
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
        new=_resource(
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
        words="control_keeps_renders is for every database",
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
    # what runs
    Fault(
        what="a misspelt variable",
        file="main.tf",
        old="CLIPLINE_OUTPUTS  =",
        new="CLIPLINE_OUTPUT   =",
        found_by="tasks_are_told_all_that_they_read",
        words="is not told CLIPLINE_OUTPUTS",
    ),
    Fault(
        what="a variable that nobody reads",
        file="functions.tf",
        old='CLIPLINE_PUSH_TOKENS   = "stripped"',
        new='CLIPLINE_PUSH_TOKENS   = "stripped"\n    CLIPLINE_VERBOSE = "1"',
        found_by="functions_are_told_all_that_they_read",
        words="CLIPLINE_VERBOSE, which nobody reads",
    ),
    Fault(
        what="callers are not checked",
        file="functions.tf",
        old='"stripped"',
        new='"unchecked"',
        found_by="functions_check_their_callers",
        words="must expect tokens without their signature",
    ),
    Fault(
        what="the clock is none of the known callers",
        file="functions.tf",
        old='["clock", "push", "trigger"]',
        new='["push", "trigger"]',
        found_by="functions_check_their_callers",
        words="is called by clipline-clock",
    ),
    Fault(
        what="a lane names a job that is not there",
        file="render_job.tf",
        old="= try(local.jobs[lane.id], null)",
        new='= try("${local.jobs[lane.id]}-x", null)',
        found_by="the_code_can_read_its_lanes",
        words="there is no job clipline-cloud-run-us-east4-l4-x",
    ),
    Fault(
        what="zonal redundancy of a GPU",
        file="render_job.tf",
        old="gpu_zonal_redundancy_disabled = each.value.cloud_run.gpu == null ? null : true",
        new="gpu_zonal_redundancy_disabled = null",
        found_by="gpu_jobs_can_be_deployed",
        words="asks for zonal redundancy",
    ),
    Fault(
        what="an accelerator without a GPU",
        file="render_job.tf",
        old='{ "nvidia.com/gpu" = "1" }',
        new="{}",
        found_by="gpu_jobs_can_be_deployed",
        words="no GPU among its limits",
    ),
    Fault(
        what="too few cores beside a GPU",
        file="envs/gpu.tfvars.json",
        old='"cpu": 20, "memory_gib": 80',
        new='"cpu": 8, "memory_gib": 32',
        found_by="gpu_jobs_can_be_deployed",
        words="needs 20 cores and 80 GiB",
    ),
    Fault(
        what="a GPU task of 12 hours",
        file="envs/gpu.tfvars.json",
        old='"gpu": "nvidia-l4", "timeout_seconds": 3600',
        new='"gpu": "nvidia-l4", "timeout_seconds": 43200',
        found_by="a_task_has_a_time_limit_that_it_may_have",
        words="has the timeout 43200",
    ),
    Fault(
        what="a duration without its unit",
        file="render_job.tf",
        old='timeout               = "${each.value.cloud_run.timeout_seconds}s"',
        new='timeout               = "${each.value.cloud_run.timeout_seconds}"',
        found_by="a_task_has_a_time_limit_that_it_may_have",
        words="has the timeout 3600",
    ),
    Fault(
        what="a preempted task is not tried again",
        file="render_job.tf",
        old="max_retries           = each.value.cloud_run.max_retries",
        new="max_retries           = 0",
        found_by="a_task_has_a_time_limit_that_it_may_have",
        words="is retried 0 times",
    ),
    Fault(
        what="an image by its tag",
        file="render_job.tf",
        old="image = var.render_image\n\n",
        new='image = "${var.name}/render:latest"\n\n',
        found_by="images_are_named_by_digest",
        words="runs clipline/render:latest",
    ),
    Fault(
        what="a function that never sleeps",
        file="functions.tf",
        old="min_instance_count               = 0",
        new="min_instance_count               = 1",
        found_by="no_machine_runs_idle",
        words="keeps instances",
    ),
    Fault(
        what="a machine that waits for work",
        file="render_job.tf",
        new='\nresource "google_compute_region_instance_group_manager" "planted" {\n'
        '  name = "pool"\n  base_instance_name = "pool"\n  region = var.region\n'
        '  target_size = 1\n  version {\n    instance_template = "pool"\n  }\n}\n',
        found_by="no_machine_runs_idle",
        words="is a machine that runs",
    ),
    Fault(
        what="something of which nobody knows what it costs",
        file="functions.tf",
        new='\nresource "google_compute_network" "planted" {\n  name = "planted"\n}\n',
        found_by="no_machine_runs_idle",
        words="nobody has said what google_compute_network costs",
    ),
    Fault(
        what="a function larger than is billed",
        file="functions.tf",
        old='lookup(local.memory, each.key, "512Mi")',
        new='lookup(local.memory, each.key, "2Gi")',
        found_by="what_is_billed_at_rest_is_there",
        words="has 2Gi, which is not billed",
    ),
    # messages
    Fault(
        what="a function that outlasts its message",
        file="pubsub.tf",
        old="= each.value.ack_deadline_seconds",
        new='= each.key == "on-upload" ? 30 : each.value.ack_deadline_seconds',
        found_by="a_function_ends_before_its_message_comes_again",
        words="waits less than the 120 s of clipline-on-upload",
    ),
    Fault(
        what="retries without a pause",
        file="pubsub.tf",
        old="minimum_backoff = each.value.min_backoff",
        new='minimum_backoff = "0s"',
        found_by="subscriptions_are_those_of_the_flows",
        words="first pause is 0s",
    ),
    Fault(
        what="dead letters that nobody reads",
        file="pubsub.tf",
        old="google_pubsub_topic.this[dead_letter_policy.value.dead_letter_topic].id",
        new='dead_letter_policy.value.topic == "render-results" ? "projects/p/topics/lost" : '
        "google_pubsub_topic.this[dead_letter_policy.value.dead_letter_topic].id",
        found_by="every_push_has_a_net",
        words="gives up to lost, where it is lost",
    ),
    Fault(
        what="a subscription that removes itself when quiet",
        file="pubsub.tf",
        old='ttl = ""',
        new='ttl = "2678400s"',
        found_by="nothing_waits_in_vain",
        words="is removed when it has been quiet",
    ),
    Fault(
        what="dead letters for a week",
        file="pubsub.tf",
        old="message_retention_duration = each.value.retention",
        new='message_retention_duration = "604800s"',
        found_by="nothing_waits_in_vain",
        words="drops what waits before 31 days",
    ),
    Fault(
        what="a subscription without an owner",
        file="pubsub.tf",
        old='{ owner = replace(each.value.owner, " ", "-") }',
        new="{}",
        found_by="nothing_waits_in_vain",
        words="has no owner",
    ),
    Fault(
        what="a token for somebody else",
        file="pubsub.tf",
        old="audience              = local.urls[push_config.value.function]",
        new='audience              = "https://example.com"',
        found_by="every_push_says_who_it_is",
        words="its token is for https://example.com",
    ),
    Fault(
        what="pushes of an account that may not call",
        file="pubsub.tf",
        old='service_account_email = google_service_account.actor["push"].email',
        new='service_account_email = google_service_account.actor["build"].email',
        found_by="every_push_says_who_it_is",
        words="without a token of clipline-push",
    ),
    Fault(
        what="the platform's notices are unwrapped",
        file="pubsub.tf",
        old="is_wrapped ? [] : [true]",
        new="is_wrapped ? [true] : [true]",
        found_by="every_push_says_who_it_is",
        words='"on-execution"] is unwrapped',
    ),
    Fault(
        what="the wrong event of a bucket",
        file="eventarc.tf",
        old="object.v1.finalized",
        new="object.v1.metadataUpdated",
        found_by="uploads_are_told_of_as_soon_as_they_are_whole",
        words="is for google.cloud.storage.object.v1.metadataUpdated",
    ),
    Fault(
        what="a sink that passes on launches, not ends",
        file="render_job.tf",
        old='protoPayload.methodName=\\"/Jobs.RunJob\\"',
        new='protoPayload.methodName=\\"google.cloud.run.v2.Jobs.RunJob\\"',
        found_by="ends_of_executions_are_passed_on",
        words="does not ask for protoPayload.methodName",
    ),
    Fault(
        what="a sweep every five minutes",
        file="functions.tf",
        old='"* * * * *"',
        new='"*/5 * * * *"',
        found_by="the_sweep_is_called_every_minute",
        words="calls at */5",
    ),
    # data
    Fault(
        what="pieces that go before their dead letter",
        file="storage.tf",
        old="age            = local.pipeline.work_kept_days",
        new="age            = 7",
        found_by="pieces_go_after_the_last_replay_and_not_before",
        words="removes after 7 days",
    ),
    Fault(
        what="records that go with the pieces",
        file="storage.tf",
        old='matches_suffix = [".m4a", ".mp4"]',
        new='matches_suffix = [".json", ".m4a", ".mp4"]',
        found_by="pieces_go_after_the_last_replay_and_not_before",
        words="no piece and no sound",
    ),
    Fault(
        what="pieces that are paid for after they went",
        file="storage.tf",
        old="retention_duration_seconds = 0\n",
        new="retention_duration_seconds = 604800\n",
        found_by="pieces_go_after_the_last_replay_and_not_before",
        words="keeps, and bills",
    ),
    Fault(
        what="outputs that go with a destroy",
        file="storage.tf",
        old="force_destroy               = var.delete_data",
        new="force_destroy               = true",
        found_by="data_outlives_a_destroy",
        words="google_storage_bucket.outputs goes",
    ),
    Fault(
        what="a database that goes with a destroy",
        file="firestore.tf",
        old='"DELETE" : "ABANDON"',
        new='"DELETE" : "DELETE"',
        found_by="data_outlives_a_destroy",
        words="google_firestore_database.renders goes",
    ),
    Fault(
        what="uploads from any page",
        file="storage.tf",
        old="origin          = cors.value",
        new='origin          = ["*"]',
        found_by="browsers_upload_from_named_pages",
        words="takes requests of any page",
    ),
    Fault(
        what="a query without its index",
        file="firestore.tf",
        old="for_each = local.pipeline.firestore.indexes",
        new="for_each = { for name, one in local.pipeline.firestore.indexes : name => one "
        'if name != "renders-state-created_at" }',
        found_by="renders_are_found_by_the_indexes_that_the_code_asks_for",
        words="('renders', ('state', 'created_at')) is missing",
    ),
    # watching
    Fault(
        what="an alert over a metric that is not there",
        file="monitoring.tf",
        old="subscription/num_undelivered_messages",
        new="subscription/num_undelivered",
        found_by="alerts_watch_metrics_that_exist",
        words="num_undelivered, which there is not",
    ),
    Fault(
        what="a metric of what nobody logs",
        file="monitoring.tf",
        old='jsonPayload.action=\\"stumbled\\"',
        new='jsonPayload.action=\\"stumble\\"',
        found_by="metrics_count_what_the_code_says",
        words="counts stumble, which nobody logs",
    ),
    Fault(
        what="an alert that names no entry of the runbook",
        file="monitoring.tf",
        old="runbook/README.md#sweep-is-silent",
        new="runbook/README.md#sweep-is-quiet",
        found_by="every_alert_says_what_to_do",
        words="names sweep-is-quiet",
    ),
    Fault(
        what="an alert that tells nobody",
        file="monitoring.tf",
        old="notification_channels = var.alert_channels.page",
        new="notification_channels = []",
        found_by="every_alert_says_what_to_do",
        words="sweep_is_silent tells nobody",
    ),
    Fault(
        what="a ticket that wakes somebody",
        file="monitoring.tf",
        old='title    = "The sweep cannot tick a render"\n      pages    = false',
        new='title    = "The sweep cannot tick a render"\n      pages    = true',
        found_by="only_what_is_listed_wakes_somebody",
        words="stumbled wakes somebody",
    ),
    # what Terraform finds by the schema
    Fault(
        what="a misspelt argument",
        file="functions.tf",
        old="attempt_deadline =",
        new="attempt_dead_line =",
        found_by="validate",
        words="attempt_dead_line",
    ),
    Fault(
        what="a block that there is not",
        file="storage.tf",
        old="soft_delete_policy {",
        new="soft_deletes {",
        found_by="validate",
        words="soft_deletes",
    ),
    Fault(
        what="a value that is read only",
        file="eventarc.tf",
        old="location        = var.region\n  service_account",
        new='location        = var.region\n  etag            = "x"\n  service_account',
        found_by="validate",
        words="etag is read only",
    ),
    Fault(
        what="a reference to nothing",
        file="outputs.tf",
        old="local.urls",
        new="local.addresses",
        found_by="validate",
        words="addresses",
    ),
    Fault(
        what="a word that is none of the listed ones",
        file="firestore.tf",
        old='"FIRESTORE_NATIVE"',
        new='"NATIVE"',
        found_by="validate",
        words="DATASTORE_MODE, FIRESTORE_NATIVE",
    ),
)
