# The builder: an identity of its own for cloudbuild.yaml, a bucket for what goes in and comes out, and on request a trigger.
#
# Promises: the builder writes to one repository, updates and runs the named jobs, and acts as their identity; of the whole project
# it may only write logs. Uploaded sources disappear after a week, bills of materials stay.
# Not here: the steps, which are in cloudbuild.yaml, and the connection to GitHub, which a person makes once in the console.

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
  description = "Name of the deployment; the builder's account is called this with \"-builder\" appended."
  type        = string
}

variable "jobs" {
  description = "The Cloud Run jobs a release updates and runs, by fixed keys."
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

variable "trigger" {
  description = "The GitHub repository whose pushes are released; null for builds by hand. Its connection is made once in the console."
  type = object({
    owner      = string
    repository = string
    branch     = optional(string, "^main$")
    approval   = optional(bool, false)
  })
  default = null
}

variable "labels" {
  description = "Labels of the bucket."
  type        = map(string)
  default     = {}
}

resource "google_service_account" "builder" {
  project      = var.project_id
  account_id   = "${var.name}-builder"
  display_name = "${var.name}: builds and releases images"
}

resource "google_storage_bucket" "builds" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs tell who read a bucket; usage logs would need a second bucket for a week of build sources.
  #checkov:skip=CKV_GCP_78:Every object is written once under a name of its own and never replaced, so there are no versions to keep.
  project                     = var.project_id
  name                        = "${var.project_id}-${var.name}-builds"
  location                    = var.region
  labels                      = var.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

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

resource "google_project_iam_member" "logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.builder.member
}

resource "google_artifact_registry_repository_iam_member" "builder" {
  project    = var.project_id
  location   = var.region
  repository = var.repository.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.builder.member
}

resource "google_cloud_run_v2_job_iam_member" "builder" {
  for_each = var.jobs
  project  = var.project_id
  location = var.region
  name     = each.value
  role     = "roles/run.developer"
  member   = google_service_account.builder.member
}

resource "google_service_account_iam_member" "acts_as_job" {
  service_account_id = var.job_service_account
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.builder.member
}

locals {
  substitutions = {
    _REGION     = var.region
    _REPOSITORY = var.repository.url
    _JOB        = var.jobs["job"]
    _CANDIDATE  = var.jobs["candidate"]
    _BUCKET     = google_storage_bucket.builds.name
  }
}

resource "google_cloudbuild_trigger" "push" {
  for_each        = { for trigger in var.trigger[*] : "push" => trigger }
  project         = var.project_id
  location        = var.region
  name            = var.name
  description     = "Tests, builds and releases each push to ${each.value.branch}."
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.builder.id
  substitutions   = local.substitutions

  github {
    owner = each.value.owner
    name  = each.value.repository
    push {
      branch = each.value.branch
    }
  }

  approval_config {
    approval_required = each.value.approval
  }

  depends_on = [
    google_storage_bucket_iam_member.builder,
    google_project_iam_member.logs,
    google_artifact_registry_repository_iam_member.builder,
    google_cloud_run_v2_job_iam_member.builder,
    google_service_account_iam_member.acts_as_job,
  ]
}

output "submit" {
  description = "The command that tests, builds and releases the commit that is checked out. It waits until the builder may do its work."
  value = join(" ", [
    "gcloud builds submit --project=${var.project_id} --region=${var.region} --config=cloudbuild.yaml",
    "--service-account=${google_service_account.builder.id}",
    "--gcs-source-staging-dir=gs://${google_storage_bucket.builds.name}/source",
    "--substitutions=COMMIT_SHA=$(git rev-parse HEAD),${join(",", [for name, value in local.substitutions : "${name}=${value}"])}",
  ])
  depends_on = [
    google_storage_bucket_iam_member.builder,
    google_project_iam_member.logs,
    google_artifact_registry_repository_iam_member.builder,
    google_cloud_run_v2_job_iam_member.builder,
    google_service_account_iam_member.acts_as_job,
  ]
}

output "service_account" {
  description = "Email of the builder."
  value       = google_service_account.builder.email
}
