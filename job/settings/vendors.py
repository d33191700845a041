"""How Halo and Jira are reached, and as whom.

Promises: the pairs of which HTTP Basic makes one text are secrets, as their halves are; there is
one way to sign in to Jira, whole.
Does not do: signing in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from job.errors import Problem
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

    jira_api_url: str = variable(
        parse.jira_url,
        does="`https://SITE.atlassian.net`, however we sign in; or "
        "`https://api.atlassian.com/ex/jira/CLOUD_ID`, which spares asking for the id.",
    )
    jira_client_id: str = variable(
        str, "", does="Client id of a service account's OAuth 2.0 credential."
    )
    jira_client_secret: Secret | None = variable(
        parse.optional_secret, "", does="Client secret of that credential."
    )
    jira_token_url: str = variable(
        parse.token_url,
        "https://auth.atlassian.com/oauth/token",
        does="Where a service account is given its tokens, which live for an hour.",
    )
    jira_api_user: str = variable(
        str,
        "",
        does="E-mail address of the account that `JIRA_API_TOKEN` belongs to.",
    )
    jira_api_token: Secret | None = variable(
        parse.optional_secret,
        "",
        does="API token of that account, instead of a service account's credential; better one "
        "with scopes.",
    )
    jira_gateway_url: str = variable(
        parse.gateway_url,
        "https://api.atlassian.com",
        does="Where Atlassian's gateway is, which takes what has scopes.",
    )
    jira_concurrency_max: int = variable(
        parse.whole(1, 64),
        "32",
        does="Requests to Jira under way at once, over all tasks; each has at least one.",
    )

    def _pairs(self) -> list[str]:
        if self.jira_api_token is None:
            return super()._pairs()
        return [f"{self.jira_api_user}:{self.jira_api_token.text}", *super()._pairs()]


API_TOKEN = ("JIRA_API_USER", "JIRA_API_TOKEN")
SERVICE_ACCOUNT = ("JIRA_CLIENT_ID", "JIRA_CLIENT_SECRET")
TWO_WAYS = f"{' with '.join(SERVICE_ACCOUNT)}, or {' with '.join(API_TOKEN)}"


def sign_in_problems(given: Mapping[str, str]) -> list[Problem]:
    """What is wrong with the way to sign in to Jira: none, half of one, or two of them."""
    of_token = [name for name in API_TOKEN if name in given]
    of_account = [name for name in SERVICE_ACCOUNT if name in given]
    if of_token and of_account:
        wrong = f"{of_token[-1]} is set as well: nobody could say which was meant."
        return [Problem(of_account[0], wrong, TWO_WAYS)]
    if not of_token and not of_account:
        return [Problem(API_TOKEN[1], "Nothing is set to sign in to Jira with.", TWO_WAYS)]
    chosen = API_TOKEN if of_token else SERVICE_ACCOUNT
    return [
        Problem(name, f"It is not set, and {(of_token or of_account)[0]} is.", TWO_WAYS)
        for name in chosen
        if name not in given
    ]
