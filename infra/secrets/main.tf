# The secrets: their containers, who may read each, and on request a first value that never reaches plan or state.
#
# Promises: no value is stored by Terraform; one reader gets one secret, never the project. A version once written stays when
# Terraform forgets it, and a new one is made before the old one is let go.
# Not here: rotation. The job reads the latest version at every run, so a new version is picked up by the next run.

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
  description = "Project of the secrets."
  type        = string
}

variable "prefix" {
  description = "Prefix of each secret's name."
  type        = string
}

variable "readers" {
  description = "For each secret, by its short name, the IAM member that reads it."
  type        = map(string)
}

variable "locations" {
  description = "Regions the values are kept in; empty lets Google choose."
  type        = set(string)
  default     = []
}

variable "labels" {
  description = "Labels of the secrets."
  type        = map(string)
  default     = {}
}

variable "seeded" {
  description = "Short names of the secrets whose first value comes from `values`. The names alone are kept in the state."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.seeded : contains(keys(var.readers), name)])
    error_message = "`seeded` may name only these secrets: ${join(", ", keys(var.readers))}."
  }
}

variable "values" {
  description = "The values for `seeded`, by short name; write-only."
  type        = map(string)
  default     = {}
  ephemeral   = true
}

variable "values_version" {
  description = "Raise it to write the values once more as new versions."
  type        = number
  default     = 1

  validation {
    condition     = var.values_version >= 1 && floor(var.values_version) == var.values_version
    error_message = "`values_version` must be a whole number of at least 1."
  }
}

resource "google_secret_manager_secret" "secret" {
  for_each  = var.readers
  project   = var.project_id
  secret_id = "${var.prefix}-${each.key}"
  labels    = var.labels

  replication {
    dynamic "auto" {
      for_each = length(var.locations) == 0 ? [true] : []
      content {}
    }
    dynamic "user_managed" {
      for_each = length(var.locations) == 0 ? [] : [true]
      content {
        dynamic "replicas" {
          for_each = var.locations
          content {
            location = replicas.value
          }
        }
      }
    }
  }
}

resource "google_secret_manager_secret_version" "seeded" {
  for_each               = var.seeded
  secret                 = google_secret_manager_secret.secret[each.value].id
  secret_data_wo         = var.values[each.value]
  secret_data_wo_version = tostring(var.values_version)
  # Dropping a name from `seeded` after the first apply must not take the value with it.
  deletion_policy = "ABANDON"

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each  = var.readers
  project   = var.project_id
  secret_id = google_secret_manager_secret.secret[each.key].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = each.value
}

output "references" {
  description = "For each secret, by short name, the sm:// reference the program reads. They wait until the readers may read."
  value       = { for name, secret in google_secret_manager_secret.secret : name => "sm://projects/${var.project_id}/secrets/${secret.secret_id}" }
  depends_on  = [google_secret_manager_secret_iam_member.reader]
}

output "ids" {
  description = "For each secret, by short name, the name to use with `gcloud secrets versions add`."
  value       = { for name, secret in google_secret_manager_secret.secret : name => secret.secret_id }
}
