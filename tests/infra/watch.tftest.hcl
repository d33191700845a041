# The watch: metrics from real events of the one job, five alerts, one page.

mock_provider "google" {
  mock_resource "google_monitoring_notification_channel" {
    defaults = { name = "projects/acme-sec/notificationChannels/new" }
  }
}

variables {
  project_id = "acme-sec"
  region     = "europe-west1"
  name       = "halo-jira-sync"
  job        = "halo-jira-sync"
  emails     = ["sec@acme.example"]
  channels   = ["projects/acme-sec/notificationChannels/old"]
}

run "watch" {
  module {
    source = "./infra/watch"
  }

  assert {
    condition = alltrue([for metric in concat([google_logging_metric.events], values(google_logging_metric.figure)) :
    startswith(metric.filter, "resource.type=\"cloud_run_job\" AND resource.labels.job_name=\"halo-jira-sync\" AND ")])
    error_message = "Metrics must count the job's own lines, and not the candidate's."
  }
  assert {
    condition = alltrue([for event in ["run.finished", "lease.held", "plan.refused", "issue.parked", "ticket.created", "remote.throttled"] :
    strcontains(google_logging_metric.events.filter, "\"${event}\"")])
    error_message = "Every event that is charted or alerted on must be counted."
  }
  assert {
    condition     = toset(keys(google_logging_metric.figure)) == toset(["created", "commented", "closed", "reopened", "adopted", "unchanged", "failed", "unknown", "deferred", "parked_total", "calls_halo", "calls_jira", "duration_s", "lag_s"])
    error_message = "Each number of a run's last line must be a metric."
  }
  assert {
    condition     = alltrue([for figure, metric in google_logging_metric.figure : metric.value_extractor == "EXTRACT(jsonPayload.${figure})" && strcontains(metric.filter, "jsonPayload.event=\"run.finished\"")])
    error_message = "Each number must be read from run.finished."
  }
  assert {
    condition     = toset(keys(google_monitoring_alert_policy.alert)) == toset(["failed-run", "silence", "parked", "parked-long", "lag", "duplicates", "circuit", "unknown-write", "unconfirmed", "unrecorded", "near-timeout"])
    error_message = "Each thing that somebody has to look at must have an alert."
  }
  assert {
    condition     = startswith(google_monitoring_alert_policy.alert["silence"].conditions[0].condition_prometheus_query_language[0].query, "(absent_over_time(logging_googleapis_com:user_halo_jira_sync_events{monitored_resource=\"cloud_run_job\",command=\"run\",event=\"run.finished\",exit_code=~\"0|4|5\"}[60m]) or ")
    error_message = "An hour without a run that came to its end must be noticed, even if there never was one."
  }
  assert {
    condition     = endswith(google_monitoring_alert_policy.alert["lag"].conditions[0].condition_prometheus_query_language[0].query, " > 3600")
    error_message = "An hour of lag must be noticed."
  }
  assert {
    condition     = endswith(google_monitoring_alert_policy.alert["near-timeout"].conditions[0].condition_prometheus_query_language[0].query, " > 672")
    error_message = "A run that takes more than four fifths of its time must be noticed."
  }
  assert {
    condition     = alltrue([for alert in google_monitoring_alert_policy.alert : alert.conditions[0].condition_prometheus_query_language[0].disable_metric_validation])
    error_message = "Alerts must not ask for metrics that the same apply has just made."
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.plan_refused.conditions[0].condition_matched_log[0].filter, "jsonPayload.event=\"plan.refused\"") && length(google_monitoring_alert_policy.plan_refused.conditions) == 1
    error_message = "A refused plan must be noticed by its log line, alone in its policy."
  }
  assert {
    condition     = google_monitoring_alert_policy.plan_refused.alert_strategy[0].notification_rate_limit[0].period == "3600s"
    error_message = "An alert on a log line needs a rate limit."
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.plan_refused.documentation[0].content, "--args=run,--approve,$${log.extracted_label.digest}")
    error_message = "The message must say how to approve exactly this plan."
  }
  assert {
    condition = alltrue([for alert in concat(values(google_monitoring_alert_policy.alert), [google_monitoring_alert_policy.plan_refused]) :
    toset(alert.notification_channels) == toset(["projects/acme-sec/notificationChannels/new", "projects/acme-sec/notificationChannels/old"])])
    error_message = "Everyone who asked must be told of every alert."
  }
  assert {
    condition     = length(jsondecode(google_monitoring_dashboard.runs.dashboard_json).mosaicLayout.tiles) == 8
    error_message = "The page must have its eight charts."
  }
  assert {
    condition     = !can(regex("Pos\":0|label\":\"\"", google_monitoring_dashboard.runs.dashboard_json))
    error_message = "Nothing may be said that Monitoring leaves out of its answer, or each plan would say it again."
  }
  assert {
    condition     = length(google_monitoring_alert_policy.build_failed) == 0 && length(google_billing_budget.month) == 0
    error_message = "Builds and money must be watched only where they are named."
  }
}

run "watch_with_one_alert" {
  module {
    source = "./infra/watch"
  }
  command = plan
  variables {
    alerts = ["silence"]
  }
  assert {
    condition     = keys(google_monitoring_alert_policy.alert) == ["silence"]
    error_message = "Only the conditions that were asked for may be alerted on."
  }
}

run "watch_over_a_daily_clock" {
  module {
    source = "./infra/watch"
  }
  variables {
    clock          = { gap_min = 1440, cron = "0 6 * * *" }
    rotation_topic = "halo-jira-sync-rotation"
    triggers       = { release = "t-1", push = "t-2" }
    budget         = { account = "012345-6789AB-CDEF01", monthly = 20 }
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.alert["silence"].conditions[0].condition_prometheus_query_language[0].query, "[1470m]")
    error_message = "A daily clock must be silent for more than a day before anybody is told."
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.alert["secret-due"].conditions[0].condition_prometheus_query_language[0].query, "topic_id=\"halo-jira-sync-rotation\"")
    error_message = "A secret that is due must be told."
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.build_failed[0].conditions[0].condition_matched_log[0].filter, "build_trigger_id=(\"t-2\" OR \"t-1\")")
    error_message = "A build or a release that failed must be told."
  }
  assert {
    condition     = google_billing_budget.month[0].amount[0].specified_amount[0].units == "20" && length(google_billing_budget.month[0].all_updates_rule[0].monitoring_notification_channels) == 2
    error_message = "Money past the budget must be told to the same people."
  }
}

run "watch_over_a_clock_that_stands_still" {
  module {
    source = "./infra/watch"
  }
  variables {
    clock = { paused = true }
  }
  assert {
    condition     = !contains(keys(google_monitoring_alert_policy.alert), "silence")
    error_message = "Nobody may be told of silence while the schedule is paused."
  }
}

run "watch_over_a_weekly_clock" {
  module {
    source = "./infra/watch"
  }
  variables {
    clock = { gap_min = 10080 }
  }
  assert {
    condition     = !contains(keys(google_monitoring_alert_policy.alert), "silence")
    error_message = "Silence that Monitoring cannot see must not be promised."
  }
  expect_failures = [check.silence_can_be_heard]
}

run "watch_that_nobody_hears" {
  module {
    source = "./infra/watch"
  }
  command = plan
  variables {
    emails   = []
    channels = []
  }
  expect_failures = [check.somebody_is_told]
}
