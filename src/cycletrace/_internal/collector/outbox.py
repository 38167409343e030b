"""Sends what waits in the store to its backends: what a crash or an outage left behind is sent again, byte for byte."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress

from cycletrace._internal.collector.backend import Backend
from cycletrace._internal.collector.forwarding import Forwarder
from cycletrace._internal.collector.writer import Writer
from cycletrace._internal.otlp.signals import TRACES, Encoding, Request
from cycletrace._internal.otlp.urls import take_apart
from cycletrace._internal.store import Parcel, StoreError, Transaction

_log = logging.getLogger("cycletrace.collector")

BATCH = 100
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds to wait after a failure, doubled after each further one."""


def hide_secrets(tx: Transaction) -> None:
    """Rename destinations as they are named now: earlier versions kept user, password and query with them."""
    for known in tx.destinations():
        with suppress(ValueError):
            address = take_apart(known).address
            if address != known:
                tx.rename_destination(known, address)


def drop_others(tx: Transaction, destinations: Collection[str]) -> int:
    """Drop requests for all but these destinations, since nothing is sent there any more. Return how many."""
    return sum(tx.drop_destination(known) for known in tx.destinations().difference(destinations))


async def keep_sending(writer: Writer, forwarder: Forwarder, backend: Backend, posted: asyncio.Event) -> None:
    """Send what waits for a backend, now and whenever ``posted`` is set, for ever."""
    pause = 0.0
    while True:
        posted.clear()
        wait = await send_waiting(writer, forwarder, backend)
        if wait is None:
            pause = 0.0
            await posted.wait()
        else:
            pause = min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
            await asyncio.sleep(max(wait, pause))


async def send_waiting(writer: Writer, forwarder: Forwarder, backend: Backend) -> float | None:
    """Send all that waits for a backend. ``None`` when nothing is left, else the seconds that it asks to wait."""
    limit = BATCH
    parcels: list[Parcel] = []

    def oldest(tx: Transaction) -> list[Parcel]:
        return tx.waiting(backend.endpoint.url, limit)

    def remove(tx: Transaction) -> None:
        tx.remove(parcels)

    while True:
        try:
            parcels = await writer.do(oldest)
            if not parcels:
                return None
            # Requests of protobuf are joined by joining their bytes.
            body = b"".join(parcel.body for parcel in parcels)
            answer = await forwarder.send(backend, Request(TRACES, Encoding.PROTOBUF, body))
            if not answer.is_success and not answer.blames_request:
                return answer.retry_after or 0.0  # also where a sender would give up: a key may be put right
            if not answer.is_success and len(parcels) > 1:
                limit = 1  # one of them may be to blame, or their size
                continue
            if not answer.is_success:
                _log.warning("derived spans of a cycle are refused: %s %s", backend.endpoint.url, answer.logged)
            await writer.do(remove)
        except StoreError:
            return 0.0  # the writer has told it
