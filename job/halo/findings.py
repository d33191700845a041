"""Reads the bodies of findings and events: the evidence behind an issue.

Promises: each kind of issue has its reader; a body that lacks what makes it a finding of that kind
is a `MalformedAnswer` that names what is missing, and can still be read as it comes (`other`).
Does not do: single values (`values.py`), or fetching the pages of a finding (`client.py`).

The shapes come from captured answers and calling code in public repositories; `FACTS.md` names them
one by one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, assert_never

from job.core.findings import (
    Check,
    CsmFinding,
    Cve,
    FileChange,
    FileState,
    FimFinding,
    Finding,
    LidsEvent,
    OtherFinding,
    SvaFinding,
)
from job.core.issues import IssueKind
from job.halo.values import (
    Body,
    instant,
    malformed,
    number,
    object_of,
    prose,
    rows_of,
    some_list,
    some_objects,
    text,
)

Reader = Callable[[Sequence[Body]], Finding]
"""Makes a finding of the pages of its body; only a fim finding has several."""

ROWS_MAX: Final = 200
"""Values that are kept of a finding whose shape is not known."""
_DEPTH_MAX: Final = 6
_VALUE_MAX: Final = 4_000


def reader(kind: IssueKind) -> Reader:
    """What reads the evidence behind issues of this kind.

    Of sam, fw and agent nobody has published one, so theirs is taken as it comes.
    """
    match kind:
        case IssueKind.CSM:
            return _csm
        case IssueKind.FIM:
            return _fim
        case IssueKind.SVA | IssueKind.IMAGE_SVA:
            return _sva
        case IssueKind.LIDS:
            return _lids
        case IssueKind.SAM | IssueKind.FW | IssueKind.AGENT | IssueKind.OTHER:
            return other
        case _:
            assert_never(kind)


# --- Shapes that are known ------------------------------------------------------------------------


def _csm(bodies: Sequence[Body]) -> CsmFinding:
    (body,) = bodies
    checks = rows_of(_with(body, "details", kind="csm"), "details")
    return CsmFinding(
        description=prose(body.get("rule_description")),
        checks=tuple(map(_check, checks)),
        operator=text(body.get("rule_operator")).upper(),
        references=tuple(filter(None, map(_reference, some_list(body, "reference_identifiers")))),
    )


def _reference(entry: Any) -> str:
    """Such as `CIS 5.2.8`. Only empty lists were ever captured, so both likely forms are read."""
    return " ".join(map(text, entry.values())) if isinstance(entry, dict) else text(entry)


def _check(check: Body) -> Check:
    """`config_key` narrows the target, such as one option of a configuration file."""
    return Check(
        type=text(check.get("type")),
        target=" ".join(filter(None, (text(check.get("target")), text(check.get("config_key"))))),
        expected=text(check.get("expected")),
        actual=text(check.get("actual")),
        status=text(check.get("status")),
        pattern=text(check.get("pattern")),
    )


def _fim(bodies: Sequence[Body]) -> FimFinding:
    rule = object_of(_with(bodies[0], "rule", kind="fim"), "rule")
    rows = [
        row for body in bodies for row in rows_of(_with(body, "findings", kind="fim"), "findings")
    ]
    counts = object_of(bodies[0], "counts")
    changed = sum(int(number(counts.get(key)) or 0) for key in ("added", "changed", "missing"))
    baselines = (some_objects(object_of(row, "detail"), "expected") for row in rows)
    names = (text(of.get("baseline_server_node_name")) for expected in baselines for of in expected)
    return FimFinding(
        target=text(rule.get("target")),
        description=prose(rule.get("description")),
        files=tuple(map(_file, rows)),
        total=max(changed, len(rows)),
        baseline=next(filter(None, names), ""),
    )


def _file(row: Body) -> FileChange:
    detail = object_of(row, "detail")
    expected = some_objects(detail, "expected")
    return FileChange(
        path=text(row.get("file")),
        status=text(row.get("status")),
        found=_state(detail),
        expected=_state(expected[0]) if expected else FileState(),
    )


def _state(body: Body) -> FileState:
    meta = object_of(body, "meta")
    user, group, size = text(meta.get("user")), text(meta.get("group")), number(meta.get("size"))
    return FileState(
        sha256=text(body.get("sha256")),
        owner=f"{user}:{group}" if user and group else user or group,
        mode=text(meta.get("mode")),
        size=None if size is None else int(size),
    )


def more_files(body: Body) -> str:
    """The next page of a fim finding's files; "" at the end."""
    return text(body.get("next"))


def _sva(bodies: Sequence[Body]) -> SvaFinding:
    (body,) = bodies
    entries = rows_of(_with(body, "cve_entries", kind="sva"), "cve_entries")
    return SvaFinding(
        package_name=text(body.get("package_name")),
        package_version=text(body.get("package_version")),
        cves=tuple(_cve(entry) for entry in entries if text(entry.get("cve_entry"))),
    )


def _cve(entry: Body) -> Cve:
    score, suppressed = number(entry.get("cvss_score")), entry.get("suppressed") is True
    return Cve(id=text(entry.get("cve_entry")), score=score, suppressed=suppressed)


def _lids(bodies: Sequence[Body]) -> LidsEvent:
    (body,) = bodies
    message, log_entry = text(body.get("message")), text(body.get("original_log_entry"))
    if not message and not log_entry:
        raise malformed(
            "reading a finding", "A lids event has neither `message` nor `original_log_entry`."
        )
    return LidsEvent(
        message=message, log_entry=log_entry, created_at=instant(body.get("created_at"))
    )


def _with(body: Body, key: str, *, kind: str) -> Body:
    """The body, if it has the key that makes it a finding of this kind."""
    if body.get(key) is None:
        raise malformed(
            "reading a finding", f"The {kind} finding {text(body.get('id'))} has no `{key}`."
        )
    return body


# --- Any other shape ------------------------------------------------------------------------------


def other(bodies: Sequence[Body], *, why: str = "") -> OtherFinding:
    """The keys and values of a body, as far as a person could read them."""
    values = [row for body in bodies for row in _values(body, name="", depth=0)]
    return OtherFinding(rows=tuple(values[:ROWS_MAX]), more=max(len(values) - ROWS_MAX, 0), why=why)


def _values(value: Any, *, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """Each value with the way to it, as `rule.name` or `users[2].shell`. Nothing has no row."""
    if isinstance(value, Mapping) and depth < _DEPTH_MAX:
        for key, part in value.items():
            yield from _values(part, name=f"{name}.{key}" if name else key, depth=depth + 1)
    elif isinstance(value, list) and depth < _DEPTH_MAX and any(map(_has_parts, value)):
        for place, part in enumerate(value, start=1):
            yield from _values(part, name=f"{name}[{place}]", depth=depth + 1)
    elif words := text(value):
        yield name, words[:_VALUE_MAX]


def _has_parts(value: Any) -> bool:
    return isinstance(value, Mapping | list)
