"""The environment's variables as one frozen value.

Promises: every problem is found and told at once, each with its variable, what is wrong and what is allowed; a blank
variable is an unset one; no secret is ever shown, in no message and in no `repr`.
Does not do: reading secrets from where `sm://` points (`secrets.py`), or asking Jira whether its names exist (`check`).
"""

import difflib
import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from job.core.fields import HALO_FIELDS, parse_pairs
from job.errors import BadSettings, Problem
from job.state.urls import parse_url

SECRET_REFERENCE = re.compile(r"sm://(?P<name>projects/[^/\s]+/secrets/[\w-]{1,255})(/versions/(?P<version>[^/\s]+))?")
DURATION_MAX = timedelta(days=3660)


class Unfit(ValueError):
    """A text that a variable cannot take: what is wrong with it, and what is allowed. Never quotes a secret."""

    def __init__(self, wrong: str, allowed: str = "") -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.allowed = allowed


# --- From text to value: one small function for each kind of variable -----------------------------------------------


def _flag(text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if text.lower() not in words:
        raise Unfit(f"{text!r} is neither yes nor no.", "true, false, 1, 0, yes, no, on, off")
    return words[text.lower()]


def _whole(low: int, high: int | None = None) -> Callable[[str], int]:
    allowed = f"a whole number of {low} or more" if high is None else f"a whole number from {low} to {high}"

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < low or (high is not None and int(text) > high):
            raise Unfit(f"{text!r} is out of range or not a number.", allowed)
        return int(text)

    return parse


def duration(text: str, *, bare: str = "s") -> timedelta:
    """A length of time as people write it; a bare number counts seconds, or what `bare` says."""
    matched = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([smhd]?)", text.lower())
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    allowed = f"a duration such as 90s, 15m, 24h or 7d, or bare {units[bare]}; at most {DURATION_MAX.days}d"
    if not matched:
        raise Unfit(f"{text!r} is not a duration.", allowed)
    value = timedelta(**{units[matched[2] or bare]: float(matched[1])})
    if value > DURATION_MAX:
        raise Unfit(f"{text!r} is too long.", allowed)
    return value


def _look_back(text: str) -> timedelta:
    value = duration(text, bare="m")
    if not value:
        raise Unfit("0 would look at nothing.", "minutes of look-back, 1 or more")
    return value


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if text and not names:
        raise Unfit(f"{text!r} names nothing.", "one name, or several with commas between them")
    return names


def _project_key(text: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]+", text):
        raise Unfit(f"{text!r} is not a project key.", "capital letters, digits and underscores, such as SEC")
    return text


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(parse_pairs(text))
    except ValueError as error:
        raise Unfit(str(error), "name:value;name:value, with \\; and \\: for a plain ; and :") from error


def _mapping(text: str) -> tuple[tuple[str, str], ...]:
    pairs = _pairs(text)
    unknown = [halo_field for halo_field, _ in pairs if halo_field not in HALO_FIELDS]
    if unknown:
        raise Unfit(f"Halo has no field {', '.join(map(repr, unknown))}.", ", ".join(HALO_FIELDS))
    return pairs


def check_secret(text: str) -> str:
    """The text, if it can be a secret or point at one."""
    if text.startswith("sm:") and not SECRET_REFERENCE.fullmatch(text):
        raise Unfit("It is not a readable reference to a secret.", "sm://projects/P/secrets/S or …/versions/V")
    if len(text) < 4 or not text.isprintable() or " " in text:
        raise Unfit("It is too short to be one, or holds blanks or control characters.", "the secret itself, or sm://…")
    return text


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _split_url(text: str, allowed: str) -> SplitResult:
    """A URL taken apart; whatever could hide a secret in it is refused without being quoted."""
    try:
        url = urlsplit(text if "://" in text else f"https://{text}")
        host, _ = url.hostname or "", url.port
    except ValueError:
        raise Unfit("It is not a readable URL.", allowed) from None
    if url.username or url.password or url.query or url.fragment:
        raise Unfit("It holds a user, a password, a query or a fragment, which do not belong here.", allowed)
    if not re.fullmatch(r"[\w.:-]+", host) or url.scheme not in {"http", "https"}:
        raise Unfit(f"{text!r} is not a URL of an API.", allowed)
    if url.scheme == "http" and not _is_loopback(host):
        raise Unfit(f"{text!r} would send credentials in the clear.", "https, or plain http to this machine only")
    return url


def _halo_url(text: str) -> str:
    allowed = "a host name such as api.cloudpassage.com, or https://HOST"
    url = _split_url(text, allowed)
    if url.path.strip("/"):
        raise Unfit(f"{text!r} has a path.", allowed)
    return f"{url.scheme}://{url.netloc}"


def _jira_url(text: str) -> str:
    allowed = "https://SITE.atlassian.net, or https://api.atlassian.com/ex/jira/CLOUD_ID for a scoped token"
    url = _split_url(text, allowed)
    path = re.sub(r"/rest(/.*)?$", "", url.path).rstrip("/")
    if path and not re.fullmatch(r"/ex/jira/[\w-]+", path):
        raise Unfit(f"{text!r} has a path that is no API's.", allowed)
    if url.hostname == "api.atlassian.com" and not path:
        raise Unfit(f"{text!r} does not say which site.", allowed)
    return f"{url.scheme}://{url.netloc}{path}"


def _proxy(text: str) -> str:
    try:
        url = urlsplit(text)
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Unfit("It is not the URL of a proxy.", "http://HOST:PORT, with USER:PASSWORD@ before the host if need be")
    return text


def _readable_file(text: str) -> str:
    if not Path(text).is_file():
        raise Unfit(f"{text!r} is not a file.", "the path of a file of PEM certificates")
    return text


def _state_url(text: str) -> str:
    try:
        parse_url(text)
    except BadSettings as error:
        raise Unfit(error.problems[0].wrong, error.problems[0].allowed) from None
    return text


def _word(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in words:
            raise Unfit(f"{text!r} is not one of the words.", ", ".join(filter(None, words)))
        return text.lower()

    return parse


Flag = Annotated[bool, BeforeValidator(_flag)]
Count = Annotated[int, BeforeValidator(_whole(0))]
Workers = Annotated[int, BeforeValidator(_whole(1, 64))]
Percent = Annotated[int, BeforeValidator(_whole(0, 100))]
Duration = Annotated[timedelta, BeforeValidator(duration)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Secret = Annotated[SecretStr, BeforeValidator(check_secret)]


# --- The variables: each field is the variable of the same name in capitals -----------------------------------------


def _variable(default: object = ..., *, also: tuple[str, ...] = (), does: str) -> Any:
    """A field with its default in the words that a person would write, and what README's table says of it."""
    return Field(default, validation_alias=AliasChoices(*also) if also else None, description=does)


class Settings(BaseModel):
    """Everything that can be configured. Names are the variables' own, in small letters."""

    model_config = ConfigDict(
        frozen=True, alias_generator=str.upper, validate_default=True, hide_input_in_errors=True, extra="ignore"
    )

    halo_api_key: Secret = _variable(does="Id of a Halo API key with auditor rights.")
    halo_api_secret_key: Secret = _variable(does="Secret of that key.")
    halo_api_hostname: Annotated[str, BeforeValidator(_halo_url)] = _variable(
        "api.cloudpassage.com", does="Host of the Halo API, or its URL; plain http only to this machine."
    )
    jira_api_user: str = _variable(does="E-mail address of the account that the token belongs to.")
    jira_api_token: Secret = _variable(does="Jira API token of that account.")
    jira_api_url: Annotated[str, BeforeValidator(_jira_url)] = _variable(
        does="`https://SITE.atlassian.net`, or `https://api.atlassian.com/ex/jira/CLOUD_ID` for a scoped token."
    )
    time_range: Annotated[timedelta, BeforeValidator(_look_back)] = _variable(
        "15", does="Minutes that the first run looks back; later runs go on where the last one ended."
    )
    jira_issue_id_field: str = _variable(does="Jira field, by name or id, that holds the Halo issue's id.")
    jira_field_mapping: Annotated[tuple[tuple[str, str], ...], BeforeValidator(_mapping)] = _variable(
        "", does="`halo_field:Jira field;…`: Halo's values in new tickets."
    )
    jira_field_static: Annotated[tuple[tuple[str, str], ...], BeforeValidator(_pairs)] = _variable(
        "", does="`Jira field:value;…`: the same value in every new ticket."
    )
    jira_project_key: Annotated[str, BeforeValidator(_project_key)] = _variable(does="Project of all new tickets.")
    jira_issue_type: str = _variable(does="Type of new tickets, by name or id.")
    issue_reopen_transition: str = _variable(does="Transition that reopens a closed ticket.")
    issue_close_transition: str = _variable(does="Transition that closes a ticket.")
    issue_status_closed: Names = _variable(does="Status, or several with commas: closed, and reopened if need be.")
    status_hard_closed: Names = _variable(
        "",
        also=("STATUS_HARD_CLOSED", "ISSUE_STATUS_HARD_CLOSED", "HARD_CLOSED_STATUS"),
        does="Statuses never to be reopened: an issue that comes back gets a new ticket.",
    )
    new_issue_status: str = _variable("", does="Status that a new ticket is moved to, if it does not start there.")
    close_resolution: str = _variable(
        "", does="Resolution to close with where the screen asks for one; else `Done`, else the first allowed."
    )
    critical_only: Flag = _variable("false", does="Only critical issues.")
    no_comment: Flag = _variable("false", does="No comments for updates of open issues.")
    no_sva: Flag = _variable("false", does="No issues of software vulnerabilities (type `sva`).")
    exclude_server_secure: Flag = _variable("false", does="No issues of Server Secure.")
    exclude_container_secure: Flag = _variable("false", does="No issues of Container Secure.")
    exclude_cloud_secure: Flag = _variable("false", does="No issues of Cloud Secure.")
    issue_sync_max: Count = _variable("0", does="Issues acted on in one run, oldest first; the rest waits. 0: no cap.")
    max_close_percent: Percent = _variable(
        "30", does="Percent of the open tickets that one run may close; ten may always be closed."
    )
    max_create: Count = _variable("0", does="Tickets that one run may create. 0: no limit.")
    max_reopen: Count = _variable("0", does="Tickets that one run may reopen. 0: no limit.")
    sweep_every: Duration = _variable("24h", does="How often every open ticket is checked on both sides. 0: never.")
    create_patience: Duration = _variable("15m", does="How long to look for a ticket whose creation was not answered.")
    overlap: Duration = _variable("5m", does="How far before its mark a run reads again.")
    when_ticket_gone: Annotated[Literal["recreate", "report"], BeforeValidator(_word("recreate", "report"))] = (
        _variable("recreate", does="For an open issue whose ticket was deleted: `recreate` it, or only `report`.")
    )
    when_issue_gone: Annotated[Literal["report", "close"], BeforeValidator(_word("report", "close"))] = _variable(
        "report", does="For a ticket whose issue Halo no longer has: only `report`, or `close`."
    )
    state_url: Annotated[str, BeforeValidator(_state_url)] = _variable(
        "",
        does="Memory between runs: `sqlite:////PATH` or `firestore://PROJECT/DATABASE?prefix=P`. "
        "When unset: Firestore of the ambient project on Cloud Run, else a file in the user's state folder.",
    )
    halo_concurrency_max: Workers = _variable("10", does="Requests to Halo under way at once, over all tasks.")
    jira_concurrency_max: Workers = _variable("32", does="Requests to Jira under way at once, over all tasks.")
    task_timeout_s: Count = _variable("0", does="Seconds that a run may take; it stops taking work in time. 0: no end.")
    log_level: Annotated[str, BeforeValidator(_word("", "debug", "info", "warning", "error"))] = _variable(
        "", does="`debug`, `info`, `warning` or `error`; `warning` on a terminal, else `info`."
    )
    https_proxy: Annotated[SecretStr, BeforeValidator(_proxy)] | None = _variable(
        None, also=("HTTPS_PROXY", "https_proxy"), does="Proxy for both remotes, as URL. `NO_PROXY` is honoured."
    )
    ca_bundle: Annotated[str, BeforeValidator(_readable_file)] | None = _variable(
        None, also=("CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), does="File of PEM certificates to trust."
    )
    cloud_run_task_index: Count = _variable("0", does="Set by Cloud Run: which task of the execution this is.")
    cloud_run_task_count: Annotated[int, BeforeValidator(_whole(1))] = _variable(
        "1", does="Set by Cloud Run: over how many tasks the work is spread."
    )
    cloud_run_execution: str = _variable("", does="Set by Cloud Run: names the execution.")

    @field_validator("status_hard_closed")
    @classmethod
    def _closed_means_one_thing(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        both = _same(value, info.data.get("issue_status_closed", ()))
        if both:
            raise Unfit(
                f"{', '.join(both)} is in ISSUE_STATUS_CLOSED as well.",
                "statuses of one kind only: reopened, or followed by a new ticket",
            )
        return value

    @field_validator("new_issue_status")
    @classmethod
    def _new_is_not_closed(cls, value: str, info: ValidationInfo) -> str:
        if _same((value,), (*info.data.get("issue_status_closed", ()), *info.data.get("status_hard_closed", ()))):
            raise Unfit(f"{value!r} is a closed status: each new ticket would be reopened.", "a status of open tickets")
        return value

    @field_validator("exclude_cloud_secure")
    @classmethod
    def _something_is_left(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 -- pydantic calls it so
        if value and info.data.get("exclude_server_secure") and info.data.get("exclude_container_secure"):
            raise Unfit("All three modules are excluded: nothing is left to do.", "true for two of them at most")
        return value

    @property
    def references(self) -> dict[str, str]:
        """The secrets that are still to be read from Secret Manager: field and reference."""
        return {name: text for name, text in self._secrets.items() if text.startswith("sm://")}

    @property
    def spoken_secrets(self) -> list[str]:
        """Every text that is a secret: each by itself, and in the pairs of which HTTP Basic makes one text."""
        halo = f"{self.halo_api_key.get_secret_value()}:{self.halo_api_secret_key.get_secret_value()}"
        jira = f"{self.jira_api_user}:{self.jira_api_token.get_secret_value()}"
        proxy = urlsplit(self.https_proxy.get_secret_value() if self.https_proxy else "")
        password = unquote(proxy.password or "")
        pair = f"{unquote(proxy.username or '')}:{password}" if password else ""
        return [*self._secrets.values(), halo, jira, password, pair]

    @property
    def _secrets(self) -> dict[str, str]:
        return {name: value.get_secret_value() for name, value in self if isinstance(value, SecretStr)}

    @property
    def digest(self) -> str:
        """Of all that can change how an issue fares: not the secrets, and not which execution of Cloud Run this is."""
        chosen = {
            name: value for name, value in self if not (isinstance(value, SecretStr) or name.startswith("cloud_"))
        }
        return hashlib.sha256(repr(sorted(chosen.items())).encode()).hexdigest()[:16]


def _same(names: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    known = {name.casefold() for name in others}
    return [name for name in names if name.casefold() in known]


# --- From the environment to settings -------------------------------------------------------------------------------

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    name.upper(): tuple(map(str, info.validation_alias.choices))
    if isinstance(info.validation_alias, AliasChoices)
    else (name.upper(),)
    for name, info in Settings.model_fields.items()
}
"""Each variable with every name that it may be given by; where several are set, the first of them counts."""
SECRETS = tuple(
    spelling
    for name, info in Settings.model_fields.items()
    if "SecretStr" in str(info.annotation)
    for spelling in SPELLINGS[name.upper()]
)
"""The variables whose values are never shown, by all their names."""
NEIGHBOURS = frozenset({"HTTP_PROXY", "http_proxy", "ALL_PROXY", "SSL_CERT_DIR", "CLOUD_RUN_TASK_ATTEMPT"})
"""Variables of other programs whose names are close to ours."""


def load(environ: Mapping[str, str]) -> Settings:
    """The settings that the environment describes. Raises `BadSettings` with every problem there is."""
    given = {name: text.strip() for name, text in environ.items() if text.strip()}
    given.setdefault("STATE_URL", _default_state_url(given))
    problems = _contradictions(given)
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        slips = {meant: name for name, meant in misspelled(given).items()}
        raise BadSettings([*(_problem(fault, slips) for fault in error.errors()), *problems]) from None
    if problems:
        raise BadSettings(problems)
    return settings


def misspelled(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that nobody reads but whose names are nearly ours, each with the one that was probably meant."""
    ours = [spelling for spellings in SPELLINGS.values() for spelling in spellings]
    strangers = (name for name in environ if name not in ours and name not in NEIGHBOURS)
    close = {name: difflib.get_close_matches(name, ours, n=1, cutoff=0.87) for name in strangers}
    return {name: matches[0] for name, matches in close.items() if matches}


def table() -> str:
    """The table of variables for README, in Markdown."""
    rows = ["| variable | what it does | default |", "|---|---|---|"]
    for name, info in Settings.model_fields.items():
        also = [spelling for spelling in SPELLINGS[name.upper()][1:] if spelling != spelling.lower()]
        other = f" Also read from {', '.join(f'`{spelling}`' for spelling in also)}." if also else ""
        default = "**required**" if info.is_required() else f"`{info.default}`" if info.default else ""
        rows.append(f"| `{name.upper()}` | {info.description}{other} | {default} |")
    return "\n".join(rows)


def _default_state_url(environ: Mapping[str, str]) -> str:
    if "CLOUD_RUN_JOB" in environ:
        return "firestore://"
    folder = Path(environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or Path.home()) / ".local" / "state")
    return f"sqlite:///{folder.absolute() / 'halo-jira-sync' / 'state.db'}"


def _contradictions(given: Mapping[str, str]) -> list[Problem]:
    """Two spellings of the hard-closed statuses that disagree: nobody could say which was meant."""
    spellings = [spelling for spelling in SPELLINGS["STATUS_HARD_CLOSED"] if spelling in given]
    if len({given[spelling] for spelling in spellings}) < 2:
        return []
    return [Problem(spellings[0], f"{' and '.join(spellings)} differ.", "one of them, or the same in all")]


def _problem(fault: Mapping[str, Any], slips: Mapping[str, str]) -> Problem:
    variable = str(fault["loc"][0])
    if fault["type"] == "missing":
        does = Settings.model_fields[variable.lower()].description
        slip = f" {slips[variable]} is set: a misspelling?" if variable in slips else ""
        return Problem(variable, f"It is not set.{slip} It is needed: {does}")
    unfit = fault["ctx"]["error"]
    return Problem(variable, unfit.wrong, unfit.allowed)
