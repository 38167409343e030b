"""Sending of the derived spans that wait in the store, again byte for byte after a crash or an outage."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress

from cycletrace._internal.collector.backends import Backend
from cycletrace._internal.collector.forwarding import Forwarder
from cycletrace._internal.collector.writer import Writer
from cycletrace._internal.otlp.backoff import Backoff
from cycletrace._internal.otlp.signals import TRACES, Encoding, Request
from cycletrace._internal.otlp.urls import take_apart
from cycletrace._internal.store import Parcel, StoreError, Transaction

_log = logging.getLogger("cycletrace.collector")

BATCH = 100
"""Requests that are joined into one."""


def hide_secrets(tx: Transaction) -> None:
    """Remove user, password and query from the names of destinations, where earlier versions kept them."""
    for known in tx.destinations():
        with suppress(ValueError):
            address = take_apart(known).address
            if address != known:
                tx.rename_destination(known, address)


def drop_others(tx: Transaction, destinations: Collection[str]) -> int:
    """Drop requests for all but these destinations, to which nothing is sent anymore. Return how many."""
    return sum(tx.drop_destination(known) for known in tx.destinations().difference(destinations))


async def keep_sending(writer: Writer, forwarder: Forwarder, backend: Backend, posted: asyncio.Event) -> None:
    """Send what waits for a backend, now and whenever ``posted`` is set, forever."""
    backoff = Backoff()
    while True:
        posted.clear()
        retry_after = await send_waiting(writer, forwarder, backend)
        if retry_after is None:
            backoff.reset()
            await posted.wait()
        else:
            await asyncio.sleep(backoff.fail(retry_after))


async def send_waiting(writer: Writer, forwarder: Forwarder, backend: Backend) -> float | None:
    """Send all that waits for a backend.

    Returns:
        ``None`` when nothing is left; after a failure the seconds that the backend asks to wait, 0 by default.
    """
    limit = BATCH
    parcels: list[Parcel] = []

    def oldest(tx: Transaction) -> list[Parcel]:
        return tx.waiting(backend.endpoint.url, limit)

    def remove(tx: Transaction) -> None:
        tx.remove(parcels)

    while True:
        try:
            parcels = await writer.do(oldest) if writer.is_in_charge else []
            if not parcels:
                return None
            # Requests in protobuf are joined by joining their bytes.
            body = b"".join(parcel.body for parcel in parcels)
            result = await forwarder.send(backend, Request(TRACES, Encoding.PROTOBUF, body))
            if not result.is_success and not result.blames_request:
                return result.retry_after or 0.0  # also where a sender would give up: a key may be corrected
            if not result.is_success and len(parcels) > 1:
                limit = 1  # one of them may be at fault, or their size
                continue
            if not result.is_success:
                _log.warning("derived spans of a cycle were rejected: %s %s", backend.endpoint.url, result.summary)
            await writer.do(remove)
        except StoreError:
            return 0.0  # the writer has logged it
