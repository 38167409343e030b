"""The collector as a process: its parts, wired, from startup to graceful shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Coroutine, Generator, Iterator
from functools import partial
from types import FrameType
from typing import Any

from cycletrace import conventions as c
from cycletrace._internal.access import Grant
from cycletrace._internal.address import Address
from cycletrace._internal.board.board import Board
from cycletrace._internal.board.server import BoardServer
from cycletrace._internal.board.source import Source
from cycletrace._internal.collector import log
from cycletrace._internal.collector.completion import Completion
from cycletrace._internal.collector.door import Door, Handle, refusal
from cycletrace._internal.collector.forwarding import Forwarder
from cycletrace._internal.collector.grpc_receiver import GrpcReceiver
from cycletrace._internal.collector.http_receiver import HttpReceiver
from cycletrace._internal.collector.limits import Budget, allow_many_connections
from cycletrace._internal.collector.metrics_export import (
    MetricReader,
    PrometheusServer,
    export_once,
    export_periodically,
)
from cycletrace._internal.collector.offload import Offload
from cycletrace._internal.collector.options import Options
from cycletrace._internal.collector.outbox import drop_others, hide_secrets, keep_sending
from cycletrace._internal.collector.reading import check, may_hold_records, read
from cycletrace._internal.collector.reply import combine
from cycletrace._internal.collector.retention import keep_pruning
from cycletrace._internal.collector.self_forwarding import own_endpoint
from cycletrace._internal.collector.series import Accumulator
from cycletrace._internal.collector.tls import ServerTls
from cycletrace._internal.collector.vitals import Vitals
from cycletrace._internal.collector.writer import Writer
from cycletrace._internal.flow.rules import SECOND
from cycletrace._internal.otlp.result import Code, ExportResult, malformed
from cycletrace._internal.otlp.signals import METRICS, SIGNALS, TRACES, Request
from cycletrace._internal.store import DatabaseUrl, Location, Store, StoreError, Transaction, open_for_collector
from cycletrace._version import __version__

_log = logging.getLogger("cycletrace.collector")

_LAST_EXPORT = 1.0
"""Seconds that the last export of metrics may take at shutdown."""
_SWITCH = 0.001
"""Seconds for which one thread may keep the others waiting: folding and metrics must not hold up requests."""
_SHUTDOWN_LIMIT = 4.0
"""Seconds after which the process ends even if something still runs: a huge fold, a name server that is down."""
_FINAL = (Code.INVALID_ARGUMENT, Code.PERMISSION_DENIED)
"""Refusals of a request that must not be forwarded either."""
OPEN = "anybody who can reach it may write and read all cycles (--insecure)"
"""What is printed and logged of a collector that is open to others."""
_SHUTDOWN_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StartError(Exception):
    """The collector cannot start. The message is one sentence for people."""


def run(options: Options) -> int:
    """Run until SIGTERM or SIGINT. Return the exit code: 2, after one sentence on stderr, if it cannot start."""
    log.configure(options.log_format)
    allow_many_connections()
    sys.setswitchinterval(_SWITCH)
    try:
        _check_forwarding(options)
        with _shutdown_timer() as timer:
            asyncio.run(_serve(options, timer))
    except (StartError, StoreError) as error:
        print(f"cycletrace: {error}", file=sys.stderr)
        return 2
    return 0


@contextlib.contextmanager
def _shutdown_timer() -> Generator[threading.Timer]:
    """Provide a timer that ends the process if shutdown takes too long: acknowledged records are durable anyway."""
    timer = threading.Timer(_SHUTDOWN_LIMIT, os._exit, [0])
    timer.daemon = True
    try:
        yield timer
    finally:
        timer.cancel()


def _check_forwarding(options: Options) -> None:
    itself = own_endpoint(options)
    if itself is not None:
        raise StartError(
            f"{itself.url} is this collector itself, so requests would circulate forever: "
            "choose another URL or address."
        )


async def _serve(options: Options, timer: threading.Timer) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second signal must not interrupt the shutdown
        loop.call_soon_threadsafe(stop.set)

    for number in _SHUTDOWN_SIGNALS:
        signal.signal(number, end)
    with open_for_collector(options.store) as (store, reader):
        collector = Collector(options, store, reader)
        try:
            await collector.start()
            print("\n".join(collector.described()), flush=True)
            await stop.wait()
            timer.start()
        finally:
            await collector.stop()


class Collector:
    """The parts of the collector, wired. To be made and used in one event loop."""

    def __init__(self, options: Options, store: Store, reader: Store) -> None:
        """Continue from the state in the store; ``reader`` is another connection to the same store.

        Raises:
            StoreError: where the store cannot be used.
            StartError: where a certificate cannot be read.
        """
        self._options = options
        destinations = [target.url for target in options.forward.get(TRACES.name, ())]
        with store.write() as tx:
            instance = tx.instance_id()
            _keep_settings(tx, options)
            hide_secrets(tx)
            dropped = drop_others(tx, destinations)
        accumulator = Accumulator(options.label_limit)
        vitals = Vitals()
        if dropped:
            _log.warning("%d derived spans were dropped: traces are no longer forwarded to their backend", dropped)
        try:
            self._forwarder = Forwarder(options.forward, sent=vitals.count_forwarded)
            self._metrics_forwarder = Forwarder({METRICS.name: options.metrics_to}, is_own=True)
        except OSError as error:
            raise _unreadable(error) from error
        completion = Completion(round(options.grace * SECOND), destinations)
        self._posted = [asyncio.Event() for _ in destinations]
        self._writer = Writer(store, accumulator, completion, self._wake, vitals.count_commit, options.cycle_limit)
        self._metrics = MetricReader(
            reader, accumulator, options.label_limit, instance, vitals, lambda: self._writer.is_in_charge
        )
        budget = Budget(options.limits)
        vitals.gauges = {
            c.COLLECTOR_QUEUE: lambda: self._writer.queued,
            c.COLLECTOR_IN_FLIGHT: lambda: budget.size - budget.free,
            c.COLLECTOR_READY: lambda: int(self._trouble() is None),
            c.COLLECTOR_IN_CHARGE: lambda: int(self._writer.is_in_charge),
        }
        try:
            self._door = Door(options.tokens)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise StartError(f"The tokens file {options.tokens} cannot be used: {why}.") from error
        try:
            self._tls = None if options.tls is None else ServerTls(options.tls)
        except OSError as error:
            raise _unreadable(error) from error
        self._grpc = GrpcReceiver(self._admit, options.limits, budget, vitals.count_request)
        self._http = HttpReceiver(self._admit, options.limits, budget, self._trouble, vitals.count_request)
        self._prometheus = PrometheusServer(self._metrics, self._door.may_read)
        board = Board(Source(options.store), options.linked)
        self._board = BoardServer(board, None if options.tokens is None else self._door.may_read)
        self._listening: dict[str, Address] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._offload = Offload()
        self._is_stopping = False

    async def start(self) -> None:
        """Listen, and start the background tasks.

        Raises:
            StartError: where it cannot listen on an address.
        """
        options = self._options
        context = None if self._tls is None else self._tls.context()
        credentials = None if self._tls is None else self._tls.credentials()
        if options.is_open:
            _log.warning("access: %s", OPEN)
        await self._writer.start()
        with self._listen("OTLP/gRPC", options.grpc):
            port = await self._grpc.start(str(options.grpc), credentials)
            self._listening["OTLP/gRPC"] = options.grpc._replace(port=port)
        with self._listen("OTLP/HTTP", options.http):
            port = await self._http.start(options.http.host, options.http.port, context)
            self._listening["OTLP/HTTP"] = options.http._replace(port=port)
        if options.prometheus is not None:
            with self._listen("Prometheus", options.prometheus):
                port = await self._prometheus.start(options.prometheus.host, options.prometheus.port, context)
                self._listening["Prometheus"] = options.prometheus._replace(port=port)
        if options.board is not None:
            with self._listen("the board", options.board):
                port = await self._board.start(options.board, context)
                self._listening["the board"] = options.board._replace(port=port)
        for backend, posted in zip(self._forwarder.backends(TRACES), self._posted, strict=True):
            self._begin(keep_sending(self._writer, self._forwarder, backend, posted))
        if options.keep is not None:
            self._begin(keep_pruning(self._writer, options.keep))
        if options.metrics_to or options.prometheus is not None:
            self._metrics.begin(time.time_ns())  # so that they are there at the first export
        if options.metrics_to:
            self._begin(export_periodically(self._metrics, self._metrics_forwarder, options.interval))

    def described(self) -> Iterator[str]:
        """Yield the lines that say where it listens, and where each signal goes."""
        options = self._options
        http = "http" if self._tls is None else "https"
        yield f"cycletrace {__version__} collects"
        yield f"  OTLP/gRPC   {self._listening['OTLP/gRPC']}"
        yield f"  OTLP/HTTP   {http}://{self._listening['OTLP/HTTP']}"
        yield f"  store       {_absolute(options.store)}"
        yield f"  access      {self._access()}"
        if options.rules:
            yield f"  rules       {len(options.rules)} for spans of other programs"
        for one in SIGNALS:
            urls = [target.url for target in options.forward.get(one.name, ())]
            yield f"  {one.name:11} {'forwarded to ' + ', '.join(urls) if urls else 'not forwarded'}"
        if options.metrics_to:
            urls = [target.url for target in options.metrics_to]
            yield f"  cycle times {', '.join(urls)}, every {options.interval:g} s"
        if "Prometheus" in self._listening:
            yield f"  Prometheus  {http}://{self._listening['Prometheus']}/metrics"
        if "the board" in self._listening:
            yield f"  board       {http}://{self._listening['the board']}/"

    def _access(self) -> str:
        if self._options.tls is not None and self._options.tls.client_ca is not None:
            both = " and a token" if self._options.tokens is not None else ""
            return f"with a certificate that {self._options.tls.client_ca} signed{both}"
        if self._options.tokens is not None:
            return f"with a token of {self._options.tokens}"
        return OPEN if self._options.is_open else "programs on this machine"

    async def stop(self) -> None:
        """Stop listening, finish requests in progress, commit, and export the metrics once more."""
        self._is_stopping = True
        await asyncio.gather(self._grpc.stop(), self._http.stop(), self._prometheus.stop(), self._board.stop())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._writer.stop()
        if self._options.metrics_to and self._listening:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(export_once(self._metrics, self._metrics_forwarder), _LAST_EXPORT)
        self._metrics.close()
        self._offload.close()
        await self._forwarder.close()
        await self._metrics_forwarder.close()

    def _admit(self, authorization: str) -> Handle | ExportResult:
        sender = self._door.sender(authorization)
        return sender if isinstance(sender, ExportResult) else partial(self._handle, sender)

    async def _handle(self, sender: Grant, request: Request) -> ExportResult:
        """Store, then forward: a request that cannot be stored is not forwarded, since its sender will repeat it."""
        try:
            rules = self._options.rules
            if may_hold_records(request, rules):
                try:
                    extracted = await self._offload.run(len(request.body), partial(read, request, rules))
                except ValueError as error:
                    return malformed(str(error))
                accepted = refusal(sender, extracted.records) or await self._writer.accept(extracted)
            elif self._forwarder.backends(request.signal):
                accepted = ExportResult()
            else:
                return await self._check(request)
            if accepted.is_retryable or accepted.code in _FINAL:
                return accepted
            return combine([accepted, await self._forwarder.forward(request)])
        except Exception:
            _log.exception("a request could not be handled")
            return ExportResult(Code.INTERNAL, "the collector failed to handle the request")

    async def _check(self, request: Request) -> ExportResult:
        """Return the result for a request that is neither stored nor forwarded: success if it can be parsed."""
        try:
            await self._offload.run(len(request.body), partial(check, request))
        except ValueError as error:
            return malformed(str(error))
        return ExportResult()

    def _trouble(self) -> str | None:
        return "the collector is shutting down" if self._is_stopping else self._writer.trouble

    def _wake(self) -> None:
        for posted in self._posted:
            posted.set()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    @contextlib.contextmanager
    def _listen(self, what: str, address: Address) -> Generator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or "it may be in use"
            raise StartError(
                f"Cannot listen on {address} for {what}: {why}. Stop what uses it, or choose another."
            ) from error


def _absolute(location: Location) -> Location:
    return location if isinstance(location, DatabaseUrl) else location.absolute()


def _unreadable(error: OSError) -> StartError:
    return StartError(f"A certificate cannot be read: {error}. Expected PEM files, and a key without a password.")


def _keep_settings(tx: Transaction, options: Options) -> None:
    """Keep what this start chooses in the store, so that all who read it use the same rules and targets."""
    kept = settings = tx.settings()
    if options.production is not None:
        settings = settings._replace(rules=settings.rules._replace(production=options.production))
    if options.target is not None:
        settings = settings._replace(targets=settings.targets._replace(default=options.target))
    if settings != kept:
        tx.save_settings(settings)
