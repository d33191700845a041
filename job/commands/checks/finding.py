"""What came of one proof: what was seen, or what is wrong, where, and how it is put right.

Promises: an error names the variables that its words name, else those that its proof is about.
Does not do: any proof, or showing one.
"""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from job.console.words import explain
from job.errors import BadSettings, RemoteDown, StopsRun, SyncError

_VARIABLE = re.compile(r"\b(?:JIRA|HALO|STATE|ISSUE|STATUS|NEW|CLOSE|CA)_[A-Z_]+[A-Z]\b")
_ADDRESSES = {"jira": ("JIRA_API_URL",), "halo": ("HALO_API_HOSTNAME",), "store": ("STATE_URL",)}


class Verdict(StrEnum):
    """How a proof ended."""

    PROVEN = "proven"
    UNPROVEN = "unproven"
    """Nothing tells, or something before it has to be put right first."""
    DOUBTFUL = "doubtful"
    """A run works with it, and somebody should know."""
    WRONG = "wrong"


class Finding(Struct, frozen=True, kw_only=True):
    """One line of `check`."""

    about: str
    verdict: Verdict
    said: str
    """What was seen, as a sentence."""
    variables: tuple[str, ...] = ()
    """The settings that it is about, the likeliest first."""
    there: str = ""
    """What there is instead, or what is allowed."""
    remedy: str = ""
    """What to do, and where to click, as a sentence."""
    exit_code: int = 0

    def __str__(self) -> str:
        named = f"{', '.join(self.variables)}: " if self.variables else ""
        there = f"There is: {self.there}." if self.there else ""
        return f"{named}{' '.join(filter(None, (self.said, there, self.remedy)))}"


def proven(about: str, said: str) -> Finding:
    return Finding(about=about, verdict=Verdict.PROVEN, said=said)


def unproven(about: str, said: str) -> Finding:
    return Finding(about=about, verdict=Verdict.UNPROVEN, said=said)


def doubtful(
    about: str, said: str, *, variables: Sequence[str], there: str = "", remedy: str = ""
) -> Finding:
    return Finding(
        about=about,
        verdict=Verdict.DOUBTFUL,
        said=said,
        variables=tuple(variables),
        there=there,
        remedy=remedy,
    )


def wrong(
    about: str,
    said: str,
    *,
    variables: Sequence[str],
    there: str = "",
    remedy: str = "",
    exit_code: int = 2,
) -> Finding:
    return Finding(
        about=about,
        verdict=Verdict.WRONG,
        said=said,
        variables=tuple(variables),
        there=there,
        remedy=remedy,
        exit_code=exit_code,
    )


def of_error(error: SyncError, *, about: str, blamed: Sequence[str]) -> list[Finding]:
    """A finding for each thing that an error tells."""
    code = explain(error).exit_code
    if isinstance(error, BadSettings):
        return [
            wrong(
                about,
                problem.wrong,
                variables=(problem.variable,),
                there=problem.allowed.rstrip("."),
                exit_code=code,
            )
            for problem in error.problems
        ]
    if isinstance(error, RemoteDown):
        return [_down(error, about=about, exit_code=code)]
    said, remedy = str(error), ""
    if isinstance(error, StopsRun):
        said, remedy = f"While {error.doing}: {error.happened}", error.advice
    variables = _named((remedy, said)) or tuple(blamed)
    return [wrong(about, said, variables=variables, remedy=remedy, exit_code=code)]


def _down(error: RemoteDown, *, about: str, exit_code: int) -> Finding:
    """To wait for the next run is no advice for whoever sets a program up."""
    variables = _ADDRESSES.get(error.remote, ())
    if error.doing.endswith("/oauth/token"):
        variables = ("JIRA_TOKEN_URL",)
    remedy = (
        "Check the host name, whether this machine may reach it, and HTTPS_PROXY and CA_BUNDLE if "
        "a proxy stands between."
    )
    said = f"It could not be reached: {error.happened}"
    return wrong(about, said, variables=variables, remedy=remedy, exit_code=exit_code)


def _named(texts: Iterable[str]) -> tuple[str, ...]:
    """The variables that stand in these texts, in their order."""
    return tuple(dict.fromkeys(name for text in texts for name in _VARIABLE.findall(text)))
