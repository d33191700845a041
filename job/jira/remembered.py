"""Remembers for a run what is slow to learn and slow to change.

Promises: whoever asks for the same thing at the same time shares one read; a read that failed is
not remembered.
Does not do: forgetting by itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Values by key, each read when first wanted."""

    def __init__(self) -> None:
        self._known: dict[K, V] = {}
        self._turns: defaultdict[K, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, key: K, *, read: Callable[[], Awaitable[V]]) -> V:
        async with self._turns[key]:
            if key not in self._known:
                self._known[key] = await read()
            return self._known[key]

    def forget(self, key: K) -> None:
        self._known.pop(key, None)
