# The watch: what the program's log lines become as metrics, when somebody is told, and one page to look at.
#
# Promises: every metric is read from an event the program really writes; alerts see a failed run, silence, a refused plan, issues
# being parked, and data growing old. Silence is noticed even when nothing ever ran.
# Not here: the candidate job, whose rehearsals must neither alarm nor reassure anyone.

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
  description = "Region of the job."
  type        = string
}

variable "name" {
  description = "Name of the deployment, as it stands in metric names and titles."
  type        = string
}

variable "job" {
  description = "Name of the Cloud Run job to watch."
  type        = string
}

variable "emails" {
  description = "Addresses that are told."
  type        = set(string)
  default     = []
}

variable "channels" {
  description = "Existing notification channels (projects/P/notificationChannels/N) that are told as well."
  type        = set(string)
  default     = []
}

variable "alerts" {
  description = "Which conditions on metrics are alerted on. Monitoring charges for each, where its charge for alerting is in force."
  type        = set(string)
  nullable    = false
  default     = ["failed-run", "silence", "parked", "lag"]
}

variable "limits" {
  description = "When to worry: minutes without a successful run, seconds that data may lag, and how far parked issues may rise in an hour."
  type = object({
    silence_min     = optional(number, 60)
    lag_s           = optional(number, 3600)
    parked_per_hour = optional(number, 5)
  })
  default = {}
}

locals {
  # Metric names with nothing but letters, digits and underscores read the same in logs and in PromQL.
  prefix = replace(var.name, "-", "_")
  from   = "resource.type=\"cloud_run_job\" AND resource.labels.job_name=\"${var.job}\" AND resource.labels.location=\"${var.region}\""

  events = [
    "run.started", "run.finished", "run.stopped", "run.crashed", "lease.held", "plan.refused", "issue.parked", "issue.park_expired",
    "ticket.created", "ticket.commented", "ticket.closed", "ticket.reopened", "ticket.duplicate_seen", "remote.throttled",
  ]

  # The numbers of the one canonical line each run ends with.
  figures = {
    created      = "tickets created"
    commented    = "comments written"
    closed       = "tickets closed"
    reopened     = "tickets reopened"
    adopted      = "tickets adopted"
    unchanged    = "issues that needed nothing"
    failed       = "actions that failed"
    unknown      = "writes of unknown fate"
    deferred     = "actions put off to the next run"
    parked_total = "issues parked"
    calls_halo   = "calls to Halo"
    calls_jira   = "calls to Jira"
    duration_s   = "seconds a run took"
    lag_s        = "seconds the watermark is behind"
  }

  # Selectors and averages, written once for alerts and dashboard.
  series    = "logging_googleapis_com:user_${local.prefix}"
  events_of = { for event in local.events : event => "${local.series}_events{monitored_resource=\"cloud_run_job\",event=\"${event}\"}" }
  successes = "${local.series}_events{monitored_resource=\"cloud_run_job\",event=\"run.finished\",exit_code=\"0\"}"
  failures  = "run_googleapis_com:job_completed_execution_count{monitored_resource=\"cloud_run_job\",job_name=\"${var.job}\",location=\"${var.region}\",result=\"failed\"}"
  sum_of    = { for figure, _ in local.figures : figure => "${local.series}_${figure}_sum{monitored_resource=\"cloud_run_job\"}" }
  count_of  = { for figure, _ in local.figures : figure => "${local.series}_${figure}_count{monitored_resource=\"cloud_run_job\"}" }
  mean = { for figure, _ in local.figures : figure => {
    hour   = "sum(increase(${local.sum_of[figure]}[1h])) / sum(increase(${local.count_of[figure]}[1h]))"
    before = "sum(increase(${local.sum_of[figure]}[1h] offset 1h)) / sum(increase(${local.count_of[figure]}[1h] offset 1h))"
    chart  = "sum(increase(${local.sum_of[figure]}[$${__interval}])) / sum(increase(${local.count_of[figure]}[$${__interval}]))"
  } }

  alerts = {
    failed-run = {
      title    = "a run failed"
      severity = "ERROR"
      query    = "sum(increase(${local.failures}[10m])) > 0"
      advice   = "Exit code 2 is a setting, 3 a vendor that is down or refuses us, 4 a refused plan, 5 a run with failures, 1 a bug. The last line of the run says which. Nothing is lost: the next run goes on where this one stopped."
    }
    silence = {
      title    = "no successful run for ${var.limits.silence_min} minutes"
      severity = "CRITICAL"
      query    = "absent_over_time(${local.successes}[${var.limits.silence_min}m]) or sum(increase(${local.successes}[${var.limits.silence_min}m])) < 1"
      advice   = "Look whether the schedule is paused, whether its identity still holds run.invoker on the job, whether the job still has Google's placeholder image, and whether runs fail."
    }
    parked = {
      title    = "parked issues rose by more than ${var.limits.parked_per_hour} in an hour"
      severity = "WARNING"
      query    = "${local.mean["parked_total"].hour} - ${local.mean["parked_total"].before} > ${var.limits.parked_per_hour}"
      advice   = "Each `issue.parked` line carries its error. Parked issues are tried again by themselves; many at once usually mean one changed workflow, field or permission in Jira."
    }
    lag = {
      title    = "tickets lag Halo by more than ${var.limits.lag_s} seconds"
      severity = "WARNING"
      query    = "${local.mean["lag_s"].hour} > ${var.limits.lag_s}"
      advice   = "Runs succeed but the watermark stays behind: look at `deferred` and `remote.throttled`, then give the job more time or tasks, or raise its limits."
    }
  }

  charts = concat(
    [
      { title = "Runs by how they ended", unit = "runs", queries = {
        succeeded = "sum(increase(${local.successes}[$${__interval}]))"
        failed    = "sum(increase(${local.failures}[$${__interval}]))"
        skipped   = "sum(increase(${local.events_of["lease.held"]}[$${__interval}]))"
      } },
      { title = "What was done", unit = "actions", queries = { for figure in ["created", "commented", "closed", "reopened", "adopted"] :
      figure => "sum(increase(${local.sum_of[figure]}[$${__interval}]))" } },
      { title = "What went wrong", unit = "actions", queries = { for figure in ["failed", "unknown", "deferred"] :
      figure => "sum(increase(${local.sum_of[figure]}[$${__interval}]))" } },
      { title = "Calls to the vendors", unit = "calls", queries = { for figure in ["calls_halo", "calls_jira"] :
      figure => "sum(increase(${local.sum_of[figure]}[$${__interval}]))" } },
    ],
    [for figure in ["duration_s", "lag_s", "parked_total"] : { title = "A run's average: ${local.figures[figure]}", unit = "", queries = {
      (figure) = local.mean[figure].chart
    } }],
    [{ title = "Refused, parked and throttled", unit = "events", queries = { for event in ["plan.refused", "issue.parked", "remote.throttled"] :
    event => "sum(increase(${local.events_of[event]}[$${__interval}]))" } }],
  )
}

resource "google_logging_metric" "events" {
  project     = var.project_id
  name        = "${local.prefix}_events"
  description = "Events of ${var.name}, by name and, where a run ends, by exit code."
  filter      = "${local.from} AND jsonPayload.event=(${join(" OR ", [for event in local.events : "\"${event}\""])})"
  label_extractors = {
    event     = "EXTRACT(jsonPayload.event)"
    exit_code = "EXTRACT(jsonPayload.exit_code)"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    labels {
      key         = "event"
      description = "Name of the event."
    }
    labels {
      key         = "exit_code"
      description = "Exit code of a finished run; empty for other events."
    }
  }
}

resource "google_logging_metric" "figure" {
  for_each        = local.figures
  project         = var.project_id
  name            = "${local.prefix}_${each.key}"
  description     = "For each finished run: ${each.value}."
  filter          = "${local.from} AND jsonPayload.event=\"run.finished\""
  value_extractor = "EXTRACT(jsonPayload.${each.key})"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
  }
  bucket_options {
    exponential_buckets {
      scale              = 1
      growth_factor      = 2
      num_finite_buckets = 24
    }
  }
}

resource "google_monitoring_notification_channel" "email" {
  for_each     = var.emails
  project      = var.project_id
  display_name = "${var.name}: ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }
}

locals {
  told = concat([for channel in google_monitoring_notification_channel.email : channel.name], tolist(var.channels))
}

resource "google_monitoring_alert_policy" "alert" {
  for_each              = { for name, alert in local.alerts : name => alert if contains(var.alerts, name) }
  project               = var.project_id
  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.told

  conditions {
    display_name = each.value.title
    condition_prometheus_query_language {
      query               = each.value.query
      duration            = "0s"
      evaluation_interval = "60s"
      # A metric made a second ago is not yet known to Monitoring, which would refuse the first apply.
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = each.value.advice
  }

  depends_on = [google_logging_metric.events, google_logging_metric.figure]
}

# A refused plan waits for a person, so its digest travels in the message itself.
resource "google_monitoring_alert_policy" "plan_refused" {
  project               = var.project_id
  display_name          = "${var.name}: a plan was refused"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.told

  conditions {
    display_name = "a plan was refused"
    condition_matched_log {
      filter           = "${local.from} AND jsonPayload.event=\"plan.refused\""
      label_extractors = { digest = "EXTRACT(jsonPayload.digest)" }
    }
  }

  alert_strategy {
    auto_close = "86400s"
    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "A kind of action is over its limit and is held; everything else was done. Read which, and how many, in the `plan.refused` line. To let through exactly what it names: `gcloud run jobs execute ${var.job} --project=${var.project_id} --region=${var.region} --wait --args=run,--approve,$${log.extracted_label.digest}`"
  }
}

resource "google_monitoring_dashboard" "runs" {
  project = var.project_id
  dashboard_json = jsonencode({
    displayName = var.name
    mosaicLayout = {
      columns = 48
      tiles = [for index, chart in local.charts : {
        xPos   = (index % 2) * 24
        yPos   = floor(index / 2) * 16
        width  = 24
        height = 16
        widget = {
          title = chart.title
          xyChart = {
            yAxis = { label = chart.unit, scale = "LINEAR" }
            dataSets = [for label, query in chart.queries : {
              plotType        = "LINE"
              legendTemplate  = label
              timeSeriesQuery = { prometheusQuery = query }
            }]
          }
        }
      }]
    }
  })
}

output "metrics" {
  description = "Names of the log-based metrics."
  value       = concat([google_logging_metric.events.name], [for metric in google_logging_metric.figure : metric.name])
}

output "dashboard" {
  description = "Resource name of the dashboard."
  value       = google_monitoring_dashboard.runs.id
}
