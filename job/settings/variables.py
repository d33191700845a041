"""Every setting: its variable, its type, its default, what it does, and the table of them all.

The documentation's table is made from this file, and Terraform's variables are compared with it.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from job.settings import parse
from job.settings.parse import Secret, Unfit

Earlier = Mapping[str, Any]
"""The fields before this one, as far as they were fit."""


def _fits_alone(_value: object, _earlier: Earlier) -> None:
    """Nothing else has a say in it."""


def _hard_closed_is_not_closed(value: tuple[str, ...], earlier: Earlier) -> None:
    both = _same(value, earlier.get("issue_status_closed", ()))
    if both:
        wrong = f"{', '.join(both)} is in ISSUE_STATUS_CLOSED as well."
        raise Unfit(wrong, "statuses of one kind only: reopened, or followed by a new ticket")


def _new_is_not_closed(value: str, earlier: Earlier) -> None:
    if _same(
        (value,), (*earlier.get("issue_status_closed", ()), *earlier.get("status_hard_closed", ()))
    ):
        raise Unfit(
            f"{value!r} is a closed status: each new ticket would be reopened.",
            "a status of open tickets",
        )


def _something_is_left(value: object, earlier: Earlier) -> None:
    if value and earlier.get("exclude_server_secure") and earlier.get("exclude_container_secure"):
        raise Unfit(
            "All three modules are excluded: nothing is left to do.", "true for two of them at most"
        )


def _same(names: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    known = {name.casefold() for name in others}
    return [name for name in names if name.casefold() in known]


@dataclass(frozen=True, kw_only=True)
class Variable:
    """How one field comes about."""

    parse: Callable[[str], Any]
    fits: Callable[[Any, Earlier], None]
    default: str | None
    """In the words that a person would write; `None`: it must be given."""
    also: tuple[str, ...]
    """All names that it may be given by, if it has more than one; where several are set, the first
    of them counts.
    """
    does: str
    """What the table of settings says of it."""


def _variable(
    parse: Callable[[str], Any],
    default: str | None = None,
    *,
    also: tuple[str, ...] = (),
    fits: Callable[[Any, Earlier], None] = _fits_alone,
    does: str,
) -> Any:
    return field(
        metadata={"is": Variable(parse=parse, fits=fits, default=default, also=also, does=does)}
    )


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
        return [*self._secrets.values(), *self._pairs()]

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

    halo_api_key: Secret = _variable(parse.secret, does="Id of a Halo API key with auditor rights.")
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
        fits=_hard_closed_is_not_closed,
        does="Statuses never to be reopened: an issue that comes back gets a new ticket.",
    )
    new_issue_status: str = _variable(
        str,
        "",
        fits=_new_is_not_closed,
        does="Status that a new ticket is moved to, if it does not start there.",
    )
    close_resolution: str = _variable(
        str,
        "",
        does="Resolution to close with where the screen asks for one; else `Done`, else the first "
        "allowed.",
    )


@dataclass(frozen=True, kw_only=True)
class ScopeSettings(ProcessSettings):
    """Which issues get tickets, and which of their updates are told."""

    critical_only: bool = _variable(parse.flag, "false", does="Only critical issues.")
    no_comment: bool = _variable(
        parse.flag, "false", does="No comments for updates of open issues."
    )
    no_sva: bool = _variable(
        parse.flag, "false", does="No issues of software vulnerabilities (type `sva`)."
    )
    exclude_server_secure: bool = _variable(parse.flag, "false", does="No issues of Server Secure.")
    exclude_container_secure: bool = _variable(
        parse.flag, "false", does="No issues of Container Secure."
    )
    exclude_cloud_secure: bool = _variable(
        parse.flag, "false", fits=_something_is_left, does="No issues of Cloud Secure."
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
        parse.duration, "5m", does="How far before its mark a run reads again."
    )
    sweep_every: timedelta = _variable(
        parse.duration,
        "24h",
        does="How often every open ticket is checked on both sides. 0: never.",
    )
    create_patience: timedelta = _variable(
        parse.duration, "15m", does="How long to look for a ticket whose creation was not answered."
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
        "state folder.",
    )
    cloud_run_task_index: int = _variable(
        parse.whole(0), "0", does="Set by Cloud Run: which task of the execution this is."
    )
    cloud_run_task_count: int = _variable(
        parse.whole(1), "1", does="Set by Cloud Run: over how many tasks the work is spread."
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


GROUPS: tuple[type[ProcessSettings], ...] = (
    HaloSettings,
    JiraSettings,
    DestinationSettings,
    ScopeSettings,
    RunSettings,
    MemorySettings,
    ProcessSettings,
)
"""The groups of settings in the order in which people are told of them."""
VARIABLES: Mapping[str, Variable] = {
    name: Settings.__dataclass_fields__[name].metadata["is"]
    for group in GROUPS
    for name in group.__annotations__
}
"""By the name of their field; whatever a variable is checked against comes before it."""


SPELLINGS: Mapping[str, tuple[str, ...]] = {
    name.upper(): variable.also or (name.upper(),) for name, variable in VARIABLES.items()
}
"""Each variable with every name that it may be given by."""


SECRETS = tuple(
    spelling
    for name, variable in VARIABLES.items()
    if variable.parse in {parse.secret, parse.proxy}
    for spelling in SPELLINGS[name.upper()]
)
"""The variables whose values are never shown, by all their names."""


NEIGHBOURS = frozenset(
    {"HTTP_PROXY", "http_proxy", "ALL_PROXY", "SSL_CERT_DIR", "CLOUD_RUN_TASK_ATTEMPT"}
)
"""Variables of other programs whose names are close to ours."""


def table() -> str:
    """The documentation's table of variables, in Markdown."""
    rows = ["| variable | what it does | default |", "|---|---|---|"]
    for name, variable in VARIABLES.items():
        also = [
            spelling for spelling in SPELLINGS[name.upper()][1:] if spelling != spelling.lower()
        ]
        other = (
            f" Also read from {', '.join(f'`{spelling}`' for spelling in also)}." if also else ""
        )
        rows.append(f"| `{name.upper()}` | {variable.does}{other} | {_default(variable)} |")
    return "\n".join(rows)


def _default(variable: Variable) -> str:
    if variable.default is None:
        return "**required**"
    return f"`{variable.default}`" if variable.default else ""
