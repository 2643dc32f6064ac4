# The functions, all HTTP: what comes from a topic is pushed to them, with the topic's own retries.
# Cloud Run checks every caller's token before we see it, and takes its signature away.

locals {
  # Known beforehand, unlike the other URL of a service: a function must be told its own.
  urls = {
    for name, one in local.pipeline.functions :
    name => "https://${var.name}-${name}-${data.google_project.this.number}.${var.region}.run.app"
  }

  callers = [for name in ["clock", "push", "trigger"] : google_service_account.actor[name].email]

  control_plane = merge(local.place, {
    CLIPLINE_LANES = jsonencode({
      lanes   = local.told_lanes
      quotas  = [for quota in var.quotas : { for field, value in quota : field => value if value != null }]
      tenants = var.tenants
      budget  = { for limit, dollars in var.spending : limit => dollars if dollars != null }
    })
    CLIPLINE_PUSH_ACCOUNTS = join(",", local.callers)
    CLIPLINE_PUSH_TOKENS   = "stripped"
  })

  memory = { on-upload = "1Gi" }
}

resource "google_storage_bucket_object" "functions" {
  bucket = google_storage_bucket.source.name
  name   = basename(var.functions_archive)
  source = var.functions_archive
}

resource "google_cloudfunctions2_function" "this" {
  for_each = local.pipeline.functions

  name        = "${var.name}-${each.key}"
  location    = var.region
  description = "The entry point ${each.value.entry_point} of functions/main.py."

  build_config {
    runtime           = "python312"
    entry_point       = each.value.entry_point
    service_account   = google_service_account.actor["build"].name
    docker_repository = google_artifact_registry_repository.images.id

    source {
      storage_source {
        bucket = google_storage_bucket_object.functions.bucket
        object = google_storage_bucket_object.functions.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.actor[each.value.identity].email
    timeout_seconds                  = each.value.timeout_seconds
    available_cpu                    = "1"
    available_memory                 = lookup(local.memory, each.key, "512Mi")
    min_instance_count               = 0
    max_instance_count               = contains(local.pipeline.called_every_minute, each.key) ? 2 : 20
    max_instance_request_concurrency = each.key == "on-upload" ? 1 : 8
    ingress_settings                 = "ALLOW_INTERNAL_ONLY"
    all_traffic_on_latest_revision   = true

    environment_variables = merge(local.control_plane, {
      CLIPLINE_PUSH_AUDIENCES = join(",", concat([local.urls[each.key]], var.push_audiences))
    })
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.build_keeps_images,
    google_project_iam_member.build_writes_logs,
    google_storage_bucket_iam_member.build_reads_source,
  ]
}

resource "google_cloud_run_v2_service_iam_member" "push" {
  for_each = local.pushed

  name     = google_cloudfunctions2_function.this[each.value.function].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.actor["push"].member
}

resource "google_cloud_run_v2_service_iam_member" "clock" {
  for_each = toset(local.pipeline.called_every_minute)

  name     = google_cloudfunctions2_function.this[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.actor["clock"].member
}

resource "google_cloud_run_v2_service_iam_member" "trigger" {
  name     = google_cloudfunctions2_function.this["on-upload"].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.actor["trigger"].member
}

resource "google_cloud_scheduler_job" "clock" {
  for_each = toset(local.pipeline.called_every_minute)

  name             = "${var.name}-${each.key}"
  region           = var.region
  description      = "Calls ${each.key}."
  schedule         = "* * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "${local.pipeline.functions[each.key].timeout_seconds}s"

  # The next minute's call does all of it.
  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = local.urls[each.key]

    oidc_token {
      service_account_email = google_service_account.actor["clock"].email
      audience              = local.urls[each.key]
    }
  }

  depends_on = [google_cloudfunctions2_function.this]
}
