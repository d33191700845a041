"""What a ticket or a comment should say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from job.core.model import Fingerprint, IssueId, Marker


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A ticket that is ready to be created: Jira's field ids with values of their types, and the properties beside them."""

    issue_id: IssueId
    fields: Mapping[str, Any]
    properties: tuple[Mapping[str, Any], ...]
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment that is ready to be added, and the marker by which it can be found again."""

    body: Mapping[str, Any]
    marker: Marker
    fingerprint: Fingerprint
