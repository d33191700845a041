# The watch: what the program's log lines become as metrics, when somebody is told, and one page to look at.
#
# Promises: every metric is read from an event the program really writes; what job/docs/alerts.md lists is noticed, and what heals by
# itself is not. Silence is noticed even when nothing ever ran, by the schedule's own measure, and not while the schedule is paused.
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
  description = "Which alerts are made, by name; null makes all of them. Monitoring charges for each condition on a metric."
  type        = set(string)
  default     = null

  validation {
    condition     = length(setsubtract(coalesce(var.alerts, []), keys(local.alerts))) == 0
    error_message = "`watch.alerts` may name only these: ${join(", ", keys(local.alerts))}."
  }
}

variable "unheard" {
  description = "Whether it is meant that alerts reach nobody, because they are looked at in the console."
  type        = bool
  default     = false
}

variable "clock" {
  description = "When the job runs by itself: the longest time between two ticks in minutes (null: more than a week), whether the clock stands still, and the cron fields."
  type = object({
    gap_min = optional(number, 15)
    paused  = optional(bool, false)
    cron    = optional(string, "*/15 * * * *")
  })
  default = {}
}

variable "run_max_s" {
  description = "Seconds that a run may take."
  type        = number
  default     = 840
}

variable "limits" {
  description = "When to worry: minutes without a run that came to its end (null follows from the clock), seconds that data may lag, how many issues may be parked, and what share of its time a run may take in percent."
  type = object({
    silence_min  = optional(number)
    lag_s        = optional(number, 3600)
    parked_max   = optional(number, 25)
    near_timeout = optional(number, 80)
  })
  default = {}
}

variable "rotation_topic" {
  description = "Name of the topic on which Secret Manager says that a secret is due; null where nobody is reminded."
  type        = string
  default     = null
}

variable "triggers" {
  description = "Ids of the Cloud Build triggers whose failures are told."
  type        = map(string)
  default     = {}
}

variable "budget" {
  description = "Billing account and monthly amount, in the account's currency, past which people are told; null watches no money."
  type        = object({ account = string, monthly = number })
  default     = null
}

locals {
  # Metric names with nothing but letters, digits and underscores read the same in logs and in PromQL.
  prefix = replace(var.name, "-", "_")
  from   = "resource.type=\"cloud_run_job\" AND resource.labels.job_name=\"${var.job}\" AND resource.labels.location=\"${var.region}\""

  # What ends a run that did not come to its end, each once a run; and what else is counted.
  ends_early = ["run.stopped", "run.crashed", "settings.refused"]
  events = concat(local.ends_early, [
    "run.started", "run.finished", "run.unrecorded", "lease.held", "plan.refused", "issue.parked", "issue.park_expired",
    "ticket.created", "ticket.commented", "ticket.closed", "ticket.reopened", "ticket.duplicate_seen", "ticket.unconfirmed",
    "write.unknown", "circuit.opened", "remote.throttled",
  ])

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
    lag_s        = "seconds since all was settled"
  }

  # Lines of the scheduled command. What people start by hand (`plan`, `check`) neither alarms nor reassures.
  series    = "logging_googleapis_com:user_${local.prefix}"
  labels    = "monitored_resource=\"cloud_run_job\",command=\"run\""
  events_of = { for event in local.events : event => "${local.series}_events{${local.labels},event=\"${event}\"}" }
  # Failures of single actions (5) and a plan that is held (4) have alerts of their own; the run came to its end.
  ended    = "${local.series}_events{${local.labels},event=\"run.finished\",exit_code=~\"0|4|5\"}"
  failures = "${local.series}_events{${local.labels},event=~\"${join("|", [for event in local.ends_early : replace(event, ".", "[.]")])}\"}"
  sum_of   = { for figure, _ in local.figures : figure => "${local.series}_${figure}_sum{${local.labels}}" }
  count_of = { for figure, _ in local.figures : figure => "${local.series}_${figure}_count{${local.labels}}" }

  # Of several tasks each has its own part of the issues; the worst one counts, and a mean would hide it.
  worst = { for figure, _ in local.figures : figure =>
    "max(sum by (task) (increase(${local.sum_of[figure]}[${local.recent_min}m])) / sum by (task) (increase(${local.count_of[figure]}[${local.recent_min}m])))"
  }
  chart = { for figure, _ in local.figures : figure =>
    "max(sum by (task) (increase(${local.sum_of[figure]}[$${__interval}])) / sum by (task) (increase(${local.count_of[figure]}[$${__interval}])))"
  }

  run_min = ceil(var.run_max_s / 60)
  gap_min = coalesce(var.clock.gap_min, 10080)
  # Long enough to hold the last run, and two of them.
  recent_min = min(1440, local.gap_min + local.run_min + 5)
  twice_min  = min(1500, 2 * local.gap_min + local.run_min + 5)
  # Where two runs are further apart than Monitoring looks back, one that failed has to do.
  failed_min = 2 * local.gap_min + local.run_min + 5 <= 1500 ? 2 : 1

  # Silence is more than one tick that was missed, and never less than an hour. Monitoring looks back a day and an hour at most, so of
  # a clock that stands still for longer nobody can say when it is silent.
  silence_min = coalesce(var.limits.silence_min, max(60, local.gap_min + max(30, local.run_min + 15)))
  hearable    = local.silence_min <= 1500

  # Unix time of the first moment at which silence means anything: so long after the clock was last started or set.
  began   = terraform_data.clock.output.began
  year    = tonumber(formatdate("YYYY", local.began)) - (tonumber(formatdate("M", local.began)) <= 2 ? 1 : 0)
  month   = tonumber(formatdate("M", local.began)) + (tonumber(formatdate("M", local.began)) <= 2 ? 9 : -3)
  days    = local.year * 365 + floor(local.year / 4) - floor(local.year / 100) + floor(local.year / 400) + floor((153 * local.month + 2) / 5) + tonumber(formatdate("D", local.began)) - 1 - 719468
  seconds = local.days * 86400 + tonumber(formatdate("h", local.began)) * 3600 + tonumber(formatdate("m", local.began)) * 60 + tonumber(formatdate("s", local.began))
  from_on = local.seconds + local.silence_min * 60

  alerts = merge({
    failed-run = {
      title    = local.failed_min == 2 ? "two runs failed, one after the other" : "a run failed"
      severity = "ERROR"
      query    = "max((sum by (task) (increase(${local.failures}[${local.twice_min}m])) > ${local.failed_min - 0.5}) unless (sum by (task) (increase(${local.ended}[${local.twice_min}m])) > 0.5))"
      advice   = "The last line of the run says why: exit code 2 is a setting, 3 a vendor that is down or refuses us, 1 a bug. Nothing is lost: the next run goes on where this one ended."
    }
    parked = {
      title    = "more than ${var.limits.parked_max} issues are parked"
      severity = "WARNING"
      query    = "${local.worst["parked_total"]} > ${var.limits.parked_max}"
      advice   = "Each `issue.parked` line carries its error. Parked issues are tried again by themselves; many at once usually mean one changed workflow, field or permission in Jira."
    }
    parked-long = {
      title    = "an issue has been parked for more than seven days"
      severity = "WARNING"
      query    = "sum(increase(${local.events_of["issue.park_expired"]}[${local.recent_min}m])) > 0.5"
      advice   = "The `issue.park_expired` lines name the issues and their errors. Nobody will mend them but you: put right in Jira or in the settings what the error says."
    }
    lag = {
      title    = "tickets lag Halo by more than ${var.limits.lag_s} seconds"
      severity = "WARNING"
      query    = "${local.worst["lag_s"]} > ${var.limits.lag_s}"
      advice   = "What Halo reported before that is not settled: look at `deferred`, `plan.refused` and `remote.throttled`, then approve the plan, give the job more time or tasks, or raise its limits."
    }
    duplicates = {
      title    = "an issue has more than one live ticket"
      severity = "WARNING"
      query    = "sum(increase(${local.events_of["ticket.duplicate_seen"]}[${local.recent_min}m])) > 0.5"
      advice   = "The `ticket.duplicate_seen` line names both. A person cloned a ticket, or another program writes here: close the one that is not linked."
    }
    circuit = {
      title    = "a kind of action fails again and again in a project"
      severity = "ERROR"
      query    = "sum(increase(${local.events_of["circuit.opened"]}[${local.recent_min}m])) > 0.5"
      advice   = "The `circuit.opened` line names project and action. Five failed in a row, so the rest of the run left it alone: look at the errors of the `issue.parked` lines before it."
    }
    unknown-write = {
      title    = "writes of unknown fate in two runs or more"
      severity = "WARNING"
      query    = "sum(increase(${local.events_of["write.unknown"]}[${local.twice_min}m])) > 1.5"
      advice   = "Jira did not answer writes. Later runs find out what became of them, and nothing is sent again blindly. If it goes on, look at Jira's status page and at a proxy between."
    }
    unconfirmed = {
      title    = "Jira does not show a ticket that it made"
      severity = "ERROR"
      query    = "sum(increase(${local.events_of["ticket.unconfirmed"]}[${local.recent_min}m])) > 0.5"
      advice   = "A security level or a missing right to browse hides it from the account. Give the account that right: it is found again by itself, and never made twice."
    }
    unrecorded = {
      title    = "a run could not write its record"
      severity = "ERROR"
      query    = "sum(increase(${local.events_of["run.unrecorded"]}[${local.recent_min}m])) > 0.5"
      advice   = "Memory (Firestore) did not take it: look at its status, at the grant of the job's identity, and at the key that encrypts it."
    }
    near-timeout = {
      title    = "a run takes more than ${var.limits.near_timeout} % of its time"
      severity = "WARNING"
      query    = "${local.worst["duration_s"]} > ${floor(var.run_max_s * var.limits.near_timeout / 100)}"
      advice   = "Soon it will not come to its end. Raise `job.timeout_s`, or spread the work over more `job.tasks`."
    }
    },
    local.hearable && !var.clock.paused ? { silence = {
      title    = "no run came to its end for ${local.silence_min} minutes"
      severity = "CRITICAL"
      query    = "(absent_over_time(${local.ended}[${local.silence_min}m]) or sum(increase(${local.ended}[${local.silence_min}m])) < 0.5) and on() (vector(time()) > ${local.from_on})"
      advice   = "Look whether the schedule is paused in the console, whether its identity still holds run.invoker on the job, whether the job still has Google's placeholder image, and whether runs fail."
    } } : {},
    var.rotation_topic == null ? {} : { secret-due = {
      title    = "a secret is due to be changed"
      severity = "WARNING"
      query    = "sum(increase(pubsub_googleapis_com:topic_send_message_operation_count{monitored_resource=\"pubsub_topic\",topic_id=\"${coalesce(var.rotation_topic, "none")}\"}[60m])) > 0.5"
      advice   = "Make a new key or token at the vendor, add it with `gcloud secrets versions add`, see a run succeed, then disable the old version here and at the vendor."
  } })

  charts = concat(
    [
      { title = "Runs by how they ended", unit = "runs", queries = {
        ended   = "sum(increase(${local.ended}[$${__interval}]))"
        failed  = "sum(increase(${local.failures}[$${__interval}]))"
        skipped = "sum(increase(${local.events_of["lease.held"]}[$${__interval}]))"
      } },
      { title = "What was done", unit = "actions", queries = { for figure in ["created", "commented", "closed", "reopened", "adopted"] :
      figure => "sum(increase(${local.sum_of[figure]}[$${__interval}]))" } },
      { title = "What went wrong", unit = "actions", queries = { for figure in ["failed", "unknown", "deferred"] :
      figure => "sum(increase(${local.sum_of[figure]}[$${__interval}]))" } },
      { title = "Calls to the vendors", unit = "calls", queries = { for figure in ["calls_halo", "calls_jira"] :
      figure => "sum(increase(${local.sum_of[figure]}[$${__interval}]))" } },
    ],
    [for figure in ["duration_s", "lag_s", "parked_total"] : { title = "Of the worst task: ${local.figures[figure]}", unit = "", queries = {
      (figure) = local.chart[figure]
    } }],
    [{ title = "Refused, parked and throttled", unit = "events", queries = { for event in ["plan.refused", "issue.parked", "remote.throttled"] :
    event => "sum(increase(${local.events_of[event]}[$${__interval}]))" } }],
  )
}

# When the clock was last started or set; another schedule, or the end of a pause, begins anew.
resource "terraform_data" "clock" {
  input            = { began = plantimestamp() }
  triggers_replace = [var.clock.cron, var.clock.paused]
  lifecycle {
    ignore_changes = [input]
  }
}

resource "google_logging_metric" "events" {
  project     = var.project_id
  name        = "${local.prefix}_events"
  description = "Events of ${var.name}, by name and, where a run ends, by exit code."
  filter      = "${local.from} AND jsonPayload.event=(${join(" OR ", [for event in local.events : "\"${event}\""])})"
  label_extractors = {
    event     = "EXTRACT(jsonPayload.event)"
    exit_code = "EXTRACT(jsonPayload.exit_code)"
    command   = "EXTRACT(jsonPayload.command)"
    task      = "EXTRACT(labels.\"run.googleapis.com/task_index\")"
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
    labels {
      key         = "command"
      description = "The command that wrote the line; the schedule starts run."
    }
    labels {
      key         = "task"
      description = "Number of the task."
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
  label_extractors = {
    command = "EXTRACT(jsonPayload.command)"
    task    = "EXTRACT(labels.\"run.googleapis.com/task_index\")"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    labels {
      key         = "command"
      description = "The command that wrote the line; the schedule starts run."
    }
    labels {
      key         = "task"
      description = "Number of the task."
    }
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
  for_each              = { for name, alert in local.alerts : name => alert if contains(coalesce(var.alerts, keys(local.alerts)), name) }
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

# A plan that is held waits for a person, so its digest travels in the message itself.
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
      # Monitoring leaves zero positions and empty labels out of what it gives back, and a plan would set them again for ever.
      tiles = [for index, chart in local.charts : merge(
        index % 2 == 0 ? {} : { xPos = 24 },
        index < 2 ? {} : { yPos = floor(index / 2) * 16 }, {
          width                 = 24
          height                = 16
          widget = {
            title = chart.title
            xyChart = {
              yAxis = merge(chart.unit == "" ? {} : { label = chart.unit }, { scale = "LINEAR" })
              dataSets = [for label, query in chart.queries : {
                plotType        = "LINE"
                legendTemplate  = label
                timeSeriesQuery = { prometheusQuery = query }
              }]
            }
          }
      })]
    }
  })
}

# Builds and releases write to a log of their own; the last line of one that failed begins like this.
resource "google_monitoring_alert_policy" "build_failed" {
  count                 = length(var.triggers) > 0 ? 1 : 0
  project               = var.project_id
  display_name          = "${var.name}: a build or a release failed"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.told

  conditions {
    display_name = "a build or a release failed"
    condition_matched_log {
      filter = "resource.type=\"build\" AND resource.labels.build_trigger_id=(${join(" OR ", [for id in values(var.triggers) : "\"${id}\""])}) AND textPayload=~\"^ERROR(:|$)\""
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
    content   = "The schedule goes on with the image it had. The build's log says which step failed; of a release it says what the candidate did not pass."
  }
}

resource "google_billing_budget" "month" {
  count           = var.budget == null ? 0 : 1
  billing_account = var.budget.account
  display_name    = "${var.name}: a month in ${var.project_id}"

  budget_filter {
    projects = ["projects/${var.project_id}"]
  }
  amount {
    specified_amount {
      units = tostring(var.budget.monthly)
    }
  }
  threshold_rules {
    threshold_percent = 0.9
  }
  threshold_rules {
    threshold_percent = 1.2
  }
  all_updates_rule {
    monitoring_notification_channels = slice(local.told, 0, min(5, length(local.told)))
    disable_default_iam_recipients   = length(local.told) > 0
  }
}

# Told at every plan and apply, and refused by neither: somebody may look at alerts in the console alone.
check "somebody_is_told" {
  assert {
    condition     = length(var.emails) + length(var.channels) > 0 || var.unheard
    error_message = "Alerts reach nobody: name `watch.emails` or `watch.channels`, or say that it is meant with `watch.unheard = true`."
  }
}

check "silence_can_be_heard" {
  assert {
    condition     = local.hearable || var.clock.paused
    error_message = "The schedule may stand still for longer than Monitoring can look back (25 hours), so nobody will be told when it never runs again."
  }
}

output "metrics" {
  description = "Names of the log-based metrics."
  value       = concat([google_logging_metric.events.name], [for metric in google_logging_metric.figure : metric.name])
}

output "alerts" {
  description = "The conditions on metrics by name: what each asks, what it says, how bad it is."
  value       = { for name, policy in google_monitoring_alert_policy.alert : name => local.alerts[name] }
}

output "dashboard" {
  description = "Resource name of the dashboard."
  value       = google_monitoring_dashboard.runs.id
}
