"""Reading large JSON aside, so that the event loop goes on answering others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

SMALL = 64 * 1024
"""Bytes that are read sooner than a thread is woken."""

T = TypeVar("T")


class Aside:
    """One thread, so that however many large requests arrive, one at a time takes the memory of being read."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cycletrace-json")

    async def run(self, size: int, work: Callable[[], T]) -> T:
        """Do work on so many bytes: here where they are few, else in the thread."""
        if size <= SMALL:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Begin nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
