# What a person may ask for, over a mocked provider: `terraform test`.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
  mock_data "google_storage_project_service_account" {
    defaults = { member = "serviceAccount:storage@example.iam.gserviceaccount.com" }
  }
}

variables {
  project           = "demo-project"
  region            = "us-east4"
  functions_archive = "functions-0123456789abcdef.zip"
  render_image      = "us-east4-docker.pkg.dev/demo-project/clipline/render@sha256:0000000000000000000000000000000000000000000000000000000000000000"
}

run "without_any_gpu_there_is_a_pipeline" {
  command = plan

  assert {
    condition     = length(google_cloud_run_v2_job.lane) == 1
    error_message = "The lane on Cloud Run has a job."
  }
  assert {
    condition     = alltrue([for job in google_cloud_run_v2_job.lane : length(job.template[0].template[0].node_selector) == 0])
    error_message = "No job asks for a GPU."
  }
  assert {
    condition     = length(google_compute_region_instance_group_manager.pool) + length(google_compute_network.workers) == 0
    error_message = "Without a pool there is nothing of machines."
  }
}

run "a_pool_has_a_group_without_a_machine" {
  command = plan

  variables {
    lanes = [{
      id                    = "worker/cpu"
      encoder_class         = "libx264/5.1.9/t1"
      tasks                 = 2
      executions            = 2
      start_within_seconds  = 600
      attempt_limit_seconds = 43200
      pool                  = { name = "cpu", region = "us-east4", machine_type = "e2-standard-4", spot = true, most = 2, tasks = 2 }
    }]
  }

  assert {
    condition     = google_compute_region_instance_group_manager.pool["worker/cpu"].target_size == 0
    error_message = "Machines come with work."
  }
  assert {
    condition     = length(google_compute_instance_template.worker["worker/cpu"].guest_accelerator) == 0
    error_message = "Nobody asked for a GPU."
  }
  assert {
    condition     = length(google_cloud_run_v2_job.lane) == 0
    error_message = "A pool has no job."
  }
}

run "workers_have_a_job_of_one_task_and_their_own_account" {
  command = plan

  variables {
    lanes = [{
      id                    = "worker/small"
      encoder_class         = "libx264/5.1.9/t1"
      tasks                 = 1
      executions            = 300
      start_within_seconds  = 600
      attempt_limit_seconds = 3000
      workers               = { name = "small", region = "us-east4", cpu = 2, memory_gib = 4, timeout_seconds = 3600, most = 20 }
    }]
  }

  assert {
    condition     = google_cloud_run_v2_job.workers["worker/small"].name == "clipline-small" && google_cloud_run_v2_job.workers["worker/small"].template[0].task_count == 1
    error_message = "An execution is one worker."
  }
  assert {
    condition     = length(google_storage_bucket_iam_member.worker) == 4 && length(google_pubsub_topic_iam_member.worker) == 2
    error_message = "It has a worker's rights."
  }
  assert {
    condition     = length(google_compute_network.workers) + length(google_compute_region_instance_group_manager.pool) == 0
    error_message = "There is nothing of machines."
  }
}

run "workers_have_time_for_whatever_an_attempt_may_take" {
  command = plan

  variables {
    lanes = [{
      id                    = "worker/small"
      encoder_class         = "libx264/5.1.9/t1"
      tasks                 = 1
      executions            = 300
      start_within_seconds  = 600
      attempt_limit_seconds = 3590
      workers               = { name = "small", region = "us-east4", cpu = 2, memory_gib = 4, timeout_seconds = 3600, most = 20 }
    }]
  }

  expect_failures = [var.lanes]
}

run "a_lane_is_in_one_place" {
  command = plan

  variables {
    lanes = [{
      id                    = "worker/cpu"
      encoder_class         = "libx264/5.1.9/t1"
      tasks                 = 1
      executions            = 1
      start_within_seconds  = 60
      attempt_limit_seconds = 60
      cloud_run             = { region = "us-east4", cpu = 1, memory_gib = 2, timeout_seconds = 3600 }
      pool                  = { name = "cpu", region = "us-east4", machine_type = "e2-standard-4", spot = true, most = 2 }
    }]
  }

  expect_failures = [var.lanes]
}

run "a_lane_is_left_out_and_all_names_are_others" {
  command = plan

  variables {
    name       = "staging"
    omit_lanes = ["batch/us-east4/cpu/spot"]
  }

  assert {
    condition     = google_storage_bucket.uploads.name == "demo-project-staging-uploads"
    error_message = "Buckets bear the name."
  }
  assert {
    condition     = google_service_account.actor["control"].account_id == "staging-control"
    error_message = "Accounts bear the name."
  }

  assert {
    condition     = output.lanes == ["cloud-run/us-east4/cpu"]
    error_message = "The other lane stays."
  }
  assert {
    condition     = length(google_project_iam_member.control_creates_batch_jobs) == 0
    error_message = "Without a lane on Batch nobody may create jobs there."
  }
}

run "some_lane_must_be_left" {
  command = plan

  variables {
    omit_lanes = ["batch/us-east4/cpu/spot", "cloud-run/us-east4/cpu"]
  }

  expect_failures = [var.omit_lanes]
}

# An image by its tag, outputs for everybody, uploads from any page, and an attempt that outlasts its
# tasks: each is refused by its own variable.
run "what_would_go_wrong_later_is_refused_now" {
  command = plan

  variables {
    cors_origins = ["*"]
    people       = { downstream = ["allUsers"] }
    render_image = "us-east4-docker.pkg.dev/demo-project/clipline/render:latest"
    lanes = [{
      id                    = "cloud-run/us-east4/cpu"
      encoder_class         = "libx264/5.1.9/t1"
      tasks                 = 1
      executions            = 1
      start_within_seconds  = 60
      attempt_limit_seconds = 7200
      cloud_run             = { region = "us-east4", cpu = 1, memory_gib = 2, timeout_seconds = 3600 }
    }]
  }

  expect_failures = [var.cors_origins, var.lanes, var.people, var.render_image]
}
