# The shelf for images: one Artifact Registry repository that tidies itself.
#
# Promises: the newest images are always kept, so a roll-back has somewhere to go; older ones are deleted after a while.
# Not here: writers. The build brings its own grant. Tags may be moved, because deployments name digests, and a repository
# with immutable tags could not be tidied.

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
  description = "Project of the repository."
  type        = string
}

variable "region" {
  description = "Region of the repository; the job's own region makes the fastest start."
  type        = string
}

variable "name" {
  description = "Name of the repository."
  type        = string
}

variable "keep" {
  description = "How many of the newest images are kept whatever their age."
  type        = number
  default     = 10
}

variable "delete_after_days" {
  description = "Age in days after which other images are deleted."
  type        = number
  default     = 30
}

variable "scan" {
  description = "Whether Artifact Registry scans pushed images for known vulnerabilities. Google charges for each image."
  type        = bool
  default     = true
}

variable "readers" {
  description = "People and groups who may look at images and pull them."
  type        = set(string)
  default     = []
}

variable "encryption_key" {
  description = "KMS key that images are encrypted with, or null for Google's own. It can never be changed."
  type        = string
  default     = null
}

variable "labels" {
  description = "Labels of the repository."
  type        = map(string)
  default     = {}
}

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:A key of one's own is an input (`encryption_key`); images hold public packages and this source, no secret.
  project                = var.project_id
  location               = var.region
  repository_id          = var.name
  description            = "Images of ${var.name}, deployed by digest."
  format                 = "DOCKER"
  labels                 = var.labels
  kms_key_name           = var.encryption_key
  cleanup_policy_dry_run = false

  # Keeping wins over deleting.
  cleanup_policies {
    id     = "keep-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = var.keep
    }
  }
  # What runs now and what ran before it, however old they are: a release moves these tags.
  cleanup_policies {
    id     = "keep-live"
    action = "KEEP"
    condition {
      tag_state    = "TAGGED"
      tag_prefixes = ["live", "previous"]
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      tag_state  = "ANY"
      older_than = "${var.delete_after_days * 86400}s"
    }
  }

  vulnerability_scanning_config {
    enablement_config = var.scan ? "INHERITED" : "DISABLED"
  }
}

resource "google_artifact_registry_repository_iam_member" "reader" {
  for_each   = var.readers
  project    = var.project_id
  location   = var.region
  repository = google_artifact_registry_repository.images.repository_id
  role       = "roles/artifactregistry.reader"
  member     = each.value
}

output "name" {
  description = "Name of the repository, for grants on it."
  value       = google_artifact_registry_repository.images.repository_id
}

output "url" {
  description = "Where images are pushed to, without image name and tag."
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
}
