"""Who is told the metrics: OTLP backends every interval, Prometheus whenever it asks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from aiohttp import web

from cycletrace._internal.collector.exposition import accepted, render
from cycletrace._internal.collector.forwarding import Forwarder
from cycletrace._internal.collector.headline import headline
from cycletrace._internal.collector.metrics_request import encode
from cycletrace._internal.collector.point import Metric, cumulative
from cycletrace._internal.collector.present import Present
from cycletrace._internal.collector.series import Accumulator
from cycletrace._internal.flow import CycleTarget, Facts, Rules
from cycletrace._internal.otlp.signals import METRICS, Encoding, Request
from cycletrace._internal.store import Snapshot, Store

_log = logging.getLogger("cycletrace.collector")

T = TypeVar("T")

_HEADLINE_SHARE = 0.05
"""Of one core's time that computing the headline may take: in a large store it is told less often."""


class Teller:
    """Puts metrics together in a thread of its own, with a connection of its own that only reads."""

    def __init__(
        self, store: Store, accumulator: Accumulator, present: Present, target: CycleTarget, rules: Rules, instance: str
    ) -> None:
        self._store = store
        self._accumulator = accumulator
        self._present = present
        self._target = target
        self._rules = rules
        self._instance = instance
        self._headline: list[Metric] = []
        self._headline_due = 0.0
        self._is_closing = False
        self._failing: set[str] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cycletrace-metrics")

    async def text(self, content_type: str) -> str:
        """All metrics in a format that Prometheus reads."""
        return await self._in_thread(lambda: render(self._metrics(time.time_ns()), content_type))

    async def request(self) -> Request:
        """All metrics as an OTLP request."""

        def make() -> bytes:
            now = time.time_ns()
            return encode(self._metrics(now), now, self._instance)

        return Request(METRICS, Encoding.PROTOBUF, await self._in_thread(make))

    def close(self) -> None:
        """End the thread, also in the middle of a headline."""
        self._is_closing = True
        self._thread.shutdown()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _metrics(self, now: int) -> list[Metric]:
        metrics = list(cumulative(self._accumulator.series))
        for name, gauges in (("what is open", self._opened), ("the headline", self._headlines)):
            try:
                metrics.extend(gauges(now))
                self._failing.discard(name)
            except Exception as error:  # what is counted is told all the same
                if name not in self._failing:
                    _log.warning("%s is not told: %s", name, error)
                self._failing.add(name)
        return metrics

    def _opened(self, now: int) -> list[Metric]:
        with self._store.read() as snapshot:
            return list(self._present.gauges(snapshot, now))

    def _headlines(self, now: int) -> list[Metric]:
        began = time.monotonic()
        if began >= self._headline_due:
            with self._store.read() as snapshot:
                self._headline = list(headline(self._facts(snapshot, now), now, self._target))
            took = time.monotonic() - began
            self._headline_due = began + took + took / _HEADLINE_SHARE
        return self._headline

    def _facts(self, snapshot: Snapshot, now: int) -> Iterator[Facts]:
        for one in snapshot.facts(now, rules=self._rules):
            if self._is_closing:
                raise RuntimeError("nobody waits for the metrics any more")
            yield one


async def tell_backends(teller: Teller, forwarder: Forwarder, interval: float) -> None:
    """Send the metrics to all backends of the signal, every so many seconds, for ever."""
    while True:
        await asyncio.sleep(interval)
        await tell_once(teller, forwarder)


async def tell_once(teller: Teller, forwarder: Forwarder) -> None:
    """Send the metrics to all backends of the signal. Failures are told by the forwarder; the next time says it all."""
    try:
        await forwarder.forward(await teller.request())
    except Exception:
        _log.exception("the metrics cannot be told")


class Prometheus:
    """Serves ``/metrics``."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen (port 0: any) and return the port.

        Raises:
            OSError: where the address cannot be had.
        """
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        listening: int = self._runner.addresses[0][1]
        return listening

    async def stop(self) -> None:
        """Stop to listen."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        content_type = accepted(request.headers.get("Accept", ""))
        text = await self._teller.text(content_type)
        return web.Response(body=text.encode(), headers={"Content-Type": content_type})
