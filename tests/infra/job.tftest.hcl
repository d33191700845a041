# The job: two alike, one identity, operators and nobody else.

mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = { name = "projects/acme-sec/serviceAccounts/job", email = "job@acme-sec.iam", member = "serviceAccount:job@acme-sec.iam" }
  }
  mock_resource "google_project_iam_custom_role" {
    defaults = { name = "projects/acme-sec/roles/operator" }
  }
}

variables {
  project_id = "acme-sec"
  region     = "europe-west1"
  name       = "halo-jira-sync"
  env        = { HALO_API_KEY = "sm://projects/acme-sec/secrets/k", LOG_LEVEL = "INFO" }
  operators  = ["group:sec@acme.example"]

  overridable = ["MAX_CREATE"]
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
      "halo-jira-sync projects/acme-sec/roles/operator group:sec@acme.example",
      "halo-jira-sync-candidate projects/acme-sec/roles/operator group:sec@acme.example",
    ])
    error_message = "Operators, and nobody else, must hold their role on the two jobs."
  }
  assert {
    condition     = alltrue([for permission in google_project_iam_custom_role.operator.permissions : can(regex("^run\\.(executions|tasks)\\.|^run\\.jobs\\.(get|run|runWithOverrides)$", permission))]) && contains(google_project_iam_custom_role.operator.permissions, "run.jobs.runWithOverrides")
    error_message = "Operators must be able to start runs, and to change neither job nor image."
  }
  assert {
    condition     = [for grant in google_project_iam_member.logs : "${grant.role} ${grant.member}"] == ["roles/logging.viewer group:sec@acme.example"]
    error_message = "Operators must see what runs said."
  }
  assert {
    condition = alltrue([for job in google_cloud_run_v2_job.job : job.template[0].template[0].containers[0].command == tolist(["env",
    "BOUND_SETTINGS={\"free\":[\"MAX_CREATE\"],\"values\":{\"HALO_API_KEY\":\"94bf73c88d93768472f735245e3f2dbfb5e71fae450110ec7a4a5057facc3ad7\",\"LOG_LEVEL\":\"cda14d0b2d954643c80cf0a1ee7ea1896bbe27cffc52c0c554eadc5432984d8b\"}}", "python", "-m", "job"])])
    error_message = "The command, which nobody can override, must say what the settings are."
  }
  assert {
    condition     = alltrue([for job in google_cloud_run_v2_job.job : length(job.binary_authorization) == 0 && job.template[0].template[0].encryption_key == null])
    error_message = "Binary Authorization and a key of one's own must be asked for."
  }
}

run "job_that_only_signed_images_may_run_in" {
  module {
    source = "./infra/job"
  }
  variables {
    binary_authorization = "default"
    encryption_key       = "projects/acme-keys/locations/europe-west1/keyRings/sec/cryptoKeys/halo"
  }
  assert {
    condition = alltrue([for job in google_cloud_run_v2_job.job : job.binary_authorization[0].use_default == true && job.binary_authorization[0].policy == null &&
    job.template[0].template[0].encryption_key == "projects/acme-keys/locations/europe-west1/keyRings/sec/cryptoKeys/halo"])
    error_message = "Both jobs must ask the project's policy, and use the key."
  }
}

run "job_under_a_policy_of_its_own" {
  module {
    source = "./infra/job"
  }
  variables {
    binary_authorization = "projects/acme-sec/platforms/cloudRun/policies/halo"
  }
  assert {
    condition     = alltrue([for job in google_cloud_run_v2_job.job : job.binary_authorization[0].policy == "projects/acme-sec/platforms/cloudRun/policies/halo" && job.binary_authorization[0].use_default == null])
    error_message = "Both jobs must ask the policy that was named."
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
