# One apply: everything halo-jira-sync needs in a Google Cloud project, from typed settings.
#
# Promises: works on an empty project in one apply, and a second apply changes nothing; every setting of the program is a variable
# here, checked here as well; nobody gets a role on the whole project, but for two narrow ones named in infra/README.md; no secret's
# value is kept; `terraform destroy` leaves the memory unless told otherwise.
# Not here: the image, which a release brings (cloudbuild.yaml), and secrets' values, which a person adds (infra/README.md).

terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 9.0"
    }
  }
}

# ---- Where -----------------------------------------------------------------------------------------------------------------------

variable "project_id" {
  description = "Google Cloud project that everything is made in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "`project_id` must be a project's id (6 to 30 lower-case letters, digits and hyphens), not its number or title."
  }
}

variable "region" {
  description = "Region of the job and everything beside it, such as europe-west1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "`region` must be a region such as europe-west1 or us-central1, not a zone."
  }
}

variable "name" {
  description = "Name of this deployment, and the first part of the name of everything it makes."
  type        = string
  default     = "halo-jira-sync"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,18}[a-z0-9]$", var.name))
    error_message = "`name` must be 6 to 20 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "labels" {
  description = "Labels of everything that can carry labels."
  type        = map(string)
  default     = {}
}

variable "enable_apis" {
  description = "Whether to enable the Google APIs this needs. They are never disabled again."
  type        = bool
  default     = true
}

# ---- What the program does -------------------------------------------------------------------------------------------------------

variable "halo" {
  description = "The Halo tenant. Its key and secret key are Secret Manager's."
  type = object({
    hostname        = optional(string, "api.cloudpassage.com")
    concurrency_max = optional(number, 10)
  })
  default = {}

  validation {
    condition     = can(regex("^(https://)?[A-Za-z0-9.-]+(:[0-9]+)?/?$", var.halo.hostname))
    error_message = "`halo.hostname` must be a host name, or an https:// address, without a path."
  }
  validation {
    condition     = var.halo.concurrency_max >= 1 && var.halo.concurrency_max <= 64 && floor(var.halo.concurrency_max) == var.halo.concurrency_max
    error_message = "`halo.concurrency_max` must be a whole number, 1 to 64."
  }
}

variable "jira" {
  description = "The Jira site, the project for new tickets, and the names its workflow uses. Its token is Secret Manager's."
  type = object({
    url                = string
    user               = string
    project_key        = string
    issue_type         = string
    issue_id_field     = string
    reopen_transition  = string
    close_transition   = string
    status_closed      = list(string)
    status_hard_closed = optional(list(string), [])
    new_issue_status   = optional(string)
    close_resolution   = optional(string)
    field_mapping      = optional(map(string), {})
    field_static       = optional(map(string), {})
    concurrency_max    = optional(number, 32)
  })

  validation {
    condition     = can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?(/ex/jira/[A-Za-z0-9-]+)?/?$", var.jira.url))
    error_message = "`jira.url` must be an https:// address: the site's own, or https://api.atlassian.com/ex/jira/CLOUD_ID."
  }
  validation {
    condition     = can(regex("^[A-Z][A-Z0-9_]+$", var.jira.project_key))
    error_message = "`jira.project_key` must be a project's key, such as SEC: upper-case letters, digits and underscores."
  }
  validation {
    condition = alltrue([for text in concat(var.jira.status_closed, [
      var.jira.user, var.jira.issue_type, var.jira.issue_id_field, var.jira.reopen_transition, var.jira.close_transition,
    ]) : trimspace(text) != ""]) && length(var.jira.status_closed) > 0
    error_message = "`jira.user`, `issue_type`, `issue_id_field`, `reopen_transition`, `close_transition` and `status_closed` must not be empty."
  }
  validation {
    condition     = alltrue([for status in concat(var.jira.status_closed, var.jira.status_hard_closed) : !strcontains(status, ",")])
    error_message = "`jira.status_closed` and `jira.status_hard_closed` are lists: one status an entry, without commas."
  }
  validation {
    condition     = length(setintersection(var.jira.status_closed, var.jira.status_hard_closed)) == 0
    error_message = "A status in `jira.status_hard_closed` must not be in `jira.status_closed` as well: one means reopen, the other a new ticket."
  }
  validation {
    condition     = !contains(concat(var.jira.status_closed, var.jira.status_hard_closed), coalesce(var.jira.new_issue_status, "none"))
    error_message = "`jira.new_issue_status` must be a status of open tickets: in a closed one, each new ticket would be reopened."
  }
  validation {
    condition     = length(setsubtract(keys(var.jira.field_mapping), local.halo_fields)) == 0
    error_message = "`jira.field_mapping` maps Halo fields to Jira fields. Halo fields are: ${join(", ", local.halo_fields)}."
  }
  validation {
    condition     = var.jira.concurrency_max >= 1 && var.jira.concurrency_max <= 64 && floor(var.jira.concurrency_max) == var.jira.concurrency_max
    error_message = "`jira.concurrency_max` must be a whole number, 1 to 64."
  }
}

variable "scope" {
  description = "Which issues are kept in step. `time_range_min` is the look-back, in minutes, of a first run without a watermark."
  type = object({
    time_range_min           = optional(number, 15)
    critical_only            = optional(bool, false)
    no_comment               = optional(bool, false)
    no_sva                   = optional(bool, false)
    issue_sync_max           = optional(number, 0)
    exclude_server_secure    = optional(bool, false)
    exclude_container_secure = optional(bool, false)
    exclude_cloud_secure     = optional(bool, false)
  })
  default = {}

  validation {
    condition     = var.scope.time_range_min >= 1 && floor(var.scope.time_range_min) == var.scope.time_range_min
    error_message = "`scope.time_range_min` must be a whole number of minutes, at least 1."
  }
  validation {
    condition     = var.scope.issue_sync_max >= 0 && floor(var.scope.issue_sync_max) == var.scope.issue_sync_max
    error_message = "`scope.issue_sync_max` must be a whole number; 0 is no cap."
  }
  validation {
    condition     = !(var.scope.exclude_server_secure && var.scope.exclude_container_secure && var.scope.exclude_cloud_secure)
    error_message = "`scope` excludes Server, Container and Cloud Secure: nothing would be left to keep in step."
  }
}

variable "safety" {
  description = "What a run may do at most without approval, and what happens when one side loses its half. 0 is no limit, or never."
  type = object({
    max_close_percent = optional(number, 30)
    max_create        = optional(number, 0)
    max_reopen        = optional(number, 0)
    sweep_every       = optional(string, "24h")
    create_patience   = optional(string, "25m")
    overlap           = optional(string, "5m")
    when_ticket_gone  = optional(string, "recreate")
    when_issue_gone   = optional(string, "report")
  })
  default = {}

  validation {
    condition     = contains(range(101), var.safety.max_close_percent)
    error_message = "`safety.max_close_percent` must be 0 to 100, without fractions."
  }
  validation {
    condition     = alltrue([for limit in [var.safety.max_create, var.safety.max_reopen] : limit >= 0 && floor(limit) == limit])
    error_message = "`safety.max_create` and `safety.max_reopen` must be whole numbers; 0 is no limit."
  }
  validation {
    condition     = alltrue([for span in [var.safety.sweep_every, var.safety.create_patience, var.safety.overlap] : can(regex("^(0|[1-9][0-9]*[smhd])$", span))])
    error_message = "`safety.sweep_every`, `create_patience` and `overlap` must be a number with s, m, h or d, such as 15m, or 0."
  }
  validation {
    condition     = try(tonumber(regex("^[0-9]+", var.safety.create_patience)) * local.seconds[regex("[smhd]$", var.safety.create_patience)] >= 1200, false)
    error_message = "`safety.create_patience` must be at least 20m: Jira may make a ticket so long after it was asked, and a second one would be made meanwhile."
  }
  validation {
    condition     = try(tonumber(regex("^[0-9]+", var.safety.overlap)) * local.seconds[regex("[smhd]$", var.safety.overlap)] >= 120, false)
    error_message = "`safety.overlap` must be at least 2m: clocks may differ by a minute, and Halo may show a change a little late."
  }
  validation {
    condition     = contains(["recreate", "report"], var.safety.when_ticket_gone)
    error_message = "`safety.when_ticket_gone` must be \"recreate\" or \"report\"."
  }
  validation {
    condition     = contains(["report", "close"], var.safety.when_issue_gone)
    error_message = "`safety.when_issue_gone` must be \"report\" or \"close\"."
  }
}

variable "runtime" {
  description = "How loud the program is, how it reaches the internet, and plain variables that have no setting here yet."
  type = object({
    log_level   = optional(string, "INFO")
    https_proxy = optional(string)
    ca_bundle   = optional(string)
    extra_env   = optional(map(string), {})
  })
  default = {}

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.runtime.log_level)
    error_message = "`runtime.log_level` must be DEBUG, INFO, WARNING or ERROR."
  }
  validation {
    condition     = var.runtime.https_proxy == null || can(regex("^https?://[^@/]+$", var.runtime.https_proxy))
    error_message = "`runtime.https_proxy` must be http://HOST:PORT or https://HOST:PORT, without credentials."
  }
  validation {
    condition     = var.runtime.ca_bundle == null || can(regex("^/", var.runtime.ca_bundle))
    error_message = "`runtime.ca_bundle` must be the absolute path of a file inside the image."
  }
  validation {
    condition     = alltrue([for name in keys(var.runtime.extra_env) : can(regex("^[A-Z][A-Z0-9_]*$", name)) && !startswith(name, "CLOUD_RUN_")])
    error_message = "`runtime.extra_env` may name only upper-case variables, and none of Cloud Run's own (CLOUD_RUN_*)."
  }
}

# ---- How it runs -----------------------------------------------------------------------------------------------------------------

variable "job" {
  description = "The Cloud Run job: its machine, its tasks, its time, and who may operate it by hand."
  type = object({
    cpu         = optional(string, "1")
    memory      = optional(string, "512Mi")
    tasks       = optional(number, 1)
    parallelism = optional(number, 0)
    timeout_s   = optional(number, 840)
    retries     = optional(number, 0)
    image       = optional(string, "us-docker.pkg.dev/cloudrun/container/job:latest")
    operators   = optional(set(string), [])
    protected   = optional(bool, false)
  })
  default = {}

  validation {
    condition     = contains(["1", "2", "4", "8"], var.job.cpu)
    error_message = "`job.cpu` must be \"1\", \"2\", \"4\" or \"8\"."
  }
  validation {
    condition     = contains(["512Mi", "1Gi", "2Gi", "4Gi", "8Gi", "16Gi", "32Gi"], var.job.memory)
    error_message = "`job.memory` must be 512Mi, 1Gi, 2Gi, 4Gi, 8Gi, 16Gi or 32Gi."
  }
  validation {
    condition = contains(lookup({
      "1" = ["512Mi", "1Gi", "2Gi", "4Gi"], "2" = ["512Mi", "1Gi", "2Gi", "4Gi", "8Gi"],
      "4" = ["2Gi", "4Gi", "8Gi", "16Gi"], "8" = ["4Gi", "8Gi", "16Gi", "32Gi"],
    }, var.job.cpu, []), var.job.memory)
    error_message = "Cloud Run allows `job.memory` of 512Mi to 4Gi with 1 cpu, to 8Gi with 2, 2Gi to 16Gi with 4, 4Gi to 32Gi with 8."
  }
  validation {
    condition     = var.job.tasks >= 1 && var.job.tasks <= 10000 && floor(var.job.tasks) == var.job.tasks
    error_message = "`job.tasks` must be a whole number, 1 to 10000."
  }
  validation {
    condition     = var.job.parallelism >= 0 && var.job.parallelism <= var.job.tasks && floor(var.job.parallelism) == var.job.parallelism
    error_message = "`job.parallelism` must be a whole number, 0 (all at once) to `job.tasks`."
  }
  validation {
    condition     = var.job.timeout_s >= 60 && var.job.timeout_s <= 604800 && floor(var.job.timeout_s) == var.job.timeout_s
    error_message = "`job.timeout_s` must be a whole number of seconds, 60 to 604800 (7 days)."
  }
  validation {
    condition     = var.job.retries >= 0 && var.job.retries <= 10 && floor(var.job.retries) == var.job.retries
    error_message = "`job.retries` must be a whole number, 0 to 10."
  }
  validation {
    condition     = alltrue([for member in var.job.operators : can(regex("^(user|group|serviceAccount):[^@]+@.+$", member))])
    error_message = "`job.operators` must be members such as user:a@example.com, group:g@example.com or serviceAccount:s@p.iam.gserviceaccount.com."
  }
}

variable "schedule" {
  description = "When the job runs by itself."
  type = object({
    cron      = optional(string, "*/15 * * * *")
    time_zone = optional(string, "Etc/UTC")
    paused    = optional(bool, false)
    retries   = optional(number, 1)
  })
  default = {}

  validation {
    condition     = can(regex("^[0-9*/,-]+ [0-9*/,-]+ [0-9*/,?L-]+ [0-9A-Za-z*/,-]+ [0-9A-Za-z*/,-]+$", var.schedule.cron))
    error_message = "`schedule.cron` must be five cron fields (minute, hour, day, month, weekday) with one space between, such as \"*/15 * * * *\"."
  }
  validation {
    condition     = can(regex("^(UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]+)+)$", var.schedule.time_zone))
    error_message = "`schedule.time_zone` must be a name of the tz database, such as Etc/UTC or Europe/Berlin."
  }
  validation {
    condition     = var.schedule.retries >= 0 && var.schedule.retries <= 5 && floor(var.schedule.retries) == var.schedule.retries
    error_message = "`schedule.retries` must be a whole number, 0 to 5."
  }
}

variable "state" {
  description = "The Firestore database with the links between issues and tickets. Its location is for ever; null is the region."
  type = object({
    location               = optional(string)
    prefix                 = optional(string, "halo-jira-sync")
    point_in_time_recovery = optional(bool, true)
    backup                 = optional(object({ daily_days = optional(number), weekly_days = optional(number) }), {})
    destroy_data           = optional(bool, false)
  })
  default = {}

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_-]*$", var.state.prefix))
    error_message = "`state.prefix` must be letters, digits, hyphens and underscores, beginning with a letter."
  }
  validation {
    condition     = coalesce(var.state.backup.daily_days, 1) >= 1 && coalesce(var.state.backup.daily_days, 1) <= 98
    error_message = "`state.backup.daily_days` must be 1 to 98 (14 weeks)."
  }
  validation {
    condition     = coalesce(var.state.backup.weekly_days, 7) >= 7 && coalesce(var.state.backup.weekly_days, 7) <= 98
    error_message = "`state.backup.weekly_days` must be 7 to 98 (14 weeks)."
  }
}

variable "secrets" {
  description = "Where secrets are kept, and which get their first value from `secret_values` instead of by hand."
  type = object({
    locations      = optional(set(string), [])
    seeded         = optional(set(string), [])
    values_version = optional(number, 1)
  })
  default = {}
}

variable "secret_values" {
  description = "Values for `secrets.seeded` by short name, from TF_VAR_secret_values; write-only, kept neither in plan nor in state."
  type        = map(string)
  default     = {}
  ephemeral   = true

  validation {
    condition     = length(setsubtract(var.secrets.seeded, keys(var.secret_values))) == 0
    error_message = "`secret_values` must hold a value for every name in `secrets.seeded`. After the first apply the names can simply be dropped: the values stay."
  }
}

variable "images" {
  description = "The image repository: how many images are kept whatever their age, when others go, and whether Google scans them."
  type = object({
    keep              = optional(number, 10)
    delete_after_days = optional(number, 30)
    scan              = optional(bool, false)
  })
  default = {}

  validation {
    condition     = var.images.keep >= 2 && var.images.delete_after_days >= 1
    error_message = "`images.keep` must be at least 2, so that there is an image to go back to, and `images.delete_after_days` at least 1."
  }
}

variable "build" {
  description = "The GitHub repository whose pushes are released by themselves; without a trigger, builds are submitted by hand."
  type = object({
    trigger = optional(object({
      owner      = string
      repository = string
      branch     = optional(string, "^main$")
      approval   = optional(bool, false)
    }))
  })
  default = {}
}

variable "watch" {
  description = "Who is told, of what, and when: minutes without a successful run, seconds that data may lag, a rise of parked issues."
  type = object({
    emails          = optional(set(string), [])
    channels        = optional(set(string), [])
    alerts          = optional(set(string), ["failed-run", "silence", "parked", "lag"])
    silence_min     = optional(number, 60)
    lag_s           = optional(number, 3600)
    parked_per_hour = optional(number, 5)
  })
  default = {}

  validation {
    condition     = alltrue([for address in var.watch.emails : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "`watch.emails` must be e-mail addresses."
  }
  validation {
    condition     = alltrue([for channel in var.watch.channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", channel))])
    error_message = "`watch.channels` must be names such as projects/P/notificationChannels/N."
  }
  validation {
    condition     = length(setsubtract(var.watch.alerts, ["failed-run", "silence", "parked", "lag"])) == 0
    error_message = "`watch.alerts` may name failed-run, silence, parked and lag."
  }
  validation {
    condition     = var.watch.silence_min >= 5 && var.watch.silence_min <= 1440 && var.watch.lag_s >= 60 && var.watch.parked_per_hour >= 0
    error_message = "`watch.silence_min` must be 5 to 1440, `watch.lag_s` at least 60 and `watch.parked_per_hour` at least 0."
  }
}

variable "webhook" {
  description = "Jira's messages as they happen. Off by default; it needs a released image that was built with the http part."
  type = object({
    enabled       = optional(bool, false)
    image         = optional(string)
    target        = optional(string)
    instances_max = optional(number, 2)
  })
  default = {}

  validation {
    condition     = !var.webhook.enabled || (var.webhook.image != null && var.webhook.target != null)
    error_message = "`webhook.enabled` needs `webhook.image` (a released image, by digest) and `webhook.target` (a function in job/functions.py)."
  }
  validation {
    condition     = var.webhook.instances_max >= 1 && var.webhook.instances_max <= 20
    error_message = "`webhook.instances_max` must be 1 to 20."
  }
}

variable "egress" {
  description = "A static address for everything the job sends out, when Halo keys or Jira are limited to addresses."
  type = object({
    static_address = optional(bool, false)
    range          = optional(string, "10.20.0.0/26")
  })
  default = {}
}

# ---- Settings as the program's environment ---------------------------------------------------------------------------------------

locals {
  halo_fields = [
    "asset_group_name", "asset_group_path", "asset_type", "issue_critical", "issue_created_at", "issue_rule_key", "issue_type",
    "issue_id", "issue_policy_name", "server_csp_provider", "server_csp_account_id", "server_csp_instance_id", "server_id",
    "server_hostname", "server_state",
  ]

  seconds = { s = 1, m = 60, h = 3600, d = 86400 }

  # `a:b;c:d`, where a backslash makes plain signs of a backslash, a semicolon, and a colon inside a name.
  pairs = { for topic, map in { mapping = var.jira.field_mapping, static = var.jira.field_static } :
  topic => join(";", [for name, value in map : "${replace(name, "/([\\\\;:])/", "\\$1")}:${replace(value, "/([\\\\;])/", "\\$1")}"]) }

  settings = {
    HALO_API_HOSTNAME    = var.halo.hostname
    HALO_CONCURRENCY_MAX = var.halo.concurrency_max

    JIRA_API_URL            = var.jira.url
    JIRA_API_USER           = var.jira.user
    JIRA_PROJECT_KEY        = var.jira.project_key
    JIRA_ISSUE_TYPE         = var.jira.issue_type
    JIRA_ISSUE_ID_FIELD     = var.jira.issue_id_field
    JIRA_FIELD_MAPPING      = local.pairs.mapping
    JIRA_FIELD_STATIC       = local.pairs.static
    JIRA_CONCURRENCY_MAX    = var.jira.concurrency_max
    ISSUE_REOPEN_TRANSITION = var.jira.reopen_transition
    ISSUE_CLOSE_TRANSITION  = var.jira.close_transition
    ISSUE_STATUS_CLOSED     = join(",", var.jira.status_closed)
    STATUS_HARD_CLOSED      = join(",", var.jira.status_hard_closed)
    NEW_ISSUE_STATUS        = var.jira.new_issue_status
    CLOSE_RESOLUTION        = var.jira.close_resolution

    TIME_RANGE               = var.scope.time_range_min
    CRITICAL_ONLY            = var.scope.critical_only
    NO_COMMENT               = var.scope.no_comment
    NO_SVA                   = var.scope.no_sva
    ISSUE_SYNC_MAX           = var.scope.issue_sync_max
    EXCLUDE_SERVER_SECURE    = var.scope.exclude_server_secure
    EXCLUDE_CONTAINER_SECURE = var.scope.exclude_container_secure
    EXCLUDE_CLOUD_SECURE     = var.scope.exclude_cloud_secure

    MAX_CLOSE_PERCENT = var.safety.max_close_percent
    MAX_CREATE        = var.safety.max_create
    MAX_REOPEN        = var.safety.max_reopen
    SWEEP_EVERY       = var.safety.sweep_every
    CREATE_PATIENCE   = var.safety.create_patience
    OVERLAP           = var.safety.overlap
    WHEN_TICKET_GONE  = var.safety.when_ticket_gone
    WHEN_ISSUE_GONE   = var.safety.when_issue_gone

    TASK_TIMEOUT_S = var.job.timeout_s
    LOG_LEVEL      = var.runtime.log_level
    HTTPS_PROXY    = var.runtime.https_proxy
    CA_BUNDLE      = var.runtime.ca_bundle

    STATE_URL           = module.state.url
    HALO_API_KEY        = module.secrets.references["halo-api-key"]
    HALO_API_SECRET_KEY = module.secrets.references["halo-api-secret-key"]
    JIRA_API_TOKEN      = module.secrets.references["jira-api-token"]
  }

  # An empty text and an absent variable mean the same to the program; absent is easier to read in the console.
  env = merge({ for name, value in local.settings : name => tostring(value) if value != null && tostring(value) != "" }, var.runtime.extra_env)
}

# ---- Everything ------------------------------------------------------------------------------------------------------------------

resource "google_project_service" "api" {
  for_each = toset(var.enable_apis ? concat([
    "artifactregistry.googleapis.com", "cloudbuild.googleapis.com", "cloudscheduler.googleapis.com", "firestore.googleapis.com",
    "iam.googleapis.com", "logging.googleapis.com", "monitoring.googleapis.com", "run.googleapis.com",
    "secretmanager.googleapis.com", "storage.googleapis.com",
  ], var.egress.static_address ? ["compute.googleapis.com"] : []) : [])
  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}

module "job" {
  source              = "./infra/job"
  project_id          = var.project_id
  region              = var.region
  name                = var.name
  labels              = var.labels
  image               = var.job.image
  env                 = local.env
  size                = var.job
  operators           = var.job.operators
  deletion_protection = var.job.protected
  egress              = var.egress.static_address ? module.egress[0].network : null
  depends_on          = [google_project_service.api]
}

module "schedule" {
  source     = "./infra/schedule"
  project_id = var.project_id
  region     = var.region
  name       = var.name
  job        = module.job.name
  cron       = var.schedule.cron
  time_zone  = var.schedule.time_zone
  paused     = var.schedule.paused
  retries    = var.schedule.retries
  depends_on = [google_project_service.api]
}

module "state" {
  source                 = "./infra/state"
  project_id             = var.project_id
  location               = coalesce(var.state.location, var.region)
  database               = var.name
  prefix                 = var.state.prefix
  point_in_time_recovery = var.state.point_in_time_recovery
  backup                 = var.state.backup
  destroy_data           = var.state.destroy_data
  users = merge({ job = module.job.service_account.member },
  var.webhook.enabled ? { webhook = module.webhook[0].service_account } : {})
  depends_on = [google_project_service.api]
}

module "secrets" {
  source         = "./infra/secrets"
  project_id     = var.project_id
  prefix         = var.name
  labels         = var.labels
  locations      = var.secrets.locations
  seeded         = var.secrets.seeded
  values         = var.secret_values
  values_version = var.secrets.values_version
  readers = merge({ for name in ["halo-api-key", "halo-api-secret-key", "jira-api-token"] : name => module.job.service_account.member },
  var.webhook.enabled ? { webhook-key = module.webhook[0].service_account } : {})
  depends_on = [google_project_service.api]
}

module "images" {
  source            = "./infra/images"
  project_id        = var.project_id
  region            = var.region
  name              = var.name
  labels            = var.labels
  keep              = var.images.keep
  delete_after_days = var.images.delete_after_days
  scan              = var.images.scan
  depends_on        = [google_project_service.api]
}

module "build" {
  source              = "./infra/build"
  project_id          = var.project_id
  region              = var.region
  name                = var.name
  labels              = var.labels
  jobs                = module.job.names
  job_service_account = module.job.service_account.name
  repository          = module.images
  trigger             = var.build.trigger
  depends_on          = [google_project_service.api]
}

module "watch" {
  source     = "./infra/watch"
  project_id = var.project_id
  region     = var.region
  name       = var.name
  job        = module.job.name
  emails     = var.watch.emails
  channels   = var.watch.channels
  alerts     = var.watch.alerts
  limits     = var.watch
  depends_on = [google_project_service.api]
}

module "webhook" {
  count         = var.webhook.enabled ? 1 : 0
  source        = "./infra/webhook"
  project_id    = var.project_id
  region        = var.region
  name          = var.name
  labels        = var.labels
  image         = var.webhook.image
  target        = var.webhook.target
  instances_max = var.webhook.instances_max
  job           = module.job.name
  env = {
    STATE_URL   = module.state.url
    WEBHOOK_KEY = module.secrets.references["webhook-key"]
    RUN_JOB     = "projects/${var.project_id}/locations/${var.region}/jobs/${module.job.name}"
    LOG_LEVEL   = var.runtime.log_level
  }
  depends_on = [google_project_service.api]
}

module "egress" {
  count      = var.egress.static_address ? 1 : 0
  source     = "./infra/egress"
  project_id = var.project_id
  region     = var.region
  name       = var.name
  range      = var.egress.range
  depends_on = [google_project_service.api]
}

# ---- What to do next -------------------------------------------------------------------------------------------------------------

output "add_secrets" {
  description = "One command for each secret; each asks for the value on standard input and leaves no trace in the shell's history."
  value       = { for name, id in module.secrets.ids : name => "gcloud secrets versions add ${id} --project=${var.project_id} --data-file=-" }
}

output "release" {
  description = "The command that tests, builds and rolls out the commit that is checked out."
  value       = module.build.submit
}

output "roll_back" {
  description = "The command that puts an earlier image back; take the digest from the repository."
  value       = "gcloud run jobs update ${module.job.name} --project=${var.project_id} --region=${var.region} --image=${module.images.url}/job@sha256:DIGEST"
}

output "execute" {
  description = "The command that starts a run by hand; add --args=plan, --args=run,--sweep and so on."
  value       = "gcloud run jobs execute ${module.job.name} --project=${var.project_id} --region=${var.region} --wait"
}

output "service_accounts" {
  description = "The identities of this deployment, by what they do."
  value = {
    job      = module.job.service_account.email
    schedule = module.schedule.service_account
    build    = module.build.service_account
  }
}

output "environment" {
  description = "The program's settings as the job sees them; secrets only as references."
  value       = local.env

  precondition {
    condition     = length(setintersection(keys(var.runtime.extra_env), keys(local.settings))) == 0
    error_message = "`runtime.extra_env` names ${join(", ", setintersection(keys(var.runtime.extra_env), keys(local.settings)))}, which has a setting of its own."
  }
}

output "state_url" {
  description = "Where the memory is."
  value       = module.state.url
}

output "dashboard" {
  description = "Resource name of the dashboard."
  value       = module.watch.dashboard
}

output "static_address" {
  description = "The address everything is sent from, or null."
  value       = var.egress.static_address ? module.egress[0].address : null
}

output "webhook_url" {
  description = "The address to give to Jira, or null."
  value       = var.webhook.enabled ? module.webhook[0].url : null
}
