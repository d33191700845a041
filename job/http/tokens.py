"""One token for all workers of a run: renewed a little before it ends, or when it was refused.

Promises: it is never renewed by several at once; who comes while it is being renewed waits for the
new one, and who was refused an older one gets the newer.
Does not do: asking for a token, or signing a request with it; each vendor has its own way.
"""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct

from job.ports import Clock


class Token(Struct, frozen=True, kw_only=True):
    """The right to ask, for some minutes."""

    value: str
    renew_at: float
    """On the monotonic clock."""
    scopes: frozenset[str] = frozenset()
    """What it is good for, where the remote says so."""

    def __repr__(self) -> str:
        return f"Token(renew_at={self.renew_at})"


class SharedToken:
    """The token of one remote. `ask` asks for a new one; its errors go to whoever needs it."""

    def __init__(self, ask: Callable[[], Awaitable[Token]], *, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._token: Token | None = None
        self._renewing = asyncio.Lock()

    async def good(self, *, refused: Token | None = None) -> Token:
        """Everybody's token, and another one than the `refused`."""
        token = self._token
        if token is None or token is refused or self._clock.monotonic() >= token.renew_at:
            async with self._renewing:
                # Somebody else may have renewed it while we waited.
                if self._token is None or self._token is token:
                    self._token = await self._ask()
                return self._token
        return token

    async def renew(self) -> Token:
        """A new token even if there is a good one."""
        async with self._renewing:
            self._token = await self._ask()
            return self._token
