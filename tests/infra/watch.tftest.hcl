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
    condition     = toset(keys(google_monitoring_alert_policy.alert)) == toset(["failed-run", "silence", "parked", "lag"])
    error_message = "A failed run, silence, parked issues and lag must each have an alert."
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.alert["failed-run"].conditions[0].condition_prometheus_query_language[0].query, "job_name=\"halo-jira-sync\",location=\"europe-west1\",result=\"failed\"}[10m])) > 0")
    error_message = "A failed execution of the job must be noticed."
  }
  assert {
    condition     = google_monitoring_alert_policy.alert["silence"].conditions[0].condition_prometheus_query_language[0].query == "absent_over_time(logging_googleapis_com:user_halo_jira_sync_events{monitored_resource=\"cloud_run_job\",event=\"run.finished\",exit_code=\"0\"}[60m]) or sum(increase(logging_googleapis_com:user_halo_jira_sync_events{monitored_resource=\"cloud_run_job\",event=\"run.finished\",exit_code=\"0\"}[60m])) < 1"
    error_message = "An hour without a successful run must be noticed, even if there never was one."
  }
  assert {
    condition     = can(regex("parked_total_sum.*\\[1h\\].* - .*parked_total_sum.*\\[1h\\] offset 1h.* > 5$", google_monitoring_alert_policy.alert["parked"].conditions[0].condition_prometheus_query_language[0].query))
    error_message = "Five more parked issues than an hour before must be noticed."
  }
  assert {
    condition     = endswith(google_monitoring_alert_policy.alert["lag"].conditions[0].condition_prometheus_query_language[0].query, " > 3600")
    error_message = "An hour of lag must be noticed."
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
