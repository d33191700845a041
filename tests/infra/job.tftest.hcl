# The job: two alike, one identity, operators and nobody else.

mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = { name = "projects/acme-sec/serviceAccounts/job", email = "job@acme-sec.iam", member = "serviceAccount:job@acme-sec.iam" }
  }
}

variables {
  project_id = "acme-sec"
  region     = "europe-west1"
  name       = "halo-jira-sync"
  env        = { HALO_API_KEY = "sm://projects/acme-sec/secrets/k", LOG_LEVEL = "INFO" }
  operators  = ["group:sec@acme.example"]
}

run "job" {
  module {
    source = "./infra/job"
  }

  assert {
    condition     = { for key, job in google_cloud_run_v2_job.job : key => job.name } == { job = "halo-jira-sync", candidate = "halo-jira-sync-candidate" }
    error_message = "There must be the job and its candidate."
  }
  assert {
    condition     = length(distinct([for job in google_cloud_run_v2_job.job : jsonencode(job.template)])) == 1
    error_message = "The candidate must be made exactly like the job."
  }
  assert {
    condition     = alltrue([for job in google_cloud_run_v2_job.job : job.template[0].template[0].service_account == "job@acme-sec.iam"])
    error_message = "The job must run as its own identity."
  }
  assert {
    condition = { for env in google_cloud_run_v2_job.job["job"].template[0].template[0].containers[0].env : env.name => env.value } == {
      HALO_API_KEY = "sm://projects/acme-sec/secrets/k", LOG_LEVEL = "INFO"
    }
    error_message = "The environment must reach the container as it was given."
  }
  assert {
    condition     = alltrue(flatten([for job in google_cloud_run_v2_job.job : [for env in job.template[0].template[0].containers[0].env : length(env.value_source) == 0]]))
    error_message = "No environment variable may be taken from Secret Manager by Cloud Run: the job could not be made before its secrets."
  }
  assert {
    condition = alltrue([for job in google_cloud_run_v2_job.job : job.template[0].task_count == 1 && job.template[0].parallelism == 0 &&
    job.template[0].template[0].timeout == "840s" && job.template[0].template[0].max_retries == 0])
    error_message = "One task, 14 minutes and no retry must be the defaults."
  }
  assert {
    condition     = google_cloud_run_v2_job.job["job"].template[0].template[0].containers[0].resources[0].limits == tomap({ cpu = "1", memory = "512Mi" })
    error_message = "One cpu and 512Mi must be the defaults."
  }
  assert {
    condition     = google_cloud_run_v2_job.job["job"].template[0].template[0].containers[0].image == "us-docker.pkg.dev/cloudrun/container/job:latest"
    error_message = "The first image must be one that anybody can pull."
  }
  assert {
    condition     = length(google_cloud_run_v2_job.job["job"].template[0].template[0].vpc_access) == 0
    error_message = "Without egress the job must use Cloud Run's own way out."
  }
  assert {
    condition = toset([for grant in google_cloud_run_v2_job_iam_member.operator : "${grant.name} ${grant.role} ${grant.member}"]) == toset([
      "halo-jira-sync roles/run.developer group:sec@acme.example", "halo-jira-sync-candidate roles/run.developer group:sec@acme.example",
    ])
    error_message = "Operators, and nobody else, must hold run.developer on the two jobs."
  }
  assert {
    condition     = [for grant in google_service_account_iam_member.operator : "${grant.service_account_id} ${grant.role} ${grant.member}"] == ["projects/acme-sec/serviceAccounts/job roles/iam.serviceAccountUser group:sec@acme.example"]
    error_message = "Operators must be able to act as the job's identity, on that account only."
  }
}

run "job_through_a_static_address" {
  module {
    source = "./infra/job"
  }
  variables {
    egress = { network = "net", subnetwork = "sub" }
  }
  assert {
    condition = alltrue([for job in google_cloud_run_v2_job.job : one(job.template[0].template[0].vpc_access).egress == "ALL_TRAFFIC" &&
    one(one(job.template[0].template[0].vpc_access).network_interfaces).subnetwork == "sub"])
    error_message = "All traffic of both jobs must leave through the subnetwork."
  }
}
