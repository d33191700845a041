"""Tickets of older programs: what tells that one is of the issue whose id it seems to hold.

Version 1 of jira_halo_issues_sync wrote Halo's old id, 32 digits without hyphens. That the new id
of an issue is the same with hyphens is likely and unproven.

Promises: such a ticket is believed only if it names the issue's asset and its rule as well.
Does not do: reading tickets (`jira/wire/`), or deciding what follows (`decisions.py`).
"""

import re

from job.core.adf import one_line
from job.core.ids import IssueId
from job.core.issues import Issue

_OLD = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)


def is_old(text: str) -> bool:
    """Whether this is an id as Halo wrote it before version 3 of its API."""
    return _OLD.fullmatch(text.strip()) is not None


def old_writing(issue_id: IssueId) -> str:
    """The id without its hyphens; "" for one that has none, or is no such id."""
    digits = issue_id.replace("-", "").lower()
    return digits if "-" in issue_id and is_old(digits) else ""


def agrees(words: str, *, issue: Issue) -> bool:
    """Whether a ticket with these words is of this issue: it names its asset and its rule."""
    text = one_line(words).casefold()
    rules = (issue.name, issue.rule_name)
    return names_asset(words, issue=issue) and any(_says(text, rule) for rule in rules)


def names_asset(words: str, *, issue: Issue) -> bool:
    """Whether these words name the issue's asset."""
    text = one_line(words).casefold()
    assets = (issue.asset_hostname, issue.asset_name, issue.asset_fqdn)
    return any(_says(text, name) for name in assets)


def _says(text: str, name: str) -> bool:
    """Whether the text has this name, and not only as a part of a longer one."""
    sought = one_line(name).casefold()
    if not sought:
        return False
    return re.search(rf"(?<![\w.-]){re.escape(sought)}(?![\w-])", text) is not None
