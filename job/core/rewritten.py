"""Rewrites every text within a value: for what may repeat a secret before it is said or kept.

Promises: a value in which nothing has to change comes back itself, after one look at all its texts
together; ids stay as they are, for they name things.
Does not do: knowing what is a secret (`console/redactor.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from job.core.issues import Evidence

Rewrite = Callable[[str], str]


def rewritten(evidence: Evidence, rewrite: Rewrite) -> Evidence:
    """The evidence with each of its texts as `rewrite` gives it back; the ids of the issue and of
    vulnerabilities are kept.
    """
    together = "\n".join(_texts(evidence))
    if rewrite(together) == together:
        return evidence
    clean: Evidence = _each_text(evidence, rewrite)
    issue = replace(clean.issue, id=evidence.issue.id)
    cves = {
        cve_id: replace(_each_text(details, rewrite), id=details.id)
        for cve_id, details in evidence.cves.items()
    }
    return Evidence(issue=issue, finding=clean.finding, asset=clean.asset, cves=cves)


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Struct():
            for name in value.__struct_fields__:
                yield from _texts(getattr(value, name))
        case Mapping():
            for key, item in value.items():
                yield from _texts(key)
                yield from _texts(item)
        case list() | tuple() | set() | frozenset():
            for item in value:
                yield from _texts(item)
        case _:
            return


def _each_text(value: Any, rewrite: Rewrite) -> Any:
    match value:
        case str() if type(value) is str:
            return rewrite(value)
        case Struct():
            fields = {name: _each_text(item, rewrite) for name, item in asdict(value).items()}
            return type(value)(**fields)
        case Mapping():
            return {
                _each_text(key, rewrite): _each_text(item, rewrite) for key, item in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return type(value)(_each_text(item, rewrite) for item in value)
    return value
