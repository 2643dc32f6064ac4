# The render task: an image, a Cloud Run job for each lane there, and what Batch needs for the rest.

locals {
  run_lanes   = { for lane in local.lanes : lane.id => lane if lane.cloud_run != null }
  batch_lanes = { for lane in local.lanes : lane.id => lane if lane.batch != null }

  jobs = { for id, lane in local.run_lanes : id => "${var.name}-${replace(id, "/", "-")}" }

  # As functions/cloud_lanes.py reads them. One `for` over all fields keeps the type of each: a
  # conditional between two objects would make strings of all.
  told_lanes = [
    for lane in local.lanes : {
      for field, value in {
        id                    = lane.id
        encoder_class         = lane.encoder_class
        tasks                 = lane.tasks
        executions            = lane.executions
        start_within_seconds  = lane.start_within_seconds
        attempt_limit_seconds = lane.attempt_limit_seconds
        disk_gib              = lane.disk_gib
        gpu_slots             = lane.gpu_slots
        hedge                 = lane.hedge
        launches_a_minute     = lane.launches_a_minute
        location              = lane.location
        price                 = lane.price
        quotas                = lane.quotas
        start_seconds         = lane.start_seconds

        job                  = try(local.jobs[lane.id], null)
        memory_gib           = try(lane.cloud_run.memory_gib, floor(lane.workers.memory_gib / lane.workers.tasks), null)
        parallelism          = lane.cloud_run == null ? null : lane.tasks
        region               = try(lane.cloud_run.region, null)
        task_timeout_seconds = try(lane.cloud_run.timeout_seconds, lane.workers.timeout_seconds, null)

        pool = try(lane.pool.name, lane.workers.name, null)
        group = lane.pool == null ? null : {
          project = var.project
          where   = "regions/${lane.pool.region}"
          name    = local.groups[lane.id]
          most    = lane.pool.most
          tasks   = lane.pool.tasks
        }
        spot = try(lane.pool.spot, null)
        workers = lane.workers == null ? null : {
          project      = var.project
          region       = lane.workers.region
          name         = local.worker_jobs[lane.id]
          most         = lane.workers.most
          tasks        = lane.workers.tasks
          idle_seconds = lane.workers.idle_seconds
        }

        machines = lane.batch == null ? null : {
          for what, said in merge(lane.batch, {
            project         = var.project
            image           = var.render_image
            service_account = google_service_account.actor["render-job"].email
            topic           = google_pubsub_topic.this["execution-events"].id
            environment     = local.place
          }) : what => said
        }
      } : field => value if value != null
    }
  ]
}

resource "google_artifact_registry_repository" "images" {
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
  description   = "The render task, and the functions' containers."

  depends_on = [google_project_service.this]
}

resource "google_artifact_registry_repository_iam_member" "build_keeps_images" {
  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.actor["build"].member
}

# Machines of Batch fetch the image as the task itself; Cloud Run does it with an agent of its own.
resource "google_artifact_registry_repository_iam_member" "render_job_reads_images" {
  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.actor["render-job"].member
}

resource "google_cloud_run_v2_job" "lane" {
  for_each = local.run_lanes

  name                = local.jobs[each.key]
  location            = each.value.cloud_run.region
  deletion_protection = false

  template {
    # A launch may ask for fewer.
    task_count  = each.value.tasks
    parallelism = each.value.tasks

    template {
      service_account       = google_service_account.actor["render-job"].email
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      max_retries           = each.value.cloud_run.max_retries
      timeout               = "${each.value.cloud_run.timeout_seconds}s"

      # Jobs with a GPU are refused otherwise.
      gpu_zonal_redundancy_disabled = each.value.cloud_run.gpu == null ? null : true

      dynamic "node_selector" {
        for_each = each.value.cloud_run.gpu == null ? [] : [each.value.cloud_run.gpu]
        content {
          accelerator = node_selector.value
        }
      }

      containers {
        image = var.render_image

        dynamic "env" {
          for_each = local.place
          content {
            name  = env.key
            value = env.value
          }
        }

        resources {
          limits = merge(
            { cpu = tostring(each.value.cloud_run.cpu), memory = "${each.value.cloud_run.memory_gib}Gi" },
            each.value.cloud_run.gpu == null ? {} : { "nvidia.com/gpu" = "1" },
          )
        }
      }
    }
  }

  depends_on = [google_project_service.this]
}

# Arguments and environment of one's choice for the render task: for the control plane alone, and
# on these jobs alone. It also looks after, and stops, what it started.
resource "google_project_iam_custom_role" "launcher" {
  role_id     = "${replace(var.name, "-", "_")}_launcher"
  title       = "${var.name}: launches render tasks"
  description = "What functions/adapters/cloud_run_jobs.py calls."
  permissions = [
    "run.executions.cancel",
    "run.executions.get",
    "run.executions.list",
    "run.jobs.get",
    "run.jobs.run",
    "run.jobs.runWithOverrides",
    "run.tasks.get",
    "run.tasks.list",
  ]
}

resource "google_cloud_run_v2_job_iam_member" "control_launches" {
  for_each = local.run_lanes

  name     = google_cloud_run_v2_job.lane[each.key].name
  location = each.value.cloud_run.region
  role     = google_project_iam_custom_role.launcher.name
  member   = google_service_account.actor["control"].member
}

# Jobs of Batch are made as they are launched, so there is no resource to grant on. Only with lanes
# there: none otherwise.
resource "google_project_iam_member" "control_creates_batch_jobs" {
  count = length(local.batch_lanes) > 0 ? 1 : 0

  project = var.project
  role    = "roles/batch.jobsEditor"
  member  = google_service_account.actor["control"].member
}

resource "google_project_iam_member" "batch_machines_report" {
  count = length(local.batch_lanes) > 0 ? 1 : 0

  project = var.project
  role    = "roles/batch.agentReporter"
  member  = google_service_account.actor["render-job"].member
}

resource "google_project_iam_member" "batch_machines_write_logs" {
  count = length(local.batch_lanes) > 0 ? 1 : 0

  project = var.project
  role    = "roles/logging.logWriter"
  member  = google_service_account.actor["render-job"].member
}

# What a place says of an execution's end; functions/notices.py reads it.
resource "google_logging_project_sink" "executions" {
  name                   = "${var.name}-executions"
  description            = "Ends of the render jobs' executions."
  destination            = "pubsub.googleapis.com/${google_pubsub_topic.this["execution-events"].id}"
  unique_writer_identity = true

  filter = join(" AND ", [
    "logName=\"projects/${var.project}/logs/cloudaudit.googleapis.com%2Fsystem_event\"",
    "resource.type=\"cloud_run_job\"",
    "resource.labels.job_name=~\"^${var.name}-\"",
    "protoPayload.methodName=\"/Jobs.RunJob\"",
  ])
}
