"""Which issues get tickets, and which of their updates are told.

Promises: settings that leave no issue at all are refused.
Does not do: applying them (`core/policy.py`).
"""

from dataclasses import dataclass
from datetime import timedelta

from job.settings import parse
from job.settings.basics import ProcessSettings
from job.settings.variable import comments_are_not_off, something_is_left, variable


def interval(text: str) -> timedelta | None:
    """A duration, or nothing."""
    return parse.duration(text) if text else None


@dataclass(frozen=True, kw_only=True)
class ScopeSettings(ProcessSettings):
    """Which issues get tickets, and which of their updates are told."""

    critical_only: bool = variable(parse.flag, "false", does="Only critical issues.")
    no_comment: bool = variable(parse.flag, "false", does="No comments for updates of issues.")
    comment_on: str = variable(
        parse.word("change", "update", "never"),
        "change",
        fits=comments_are_not_off,
        does="What is told of an open issue: each `change`, each `update` by Halo, or `never` "
        "(as `NO_COMMENT`).",
    )
    comment_every: timedelta | None = variable(
        interval,
        "",
        does="So long after a comment, news is gathered and told together; 0 tells all at once. "
        "24h, or 0 with `COMMENT_ON=update`.",
    )
    comment_public: bool = variable(
        parse.flag, "false", does="Whether a service project's customers see the comments."
    )
    no_sva: bool = variable(
        parse.flag, "false", does="No issues of software vulnerabilities (type `sva`)."
    )
    exclude_server_secure: bool = variable(parse.flag, "false", does="No issues of Server Secure.")
    exclude_container_secure: bool = variable(
        parse.flag, "false", does="No issues of Container Secure."
    )
    exclude_cloud_secure: bool = variable(
        parse.flag, "false", fits=something_is_left, does="No issues of Cloud Secure."
    )
    when_ticket_gone: str = variable(
        parse.word("recreate", "report"),
        "recreate",
        does="For an open issue whose ticket was deleted: `recreate` it, or only `report`.",
    )
    when_issue_gone: str = variable(
        parse.word("report", "close"),
        "report",
        does="For a ticket whose issue Halo no longer has: only `report`, or `close`.",
    )
