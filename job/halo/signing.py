"""Asks Halo with a token that is good, whoever asks.

Promises: one token for all workers, renewed once, a little before it ends or after a 401.
Does not do: reading what is answered, but for the token itself.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from job.halo import wire
from job.halo.wire import Token
from job.http.caller import Caller
from job.http.message import Request, Response
from job.ports import Clock


class SignedCaller:
    """A caller with a token. `confide` is told each token before anybody can repeat it."""

    def __init__(
        self,
        caller: Caller,
        *,
        token_request: Request,
        clock: Clock,
        confide: Callable[[str], None],
    ) -> None:
        self._caller = caller
        self._token_request = token_request
        self._clock = clock
        self._confide = confide
        self._token: Token | None = None
        self._signing_in = asyncio.Lock()

    async def sign_in(self) -> datetime | None:
        """Asks for a token even if there is one, for Halo's time stands in the answer; `None` where
        it does not.
        """
        async with self._signing_in:
            _, answer = await self._renew()
        return answer.instant("date")

    async def answer(self, request: Request) -> Response:
        """Asks with a good token; after a 401 once more with a newer one."""
        token = await self._good_token()
        answer = await self._caller.call(wire.signed(request, token=token))
        if answer.status != 401:
            return answer
        token = await self._good_token(refused=token)
        return await self._caller.call(wire.signed(request, token=token))

    async def _good_token(self, *, refused: Token | None = None) -> Token:
        """Everybody's token. Who comes while it is being renewed waits; who was refused an older
        one gets the newer.
        """
        token = self._token
        if token is None or token is refused or self._clock.monotonic() >= token.renew_at:
            async with self._signing_in:
                # Somebody else may have renewed it while we waited.
                if self._token is None or self._token is token:
                    token, _ = await self._renew()
                else:
                    token = self._token
        return token

    async def _renew(self) -> tuple[Token, Response]:
        asked_at = self._clock.monotonic()
        answer = await self._caller.call(self._token_request)
        token = self._token = wire.token(answer, asked_at=asked_at)
        self._confide(token.value)
        return token, answer
