"""From the text of `HALO_LINK` to the template of an address for people.

Promises: what could lead nowhere, or anywhere but to a web page, is `Unfit`.
Does not do: filling the template (`core/portal.py`).
"""

import re

from job.core import portal
from job.settings.parse import Unfit


def portal_template(text: str) -> str:
    """The template of an address for people."""
    if not text:
        return text
    allowed = "https://… with {issue_id}, {asset_id} or {group_id} where the id belongs"
    if unknown := [name for name in portal.named(text) if name not in portal.PLACES]:
        raise Unfit(f"It names {', '.join(map(repr, unknown))}, which no issue has.", allowed)
    if not re.fullmatch(r"https?://[^\s{}/]+(/[^\s]*)?", text) or not portal.named(text):
        raise Unfit(f"{text!r} is no address with an id in it.", allowed)
    return text
