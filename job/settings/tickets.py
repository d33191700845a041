"""What tickets look like, where they go, and what their statuses mean.

Promises: words of the workflow contradict each other in no setting that passes.
Does not do: comparing them with Jira (`commands/check.py`).
"""

from dataclasses import dataclass
from datetime import timedelta

from job.core.ladders import Ladder
from job.settings import parse, routing, steps
from job.settings.basics import ProcessSettings
from job.settings.following import fields_that_follow
from job.settings.halo_link import portal_template
from job.settings.rulebook import Rulebook
from job.settings.variable import (
    accepted_is_no_other,
    hard_closed_is_not_closed,
    new_is_not_closed,
    only_routes,
    own_words_for_own_project,
    variable,
)


@dataclass(frozen=True, kw_only=True)
class DestinationSettings(ProcessSettings):
    """What tickets look like, where they go, and what their statuses mean."""

    jira_project_key: str = variable(parse.project_key, does="Project of all new tickets.")
    jira_issue_type: str = variable(str, does="Type of new tickets, by name or id.")
    jira_issue_id_field: str = variable(
        str, does="Jira field, by name or id, that holds the Halo issue's id."
    )
    jira_field_mapping: tuple[tuple[str, str], ...] = variable(
        parse.mapping, "", does="`halo_field:Jira field;…`: Halo's values in new tickets."
    )
    jira_field_static: tuple[tuple[str, str], ...] = variable(
        parse.pairs, "", does="`Jira field:value;…`: the same value in every new ticket."
    )
    priority_map: Ladder = variable(
        steps.ladder,
        "",
        does="`critical:Highest;cvss>=9:High;default:Medium`: the priority of new tickets.",
    )
    due_in: Ladder = variable(
        steps.due,
        "",
        does="`critical:7d;cvss>=7:30d;default:90d` (or `5wd`): when new tickets are due.",
    )
    fields_follow: tuple[str, ...] = variable(
        fields_that_follow,
        "all",
        does="Which fields of a ticket follow Halo, by Jira's names: `all` that Halo fills, "
        "`none`, or several with commas. What a person changed stays.",
    )
    halo_link: str = variable(
        portal_template,
        "",
        does="Where people find an issue in Halo, such as `https://HOST/…/{issue_id}`; also "
        "`{asset_id}`, `{group_id}`. Without it tickets hold no link, for the API's own address "
        "needs a token.",
    )
    issue_reopen_transition: str = variable(str, does="Transition that reopens a closed ticket.")
    issue_close_transition: str = variable(str, does="Transition that closes a ticket.")
    issue_status_closed: tuple[str, ...] = variable(
        parse.names, does="Status, or several with commas: closed, and reopened if need be."
    )
    status_hard_closed: tuple[str, ...] = variable(
        parse.names,
        "",
        also=("STATUS_HARD_CLOSED", "ISSUE_STATUS_HARD_CLOSED", "HARD_CLOSED_STATUS"),
        fits=hard_closed_is_not_closed,
        does="Statuses never to be reopened: an issue that comes back gets a new ticket.",
    )
    status_accepted: tuple[str, ...] = variable(
        parse.names,
        "",
        fits=accepted_is_no_other,
        does="Statuses in which people accept a risk: such a ticket is left alone while Halo says "
        "active.",
    )
    accepted_for: timedelta = variable(
        parse.days,
        "0",
        does="Days after which an accepted risk is reopened, from when a run first saw it. 0: "
        "never.",
    )
    accepted_until_worse_by: float = variable(
        parse.score,
        "0",
        does="Points of CVSS by which an accepted risk may not rise. 0: however much; one that "
        "becomes critical is reopened anyway.",
    )
    new_issue_status: str = variable(
        str,
        "",
        fits=new_is_not_closed,
        does="Status that a new ticket is moved to, if it does not start there.",
    )
    routes: Rulebook | None = variable(
        routing.variable,
        "",
        fits=own_words_for_own_project,
        does="Routes to several projects, as YAML of at most 32 KiB; see `routes.md`.",
    )
    routes_file: Rulebook | None = variable(
        routing.file,
        "",
        fits=only_routes,
        does="Path of a file of routes, such as a mounted secret; instead of `ROUTES`.",
    )
    close_resolution: str = variable(
        str,
        "",
        does="Resolution to close with where the screen lists one; else `Done`, else the first.",
    )
    close_fields: tuple[tuple[str, str], ...] = variable(
        parse.pairs, "", does="`Jira field:value;…`: what the screen that closes asks for besides."
    )
    reopen_fields: tuple[tuple[str, str], ...] = variable(
        parse.pairs,
        "",
        does="`Jira field:value;…`: what the screen that reopens asks for besides.",
    )
