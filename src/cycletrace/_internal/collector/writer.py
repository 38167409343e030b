"""The thread that writes the store: commits requests in groups, folds cycles, and observes those that are complete.

A store allows one writer at a time, so there is one thread. A request succeeds only after the commit that contains it.
Of several collectors that share a store, all commit requests, and one of them is in charge of the rest.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeVar

from cycletrace._internal.collector.completion import (
    Completion,
    apply_refolds,
    begin_record_counters,
    count_rejected,
    observe_closed,
)
from cycletrace._internal.collector.reading import Extracted
from cycletrace._internal.collector.series import Accumulator, from_rows, to_rows
from cycletrace._internal.flow import Record
from cycletrace._internal.flow.rules import SECOND
from cycletrace._internal.otlp.result import Code, ExportResult, unavailable
from cycletrace._internal.store import Refolded, Rejection, Store, StoreError, Transaction

_log = logging.getLogger("cycletrace.collector")

GROUP = 256
"""Requests in one transaction at most."""
GROUP_RECORDS = 2000
"""Records after which a transaction takes no further request, which would have to wait for all of them."""
PART = 500
"""Records of one request that one transaction takes: the others of a large one follow, after what came meanwhile."""
CYCLE_PART = 10_000
"""Records of one cycle that are not divided; of one that is, nothing is counted in between."""
FOLDS = 100
"""Cycles that one transaction folds or observes at most, so that requests never wait long."""
MAX_SLEEP = 0.5
"""Seconds between checks that the store can still be written, and for records that another process added."""
POSTPONEMENT = 3600 * SECOND
"""Nanoseconds until a cycle that cannot be folded is tried again."""
PAUSE = 1.0
"""Seconds until the store is tried again."""

T = TypeVar("T")


class _Job(NamedTuple):
    """What a request holds, or work on the store, and the future that awaits the result."""

    work: Extracted | Callable[[Transaction], Any]
    done: asyncio.Future[Any]


class Writer:
    """Owns the store from :meth:`start` to :meth:`stop`. All other methods belong to one event loop."""

    def __init__(
        self,
        store: Store,
        accumulator: Accumulator,
        completion: Completion,
        posted: Callable[[], object] = lambda: None,
        committed: Callable[[int, int], object] = lambda *_: None,
        cycle_limit: int | None = None,
    ) -> None:
        """Write this store.

        ``posted`` is called in the event loop whenever derived spans may wait to be sent, ``committed`` in the thread
        with the number of records of each commit and its nanoseconds. ``cycle_limit`` bounds the records of a cycle.
        """
        self._cycle_limit = cycle_limit
        self._committed = committed
        self._store = store
        self._accumulator = accumulator
        self._completion = completion
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="cycletrace-store", daemon=True)
        self._loop = asyncio.get_running_loop()
        self._is_stopping = False
        self._at_once = FOLDS
        self._reasons: set[str] = set()
        self._arriving: Counter[str] = Counter()
        """Cycles of which parts are yet to be stored, by the number of requests with such parts."""
        self._posted = posted
        self.trouble: str | None = None
        """Why the store cannot be written now, without its path: senders may read this."""
        self._term: int | None = None

    @property
    def is_in_charge(self) -> bool:
        """Whether this collector folds and counts, not another one. Safe to read in any thread."""
        return self._term is not None

    async def start(self) -> None:
        """Start the thread, and wait until it is known who is in charge."""
        self._thread.start()
        with suppress(StoreError):  # it is logged, and tried again
            await self.do(lambda _: None)

    async def accept(self, extracted: Extracted) -> ExportResult:
        """Store cycletrace's records of a request. Success means that they are durable."""
        results: list[ExportResult] = []
        divided = _divided(extracted)
        self._arriving += divided
        try:
            for part in _parts(extracted):
                results.append(await self._enqueue(part))
                if not results[-1].is_success:
                    return results[-1]
        finally:
            self._arriving -= divided
        reasons = dict.fromkeys(filter(None, (result.message for result in results)))
        return ExportResult(message="; ".join(reasons)[:1000], rejected=sum(result.rejected for result in results))

    async def do(self, work: Callable[[Transaction], T]) -> T:
        """Run work on the store, in a transaction of its own.

        Raises:
            StoreError: where the store cannot be written.
        """
        result: T = await self._enqueue(work)
        return result

    @property
    def queued(self) -> int:
        """How many parts of requests wait for a commit. Safe to read in any thread."""
        return self._jobs.qsize()

    async def stop(self) -> None:
        """Finish what is enqueued, and end the thread."""
        if not self._thread.is_alive():
            return
        self._is_stopping = True
        self._jobs.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    async def _enqueue(self, work: Extracted | Callable[[Transaction], Any]) -> Any:
        done: asyncio.Future[Any] = self._loop.create_future()
        self._jobs.put(_Job(work, done))
        return await done

    # --- in the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        self._fold_some()
        not_before = 0.0
        while True:
            pending = max(0.0, not_before - time.monotonic())
            jobs = self._next_group(max(pending, self._seconds_to_next()) if not self._is_stopping else 0.0)
            if jobs:
                self._process(jobs)
            elif self._is_stopping and self._jobs.empty():
                self._fold_all_due()
                return
            if time.monotonic() >= not_before:
                began = time.monotonic()
                is_well = self._fold_some()
                # Folding may take as much time as requests, never more: a huge cycle slows them, but blocks none.
                not_before = time.monotonic() + (time.monotonic() - began if is_well else PAUSE)

    def _next_group(self, timeout: float) -> list[_Job]:
        jobs: list[_Job] = []
        records = 0
        try:
            job = self._jobs.get(timeout=timeout) if timeout > 0 else self._jobs.get_nowait()
            while job is not None:
                jobs.append(job)
                if isinstance(job.work, Extracted):
                    records += len(job.work.records) + len(job.work.invalid)
                if len(jobs) == GROUP or records >= GROUP_RECORDS:
                    break
                job = self._jobs.get_nowait()
        except queue.Empty:
            pass
        return jobs

    def _seconds_to_next(self) -> float:
        """Return for how long there is nothing to do unless something arrives."""
        if self.trouble is not None:
            return PAUSE
        if not self.is_in_charge:
            return MAX_SLEEP
        try:
            with self._store.read() as snapshot:
                refold_at, closed = snapshot.next_refold_at(), snapshot.next_closed()
        except StoreError:
            return PAUSE
        instants = [refold_at] if refold_at is not None else []
        if closed is not None:
            instants.append(closed + self._completion.grace)
        if not instants:
            return MAX_SLEEP
        return min(max((min(instants) - time.time_ns()) / SECOND, 0.0), MAX_SLEEP)

    def _process(self, jobs: Sequence[_Job]) -> None:
        extracted: list[tuple[_Job, Extracted]] = []
        works: list[_Job] = []
        for job in jobs:
            if isinstance(job.work, Extracted):
                extracted.append((job, job.work))
            else:
                works.append(job)
        if extracted:
            self._settle(self._commit(extracted))
        for job in works:
            assert callable(job.work)
            try:
                with self._store.write() as tx:
                    result: Any = job.work(tx)
            except Exception as error:
                result = error
            self._settle([(job, result)])

    def _commit(self, requests: Sequence[tuple[_Job, Extracted]]) -> list[tuple[_Job, Any]]:
        now = time.time_ns()
        began = time.monotonic_ns()
        try:
            with self._store.write() as tx:
                results = [(job, self._add(tx, one, now)) for job, one in requests]
        except StoreError as error:
            self._set_trouble(error)
            return [(job, unavailable(self._without_path(error))) for job, _ in requests]
        except Exception:
            if len(requests) > 1:  # one of them causes it: the others must not fail with it
                return [result for one in requests for result in self._commit([one])]
            _log.exception("a request could not be stored")
            return [(requests[0][0], ExportResult(Code.INTERNAL, "the collector failed to store the request"))]
        self._committed(sum(len(one.records) for _, one in requests), time.monotonic_ns() - began)
        return results

    @contextmanager
    def _counting(self, now: int) -> Generator[Transaction | None]:
        """Write the store, together with the series that change. Yield ``None`` where another one is in charge."""
        try:
            with self._store.write() as tx:
                if self.trouble is not None:
                    tx.probe(now)  # otherwise a transaction that writes nothing would count as recovery
                term = self._store.term
                if term != self._term or self.trouble is not None:
                    # Another collector may have gone on, or a commit of our own that failed may have happened.
                    self._accumulator.reload(from_rows(tx.load_series()))
                    begin_record_counters(self._accumulator, now)
                yield None if term is None else tx
                if term is not None:
                    tx.save_series(to_rows(self._accumulator.changed))
        except BaseException:
            self._accumulator.drop()
            raise
        self._accumulator.keep()
        self._set_term(term)

    def _add(self, tx: Transaction, extracted: Extracted, now: int) -> ExportResult:
        """Add one request's records. A rejected one counts once however often it is sent."""
        added = tx.add(extracted.records, now, self._cycle_limit)
        rejected = tx.reject(now, [*extracted.invalid, *extracted.unusable])
        for reason in {one.reason for one in rejected} - self._reasons:
            self._reasons.add(reason)
            _log.warning("a record was rejected, and more with this reason are only counted: %s", reason)
        return _partial([*extracted.invalid, *added.refused])

    def _fold_some(self) -> bool:
        """Fold and observe some of what is due, if in charge. Return ``False`` if the store cannot be written."""
        now = time.time_ns()
        refolded: Sequence[Refolded] = ()
        count = dropped = 0
        try:
            self._store.take_charge()
            if self._store.term is None and self.trouble is None:
                self._set_term(None)
                return True
            with self._counting(now) as tx:
                if tx is not None:
                    refolded = tx.refold(now, self._at_once)
                    apply_refolds(tx, self._accumulator, refolded, now)
                    count_rejected(tx, self._accumulator, now)
                    count, dropped = observe_closed(tx, self._accumulator, self._completion, now, FOLDS, self._arriving)
        except StoreError as error:
            self._set_trouble(error)
            self._set_term(self._store.term)
            return False
        except Exception:
            return self._isolate(now)
        if count or self.trouble is not None:
            self._in_loop(self._posted)
        self._set_trouble(None)
        if not refolded:
            self._at_once = FOLDS
        if dropped:
            _log.warning("%d derived spans were dropped: their backend has been down for too long", dropped)
        return True

    def _isolate(self, now: int) -> bool:
        """Find the cycle that cannot be folded, by folding one at a time, and postpone it: it blocks no other."""
        if self._at_once > 1:
            self._at_once = 1
            return True
        _log.exception("a cycle cannot be folded, and is postponed")
        try:
            with self._store.write() as tx:
                tx.postpone(now, now + POSTPONEMENT)
        except StoreError:
            pass
        return False

    def _fold_all_due(self) -> None:
        """Fold what is still due, for at most a second: the rest is due again after the next start."""
        until = time.monotonic() + 1.0
        while self._seconds_to_next() == 0.0 and time.monotonic() < until and self._fold_some():
            pass

    def _settle(self, results: Sequence[tuple[_Job, Any]]) -> None:
        def settle() -> None:
            for job, result in results:
                if job.done.done():  # nobody waits any longer
                    continue
                if isinstance(result, Exception):
                    job.done.set_exception(result)
                else:
                    job.done.set_result(result)

        self._in_loop(settle)

    def _in_loop(self, call: Callable[[], object]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _set_term(self, term: int | None) -> None:
        if self._store.is_shared and (term is None) != (self._term is None):
            _log.warning("this collector %s cycles", "no longer counts" if term is None else "folds and counts")
        if term is not None and term != self._term:
            self._in_loop(self._posted)  # something may wait since another one was in charge
        self._term = term

    def _set_trouble(self, error: StoreError | None) -> None:
        trouble = None if error is None else self._without_path(error)
        if trouble != self.trouble:
            _log.warning("%s", error or "the store can be written again")
        self.trouble = trouble

    def _without_path(self, error: StoreError) -> str:
        """Return the text of an error for senders, who must not learn where the store lies."""
        return " ".join(str(error).replace(str(self._store.location), "").split())


def _divided(extracted: Extracted) -> Counter[str]:
    """Return the cycles of a request that are stored in more than one part."""
    if len(extracted.records) <= CYCLE_PART:
        return Counter()
    sizes = Counter(record.origin.cycle_id for record in extracted.records)
    return Counter({cycle_id: 1 for cycle_id, size in sizes.items() if size > CYCLE_PART})


def _parts(extracted: Extracted) -> Iterator[Extracted]:
    """Yield what a request holds in parts, none of which takes long to store, with whole cycles if possible."""
    count = len(extracted.records) + len(extracted.invalid) + len(extracted.unusable)
    if count <= PART:
        if count:
            yield extracted
        return
    by_cycle: dict[str, list[Record]] = defaultdict(list)
    for record in extracted.records:
        by_cycle[record.origin.cycle_id].append(record)
    part: list[Record] = []
    for records in by_cycle.values():
        for first in range(0, len(records), CYCLE_PART):
            if part and len(part) + len(records) > PART:
                yield Extracted(part, [], [])
                part = []
            part += records[first : first + CYCLE_PART]
    yield Extracted(part, [], [])
    for first in range(0, max(len(extracted.invalid), len(extracted.unusable)), PART):
        rejected = slice(first, first + PART)
        yield Extracted([], extracted.invalid[rejected], extracted.unusable[rejected])


def _partial(invalid: Sequence[Rejection]) -> ExportResult:
    """Return success except for invalid records, whose sender must not repeat them."""
    reasons = dict.fromkeys(one.reason for one in invalid)
    return ExportResult(message="; ".join(reasons)[:1000], rejected=len(invalid))
