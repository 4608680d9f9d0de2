"""Slow things that are done beside a deployment, which looks ten times a second and must not wait for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Beside(Generic[Value]):
    """Does one thing again and again, in a thread, whenever somebody asks for what it gave."""

    def __init__(self, act: Callable[[], Value], *, every_s: float) -> None:
        self._act = act
        self._every_s = every_s
        self._next_s = 0.0
        self._pool = ThreadPoolExecutor(1)
        self._future: Future[Value] | None = None

    def take(self) -> Value | None:
        """Give what has been done since the last call, None where it is still being done; never wait.

        Raises what the act raised.
        """
        if self._future is None:
            if time.monotonic() >= self._next_s:
                self._future = self._pool.submit(self._act)
            return None
        if not self._future.done():
            return None
        future, self._future = self._future, None
        self._next_s = time.monotonic() + self._every_s
        return future.result()
