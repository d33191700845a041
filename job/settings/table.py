"""All settings as one table: by the names of their fields, of their variables, and for people.

Promises: the documentation's table is made from this file, and Terraform's variables are compared
with it.
Does not do: defining a setting (the groups, as `tickets.py`).
"""

from collections.abc import Mapping

from job.settings import parse
from job.settings.basics import ProcessSettings
from job.settings.runs import MemorySettings, RunSettings
from job.settings.scope import ScopeSettings
from job.settings.tickets import DestinationSettings
from job.settings.variable import Variable
from job.settings.vendors import HaloSettings, JiraSettings
from job.settings.webhooks import WebhookSettings, webhook_secrets

GROUPS: tuple[type[ProcessSettings], ...] = (
    HaloSettings,
    JiraSettings,
    DestinationSettings,
    ScopeSettings,
    RunSettings,
    MemorySettings,
    WebhookSettings,
    ProcessSettings,
)
"""The groups of settings in the order in which people are told of them."""
VARIABLES: Mapping[str, Variable] = {
    name: group.__dataclass_fields__[name].metadata["is"]
    for group in GROUPS
    for name in group.__annotations__
}
"""By the name of their field; whatever a variable is checked against comes before it."""
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    name.upper(): variable.also or (name.upper(),) for name, variable in VARIABLES.items()
}
"""Each variable with every name that it may be given by."""
SECRETS = tuple(
    spelling
    for name, variable in VARIABLES.items()
    if variable.parse in {parse.secret, parse.optional_secret, webhook_secrets, parse.proxy}
    for spelling in SPELLINGS[name.upper()]
)
"""The variables whose values are never shown, by all their names."""
NEIGHBOURS = frozenset({"HTTP_PROXY", "http_proxy", "ALL_PROXY", "SSL_CERT_DIR"})
"""Variables of other programs whose names are close to ours."""

FORMER: Mapping[str, str] = {
    "EXCLUDE_SVA": "NO_SVA",
    "EXCLUDE_COMMENT": "NO_COMMENT",
    "EXCLUDE_COMMENTS": "NO_COMMENT",
    "SKIP_SVA": "NO_SVA",
    "ONLY_CRITICAL": "CRITICAL_ONLY",
    "DRY_RUN": "the command `plan`",
    "JIRA_EPIC": "JIRA_FIELD_STATIC, which may name a parent",
    "EPIC": "JIRA_FIELD_STATIC, which may name a parent",
    "JIRA_USER": "JIRA_API_USER",
    "JIRA_TOKEN": "JIRA_API_TOKEN",
    "JIRA_URL": "JIRA_API_URL",
    "HALO_API_SECRET": "HALO_API_SECRET_KEY",
    "JIRA_STATUS_CLOSED": "ISSUE_STATUS_CLOSED",
    "ISSUE_CLOSED_STATUS": "ISSUE_STATUS_CLOSED",
    "ISSUE_HARD_CLOSED_STATUS": "STATUS_HARD_CLOSED",
    "DESCRIBE_ISSUES_THREADS": "HALO_CONCURRENCY_MAX",
    "DETERMINATOR_THREADS": "HALO_CONCURRENCY_MAX",
    "RECONCILER_THREADS": "JIRA_CONCURRENCY_MAX",
    "AWS_SSM_TIMESTAMP_PARAM": (
        "STATE_URL, where the watermark is kept, and for the first run `run --since` with the time "
        "that this parameter holds less one day, as it is a local time without its zone,"
    ),
}
"""What the original, or people who speak of it, call what goes by another name here."""


def table() -> str:
    """The documentation's table of variables, in Markdown."""
    rows = ["| variable | what it does | default |", "|---|---|---|"]
    for name, variable in VARIABLES.items():
        also = [
            spelling for spelling in SPELLINGS[name.upper()][1:] if spelling != spelling.lower()
        ]
        other = (
            f" Also read from {', '.join(f'`{spelling}`' for spelling in also)}." if also else ""
        )
        rows.append(f"| `{name.upper()}` | {variable.does}{other} | {_default(variable)} |")
    return "\n".join(rows)


def _default(variable: Variable) -> str:
    if variable.default is None:
        return "**required**"
    return f"`{variable.default}`" if variable.default else ""
