# The whole pipeline, one flat root: docs/actors-and-flows.md is its map. What the code knows as
# well is read from pipeline.json, which `make schemas` writes from the code.

locals {
  pipeline = jsondecode(file("${path.module}/pipeline.json"))

  lanes = [for lane in var.lanes : lane if !contains(var.omit_lanes, lane.id)]

  agents = {
    pubsub  = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    storage = data.google_storage_project_service_account.this.member
  }

  # What a process in the cloud is told, be it a function or a task (functions/cloud_settings.py).
  place = {
    CLIPLINE_PLACE    = "cloud"
    CLIPLINE_PROJECT  = var.project
    CLIPLINE_UPLOADS  = google_storage_bucket.uploads.name
    CLIPLINE_WORK     = google_storage_bucket.work.name
    CLIPLINE_OUTPUTS  = google_storage_bucket.outputs.name
    CLIPLINE_DATABASE = google_firestore_database.renders.name
  }
}

data "google_project" "this" {
  project_id = var.project
}

# Asking for it makes it, so that it can be granted something.
data "google_storage_project_service_account" "this" {
  depends_on = [google_project_service.this]
}

resource "google_project_service" "this" {
  for_each = toset(local.pipeline.services)

  service            = each.value
  disable_on_destroy = false
}
