# The state: kept by a destroy, forgotten by TTL, indexed only where it is queried, open to its users only.

mock_provider "google" {
  mock_resource "google_project_iam_custom_role" {
    defaults = { name = "projects/acme-sec/roles/documents" }
  }
}

variables {
  project_id = "acme-sec"
  location   = "europe-west1"
  database   = "halo-jira-sync"
  users      = { job = "serviceAccount:job@acme-sec.iam" }
}

run "state" {
  module {
    source = "./infra/state"
  }

  assert {
    condition     = google_firestore_database.state.deletion_policy == "ABANDON" && google_firestore_database.state.delete_protection_state == "DELETE_PROTECTION_ENABLED"
    error_message = "A destroy must leave the data."
  }
  assert {
    condition     = google_firestore_database.state.type == "FIRESTORE_NATIVE" && google_firestore_database.state.database_edition == "STANDARD" && google_firestore_database.state.name == "halo-jira-sync"
    error_message = "The database must be a named one in native mode, of the edition whose prices and limits we know."
  }
  assert {
    condition     = google_firestore_database.state.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED"
    error_message = "Point-in-time recovery must be on by default."
  }
  assert {
    condition     = alltrue([for field in google_firestore_field.expiry : length(field.ttl_config) == 1 && field.field == "expires_at"])
    error_message = "What expires must do so by expires_at."
  }
  assert {
    condition     = sort([for field in google_firestore_field.expiry : field.collection]) == tolist(["halo-jira-sync-digests", "halo-jira-sync-held", "halo-jira-sync-runs"])
    error_message = "Finished runs, what is held and what digests name must be forgotten."
  }
  assert {
    condition     = alltrue([for field in google_firestore_field.expiry : length(one(field.index_config).indexes) == 0])
    error_message = "The expiry must not be indexed."
  }
  assert {
    condition = { for field in google_firestore_field.indexed : "${field.collection}.${field.field}" => [for index in one(field.index_config).indexes : index.order] } == {
      "halo-jira-sync-backlog.*"       = []
      "halo-jira-sync-control.*"       = []
      "halo-jira-sync-digests.*"       = []
      "halo-jira-sync-held.*"          = []
      "halo-jira-sync-intents.*"       = []
      "halo-jira-sync-links.*"         = []
      "halo-jira-sync-links.live"      = ["ASCENDING"]
      "halo-jira-sync-links.tell_at"   = ["ASCENDING"]
      "halo-jira-sync-links.ticket_id" = ["ASCENDING"]
      "halo-jira-sync-noted.*"         = []
      "halo-jira-sync-parked.*"        = []
      "halo-jira-sync-runs.*"          = []
      "halo-jira-sync-runs.started_at" = ["DESCENDING"]
    }
    error_message = "Only the fields that are queried may be indexed."
  }
  assert {
    condition     = [for grant in google_project_iam_member.user : "${grant.role} ${grant.member}"] == ["projects/acme-sec/roles/documents serviceAccount:job@acme-sec.iam"]
    error_message = "The users, and nobody else, must come in."
  }
  assert {
    condition     = toset([for permission in google_project_iam_custom_role.user.permissions : permission if permission != "datastore.databases.get"]) == toset([for may in ["create", "delete", "get", "list", "update"] : "datastore.entities.${may}"])
    error_message = "Users must get at documents, and at nothing else of a database."
  }
  assert {
    condition     = length(google_firestore_database.state.cmek_config) == 0
    error_message = "A key of one's own for documents must be asked for."
  }
  assert {
    condition     = alltrue([for grant in google_project_iam_member.user : one(grant.condition).expression == "resource.name == \"projects/acme-sec/databases/halo-jira-sync\""])
    error_message = "What users may must be limited to the one database."
  }
  assert {
    condition     = output.url == "firestore://acme-sec/halo-jira-sync?prefix=halo-jira-sync"
    error_message = "The address must be what the program reads."
  }
  assert {
    condition     = google_firestore_backup_schedule.daily[0].retention == "604800s" && length(google_firestore_backup_schedule.weekly) == 0
    error_message = "A week of daily backups must be kept, and no others unless asked for."
  }
}

run "state_with_backups_and_no_protection" {
  module {
    source = "./infra/state"
  }
  command = plan
  variables {
    backup                 = { daily_days = 10, weekly_days = 98 }
    destroy_data           = true
    encryption_key         = "projects/acme-keys/locations/europe-west1/keyRings/sec/cryptoKeys/halo"
    point_in_time_recovery = false
  }
  assert {
    condition     = google_firestore_database.state.deletion_policy == "DELETE" && google_firestore_database.state.delete_protection_state == "DELETE_PROTECTION_DISABLED"
    error_message = "When told so, a destroy must take the data with it."
  }
  assert {
    condition     = google_firestore_backup_schedule.daily[0].retention == "864000s" && google_firestore_backup_schedule.weekly[0].retention == "8467200s"
    error_message = "Backups must be kept for the days that were asked for."
  }
  assert {
    condition     = endswith(google_firestore_database.state.cmek_config[0].kms_key_name, "/cryptoKeys/halo")
    error_message = "Documents must be encrypted with the key."
  }
}
