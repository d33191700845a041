"""Reads the environment's variables into one frozen value, and tells all that is wrong at once.

Promises: every problem is found and told at once, each with its variable, what is wrong and what is
allowed; a blank variable is an unset one; no secret is ever shown, in no message and in no `repr`.
Does not do: reading secrets from where `sm://` points (`secrets.py`), or asking Jira whether its
names exist (`check`).
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from job.errors import BadSettings, Problem
from job.settings.basics import ProcessSettings
from job.settings.bound import overridden
from job.settings.parse import Unfit
from job.settings.table import FORMER, NEIGHBOURS, SPELLINGS, VARIABLES
from job.settings.variables import Settings
from job.settings.vendors import API_TOKEN, sign_in_problems

S = TypeVar("S", bound=ProcessSettings)
_OURS = frozenset(spelling for spellings in SPELLINGS.values() for spelling in spellings)


def load(environ: Mapping[str, str]) -> Settings:
    """All settings, as the environment describes them. Raises `BadSettings` with every problem
    there is.
    """
    return load_kind(Settings, environ)


def load_kind(kind: type[S], environ: Mapping[str, str]) -> S:
    """The settings of this kind alone; what belongs to none of its groups is not asked for. Raises
    `BadSettings` with every problem there is.
    """
    if others := [*overridden(environ, ours=_OURS)]:
        raise BadSettings(others)
    given = {name: text.strip() for name, text in environ.items() if text.strip()}
    given.setdefault("STATE_URL", _default_state_url(given))
    values: dict[str, Any] = {}
    problems = []
    asked_for = {field.name for field in fields(kind)}
    for name, variable in VARIABLES.items():
        if name not in asked_for:
            continue
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
    if "jira_api_token" in asked_for:
        problems += [_with_slips(problem, given) for problem in sign_in_problems(given)]
    if problems:
        raise BadSettings(problems)
    return kind(**values)


def misspelled(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that nobody reads but whose names are nearly ours, each with the one that was
    probably meant.
    """
    strangers = (name for name in environ if name not in _OURS and name not in NEIGHBOURS)
    meant = {name: _meant(name, among=sorted(_OURS)) for name in strangers}
    return {name: likely for name, likely in meant.items() if likely}


def _meant(name: str, *, among: Sequence[str]) -> str:
    """What somebody probably meant by this name: what the original called it, a name of ours with
    its words in another order, or one that is spelled nearly so; "" when none is.
    """
    if name.upper() in FORMER:
        return FORMER[name.upper()]
    words = sorted(name.upper().split("_"))
    swapped = [ours for ours in among if sorted(ours.upper().split("_")) == words]
    close = difflib.get_close_matches(name, among, n=1, cutoff=0.87)
    return next(iter([*swapped, *close]), "")


def _default_state_url(environ: Mapping[str, str]) -> str:
    if "CLOUD_RUN_JOB" in environ or "K_SERVICE" in environ:
        return "firestore://"
    folder = Path(
        environ.get("XDG_STATE_HOME")
        or Path(environ.get("HOME") or Path.home()) / ".local" / "state"
    )
    folder = folder.absolute() / "halo-jira-sync"
    if (folder / "state.db").exists():
        return f"sqlite:///{folder / 'state.db'}"  # where it was before files were named by site
    return f"sqlite:///{folder / f'{_site(environ)}.db'}"


def _site(environ: Mapping[str, str]) -> str:
    """A name for a file of the site's own: its host, or the id that a gateway's address ends in."""
    host, _, path = environ.get("JIRA_API_URL", "").rpartition("://")[2].partition("/")
    named = path.rpartition("ex/jira/")[2] or host
    return re.sub(r"[^\w.-]", "_", named.partition("/")[0]) or "state"


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


def _with_slips(problem: Problem, given: Mapping[str, str]) -> Problem:
    """The same, with what is set that was meant to sign in to Jira and is not read."""
    slips = {name: meant for name, meant in misspelled(given).items() if meant in API_TOKEN}
    if not slips:
        return problem
    told = " and ".join(f"{name} where {meant} is meant" for name, meant in slips.items())
    return Problem(problem.variable, f"{problem.wrong} Set is {told}.", problem.allowed)
