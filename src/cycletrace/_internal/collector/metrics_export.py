"""Export of metrics: over OTLP every interval, to Prometheus whenever it scrapes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from secrets import token_hex
from ssl import SSLContext
from typing import TypeVar

from aiohttp import web

from cycletrace._internal.access import bearer
from cycletrace._internal.collector.beside import PATIENCE, Beside
from cycletrace._internal.collector.exposition import accepted, render
from cycletrace._internal.collector.forwarding import Forwarder
from cycletrace._internal.collector.gauges import OpenGauges
from cycletrace._internal.collector.headline import SHARE, headline
from cycletrace._internal.collector.metrics_request import encode
from cycletrace._internal.collector.series import Accumulator, Metric, cumulative_metrics
from cycletrace._internal.collector.vitals import Vitals, stored
from cycletrace._internal.otlp.signals import METRICS, Encoding, Request
from cycletrace._internal.store import Store, StoreError
from cycletrace._internal.web_server import WebServer

_log = logging.getLogger("cycletrace.collector")

T = TypeVar("T")


class MetricReader:
    """Reads all metrics for an export, in a thread of its own, with a connection of its own that only reads."""

    def __init__(
        self,
        store: Store,
        accumulator: Accumulator,
        limit: int,
        instance: str,
        vitals: Vitals,
        is_in_charge: Callable[[], bool],
    ) -> None:
        """Read gauges from this store.

        Args:
            store: To read from, in one thread.
            accumulator: The cumulative metrics of cycles.
            limit: How many label sets a gauge has at most.
            instance: Identifies the store.
            vitals: What the collector measures of itself.
            is_in_charge: Whether the metrics of cycles are this collector's to export, not another one's.
        """
        self._vitals = vitals
        self._store = store
        self._accumulator = accumulator
        gauges = OpenGauges(limit)
        self._open = Beside(store.location, lambda *of: list(gauges.metrics(of[0], of[1], of[2].until_closed)), 1.0)
        self._instance = instance
        # Each of several collectors reports on itself under an id of its own.
        self._own_instance = token_hex(16) if store.is_shared else instance
        self._is_in_charge = is_in_charge
        self._headline = Beside(store.location, partial(headline, limit=limit), SHARE)
        self._failing: set[str] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cycletrace-metrics")

    async def text(self, content_type: str) -> str:
        """Return all metrics in a format that Prometheus reads."""

        def make() -> str:
            now = time.time_ns()
            return render([*self._read(now), *self._read_vitals()], content_type)

        return await self._in_thread(make)

    async def request(self) -> Request:
        """Return all metrics as an OTLP request."""

        def make() -> bytes:
            now = time.time_ns()
            metrics = {self._instance: self._read(now)}
            metrics.setdefault(self._own_instance, []).extend(self._read_vitals())
            return encode(metrics, now)

        return Request(METRICS, Encoding.PROTOBUF, await self._in_thread(make))

    def begin(self, now: int) -> list[Future[list[Metric]]]:
        """Have what takes long computed as of an instant (UTC nanoseconds). Return what is worth waiting for."""
        return [running for one in (self._open, self._headline) if (running := one.begin(now)) is not None]

    def close(self) -> None:
        """End the threads."""
        self._open.close()
        self._headline.close()
        self._thread.shutdown()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _read(self, now: int) -> list[Metric]:
        """Return the metrics of cycles."""
        if not self._is_in_charge():
            return []
        wait(self.begin(now), PATIENCE)
        metrics = list(cumulative_metrics(self._accumulator.series))
        for name, read in (
            ("open cycles", self._open.latest),
            ("the headline", self._headline.latest),
        ):
            try:
                metrics.extend(read())
                self._failing.discard(name)
            except Exception as error:  # all others are exported all the same
                if name not in self._failing:
                    _log.warning("metrics of %s cannot be computed: %s", name, error)
                self._failing.add(name)
        return metrics

    def _read_vitals(self) -> list[Metric]:
        known: dict[str, int] = {}
        with suppress(StoreError), self._store.read() as snapshot:  # what else is read of it logs that it cannot be
            known = stored(snapshot, time.time_ns())
        return list(self._vitals.metrics(known))


async def export_periodically(reader: MetricReader, forwarder: Forwarder, interval: float) -> None:
    """Export the metrics to all their backends every so many seconds, forever."""
    while True:
        await asyncio.sleep(interval)
        await export_once(reader, forwarder)


async def export_once(reader: MetricReader, forwarder: Forwarder) -> None:
    """Export the metrics to all their backends. The forwarder logs failures; the next export makes up for them."""
    try:
        await forwarder.forward(await reader.request())
    except Exception:
        _log.exception("the metrics cannot be exported")


class PrometheusServer:
    """Serves ``/metrics``."""

    def __init__(self, reader: MetricReader, may_read: Callable[[str], bool]) -> None:
        """Serve these metrics to whoever has a token that may read."""
        self._reader = reader
        self._may_read = may_read
        self._server: WebServer | None = None

    async def start(self, host: str, port: int, tls: SSLContext | None = None) -> int:
        """Listen (port 0: any), over TLS with a context, and return the port.

        Raises:
            OSError: where it cannot listen there.
        """
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        self._server = WebServer(app, shutdown_timeout=1.0)
        return await self._server.start(host, port, tls)

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            await self._server.stop()

    async def _metrics(self, request: web.Request) -> web.Response:
        if not self._may_read(bearer(request.headers.get("Authorization", ""))):
            text = "a token that may read is needed, as Authorization: Bearer TOKEN\n"
            return web.Response(status=401, text=text, headers={"WWW-Authenticate": "Bearer"})
        content_type = accepted(request.headers.get("Accept", ""))
        text = await self._reader.text(content_type)
        return web.Response(body=text.encode(), headers={"Content-Type": content_type})
