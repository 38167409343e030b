"""The one thread that writes the store: takes requests in by groups, folds, observes.

One SQLite file has one writer at a time, so there is one thread, and everything that is told of cycles happens in its
order. An answer of success is given only after the commit that holds the request.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

from cycletrace._internal.collector.completion import Completion, apply_refolds, count_records, observe_closed
from cycletrace._internal.collector.reading import Bad, Taken, may_be_ours, read
from cycletrace._internal.collector.series import Accumulator, from_rows, to_rows
from cycletrace._internal.flow import RULES, Rules
from cycletrace._internal.flow.rules import SECOND
from cycletrace._internal.otlp.result import Code, ExportResult, malformed, unavailable
from cycletrace._internal.otlp.signals import Request
from cycletrace._internal.store import Store, StoreError, Transaction
from cycletrace.conventions import RECORD_REJECTED

_log = logging.getLogger("cycletrace.collector")

GROUP = 256
"""Requests in one transaction."""
FOLDS = 100
"""Cycles that one transaction folds or observes, so that requests never wait long."""
LONGEST_SLEEP = 0.5
"""Seconds until it checks whether the store can still be written, and whether another process added records."""
PUT_OFF = 3600 * SECOND
"""Nanoseconds until a cycle that cannot be folded is tried again."""
PAUSE_AFTER_FAILURE = 1.0
"""Seconds until the store is tried again."""

T = TypeVar("T")


class _Job(NamedTuple):
    """A request, or work on the store, and whom to tell."""

    work: Request | Callable[[Transaction], Any]
    done: asyncio.Future[Any]


class Writer:
    """Owns the store from :meth:`start` to :meth:`stop`. All other methods belong to one event loop."""

    def __init__(
        self,
        store: Store,
        accumulator: Accumulator,
        completion: Completion,
        rules: Rules = RULES,
        posted: Callable[[], object] = lambda: None,
    ) -> None:
        """``posted`` is called in the event loop whenever something may wait to be sent."""
        self._store = store
        self._accumulator = accumulator
        self._completion = completion
        self._rules = rules
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="cycletrace-store", daemon=True)
        self._loop = asyncio.get_running_loop()
        self._is_stopping = False
        self._at_once = FOLDS
        self._reasons: set[str] = set()
        self._posted = posted
        self.trouble: str | None = None
        """Why the store cannot be written now."""

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    async def accept(self, request: Request) -> ExportResult:
        """Take in what is ours in a request. Success means that it is durable."""
        if not may_be_ours(request):
            return ExportResult()
        answer: ExportResult = await self._enqueue(request)
        return answer

    async def do(self, work: Callable[[Transaction], T]) -> T:
        """Do something with the store, in a transaction of its own.

        Raises:
            StoreError: where the store cannot be written.
        """
        result: T = await self._enqueue(work)
        return result

    async def stop(self) -> None:
        """Finish what was accepted, and end."""
        if not self._thread.is_alive():
            return
        self._is_stopping = True
        self._jobs.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    async def _enqueue(self, work: Request | Callable[[Transaction], Any]) -> Any:
        done: asyncio.Future[Any] = self._loop.create_future()
        self._jobs.put(_Job(work, done))
        return await done

    # --- in the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        not_before = 0.0
        while True:
            pending = max(0.0, not_before - time.monotonic())
            jobs = self._next_group(max(pending, self._seconds_to_next()) if not self._is_stopping else 0.0)
            if jobs:
                self._take_in(jobs)
            elif self._is_stopping and self._jobs.empty():
                self._tell_all()
                return
            if time.monotonic() >= not_before:
                began = time.monotonic()
                is_well = self._fold_some()
                # Folding may take as much time as taking in, never more: a huge cycle slows, it does not stop.
                not_before = time.monotonic() + (time.monotonic() - began if is_well else PAUSE_AFTER_FAILURE)

    def _next_group(self, timeout: float) -> list[_Job]:
        jobs: list[_Job] = []
        try:
            job = self._jobs.get(timeout=timeout) if timeout > 0 else self._jobs.get_nowait()
            while job is not None:
                jobs.append(job)
                if len(jobs) == GROUP:
                    break
                job = self._jobs.get_nowait()
        except queue.Empty:
            pass
        return jobs

    def _seconds_to_next(self) -> float:
        """How long there is nothing to do unless something arrives."""
        if self.trouble is not None:
            return PAUSE_AFTER_FAILURE
        try:
            with self._store.read() as snapshot:
                refold_at, closed = snapshot.next_refold_at(), snapshot.next_closed()
        except StoreError:
            return PAUSE_AFTER_FAILURE
        instants = [refold_at] if refold_at is not None else []
        if closed is not None:
            instants.append(closed + self._completion.grace)
        if not instants:
            return LONGEST_SLEEP
        return min(max((min(instants) - time.time_ns()) / SECOND, 0.0), LONGEST_SLEEP)

    def _take_in(self, jobs: Sequence[_Job]) -> None:
        taken: list[tuple[_Job, Taken]] = []
        works: list[_Job] = []
        for job in jobs:
            if isinstance(job.work, Request):
                outcome = _read(job.work)
                if isinstance(outcome, ExportResult):
                    self._settle([(job, outcome)])
                else:
                    taken.append((job, outcome))
            else:
                works.append(job)
        if taken:
            self._settle(self._commit(taken))
        for job in works:
            assert callable(job.work)
            try:
                with self._store.write() as tx:
                    result: Any = job.work(tx)
            except Exception as error:
                result = error
            self._settle([(job, result)])

    def _commit(self, taken: Sequence[tuple[_Job, Taken]]) -> list[tuple[_Job, Any]]:
        now = time.time_ns()
        try:
            with self._transaction(now) as tx:
                refused = [self._add(tx, one, now) for _, one in taken]
                count_records(self._accumulator, RECORD_REJECTED, sum(refused), now)
        except StoreError as error:
            self._note_trouble(str(error))
            return [(job, unavailable(str(error))) for job, _ in taken]
        except Exception:
            if len(taken) > 1:  # one of them is poison: the others need not suffer
                return [result for one in taken for result in self._commit([one])]
            _log.exception("a request could not be taken in")
            return [(taken[0][0], ExportResult(Code.INTERNAL, "the request could not be taken in"))]
        return [(job, _partial(one.bad)) for job, one in taken]

    @contextmanager
    def _transaction(self, now: int) -> Generator[Transaction]:
        """Write the store, with the series that change."""
        try:
            with self._store.write() as tx:
                if self.trouble is not None:
                    tx.probe(now)  # else a transaction that writes nothing would count as recovery
                    self._accumulator.reload(from_rows(tx.load_series()))  # a commit that failed may have happened
                yield tx
                tx.save_series(to_rows(self._accumulator.changed))
        except BaseException:
            self._accumulator.drop()
            raise
        self._accumulator.keep()

    def _add(self, tx: Transaction, taken: Taken, now: int) -> int:
        """Add one request's records. Return how many were refused, each counted once however often it comes."""
        refused = tx.add(taken.records, now).refused
        for reason, content in taken.bad:
            # The digest tells a repetition from another record that begins alike.
            excerpt = f"{sha256(content).hexdigest()[:16]} {content[:400].decode('utf-8', 'backslashreplace')}"[:500]
            if not tx.is_rejected(reason, excerpt):
                tx.reject(now, reason, excerpt)
                refused += 1
                if reason not in self._reasons:
                    self._reasons.add(reason)
                    _log.warning("a record is put aside, and more of its kind are only counted: %s", reason)
        return refused

    def _fold_some(self) -> bool:
        """Fold and observe some of what is due. ``False`` where the store cannot be written."""
        now = time.time_ns()
        try:
            with self._transaction(now) as tx:
                refolded = tx.refold(now, self._at_once, self._rules)
                apply_refolds(tx, self._accumulator, refolded, self._completion, now)
                count, dropped = observe_closed(tx, self._accumulator, self._completion, now, FOLDS)
        except StoreError as error:
            self._note_trouble(str(error))
            return False
        except Exception:
            return self._isolate(now)
        if count or self.trouble is not None:
            self._in_loop(self._posted)
        self._note_trouble(None)
        if not refolded:
            self._at_once = FOLDS
        if dropped:
            _log.warning("%d derived spans were dropped: their backend has been down for too long", dropped)
        return True

    def _isolate(self, now: int) -> bool:
        """Find the cycle that cannot be folded, by folding one at a time, and put it off: it holds up no other."""
        if self._at_once > 1:
            self._at_once = 1
            return True
        _log.exception("a cycle cannot be folded, and is put off")
        try:
            with self._store.write() as tx:
                tx.postpone(now, now + PUT_OFF)
        except StoreError:
            pass
        return False

    def _tell_all(self) -> None:
        """Fold what is still due, within a moment: the rest is due again after the next start."""
        until = time.monotonic() + 1.0
        while self._seconds_to_next() == 0.0 and time.monotonic() < until and self._fold_some():
            pass

    def _settle(self, results: Sequence[tuple[_Job, Any]]) -> None:
        def settle() -> None:
            for job, result in results:
                if job.done.done():  # whoever waited has gone
                    continue
                if isinstance(result, Exception):
                    job.done.set_exception(result)
                else:
                    job.done.set_result(result)

        self._in_loop(settle)

    def _in_loop(self, call: Callable[[], object]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _note_trouble(self, trouble: str | None) -> None:
        if trouble != self.trouble:
            _log.warning("%s", trouble or "the store can be written again")
        self.trouble = trouble


def _read(request: Request) -> Taken | ExportResult:
    try:
        return read(request)
    except ValueError as error:
        return malformed(str(error))
    except Exception:
        _log.exception("a request could not be read")
        return ExportResult(Code.INTERNAL, "the request could not be read")


def _partial(bad: Sequence[Bad]) -> ExportResult:
    """Success, but for records that are bad: the sender is told and must not repeat them."""
    reasons = dict.fromkeys(reason for reason, _ in bad)
    return ExportResult(message="; ".join(reasons)[:1000], rejected=len(bad))
