"""The environment's variables as one frozen value.

Promises: every problem is found and told at once, each with its variable, what is wrong and what is
allowed; a blank variable is an unset one; no secret is ever shown, in no message and in no `repr`.
Does not do: reading secrets from where `sm://` points (`secrets.py`), or asking Jira whether its
names exist (`check`).
"""

import difflib
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from job.core.fields import HALO_FIELDS, parse_pairs
from job.errors import BadSettings, Problem
from job.state.urls import parse_url

SECRET_REFERENCE = re.compile(
    r"sm://(?P<name>projects/[^/\s]+/secrets/[\w-]{1,255})(/versions/(?P<version>[^/\s]+))?"
)
DURATION_MAX = timedelta(days=3660)


class Unfit(ValueError):
    """A text that a variable cannot take: what is wrong with it, and what is allowed. Never quotes
    a secret.
    """

    def __init__(self, wrong: str, allowed: str = "") -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that no `repr` shows."""

    text: str = field(repr=False)


# --- From text to value: one small function for each kind of variable -----------------------------


def _flag(text: str) -> bool:
    words = {
        "true": True,
        "1": True,
        "yes": True,
        "on": True,
        "false": False,
        "0": False,
        "no": False,
        "off": False,
    }
    if text.lower() not in words:
        raise Unfit(f"{text!r} is neither yes nor no.", "true, false, 1, 0, yes, no, on, off")
    return words[text.lower()]


def _whole(low: int, high: int | None = None) -> Callable[[str], int]:
    allowed = (
        f"a whole number of {low} or more"
        if high is None
        else f"a whole number from {low} to {high}"
    )

    def parse(text: str) -> int:
        if (
            not re.fullmatch(r"[0-9]{1,9}", text)
            or int(text) < low
            or (high is not None and int(text) > high)
        ):
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
        raise Unfit(
            f"{text!r} is not a project key.",
            "capital letters, digits and underscores, such as SEC",
        )
    return text


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(parse_pairs(text))
    except ValueError as error:
        raise Unfit(
            str(error), "name:value;name:value, with \\; and \\: for a plain ; and :"
        ) from error


def _mapping(text: str) -> tuple[tuple[str, str], ...]:
    pairs = _pairs(text)
    unknown = [halo_field for halo_field, _ in pairs if halo_field not in HALO_FIELDS]
    if unknown:
        raise Unfit(f"Halo has no field {', '.join(map(repr, unknown))}.", ", ".join(HALO_FIELDS))
    return pairs


def _secret(text: str) -> Secret:
    return Secret(check_secret(text))


def check_secret(text: str) -> str:
    """The text, if it can be a secret or point at one."""
    if text.startswith("sm:") and not SECRET_REFERENCE.fullmatch(text):
        raise Unfit(
            "It is not a readable reference to a secret.",
            "sm://projects/P/secrets/S or …/versions/V",
        )
    if len(text) < 4 or not text.isprintable() or " " in text:
        raise Unfit(
            "It is too short to be one, or holds blanks or control characters.",
            "the secret itself, or sm://…",
        )
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
        raise Unfit(
            "It holds a user, a password, a query or a fragment, which do not belong here.", allowed
        )
    if not re.fullmatch(r"[\w.:-]+", host) or url.scheme not in {"http", "https"}:
        raise Unfit(f"{text!r} is not a URL of an API.", allowed)
    if url.scheme == "http" and not _is_loopback(host):
        raise Unfit(
            f"{text!r} would send credentials in the clear.",
            "https, or plain http to this machine only",
        )
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


def _proxy(text: str) -> Secret | None:
    if not text:
        return None
    try:
        url = urlsplit(text)
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Unfit(
            "It is not the URL of a proxy.",
            "http://HOST:PORT, with USER:PASSWORD@ before the host if need be",
        )
    return Secret(text)


def _readable_file(text: str) -> str | None:
    if text and not Path(text).is_file():
        raise Unfit(f"{text!r} is not a file.", "the path of a file of PEM certificates")
    return text or None


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


# --- From several values to one meaning -----------------------------------------------------------

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


# --- The variables: each field is the variable of the same name in capitals -----------------------


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
    """What README's table says of it."""


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
class Settings:
    """Everything that can be configured. Names are the variables' own, in small letters."""

    halo_api_key: Secret = _variable(_secret, does="Id of a Halo API key with auditor rights.")
    halo_api_secret_key: Secret = _variable(_secret, does="Secret of that key.")
    halo_api_hostname: str = _variable(
        _halo_url,
        "api.cloudpassage.com",
        does="Host of the Halo API, or its URL; plain http only to this machine.",
    )
    jira_api_user: str = _variable(
        str, does="E-mail address of the account that the token belongs to."
    )
    jira_api_token: Secret = _variable(_secret, does="Jira API token of that account.")
    jira_api_url: str = _variable(
        _jira_url,
        does="`https://SITE.atlassian.net`, or `https://api.atlassian.com/ex/jira/CLOUD_ID` for a scoped token.",
    )
    time_range: timedelta = _variable(
        _look_back,
        "15",
        does="Minutes that the first run looks back; later runs go on where the last one ended.",
    )
    jira_issue_id_field: str = _variable(
        str, does="Jira field, by name or id, that holds the Halo issue's id."
    )
    jira_field_mapping: tuple[tuple[str, str], ...] = _variable(
        _mapping, "", does="`halo_field:Jira field;…`: Halo's values in new tickets."
    )
    jira_field_static: tuple[tuple[str, str], ...] = _variable(
        _pairs, "", does="`Jira field:value;…`: the same value in every new ticket."
    )
    jira_project_key: str = _variable(_project_key, does="Project of all new tickets.")
    jira_issue_type: str = _variable(str, does="Type of new tickets, by name or id.")
    issue_reopen_transition: str = _variable(str, does="Transition that reopens a closed ticket.")
    issue_close_transition: str = _variable(str, does="Transition that closes a ticket.")
    issue_status_closed: tuple[str, ...] = _variable(
        _names, does="Status, or several with commas: closed, and reopened if need be."
    )
    status_hard_closed: tuple[str, ...] = _variable(
        _names,
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
        does="Resolution to close with where the screen asks for one; else `Done`, else the first allowed.",
    )
    critical_only: bool = _variable(_flag, "false", does="Only critical issues.")
    no_comment: bool = _variable(_flag, "false", does="No comments for updates of open issues.")
    no_sva: bool = _variable(
        _flag, "false", does="No issues of software vulnerabilities (type `sva`)."
    )
    exclude_server_secure: bool = _variable(_flag, "false", does="No issues of Server Secure.")
    exclude_container_secure: bool = _variable(
        _flag, "false", does="No issues of Container Secure."
    )
    exclude_cloud_secure: bool = _variable(
        _flag, "false", fits=_something_is_left, does="No issues of Cloud Secure."
    )
    issue_sync_max: int = _variable(
        _whole(0), "0", does="Issues acted on in one run, oldest first; the rest waits. 0: no cap."
    )
    max_close_percent: int = _variable(
        _whole(0, 100),
        "30",
        does="Percent of the open tickets that one run may close; ten may always be closed.",
    )
    max_create: int = _variable(
        _whole(0), "0", does="Tickets that one run may create. 0: no limit."
    )
    max_reopen: int = _variable(
        _whole(0), "0", does="Tickets that one run may reopen. 0: no limit."
    )
    sweep_every: timedelta = _variable(
        duration, "24h", does="How often every open ticket is checked on both sides. 0: never."
    )
    create_patience: timedelta = _variable(
        duration, "15m", does="How long to look for a ticket whose creation was not answered."
    )
    overlap: timedelta = _variable(
        duration, "5m", does="How far before its mark a run reads again."
    )
    when_ticket_gone: str = _variable(
        _word("recreate", "report"),
        "recreate",
        does="For an open issue whose ticket was deleted: `recreate` it, or only `report`.",
    )
    when_issue_gone: str = _variable(
        _word("report", "close"),
        "report",
        does="For a ticket whose issue Halo no longer has: only `report`, or `close`.",
    )
    state_url: str = _variable(
        _state_url,
        "",
        does="Memory between runs: `sqlite:////PATH` or `firestore://PROJECT/DATABASE?prefix=P`. "
        "When unset: Firestore of the ambient project on Cloud Run, else a file in the user's state folder.",
    )
    halo_concurrency_max: int = _variable(
        _whole(1, 64),
        "10",
        does="Requests to Halo under way at once, over all tasks; each has at least one.",
    )
    jira_concurrency_max: int = _variable(
        _whole(1, 64),
        "32",
        does="Requests to Jira under way at once, over all tasks; each has at least one.",
    )
    task_timeout_s: int = _variable(
        _whole(0), "0", does="Seconds that a run may take; it stops taking work in time. 0: no end."
    )
    log_level: str = _variable(
        _word("", "debug", "info", "warning", "error"),
        "",
        does="`debug`, `info`, `warning` or `error`; `warning` on a terminal, else `info`.",
    )
    https_proxy: Secret | None = _variable(
        _proxy,
        "",
        also=("HTTPS_PROXY", "https_proxy"),
        does="Proxy for both remotes, as URL. `NO_PROXY` is honoured.",
    )
    ca_bundle: str | None = _variable(
        _readable_file,
        "",
        also=("CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
        does="File of PEM certificates to trust.",
    )
    cloud_run_task_index: int = _variable(
        _whole(0), "0", does="Set by Cloud Run: which task of the execution this is."
    )
    cloud_run_task_count: int = _variable(
        _whole(1), "1", does="Set by Cloud Run: over how many tasks the work is spread."
    )
    cloud_run_execution: str = _variable(str, "", does="Set by Cloud Run: names the execution.")

    @property
    def references(self) -> dict[str, str]:
        """The secrets that are still to be read from Secret Manager: field and reference."""
        return {name: text for name, text in self._secrets.items() if text.startswith("sm://")}

    def with_secrets(self, told: Mapping[str, str]) -> "Settings":
        """The same, with other texts in the fields of these names."""
        return Settings(**{**vars(self), **{name: Secret(text) for name, text in told.items()}})

    @property
    def spoken_secrets(self) -> list[str]:
        """Every text that is a secret: each by itself, and in the pairs of which HTTP Basic makes
        one text.
        """
        halo = f"{self.halo_api_key.text}:{self.halo_api_secret_key.text}"
        jira = f"{self.jira_api_user}:{self.jira_api_token.text}"
        proxy = urlsplit(self.https_proxy.text if self.https_proxy else "")
        password = unquote(proxy.password or "")
        pair = f"{unquote(proxy.username or '')}:{password}" if password else ""
        return [*self._secrets.values(), halo, jira, password, pair]

    @property
    def _secrets(self) -> dict[str, str]:
        return {name: value.text for name, value in vars(self).items() if isinstance(value, Secret)}

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


# --- From the environment to settings -------------------------------------------------------------

VARIABLES: Mapping[str, Variable] = {one.name: one.metadata["is"] for one in fields(Settings)}
"""By the name of their field."""
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    name.upper(): variable.also or (name.upper(),) for name, variable in VARIABLES.items()
}
"""Each variable with every name that it may be given by."""
SECRETS = tuple(
    spelling
    for name, variable in VARIABLES.items()
    if variable.parse in {_secret, _proxy}
    for spelling in SPELLINGS[name.upper()]
)
"""The variables whose values are never shown, by all their names."""
NEIGHBOURS = frozenset(
    {"HTTP_PROXY", "http_proxy", "ALL_PROXY", "SSL_CERT_DIR", "CLOUD_RUN_TASK_ATTEMPT"}
)
"""Variables of other programs whose names are close to ours."""


def load(environ: Mapping[str, str]) -> Settings:
    """The settings that the environment describes. Raises `BadSettings` with every problem there
    is.
    """
    given = {name: text.strip() for name, text in environ.items() if text.strip()}
    given.setdefault("STATE_URL", _default_state_url(given))
    values: dict[str, Any] = {}
    problems = []
    for name, variable in VARIABLES.items():
        text = next(
            (given[spelling] for spelling in SPELLINGS[name.upper()] if spelling in given),
            variable.default,
        )
        try:
            if text is None:
                raise _missing(name.upper(), given)
            value = variable.parse(text)
            variable.fits(value, values)
            values[name] = value
        except Unfit as unfit:
            problems.append(Problem(name.upper(), unfit.wrong, unfit.allowed))
    problems += _contradictions(given)
    if problems:
        raise BadSettings(problems)
    return Settings(**values)


def misspelled(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that nobody reads but whose names are nearly ours, each with the one that was
    probably meant.
    """
    ours = [spelling for spellings in SPELLINGS.values() for spelling in spellings]
    strangers = (name for name in environ if name not in ours and name not in NEIGHBOURS)
    close = {name: difflib.get_close_matches(name, ours, n=1, cutoff=0.87) for name in strangers}
    return {name: matches[0] for name, matches in close.items() if matches}


def table() -> str:
    """The table of variables for README, in Markdown."""
    rows = ["| variable | what it does | default |", "|---|---|---|"]
    for name, variable in VARIABLES.items():
        also = [
            spelling for spelling in SPELLINGS[name.upper()][1:] if spelling != spelling.lower()
        ]
        other = (
            f" Also read from {', '.join(f'`{spelling}`' for spelling in also)}." if also else ""
        )
        default = (
            "**required**"
            if variable.default is None
            else f"`{variable.default}`"
            if variable.default
            else ""
        )
        rows.append(f"| `{name.upper()}` | {variable.does}{other} | {default} |")
    return "\n".join(rows)


def _default_state_url(environ: Mapping[str, str]) -> str:
    if "CLOUD_RUN_JOB" in environ:
        return "firestore://"
    folder = Path(
        environ.get("XDG_STATE_HOME")
        or Path(environ.get("HOME") or Path.home()) / ".local" / "state"
    )
    return f"sqlite:///{folder.absolute() / 'halo-jira-sync' / 'state.db'}"


def _contradictions(given: Mapping[str, str]) -> list[Problem]:
    """Two spellings of the hard-closed statuses that disagree: nobody could say which was meant."""
    spellings = [spelling for spelling in SPELLINGS["STATUS_HARD_CLOSED"] if spelling in given]
    if len({given[spelling] for spelling in spellings}) < 2:
        return []
    return [
        Problem(
            spellings[0], f"{' and '.join(spellings)} differ.", "one of them, or the same in all"
        )
    ]


def _missing(variable: str, given: Mapping[str, str]) -> Unfit:
    slips = {meant: name for name, meant in misspelled(given).items()}
    slip = f" {slips[variable]} is set: a misspelling?" if variable in slips else ""
    return Unfit(f"It is not set.{slip} It is needed: {VARIABLES[variable.lower()].does}")
