# Buckets: uniform access, never public. A destroy stops at one that holds something, unless told.

locals {
  buckets = {
    uploads = google_storage_bucket.uploads.name
    work    = google_storage_bucket.work.name
    outputs = google_storage_bucket.outputs.name
  }

  bucket_grants = {
    "intake reads uploads"           = { bucket = "uploads", role = "roles/storage.objectViewer", actor = "intake" }
    "control reads uploads"          = { bucket = "uploads", role = "roles/storage.objectViewer", actor = "control" }
    "control keeps orders and plans" = { bucket = "work", role = "roles/storage.objectUser", actor = "control" }
    "control removes what must go"   = { bucket = "outputs", role = "roles/storage.objectUser", actor = "control" }
    "render-job reads uploads"       = { bucket = "uploads", role = "roles/storage.objectViewer", actor = "render-job" }
    "render-job keeps pieces"        = { bucket = "work", role = "roles/storage.objectUser", actor = "render-job" }
    "render-job delivers"            = { bucket = "outputs", role = "roles/storage.objectCreator", actor = "render-job" }
    "render-job sees what is there"  = { bucket = "outputs", role = "roles/storage.objectViewer", actor = "render-job" }
  }
}

resource "google_storage_bucket" "outputs" {
  name                        = "${var.project}-${var.name}-outputs"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.delete_data

  # What was delivered and removed by mistake can be had back for a week.
  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  depends_on = [google_project_service.this]
}

resource "google_storage_bucket" "source" {
  name                        = "${var.project}-${var.name}-source"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  depends_on = [google_project_service.this]
}

resource "google_storage_bucket" "uploads" {
  name                        = "${var.project}-${var.name}-uploads"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.delete_data

  dynamic "cors" {
    for_each = length(var.cors_origins) > 0 ? [var.cors_origins] : []
    content {
      origin          = cors.value
      method          = ["POST", "PUT"]
      response_header = ["Content-Type", "Location", "Range", "x-goog-resumable"]
      max_age_seconds = 3600
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  depends_on = [google_project_service.this]
}

resource "google_storage_bucket" "work" {
  name                        = "${var.project}-${var.name}-work"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.delete_data

  # The sweep removes pieces and sound when nobody needs them any more; this is the net under it.
  # Records and marks are small, and stay.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = local.pipeline.work_kept_days
      matches_prefix = ["renders/"]
      matches_suffix = [".m4a", ".mp4"]
    }
  }

  # Kept for a week after its removal, each piece would be paid for that long.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  depends_on = [google_project_service.this]
}

resource "google_storage_bucket_iam_member" "actor" {
  for_each = local.bucket_grants

  bucket = local.buckets[each.value.bucket]
  role   = each.value.role
  member = google_service_account.actor[each.value.actor].member
}

resource "google_storage_bucket_iam_member" "build_reads_source" {
  bucket = google_storage_bucket.source.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.actor["build"].member
}

resource "google_storage_bucket_iam_member" "downstream_reads_outputs" {
  for_each = toset(var.people.downstream)

  bucket = google_storage_bucket.outputs.name
  role   = "roles/storage.objectViewer"
  member = each.value
}

resource "google_storage_bucket_iam_member" "uploaders_upload" {
  for_each = toset(var.people.uploaders)

  bucket = google_storage_bucket.uploads.name
  role   = "roles/storage.objectCreator"
  member = each.value
}
