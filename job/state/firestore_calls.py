"""Calls to Firestore: each with a deadline, and repeated for a bounded time.

Promises: a call that fails is `RemoteDown` where a later one may succeed and `RemoteRefused` where
it will not, with Firestore's own error as its cause.
Does not do: knowing what is asked. There are no transactions here: the client gives theirs no
deadline, and they ask three times where a batch asks once.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from google.api_core.exceptions import (
    Aborted,
    Cancelled,
    DeadlineExceeded,
    GoogleAPICallError,
    InternalServerError,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    RetryError,
    ServiceUnavailable,
    Unauthenticated,
    Unknown,
)
from google.api_core.retry_async import AsyncRetry, if_exception_type

from job.errors import RemoteDown, RemoteRefused, StopsRun

CALL_S = 5.0
PATIENCE_S = 12.0

_PASSING = (
    Aborted,
    Cancelled,
    DeadlineExceeded,
    InternalServerError,
    ResourceExhausted,
    ServiceUnavailable,
    Unknown,
)
"""The last is what gRPC says of a connection that ended in the middle of an answer ("Stream
removed"), and so is the second at times: whether the call arrived is not known, and no call of ours
minds being repeated (github.com/googleapis/python-firestore/issues/512).
"""

R = TypeVar("R")


class Calls:
    """Repeats what fails in passing, for as long as its patience lasts."""

    def __init__(self, *, patience_s: float) -> None:
        self._patiently = AsyncRetry(
            if_exception_type(*_PASSING), initial=0.2, maximum=2.0, timeout=patience_s
        )

    async def repeat(self, work: Callable[[], Awaitable[R]], *, doing: str) -> R:
        """Works until it succeeds, is refused, or our patience ends."""
        try:
            return await self._patiently(work)()
        except RetryError as error:
            raise _in_our_words(error.cause, doing=doing) from error.cause
        except GoogleAPICallError as error:
            raise _in_our_words(error, doing=doing) from error


def _in_our_words(error: BaseException, *, doing: str) -> StopsRun:
    wrong = f"Firestore says: {getattr(error, 'message', error)}".rstrip(".") + "."
    if isinstance(error, PermissionDenied | Unauthenticated):
        advice = "Give the account that this runs as roles/datastore.user, and see that the "
        advice += "Firestore API is enabled."
        return RemoteRefused("store", doing, wrong, advice)
    if isinstance(error, NotFound):
        return RemoteRefused(
            "store",
            doing,
            wrong,
            "Create the database (Native mode), or name another in STATE_URL.",
        )
    if isinstance(error, _PASSING):
        return RemoteDown(
            "store", doing, wrong, "Check the network, and FIRESTORE_EMULATOR_HOST if it is set."
        )
    return RemoteRefused(
        "store", doing, wrong, "This is not a passing fault: repeating will not help."
    )
