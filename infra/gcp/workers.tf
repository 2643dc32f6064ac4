# Machines of lanes that are pools: a group for each, made with no machine in it. The control plane
# makes machines by name for what waits; a worker that has nothing to do leaves, and its machine
# stops itself (workers.yaml.tftpl). Without such a lane nothing of this is there.

locals {
  pool_lanes = { for lane in local.lanes : lane.id => lane if lane.pool != null }
  groups     = { for id, lane in local.pool_lanes : id => "${var.name}-${lane.pool.name}" }

  pool_regions = toset([for lane in local.pool_lanes : lane.pool.region])
  # Lanes whose work is pulled, by whatever machines: these run under one account.
  pulling = merge(local.pool_lanes, local.worker_lanes)

  worker_topics = length(local.pulling) > 0 ? ["execution-events", "render-results"] : []

  worker_grants = length(local.pulling) == 0 ? {} : {
    "worker reads uploads"          = { bucket = "uploads", role = "roles/storage.objectViewer" }
    "worker keeps seats and pieces" = { bucket = "work", role = "roles/storage.objectUser" }
    "worker delivers"               = { bucket = "outputs", role = "roles/storage.objectCreator" }
    "worker sees what is there"     = { bucket = "outputs", role = "roles/storage.objectViewer" }
  }
}

resource "google_compute_network" "workers" {
  count = length(local.pool_lanes) > 0 ? 1 : 0

  name                    = "${var.name}-workers"
  description             = "Nobody reaches a worker: no firewall rule lets anything in."
  auto_create_subnetworks = false

  depends_on = [google_project_service.this]
}

# Without an address of their own, machines reach Google's APIs and nothing else.
resource "google_compute_subnetwork" "workers" {
  for_each = local.pool_regions

  name                     = "${var.name}-workers"
  region                   = each.value
  network                  = google_compute_network.workers[0].id
  ip_cidr_range            = "10.128.0.0/20"
  private_ip_google_access = true
}

resource "google_compute_instance_template" "worker" {
  for_each = local.pool_lanes

  name_prefix    = "${local.groups[each.key]}-"
  description    = "A worker of the lane ${each.key}."
  region         = each.value.pool.region
  machine_type   = each.value.pool.machine_type
  can_ip_forward = false

  metadata = {
    block-project-ssh-keys = "true"
    user-data = templatefile("${path.module}/workers.yaml.tftpl", {
      environment = merge(local.place, {
        CLIPLINE_METADATA = "metadata.google.internal"
      })
      idle_seconds = each.value.pool.idle_seconds
      image        = var.render_image
      pool         = each.value.pool.name
      registry     = split("/", var.render_image)[0]
      tasks        = each.value.pool.tasks
      with_gpu     = each.value.pool.gpu != null
    })
  }

  disk {
    source_image = "projects/cos-cloud/global/images/family/cos-stable"
    auto_delete  = true
    boot         = true
    disk_size_gb = each.value.pool.disk_gib
    disk_type    = "pd-balanced"
  }

  dynamic "guest_accelerator" {
    for_each = each.value.pool.gpu == null ? [] : [each.value.pool]
    content {
      type  = guest_accelerator.value.gpu
      count = guest_accelerator.value.gpus
    }
  }

  network_interface {
    subnetwork = google_compute_subnetwork.workers[each.value.pool.region].id
  }

  # A GPU's machine cannot be moved while it runs, nor can a Spot machine.
  scheduling {
    provisioning_model          = each.value.pool.spot ? "SPOT" : "STANDARD"
    preemptible                 = each.value.pool.spot
    automatic_restart           = false
    on_host_maintenance         = each.value.pool.spot || each.value.pool.gpu != null ? "TERMINATE" : "MIGRATE"
    instance_termination_action = each.value.pool.spot ? "STOP" : null
  }

  # Its rights are those of its account, on each resource.
  service_account {
    email  = google_service_account.actor["worker"].email
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
  }

  shielded_instance_config {
    enable_integrity_monitoring = true
    enable_secure_boot          = each.value.pool.gpu == null
    enable_vtpm                 = true
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_region_instance_group_manager" "pool" {
  for_each = local.pool_lanes

  name                             = local.groups[each.key]
  description                      = "Machines of the lane ${each.key}, named for what waits."
  base_instance_name               = local.groups[each.key]
  region                           = each.value.pool.region
  distribution_policy_zones        = length(each.value.pool.zones) > 0 ? each.value.pool.zones : null
  distribution_policy_target_shape = "ANY"
  list_managed_instances_results   = "PAGINATED"

  version {
    instance_template = google_compute_instance_template.worker[each.key].self_link_unique
  }

  # A machine that was preempted would come back under its name, beside the one that has taken up its
  # work by then. And there is no health check to heal by: a worker that hangs loses its seats.
  instance_lifecycle_policy {
    default_action_on_failure = "DO_NOTHING"
  }

  # A new template is for new machines; none is replaced, and none is moved to another zone.
  update_policy {
    type                         = "OPPORTUNISTIC"
    minimal_action               = "REPLACE"
    instance_redistribution_type = "NONE"
    max_surge_fixed              = 0
    max_unavailable_fixed        = 10
  }

  # The control plane creates and deletes by name, which moves the size: an apply leaves it alone.
  target_size = 0

  lifecycle {
    ignore_changes = [target_size]
  }
}

resource "google_storage_bucket_iam_member" "worker" {
  for_each = local.worker_grants

  bucket = local.buckets[each.value.bucket]
  role   = each.value.role
  member = google_service_account.actor["worker"].member
}

resource "google_pubsub_topic_iam_member" "worker" {
  for_each = toset(local.worker_topics)

  topic  = google_pubsub_topic.this[each.value].name
  role   = "roles/pubsub.publisher"
  member = google_service_account.actor["worker"].member
}

resource "google_artifact_registry_repository_iam_member" "worker_reads_images" {
  count = length(local.pool_lanes) > 0 ? 1 : 0

  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.actor["worker"].member
}

resource "google_project_iam_member" "worker_writes_logs" {
  count = length(local.pool_lanes) > 0 ? 1 : 0

  project = var.project
  role    = "roles/logging.logWriter"
  member  = google_service_account.actor["worker"].member
}

# To look at groups, and to create and delete their machines by name; nothing on machines themselves.
resource "google_project_iam_custom_role" "tender" {
  count = length(local.pool_lanes) > 0 ? 1 : 0

  role_id     = "${replace(var.name, "-", "_")}_tender"
  title       = "${var.name}: tends groups of workers"
  description = "What functions/adapters/mig_pool.py calls."
  permissions = [
    "compute.instanceGroupManagers.get",
    "compute.instanceGroupManagers.update",
  ]
}

# Groups have no policy of their own.
resource "google_project_iam_member" "control_tends_groups" {
  count = length(local.pool_lanes) > 0 ? 1 : 0

  project = var.project
  role    = google_project_iam_custom_role.tender[0].name
  member  = google_service_account.actor["control"].member
}
