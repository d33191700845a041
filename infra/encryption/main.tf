# The key of one's own: lets Google's services encrypt this deployment's data with it.
#
# Promises: only the services that keep data for the deployment may use the key; what is made with it waits for that grant.
# Not here: the key, which belongs to whoever may take it away, and its rotation.

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
  description = "Project of the deployment."
  type        = string
}

variable "key" {
  description = "The key, as projects/P/locations/R/keyRings/K/cryptoKeys/NAME, in the region of what it encrypts."
  type        = string
}

data "google_project" "this" {
  project_id = var.project_id
}

locals {
  # By what each keeps: documents, images, secrets' values, build sources, the job.
  agents = {
    documents = "gcp-sa-firestore"
    images    = "gcp-sa-artifactregistry"
    secrets   = "gcp-sa-secretmanager"
    sources   = "gs-project-accounts"
    job       = "serverless-robot-prod"
  }
}

resource "google_kms_crypto_key_iam_member" "agent" {
  for_each      = local.agents
  crypto_key_id = var.key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${data.google_project.this.number}@${each.value}.iam.gserviceaccount.com"
}

output "key" {
  description = "The key, once it may be used."
  value       = var.key
  depends_on  = [google_kms_crypto_key_iam_member.agent]
}
