"""Which issues get tickets, and which of their updates are told.

Promises: settings that leave no issue at all are refused.
Does not do: applying them (`core/policy.py`).
"""

from dataclasses import dataclass

from job.settings import parse
from job.settings.basics import ProcessSettings
from job.settings.variable import something_is_left, variable


@dataclass(frozen=True, kw_only=True)
class ScopeSettings(ProcessSettings):
    """Which issues get tickets, and which of their updates are told."""

    critical_only: bool = variable(parse.flag, "false", does="Only critical issues.")
    no_comment: bool = variable(parse.flag, "false", does="No comments for updates of issues.")
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
