# The key of one's own: five services may use it, and nobody else.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project_id = "acme-sec"
  key        = "projects/acme-keys/locations/europe-west1/keyRings/sec/cryptoKeys/halo"
}

run "encryption" {
  module {
    source = "./infra/encryption"
  }

  assert {
    condition = toset([for grant in google_kms_crypto_key_iam_member.agent : "${grant.role} ${grant.member}"]) == toset([
      for agent in ["gcp-sa-firestore", "gcp-sa-artifactregistry", "gcp-sa-secretmanager", "gs-project-accounts", "serverless-robot-prod"] :
      "roles/cloudkms.cryptoKeyEncrypterDecrypter serviceAccount:service-123456789012@${agent}.iam.gserviceaccount.com"
    ])
    error_message = "The services that keep data must be able to use the key, and nobody else."
  }
  assert {
    condition     = alltrue([for grant in google_kms_crypto_key_iam_member.agent : grant.crypto_key_id == var.key]) && output.key == var.key
    error_message = "It must be the one key."
  }
}
