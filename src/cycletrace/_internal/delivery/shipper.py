"""The shipper: reads journals from where delivery stopped, sends the new records, and saves its progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from cycletrace._internal import loading
from cycletrace._internal.delivery import claim, progress
from cycletrace._internal.delivery.destination import OPTIONAL, SIGNALS, Destination
from cycletrace._internal.delivery.transport import Sender, is_refused, open_sender
from cycletrace._internal.diagnostics import LOGGER, log_once
from cycletrace._internal.journal.documents import parse
from cycletrace._internal.journal.files import (
    delivered_directory,
    is_closed,
    journal_directory,
    list_folder,
    next_segment,
    read_header,
)
from cycletrace._internal.journal.orphans import close_orphans
from cycletrace._internal.journal.ownership import refuse_directory
from cycletrace._internal.journal.writer import Writer
from cycletrace._internal.otlp.backoff import Backoff
from cycletrace._internal.otlp.result import ACCEPTED, Disposition, ExportResult, malformed

MAX_ITEMS = 512
"""Maximum number of records in one request."""
MAX_BYTES = 1 << 20
"""Maximum number of bytes of a journal in one request."""
ORPHANS_EVERY = 30.0
"""Seconds between checks for processes that died."""


_CONNECTIONS: set[ExitStack] = set()
"""Connections of running passes. A child forked meanwhile keeps them, since garbage collection would close them."""


class Batch(NamedTuple):
    """The records of the next request, and the positions in the journals after it."""

    items: list[Any]
    offsets: dict[str, int]


class Shipper:
    """Delivers one directory's journals to one destination. Used by one thread at a time."""

    def __init__(self, directory: Path, destination: Destination, writer: Writer | None = None) -> None:
        self._directory = directory
        self._destination = destination
        self._writer = writer
        self._connections: ExitStack | None = None
        self._senders: dict[str, Sender] = {}
        self._has_sent = False
        self._resources: dict[str, dict[str, Any]] = {}
        self._progress: progress.Progress | None = None
        self._backoff = {signal: Backoff() for signal in SIGNALS}
        self._not_before: dict[str, float] = {}
        self._next_orphans = 0.0
        self._holds_claim = False

    def deliver_some(self, stop: threading.Event) -> None:
        """Deliver new records, unless backing off after a failure, and return early once ``stop`` is set."""
        self._deliver(time.monotonic() + 60.0, is_patient=True, stop=stop)

    def deliver_all(self, deadline: float) -> bool:
        """Deliver everything before the deadline (:func:`time.monotonic`). Return ``True`` if that succeeded."""
        while True:
            if self._deliver(deadline, is_patient=False):
                return True
            if time.monotonic() >= deadline or not self._is_claimed_elsewhere():
                return False
            time.sleep(0.05)

    def wait_for_others(self, deadline: float, there_are: Callable[[], bool]) -> bool:
        """Wait for another process to deliver everything, as long as there is one.

        Return ``True`` if it did so before the deadline.
        """
        while there_are():
            if not self.undelivered():
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        return False

    def deliver_last(self, deadline: float) -> None:
        """Make one attempt to deliver at exit. If nothing listens there, it costs one refused connection."""
        if not self._has_sent and all(is_refused(endpoint) for endpoint in self._destination.values()):
            return
        self._deliver(deadline, is_patient=False)
        claim.release(self._directory)

    def undelivered(self) -> int:
        """Return the number of bytes of journals that are not delivered yet."""
        known = progress.load(self._directory)
        return sum(
            max(
                0,
                size
                - min((known.offsets.get(signal, {}).get(name, 0) for signal in self._wanted(known)), default=size),
            )
            for name, size in self._sizes().items()
        )

    def _is_claimed_elsewhere(self) -> bool:
        return not claim.take(self._directory)

    def _wanted(self, known: progress.Progress) -> list[str]:
        return [
            signal
            for signal in SIGNALS
            if signal in self._destination and known.unsupported.get(signal) != self._destination[signal].url
        ]

    def _sizes(self) -> dict[str, int]:
        sizes = {}
        for path in list_folder(journal_directory(self._directory)):
            with suppress(OSError):
                sizes[path.name] = path.stat().st_size
        return sizes

    def _deliver(self, deadline: float, *, is_patient: bool, stop: threading.Event | None = None) -> bool:
        # Connections last for one pass. If kept, one would be closed with all other descriptors when the program
        # becomes a daemon, after which its number may belong to the user, and a forked child would share it.
        with ExitStack() as self._connections:
            _CONNECTIONS.add(self._connections)
            try:
                return self._deliver_pass(deadline, is_patient=is_patient, stop=stop)
            finally:
                self._senders.clear()
                _CONNECTIONS.discard(self._connections)

    def _deliver_pass(self, deadline: float, *, is_patient: bool, stop: threading.Event | None) -> bool:
        if self._progress is None:
            self._progress = progress.load(self._directory)
        if self._writer is not None and self._writer.pending and (not is_patient or self._may_try()):
            self._deliver_pending(deadline)
        if refuse_directory(self._directory) is not None or not self._sizes():
            return self._writer is None or not self._writer.pending
        held = self._holds_claim
        self._holds_claim = claim.take(self._directory)
        if not self._holds_claim:
            return self.undelivered() == 0
        if not held:  # another process may have continued from where we were
            self._progress = progress.load(self._directory)
        _load_encoder()
        if not is_patient or time.monotonic() >= self._next_orphans:
            close_orphans(self._directory)
            self._next_orphans = time.monotonic() + ORPHANS_EVERY
        for signal in self._wanted(self._progress):
            if not is_patient or self._may_try(signal):
                self._deliver_signal(signal, deadline, stop)
        self._move_delivered()
        return self.undelivered() == 0

    def _may_try(self, *signals: str) -> bool:
        """Return whether the backoff after failures has ended, of these signals or of all."""
        return all(time.monotonic() >= self._not_before.get(signal, 0.0) for signal in signals or SIGNALS)

    def _deliver_signal(self, signal: str, deadline: float, stop: threading.Event | None) -> None:
        assert self._progress is not None
        limit = MAX_ITEMS
        while (left := deadline - time.monotonic()) > 0 and not (stop is not None and stop.is_set()):
            batch = self._collect(signal, limit)
            if not batch.offsets:
                return
            result = self._send(signal, batch.items, left)
            if result.disposition is Disposition.REFUSED and len(batch.items) > 1:
                limit = max(1, len(batch.items) // 2)
                continue
            if must_wait(signal, result):
                self._back_off(signal, result)
                return
            self._settle(signal, result, len(batch.items))
            if result.disposition is Disposition.UNSUPPORTED:
                return
            self._progress.offsets.setdefault(signal, {}).update(batch.offsets)
            progress.save(self._directory, self._progress)
            limit = MAX_ITEMS

    def _settle(self, signal: str, result: ExportResult, count: int) -> None:
        """Record the consequences of a final result, and log it unless it is plain success."""
        assert self._progress is not None
        self._backoff[signal].reset()
        if self._progress.problem.pop(signal, None):
            LOGGER.warning("Delivery of %s continues.", signal)
        rejected = count if result.disposition is Disposition.REFUSED else result.rejected
        if result.disposition is Disposition.UNSUPPORTED:
            self._progress.unsupported[signal] = self._destination[signal].url
            LOGGER.warning("%s. The endpoint does not support %s, so none are sent to it.", result.summary, signal)
            progress.save(self._directory, self._progress)
        elif rejected:
            self._progress.rejected += rejected
            LOGGER.warning("The endpoint permanently rejected %d of our %s: %s", rejected, signal, result.summary)

    def _back_off(self, signal: str, result: ExportResult) -> None:
        assert self._progress is not None
        self._not_before[signal] = time.monotonic() + self._backoff[signal].fail(result.retry_after)
        problem = result.summary
        if signal not in self._progress.problem:  # logged once per change of state, not per attempt
            LOGGER.warning("Delivery of %s waits: %s. Records stay in the journal.", signal, problem)
        if self._progress.problem.get(signal) != problem:
            self._progress.problem[signal] = problem
            progress.save(self._directory, self._progress)

    def _send(self, signal: str, items: list[Any], seconds: float) -> ExportResult:
        if not items:
            return ACCEPTED
        from cycletrace._internal.delivery.encode import encode

        try:
            body = encode(signal, items)
        except Exception as error:  # a document that another version wrote: split until it stands alone
            return malformed(f"cannot be encoded: {error!r}")
        if signal not in self._senders:
            assert self._connections is not None
            with loading.lock:
                opened = open_sender(self._destination[signal], SIGNALS[signal])
                self._senders[signal] = self._connections.enter_context(opened)
            self._has_sent = True
        return self._senders[signal](body, seconds)

    def _collect(self, signal: str, limit: int) -> Batch:
        """Return the next records of a signal, from as many journals as needed."""
        from cycletrace._internal.delivery.encode import Item, signal_of

        assert self._progress is not None
        known = self._progress.offsets.get(signal, {})
        batch = Batch([], {})
        size = 0
        for name, end in self._sizes().items():
            offset = known.get(name, 0)
            if offset >= end:
                continue
            resource = self._resource(name)
            with suppress(OSError), (journal_directory(self._directory) / name).open("rb") as file:
                file.seek(offset)
                for line in file:
                    if not line.endswith(b"\n") and not self._is_finished(name):
                        break  # still being written
                    try:
                        document = parse(line)
                        if "attributes" in document and signal_of(document) == signal:
                            batch.items.append(Item(document, resource))
                    except ValueError as error:
                        log_once(f"A line of {name} is damaged or of another version. It is not delivered: {error}.")
                    size += len(line)
                    offset += len(line)
                    batch.offsets[name] = offset
                    if len(batch.items) >= limit or size >= MAX_BYTES:
                        return batch
        return batch

    def _resource(self, name: str) -> dict[str, Any]:
        """Return the resource attributes of a journal's writer; none if its header is damaged."""
        if name not in self._resources:
            header = read_header(journal_directory(self._directory) / name)
            if header is None:
                return {}
            self._resources[name] = header["resource"]
        return self._resources[name]

    def _is_finished(self, name: str) -> bool:
        """Return whether this journal is complete: its writer or :func:`close_orphans` ended it."""
        folder = journal_directory(self._directory)
        return is_closed(folder / name) or (folder / next_segment(name)).exists()

    def _move_delivered(self) -> None:
        """Move journals that are complete and fully delivered, so that checking for new records stays cheap."""
        assert self._progress is not None
        sizes = self._sizes()
        offsets = [self._progress.offsets.get(signal, {}) for signal in self._wanted(self._progress)]
        moved = []
        for name, size in sizes.items():
            if all(known.get(name, 0) >= size for known in offsets) and self._is_finished(name):
                with suppress(OSError):
                    (journal_directory(self._directory) / name).rename(delivered_directory(self._directory) / name)
                    moved.append(name)
        if moved:
            for known in self._progress.offsets.values():
                for name in (*moved, *(known.keys() - sizes.keys())):
                    known.pop(name, None)
            for name in moved:
                self._resources.pop(name, None)
            progress.save(self._directory, self._progress)

    def _deliver_pending(self, deadline: float) -> None:
        """Send records from memory that could not be written to the journal."""
        _load_encoder()
        from cycletrace._internal.delivery.encode import Item, signal_of

        assert self._writer is not None
        assert self._progress is not None
        pending = self._writer.pending
        while pending and (left := deadline - time.monotonic()) > 0:
            lines = [pending.popleft() for _ in range(min(len(pending), MAX_ITEMS))]
            documents = [document for line in lines if "attributes" in (document := parse(line))]
            for signal in self._wanted(self._progress):
                items = [
                    Item(document, self._writer.resource) for document in documents if signal_of(document) == signal
                ]
                result = self._send(signal, items, left)
                if must_wait(signal, result):
                    self._back_off(signal, result)
                    pending.extendleft(reversed(lines))
                    return
                self._settle(signal, result, len(items))


def must_wait(signal: str, result: ExportResult) -> bool:
    """Return whether records are kept and sent again later. An endpoint without traces is probably misconfigured."""
    if result.disposition is Disposition.UNSUPPORTED:
        return signal != OPTIONAL
    return result.disposition is Disposition.LATER


def _load_encoder() -> None:
    """Import the encoder with the lock held, so that no fork happens during the import."""
    with loading.lock:
        import_module("cycletrace._internal.delivery.encode")
