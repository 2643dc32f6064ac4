# Workers that small renders share: a Cloud Run job for each such lane, whose executions the control
# plane starts for what waits, each for as much as one has time for (docs/workers.md). Nothing runs by
# itself, and one that has nothing to do leaves.

locals {
  worker_lanes = { for lane in local.lanes : lane.id => lane if lane.workers != null }
  worker_jobs  = { for id, lane in local.worker_lanes : id => "${var.name}-${lane.workers.name}" }
}

resource "google_cloud_run_v2_job" "workers" {
  for_each = local.worker_lanes

  name                = local.worker_jobs[each.key]
  location            = each.value.workers.region
  deletion_protection = false

  template {
    # An execution is one worker, which takes as many seats at once as its lane says.
    task_count  = 1
    parallelism = 1

    template {
      service_account       = google_service_account.actor["worker"].email
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      max_retries           = 1
      timeout               = "${each.value.workers.timeout_seconds}s"

      # Jobs with a GPU are refused otherwise.
      gpu_zonal_redundancy_disabled = each.value.workers.gpu == null ? null : true

      dynamic "node_selector" {
        for_each = each.value.workers.gpu == null ? [] : [each.value.workers.gpu]
        content {
          accelerator = node_selector.value
        }
      }

      containers {
        image = var.render_image

        # A launch says more of it: for which seat it is, and how long it may stay.
        args = ["worker", "--pool", each.value.workers.name]

        dynamic "env" {
          for_each = local.place
          content {
            name  = env.key
            value = env.value
          }
        }

        resources {
          limits = merge(
            { cpu = tostring(each.value.workers.cpu), memory = "${each.value.workers.memory_gib}Gi" },
            each.value.workers.gpu == null ? {} : { "nvidia.com/gpu" = "1" },
          )
        }
      }
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_cloud_run_v2_job_iam_member" "control_starts_workers" {
  for_each = local.worker_lanes

  name     = google_cloud_run_v2_job.workers[each.key].name
  location = each.value.workers.region
  role     = google_project_iam_custom_role.launcher.name
  member   = google_service_account.actor["control"].member
}
