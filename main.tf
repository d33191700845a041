# Everything halo-jira-sync needs in a Google Cloud project, from one file of settings.
#
# Promises: a second apply changes nothing; every setting of the program is one here, and what is misspelt or absurd is refused before
# anything is made; nobody gets a role on the whole project, but for the narrow ones named in infra/README.md; no secret's value is
# kept; `terraform destroy` leaves the memory unless told otherwise.
# Not here: types and defaults of the settings (infra/settings), the image, which a release brings (cloudbuild.yaml), and secrets'
# values, which a person adds (infra/README.md).

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

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))]) && length(var.labels) <= 60
    error_message = "`labels` must be lower-case letters, digits, hyphens and underscores, keys beginning with a letter; at most 63 signs each and 60 labels."
  }
}

variable "enable_apis" {
  description = "Whether to enable the Google APIs this needs. They are never disabled again."
  type        = bool
  default     = true
}

# ---- Settings: each is an object, whose names, types and defaults are in infra/settings ----------------------------------------------

variable "halo" {
  description = "The Halo tenant: `hostname`, `concurrency_max`."
  type        = any
  default     = {}
}

variable "jira" {
  description = "The Jira site, how to sign in, the project for new tickets, and the names its workflow uses."
  type        = any
}

variable "scope" {
  description = "Which issues are kept in step."
  type        = any
  default     = {}
}

variable "safety" {
  description = "What a run may do at most without approval, and what happens when one side loses its half."
  type        = any
  default     = {}
}

variable "runtime" {
  description = "How loud the program is, how it reaches the internet, and plain variables that have no setting here yet."
  type        = any
  default     = {}
}

variable "job" {
  description = "The Cloud Run job: its machine, its tasks, its time, and what one execution may override."
  type        = any
  default     = {}
}

variable "access" {
  description = "People and groups: `operators`, `releasers`, `rotators`."
  type        = any
  default     = {}
}

variable "schedule" {
  description = "When the job runs by itself."
  type        = any
  default     = {}
}

variable "state" {
  description = "The Firestore database with the links between issues and tickets, and its backups."
  type        = any
  default     = {}
}

variable "secrets" {
  description = "Where secrets are kept, and which get their first value from `secret_values` instead of by hand."
  type        = any
  default     = {}
}

variable "images" {
  description = "The image repository: what is kept, and whether Google scans it."
  type        = any
  default     = {}
}

variable "build" {
  description = "What an image holds, and the repository whose pushes are built by themselves."
  type        = any
  default     = {}
}

variable "watch" {
  description = "Who is told, of what, and when."
  type        = any
  default     = {}
}

variable "encryption" {
  description = "A KMS key of one's own for everything that is kept."
  type        = any
  default     = {}
}

variable "egress" {
  description = "The way out: a static address, or an existing network."
  type        = any
  default     = {}
}

variable "secret_values" {
  description = "Values for `secrets.seeded` by short name, from TF_VAR_secret_values; write-only, kept neither in plan nor in state."
  type        = map(string)
  default     = {}
  ephemeral   = true

  validation {
    condition     = length(setsubtract(local.set.secrets.seeded, keys(var.secret_values))) == 0
    error_message = "`secret_values` must hold a value for every name in `secrets.seeded`. After the first apply the names can simply be dropped: the values stay."
  }
}

module "settings" {
  source     = "./infra/settings"
  access     = var.access
  build      = var.build
  egress     = var.egress
  encryption = var.encryption
  halo       = var.halo
  images     = var.images
  jira       = var.jira
  job        = var.job
  runtime    = var.runtime
  safety     = var.safety
  schedule   = var.schedule
  scope      = var.scope
  secrets    = var.secrets
  state      = var.state
  watch      = var.watch

  given = {
    access     = var.access
    build      = var.build
    egress     = var.egress
    encryption = var.encryption
    halo       = var.halo
    images     = var.images
    jira       = var.jira
    job        = var.job
    runtime    = var.runtime
    safety     = var.safety
    schedule   = var.schedule
    scope      = var.scope
    secrets    = var.secrets
    state      = var.state
    watch      = var.watch
  }
  taken    = ["STATE_URL", "HALO_API_KEY", "HALO_API_SECRET_KEY", "JIRA_CLIENT_SECRET", "JIRA_API_TOKEN"]
  ca_files = concat(["/etc/ssl/certs/ca-certificates.crt"], [for file in fileset(path.root, "job/**/*.pem") : "/app/${file}"])
}

locals {
  set = module.settings.settings
  key = local.set.encryption.key == null ? null : module.encryption[0].key
  existing_network = local.set.egress.network == null ? null : {
    network = local.set.egress.network, subnetwork = local.set.egress.subnetwork
  }

  # Each secret that the program reads, by the variable that names it; Jira has one, by the way to sign in.
  jira_secret = local.set.jira.client_id == null ? "JIRA_API_TOKEN" : "JIRA_CLIENT_SECRET"
  secrets     = { for variable in ["HALO_API_KEY", "HALO_API_SECRET_KEY", local.jira_secret] : variable => lower(replace(variable, "_", "-")) }

  env = merge(module.settings.environment, { STATE_URL = module.state.url },
  { for variable, name in local.secrets : variable => module.secrets.references[name] })
}

# ---- Everything ------------------------------------------------------------------------------------------------------------------

resource "google_project_service" "api" {
  for_each = toset(var.enable_apis ? concat([
    "artifactregistry.googleapis.com", "cloudbuild.googleapis.com", "cloudscheduler.googleapis.com", "firestore.googleapis.com",
    "iam.googleapis.com", "logging.googleapis.com", "monitoring.googleapis.com", "pubsub.googleapis.com", "run.googleapis.com",
    "secretmanager.googleapis.com", "storage.googleapis.com",
    ],
    local.set.egress.static_address ? ["compute.googleapis.com"] : [],
    local.set.images.scan ? ["containerscanning.googleapis.com"] : [],
    local.set.encryption.key != null ? ["cloudkms.googleapis.com"] : [],
    local.set.job.binary_authorization != null ? ["binaryauthorization.googleapis.com"] : [],
    local.set.watch.budget_account != null ? ["billingbudgets.googleapis.com"] : [],
  ) : [])
  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}

module "job" {
  source               = "./infra/job"
  project_id           = var.project_id
  region               = var.region
  name                 = var.name
  labels               = var.labels
  image                = local.set.job.image
  env                  = local.env
  size                 = local.set.job
  operators            = local.set.access.operators
  overridable          = local.set.job.overridable
  binary_authorization = local.set.job.binary_authorization
  encryption_key       = local.key
  deletion_protection  = local.set.job.protected
  egress               = local.set.egress.static_address ? module.egress[0].network : local.existing_network
  depends_on           = [google_project_service.api]
}

module "schedule" {
  source     = "./infra/schedule"
  project_id = var.project_id
  region     = var.region
  name       = var.name
  job        = module.job.name
  cron       = local.set.schedule.cron
  time_zone  = local.set.schedule.time_zone
  paused     = local.set.schedule.paused
  retries    = local.set.schedule.retries
  operators  = local.set.access.operators
  depends_on = [google_project_service.api]
}

module "state" {
  source                 = "./infra/state"
  project_id             = var.project_id
  location               = coalesce(local.set.state.location, var.region)
  database               = coalesce(local.set.state.database, var.name)
  prefix                 = local.set.state.prefix
  point_in_time_recovery = local.set.state.point_in_time_recovery
  backup                 = local.set.state.backup
  destroy_data           = local.set.state.destroy_data
  encryption_key         = local.key
  users                  = { job = module.job.service_account.member }
  depends_on             = [google_project_service.api]
}

module "secrets" {
  source         = "./infra/secrets"
  project_id     = var.project_id
  prefix         = var.name
  labels         = var.labels
  locations      = local.set.secrets.locations
  seeded         = local.set.secrets.seeded
  values         = var.secret_values
  values_version = local.set.secrets.values_version
  rotators       = local.set.access.rotators
  rotate_days    = local.set.secrets.rotate_days
  audit_reads    = local.set.access.audit_reads
  encryption_key = local.key
  readers        = { for name in values(local.secrets) : name => module.job.service_account.member }
  depends_on     = [google_project_service.api]
}

module "images" {
  source            = "./infra/images"
  project_id        = var.project_id
  region            = var.region
  name              = var.name
  labels            = var.labels
  keep              = local.set.images.keep
  delete_after_days = local.set.images.delete_after_days
  scan              = local.set.images.scan
  readers           = setunion(local.set.access.operators, local.set.access.releasers)
  encryption_key    = local.key
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
  trigger             = local.set.build.trigger
  parts               = local.set.build.parts
  release_image       = local.set.build.release_image
  rebuild_monthly     = local.set.build.rebuild_monthly
  releasers           = local.set.access.releasers
  approve             = local.set.access.approve_each
  encryption_key      = local.key
  depends_on          = [google_project_service.api]
}

module "watch" {
  source     = "./infra/watch"
  project_id = var.project_id
  region     = var.region
  name       = var.name
  job        = module.job.name
  emails     = local.set.watch.emails
  channels   = local.set.watch.channels
  alerts     = local.set.watch.alerts
  limits     = local.set.watch
  unheard    = local.set.watch.unheard
  run_max_s  = local.set.job.timeout_s
  clock = {
    gap_min = module.settings.clock, paused = local.set.schedule.paused, cron = local.set.schedule.cron
  }
  rotation_topic = module.secrets.rotation_topic
  triggers       = module.build.triggers
  budget = local.set.watch.budget_account == null ? null : {
    account = local.set.watch.budget_account, monthly = local.set.watch.budget_monthly
  }
  depends_on = [google_project_service.api]
}

module "egress" {
  count      = local.set.egress.static_address ? 1 : 0
  source     = "./infra/egress"
  project_id = var.project_id
  region     = var.region
  name       = var.name
  range      = local.set.egress.range
  depends_on = [google_project_service.api]
}

module "encryption" {
  count      = local.set.encryption.key == null ? 0 : 1
  source     = "./infra/encryption"
  project_id = var.project_id
  key        = local.set.encryption.key
  depends_on = [google_project_service.api]
}

# ---- What to do next -------------------------------------------------------------------------------------------------------------

output "add_secrets" {
  description = "One command for each secret; each asks for the value on standard input and leaves no trace in the shell's history."
  value       = { for name, id in module.secrets.ids : name => "gcloud secrets versions add ${id} --project=${var.project_id} --data-file=-" }
}

output "release" {
  description = "The command that tests and builds the commit that is checked out, and asks for its release."
  value       = module.build.submit
}

output "roll_back" {
  description = "The command that asks for the release of an image in the repository; take the digest of the tag `previous`, or any other."
  value       = module.build.ask
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
    build    = module.build.service_accounts.build
    deploy   = module.build.service_accounts.deploy
  }
}

output "environment" {
  description = "The program's settings as the job sees them; secrets only as references."
  value       = local.env
}

output "state_url" {
  description = "Where the memory is."
  value       = module.state.url
}

output "alerts" {
  description = "What is watched: the condition of each alert on metrics, and what it says."
  value       = module.watch.alerts
}

output "dashboard" {
  description = "Resource name of the dashboard."
  value       = module.watch.dashboard
}

output "static_address" {
  description = "The address everything is sent from, or null."
  value       = local.set.egress.static_address ? module.egress[0].address : null
}
