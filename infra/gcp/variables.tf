variable "alert_channels" {
  description = "Notification channels, by full name: who is woken, and where tickets go."
  type = object({
    page   = optional(list(string), [])
    ticket = optional(list(string), [])
  })
  default = {}
}

variable "budget" {
  description = "A month's budget of the project, in the billing account's own currency; null makes none."
  type = object({
    billing_account = string
    amount          = number
  })
  default = null
}

variable "cors_origins" {
  description = "Origins of pages that may upload, such as https://app.example.com; none by default."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains(var.cors_origins, "*")
    error_message = "Name the origins: any page of the world could start uploads otherwise."
  }
}

variable "delete_data" {
  description = "Whether a destroy may take buckets with what is in them, and the database."
  type        = bool
  default     = false
}

variable "functions_archive" {
  description = "Path of the zip file that `make bundle` made; its name says its content."
  type        = string

  validation {
    condition     = can(regex("functions-[0-9a-f]{16}\\.zip$", var.functions_archive))
    error_message = "That is the zip file of `make bundle`: functions-, 16 hex digits, .zip."
  }
}

variable "gcloud" {
  description = "The gcloud command that sets the one thing that Terraform cannot (eventarc.tf)."
  type        = string
  default     = "gcloud"
}

variable "lanes" {
  description = "Places and ways to run, the first choice first (lanes.auto.tfvars.json); each on Cloud Run, on Batch, a pool of machines, or workers on Cloud Run that small renders share."
  type = list(object({
    id                    = string
    encoder_class         = string
    tasks                 = number
    executions            = number
    start_within_seconds  = number
    attempt_limit_seconds = number
    disk_gib              = optional(number)
    gpu_slots             = optional(number)
    hedge                 = optional(bool, false)
    launches_a_minute     = optional(number)
    location              = optional(string)
    start_seconds         = optional(number)
    quotas                = optional(list(string), [])
    price = optional(object({
      parts = list(object({
        what                 = string
        nanodollars_a_second = number
        count                = optional(number, 1)
        read_on              = string
        source               = string
      }))
    }))
    batch = optional(object({
      region       = string
      zones        = optional(list(string), [])
      machine_type = string
      spot         = bool
      gpu          = optional(string)
      gpus         = optional(number, 1)
      cpu_milli    = number
      memory_mib   = number
      options      = optional(string, "")
      retries      = optional(number, 3)
    }))
    cloud_run = optional(object({
      region          = string
      cpu             = number
      memory_gib      = number
      gpu             = optional(string)
      timeout_seconds = number
      max_retries     = optional(number, 3)
    }))
    pool = optional(object({
      name         = string
      region       = string
      zones        = optional(list(string), [])
      machine_type = string
      spot         = bool
      gpu          = optional(string)
      gpus         = optional(number, 1)
      disk_gib     = optional(number, 30)
      idle_seconds = optional(number, 300)
      most         = number
      tasks        = optional(number, 1)
    }))
    workers = optional(object({
      name            = string
      region          = string
      cpu             = number
      memory_gib      = number
      gpu             = optional(string)
      timeout_seconds = number
      idle_seconds    = optional(number, 20)
      most            = number
      tasks           = optional(number, 1)
    }))
  }))

  validation {
    condition     = length(var.lanes) > 0 && length(distinct(var.lanes[*].id)) == length(var.lanes)
    error_message = "One lane at least, and each id once."
  }
  validation {
    condition     = alltrue([for lane in var.lanes : length([for place in [lane.batch != null, lane.cloud_run != null, lane.pool != null, lane.workers != null] : true if place]) == 1])
    error_message = "A lane is on Cloud Run, on Batch, a pool, or workers on Cloud Run."
  }
  validation {
    condition     = alltrue([for lane in var.lanes : lane.pool == null ? true : can(regex("^[a-z][a-z0-9-]{0,19}$", lane.pool.name))])
    error_message = "A pool is named by 1 to 20 lower case letters, digits and dashes: so are its machines, with more before and behind."
  }
  validation {
    condition     = alltrue([for lane in var.lanes : lane.workers == null ? true : can(regex("^[a-z][a-z0-9-]{0,19}$", lane.workers.name))])
    error_message = "Workers are named by 1 to 20 lower case letters, digits and dashes: so is their job, with more before."
  }
  validation {
    condition     = length(distinct([for lane in var.lanes : coalesce(try(lane.pool.name, null), try(lane.workers.name, null), lane.id)])) == length(var.lanes)
    error_message = "A pool has one lane: its machines are made for that."
  }
  validation {
    condition     = alltrue([for lane in var.lanes : lane.workers == null ? true : lane.attempt_limit_seconds + 60 <= lane.workers.timeout_seconds])
    error_message = "A worker takes nothing that its own time does not hold: attempt_limit_seconds must be a minute shorter than timeout_seconds."
  }
  validation {
    condition     = alltrue([for lane in var.lanes : lane.cloud_run == null ? true : lane.attempt_limit_seconds <= lane.cloud_run.timeout_seconds])
    error_message = "An attempt on Cloud Run ends with its tasks' timeout: attempt_limit_seconds must not be longer."
  }
}

variable "name" {
  description = "Of this deployment, in front of all names: staging and production have projects of their own."
  type        = string
  default     = "clipline"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,13}[a-z0-9]$", var.name))
    error_message = "4 to 15 lower case letters, digits and dashes: a database has 4 at least, an account 30 at most."
  }
}

variable "omit_lanes" {
  description = "Ids of lanes that are left out for now, for want of quota."
  type        = list(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.lanes[*].id, var.omit_lanes)) > 0
    error_message = "At least one lane must be left."
  }
}

variable "people" {
  description = "Members, such as group:video@example.com, by what they do (docs/actors-and-flows.md)."
  type = object({
    downstream = optional(list(string), [])
    on_call    = optional(list(string), [])
    operators  = optional(list(string), [])
    uploaders  = optional(list(string), [])
  })
  default = {}

  validation {
    condition     = length(setintersection(flatten(values(var.people)), ["allUsers", "allAuthenticatedUsers"])) == 0
    error_message = "Nothing here is public."
  }
}

variable "project" {
  description = "The project's id."
  type        = string
}

variable "push_audiences" {
  description = "Further audiences that pushers' tokens are made out for: the other URL of on-upload, if Eventarc uses that."
  type        = list(string)
  default     = []
}

variable "region" {
  description = "Of the buckets, the functions and the database; lanes name their own."
  type        = string
}

variable "render_image" {
  description = "The render task's image, in full and by digest."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.render_image))
    error_message = "By digest (…@sha256:…): a tag may become another image."
  }
}

variable "quotas" {
  description = "What several lanes draw on together; a lane names those that are its own."
  type = list(object({
    id                = string
    executions        = optional(number)
    gpus              = optional(number)
    launches_a_minute = optional(number)
  }))
  default = []
}

variable "spending" {
  description = "What renders may cost, in dollars: one beyond its limit fails, beyond the day's they wait for midnight UTC."
  type = object({
    day_dollars    = optional(number)
    render_dollars = optional(number)
  })
  default = {}
}

variable "tenants" {
  description = "By tenant: where its renders may be made, in the words of the lanes' locations; its weight among those who wait; its usual priority, that of its folders, and the most urgent one that its uploads may ask for; what its folders make of uploads that bring no spec, and for how long they await a sidecar."
  type = map(object({
    ceiling = optional(string, "normal")
    defaults = optional(map(object({
      await_sidecar_seconds = optional(number, 0)
      spec                  = optional(string, "")
    })), {})
    folders   = optional(map(string), {})
    locations = optional(list(string))
    priority  = optional(string, "normal")
    weight    = optional(number, 1)
  }))
  default = {}
}
