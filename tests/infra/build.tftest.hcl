# The builder: one repository, two jobs, one identity to act as, and logs.

mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = { id = "projects/acme-sec/serviceAccounts/builder", email = "builder@acme-sec.iam", member = "serviceAccount:builder@acme-sec.iam" }
  }
}

variables {
  project_id          = "acme-sec"
  region              = "europe-west1"
  name                = "halo-jira-sync"
  jobs                = { job = "halo-jira-sync", candidate = "halo-jira-sync-candidate" }
  job_service_account = "projects/acme-sec/serviceAccounts/job"
  repository          = { name = "halo-jira-sync", url = "europe-west1-docker.pkg.dev/acme-sec/halo-jira-sync" }
}

run "build" {
  module {
    source = "./infra/build"
  }

  assert {
    condition     = google_project_iam_member.logs.role == "roles/logging.logWriter" && google_project_iam_member.logs.member == "serviceAccount:builder@acme-sec.iam"
    error_message = "Writing logs must be the builder's only role on the project."
  }
  assert {
    condition = toset([for grant in google_cloud_run_v2_job_iam_member.builder : "${grant.name} ${grant.role} ${grant.member}"]) == toset([
      "halo-jira-sync roles/run.developer serviceAccount:builder@acme-sec.iam",
      "halo-jira-sync-candidate roles/run.developer serviceAccount:builder@acme-sec.iam",
    ])
    error_message = "The builder must be able to update and run the two jobs."
  }
  assert {
    condition = join(" ", [google_artifact_registry_repository_iam_member.builder.repository, google_artifact_registry_repository_iam_member.builder.role,
    google_artifact_registry_repository_iam_member.builder.member]) == "halo-jira-sync roles/artifactregistry.writer serviceAccount:builder@acme-sec.iam"
    error_message = "The builder must be able to push to the one repository."
  }
  assert {
    condition = join(" ", [google_service_account_iam_member.acts_as_job.service_account_id, google_service_account_iam_member.acts_as_job.role,
    google_service_account_iam_member.acts_as_job.member]) == "projects/acme-sec/serviceAccounts/job roles/iam.serviceAccountUser serviceAccount:builder@acme-sec.iam"
    error_message = "The builder must act as the job's identity, on that account only."
  }
  assert {
    condition     = toset([for grant in google_storage_bucket_iam_member.builder : grant.role]) == toset(["roles/storage.objectViewer", "roles/storage.objectCreator"])
    error_message = "The builder must read sources and add bills of materials, and delete nothing."
  }
  assert {
    condition     = google_storage_bucket.builds.public_access_prevention == "enforced" && google_storage_bucket.builds.uniform_bucket_level_access
    error_message = "The bucket must not be able to become public."
  }
  assert {
    condition     = one(google_storage_bucket.builds.lifecycle_rule).condition != null && one(one(google_storage_bucket.builds.lifecycle_rule).condition).age == 7 && one(one(google_storage_bucket.builds.lifecycle_rule).condition).matches_prefix == tolist(["source/"])
    error_message = "Sources must go after a week, and nothing else."
  }
  assert {
    condition     = length(google_cloudbuild_trigger.push) == 0
    error_message = "Without a repository there must be no trigger."
  }
  assert {
    condition     = strcontains(output.submit, "--service-account=projects/acme-sec/serviceAccounts/builder ") && strcontains(output.submit, "COMMIT_SHA=$(git rev-parse HEAD)")
    error_message = "A build by hand must run as the builder and name its commit."
  }
}

run "build_on_push" {
  module {
    source = "./infra/build"
  }
  variables {
    trigger = { owner = "acme", repository = "halo-jira-sync" }
  }
  assert {
    condition     = google_cloudbuild_trigger.push["push"].service_account == "projects/acme-sec/serviceAccounts/builder" && google_cloudbuild_trigger.push["push"].filename == "cloudbuild.yaml"
    error_message = "The trigger must run cloudbuild.yaml as the builder."
  }
  assert {
    condition     = google_cloudbuild_trigger.push["push"].github[0].push[0].branch == "^main$" && !google_cloudbuild_trigger.push["push"].approval_config[0].approval_required
    error_message = "Pushes to main must be released, without a person unless asked for."
  }
  assert {
    condition = google_cloudbuild_trigger.push["push"].substitutions == tomap({
      _REGION    = "europe-west1", _REPOSITORY = "europe-west1-docker.pkg.dev/acme-sec/halo-jira-sync", _JOB = "halo-jira-sync"
      _CANDIDATE = "halo-jira-sync-candidate", _BUCKET = "acme-sec-halo-jira-sync-builds"
    })
    error_message = "The trigger must hand cloudbuild.yaml everything it substitutes."
  }
}
