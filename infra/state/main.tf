# The memory: one named Firestore database, what it indexes and forgets, and who may use it.
#
# Promises: `terraform destroy` leaves the database and its documents unless `destroy_data` says otherwise; a member is let into
# this database only, by a condition, because Firestore has no grants of its own. Indexes exist only for fields that are queried.
# Not here: documents, and the choice of collection names beyond their prefix.

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
  description = "Project of the database."
  type        = string
}

variable "location" {
  description = "Firestore location, such as europe-west1 or nam5. It can never be changed."
  type        = string
}

variable "database" {
  description = "Name of the database."
  type        = string
}

variable "prefix" {
  description = "Prefix of every collection, so that several deployments can share a database."
  type        = string
  default     = "halo-jira-sync"
}

variable "point_in_time_recovery" {
  description = "Whether any minute of the last seven days can be read back."
  type        = bool
  default     = true
}

variable "backup" {
  description = "How many days daily and weekly backups are kept; 0 makes none."
  type = object({
    daily_days  = optional(number, 7)
    weekly_days = optional(number)
  })
  default = {}
}

variable "destroy_data" {
  description = "Whether `terraform destroy` deletes the database with all links between issues and tickets."
  type        = bool
  default     = false
}

variable "encryption_key" {
  description = "KMS key that documents are encrypted with, or null for Google's own. It can never be changed."
  type        = string
  default     = null
}

variable "users" {
  description = "Who reads and writes documents: a label for each, and the IAM member."
  type        = map(string)
  default     = {}
}

variable "indexed" {
  description = "Per collection, the fields that are queried and the orders they are read in. Every other field stays unindexed."
  type        = map(map(set(string)))
  default = {
    links   = { live = ["ASCENDING"], tell_at = ["ASCENDING"], ticket_id = ["ASCENDING"] }
    runs    = { started_at = ["DESCENDING"] }
    intents = {}
    parked  = {}
    backlog = {}
    held    = {}
    digests = {}
    noted   = {}
    control = {}
  }
}

locals {
  indexed = merge([for collection, fields in var.indexed : {
    for field, orders in merge({ "*" = [] }, fields) : "${collection}.${field}" => { collection = collection, field = field, orders = orders }
  }]...)
}

resource "google_firestore_database" "state" {
  project                           = var.project_id
  name                              = var.database
  location_id                       = var.location
  type                              = "FIRESTORE_NATIVE"
  database_edition                  = "STANDARD"
  point_in_time_recovery_enablement = var.point_in_time_recovery ? "POINT_IN_TIME_RECOVERY_ENABLED" : "POINT_IN_TIME_RECOVERY_DISABLED"
  delete_protection_state           = var.destroy_data ? "DELETE_PROTECTION_DISABLED" : "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = var.destroy_data ? "DELETE" : "ABANDON"

  dynamic "cmek_config" {
    for_each = var.encryption_key[*]
    content {
      kms_key_name = cmek_config.value
    }
  }
}

resource "google_firestore_field" "indexed" {
  for_each   = local.indexed
  project    = var.project_id
  database   = google_firestore_database.state.name
  collection = "${var.prefix}-${each.value.collection}"
  field      = each.value.field

  index_config {
    dynamic "indexes" {
      for_each = each.value.orders
      content {
        order       = indexes.value
        query_scope = "COLLECTION"
      }
    }
  }
}

# An index on a time that only grows would slow every write, and nobody queries by it.
resource "google_firestore_field" "expiry" {
  for_each   = toset(["runs", "held", "digests"])
  project    = var.project_id
  database   = google_firestore_database.state.name
  collection = "${var.prefix}-${each.key}"
  field      = "expires_at"

  index_config {}
  ttl_config {}
}

moved {
  from = google_firestore_field.expiry
  to   = google_firestore_field.expiry["runs"]
}

resource "google_firestore_backup_schedule" "daily" {
  count     = coalesce(var.backup.daily_days, 0) == 0 ? 0 : 1
  project   = var.project_id
  database  = google_firestore_database.state.name
  retention = "${var.backup.daily_days * 86400}s"
  daily_recurrence {}
}

resource "google_firestore_backup_schedule" "weekly" {
  count     = coalesce(var.backup.weekly_days, 0) == 0 ? 0 : 1
  project   = var.project_id
  database  = google_firestore_database.state.name
  retention = "${var.backup.weekly_days * 86400}s"
  weekly_recurrence {
    day = "SUNDAY"
  }
}

# Documents and nothing else: datastore.user may also list indexes, namespaces and statistics.
resource "google_project_iam_custom_role" "user" {
  project     = var.project_id
  role_id     = "${replace(var.database, "-", "_")}_documents"
  title       = "${var.database}: documents"
  description = "Read and write documents of a database. Given for one database, by a condition."
  permissions = [
    "datastore.databases.get", "datastore.entities.create", "datastore.entities.delete", "datastore.entities.get",
    "datastore.entities.list", "datastore.entities.update",
  ]
}

resource "google_project_iam_member" "user" {
  for_each = var.users
  project  = var.project_id
  role     = google_project_iam_custom_role.user.name
  member   = each.value
  condition {
    title       = "only ${var.database}"
    description = "Firestore has no grants on a database; this condition is one."
    expression  = "resource.name == \"projects/${var.project_id}/databases/${var.database}\""
  }
}

output "url" {
  description = "The program's STATE_URL. It waits until the users may come in."
  value       = "firestore://${var.project_id}/${google_firestore_database.state.name}?prefix=${var.prefix}"
  depends_on  = [google_project_iam_member.user]
}
