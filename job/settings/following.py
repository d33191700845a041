"""From the text of `FIELDS_FOLLOW` to the names of the fields that follow Halo.

Promises: a word that means all or none never stands among names.
Does not do: knowing Jira's fields (`core/field_checks.py`).
"""

from job.settings import parse


def fields_that_follow(text: str) -> tuple[str, ...]:
    """Names of Jira fields; `all` by itself, or none at all."""
    match text.strip().lower():
        case "none":
            return ()
        case "all":
            return ("all",)
    allowed = "all or none by itself, or names of Jira fields with commas"
    found = parse.names(text)
    if not found:
        raise parse.Unfit("It names nothing.", allowed)
    if {"all", "none"}.intersection(name.casefold() for name in found):
        raise parse.Unfit(f"{text!r} mixes a word with names.", allowed)
    return found
