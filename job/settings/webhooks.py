"""What the webhook needs: memory, and the secret that Jira signs its deliveries with.

Promises: a secret is long enough that nobody guesses it; no `repr` shows one.
Does not do: reading secrets from where `sm://` points (`secrets.py`).
"""

from dataclasses import dataclass

from job.errors import BadSettings, Problem
from job.settings import parse
from job.settings.parse import BETWEEN, Secret, Unfit
from job.settings.runs import MemorySettings
from job.settings.variable import variable

LENGTH_MIN = 16


def webhook_secrets(text: str) -> Secret:
    """One secret or two, or a reference to them. They may hold blanks: Jira takes any text."""
    if text.startswith("sm:"):
        return parse.secret(text)
    if not 1 <= len(some := split_secrets(text)) <= 2 or min(map(len, some)) < LENGTH_MIN:
        raise Unfit(
            "It is not one or two secrets that nobody guesses.",
            f"one or two of {LENGTH_MIN} characters or more, with a comma between them, or sm://…",
        )
    return Secret(text)


def split_secrets(text: str) -> tuple[str, ...]:
    """The secrets in a text, without the blanks around a comma; each whole where it was read from
    Secret Manager, for it may hold a comma itself.
    """
    if BETWEEN in text:
        return tuple(text.split(BETWEEN)[:-1])
    return tuple(part.strip() for part in text.split(","))


@dataclass(frozen=True, kw_only=True)
class WebhookSettings(MemorySettings):
    """What the webhook is asked for, and nothing of what a run needs: it knows no vendor."""

    jira_webhook_secret: Secret = variable(
        webhook_secrets,
        does="Only for the webhook (see [webhooks](webhooks.md)): the secret that Jira signs its "
        "deliveries with, of 16 characters or more; while it is replaced two, with a comma between "
        "them. Of `sm://` without a version the two newest enabled ones count.",
    )

    @property
    def rotating(self) -> frozenset[str]:
        return frozenset({"jira_webhook_secret"})

    @property
    def signing_secrets(self) -> tuple[str, ...]:
        """The secrets, once they are no reference. Raises `BadSettings`."""
        text = self.jira_webhook_secret.text
        try:
            webhook_secrets(text)
        except Unfit as unfit:
            problem = Problem("JIRA_WEBHOOK_SECRET", unfit.wrong, unfit.allowed)
            raise BadSettings([problem]) from None
        return split_secrets(text)

    def _pairs(self) -> list[str]:
        return [*split_secrets(self.jira_webhook_secret.text), *super()._pairs()]
