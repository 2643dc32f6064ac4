# One service account per actor. Those of the code come from schemas/flows.py; the others only
# bring messages, or build. Each is granted what it needs in the file of that which it needs.

locals {
  bringers = {
    build   = "Builds the functions' containers."
    clock   = "Calls every minute what must be called every minute."
    push    = "Pub/Sub calls the functions with it."
    trigger = "Eventarc calls on_upload with it."
  }

  account_purposes = merge(
    local.bringers,
    length(local.pulling) > 0 ? { worker = "Machines of pools run render tasks with it." } : {},
    { for role in local.pipeline.identities : role => "Runs ${role} (docs/actors-and-flows.md)." },
  )
}

resource "google_service_account" "actor" {
  for_each = local.account_purposes

  account_id   = "${var.name}-${each.key}"
  display_name = "${var.name} ${each.key}"
  description  = each.value

  depends_on = [google_project_service.this]
}

# Pub/Sub makes out the tokens of its pushes.
resource "google_service_account_iam_member" "pubsub_signs_pushes" {
  service_account_id = google_service_account.actor["push"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.agents.pubsub
}

# Batch starts machines that are the render task.
resource "google_service_account_iam_member" "control_starts_tasks" {
  service_account_id = google_service_account.actor["render-job"].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.actor["control"].member
}

# These have no resource to be granted on.
resource "google_project_iam_member" "build_writes_logs" {
  project = var.project
  role    = "roles/logging.logWriter"
  member  = google_service_account.actor["build"].member
}

resource "google_project_iam_member" "storage_publishes_for_eventarc" {
  project = var.project
  role    = "roles/pubsub.publisher"
  member  = local.agents.storage
}

resource "google_project_iam_member" "trigger_receives_events" {
  project = var.project
  role    = "roles/eventarc.eventReceiver"
  member  = google_service_account.actor["trigger"].member
}
