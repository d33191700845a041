"""Where people find an issue in Halo's portal, by the template that the operator sets.

Promises: without a template, or where an issue lacks what it names, there is no link and never a
dead one: the address of the API, which needs a token, is given to nobody.
Does not do: reading the setting (`settings/parse.py`).
"""

import re
from typing import Final
from urllib.parse import quote

from job.core.issues import Issue

PLACES: Final = ("issue_id", "asset_id", "group_id")
"""What a template may name in braces."""
_NAMED: Final = re.compile(r"\{([^{}]*)\}")


def named(template: str) -> list[str]:
    """What a template names, known to us or not."""
    return _NAMED.findall(template)


def address(issue: Issue, *, template: str) -> str:
    """The address of the issue's page; "" where there is none."""
    values = {"issue_id": issue.id, "asset_id": issue.asset_id, "group_id": issue.group_id}
    if not all(values.get(place) for place in named(template)):
        return ""
    return _NAMED.sub(lambda found: quote(values[found[1]], safe="", errors="replace"), template)
