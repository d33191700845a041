"""Every setting, in groups: its variable, its type, its default and what it does.

Promises: a field has the name of its variable, in small letters; a group is what one part of the
job needs to know; no `repr` shows a secret.
Does not do: reading the environment (`load.py`), or listing all variables (`table.py`).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from job.settings import parse
from job.settings.parse import Secret
from job.settings.variable import (
    Earlier,
    Variable,
    fits_alone,
    hard_closed_is_not_closed,
    index_is_one_of_the_tasks,
    new_is_not_closed,
    something_is_left,
)


def _variable(
    parse: Callable[[str], Any],
    default: str | None = None,
    *,
    also: tuple[str, ...] = (),
    fits: Callable[[Any, Earlier], None] = fits_alone,
    does: str,
) -> Any:
    return field(
        metadata={"is": Variable(parse=parse, fits=fits, default=default, also=also, does=does)}
    )


_NO_SECRETS = frozenset({"halo_api_key"})
"""What may be kept in Secret Manager and shown all the same: memory says whose it is by it."""


@dataclass(frozen=True, kw_only=True)
class ProcessSettings:
    """How the process speaks and how it reaches the network: what every command is asked for."""

    log_level: str = _variable(
        parse.word("", "debug", "info", "warning", "error"),
        "",
        does="`debug`, `info`, `warning` or `error`; `warning` on a terminal, else `info`.",
    )
    https_proxy: Secret | None = _variable(
        parse.proxy,
        "",
        also=("HTTPS_PROXY", "https_proxy"),
        does="Proxy for both remotes, as URL. `NO_PROXY` is honoured.",
    )
    ca_bundle: str | None = _variable(
        parse.readable_file,
        "",
        also=("CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
        does="File of PEM certificates to trust.",
    )

    @property
    def references(self) -> dict[str, str]:
        """The secrets that are still to be read from Secret Manager: field and reference."""
        return {name: text for name, text in self._secrets.items() if text.startswith("sm://")}

    def with_secrets(self, told: Mapping[str, str]) -> Self:
        """The same, with other texts in the fields of these names."""
        return type(self)(**{**vars(self), **{name: Secret(text) for name, text in told.items()}})

    @property
    def spoken_secrets(self) -> list[str]:
        """Every text that is a secret: each by itself, and in the pairs of which HTTP Basic makes
        one text.
        """
        hidden = (text for name, text in self._secrets.items() if name not in _NO_SECRETS)
        return [*hidden, *self._pairs()]

    @property
    def _secrets(self) -> dict[str, str]:
        return {name: value.text for name, value in vars(self).items() if isinstance(value, Secret)}

    def _pairs(self) -> list[str]:
        proxy = urlsplit(self.https_proxy.text if self.https_proxy else "")
        password = unquote(proxy.password or "")
        return [password, f"{unquote(proxy.username or '')}:{password}"] if password else []


@dataclass(frozen=True, kw_only=True)
class HaloSettings(ProcessSettings):
    """How Halo is reached."""

    halo_api_key: Secret = _variable(parse.key_id, does="Id of a Halo API key with auditor rights.")
    halo_api_secret_key: Secret = _variable(parse.secret, does="Secret of that key.")
    halo_api_hostname: str = _variable(
        parse.halo_url,
        "api.cloudpassage.com",
        does="Host of the Halo API, or its URL; plain http only to this machine.",
    )
    halo_concurrency_max: int = _variable(
        parse.whole(1, 64),
        "10",
        does="Requests to Halo under way at once, over all tasks; each has at least one.",
    )

    def _pairs(self) -> list[str]:
        return [f"{self.halo_api_key.text}:{self.halo_api_secret_key.text}", *super()._pairs()]


@dataclass(frozen=True, kw_only=True)
class JiraSettings(ProcessSettings):
    """How Jira is reached."""

    jira_api_user: str = _variable(
        str, does="E-mail address of the account that the token belongs to."
    )
    jira_api_token: Secret = _variable(parse.secret, does="Jira API token of that account.")
    jira_api_url: str = _variable(
        parse.jira_url,
        does="`https://SITE.atlassian.net`, or `https://api.atlassian.com/ex/jira/CLOUD_ID` for a "
        "scoped token.",
    )
    jira_concurrency_max: int = _variable(
        parse.whole(1, 64),
        "32",
        does="Requests to Jira under way at once, over all tasks; each has at least one.",
    )

    def _pairs(self) -> list[str]:
        return [f"{self.jira_api_user}:{self.jira_api_token.text}", *super()._pairs()]


@dataclass(frozen=True, kw_only=True)
class DestinationSettings(ProcessSettings):
    """What tickets look like, where they go, and what their statuses mean."""

    jira_project_key: str = _variable(parse.project_key, does="Project of all new tickets.")
    jira_issue_type: str = _variable(str, does="Type of new tickets, by name or id.")
    jira_issue_id_field: str = _variable(
        str, does="Jira field, by name or id, that holds the Halo issue's id."
    )
    jira_field_mapping: tuple[tuple[str, str], ...] = _variable(
        parse.mapping, "", does="`halo_field:Jira field;…`: Halo's values in new tickets."
    )
    jira_field_static: tuple[tuple[str, str], ...] = _variable(
        parse.pairs, "", does="`Jira field:value;…`: the same value in every new ticket."
    )
    issue_reopen_transition: str = _variable(str, does="Transition that reopens a closed ticket.")
    issue_close_transition: str = _variable(str, does="Transition that closes a ticket.")
    issue_status_closed: tuple[str, ...] = _variable(
        parse.names, does="Status, or several with commas: closed, and reopened if need be."
    )
    status_hard_closed: tuple[str, ...] = _variable(
        parse.names,
        "",
        also=("STATUS_HARD_CLOSED", "ISSUE_STATUS_HARD_CLOSED", "HARD_CLOSED_STATUS"),
        fits=hard_closed_is_not_closed,
        does="Statuses never to be reopened: an issue that comes back gets a new ticket.",
    )
    new_issue_status: str = _variable(
        str,
        "",
        fits=new_is_not_closed,
        does="Status that a new ticket is moved to, if it does not start there.",
    )
    close_resolution: str = _variable(
        str,
        "",
        does="Resolution to close with where the screen asks for one; else `Done`, else the first.",
    )


@dataclass(frozen=True, kw_only=True)
class ScopeSettings(ProcessSettings):
    """Which issues get tickets, and which of their updates are told."""

    critical_only: bool = _variable(parse.flag, "false", does="Only critical issues.")
    no_comment: bool = _variable(parse.flag, "false", does="No comments for updates of issues.")
    no_sva: bool = _variable(
        parse.flag, "false", does="No issues of software vulnerabilities (type `sva`)."
    )
    exclude_server_secure: bool = _variable(parse.flag, "false", does="No issues of Server Secure.")
    exclude_container_secure: bool = _variable(
        parse.flag, "false", does="No issues of Container Secure."
    )
    exclude_cloud_secure: bool = _variable(
        parse.flag, "false", fits=something_is_left, does="No issues of Cloud Secure."
    )
    when_ticket_gone: str = _variable(
        parse.word("recreate", "report"),
        "recreate",
        does="For an open issue whose ticket was deleted: `recreate` it, or only `report`.",
    )
    when_issue_gone: str = _variable(
        parse.word("report", "close"),
        "report",
        does="For a ticket whose issue Halo no longer has: only `report`, or `close`.",
    )


@dataclass(frozen=True, kw_only=True)
class RunSettings(ProcessSettings):
    """What one run looks at, and how much it may do."""

    time_range: timedelta = _variable(
        parse.look_back,
        "15",
        does="Minutes that the first run looks back; later runs go on where the last one ended.",
    )
    overlap: timedelta = _variable(
        parse.overlap, "5m", does="How far before its mark a run reads again; 2m or more."
    )
    sweep_every: timedelta = _variable(
        parse.duration,
        "24h",
        does="How often every open ticket is checked on both sides. 0: never, and then nothing "
        "heals what a listing missed.",
    )
    create_patience: timedelta = _variable(
        parse.create_patience,
        "25m",
        does="How long to look for a ticket whose creation was not answered; 20m or more.",
    )
    issue_sync_max: int = _variable(
        parse.whole(0),
        "0",
        does="Issues acted on in one run, oldest first; the rest waits. 0: no cap.",
    )
    max_close_percent: int = _variable(
        parse.whole(0, 100),
        "30",
        does="Percent of the open tickets that one run may close; ten may always be closed.",
    )
    max_create: int = _variable(
        parse.whole(0), "0", does="Tickets that one run may create. 0: no limit."
    )
    max_reopen: int = _variable(
        parse.whole(0), "0", does="Tickets that one run may reopen. 0: no limit."
    )
    task_timeout_s: int = _variable(
        parse.whole(0),
        "0",
        does="Seconds that a run may take; it stops taking work in time. 0: no end.",
    )


@dataclass(frozen=True, kw_only=True)
class MemorySettings(ProcessSettings):
    """Where memory is, and which part of it is this task's."""

    state_url: str = _variable(
        parse.state_url,
        "",
        does="Memory between runs: `sqlite:////PATH` or `firestore://PROJECT/DATABASE?prefix=P`. "
        "When unset: Firestore of the ambient project on Cloud Run, else a file in the user's "
        "state folder that is named by the Jira site.",
    )
    cloud_run_task_count: int = _variable(
        parse.whole(1), "1", does="Set by Cloud Run: over how many tasks the work is spread."
    )
    cloud_run_task_index: int = _variable(
        parse.whole(0),
        "0",
        fits=index_is_one_of_the_tasks,
        does="Set by Cloud Run: which task of the execution this is.",
    )
    cloud_run_task_attempt: int = _variable(
        parse.whole(0), "0", does="Set by Cloud Run: how often this task was tried before."
    )
    cloud_run_execution: str = _variable(str, "", does="Set by Cloud Run: names the execution.")


@dataclass(frozen=True, kw_only=True)
class Settings(
    HaloSettings,
    JiraSettings,
    DestinationSettings,
    ScopeSettings,
    RunSettings,
    MemorySettings,
):
    """Everything that can be configured. Names are the variables' own, in small letters."""

    @property
    def digest(self) -> str:
        """Of all that can change how an issue fares: not the secrets, and not which execution of
        Cloud Run this is.
        """
        chosen = {
            name: value
            for name, value in vars(self).items()
            if not (isinstance(value, Secret) or name.startswith("cloud_"))
        }
        return hashlib.sha256(repr(sorted(chosen.items())).encode()).hexdigest()[:16]
