# The settings: what may be set, what it may be, and what the program's variables become of it.
#
# Promises: every setting is typed and checked here, before anything is made; a name that no setting has is refused with the nearest
# one, however deep it stands; what the program would refuse at run time and Google half-way through an apply is refused by the plan.
# Not here: making anything. Terraform drops unknown names of a typed object without a word, so main.tf takes anything, and hands
# it over twice: once to be typed, once as it was given.

terraform {
  required_version = ">= 1.11"
}

variable "given" {
  description = "All settings as they were given, before any of them had a type: by the name of their variable."
  type        = any
}

variable "taken" {
  description = "Variables of the program that have a value from elsewhere, which `runtime.extra_env` may not name either."
  type        = list(string)
  default     = []
}

locals {
  typed = {
    access  = var.access, build = var.build, egress = var.egress, encryption = var.encryption, halo = var.halo, images = var.images, jira = var.jira, job = var.job
    runtime = var.runtime, safety = var.safety, schedule = var.schedule, scope = var.scope, secrets = var.secrets, state = var.state
    watch   = var.watch
  }

  # What was given beside what it became, level by level: a typed object has lost the names that it does not know. Terraform has no
  # recursion, so each level is written out; five are deeper than any setting goes.
  level_0 = [for name, value in var.given : { path = name, given = value, typed = local.typed[name] }]
  level_1 = flatten([for node in local.level_0 : try(
    [for name in setintersection(keys(node.given), keys(node.typed)) : { path = "${node.path}.${name}", given = node.given[name], typed = node.typed[name] }],
  [for index, value in node.given : { path = "${node.path}[${index}]", given = value, typed = node.typed[index] }], [])])
  level_2 = flatten([for node in local.level_1 : try(
    [for name in setintersection(keys(node.given), keys(node.typed)) : { path = "${node.path}.${name}", given = node.given[name], typed = node.typed[name] }],
  [for index, value in node.given : { path = "${node.path}[${index}]", given = value, typed = node.typed[index] }], [])])
  level_3 = flatten([for node in local.level_2 : try(
    [for name in setintersection(keys(node.given), keys(node.typed)) : { path = "${node.path}.${name}", given = node.given[name], typed = node.typed[name] }],
  [for index, value in node.given : { path = "${node.path}[${index}]", given = value, typed = node.typed[index] }], [])])
  level_4 = flatten([for node in local.level_3 : try(
    [for name in setintersection(keys(node.given), keys(node.typed)) : { path = "${node.path}.${name}", given = node.given[name], typed = node.typed[name] }],
  [for index, value in node.given : { path = "${node.path}[${index}]", given = value, typed = node.typed[index] }], [])])

  unknown = flatten([for node in concat(local.level_0, local.level_1, local.level_2, local.level_3, local.level_4) : try(
  [for name in setsubtract(keys(node.given), keys(node.typed)) : { path = node.path, name = name, known = keys(node.typed) }], [])])

  # How alike two names are: the pairs of neighbouring letters that they share, of all that they have.
  letters = { for name in distinct(flatten([for slip in local.unknown : concat([slip.name], slip.known)])) :
  name => toset([for index in range(length(name) - 1) : substr(name, index, 2)]) }
  refusals = [for slip in local.unknown : "`${slip.path}.${slip.name}` is no setting. Did you mean `${slip.path}.${
    [for scored in reverse(sort([for name in slip.known : format("%04d %s", floor(
      2000 * length(setintersection(local.letters[slip.name], local.letters[name])) / (length(local.letters[slip.name]) + length(local.letters[name]) + 1)
    ), name)])) : substr(scored, 5, -1)][0]
  }`? It may be: ${join(", ", slip.known)}."]
}

output "settings" {
  description = "All settings, typed and with their defaults, by the name of their variable."
  value       = local.typed

  precondition {
    condition     = length(local.refusals) == 0
    error_message = join("\n", local.refusals)
  }
}
