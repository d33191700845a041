"""From the text of a variable to its value: one small function for each kind of variable.

Promises: each raises `Unfit` with what is wrong and what is allowed, and never quotes a secret.
Does not do: what one variable says about another (`variable.py`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from job.core import templates
from job.core.fields import parse_pairs
from job.core.values import split_list, unescaped
from job.errors import BadSettings
from job.state.urls import parse_url

SECRET_REFERENCE = re.compile(
    r"sm://(?P<name>projects/[^/\s]+/secrets/[\w-]{1,255})(/versions/(?P<version>[^/\s]+))?"
)
BETWEEN = "\0"
"""Stands after each of several secrets that were read for one setting."""
DURATION_MAX = timedelta(days=3660)
CVSS_MAX = 10.0
OVERLAP_MIN = timedelta(minutes=2)
CREATE_PATIENCE_MIN = timedelta(minutes=20)


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


def flag(text: str) -> bool:
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


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
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
    allowed = f"a duration such as 90s, 15m, 24h or 7d, or bare {units[bare]}; at most "
    allowed += f"{DURATION_MAX.days}d"
    if not matched:
        raise Unfit(f"{text!r} is not a duration.", allowed)
    value = timedelta(**{units[matched[2] or bare]: float(matched[1])})
    if value > DURATION_MAX:
        raise Unfit(f"{text!r} is too long.", allowed)
    return value


def overlap(text: str) -> timedelta:
    """A minute by which our clock and Halo's may differ, and another for what Halo shows late."""
    because = "clocks may differ by a minute, and Halo may show a change a little late"
    return _at_least(OVERLAP_MIN, text, because=because)


def create_patience(text: str) -> timedelta:
    """A write may have its effect twenty minutes after it was sent."""
    because = "Jira may make a ticket as late as that, and a second one would be made meanwhile"
    return _at_least(CREATE_PATIENCE_MIN, text, because=because)


def _at_least(low: timedelta, text: str, *, because: str) -> timedelta:
    value = duration(text)
    if value < low:
        minutes = f"{low.total_seconds() / 60:.0f}m"
        raise Unfit(f"{text!r} is less than {minutes}: {because}.", f"{minutes} or more")
    return value


def look_back(text: str) -> timedelta:
    value = duration(text, bare="m")
    if not value:
        raise Unfit("0 would look at nothing.", "minutes of look-back, 1 or more")
    return value


def days(text: str) -> timedelta:
    return duration(text, bare="d")


def score(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,2})?", text) or float(text) > CVSS_MAX:
        raise Unfit(f"{text!r} is no number of points.", "a number from 0 to 10, such as 1.5")
    return float(text)


def names(text: str) -> tuple[str, ...]:
    r"""Several, with commas between them; `\,` is a comma in a name."""
    found = tuple(dict.fromkeys(split_list(text)))
    if text and not found:
        allowed = "one name, or several with commas between them and \\, for a plain comma"
        raise Unfit(f"{text!r} names nothing.", allowed)
    return found


def project_key(text: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]+", text):
        raise Unfit(
            f"{text!r} is not a project key.",
            "capital letters, digits and underscores, such as SEC",
        )
    return text


def pairs(text: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(parse_pairs(text))
    except ValueError as error:
        raise Unfit(
            str(error), "name:value;name:value, with \\; \\: and \\, for a plain ; : and ,"
        ) from error


def mapping(text: str) -> tuple[tuple[str, str], ...]:
    mapped = tuple((halo, unescaped(field)) for halo, field in pairs(text))
    for halo, _ in mapped:
        try:
            templates.parse_mapped(halo)
        except ValueError as error:
            wrong, _, allowed = str(error).partition(" Perhaps: ")
            raise Unfit(wrong, allowed.rstrip(".")) from None
    return mapped


def secret(text: str) -> Secret:
    return Secret(check_secret(text))


def optional_secret(text: str) -> Secret | None:
    return secret(text) if text else None


def key_id(text: str) -> Secret:
    """The id of a key: no secret by itself, but it may be kept with the secret that it has."""
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


def split_url(text: str, allowed: str) -> SplitResult:
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


def halo_url(text: str) -> str:
    allowed = "a host name such as api.cloudpassage.com, or https://HOST"
    url = split_url(text, allowed)
    if url.path.strip("/"):
        raise Unfit(f"{text!r} has a path.", allowed)
    return f"{url.scheme}://{url.netloc}"


def jira_url(text: str) -> str:
    allowed = "https://SITE.atlassian.net, or https://api.atlassian.com/ex/jira/CLOUD_ID"
    url = split_url(text, allowed)
    path = re.sub(r"/rest(/.*)?$", "", url.path).rstrip("/")
    if path and not re.fullmatch(r"/ex/jira/[\w-]+", path):
        raise Unfit(f"{text!r} has a path that is no API's.", allowed)
    if url.hostname == "api.atlassian.com" and not path:
        raise Unfit(f"{text!r} does not say which site.", allowed)
    return f"{url.scheme}://{url.netloc}{path}"


def token_url(text: str) -> str:
    url = split_url(text, "https://HOST/PATH, such as https://auth.atlassian.com/oauth/token")
    return f"{url.scheme}://{url.netloc}{url.path}"


def gateway_url(text: str) -> str:
    allowed = "https://HOST without a path, such as https://api.atlassian.com"
    url = split_url(text, allowed)
    if url.path.strip("/"):
        raise Unfit(f"{text!r} has a path.", allowed)
    return f"{url.scheme}://{url.netloc}"


def proxy(text: str) -> Secret | None:
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


def state_url(text: str) -> str:
    try:
        parse_url(text)
    except BadSettings as error:
        raise Unfit(error.problems[0].wrong, error.problems[0].allowed) from None
    return text


def word(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in words:
            raise Unfit(f"{text!r} is not one of the words.", ", ".join(filter(None, words)))
        return text.lower()

    return parse
