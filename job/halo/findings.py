"""Reads the bodies of findings and events: the evidence behind an issue.

Promises: each kind of issue whose evidence has a known shape has its reader; a body that lacks what
makes it a finding of that kind is a `MalformedAnswer` that names what is missing.
Does not do: single values (`values.py`), or fetching the pages of a finding (`client.py`).

The shapes come from captured answers and calling code in public repositories; `FACTS.md` names them
one by one.
"""

from collections.abc import Callable, Sequence
from typing import assert_never

from job.core.issues import (
    Check,
    CsmFinding,
    Cve,
    FileChange,
    FimFinding,
    Finding,
    IssueKind,
    LidsEvent,
    SvaFinding,
)
from job.halo.values import Body, instant, malformed, number, object_of, prose, rows_of, text

Reader = Callable[[Sequence[Body]], Finding]
"""Makes a finding of the pages of its body; only a fim finding has several."""


def reader(kind: IssueKind) -> Reader | None:
    """What reads the evidence behind issues of this kind; `None` where its shape is not known.

    Of sam, fw and agent nobody has published one.
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
            return None
        case _:
            assert_never(kind)


def _csm(bodies: Sequence[Body]) -> CsmFinding:
    (body,) = bodies
    checks = rows_of(_with(body, "details", kind="csm"), "details")
    return CsmFinding(
        description=prose(body.get("rule_description")), checks=tuple(map(_check, checks))
    )


def _check(check: Body) -> Check:
    """`config_key` narrows the target, such as one option of a configuration file."""
    return Check(
        type=text(check.get("type")),
        target=" ".join(filter(None, (text(check.get("target")), text(check.get("config_key"))))),
        expected=text(check.get("expected")),
        actual=text(check.get("actual")),
        status=text(check.get("status")),
    )


def _fim(bodies: Sequence[Body]) -> FimFinding:
    rule = object_of(_with(bodies[0], "rule", kind="fim"), "rule")
    rows = [
        row for body in bodies for row in rows_of(_with(body, "findings", kind="fim"), "findings")
    ]
    counts = object_of(bodies[0], "counts")
    changed = sum(int(number(counts.get(key)) or 0) for key in ("added", "changed", "missing"))
    return FimFinding(
        target=text(rule.get("target")),
        description=prose(rule.get("description")),
        files=tuple(map(_file, rows)),
        total=max(changed, len(rows)),
    )


def _file(row: Body) -> FileChange:
    detail = object_of(row, "detail")
    meta = object_of(detail, "meta")
    expected = rows_of(detail, "expected")
    user, group = text(meta.get("user")), text(meta.get("group"))
    return FileChange(
        path=text(row.get("file")),
        status=text(row.get("status")),
        sha256=text(detail.get("sha256")),
        expected_sha256=text(expected[0].get("sha256")) if expected else "",
        owner=f"{user}:{group}" if user and group else user or group,
        mode=text(meta.get("mode")),
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
