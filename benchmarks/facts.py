"""Measure facts at scale: make a store of many cycles, fold it, read it, and add one late record.

    python benchmarks/facts.py --cycles 1000000

Ratios are to the floor of the same run: SQLite inserting the very same rows with nothing around it. The report is made
in its own process, whose peak memory is printed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.history import BETWEEN, HOUR, START, cycle, history, key_of

from cycletrace import conventions as c
from cycletrace._internal.flow import Record, Stage, fold
from cycletrace._internal.report import build, to_json
from cycletrace._internal.store import FILE, Store, open_reader, open_store
from cycletrace._internal.store.record_codec import encode

AT_ONCE = 1000
"""Cycles in one transaction."""
T = TypeVar("T")


class Clock:
    """Adds up CPU seconds, part by part, so that other work on the machine does not count."""

    def __init__(self) -> None:
        self.parts: list[float] = []

    @contextmanager
    def part(self) -> Iterator[None]:
        """Time a block."""
        began = time.process_time()
        yield
        self.parts.append(time.process_time() - began)

    def total(self) -> float:
        """Return the sum of all parts, seconds."""
        return sum(self.parts)

    def growth(self) -> float:
        """Return the time of the last quarter divided by that of the first: 1 is linear."""
        quarter = max(1, len(self.parts) // 4)
        return sum(self.parts[-quarter:]) / sum(self.parts[:quarter])


def bare_inserts(path: Path, rows: Iterator[list[tuple[str, str]]]) -> Clock:
    """Measure the floor: rows of two texts in a table with both as its key, committed as a store commits."""
    clock = Clock()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA page_size = 16384")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    connection.execute("CREATE TABLE bare (id TEXT, body TEXT, PRIMARY KEY (id, body)) WITHOUT ROWID")
    for batch in rows:
        batch.sort()
        with clock.part():
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR IGNORE INTO bare VALUES (?, ?)", batch)
            connection.execute("COMMIT")
    connection.close()
    return clock


def rows_of(batches: Iterator[list[Record]]) -> Iterator[list[tuple[str, str]]]:
    """Return the rows that a store makes of records."""
    for records in batches:
        yield [(record.origin.cycle_id, encode(record)) for record in records]


def adding(store: Store, cycles: int, now: int) -> Clock:
    """Measure writing records to the store."""
    clock = Clock()
    for records in history(cycles, AT_ONCE):
        with clock.part(), store.write() as tx:
            tx.add(records, now)
    return clock


def refolding(store: Store, now: int) -> Clock:
    """Measure records to facts: read, folded, kept."""
    clock = Clock()
    is_left = True
    while is_left:
        with clock.part(), store.write() as tx:
            is_left = bool(tx.refold(now, AT_ONCE))
    clock.parts.pop()  # the one that found nothing
    return clock


def folding(cycles: int, now: int) -> Clock:
    """Measure the arithmetic alone, on records in memory."""
    clock = Clock()
    for first in range(0, cycles, AT_ONCE):
        batch = [cycle(number) for number in range(first, min(cycles, first + AT_ONCE))]
        with clock.part():
            for records in batch:
                fold(records, now)
    return clock


def milliseconds(work: Callable[[], T], expected: Callable[[T], bool]) -> float:
    """Return the duration of a piece of work, whose result must be as expected."""
    began = time.perf_counter()
    result = work()
    taken = (time.perf_counter() - began) * 1000
    if not expected(result):
        raise AssertionError(result)
    return taken


def looking_up(path: Path, cycles: int, now: int) -> list[float]:
    """Measure the facts of one cycle by its key, each time with a newly opened store. Milliseconds."""

    def look(key: str) -> list[str | None]:
        with open_reader(path) as store, store.read() as snapshot:
            return [one["key"] for one in snapshot.facts(now, cycle=key)]

    keys = [key_of(random.randrange(cycles)) for _ in range(200)]
    return [milliseconds(lambda key=key: look(key), lambda found, key=key: found == [key]) for key in keys]  # type: ignore[misc]


def late_records(store: Store, cycles: int, now: int) -> list[float]:
    """Measure one late record each time: written, its cycle folded, committed. Milliseconds."""

    def come_late(number: int) -> int:
        of = cycle(number)[0].origin
        with store.write() as tx:
            tx.add([Stage(of, "late", "late", c.OTHER, now - HOUR, now - HOUR + 1, c.OK)], now)
            return len(tx.refold(now, AT_ONCE))

    return [
        milliseconds(lambda number=number: come_late(number), lambda folded: folded == 1)  # type: ignore[misc]
        for number in random.sample(range(cycles), min(cycles, 200))
    ]


def reporting(path: Path, now: int) -> tuple[float, float, int]:
    """Return what the report over all kept facts takes: CPU seconds, peak memory in MiB, cycles read in detail."""
    began = time.process_time()
    with open_reader(path) as store, store.read() as snapshot:
        whole = build(snapshot.facts(now), as_of=now, window="all")
    json.dumps(to_json(whole))
    taken = time.process_time() - began
    return taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, whole.headline.median.n


def apart(work: Callable[..., T], *arguments: object) -> T:
    """Return the result of a function in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def line(what: str, seconds: float, cycles: int, note: str = "") -> None:
    """Print one line of the table."""
    print(f"{what:<34} {seconds / cycles * 1e6:9.1f} us/cycle {cycles / seconds:12,.0f} cycles/s   {note}", flush=True)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--cycles", type=int, default=20_000, help="cycles of about ten stages (default: 20000)")
    parser.add_argument("--directory", type=Path, help="where to make the store (default: a temporary directory)")
    chosen = parser.parse_args()
    cycles: int = chosen.cycles
    now = START + cycles * BETWEEN + 90 * 24 * HOUR
    random.seed(1)
    print(f"{platform.machine()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, CPU seconds")
    with tempfile.TemporaryDirectory(dir=chosen.directory) as folder:
        path = Path(folder) / FILE
        with open_store(path) as store:
            added = adding(store, cycles, now)
            floor = bare_inserts(Path(folder) / "bare.db", rows_of(history(cycles, AT_ONCE)))
            line("floor: bare inserts of the records", floor.total(), cycles, f"growth {floor.growth():.2f}")
            ratio = added.total() / floor.total()
            line("records into the store", added.total(), cycles, f"{ratio:.1f}x floor, growth {added.growth():.2f}")
            line("the fold alone", (folded := folding(min(cycles, 20_000), now)).total(), min(cycles, 20_000))
            refolded = refolding(store, now)
            alone = folded.total() * cycles / min(cycles, 20_000)
            line(
                "records to facts, kept",
                refolded.total(),
                cycles,
                f"{refolded.total() / alone:.1f}x the fold alone, growth {refolded.growth():.2f}",
            )
        clock = Clock()
        with open_reader(path) as store, store.read() as snapshot, clock.part():
            found = sum(1 for _ in snapshot.facts(now))
        line("all facts out", clock.total(), found)
        seconds, memory, n = apart(reporting, path, now)
        note = f"{seconds:.1f} s, {memory:.0f} MiB of memory at most, {n:,} finished cycles in detail"
        line("report, over all time", seconds, cycles, note)
        looked = looking_up(path, cycles, now)
        with open_store(path) as store:
            late = late_records(store, cycles, now)
        for what, taken in (("one cycle's facts, by key", looked), ("one late record, refolded", late)):
            print(f"{what:<34} {statistics.median(taken):9.2f} ms median {max(taken):9.2f} ms at most")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{'store':<34} {path.stat().st_size / cycles:9.0f} bytes/cycle {peak:9.0f} MiB of memory at most")


if __name__ == "__main__":
    main()
