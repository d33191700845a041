# What the program does: its own settings, with the values it would accept and the variables they become.
#
# A setting is added in three places, all in this file: its type and default, what it may be, and its line in `environment`. What
# needs a word of `locals` about its own variable stands below, as a precondition: in a validation it would be a cycle.

variable "halo" {
  description = "The Halo tenant. Its key and secret key are Secret Manager's. `link` is where people find an issue, with {issue_id}, {asset_id} or {group_id} in it."
  type = object({
    hostname        = optional(string, "api.cloudpassage.com")
    link            = optional(string)
    concurrency_max = optional(number, 10)
  })
  nullable = false
  default  = {}

  validation {
    condition     = can(regex("^(https://)?[A-Za-z0-9.-]+(:[0-9]+)?/?$", var.halo.hostname))
    error_message = "`halo.hostname` must be a host name, or an https:// address, without a path."
  }
  validation {
    condition     = var.halo.link == null || can(regex("^https?://[^[:space:]{}/]+/[^[:space:]]*[{](issue_id|asset_id|group_id)[}]", var.halo.link))
    error_message = "`halo.link` must be an address with {issue_id}, {asset_id} or {group_id} in its path, such as https://portal.example/issues/{issue_id}."
  }
  validation {
    condition     = var.halo.concurrency_max >= 1 && var.halo.concurrency_max <= 64 && floor(var.halo.concurrency_max) == var.halo.concurrency_max
    error_message = "`halo.concurrency_max` must be a whole number, 1 to 64."
  }
}

variable "jira" {
  description = "The Jira site, the project for new tickets, and the names its workflow uses. Its token is Secret Manager's."
  type = object({
    url                = string
    client_id          = optional(string)
    user               = optional(string)
    gateway_url        = optional(string, "https://api.atlassian.com")
    token_url          = optional(string, "https://auth.atlassian.com/oauth/token")
    project_key        = string
    issue_type         = string
    issue_id_field     = string
    reopen_transition  = string
    close_transition   = string
    status_closed      = list(string)
    status_hard_closed = optional(list(string), [])
    status_accepted    = optional(list(string), [])
    new_issue_status   = optional(string)
    close_resolution   = optional(string)
    close_fields       = optional(map(string), {})
    reopen_fields      = optional(map(string), {})
    field_mapping      = optional(map(string), {})
    field_static       = optional(map(string), {})
    priority_map       = optional(string)
    due_in             = optional(string)
    fields_follow      = optional(string)
    routes             = optional(string)
    routes_file        = optional(string)
    concurrency_max    = optional(number, 32)

    accepted_for_days       = optional(number, 0)
    accepted_until_worse_by = optional(number, 0)
  })
  nullable = false

  validation {
    condition     = can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?(/ex/jira/[A-Za-z0-9-]+)?/?$", var.jira.url))
    error_message = "`jira.url` must be an https:// address: the site's own, or https://api.atlassian.com/ex/jira/CLOUD_ID."
  }
  validation {
    condition     = !can(regex("^https://api\\.atlassian\\.com(:[0-9]+)?/?$", lower(var.jira.url)))
    error_message = "`jira.url` does not say which site: the gateway's address ends in /ex/jira/CLOUD_ID."
  }
  validation {
    condition     = can(regex("^[A-Z][A-Z0-9_]+$", var.jira.project_key))
    error_message = "`jira.project_key` must be a project's key, such as SEC: upper-case letters, digits and underscores."
  }
  validation {
    condition = alltrue([for text in concat(var.jira.status_closed, var.jira.status_hard_closed, var.jira.status_accepted, [
      var.jira.issue_type, var.jira.issue_id_field, var.jira.reopen_transition, var.jira.close_transition,
    ]) : trimspace(text) != ""]) && length(var.jira.status_closed) > 0
    error_message = "`jira.issue_type`, `issue_id_field`, `reopen_transition`, `close_transition`, `status_closed` and each status must not be empty."
  }
  validation {
    condition     = length(compact([for text in [var.jira.client_id, var.jira.user] : trimspace(coalesce(text, " "))])) == 1
    error_message = "`jira` must name one way to sign in: the `client_id` of a service account, or the `user` whose API token it is."
  }
  validation {
    condition     = can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?/?$", var.jira.gateway_url)) && can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?/[^?#@]+$", var.jira.token_url))
    error_message = "`jira.gateway_url` must be an https:// address without a path, and `jira.token_url` one with a path."
  }
  validation {
    condition     = var.jira.accepted_for_days >= 0 && var.jira.accepted_for_days <= 3660 && floor(var.jira.accepted_for_days) == var.jira.accepted_for_days
    error_message = "`jira.accepted_for_days` must be a whole number of days, 0 to 3660; 0 is for ever."
  }
  validation {
    condition     = var.jira.accepted_until_worse_by >= 0 && var.jira.accepted_until_worse_by <= 10
    error_message = "`jira.accepted_until_worse_by` must be 0 to 10 points of CVSS; 0 is however much."
  }
  validation {
    condition     = alltrue([for name in keys(var.jira.field_mapping) : strcontains(name, "{") || can(regex("^(issue\\.|csp_|asset_|issue_|server_|tags\\.)?[a-z_A-Z0-9.:/-]+$", name))])
    error_message = "`jira.field_mapping` maps Halo fields, or texts with Halo fields in braces, to Jira fields."
  }
  validation {
    condition     = length([for text in [var.jira.routes, var.jira.routes_file] : text if trimspace(coalesce(text, " ")) != ""]) < 2
    error_message = "`jira.routes` and `jira.routes_file` are two ways to say the same: give one of them."
  }
  validation {
    condition     = length(base64encode(coalesce(var.jira.routes, " "))) <= 43692
    error_message = "`jira.routes` holds at most 32 KiB, as any variable of Cloud Run; a longer file is one that `jira.routes_file` names."
  }
  validation {
    condition     = alltrue([for map in [var.jira.field_mapping, var.jira.field_static, var.jira.close_fields, var.jira.reopen_fields] : alltrue([for name, value in map : trimspace(name) != "" && trimspace(coalesce(value, " ")) != ""])])
    error_message = "`jira.field_mapping`, `field_static`, `close_fields` and `reopen_fields` must have something on both sides: a field without a value is left out of the map."
  }
  validation {
    condition     = var.jira.fields_follow == null || (trimspace(coalesce(var.jira.fields_follow, " ")) != "" && (length(split(",", coalesce(var.jira.fields_follow, " "))) == 1 || length([for name in split(",", coalesce(var.jira.fields_follow, " ")) : name if contains(["all", "none"], lower(trimspace(name)))]) == 0))
    error_message = "`jira.fields_follow` must be all or none by itself, or names of Jira fields with commas."
  }
  validation {
    condition     = var.jira.concurrency_max >= 1 && var.jira.concurrency_max <= 64 && floor(var.jira.concurrency_max) == var.jira.concurrency_max
    error_message = "`jira.concurrency_max` must be a whole number, 1 to 64."
  }
}

variable "scope" {
  description = "Which issues are kept in step. `time_range_min` is the look-back, in minutes, of a first run without a watermark, and `backlog` what becomes of issues last touched before it: `touched`, `all`, `critical` or `none`."
  type = object({
    time_range_min           = optional(number, 15)
    backlog                  = optional(string, "touched")
    critical_only            = optional(bool, false)
    no_comment               = optional(bool, false)
    comment_on               = optional(string, "change")
    comment_every            = optional(string)
    comment_public           = optional(bool, false)
    no_sva                   = optional(bool, false)
    issue_sync_max           = optional(number, 0)
    exclude_server_secure    = optional(bool, false)
    exclude_container_secure = optional(bool, false)
    exclude_cloud_secure     = optional(bool, false)
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.scope.time_range_min >= 1 && var.scope.time_range_min <= local.span_max / 60 && floor(var.scope.time_range_min) == var.scope.time_range_min
    error_message = "`scope.time_range_min` must be a whole number of minutes, at least 1 and at most ten years."
  }
  validation {
    condition     = var.scope.issue_sync_max >= 0 && var.scope.issue_sync_max <= local.count_max && floor(var.scope.issue_sync_max) == var.scope.issue_sync_max
    error_message = "`scope.issue_sync_max` must be a whole number of up to nine digits; 0 is no cap."
  }
  validation {
    condition     = contains(["touched", "all", "critical", "none"], var.scope.backlog)
    error_message = "`scope.backlog` must be \"touched\", \"all\", \"critical\" or \"none\"."
  }
  validation {
    condition     = contains(["change", "update", "never"], var.scope.comment_on) && !(var.scope.no_comment && var.scope.comment_on == "update")
    error_message = "`scope.comment_on` must be \"change\", \"update\" or \"never\", and not \"update\" where `no_comment` is true."
  }
  validation {
    condition     = var.scope.comment_every == null || can(regex("^(0|[1-9][0-9]{0,8}[smhd])$", var.scope.comment_every))
    error_message = "`scope.comment_every` must be a number with s, m, h or d, such as 24h, or 0."
  }
  validation {
    condition     = !(var.scope.exclude_server_secure && var.scope.exclude_container_secure && var.scope.exclude_cloud_secure)
    error_message = "`scope` excludes Server, Container and Cloud Secure: nothing would be left to keep in step."
  }
}

variable "safety" {
  description = "What a run may do at most without approval, and what happens when one side loses its half. 0 is no limit, or never."
  type = object({
    max_close_percent = optional(number, 30)
    max_create        = optional(number, 200)
    max_create_mode   = optional(string, "hold")
    max_reopen        = optional(number, 0)
    sweep_every       = optional(string, "24h")
    create_patience   = optional(string, "25m")
    overlap           = optional(string, "5m")
    when_ticket_gone  = optional(string, "recreate")
    when_issue_gone   = optional(string, "report")
  })
  nullable = false
  default  = {}

  validation {
    condition     = contains(range(101), var.safety.max_close_percent)
    error_message = "`safety.max_close_percent` must be 0 to 100, without fractions."
  }
  validation {
    condition     = alltrue([for limit in [var.safety.max_create, var.safety.max_reopen] : limit >= 0 && limit <= local.count_max && floor(limit) == limit])
    error_message = "`safety.max_create` and `safety.max_reopen` must be whole numbers of up to nine digits; 0 is no limit."
  }
  validation {
    condition     = contains(["hold", "slice"], var.safety.max_create_mode)
    error_message = "`safety.max_create_mode` must be \"hold\" or \"slice\"."
  }
  validation {
    condition     = contains(["recreate", "report"], var.safety.when_ticket_gone)
    error_message = "`safety.when_ticket_gone` must be \"recreate\" or \"report\"."
  }
  validation {
    condition     = contains(["report", "close"], var.safety.when_issue_gone)
    error_message = "`safety.when_issue_gone` must be \"report\" or \"close\"."
  }
}

variable "runtime" {
  description = "How loud the program is, how it reaches the internet, and plain variables that have no setting here yet."
  type = object({
    log_level   = optional(string, "INFO")
    https_proxy = optional(string)
    ca_bundle   = optional(string)
    extra_env   = optional(map(string), {})
  })
  nullable = false
  default  = {}

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.runtime.log_level)
    error_message = "`runtime.log_level` must be DEBUG, INFO, WARNING or ERROR."
  }
  validation {
    condition     = var.runtime.https_proxy == null || can(regex("^https?://[^@/]+$", var.runtime.https_proxy))
    error_message = "`runtime.https_proxy` must be http://HOST:PORT or https://HOST:PORT, without credentials."
  }
  validation {
    condition     = var.runtime.ca_bundle == null || can(regex("^/", var.runtime.ca_bundle))
    error_message = "`runtime.ca_bundle` must be the absolute path of a file inside the image."
  }
  validation {
    condition     = var.runtime.ca_bundle == null || !can(regex("^/", var.runtime.ca_bundle)) || contains(var.ca_files, coalesce(var.runtime.ca_bundle, "none"))
    error_message = "`runtime.ca_bundle` is not in the image. It may be: ${join(", ", var.ca_files)}. A file job/NAME.pem of this project is /app/job/NAME.pem there."
  }
  validation {
    condition     = alltrue([for name in keys(var.runtime.extra_env) : can(regex("^[A-Z][A-Z0-9_]*$", name)) && !startswith(name, "CLOUD_RUN_")])
    error_message = "`runtime.extra_env` may name only upper-case variables, and none of Cloud Run's own (CLOUD_RUN_*)."
  }
}

variable "ca_files" {
  description = "Files of certificates that the image has, as absolute paths inside it."
  type        = set(string)
  default     = ["/etc/ssl/certs/ca-certificates.crt"]
}

locals {
  # The program compares statuses without regard to case and to further blanks.
  statuses = { for group, names in {
    closed      = var.jira.status_closed
    hard_closed = var.jira.status_hard_closed
    accepted    = var.jira.status_accepted
    new         = var.jira.new_issue_status[*]
  } : group => [for status in names : lower(trimspace(replace(status, "/\\s+/", " ")))] }

  # A list as the program reads it: a backslash makes a plain sign of a comma and of itself.
  lists = { for group, names in {
    closed      = var.jira.status_closed
    hard_closed = var.jira.status_hard_closed
    accepted    = var.jira.status_accepted
  } : group => join(",", [for name in names : replace(name, "/([\\\\,])/", "\\$1")]) }

  # Seconds of each duration; null where it is none.
  seconds = { s = 1, m = 60, h = 3600, d = 86400 }
  spans = { for name, text in { sweep_every = var.safety.sweep_every, create_patience = var.safety.create_patience, overlap = var.safety.overlap } :
    name => text == "0" ? 0 : try(tonumber(regex("^([1-9][0-9]{0,8})[smhd]$", text)[0]) * local.seconds[regex("[smhd]$", text)], null)
  }
  span_max  = 3660 * 86400
  count_max = 999999999

  # `a:b;c:d`, where a backslash makes plain signs of a backslash, a semicolon, and a colon inside a name. A comma in a
  # value parts several; with a backslash before it, it stays one, here as in the program.
  pairs = { for topic, map in {
    mapping = var.jira.field_mapping
    static  = var.jira.field_static
    close   = var.jira.close_fields
    reopen  = var.jira.reopen_fields
    } : topic => join(";", [for name, value in map :
  "${replace(name, "/([\\\\;:])/", "\\$1")}:${replace(replace(value, "/([\\\\;])/", "\\$1"), "\\\\,", "\\,")}"]) }

  environment = {
    HALO_API_HOSTNAME    = var.halo.hostname
    HALO_CONCURRENCY_MAX = var.halo.concurrency_max
    HALO_LINK            = var.halo.link

    JIRA_API_URL            = var.jira.url
    JIRA_CLIENT_ID          = var.jira.client_id
    JIRA_API_USER           = var.jira.user
    JIRA_GATEWAY_URL        = var.jira.gateway_url
    JIRA_TOKEN_URL          = var.jira.token_url
    JIRA_PROJECT_KEY        = var.jira.project_key
    JIRA_ISSUE_TYPE         = var.jira.issue_type
    JIRA_ISSUE_ID_FIELD     = var.jira.issue_id_field
    JIRA_FIELD_MAPPING      = local.pairs.mapping
    JIRA_FIELD_STATIC       = local.pairs.static
    JIRA_CONCURRENCY_MAX    = var.jira.concurrency_max
    PRIORITY_MAP            = var.jira.priority_map
    DUE_IN                  = var.jira.due_in
    FIELDS_FOLLOW           = var.jira.fields_follow
    ROUTES                  = var.jira.routes
    ROUTES_FILE             = var.jira.routes_file
    ISSUE_REOPEN_TRANSITION = var.jira.reopen_transition
    ISSUE_CLOSE_TRANSITION  = var.jira.close_transition
    ISSUE_STATUS_CLOSED     = local.lists.closed
    STATUS_HARD_CLOSED      = local.lists.hard_closed
    STATUS_ACCEPTED         = local.lists.accepted
    ACCEPTED_FOR            = var.jira.accepted_for_days
    ACCEPTED_UNTIL_WORSE_BY = var.jira.accepted_until_worse_by
    NEW_ISSUE_STATUS        = var.jira.new_issue_status
    CLOSE_RESOLUTION        = var.jira.close_resolution
    CLOSE_FIELDS            = local.pairs.close
    REOPEN_FIELDS           = local.pairs.reopen

    TIME_RANGE               = var.scope.time_range_min
    BACKLOG                  = var.scope.backlog
    CRITICAL_ONLY            = var.scope.critical_only
    NO_COMMENT               = var.scope.no_comment
    COMMENT_ON               = var.scope.comment_on
    COMMENT_EVERY            = var.scope.comment_every
    COMMENT_PUBLIC           = var.scope.comment_public
    NO_SVA                   = var.scope.no_sva
    ISSUE_SYNC_MAX           = var.scope.issue_sync_max
    EXCLUDE_SERVER_SECURE    = var.scope.exclude_server_secure
    EXCLUDE_CONTAINER_SECURE = var.scope.exclude_container_secure
    EXCLUDE_CLOUD_SECURE     = var.scope.exclude_cloud_secure

    MAX_CLOSE_PERCENT = var.safety.max_close_percent
    MAX_CREATE        = var.safety.max_create
    MAX_CREATE_MODE   = var.safety.max_create_mode
    MAX_REOPEN        = var.safety.max_reopen
    SWEEP_EVERY       = var.safety.sweep_every
    CREATE_PATIENCE   = var.safety.create_patience
    OVERLAP           = var.safety.overlap
    WHEN_TICKET_GONE  = var.safety.when_ticket_gone
    WHEN_ISSUE_GONE   = var.safety.when_issue_gone

    TASK_TIMEOUT_S = var.job.timeout_s
    LOG_LEVEL      = var.runtime.log_level
    HTTPS_PROXY    = var.runtime.https_proxy
    CA_BUNDLE      = var.runtime.ca_bundle
  }
}

output "environment" {
  description = "The program's settings as its variables. An empty text and an absent variable mean the same to it; absent is easier to read in the console."
  value       = merge({ for name, value in local.environment : name => tostring(value) if value != null && tostring(value) != "" }, var.runtime.extra_env)

  precondition {
    condition     = length(setintersection(local.statuses.closed, local.statuses.hard_closed)) == 0
    error_message = "A status in `jira.status_hard_closed` must not be in `jira.status_closed` as well, in capital letters or small: one means reopen, the other a new ticket."
  }
  precondition {
    condition     = length(setintersection(local.statuses.accepted, concat(local.statuses.closed, local.statuses.hard_closed))) == 0
    error_message = "A status in `jira.status_accepted` must not be closed as well: a risk that people accept is neither reopened nor followed by a new ticket."
  }
  precondition {
    condition     = length(setintersection(local.statuses.accepted, local.statuses.new)) == 0
    error_message = "`jira.new_issue_status` must not be in `jira.status_accepted`: each new ticket would be left alone."
  }
  precondition {
    condition     = length(setintersection(setunion(local.statuses.closed, local.statuses.hard_closed), local.statuses.new)) == 0
    error_message = "`jira.new_issue_status` must be a status of open tickets: in a closed one, each new ticket would be reopened."
  }
  precondition {
    condition     = alltrue([for span in local.spans : span != null && coalesce(span, 0) <= local.span_max])
    error_message = "`safety.sweep_every`, `create_patience` and `overlap` must be a number with s, m, h or d, such as 15m, or 0; at most 3660d."
  }
  precondition {
    condition     = coalesce(local.spans.create_patience, -1) >= 1200
    error_message = "`safety.create_patience` must be at least 20m: Jira may make a ticket so long after it was asked, and a second one would be made meanwhile."
  }
  precondition {
    condition     = coalesce(local.spans.overlap, -1) >= 120
    error_message = "`safety.overlap` must be at least 2m: clocks may differ by a minute, and Halo may show a change a little late."
  }
  precondition {
    condition     = length(setintersection(keys(var.runtime.extra_env), concat(keys(local.environment), var.taken))) == 0
    error_message = "`runtime.extra_env` names ${join(", ", setintersection(keys(var.runtime.extra_env), concat(keys(local.environment), var.taken)))}, which has a setting of its own."
  }
}
