# The images: the newest are kept, old ones go.

mock_provider "google" {}

variables {
  project_id = "acme-sec"
  region     = "europe-west1"
  name       = "halo-jira-sync"
}

run "images" {
  module {
    source = "./infra/images"
  }

  assert {
    condition = { for policy in google_artifact_registry_repository.images.cleanup_policies : policy.id => policy.action } == {
      keep-newest = "KEEP", keep-live = "KEEP", delete-old = "DELETE"
    }
    error_message = "The repository must keep the newest images and delete old ones."
  }
  assert {
    condition     = one([for policy in google_artifact_registry_repository.images.cleanup_policies : policy.most_recent_versions[0].keep_count if policy.id == "keep-newest"]) == 10
    error_message = "Ten images must be kept."
  }
  assert {
    condition     = one([for policy in google_artifact_registry_repository.images.cleanup_policies : policy.condition[0].older_than if policy.action == "DELETE"]) == "2592000s"
    error_message = "Images must go after thirty days."
  }
  assert {
    condition     = one([for policy in google_artifact_registry_repository.images.cleanup_policies : policy.condition[0].tag_prefixes if policy.id == "keep-live"]) == tolist(["live", "previous"])
    error_message = "What runs, and what ran before it, must be kept however old it is."
  }
  assert {
    condition     = google_artifact_registry_repository.images.kms_key_name == null
    error_message = "A key of one's own must be asked for."
  }
  assert {
    condition     = google_artifact_registry_repository.images.cleanup_policy_dry_run == false
    error_message = "The clean-up must be real, not a rehearsal."
  }
  assert {
    condition     = length(google_artifact_registry_repository.images.docker_config) == 0
    error_message = "Tags must stay movable, or old images could not be deleted."
  }
  assert {
    condition     = google_artifact_registry_repository.images.vulnerability_scanning_config[0].enablement_config == "INHERITED"
    error_message = "Images must be scanned unless somebody says otherwise."
  }
  assert {
    condition     = output.url == "europe-west1-docker.pkg.dev/acme-sec/halo-jira-sync"
    error_message = "The address must be the one images are pushed to."
  }
}

run "images_without_scan_for_readers" {
  module {
    source = "./infra/images"
  }
  variables {
    scan           = false
    readers        = ["group:rel@acme.example"]
    encryption_key = "projects/acme-keys/locations/europe-west1/keyRings/sec/cryptoKeys/halo"
  }
  assert {
    condition     = google_artifact_registry_repository.images.vulnerability_scanning_config[0].enablement_config == "DISABLED"
    error_message = "Scanning must stop where nobody wants to pay for it."
  }
  assert {
    condition     = [for grant in google_artifact_registry_repository_iam_member.reader : "${grant.role} ${grant.member}"] == ["roles/artifactregistry.reader group:rel@acme.example"]
    error_message = "Readers must look at images, and nothing more."
  }
  assert {
    condition     = endswith(google_artifact_registry_repository.images.kms_key_name, "/cryptoKeys/halo")
    error_message = "Images must be encrypted with the key."
  }
}
