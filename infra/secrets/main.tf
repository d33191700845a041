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

variable "rotators" {
  description = "People and groups who add, disable and destroy versions. They cannot read a value."
  type        = set(string)
  default     = []
}

variable "rotate_days" {
  description = "After how many days a message says that a secret is due; 0 sends none."
  type        = number
  default     = 0
}

variable "encryption_key" {
  description = "KMS key that values are encrypted with, or null for Google's own."
  type        = string
  default     = null
}

variable "audit_reads" {
  description = "Whether each reading of a secret in this project is logged (Data Access audit logs)."
  type        = bool
  default     = false
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

# When reminding began, kept so that a later plan does not move it.
resource "terraform_data" "rotation_began" {
  count = var.rotate_days > 0 ? 1 : 0
  input = plantimestamp()
  lifecycle {
    ignore_changes = [input]
  }
}

# Secret Manager's own agent says here that a secret is due; the alert on its log line tells people.
resource "google_pubsub_topic" "rotation" {
  #checkov:skip=CKV_GCP_83:Messages say that a secret is due and name it; none holds a value.
  count   = var.rotate_days > 0 ? 1 : 0
  project = var.project_id
  name    = "${var.prefix}-rotation"
  labels  = var.labels
}

data "google_project" "this" {
  count      = var.rotate_days > 0 ? 1 : 0
  project_id = var.project_id
}

resource "google_pubsub_topic_iam_member" "reminder" {
  count   = var.rotate_days > 0 ? 1 : 0
  project = var.project_id
  topic   = google_pubsub_topic.rotation[0].name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:service-${data.google_project.this[0].number}@gcp-sa-secretmanager.iam.gserviceaccount.com"
}

resource "google_project_iam_audit_config" "reads" {
  count   = var.audit_reads ? 1 : 0
  project = var.project_id
  service = "secretmanager.googleapis.com"
  audit_log_config {
    log_type = "DATA_READ"
  }
}

resource "google_secret_manager_secret" "secret" {
  for_each  = var.readers
  project   = var.project_id
  secret_id = "${var.prefix}-${each.key}"
  labels    = var.labels

  dynamic "topics" {
    for_each = google_pubsub_topic.rotation[*]
    content {
      name = topics.value.id
    }
  }
  dynamic "rotation" {
    for_each = var.rotate_days > 0 ? [var.rotate_days] : []
    content {
      rotation_period    = "${rotation.value * 86400}s"
      next_rotation_time = timeadd(terraform_data.rotation_began[0].output, "${rotation.value * 24}h")
    }
  }

  # Secret Manager refuses a topic that it may not write to.
  depends_on = [google_pubsub_topic_iam_member.reminder]

  lifecycle {
    # Secret Manager moves it on by itself after each message.
    ignore_changes = [rotation[0].next_rotation_time]
  }

  replication {
    dynamic "auto" {
      for_each = length(var.locations) == 0 ? [true] : []
      content {
        dynamic "customer_managed_encryption" {
          for_each = var.encryption_key[*]
          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
    dynamic "user_managed" {
      for_each = length(var.locations) == 0 ? [] : [true]
      content {
        dynamic "replicas" {
          for_each = var.locations
          content {
            location = replicas.value
            dynamic "customer_managed_encryption" {
              for_each = var.encryption_key[*]
              content {
                kms_key_name = customer_managed_encryption.value
              }
            }
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

resource "google_secret_manager_secret_iam_member" "rotator" {
  for_each  = { for grant in setproduct(keys(var.readers), var.rotators) : join(" ", grant) => grant }
  project   = var.project_id
  secret_id = google_secret_manager_secret.secret[each.value[0]].secret_id
  role      = "roles/secretmanager.secretVersionManager"
  member    = each.value[1]
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

output "rotation_topic" {
  description = "Name of the topic on which it is said that a secret is due, or null."
  value       = var.rotate_days > 0 ? google_pubsub_topic.rotation[0].name : null
}
