# Builds and releases: who tests and builds cannot roll out, who rolls out runs no commit's code, and a person stands between.

mock_provider "google" {
  mock_resource "google_pubsub_topic" {
    defaults = { id = "projects/acme-sec/topics/halo-jira-sync-release" }
  }
  mock_resource "google_project_iam_custom_role" {
    defaults = { name = "projects/acme-sec/roles/tagger" }
  }
}

override_resource {
  target = google_service_account.builder
  values = { id = "projects/acme-sec/serviceAccounts/builder", name = "projects/acme-sec/serviceAccounts/builder", email = "builder@acme-sec.iam", member = "serviceAccount:builder@acme-sec.iam" }
}
override_resource {
  target = google_service_account.deployer
  values = { id = "projects/acme-sec/serviceAccounts/deployer", email = "deployer@acme-sec.iam", member = "serviceAccount:deployer@acme-sec.iam" }
}

variables {
  project_id          = "acme-sec"
  region              = "europe-west1"
  name                = "halo-jira-sync"
  jobs                = { job = "halo-jira-sync", candidate = "halo-jira-sync-candidate" }
  job_service_account = "projects/acme-sec/serviceAccounts/job"
  repository          = { name = "halo-jira-sync", url = "europe-west1-docker.pkg.dev/acme-sec/halo-jira-sync" }
  releasers           = ["group:rel@acme.example"]
}

run "build" {
  module {
    source = "./infra/build"
  }

  assert {
    condition     = toset([for grant in google_project_iam_member.logs : "${grant.role} ${grant.member}"]) == toset(["roles/logging.logWriter serviceAccount:builder@acme-sec.iam", "roles/logging.logWriter serviceAccount:deployer@acme-sec.iam"])
    error_message = "Writing logs must be the only role of both on the project."
  }
  assert {
    condition = toset([for grant in google_cloud_run_v2_job_iam_member.deployer : "${grant.name} ${grant.role} ${grant.member}"]) == toset([
      "halo-jira-sync roles/run.developer serviceAccount:deployer@acme-sec.iam",
      "halo-jira-sync-candidate roles/run.developer serviceAccount:deployer@acme-sec.iam",
    ])
    error_message = "The deployer alone must be able to update and run the two jobs."
  }
  assert {
    condition = join(" ", [google_artifact_registry_repository_iam_member.builder.repository, google_artifact_registry_repository_iam_member.builder.role,
    google_artifact_registry_repository_iam_member.builder.member]) == "halo-jira-sync roles/artifactregistry.writer serviceAccount:builder@acme-sec.iam"
    error_message = "The builder must be able to push to the one repository."
  }
  assert {
    condition     = google_artifact_registry_repository_iam_member.deployer.role == "projects/acme-sec/roles/tagger" && google_artifact_registry_repository_iam_member.deployer.member == "serviceAccount:deployer@acme-sec.iam" && !contains(google_project_iam_custom_role.tagger.permissions, "artifactregistry.repositories.uploadArtifacts")
    error_message = "The deployer must move tags, and push nothing."
  }
  assert {
    condition = join(" ", [google_service_account_iam_member.acts_as_job.service_account_id, google_service_account_iam_member.acts_as_job.role,
    google_service_account_iam_member.acts_as_job.member]) == "projects/acme-sec/serviceAccounts/job roles/iam.serviceAccountUser serviceAccount:deployer@acme-sec.iam"
    error_message = "The deployer must act as the job's identity, on that account only."
  }
  assert {
    condition     = [for grant in google_service_account_iam_member.releaser : "${grant.service_account_id} ${grant.role} ${grant.member}"] == ["projects/acme-sec/serviceAccounts/builder roles/iam.serviceAccountUser group:rel@acme.example"]
    error_message = "Releasers must act as the builder, and as nobody else."
  }
  assert {
    condition     = toset([for grant in google_project_iam_member.releaser : "${grant.role} ${grant.member}"]) == toset(["roles/cloudbuild.builds.editor group:rel@acme.example", "roles/cloudbuild.builds.approver group:rel@acme.example"])
    error_message = "Releasers must submit builds and approve releases."
  }
  assert {
    condition     = toset([for grant in google_pubsub_topic_iam_member.asks : "${grant.role} ${grant.member}"]) == toset(["roles/pubsub.publisher serviceAccount:builder@acme-sec.iam", "roles/pubsub.publisher group:rel@acme.example"])
    error_message = "The builder and releasers must be able to ask for a release."
  }
  assert {
    condition     = toset([for grant in google_storage_bucket_iam_member.builder : grant.role]) == toset(["roles/storage.objectViewer", "roles/storage.objectCreator"])
    error_message = "The builder must read sources and add bills of materials, and delete nothing."
  }
  assert {
    condition     = google_storage_bucket_iam_member.deployer.condition[0].expression == "resource.name.startsWith(\"projects/_/buckets/acme-sec-halo-jira-sync-builds/objects/turn/\")"
    error_message = "Of the bucket the deployer must touch the turn alone."
  }
  assert {
    condition     = google_storage_bucket.builds.public_access_prevention == "enforced" && google_storage_bucket.builds.uniform_bucket_level_access && length(google_storage_bucket.builds.encryption) == 0
    error_message = "The bucket must not be able to become public."
  }
  assert {
    condition     = one(google_storage_bucket.builds.lifecycle_rule).condition != null && one(one(google_storage_bucket.builds.lifecycle_rule).condition).age == 7 && one(one(google_storage_bucket.builds.lifecycle_rule).condition).matches_prefix == tolist(["source/"])
    error_message = "Sources must go after a week, and nothing else."
  }
  assert {
    condition     = length(google_cloudbuild_trigger.push) == 0 && length(google_cloud_scheduler_job.rebuild) == 0
    error_message = "Without a repository nothing may be built by itself."
  }
  assert {
    condition     = google_cloudbuild_trigger.release.service_account == "projects/acme-sec/serviceAccounts/deployer" && google_cloudbuild_trigger.release.approval_config[0].approval_required
    error_message = "A release must run as the deployer, once a person has approved it."
  }
  assert {
    condition     = google_cloudbuild_trigger.release.pubsub_config[0].topic == "projects/acme-sec/topics/halo-jira-sync-release" && google_cloudbuild_trigger.release.substitutions["_IMAGE"] == "$(body.message.attributes.image)"
    error_message = "A release must be of the image that was asked for."
  }
  assert {
    condition     = google_cloudbuild_trigger.release.filter == "_IMAGE.matches(\"^europe-west1-docker[.]pkg[.]dev/acme-sec/halo-jira-sync/job@sha256:[0-9a-f]{64}$\")"
    error_message = "Only an image of our repository, by digest, may be released."
  }
  assert {
    condition     = google_cloudbuild_trigger.release.build[0].step[0].script == file("infra/build/release.sh") && contains(google_cloudbuild_trigger.release.build[0].step[0].env, "IMAGE=$_IMAGE")
    error_message = "A release must run release.sh as it was applied."
  }
  assert {
    condition     = startswith(output.submit, "infra/build/submit.sh ") && strcontains(output.submit, "--service-account=projects/acme-sec/serviceAccounts/builder ") && strcontains(output.submit, "_PARTS=runtime,")
    error_message = "A build by hand must run as the builder, of a clean commit."
  }
  assert {
    condition     = strcontains(output.ask, "topics publish halo-jira-sync-release ") && strcontains(output.ask, "--attribute=image=europe-west1-docker.pkg.dev/acme-sec/halo-jira-sync/job@sha256:DIGEST")
    error_message = "The way back must be a release of an earlier image."
  }
}

run "build_on_push" {
  module {
    source = "./infra/build"
  }
  variables {
    trigger         = { owner = "acme", repository = "halo-jira-sync" }
    rebuild_monthly = true
    approve         = false
    parts           = ["runtime", "http"]
    encryption_key  = "projects/acme-keys/locations/europe-west1/keyRings/sec/cryptoKeys/halo"
  }
  assert {
    condition     = google_cloudbuild_trigger.push["push"].service_account == "projects/acme-sec/serviceAccounts/builder" && google_cloudbuild_trigger.push["push"].filename == "cloudbuild.yaml"
    error_message = "The trigger must run cloudbuild.yaml as the builder."
  }
  assert {
    condition     = google_cloudbuild_trigger.push["push"].github[0].push[0].branch == "^main$" && length(google_cloudbuild_trigger.push["push"].repository_event_config) == 0
    error_message = "Pushes to main must be built."
  }
  assert {
    condition     = !google_cloudbuild_trigger.release.approval_config[0].approval_required
    error_message = "Releases must go by themselves where that was asked for."
  }
  assert {
    condition = google_cloudbuild_trigger.push["push"].substitutions == tomap({
      _REPOSITORY = "europe-west1-docker.pkg.dev/acme-sec/halo-jira-sync", _BUCKET = "acme-sec-halo-jira-sync-builds"
      _TOPIC      = "halo-jira-sync-release", _PARTS = "runtime http"
    })
    error_message = "The trigger must hand cloudbuild.yaml everything it substitutes."
  }
  assert {
    condition     = google_cloud_scheduler_job.rebuild[0].schedule == "0 4 1 * *" && startswith(google_cloud_scheduler_job.rebuild[0].http_target[0].uri, "https://cloudbuild.googleapis.com/v1/") && endswith(google_cloud_scheduler_job.rebuild[0].http_target[0].uri, ":run")
    error_message = "The branch must be built anew each month where that was asked for."
  }
  assert {
    condition     = endswith(google_storage_bucket.builds.encryption[0].default_kms_key_name, "/cryptoKeys/halo")
    error_message = "Sources must be encrypted with the key."
  }
}

run "build_on_push_to_a_connected_repository" {
  module {
    source = "./infra/build"
  }
  variables {
    trigger = { repository = "projects/acme-sec/locations/europe-west1/connections/github/repositories/sync", branch = "^release$" }
  }
  assert {
    condition     = google_cloudbuild_trigger.push["push"].repository_event_config[0].repository == "projects/acme-sec/locations/europe-west1/connections/github/repositories/sync" && google_cloudbuild_trigger.push["push"].repository_event_config[0].push[0].branch == "^release$" && length(google_cloudbuild_trigger.push["push"].github) == 0
    error_message = "A repository of the second generation must be watched through its connection."
  }
}
