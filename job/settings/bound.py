"""Holds settings to what the deployment says, whoever starts an execution with others.

Promises: where a deployment binds its settings, an execution that was started with another host,
proxy, certificate or reference is refused before anything is opened, so that who may start a run
cannot have its credentials sent to a place of theirs. What is refused is never quoted.
Does not do: setting `BOUND_SETTINGS`. The command of the job does (`infra/job`): of an execution,
arguments and variables can be overridden, its command cannot.
"""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256

import msgspec
from msgspec import Struct

from job.errors import Problem

BOUND_SETTINGS = "BOUND_SETTINGS"
SWAYING = re.compile(
    r"(GOOGLE_(?!CLOUD_PROJECT$)|GCE_|GCLOUD_|CLOUDSDK_|GRPC_|FIRESTORE_|SSL_|SSLKEYLOGFILE|OPENSSL_"
    r"|REQUESTS_|LD_|NETRC|PYTHON(?!PATH$|DONTWRITEBYTECODE$|UNBUFFERED$)).*|.*_PROXY",
    re.IGNORECASE,
)
"""Variables of libraries and of Python that sway where credentials go, who is believed to be there,
or what is run. Those that the image itself sets are left out; they name places inside it."""
PLATFORMS_OWN = "CLOUD_RUN_"


class Bound(Struct, frozen=True, forbid_unknown_fields=True):
    """What a deployment says of its own settings."""

    values: dict[str, str]
    """By variable, the SHA-256 of its value in hex: a command has no room for long values."""
    free: frozenset[str] = frozenset()
    """Variables that one execution may have otherwise."""


def overridden(environ: Mapping[str, str], *, ours: frozenset[str]) -> Iterator[Problem]:
    """Every variable that differs from what the deployment says; none where it binds nothing."""
    told = environ.get(BOUND_SETTINGS, "")
    if not told:
        return
    try:
        bound = msgspec.json.decode(told, type=Bound)
    except msgspec.DecodeError:
        yield Problem(
            BOUND_SETTINGS, "It cannot be read.", "what `infra/job` makes of it, or unset"
        )
        return
    held = {name for name in ours | bound.values.keys() if not name.startswith(PLATFORMS_OWN)}
    held |= {name for name in environ if SWAYING.fullmatch(name)}
    for name in sorted(held - bound.free - {BOUND_SETTINGS}):
        if not _is(environ.get(name, ""), bound.values.get(name)):
            yield Problem(
                name,
                "This execution was started with another value than its deployment has.",
                "the deployment's own; whoever may change that can name it in `job.overridable`",
            )


def _is(text: str, summed: str | None) -> bool:
    """Whether a variable's text is what was bound; blank, where nothing was."""
    if summed is None:
        return not text.strip()
    return sha256(text.encode()).hexdigest() == summed
