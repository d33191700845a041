# Builds and releases: one identity that tests and builds, another that rolls out, and between them a message and a person.
#
# Promises: what runs a commit's own code (tests, Dockerfile, dependencies) can push images and ask for a release, and nothing more; what
# rolls out runs the steps that stand here and in release.sh as they were applied, never a commit's; by default a person approves each.
# Releases take turns. Uploaded sources disappear after a week, bills of materials stay.
# Not here: the steps of a build, which are in cloudbuild.yaml, and the connection to GitHub, which a person makes once in the console.

terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 9.0"
    }
  }
}

variable "project_id" {
  description = "Project of the builds."
  type        = string
}

variable "region" {
  description = "Region of builds, bucket and jobs."
  type        = string
}

variable "name" {
  description = "Name of the deployment; the accounts are called this with \"-builder\" and \"-deployer\" appended."
  type        = string

  validation {
    condition     = length(var.name) <= 20
    error_message = "`name` must be at most 20 signs, or its accounts' names would be too long."
  }
}

variable "jobs" {
  description = "The Cloud Run jobs a release updates and runs, by the keys \"job\" and \"candidate\"."
  type        = map(string)
}

variable "job_service_account" {
  description = "Resource name of the jobs' service account, which a release must act as."
  type        = string
}

variable "repository" {
  description = "The image repository: its name, and the address images are pushed to."
  type        = object({ name = string, url = string })
}

variable "parts" {
  description = "Parts of requirements.lock that an image holds."
  type        = list(string)
  default     = ["runtime"]
}

variable "approve" {
  description = "Whether a person has to approve each release."
  type        = bool
  default     = true
}

variable "releasers" {
  description = "People and groups who submit builds, and approve releases or ask for an earlier image."
  type        = set(string)
  default     = []
}

variable "release_image" {
  description = "Image with gcloud that a release's steps run in; name it by digest, so that nobody else's push changes them."
  type        = string
  default     = "gcr.io/google.com/cloudsdktool/google-cloud-cli:slim"
}

variable "trigger" {
  description = "The GitHub repository whose pushes are built; null for builds by hand. With an owner it is a repository of the console's connection (1st generation), without one the name of a connection's repository."
  type = object({
    owner      = optional(string)
    repository = string
    branch     = optional(string, "^main$")
  })
  default = null
}

variable "rebuild_monthly" {
  description = "Whether the branch is built anew each month, for what its base image mended meanwhile."
  type        = bool
  default     = false
}

variable "encryption_key" {
  description = "KMS key that the bucket is encrypted with, or null for Google's own."
  type        = string
  default     = null
}

variable "labels" {
  description = "Labels of the bucket."
  type        = map(string)
  default     = {}
}

# ---- Who ---------------------------------------------------------------------------------------------------------------------------

resource "google_service_account" "builder" {
  project      = var.project_id
  account_id   = "${var.name}-builder"
  display_name = "${var.name}: tests and builds images"
}

resource "google_service_account" "deployer" {
  project      = var.project_id
  account_id   = "${var.name}-deployer"
  display_name = "${var.name}: rolls images out"
}

resource "google_project_iam_member" "logs" {
  for_each = { builder = google_service_account.builder.member, deployer = google_service_account.deployer.member }
  project  = var.project_id
  role     = "roles/logging.logWriter"
  member   = each.value
}

# ---- What the builder may ----------------------------------------------------------------------------------------------------------

resource "google_storage_bucket" "builds" {
  #checkov:skip=CKV_GCP_62:Who wrote is in the Admin Activity and Data Access audit logs where those are on; usage logs would need a second bucket.
  #checkov:skip=CKV_GCP_78:Sources and bills are written once under names of their own; of the one file that is replaced, the turn, the past is of no use.
  project                     = var.project_id
  name                        = "${var.project_id}-${var.name}-builds"
  location                    = var.region
  labels                      = var.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  dynamic "encryption" {
    for_each = var.encryption_key[*]
    content {
      default_kms_key_name = encryption.value
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = 7
      matches_prefix = ["source/"]
    }
  }
}

# Reads the sources a build is submitted with, writes bills of materials; it can delete or replace neither.
resource "google_storage_bucket_iam_member" "builder" {
  for_each = toset(["roles/storage.objectViewer", "roles/storage.objectCreator"])
  bucket   = google_storage_bucket.builds.name
  role     = each.value
  member   = google_service_account.builder.member
}

resource "google_artifact_registry_repository_iam_member" "builder" {
  project    = var.project_id
  location   = var.region
  repository = var.repository.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.builder.member
}

# A release is asked for by a message that names an image.
resource "google_pubsub_topic" "release" {
  #checkov:skip=CKV_GCP_83:A message names an image of a private repository, and nothing else.
  project = var.project_id
  name    = "${var.name}-release"
  labels  = var.labels
}

resource "google_pubsub_topic_iam_member" "asks" {
  for_each = merge({ builder = google_service_account.builder.member }, { for member in var.releasers : member => member })
  project  = var.project_id
  topic    = google_pubsub_topic.release.name
  role     = "roles/pubsub.publisher"
  member   = each.value
}

# ---- What the deployer may ---------------------------------------------------------------------------------------------------------

resource "google_cloud_run_v2_job_iam_member" "deployer" {
  for_each = var.jobs
  project  = var.project_id
  location = var.region
  name     = each.value
  role     = "roles/run.developer"
  member   = google_service_account.deployer.member
}

resource "google_service_account_iam_member" "acts_as_job" {
  service_account_id = var.job_service_account
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deployer.member
}

# Moves the tags `live` and `previous`; it cannot push an image.
resource "google_project_iam_custom_role" "tagger" {
  project     = var.project_id
  role_id     = "${replace(var.name, "-", "_")}_tagger"
  title       = "${var.name}: tagger"
  description = "Look at images and move their tags. Given on one repository."
  permissions = [
    "artifactregistry.dockerimages.get", "artifactregistry.dockerimages.list", "artifactregistry.packages.get", "artifactregistry.repositories.downloadArtifacts",
    "artifactregistry.repositories.get", "artifactregistry.tags.create", "artifactregistry.tags.get", "artifactregistry.tags.list",
    "artifactregistry.tags.update", "artifactregistry.versions.get", "artifactregistry.versions.list",
  ]
}

resource "google_artifact_registry_repository_iam_member" "deployer" {
  project    = var.project_id
  location   = var.region
  repository = var.repository.name
  role       = google_project_iam_custom_role.tagger.name
  member     = google_service_account.deployer.member
}

# The turn is one object, made and taken away; no other can be touched.
resource "google_storage_bucket_iam_member" "deployer" {
  bucket = google_storage_bucket.builds.name
  role   = "roles/storage.objectUser"
  member = google_service_account.deployer.member
  condition {
    title       = "the turn"
    description = "Only the object by which releases take turns."
    expression  = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.builds.name}/objects/turn/\")"
  }
}

# ---- What releasers may ------------------------------------------------------------------------------------------------------------

# Cloud Build has no grants on one trigger. What a build may do is decided by whom it runs as, which the grant below limits.
resource "google_project_iam_member" "releaser" {
  for_each = { for grant in setproduct(["roles/cloudbuild.builds.editor", "roles/cloudbuild.builds.approver"], var.releasers) : join(" ", grant) => grant }
  project  = var.project_id
  role     = each.value[0]
  member   = each.value[1]
}

resource "google_service_account_iam_member" "releaser" {
  for_each           = var.releasers
  service_account_id = google_service_account.builder.name
  role               = "roles/iam.serviceAccountUser"
  member             = each.value
}

resource "google_storage_bucket_iam_member" "releaser" {
  for_each = { for grant in setproduct(["roles/storage.objectViewer", "roles/storage.objectCreator"], var.releasers) : join(" ", grant) => grant }
  bucket   = google_storage_bucket.builds.name
  role     = each.value[0]
  member   = each.value[1]
}

# ---- Builds and releases -----------------------------------------------------------------------------------------------------------

locals {
  substitutions = {
    _REPOSITORY = var.repository.url
    _BUCKET     = google_storage_bucket.builds.name
    _TOPIC      = google_pubsub_topic.release.name
    _PARTS      = join(" ", var.parts)
  }
  generation = var.trigger == null ? "none" : var.trigger.owner == null ? "second" : "first"
}

resource "google_cloudbuild_trigger" "push" {
  for_each        = { for trigger in var.trigger[*] : "push" => trigger }
  project         = var.project_id
  location        = var.region
  name            = var.name
  description     = "Tests and builds each push to ${each.value.branch}, and asks for its release."
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.builder.id
  substitutions   = local.substitutions

  dynamic "github" {
    for_each = local.generation == "first" ? [each.value] : []
    content {
      owner = github.value.owner
      name  = github.value.repository
      push {
        branch = github.value.branch
      }
    }
  }

  dynamic "repository_event_config" {
    for_each = local.generation == "second" ? [each.value] : []
    content {
      repository = repository_event_config.value.repository
      push {
        branch = repository_event_config.value.branch
      }
    }
  }

  depends_on = [
    google_storage_bucket_iam_member.builder, google_project_iam_member.logs, google_artifact_registry_repository_iam_member.builder,
    google_pubsub_topic_iam_member.asks,
  ]
}

resource "google_cloudbuild_trigger" "release" {
  project         = var.project_id
  location        = var.region
  name            = "${var.name}-release"
  description     = "Rolls an image of ${var.name} out: candidate, check, plan, job."
  service_account = google_service_account.deployer.id
  filter          = "_IMAGE.matches(\"^${replace(var.repository.url, ".", "[.]")}/job@sha256:[0-9a-f]{64}$\")"
  substitutions = {
    _IMAGE = "$(body.message.attributes.image)"
  }

  pubsub_config {
    topic = google_pubsub_topic.release.id
  }

  approval_config {
    approval_required = var.approve
  }

  build {
    timeout = "3600s"
    step {
      id   = "release"
      name = var.release_image
      env = [
        "CLOUDSDK_CORE_PROJECT=${var.project_id}", "REGION=${var.region}", "JOB=${var.jobs["job"]}", "CANDIDATE=${var.jobs["candidate"]}",
        "IMAGE=$_IMAGE", "TURN=gs://${google_storage_bucket.builds.name}/turn/release", "BUILD=$BUILD_ID",
      ]
      # Cloud Build substitutes nothing inside a script; it has its values from the variables above.
      script = file("${path.module}/release.sh")
    }
    options {
      logging = "CLOUD_LOGGING_ONLY"
    }
    tags = ["release"]
  }

  depends_on = [
    google_cloud_run_v2_job_iam_member.deployer, google_service_account_iam_member.acts_as_job, google_storage_bucket_iam_member.deployer,
    google_artifact_registry_repository_iam_member.deployer, google_project_iam_member.logs,
  ]
}

# ---- A build each month ------------------------------------------------------------------------------------------------------------

resource "google_service_account" "rebuild" {
  count        = var.rebuild_monthly ? 1 : 0
  project      = var.project_id
  account_id   = "${var.name}-rebuild"
  display_name = "${var.name}: starts the monthly build"
}

resource "google_project_iam_member" "rebuild" {
  count   = var.rebuild_monthly ? 1 : 0
  project = var.project_id
  role    = "roles/cloudbuild.builds.editor"
  member  = google_service_account.rebuild[0].member
}

resource "google_service_account_iam_member" "rebuild" {
  count              = var.rebuild_monthly ? 1 : 0
  service_account_id = google_service_account.builder.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.rebuild[0].member
}

resource "google_cloud_scheduler_job" "rebuild" {
  count            = var.rebuild_monthly ? 1 : 0
  project          = var.project_id
  region           = var.region
  name             = "${var.name}-rebuild"
  description      = "Builds ${var.name} anew, so that a release takes up what its base image mended."
  schedule         = "0 4 1 * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"

  http_target {
    http_method = "POST"
    uri         = "https://cloudbuild.googleapis.com/v1/${google_cloudbuild_trigger.push["push"].id}:run"
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode("{}")
    oauth_token {
      service_account_email = google_service_account.rebuild[0].email
      scope                 = "https://www.googleapis.com/auth/cloud-platform"
    }
  }

  lifecycle {
    # Beside a token, providers before April 2026 read the headers back as absent and plan to set them for ever.
    ignore_changes = [http_target[0].headers]
  }

  depends_on = [google_project_iam_member.rebuild, google_service_account_iam_member.rebuild]
}

# ---- For people --------------------------------------------------------------------------------------------------------------------

output "submit" {
  description = "The command that tests and builds the commit that is checked out, and asks for its release. It waits until the builder may do its work."
  value = join(" ", [
    "infra/build/submit.sh --project=${var.project_id} --region=${var.region}",
    "--service-account=${google_service_account.builder.id}",
    "--gcs-source-staging-dir=gs://${google_storage_bucket.builds.name}/source",
    "'--substitutions=${join(",", [for name, value in local.substitutions : "${name}=${value}"])}'",
  ])
  depends_on = [
    google_storage_bucket_iam_member.builder, google_project_iam_member.logs, google_artifact_registry_repository_iam_member.builder,
    google_pubsub_topic_iam_member.asks,
  ]
}

output "ask" {
  description = "The command that asks for the release of an image that is in the repository, an earlier one too."
  value       = "gcloud pubsub topics publish ${google_pubsub_topic.release.name} --project=${var.project_id} --attribute=image=${var.repository.url}/job@sha256:DIGEST"
}

output "service_accounts" {
  description = "Emails of the two identities."
  value       = { build = google_service_account.builder.email, deploy = google_service_account.deployer.email }
}

output "triggers" {
  description = "Ids of the triggers, by what they do."
  value = merge({ release = google_cloudbuild_trigger.release.trigger_id },
  { for name, trigger in google_cloudbuild_trigger.push : name => trigger.trigger_id })
}
