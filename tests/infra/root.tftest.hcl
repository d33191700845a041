# The whole deployment, applied twice with made-up answers from Google.

mock_provider "google" {}

override_resource {
  target = module.job.google_service_account.job
  values = { name = "projects/acme-sec/serviceAccounts/job", email = "job@acme-sec.iam", member = "serviceAccount:job@acme-sec.iam" }
}
override_resource {
  target = module.schedule.google_service_account.schedule
  values = { email = "schedule@acme-sec.iam", member = "serviceAccount:schedule@acme-sec.iam" }
}
override_resource {
  target = module.build.google_service_account.builder
  values = { id = "projects/acme-sec/serviceAccounts/builder", name = "projects/acme-sec/serviceAccounts/builder", email = "builder@acme-sec.iam", member = "serviceAccount:builder@acme-sec.iam" }
}
override_resource {
  target = module.build.google_service_account.deployer
  values = { id = "projects/acme-sec/serviceAccounts/deployer", email = "deployer@acme-sec.iam", member = "serviceAccount:deployer@acme-sec.iam" }
}
override_resource {
  target = module.build.google_service_account.rebuild
  values = { email = "rebuild@acme-sec.iam", member = "serviceAccount:rebuild@acme-sec.iam" }
}
override_resource {
  target = module.job.google_project_iam_custom_role.operator
  values = { name = "projects/acme-sec/roles/operator" }
}
override_resource {
  target = module.schedule.google_project_iam_custom_role.clock
  values = { name = "projects/acme-sec/roles/clock" }
}
override_resource {
  target = module.state.google_project_iam_custom_role.user
  values = { name = "projects/acme-sec/roles/documents" }
}
override_resource {
  target = module.build.google_project_iam_custom_role.tagger
  values = { name = "projects/acme-sec/roles/tagger" }
}

variables {
  project_id    = "acme-sec"
  region        = "europe-west1"
  secret_values = {}
  watch         = { emails = ["sec@acme.example"] }
  jira = {
    url               = "https://acme.atlassian.net"
    user              = "halo@acme.example"
    project_key       = "SEC"
    issue_type        = "Bug"
    issue_id_field    = "Halo ID"
    reopen_transition = "Reopen"
    close_transition  = "Done"
    status_closed     = ["Done", "Closed"]
    field_mapping     = { issue_rule_key = "Rule", server_hostname = "customfield_10042" }
    field_static      = { "Team: name" = "a;b:c\\d" }
  }
}

run "first_apply_of_an_empty_project" {
  assert {
    condition     = output.environment["STATE_URL"] == "firestore://acme-sec/halo-jira-sync?prefix=halo-jira-sync"
    error_message = "STATE_URL must name the project, the database and the prefix."
  }
  assert {
    condition = { for name in ["HALO_API_KEY", "HALO_API_SECRET_KEY", "JIRA_API_TOKEN"] : name => output.environment[name] } == {
      HALO_API_KEY        = "sm://projects/acme-sec/secrets/halo-jira-sync-halo-api-key"
      HALO_API_SECRET_KEY = "sm://projects/acme-sec/secrets/halo-jira-sync-halo-api-secret-key"
      JIRA_API_TOKEN      = "sm://projects/acme-sec/secrets/halo-jira-sync-jira-api-token"
    }
    error_message = "Secrets must reach the job as references only."
  }
  assert {
    condition     = output.environment["JIRA_FIELD_MAPPING"] == "issue_rule_key:Rule;server_hostname:customfield_10042"
    error_message = "A mapping must be written as a:b;c:d."
  }
  assert {
    condition     = output.environment["JIRA_FIELD_STATIC"] == "Team\\: name:a\\;b:c\\\\d"
    error_message = "Colons in names, semicolons and backslashes must be escaped."
  }
  assert {
    condition     = output.environment["ISSUE_STATUS_CLOSED"] == "Done,Closed"
    error_message = "A list of statuses must be joined by commas."
  }
  assert {
    condition = { for name in ["HALO_API_HOSTNAME", "TIME_RANGE", "MAX_CLOSE_PERCENT", "MAX_CREATE", "SWEEP_EVERY", "CREATE_PATIENCE", "OVERLAP",
      "WHEN_TICKET_GONE", "WHEN_ISSUE_GONE", "TASK_TIMEOUT_S", "CRITICAL_ONLY", "HALO_CONCURRENCY_MAX", "LOG_LEVEL"] : name => output.environment[name] } == {
      HALO_API_HOSTNAME = "api.cloudpassage.com", TIME_RANGE = "15", MAX_CLOSE_PERCENT = "30", MAX_CREATE = "200", SWEEP_EVERY = "24h",
      CREATE_PATIENCE   = "25m", OVERLAP = "5m", WHEN_TICKET_GONE = "recreate", WHEN_ISSUE_GONE = "report", TASK_TIMEOUT_S = "840",
      CRITICAL_ONLY     = "false", HALO_CONCURRENCY_MAX = "10", LOG_LEVEL = "INFO"
    }
    error_message = "The defaults must be the program's own."
  }
  assert {
    condition     = length(setintersection(keys(output.environment), ["HTTPS_PROXY", "CA_BUNDLE", "STATUS_HARD_CLOSED", "NEW_ISSUE_STATUS"])) == 0
    error_message = "A setting nobody made must be absent."
  }
  assert {
    condition     = output.static_address == null
    error_message = "The static address must be off by default."
  }
  assert {
    condition     = strcontains(output.release, "_REPOSITORY=europe-west1-docker.pkg.dev/acme-sec/halo-jira-sync")
    error_message = "The release command must name the repository."
  }
}

run "second_apply" {
  command = plan
}

run "another_first_image" {
  command = plan
  variables {
    job = { image = "europe-west1-docker.pkg.dev/acme-sec/halo-jira-sync/job@sha256:0" }
  }
}

run "everything_on" {
  variables {
    job = { tasks = 8, parallelism = 4, cpu = "2", memory = "1Gi", timeout_s = 3600, protected = true }
    access = {
      operators = ["group:sec@acme.example"], releasers = ["group:rel@acme.example"], audit_reads = true
      rotators  = ["principalSet://iam.googleapis.com/locations/global/workforcePools/acme/group/keys"]
    }
    encryption    = { key = "projects/acme-keys/locations/europe-west1/keyRings/sec/cryptoKeys/halo" }
    safety        = { max_create = 500, when_issue_gone = "close", sweep_every = "0" }
    scope         = { backlog = "critical", critical_only = true, no_sva = true, issue_sync_max = 100, exclude_cloud_secure = true, comment_every = "12h" }
    halo          = { link = "https://portal.acme.example/issues/{issue_id}" }
    runtime       = { log_level = "DEBUG", https_proxy = "http://proxy.acme.example:3128", ca_bundle = "/etc/ssl/certs/ca-certificates.crt", extra_env = { TZ = "Etc/UTC" } }
    state         = { database = "restored-links", backup = { daily_days = 7, weekly_days = 98 }, destroy_data = true }
    secrets       = { locations = ["europe-west1"], seeded = ["jira-api-token", "halo-api-key"], values_version = 2, rotate_days = 90 }
    secret_values = { jira-api-token = "the-token-itself", halo-api-key = "the-key-itself" }
    build         = { trigger = { owner = "acme", repository = "halo-jira-sync" }, rebuild_monthly = true }
    watch         = { emails = ["sec@acme.example"], channels = ["projects/acme-sec/notificationChannels/1"] }
    jira = {
      url                = "https://api.atlassian.com/ex/jira/0a1b-2c3d"
      user               = "halo@acme.example"
      project_key        = "SEC"
      issue_type         = "Bug"
      issue_id_field     = "customfield_10050"
      reopen_transition  = "Reopen"
      close_transition   = "Done"
      status_closed      = ["Done", "Closed"]
      status_hard_closed = ["Won't fix", "Gone, for good"]
      status_accepted    = ["Accepted Risk"]
      accepted_for_days  = 90
      reopen_fields      = { "Cause" = "none" }
      close_fields       = { "Cause" = "Prod\\, EU" }
      new_issue_status   = "To Do"
      close_resolution   = "Fixed"
      field_mapping      = { issue_rule_key = "Rule" }
      field_static       = { "Team: name" = "a;b:c\\d" }
      priority_map       = "critical:Highest;cvss>=9:High;default:Medium"
      due_in             = "critical:7d;default:90d"
      fields_follow      = "Summary,Priority"
      routes             = <<-EOT
        routes:
          - {name: logs, when: {type: lids}, skip: Handled in the SIEM.}
      EOT
      concurrency_max    = 16
    }
    egress = { static_address = true }
  }
  assert {
    condition     = output.environment["STATUS_HARD_CLOSED"] == "Won't fix,Gone\\, for good" && output.environment["STATUS_ACCEPTED"] == "Accepted Risk"
    error_message = "A comma in the name of a status is written with a backslash before it."
  }
  assert {
    condition     = output.environment["CLOSE_FIELDS"] == "Cause:Prod\\, EU" && output.environment["ACCEPTED_FOR"] == "90"
    error_message = "What the screen that closes asks for must arrive as the program reads it."
  }
  assert {
    condition     = output.environment["HTTPS_PROXY"] == "http://proxy.acme.example:3128" && output.environment["TZ"] == "Etc/UTC" && output.environment["SWEEP_EVERY"] == "0"
    error_message = "Chosen settings must arrive."
  }
  assert {
    condition     = output.state_url == "firestore://acme-sec/restored-links?prefix=halo-jira-sync"
    error_message = "A restored database must be usable under its own name."
  }
}

run "two_deployments_in_one_project_share_no_name" {
  variables {
    name = "halo-jira-dev"
  }
  assert {
    condition     = output.state_url == "firestore://acme-sec/halo-jira-dev?prefix=halo-jira-sync" && output.environment["JIRA_API_TOKEN"] == "sm://projects/acme-sec/secrets/halo-jira-dev-jira-api-token"
    error_message = "A second deployment must have a memory and secrets of its own."
  }
}

run "a_service_account_instead_of_a_token" {
  variables {
    jira = {
      url               = "https://acme.atlassian.net"
      client_id         = "a1b2c3"
      project_key       = "SEC"
      issue_type        = "Bug"
      issue_id_field    = "Halo ID"
      reopen_transition = "Reopen"
      close_transition  = "Done"
      status_closed     = ["Done"]
      routes_file       = "/routes/routes.yaml"
    }
  }
  assert {
    condition = { for name in ["JIRA_CLIENT_ID", "JIRA_CLIENT_SECRET", "JIRA_TOKEN_URL", "JIRA_GATEWAY_URL"] : name => try(output.environment[name], null) } == {
      JIRA_CLIENT_ID     = "a1b2c3"
      JIRA_CLIENT_SECRET = "sm://projects/acme-sec/secrets/halo-jira-sync-jira-client-secret"
      JIRA_TOKEN_URL     = "https://auth.atlassian.com/oauth/token"
      JIRA_GATEWAY_URL   = "https://api.atlassian.com"
    }
    error_message = "A service account must bring its client id, and its secret as a reference only."
  }
  assert {
    condition     = length(setintersection(keys(output.environment), ["JIRA_API_USER", "JIRA_API_TOKEN"])) == 0
    error_message = "There must be one way to sign in."
  }
  assert {
    condition     = toset(keys(output.add_secrets)) == toset(["halo-api-key", "halo-api-secret-key", "jira-client-secret"])
    error_message = "A secret that nobody reads must not be there."
  }
}

run "in_a_shared_network" {
  variables {
    egress = { network = "projects/acme-net/global/networks/shared", subnetwork = "projects/acme-net/regions/europe-west1/subnetworks/jobs" }
  }
  assert {
    condition     = output.static_address == null
    error_message = "The static address must be off by default."
  }
}
