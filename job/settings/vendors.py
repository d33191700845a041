"""How Halo and Jira are reached, and as whom.

Promises: the pairs of which HTTP Basic makes one text are secrets, as their halves are.
Does not do: signing in.
"""

from dataclasses import dataclass

from job.settings import parse
from job.settings.basics import ProcessSettings
from job.settings.parse import Secret
from job.settings.variable import variable


@dataclass(frozen=True, kw_only=True)
class HaloSettings(ProcessSettings):
    """How Halo is reached."""

    halo_api_key: Secret = variable(parse.key_id, does="Id of a Halo API key with auditor rights.")
    halo_api_secret_key: Secret = variable(parse.secret, does="Secret of that key.")
    halo_api_hostname: str = variable(
        parse.halo_url,
        "api.cloudpassage.com",
        does="Host of the Halo API, or its URL; plain http only to this machine.",
    )
    halo_concurrency_max: int = variable(
        parse.whole(1, 64),
        "10",
        does="Requests to Halo under way at once, over all tasks; each has at least one.",
    )

    def _pairs(self) -> list[str]:
        return [f"{self.halo_api_key.text}:{self.halo_api_secret_key.text}", *super()._pairs()]


@dataclass(frozen=True, kw_only=True)
class JiraSettings(ProcessSettings):
    """How Jira is reached."""

    jira_api_user: str = variable(
        str, does="E-mail address of the account that the token belongs to."
    )
    jira_api_token: Secret = variable(parse.secret, does="Jira API token of that account.")
    jira_api_url: str = variable(
        parse.jira_url,
        does="`https://SITE.atlassian.net`, or `https://api.atlassian.com/ex/jira/CLOUD_ID` for a "
        "scoped token.",
    )
    jira_concurrency_max: int = variable(
        parse.whole(1, 64),
        "32",
        does="Requests to Jira under way at once, over all tasks; each has at least one.",
    )

    def _pairs(self) -> list[str]:
        return [f"{self.jira_api_user}:{self.jira_api_token.text}", *super()._pairs()]
