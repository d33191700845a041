"""Which Jira fields a new ticket gets, and each value in its field's own type.

Promises: a value that Jira would refuse is refused here, with the values that are allowed; whatever
is wrong with the configured fields is found before the first write, all of it at once.
Does not do: asking Jira. The `CreateScreen` is read elsewhere (`jira/catalogue.py`), from the
metadata of the create screen.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from job.core.ids import EPOCH
from job.core.issues import Evidence, Issue
from job.core.shape import CreateScreen, FieldSpec, TicketSettings
from job.core.values import Value, as_listed, typed, writer_for
from job.errors import Problem, UnusableValue

# --- Halo's side ----------------------------------------------------------------------------------

HALO_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "asset_group_name": ("issue.group_name", "asset.group_name"),
    "asset_group_path": ("issue.group_path", "asset.group_path"),
    "asset_type": ("issue.asset_type",),
    "issue_critical": ("issue.critical",),
    "issue_created_at": ("issue.created_at", "issue.first_seen_at"),
    "issue_rule_key": ("issue.rule_key",),
    "issue_type": ("issue.type",),
    "issue_id": ("issue.id",),
    "issue_policy_name": ("issue.policy_name",),
    "server_csp_provider": ("asset.csp_provider", "issue.csp_account_type"),
    "server_csp_account_id": ("issue.csp_account_id", "asset.csp_account_id"),
    "server_csp_instance_id": ("issue.csp_resource_id", "asset.csp_instance_id"),
    "server_id": ("issue.asset_id",),
    "server_hostname": ("issue.asset_hostname", "issue.asset_name", "asset.hostname"),
    "server_state": ("asset.state",),
}
"""The Halo fields that can be mapped, and where each is looked for. The first place that has a
value gives it.

Only the agent knows a server's state, and calls its cloud `aws_ec2` where the issue says `aws`:
both need the asset.
"""

_SAMPLES: Final[Mapping[str, tuple[Value, ...]]] = {
    "issue_critical": (True, False),
    "issue_created_at": (EPOCH,),
}
"""Values that a mapped field will certainly have to take, for the fields that are not plain text.
"""


def read(halo_field: str, *, evidence: Evidence) -> Value | None:
    """The value of a Halo field; `None` when nothing that we know has one."""
    for place in HALO_FIELDS[halo_field]:
        thing, attribute = place.split(".")
        value: Value | None = getattr(
            getattr(evidence, thing), attribute, None
        )  # an asset may be None or Gone
        if value not in (None, ""):
            return value
    return None


def needs_asset(settings: TicketSettings, *, issue: Issue) -> bool:
    """Whether a mapped field of this issue can only be known from its asset."""
    return any(
        _needs_asset(HALO_FIELDS.get(halo_field, ()), issue=issue)
        for halo_field, _ in settings.mapping
    )


def _needs_asset(places: Iterable[str], *, issue: Issue) -> bool:
    for place in places:
        thing, attribute = place.split(".")
        if thing == "asset":
            return True
        if getattr(issue, attribute) not in (None, ""):
            return False
    return False


# --- Jira's side ----------------------------------------------------------------------------------


def filled(evidence: Evidence, *, settings: TicketSettings, screen: CreateScreen) -> dict[str, Any]:
    """The mapped and static fields of a ticket, by Jira's field id. A field for which Halo has no
    value is left out.
    """
    fields = {}
    for halo_field, name in settings.mapping:
        spec = screen.find(name)
        value = read(halo_field, evidence=evidence)
        if value is not None:
            fields[spec.id] = typed(value, spec=spec)
        elif spec.required and not spec.has_default:
            raise UnusableValue(
                f"Jira requires {spec}, and Halo gives no {halo_field} for this issue."
            )
    for name, text in settings.static:
        spec = screen.find(name)
        fields[spec.id] = typed(as_listed(text, spec=spec), spec=spec)
    return fields


# --- The configuration ----------------------------------------------------------------------------

ID_KINDS: Final = frozenset({"string", "url", "array of string"})
"""The kinds of field that can hold the Halo id and be searched for it."""

OURS: Final = frozenset({"project", "issuetype", "summary", "description"})
"""The fields that every ticket gets from us."""


def parse_pairs(text: str) -> list[tuple[str, str]]:
    r"""The pairs of `a:b;c:d`. Only the first colon of a pair separates; `\;`, `\:` and `\\` stand
    for themselves. In values `\,` and `\\` are left for whoever takes lists apart.

    Raises `ValueError` with a sentence.
    """
    pairs = []
    for pair in re.findall(r"(?:\\[\\;:]|[^;])+", text):
        if not pair.strip():
            continue
        parts = re.fullmatch(r"((?:\\[\\;:]|[^:])*+):(.*)", pair, re.DOTALL)
        if parts is None:
            raise ValueError(f'"{pair.strip()}" has no colon between a name and a value.')
        name = re.sub(r"\\([\\;:,])", r"\1", parts[1].strip())
        value = re.sub(r"\\([;:])|(\\\\)", r"\1\2", parts[2].strip())
        if not name or not value:
            raise ValueError(
                f'"{pair.strip()}" has nothing {"after" if name else "before"} its colon.'
            )
        pairs.append((name, value))
    return pairs


def check(settings: TicketSettings, *, screen: CreateScreen) -> list[Problem]:
    """Everything that is wrong with the configured fields."""
    return [
        *_unknown_halo_fields(settings),
        *_wrong_screen(screen),
        *_wrong_targets(settings, screen=screen),
        *_unfilled(settings, screen=screen),
    ]


def _unknown_halo_fields(settings: TicketSettings) -> Iterator[Problem]:
    for halo_field, _ in settings.mapping:
        if halo_field not in HALO_FIELDS:
            yield Problem(
                "JIRA_FIELD_MAPPING", f'Halo has no field "{halo_field}".', ", ".join(HALO_FIELDS)
            )


def _wrong_screen(screen: CreateScreen) -> Iterator[Problem]:
    """What every ticket needs, whatever is mapped."""
    kinds = "a single-line text, URL or labels field that this screen shows"
    if screen.id_field.id not in screen.fields:
        yield Problem(
            "JIRA_ISSUE_ID_FIELD", f"{screen} does not let {screen.id_field} be set.", kinds
        )
    elif screen.id_field.kind not in ID_KINDS or screen.id_field.id in OURS:
        wrong = f"{screen.id_field}, of type {screen.id_field.kind}, cannot hold a Halo id."
        yield Problem("JIRA_ISSUE_ID_FIELD", wrong, kinds)
    for name in ("summary", "description"):
        if name not in screen.fields:
            yield Problem(
                "JIRA_ISSUE_TYPE",
                f"{screen} has no {name}.",
                "a type whose create screen has one",
            )


def _wrong_targets(settings: TicketSettings, *, screen: CreateScreen) -> Iterator[Problem]:
    """What is wrong with each Jira field that is to be filled."""
    seen = dict.fromkeys((*OURS, screen.id_field.id), "the program itself")
    for variable, name, samples in _fillings(settings):
        matches = screen.matching(name)
        if len(matches) != 1:
            yield _not_one(name, variable=variable, matches=matches, screen=screen)
            continue
        (spec,) = matches
        if spec.id in seen:
            yield Problem(
                variable,
                f"{spec} is already filled by {seen[spec.id]}.",
                "one value for each Jira field",
            )
            continue
        seen[spec.id] = f'"{name}" in {variable}'
        yield from _misfit(spec, variable=variable, samples=samples)


def _fillings(settings: TicketSettings) -> Iterator[tuple[str, str, tuple[Value, ...]]]:
    """For each field to fill: the variable that says so, Jira's name for it, and values it must be
    able to take.
    """
    for halo_field, name in settings.mapping:
        yield "JIRA_FIELD_MAPPING", name, _SAMPLES.get(halo_field, ())
    for name, text in settings.static:
        yield "JIRA_FIELD_STATIC", name, (text,)


def _not_one(
    name: str, *, variable: str, matches: list[FieldSpec], screen: CreateScreen
) -> Problem:
    if matches:
        ids = ", ".join(spec.id for spec in matches)
        return Problem(
            variable, f'"{name}" is the name of several Jira fields.', f"one of their ids, {ids}"
        )
    names = {spec.name.casefold(): spec.name for spec in screen.fields.values()}
    close = [names[match] for match in get_close_matches(name.casefold(), names, n=3, cutoff=0.5)]
    listed = ", ".join(close) or "the name or id of a field on that screen"
    return Problem(variable, f'{screen} has no field "{name}".', listed)


def _misfit(spec: FieldSpec, *, variable: str, samples: Iterable[Value]) -> Iterator[Problem]:
    """The first value that the field cannot take, or the field itself when it can take none of
    ours.
    """
    try:
        write = writer_for(spec)
        for sample in samples:
            write(as_listed(sample, spec=spec) if isinstance(sample, str) else sample, spec)
    except UnusableValue as error:
        yield Problem(variable, str(error))


def _unfilled(settings: TicketSettings, *, screen: CreateScreen) -> Iterator[Problem]:
    """Required fields that nothing fills: every create would be refused."""
    filled_ids = {spec.id for _, name, _ in _fillings(settings) for spec in screen.matching(name)}
    for spec in screen.fields.values():
        if (
            spec.required
            and not spec.has_default
            and spec.id not in filled_ids | OURS | {screen.id_field.id}
        ):
            allowed = ", ".join(option.name for option in spec.allowed[:20])
            yield Problem(
                "JIRA_FIELD_STATIC", f"Jira requires {spec}, and nothing fills it.", allowed
            )
