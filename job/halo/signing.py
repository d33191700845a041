"""Asks Halo with a token that is good, whoever asks.

Promises: one token for all workers, renewed once, a little before it ends or after a 401.
Does not do: reading what is answered, but for the token itself.
"""

from collections.abc import Callable
from datetime import datetime

from job.halo import wire
from job.http.caller import Caller
from job.http.message import Request, Response
from job.http.tokens import SharedToken, Token
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
        self._token = SharedToken(self._ask, clock=clock)
        self._told_time: datetime | None = None

    async def sign_in(self) -> datetime | None:
        """Asks for a token even if there is one, for Halo's time stands in the answer; `None` where
        it does not.
        """
        await self._token.renew()
        return self._told_time

    async def answer(self, request: Request) -> Response:
        """Asks with a good token; after a 401 once more with a newer one."""
        token = await self._token.good()
        answer = await self._caller.call(wire.signed(request, token=token))
        if answer.status != 401:
            return answer
        token = await self._token.good(refused=token)
        return await self._caller.call(wire.signed(request, token=token))

    async def _ask(self) -> Token:
        asked_at = self._clock.monotonic()
        answer = await self._caller.call(self._token_request)
        token = wire.token(answer, asked_at=asked_at)
        self._told_time = answer.instant("date")
        self._confide(token.value)
        return token
