"""Measure the collector and its peers: spans per CPU-second, growth with open cycles, and how soon metrics are visible.

    scripts/backends
    python benchmarks/collector.py --rounds 5

All systems run on this machine, one after the other in each round, under the same load of a compiled client (Go must
be installed). CPU seconds are those of a system's processes, until each span has arrived at the sink and each cycle of
ours is folded; a missing span or record ends the run. The floor is SQLite inserting the rows that our records become,
with the same durability, in groups of a request.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import collector_systems as systems
from benchmarks.collector_loads import STAGES, abandoned, requests, write

from cycletrace._internal.collector.reading import read
from cycletrace._internal.otlp.signals import TRACES, Encoding, Request
from cycletrace._internal.store import open_store
from cycletrace._internal.store.record_codec import encode

OURS = "cycletrace"
GRACE = 1.0
"""Seconds between the end of a cycle and its metrics, where their delay is measured."""
WARM_UP = 100
"""Requests before the first that counts."""
FIRST_OF_WARM_UP = 10_000_000
"""Number of the first cycle of the warm-up: none that is measured."""


class Load(NamedTuple):
    """What is sent."""

    name: str
    spans: int
    """In the file."""
    in_request: int
    every: int | None
    """One span of this many is ours."""
    repeat: int = 1
    """How often the file is sent: where none are ours."""


LOADS = (
    Load("2 % ours, 512 spans a request", 256_000, 512, 50),
    Load("0 % ours, 512 spans a request", 102_400, 512, None, 10),
    Load("100 % ours, 512 spans a request", 51_200, 512, 1),
    Load("2 % ours, 8 spans a request", 80_000, 8, 50),
)


def measure(system: systems.System, load: Load, file: Path, warm_up: Path, is_http: bool) -> float:
    """Return spans per CPU-second of a system under a load."""
    with tempfile.TemporaryDirectory() as name, systems.sink() as sink, system(Path(name), sink, is_http) as running:
        store, before_it, spans = Path(name) / "store.db", load.in_request * WARM_UP, load.spans * load.repeat
        systems.send(running, warm_up, is_http)
        _arrived(running, sink, before_it)
        stored = _folded(store)
        before = systems.cpu_seconds(running.pid)
        systems.send(running, file, is_http, "-repeat", str(load.repeat))
        _arrived(running, sink, before_it + spans)
        stored = _folded(store) - stored
        spent = systems.cpu_seconds(running.pid) - before
        ours = -(-load.spans // load.every) if load.every and store.exists() else 0
        assert stored == ours, f"{stored} records are stored, and {ours} were sent"
        return spans / spent


def _arrived(running: systems.Running, sink: systems.Sink, spans: int) -> None:
    """Wait until this many spans have arrived."""
    if not running.is_forwarding:
        time.sleep(1.0)  # it holds a batch for 0.2 s
        return
    systems.until(lambda: sink.state()["spans"] >= spans, f"{spans} spans arrive")
    arrived = sink.state()["spans"]
    assert arrived == spans, f"{arrived} spans arrived, and {spans} were sent"


def _folded(store: Path) -> int:
    """Wait until all cycles of a store, if there is one, are folded, and return how many records it has."""
    if not store.exists():
        return 0
    due = "SELECT count(*) FROM cycles WHERE due <= ?"
    with contextlib.closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as connection:
        systems.until(lambda: connection.execute(due, (time.time_ns(),)).fetchone() == (0,), "all is folded", 0.05)
        (count,) = connection.execute("SELECT count(*) FROM records").fetchone()
    return int(count)


def floor(load: Load) -> float:
    """Return records per CPU-second that SQLite inserts."""
    groups = []
    for body in requests(load.spans, load.in_request, load.every):
        records = read(Request(TRACES, Encoding.PROTOBUF, body)).records
        groups.append(sorted((record.origin.cycle_id, encode(record)) for record in records))
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE r (cycle_id TEXT, body TEXT, PRIMARY KEY (cycle_id, body)) WITHOUT ROWID")
        began = time.process_time()
        for rows in groups:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR IGNORE INTO r VALUES (?, ?)", rows)
            connection.execute("COMMIT")
        spent = time.process_time() - began
        connection.close()
    return sum(map(len, groups)) / spent


def compare(known: dict[str, systems.System], loads: Sequence[Load], rounds: int, is_http: bool) -> None:
    """Measure all systems under each load, and print the rows of a table."""
    print("| load | system | spans per CPU-second | quartiles | cycletrace |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for load in loads:
            file = write(Path(name) / "load", requests(load.spans, load.in_request, load.every))
            count = load.in_request * WARM_UP
            warm_up = write(Path(name) / "warm", requests(count, load.in_request, load.every, FIRST_OF_WARM_UP))
            runs = {one: partial(measure, system, load, file, warm_up, is_http) for one, system in known.items()}
            if load.every == 1:
                runs["SQLite's inserts"] = partial(floor, load)
            found = interleaved(runs, rounds)
            for system, figures in found.items():
                ratio = statistics.median(a / b for a, b in zip(found[OURS], figures, strict=True))
                print(f"| {load.name} | {system} | {_spread(figures, ',.0f')} | {ratio:.2f}x |", flush=True)


def interleaved(runs: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Return the results of each run, in rounds of all of them."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(run())
    return found


def _spread(figures: Sequence[float], form: str) -> str:
    low, middle, high = statistics.quantiles(figures, n=4, method="inclusive")
    return f"{middle:{form}} | {low:{form}} to {high:{form}}"


# --- open cycles --------------------------------------------------------------------------------------


def growth(counts: Sequence[int], rounds: int) -> None:
    """Measure spans of new cycles while so many are open, and print the rows of a table."""
    load = Load("", 20_480, 512, 1)
    print("| open cycles | CPU time of a span | quartiles | growth |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place_of_all:
        folder = Path(place_of_all)
        file = write(folder / "load", requests(load.spans, load.in_request, 1))
        warm_up = write(folder / "warm", requests(WARM_UP, 1, 1, FIRST_OF_WARM_UP))
        for count in counts:
            _fill(folder / f"{count}.db", count)

        def run(count: int) -> float:
            def system(place: Path, sink: systems.Sink, is_http: bool) -> object:
                shutil.copy(folder / f"{count}.db", place / "store.db")
                return systems.cycletrace()(place, sink, is_http)

            return 1e6 / measure(system, load._replace(in_request=1), file, warm_up, is_http=False)

        found = interleaved({f"{count:,}": partial(run, count) for count in counts}, rounds)
        first = next(iter(found.values()))
        for name, figures in found.items():
            ratio = statistics.median(a / b for a, b in zip(figures, first, strict=True))
            print(f"| {name} | {_spread(figures, '.1f')} us | {ratio:.2f}x |", flush=True)


def _fill(path: Path, count: int) -> None:
    """Make a store with so many cycles of one stage each, all folded and open."""
    now = time.time_ns()
    with open_store(path) as store:
        # Each stage is of a cycle of its own: one in ten of a load of whole cycles.
        for body in requests(count * STAGES, STAGES * 1000, 1, 2 * FIRST_OF_WARM_UP):
            records = read(Request(TRACES, Encoding.PROTOBUF, body)).records[::STAGES]
            with store.write() as tx:
                tx.add(records, now)
                while tx.refold(now, 1000):
                    pass


# --- the delay ----------------------------------------------------------------------------------------


def delays(times: int) -> None:
    """Measure the delay until a metric is visible under full load, and print the rows of a table."""
    print("| until the metric is visible, under full load | median | longest |\n|---|---|---|")
    load = LOADS[0]
    with tempfile.TemporaryDirectory() as name:
        file = write(Path(name) / "load", requests(load.spans, load.in_request, load.every))
        for system, what in (
            (systems.cycletrace(systems.ROOT, f"--grace={GRACE:g}s"), "cycletrace, from the end of the grace"),
            (systems.otelcol, "otelcol, spanmetrics flushed each second"),
        ):
            found = _delays(system, file, times)
            print(f"| {what} | {statistics.median(found):.2f} s | {max(found):.2f} s |", flush=True)


def _delays(system: systems.System, file: Path, times: int) -> list[float]:
    found = []
    with tempfile.TemporaryDirectory() as name, systems.sink() as sink, system(Path(name), sink, False) as running:
        load = systems.sending(running.grpc, file, "-repeat", "1000")
        try:
            time.sleep(2.0)
            for number in range(times):
                model = f"probe@{number}."
                systems.send(running, write(Path(name) / "probe", [abandoned(model)]), is_http=False)
                began = time.monotonic()
                systems.until(lambda: _is_visible(model, running, sink), f"a metric of {model}")  # noqa: B023
                found.append(time.monotonic() - began - (GRACE if running.metrics else 0.0))
        finally:
            load.terminate()
            load.wait()
    return found


def _is_visible(model: str, running: systems.Running, sink: systems.Sink) -> bool:
    if not running.metrics:
        return model.rstrip(".") in sink.state()["probes"]
    with urllib.request.urlopen(running.metrics, timeout=systems.PATIENCE) as answer:
        text: str = answer.read().decode()
    counted = [line for line in text.splitlines() if line.startswith("cycletrace_cycle_completed_total{")]
    return any(model in line and not line.endswith(" 0") for line in counted)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="at least 2")
    parser.add_argument("--loads", type=int, nargs="*", default=range(len(LOADS)), help="which, by number from 0")
    parser.add_argument("--http", action="store_true", help="over HTTP instead of gRPC, in and out")
    parser.add_argument("--before", type=Path, help="another checkout, whose collector is measured beside this one")
    parser.add_argument("--open", type=int, nargs="*", default=[100, 1_000, 10_000, 100_000], help="numbers of cycles")
    parser.add_argument("--times", type=int, default=20, help="delays until a metric is visible")
    args = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}")
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, grpcio {version('grpcio')}\n")
    systems.load_program()
    known: dict[str, systems.System] = {OURS: systems.cycletrace()}
    if args.before:
        known["cycletrace before"] = systems.cycletrace(args.before)
    known["rotel"] = systems.rotel
    known["rotel, passing nothing on"] = partial(systems.rotel, is_forwarding=False)
    known["otelcol"] = systems.otelcol
    compare(known, [LOADS[number] for number in args.loads], args.rounds, args.http)
    if args.open:
        growth(args.open, args.rounds)
    if args.times:
        delays(args.times)


if __name__ == "__main__":
    main()
