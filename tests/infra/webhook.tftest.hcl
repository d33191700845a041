# The webhook: the only door open to anyone, and what is behind it.

mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = { email = "webhook@acme-sec.iam", member = "serviceAccount:webhook@acme-sec.iam" }
  }
}

variables {
  project_id = "acme-sec"
  region     = "europe-west1"
  name       = "halo-jira-sync"
  job        = "halo-jira-sync"
  image      = "europe-west1-docker.pkg.dev/acme-sec/halo-jira-sync/job@sha256:0"
  target     = "jira_webhook"
  env        = { LOG_LEVEL = "INFO" }
}

run "webhook" {
  module {
    source = "./infra/webhook"
  }

  assert {
    condition     = "${google_cloud_run_v2_service_iam_member.anyone.name} ${google_cloud_run_v2_service_iam_member.anyone.role} ${google_cloud_run_v2_service_iam_member.anyone.member}" == "halo-jira-sync-webhook roles/run.invoker allUsers"
    error_message = "Anyone must be able to call the webhook, and nothing more."
  }
  assert {
    condition = join(" ", [google_cloud_run_v2_job_iam_member.starter.name, google_cloud_run_v2_job_iam_member.starter.role,
    google_cloud_run_v2_job_iam_member.starter.member]) == "halo-jira-sync roles/run.jobsExecutorWithOverrides serviceAccount:webhook@acme-sec.iam"
    error_message = "The webhook must be able to start the one job, and nothing more."
  }
  assert {
    condition     = google_cloud_run_v2_service.webhook.template[0].service_account == "webhook@acme-sec.iam"
    error_message = "The webhook must run as its own identity."
  }
  assert {
    condition     = google_cloud_run_v2_service.webhook.template[0].containers[0].args == tolist(["--source=/app/job/functions.py", "--target=jira_webhook"])
    error_message = "The webhook must serve the function that was asked for."
  }
  assert {
    condition     = google_cloud_run_v2_service.webhook.template[0].scaling[0].max_instance_count == 2
    error_message = "A flood of messages must meet a bound."
  }
}
