# The webhook: a Cloud Run service that listens to Jira and starts the job when asked. Off unless it is asked for.
#
# Promises: anyone may call it, because Jira cannot sign in to Google, and that is the only open door of the deployment; the program
# behind it checks a signature over each message. Its identity may start the one job and use the one database, and read its own key.
# Not here: the key itself, and the grants to read it and the database, which their own modules make from `service_account`.

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
  description = "Project of the job."
  type        = string
}

variable "region" {
  description = "Region of the job and of this service."
  type        = string
}

variable "name" {
  description = "Name of the deployment; service and account are called this with \"-webhook\" appended."
  type        = string
}

variable "image" {
  description = "Image built with PARTS=\"runtime http\", by digest. It must exist before the service can start."
  type        = string
}

variable "target" {
  description = "Name of the function in job/functions.py that receives the messages."
  type        = string
}

variable "env" {
  description = "Plain environment of the function; the key only as an sm:// reference."
  type        = map(string)
  default     = {}
}

variable "job" {
  description = "Name of the job it may start."
  type        = string
}

variable "instances_max" {
  description = "How many copies may run at once, which bounds what a flood of messages can cost."
  type        = number
  default     = 2
}

variable "labels" {
  description = "Labels of the service."
  type        = map(string)
  default     = {}
}

resource "google_service_account" "webhook" {
  project      = var.project_id
  account_id   = "${var.name}-webhook"
  display_name = "${var.name}: listens to Jira, starts the job"
}

resource "google_cloud_run_v2_job_iam_member" "starter" {
  project  = var.project_id
  location = var.region
  name     = var.job
  role     = "roles/run.jobsExecutorWithOverrides"
  member   = google_service_account.webhook.member
}

resource "google_cloud_run_v2_service" "webhook" {
  project             = var.project_id
  location            = var.region
  name                = "${var.name}-webhook"
  labels              = var.labels
  ingress             = "INGRESS_TRAFFIC_ALL"
  deletion_protection = false

  template {
    service_account                  = google_service_account.webhook.email
    timeout                          = "30s"
    max_instance_request_concurrency = 40
    scaling {
      max_instance_count = var.instances_max
    }
    containers {
      image   = var.image
      command = ["functions-framework"]
      args    = ["--source=/app/job/functions.py", "--target=${var.target}"]
      resources {
        limits   = { cpu = "1", memory = "512Mi" }
        cpu_idle = true
      }
      dynamic "env" {
        for_each = var.env
        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }

  depends_on = [google_cloud_run_v2_job_iam_member.starter]
}

resource "google_cloud_run_v2_service_iam_member" "anyone" {
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.webhook.name
  role     = "roles/run.invoker"
  member   = "allUsers"
}

output "url" {
  description = "The address to give to Jira. It waits until anyone may call it."
  value       = google_cloud_run_v2_service.webhook.uri
  depends_on  = [google_cloud_run_v2_service_iam_member.anyone]
}

output "service_account" {
  description = "IAM member of the webhook's identity."
  value       = google_service_account.webhook.member
}
