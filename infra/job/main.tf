# The Cloud Run job, its identity, and the people who may operate it.
#
# Promises: two jobs with the same settings and identity exist, `NAME` and `NAME-candidate`; a release tries its image on the
# candidate, so that the scheduled job never runs an image whose check failed. Terraform sets the image once, releases set it
# afterwards. Operators start, watch and stop runs, and change neither job nor image. Settings are bound: the command, which no
# execution can override, says what they are, and the program refuses an execution that was started with others.
# Not here: secrets as container environment (the program reads `sm://` references itself), the schedule, the image's build.

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
  description = "Project that holds the job."
  type        = string
}

variable "region" {
  description = "Region the job runs in."
  type        = string
}

variable "name" {
  description = "Name of the job and of its service account."
  type        = string
}

variable "image" {
  description = "Image of the very first deployment. Later images come from releases, and Terraform leaves them alone."
  type        = string
  default     = "us-docker.pkg.dev/cloudrun/container/job:latest"
}

variable "env" {
  description = "Plain environment of the program. Secrets appear only as sm:// references, never as values."
  type        = map(string)
  default     = {}
}

variable "overridable" {
  description = "Variables that one execution may have otherwise than `env` says. Hosts, proxies and references stay bound unless they are named here."
  type        = set(string)
  default     = []
}

variable "binary_authorization" {
  description = "Which images may run: \"default\" is the project's policy, a resource name another; null asks nobody."
  type        = string
  default     = null
}

variable "encryption_key" {
  description = "KMS key that what the job keeps at rest is encrypted with, or null for Google's own."
  type        = string
  default     = null
}

variable "size" {
  description = "How much machine one execution gets, how long it may take, and over how many tasks it is spread."
  type = object({
    cpu         = optional(string, "1")
    memory      = optional(string, "512Mi")
    tasks       = optional(number, 1)
    parallelism = optional(number, 0)
    timeout_s   = optional(number, 840)
    retries     = optional(number, 0)
  })
  default = {}
}

variable "egress" {
  description = "Network and subnetwork that all traffic leaves through, or null for Cloud Run's own way out."
  type        = object({ network = string, subnetwork = string })
  default     = null
}

variable "operators" {
  description = "People and groups who run, plan, sweep and approve by hand, such as \"group:security@example.com\"."
  type        = set(string)
  default     = []
}

variable "labels" {
  description = "Labels of the jobs."
  type        = map(string)
  default     = {}
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete or replace the jobs."
  type        = bool
  default     = false
}

locals {
  # The keys are known before anything exists, so grants can be made for each.
  names = { job = var.name, candidate = "${var.name}-candidate" }
}

resource "google_service_account" "job" {
  project      = var.project_id
  account_id   = var.name
  display_name = "${var.name}: reads Halo, writes Jira"
}

resource "google_cloud_run_v2_job" "job" {
  for_each            = local.names
  project             = var.project_id
  location            = var.region
  name                = each.value
  labels              = var.labels
  deletion_protection = var.deletion_protection

  template {
    task_count  = var.size.tasks
    parallelism = var.size.parallelism
    template {
      service_account       = google_service_account.job.email
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      max_retries           = var.size.retries
      timeout               = "${var.size.timeout_s}s"

      encryption_key = var.encryption_key

      containers {
        image = var.image
        # Arguments and variables of an execution can be overridden, its command cannot. `env` comes last, so it wins.
        command = ["env", "BOUND_SETTINGS=${jsonencode({ values = { for name, value in var.env : name => sha256(value) }, free = var.overridable })}", "python", "-m", "job"]
        resources {
          limits = { cpu = var.size.cpu, memory = var.size.memory }
        }
        dynamic "env" {
          for_each = var.env
          content {
            name  = env.key
            value = env.value
          }
        }
      }

      dynamic "vpc_access" {
        for_each = var.egress[*]
        content {
          egress = "ALL_TRAFFIC"
          network_interfaces {
            network    = vpc_access.value.network
            subnetwork = vpc_access.value.subnetwork
          }
        }
      }
    }
  }

  dynamic "binary_authorization" {
    for_each = var.binary_authorization[*]
    content {
      use_default = binary_authorization.value == "default" ? true : null
      policy      = binary_authorization.value == "default" ? null : binary_authorization.value
    }
  }

  lifecycle {
    # A release owns the image; an apply must neither roll it back nor report it as a difference.
    # Labels and annotations of the template are where gcloud signs a roll-out.
    ignore_changes = [
      template[0].template[0].containers[0].image, template[0].labels, template[0].annotations, client, client_version,
    ]
  }
}

# Far less than run.developer, which may change the image and the identity of a job, and open a shell beside it.
resource "google_project_iam_custom_role" "operator" {
  project     = var.project_id
  role_id     = "${replace(var.name, "-", "_")}_operator"
  title       = "${var.name}: operator"
  description = "Start, watch and stop runs of the job. Given on the job alone."
  permissions = [
    "run.executions.cancel", "run.executions.get", "run.executions.list", "run.jobs.get", "run.jobs.run", "run.jobs.runWithOverrides",
    "run.tasks.get", "run.tasks.list",
  ]
}

resource "google_cloud_run_v2_job_iam_member" "operator" {
  for_each = { for grant in setproduct(keys(local.names), var.operators) : join(" ", grant) => grant }
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_job.job[each.value[0]].name
  role     = google_project_iam_custom_role.operator.name
  member   = each.value[1]
}

# What a run said. Cloud Logging has grants on views of log buckets, which a project's own bucket does not have by itself.
resource "google_project_iam_member" "logs" {
  for_each = var.operators
  project  = var.project_id
  role     = "roles/logging.viewer"
  member   = each.value
}

output "name" {
  description = "The scheduled job."
  value       = google_cloud_run_v2_job.job["job"].name
  depends_on  = [google_cloud_run_v2_job_iam_member.operator]
}

output "names" {
  description = "Both jobs, by the keys \"job\" and \"candidate\"."
  value       = { for key, job in google_cloud_run_v2_job.job : key => job.name }
  depends_on  = [google_cloud_run_v2_job_iam_member.operator]
}

output "service_account" {
  description = "The job's identity: its resource name, email and IAM member."
  value = {
    name   = google_service_account.job.name
    email  = google_service_account.job.email
    member = google_service_account.job.member
  }
}
