"""Reads the body of a request, bounded in size and in time.

Promises: never more than the bound is held, and nobody keeps us waiting by sending slowly.
Does not do: reading anything from the body.
"""

import asyncio
from collections.abc import AsyncIterator

BODY_MAX = 1 << 20
BODY_S = 5.0


class TooLarge(ValueError):
    """A body is larger than any that we read."""


class TooSlow(ValueError):
    """A body did not come to its end in time."""


async def body_of(
    pieces: AsyncIterator[bytes], *, bytes_max: int = BODY_MAX, seconds: float = BODY_S
) -> bytes:
    """The whole body. Raises `TooLarge`, `TooSlow`."""
    read = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in pieces:
                read += piece
                if len(read) > bytes_max:
                    raise TooLarge(f"A body may have {bytes_max} bytes.")
    except TimeoutError as error:
        raise TooSlow(f"The body was not whole after {seconds:.0f} s.") from error
    return bytes(read)
