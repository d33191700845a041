# The clock: Cloud Scheduler, and the one identity that may start the job.
#
# Promises: this identity holds `run.invoker` on the one job and nothing else anywhere; the schedule waits for that grant.
# Operators may pause and resume it, and not change what it starts.
# Not here: any guard against overlap. The scheduler delivers at least once, so the program itself takes a lease.

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
  description = "Project of the job and its schedule."
  type        = string
}

variable "region" {
  description = "Region of the job; the schedule lives beside it."
  type        = string
}

variable "name" {
  description = "Name of the schedule, and of its service account with \"-schedule\" appended."
  type        = string
}

variable "job" {
  description = "Name of the Cloud Run job to start."
  type        = string
}

variable "cron" {
  description = "When to start it, as five cron fields."
  type        = string
  default     = "*/15 * * * *"
}

variable "time_zone" {
  description = "Time zone of the cron fields. Etc/UTC has no hour that is skipped or repeated."
  type        = string
  default     = "Etc/UTC"
}

variable "paused" {
  description = "Whether the clock stands still."
  type        = bool
  default     = false
}

variable "operators" {
  description = "People and groups who may stop and start the clock."
  type        = set(string)
  default     = []
}

variable "retries" {
  description = "How often a start that Cloud Run did not accept is tried again, 0 to 5."
  type        = number
  default     = 1
}

resource "google_service_account" "schedule" {
  project      = var.project_id
  account_id   = "${var.name}-schedule"
  display_name = "${var.name}: starts the job, and may do nothing else"
}

resource "google_cloud_run_v2_job_iam_member" "invoker" {
  project  = var.project_id
  location = var.region
  name     = var.job
  role     = "roles/run.invoker"
  member   = google_service_account.schedule.member
}

resource "google_cloud_scheduler_job" "schedule" {
  project          = var.project_id
  region           = var.region
  name             = var.name
  description      = "Starts the Cloud Run job ${var.job}."
  schedule         = var.cron
  time_zone        = var.time_zone
  paused           = var.paused
  attempt_deadline = "60s"

  retry_config {
    retry_count          = var.retries
    min_backoff_duration = "30s"
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/projects/${var.project_id}/locations/${var.region}/jobs/${var.job}:run"
    headers     = { "Content-Type" = "application/json" }
    # No overrides: they would need a stronger role, and the container's own default is `run`.
    body = base64encode("{}")

    # Google's APIs want OAuth here; OIDC is for services of one's own.
    oauth_token {
      service_account_email = google_service_account.schedule.email
      scope                 = "https://www.googleapis.com/auth/cloud-platform"
    }
  }

  lifecycle {
    # Beside a token, providers before April 2026 read the headers back as absent and plan to set them for ever.
    ignore_changes = [http_target[0].headers]
  }

  depends_on = [google_cloud_run_v2_job_iam_member.invoker]
}

# Cloud Scheduler has no grants on one schedule, so this is one on the project, of four permissions.
resource "google_project_iam_custom_role" "clock" {
  project     = var.project_id
  role_id     = "${replace(var.name, "-", "_")}_clock"
  title       = "${var.name}: clock"
  description = "Look at schedules, pause and resume them."
  permissions = ["cloudscheduler.jobs.enable", "cloudscheduler.jobs.get", "cloudscheduler.jobs.list", "cloudscheduler.jobs.pause"]
}

resource "google_project_iam_member" "clock" {
  for_each = var.operators
  project  = var.project_id
  role     = google_project_iam_custom_role.clock.name
  member   = each.value
}

output "name" {
  description = "The schedule, for `gcloud scheduler jobs pause` and `resume`."
  value       = google_cloud_scheduler_job.schedule.name
  depends_on  = [google_cloud_run_v2_job_iam_member.invoker]
}

output "service_account" {
  description = "The one identity that may start the job."
  value       = google_service_account.schedule.email
}
