"""Halo's tokens: given for a key and its secret, good for fifteen minutes.

Promises: a token that was revoked or has expired is good for nothing; there is no refresh token.
Does not do: answering calls that bring a token (`api.py`).
"""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Final

from job.sim.call import Answer, Call, json_answer

# RackSec/cloudpassage-lib doc/cloudpassage-api.md: expires_in 900, no refresh token.
TOKEN_S: Final = 900


class Tokens:
    """All tokens given out so far, and the key that they are given for."""

    def __init__(self, now: Callable[[], datetime], *, draw: Random) -> None:
        self.credentials = "a1b2c3d4:0123456789abcdef0123456789abcdef"  # key id and secret
        self._now = now
        self._random = draw
        self._alive: dict[str, datetime] = {}

    def admit(self, token: str, *, until: datetime) -> None:
        """From now on this token is good as well, whoever gave it out."""
        self._alive[token] = until

    def revoke(self, token: str) -> None:
        self._alive.pop(token, None)

    def revoke_all(self) -> None:
        self._alive.clear()

    def is_good(self, token: str) -> bool:
        return self._alive.get(token, self._now()) > self._now()

    def give(self, call: Call) -> Answer:
        """POST /oauth/access_token, grant_type in the query or as a form (both are used by Halo's
        own connectors).
        """
        grants = {*call.args().values(), *call.body.decode(errors="replace").split("&")}
        if call.method != "POST" or not grants & {
            "client_credentials",
            "grant_type=client_credentials",
        }:
            return json_answer(
                {"error": "invalid_request", "error_description": "grant_type is missing"},
                status=400,
            )
        if not self._knows(call.headers.get("authorization", "")):
            return json_answer(
                {"error": "invalid_client", "error_description": "Client authentication failed"},
                status=401,
            )
        token = f"{self._random.getrandbits(128):032x}"
        self._alive[token] = self._now() + timedelta(seconds=TOKEN_S)
        body = {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_S}
        return json_answer(body, headers={"cache-control": "no-store", "pragma": "no-cache"})

    def _knows(self, authorization: str) -> bool:
        try:
            given = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return given == self.credentials
