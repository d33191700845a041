# The secrets: containers, one reader each, values nowhere.

mock_provider "google" {}

variables {
  project_id = "acme-sec"
  prefix     = "halo-jira-sync"
  values     = {}
  readers = {
    halo-api-key   = "serviceAccount:job@acme-sec.iam"
    jira-api-token = "serviceAccount:job@acme-sec.iam"
    other-key      = "serviceAccount:other@acme-sec.iam"
  }
}

run "secrets" {
  module {
    source = "./infra/secrets"
  }

  assert {
    condition     = [for secret in google_secret_manager_secret.secret : secret.secret_id] == ["halo-jira-sync-halo-api-key", "halo-jira-sync-jira-api-token", "halo-jira-sync-other-key"]
    error_message = "Each reader must have one secret under the prefix."
  }
  assert {
    condition = { for grant in google_secret_manager_secret_iam_member.reader : grant.secret_id => "${grant.role} ${grant.member}" } == {
      halo-jira-sync-halo-api-key   = "roles/secretmanager.secretAccessor serviceAccount:job@acme-sec.iam"
      halo-jira-sync-jira-api-token = "roles/secretmanager.secretAccessor serviceAccount:job@acme-sec.iam"
      halo-jira-sync-other-key      = "roles/secretmanager.secretAccessor serviceAccount:other@acme-sec.iam"
    }
    error_message = "Each secret must be readable by its reader only."
  }
  assert {
    condition     = length(google_secret_manager_secret_version.seeded) == 0
    error_message = "No version may be written unless asked for."
  }
  assert {
    condition     = length(google_pubsub_topic.rotation) == 0 && length(google_project_iam_audit_config.reads) == 0 && alltrue([for secret in google_secret_manager_secret.secret : length(secret.rotation) == 0])
    error_message = "Reminders and logs of each reading must be asked for."
  }
  assert {
    condition     = output.references["jira-api-token"] == "sm://projects/acme-sec/secrets/halo-jira-sync-jira-api-token"
    error_message = "A reference must be what the program reads."
  }
  assert {
    condition     = alltrue([for secret in google_secret_manager_secret.secret : length(secret.replication[0].auto) == 1 && length(secret.replication[0].user_managed) == 0])
    error_message = "Without locations Google must choose them."
  }
}

run "secrets_with_first_values" {
  module {
    source = "./infra/secrets"
  }
  command = plan
  variables {
    seeded    = ["jira-api-token"]
    values    = { jira-api-token = "the-token-itself" }
    locations = ["europe-west1", "europe-west4"]
  }
  assert {
    condition     = tostring(google_secret_manager_secret_version.seeded["jira-api-token"].secret_data_wo_version) == "1"
    error_message = "The first value must be written as version 1."
  }
  assert {
    condition     = google_secret_manager_secret_version.seeded["jira-api-token"].secret_data == null
    error_message = "A value must never be a stored argument."
  }
  assert {
    condition     = google_secret_manager_secret_version.seeded["jira-api-token"].deletion_policy == "ABANDON"
    error_message = "A value must stay when Terraform forgets it."
  }
  assert {
    condition     = alltrue([for secret in google_secret_manager_secret.secret : length(secret.replication[0].user_managed[0].replicas) == 2 && length(secret.replication[0].auto) == 0])
    error_message = "With locations the values must stay in them."
  }
}

run "secrets_with_an_unknown_name" {
  module {
    source = "./infra/secrets"
  }
  command = plan
  variables {
    seeded = ["jira-token"]
  }
  expect_failures = [var.seeded]
}

run "secrets_that_are_rotated_and_watched" {
  module {
    source = "./infra/secrets"
  }
  variables {
    rotate_days    = 90
    audit_reads    = true
    rotators       = ["group:keys@acme.example"]
    locations      = ["europe-west1"]
    encryption_key = "projects/acme-keys/locations/europe-west1/keyRings/sec/cryptoKeys/halo"
  }
  assert {
    condition     = alltrue([for secret in google_secret_manager_secret.secret : secret.rotation[0].rotation_period == "7776000s" && length(secret.topics) == 1])
    error_message = "Each secret must say after ninety days that it is due."
  }
  assert {
    condition     = google_pubsub_topic_iam_member.reminder[0].role == "roles/pubsub.publisher" && endswith(google_pubsub_topic_iam_member.reminder[0].member, "@gcp-sa-secretmanager.iam.gserviceaccount.com")
    error_message = "Only Secret Manager may say so."
  }
  assert {
    condition     = toset([for grant in google_secret_manager_secret_iam_member.rotator : "${grant.secret_id} ${grant.role} ${grant.member}"]) == toset([for name in ["halo-api-key", "jira-api-token", "other-key"] : "halo-jira-sync-${name} roles/secretmanager.secretVersionManager group:keys@acme.example"])
    error_message = "Rotators must add versions to each secret, and read none."
  }
  assert {
    condition     = google_project_iam_audit_config.reads[0].service == "secretmanager.googleapis.com" && one(google_project_iam_audit_config.reads[0].audit_log_config).log_type == "DATA_READ"
    error_message = "Each reading of a secret must be logged where that was asked for."
  }
  assert {
    condition     = alltrue([for secret in google_secret_manager_secret.secret : endswith(secret.replication[0].user_managed[0].replicas[0].customer_managed_encryption[0].kms_key_name, "/cryptoKeys/halo")])
    error_message = "Values must be encrypted with the key."
  }
}
