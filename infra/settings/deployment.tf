# How the program runs: machine, clock, memory, images, builds, people and alerts, and what Google would refuse of them half-way.

variable "job" {
  description = "The Cloud Run job: its machine, its tasks, its time, and what one execution may override."
  type = object({
    cpu                  = optional(string, "1")
    memory               = optional(string, "512Mi")
    tasks                = optional(number, 1)
    parallelism          = optional(number, 0)
    timeout_s            = optional(number, 840)
    retries              = optional(number, 0)
    image                = optional(string, "us-docker.pkg.dev/cloudrun/container/job:latest")
    protected            = optional(bool, false)
    overridable          = optional(set(string), ["ISSUE_SYNC_MAX", "LOG_LEVEL", "MAX_CLOSE_PERCENT", "MAX_CREATE", "MAX_REOPEN"])
    binary_authorization = optional(string)
  })
  nullable = false
  default  = {}

  validation {
    condition     = contains(["1", "2", "4", "8"], var.job.cpu)
    error_message = "`job.cpu` must be \"1\", \"2\", \"4\" or \"8\"."
  }
  validation {
    condition     = contains(["512Mi", "1Gi", "2Gi", "4Gi", "8Gi", "16Gi", "32Gi"], var.job.memory)
    error_message = "`job.memory` must be 512Mi, 1Gi, 2Gi, 4Gi, 8Gi, 16Gi or 32Gi."
  }
  validation {
    condition = contains(lookup({
      "1" = ["512Mi", "1Gi", "2Gi", "4Gi"], "2" = ["512Mi", "1Gi", "2Gi", "4Gi", "8Gi"],
      "4" = ["2Gi", "4Gi", "8Gi", "16Gi"], "8" = ["4Gi", "8Gi", "16Gi", "32Gi"],
    }, var.job.cpu, []), var.job.memory)
    error_message = "Cloud Run allows `job.memory` of 512Mi to 4Gi with 1 cpu, to 8Gi with 2, 2Gi to 16Gi with 4, 4Gi to 32Gi with 8."
  }
  validation {
    condition     = var.job.tasks >= 1 && var.job.tasks <= 10000 && floor(var.job.tasks) == var.job.tasks
    error_message = "`job.tasks` must be a whole number, 1 to 10000."
  }
  validation {
    condition     = var.job.parallelism >= 0 && var.job.parallelism <= var.job.tasks && floor(var.job.parallelism) == var.job.parallelism
    error_message = "`job.parallelism` must be a whole number, 0 (all at once) to `job.tasks`."
  }
  validation {
    condition     = var.job.timeout_s >= 60 && var.job.timeout_s <= 604800 && floor(var.job.timeout_s) == var.job.timeout_s
    error_message = "`job.timeout_s` must be a whole number of seconds, 60 to 604800 (7 days)."
  }
  validation {
    condition     = var.job.retries >= 0 && var.job.retries <= 10 && floor(var.job.retries) == var.job.retries
    error_message = "`job.retries` must be a whole number, 0 to 10."
  }
  validation {
    condition     = alltrue([for name in var.job.overridable : can(regex("^[A-Z][A-Z0-9_]*$", name))])
    error_message = "`job.overridable` must be names of variables, such as MAX_CREATE."
  }
  validation {
    condition     = var.job.binary_authorization == null || can(regex("^(default|projects/[^/]+/platforms/cloudRun/policies/[^/]+)$", var.job.binary_authorization))
    error_message = "`job.binary_authorization` must be \"default\" (the project's policy) or projects/P/platforms/cloudRun/policies/NAME."
  }
}

variable "access" {
  description = "People and groups: who operates the job, who releases images, who rotates secrets; and whether each reading of a secret is logged."
  type = object({
    operators    = optional(set(string), [])
    releasers    = optional(set(string), [])
    rotators     = optional(set(string), [])
    audit_reads  = optional(bool, false)
    approve_each = optional(bool, true)
  })
  nullable = false
  default  = {}

  validation {
    condition = alltrue([for member in setunion(var.access.operators, var.access.releasers, var.access.rotators) :
    can(regex("^((user|group|serviceAccount):[^@ ]+@[^@ ]+|(principal|principalSet)://iam\\.googleapis\\.com/[^ ]+)$", member))])
    error_message = "`access.operators`, `releasers` and `rotators` must be members such as user:a@example.com, group:g@example.com, serviceAccount:s@p.iam.gserviceaccount.com or principalSet://iam.googleapis.com/locations/global/workforcePools/POOL/group/G."
  }
}

variable "encryption" {
  description = "A KMS key of one's own for database, images, secrets, build sources and the job; null is Google's."
  type = object({
    key = optional(string)
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.encryption.key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.encryption.key))
    error_message = "`encryption.key` must be projects/P/locations/REGION/keyRings/RING/cryptoKeys/KEY."
  }
  validation {
    condition     = var.encryption.key == null || try(var.secrets.locations == toset([split("/", var.encryption.key)[3]]), false)
    error_message = "`encryption.key` needs `secrets.locations` to be the key's own location: Secret Manager encrypts with a key only where the key is."
  }
}

variable "schedule" {
  description = "When the job runs by itself."
  type = object({
    cron      = optional(string, "*/15 * * * *")
    time_zone = optional(string, "Etc/UTC")
    paused    = optional(bool, false)
    retries   = optional(number, 1)
  })
  nullable = false
  default  = {}

  validation {
    condition     = can(regex("^(UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]+)+)$", var.schedule.time_zone))
    error_message = "`schedule.time_zone` must be a name of the tz database, such as Etc/UTC or Europe/Berlin."
  }
  validation {
    condition     = var.schedule.retries >= 0 && var.schedule.retries <= 5 && floor(var.schedule.retries) == var.schedule.retries
    error_message = "`schedule.retries` must be a whole number, 0 to 5."
  }
}

variable "state" {
  description = "The Firestore database with the links between issues and tickets. Its location is for ever; null is the region. A restored backup is a database with another name: `database` says which one is used."
  type = object({
    database               = optional(string)
    location               = optional(string)
    prefix                 = optional(string, "halo-jira-sync")
    point_in_time_recovery = optional(bool, true)
    backup                 = optional(object({ daily_days = optional(number, 7), weekly_days = optional(number) }), {})
    destroy_data           = optional(bool, false)
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.state.database == null || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.state.database))
    error_message = "`state.database` must be 4 to 63 lower-case letters, digits and hyphens, beginning with a letter."
  }
  validation {
    condition     = var.state.location == null || can(regex("^(eur3|nam5|nam7|[a-z]+-[a-z]+[0-9]+)$", var.state.location))
    error_message = "`state.location` must be a region such as europe-west1, or one of Firestore's multi-regions eur3, nam5 and nam7."
  }
  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_-]*$", var.state.prefix))
    error_message = "`state.prefix` must be letters, digits, hyphens and underscores, beginning with a letter."
  }
  validation {
    condition     = contains(concat([0], range(1, 99)), coalesce(var.state.backup.daily_days, 0))
    error_message = "`state.backup.daily_days` must be 1 to 98 (14 weeks), without fractions; 0 makes none."
  }
  validation {
    condition     = contains(concat([0], range(7, 99)), coalesce(var.state.backup.weekly_days, 0))
    error_message = "`state.backup.weekly_days` must be 7 to 98 (14 weeks), without fractions; 0 makes none."
  }
}

variable "secrets" {
  description = "Where secrets are kept, which get their first value from `secret_values` instead of by hand, and after how many days to remind of a rotation."
  type = object({
    locations      = optional(set(string), [])
    seeded         = optional(set(string), [])
    values_version = optional(number, 1)
    rotate_days    = optional(number, 0)
  })
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for location in var.secrets.locations : can(regex("^[a-z]+-[a-z]+[0-9]+$", location))])
    error_message = "`secrets.locations` must be regions such as europe-west1; none lets Google choose."
  }
  validation {
    condition     = contains(concat([0], range(1, 366)), var.secrets.rotate_days)
    error_message = "`secrets.rotate_days` must be a whole number of days, 1 to 365; 0 reminds nobody."
  }
}

variable "images" {
  description = "The image repository: how many images are kept whatever their age, when others go, and whether Google scans them."
  type = object({
    keep              = optional(number, 10)
    delete_after_days = optional(number, 30)
    scan              = optional(bool, true)
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.images.keep >= 2 && floor(var.images.keep) == var.images.keep && var.images.delete_after_days >= 1 && floor(var.images.delete_after_days) == var.images.delete_after_days
    error_message = "`images.keep` must be at least 2, so that there is an image to go back to, and `images.delete_after_days` at least 1; both without fractions."
  }
}

variable "build" {
  description = "Which parts of the lock an image holds, and the GitHub repository whose pushes are built by themselves; without a trigger, builds are submitted by hand."
  type = object({
    parts           = optional(list(string), ["runtime"])
    release_image   = optional(string, "gcr.io/google.com/cloudsdktool/google-cloud-cli:slim")
    rebuild_monthly = optional(bool, false)
    trigger = optional(object({
      owner      = optional(string)
      repository = string
      branch     = optional(string, "^main$")
    }))
  })
  nullable = false
  default  = {}

  validation {
    condition     = contains(var.build.parts, "runtime") && length(setsubtract(var.build.parts, ["runtime", "http"])) == 0
    error_message = "`build.parts` must hold \"runtime\", and may hold \"http\" besides."
  }
  validation {
    condition = var.build.trigger == null || try(
      var.build.trigger.owner == null ? can(regex("^projects/[^/]+/locations/[^/]+/connections/[^/]+/repositories/[^/]+$", var.build.trigger.repository)) : can(regex("^[A-Za-z0-9._-]+$", var.build.trigger.repository)),
      false
    )
    error_message = "`build.trigger` must name a repository of a connection (projects/P/locations/R/connections/C/repositories/NAME), or an `owner` and the repository's short name."
  }
  validation {
    condition     = try(var.build.trigger.branch, "x") != "" && can(regexall(try(var.build.trigger.branch, "x"), ""))
    error_message = "`build.trigger.branch` must be a regular expression (RE2), such as ^main$."
  }
  validation {
    condition     = !var.build.rebuild_monthly || var.build.trigger != null
    error_message = "`build.rebuild_monthly` needs `build.trigger`, which says where the source is."
  }
}

variable "watch" {
  description = "Who is told, of what, and when: minutes without a successful run, seconds that data may lag, parked issues, and money."
  type = object({
    emails         = optional(set(string), [])
    channels       = optional(set(string), [])
    unheard        = optional(bool, false)
    alerts         = optional(set(string))
    silence_min    = optional(number)
    lag_s          = optional(number, 3600)
    parked_max     = optional(number, 25)
    near_timeout   = optional(number, 80)
    budget_account = optional(string)
    budget_monthly = optional(number, 20)
  })
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for address in var.watch.emails : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "`watch.emails` must be e-mail addresses."
  }
  validation {
    condition     = alltrue([for channel in var.watch.channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", channel))])
    error_message = "`watch.channels` must be names such as projects/P/notificationChannels/N."
  }
  validation {
    condition     = coalesce(var.watch.silence_min, 60) >= 5 && coalesce(var.watch.silence_min, 60) <= 1440 && floor(coalesce(var.watch.silence_min, 60)) == coalesce(var.watch.silence_min, 60)
    error_message = "`watch.silence_min` must be 5 to 1440 minutes, without fractions; null follows from the schedule."
  }
  validation {
    condition     = var.watch.lag_s >= 60 && var.watch.lag_s <= 86400 && floor(var.watch.lag_s) == var.watch.lag_s
    error_message = "`watch.lag_s` must be 60 to 86400 seconds, without fractions."
  }
  validation {
    condition     = var.watch.parked_max >= 0 && floor(var.watch.parked_max) == var.watch.parked_max && contains(range(10, 101), var.watch.near_timeout)
    error_message = "`watch.parked_max` must be a whole number and `watch.near_timeout` 10 to 100 percent."
  }
  validation {
    condition     = var.watch.budget_account == null || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.watch.budget_account))
    error_message = "`watch.budget_account` must be a billing account such as 012345-6789AB-CDEF01."
  }
  validation {
    condition     = var.watch.budget_monthly >= 1 && floor(var.watch.budget_monthly) == var.watch.budget_monthly
    error_message = "`watch.budget_monthly` must be a whole number of the account's currency, at least 1."
  }
}

variable "egress" {
  description = "The way out: a static address of our own, or an existing network (Shared VPC too) with its subnetwork; null is Cloud Run's own way."
  type = object({
    static_address = optional(bool, false)
    range          = optional(string, "10.20.0.0/26")
    network        = optional(string)
    subnetwork     = optional(string)
  })
  nullable = false
  default  = {}

  validation {
    condition     = can(cidrhost(var.egress.range, 0)) && try(tonumber(split("/", var.egress.range)[1]) <= 26 && tonumber(split("/", var.egress.range)[1]) >= 8, false)
    error_message = "`egress.range` must be an IPv4 range of /26 or larger, such as 10.20.0.0/26."
  }
  validation {
    condition     = !can(cidrhost(var.egress.range, 0)) || try("${cidrhost(var.egress.range, 0)}/${split("/", var.egress.range)[1]}" == var.egress.range, false)
    error_message = "`egress.range` must begin at the first address of its range, such as 10.20.0.0/26 and not 10.20.0.5/26."
  }
  validation {
    condition     = can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|100\\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\\.)", var.egress.range))
    error_message = "`egress.range` must be private: in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10."
  }
  validation {
    condition     = !var.egress.static_address || local.addresses_needed <= try(pow(2, 32 - tonumber(split("/", var.egress.range)[1])) - 4, 0)
    error_message = "`egress.range` is too small for ${local.tasks_at_once} tasks at once: job and candidate may need ${local.addresses_needed} addresses, for Cloud Run keeps those of ended tasks for a while. Take a larger range, or a smaller `job.parallelism`."
  }
  validation {
    condition     = (var.egress.network == null) == (var.egress.subnetwork == null) && !(var.egress.static_address && var.egress.network != null)
    error_message = "`egress` takes `network` and `subnetwork` together, and not beside `static_address`."
  }
  validation {
    condition     = alltrue([for name in concat(var.egress.network[*], var.egress.subnetwork[*]) : can(regex("^projects/[^/]+/(global/networks|regions/[^/]+/subnetworks)/[^/]+$", name))])
    error_message = "`egress.network` must be projects/HOST/global/networks/NAME and `egress.subnetwork` projects/HOST/regions/REGION/subnetworks/NAME."
  }
}

locals {
  # Each field as its minutes, hours, days, months or weekdays; null where it is none.
  cron_words = [[], [], [],
    ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
  ]
  cron_bounds = [[0, 59], [0, 23], [1, 31], [1, 12], [0, 7]]
  cron_parts = [for index, field in split(" ", var.schedule.cron) : [for part in split(",", lower(field)) : try({
    step = can(regex("/", part)) ? tonumber(split("/", part)[1]) : 1
    ends = split("/", part)[0] == "*" ? local.cron_bounds[index] : [for end in split("-", split("/", part)[0]) :
    can(tonumber(end)) ? tonumber(end) : index(local.cron_words[index], end)]
    open   = can(regex("/", part)) && !can(regex("[-*]", part))
    pieces = length(split("/", part))
  }, null)]]
  cron_fields = [for index, parts in local.cron_parts : try(alltrue([for part in parts :
    part != null && part.pieces <= 2 && length(part.ends) <= 2 && part.step >= 1 && floor(part.step) == part.step &&
    part.ends[0] >= local.cron_bounds[index][0] && part.ends[length(part.ends) - 1] <= local.cron_bounds[index][1] &&
    part.ends[0] <= part.ends[length(part.ends) - 1] && alltrue([for end in part.ends : floor(end) == end])
    ]) ? sort([for value in distinct(flatten([for part in parts :
    range(part.ends[0], (part.open ? local.cron_bounds[index][1] : part.ends[length(part.ends) - 1]) + 1, part.step)])) :
  format("%02d", index == 4 ? value % 7 : value)]) : null, null)]

  # The minutes of a week at which the clock ticks; null where days of the month have a say.
  cron_ticks = try(length(local.cron_fields[2]) == 31 && length(local.cron_fields[3]) == 12 ? flatten([for day in distinct(local.cron_fields[4]) :
  [for hour in local.cron_fields[1] : [for minute in local.cron_fields[0] : tonumber(day) * 1440 + tonumber(hour) * 60 + tonumber(minute)]]]) : null, null)
  # The longest time between two ticks, in minutes.
  cron_gap = try(max([for index, tick in local.cron_ticks : index == 0 ? tick + 10080 - local.cron_ticks[length(local.cron_ticks) - 1] : tick - local.cron_ticks[index - 1]]...), null)

  tasks_at_once    = var.job.parallelism == 0 ? var.job.tasks : var.job.parallelism
  addresses_needed = 4 * local.tasks_at_once
}

output "clock" {
  description = "The longest time between two ticks of the schedule, in minutes; null where it may be longer than a week."
  value       = local.cron_gap

  precondition {
    condition     = length(local.cron_fields) == 5 && alltrue([for field in local.cron_fields : field != null])
    error_message = "`schedule.cron` must be five cron fields (minute 0-59, hour 0-23, day 1-31, month 1-12, weekday 0-7) with one space between, such as \"*/15 * * * *\"."
  }
}
