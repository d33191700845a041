"""Whether a delivery was signed with a secret of ours: `X-Hub-Signature`, as Jira makes it.

Promises: only SHA-256 counts, over the body exactly as it came; the comparison takes as long for a
wrong signature as for a right one, and every secret is tried, whichever fits.
Does not do: knowing where secrets come from (`settings/`).
"""

import hmac
import re
from collections.abc import Sequence

_FORM = re.compile(r"sha256=(?P<digest>[0-9A-Fa-f]{64})")


def is_signed(body: bytes, *, signature: str, secrets: Sequence[str]) -> bool:
    """Whether one of these secrets made this signature of this body."""
    matched = _FORM.fullmatch(signature.strip())
    if matched is None:
        return False
    given = matched["digest"].lower()
    fits = [
        hmac.compare_digest(hmac.digest(secret.encode(), body, "sha256").hex(), given)
        for secret in secrets
    ]
    return any(fits)
