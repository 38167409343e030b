"""Removal of the records of cycles that have been inactive for long; their facts stay."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial

from cycletrace._internal.collector.writer import Writer
from cycletrace._internal.flow.rules import SECOND
from cycletrace._internal.store import StoreError, Transaction

PAUSE = 3600.0
"""Seconds from one removal to the next."""
BATCH = 100
"""Cycles in one transaction, so that requests never wait long."""


async def keep_pruning(writer: Writer, keep: float) -> None:
    """Remove what is older than ``keep`` seconds, now and every hour, forever."""
    while True:
        with suppress(StoreError):  # the writer has logged it
            while await writer.do(partial(_prune, before=time.time_ns() - round(keep * SECOND))):
                pass
        await asyncio.sleep(PAUSE)


def _prune(tx: Transaction, before: int) -> int:
    """Return of how many cycles records were removed."""
    return tx.prune(before, BATCH)["cycles"]
