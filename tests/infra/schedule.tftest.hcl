# The schedule: an empty body, OAuth, and one identity with one role on one job.

mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = { email = "schedule@acme-sec.iam", member = "serviceAccount:schedule@acme-sec.iam" }
  }
  mock_resource "google_project_iam_custom_role" {
    defaults = { name = "projects/acme-sec/roles/clock" }
  }
}

variables {
  operators  = ["group:sec@acme.example"]
  project_id = "acme-sec"
  region     = "europe-west1"
  name       = "halo-jira-sync"
  job        = "halo-jira-sync"
}

run "schedule" {
  module {
    source = "./infra/schedule"
  }

  assert {
    condition     = google_cloud_scheduler_job.schedule.http_target[0].uri == "https://run.googleapis.com/v2/projects/acme-sec/locations/europe-west1/jobs/halo-jira-sync:run"
    error_message = "The schedule must call :run of the one job."
  }
  assert {
    condition     = google_cloud_scheduler_job.schedule.http_target[0].http_method == "POST" && google_cloud_scheduler_job.schedule.http_target[0].headers["Content-Type"] == "application/json"
    error_message = "The schedule must post JSON."
  }
  assert {
    condition     = base64decode(google_cloud_scheduler_job.schedule.http_target[0].body) == "{}"
    error_message = "The schedule's body must be empty: an override needs a stronger role."
  }
  assert {
    condition     = one(google_cloud_scheduler_job.schedule.http_target[0].oauth_token).service_account_email == "schedule@acme-sec.iam" && length(google_cloud_scheduler_job.schedule.http_target[0].oidc_token) == 0
    error_message = "Google's API wants an OAuth token of the schedule's own identity."
  }
  assert {
    condition     = google_cloud_scheduler_job.schedule.schedule == "*/15 * * * *" && google_cloud_scheduler_job.schedule.time_zone == "Etc/UTC" && !google_cloud_scheduler_job.schedule.paused
    error_message = "Every 15 minutes in UTC must be the default."
  }
  assert {
    condition = join(" ", [google_cloud_run_v2_job_iam_member.invoker.name, google_cloud_run_v2_job_iam_member.invoker.role,
    google_cloud_run_v2_job_iam_member.invoker.member]) == "halo-jira-sync roles/run.invoker serviceAccount:schedule@acme-sec.iam"
    error_message = "The schedule's identity must hold run.invoker on the one job."
  }
  assert {
    condition     = toset(google_project_iam_custom_role.clock.permissions) == toset([for may in ["enable", "get", "list", "pause"] : "cloudscheduler.jobs.${may}"])
    error_message = "The clock's role must pause and resume, and change nothing else."
  }
  assert {
    condition     = [for grant in google_project_iam_member.clock : "${grant.role} ${grant.member}"] == ["projects/acme-sec/roles/clock group:sec@acme.example"]
    error_message = "Operators must be able to stop the clock."
  }
}
