"""``cycletrace demo --collector``: the same cycles by both ways in, compared field by field."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from cycletrace.cli.failure import Failure

if TYPE_CHECKING:
    from cycletrace.flow import Facts

GRACE = 1.0
"""Seconds after which the collector tells a closed cycle in its metrics: nobody wants to wait a minute for a demo."""
PATIENCE = 30.0
"""Seconds in which everything must have arrived, and been told."""

SUM = "cycletrace_cycle_duration_seconds_sum"
COUNT = "cycletrace_cycle_duration_seconds_count"


class Collector(NamedTuple):
    """A collector at work: where it receives, where it tells its metrics, where its store lies."""

    endpoint: str
    metrics: str
    store: Path


@contextmanager
def collecting(root: Path) -> Generator[Collector, None, None]:
    """A collector in a process of its own, on free ports, until the end of the block.

    Raises:
        Failure: where it does not start.
    """
    store = root / "collector" / "store.db"
    command = [sys.executable, "-m", "cycletrace", "collect", "--store", str(store), "--grace", f"{GRACE:g}s"]
    ports = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--prometheus", "127.0.0.1:0"]
    with (
        (root / "collect.log").open("w+", encoding="utf-8") as log,
        subprocess.Popen([*command, *ports], stdout=log, stderr=log, start_new_session=True) as process,  # noqa: S603
    ):
        try:
            yield _started(process, root / "collect.log", store)
        finally:
            process.terminate()


def _started(process: subprocess.Popen[bytes], log: Path, store: Path) -> Collector:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        said = log.read_text(encoding="utf-8")
        http = re.search(r"OTLP/HTTP +(http://\S+)", said)
        metrics = re.search(r"Prometheus +(http://\S+)", said)
        if http and metrics:
            return Collector(http[1], metrics[1], store)
        time.sleep(0.05)
    raise Failure(f"the collector did not start; see {log}.")


def compare(root: Path, collector: Collector, screen: TextIO) -> int:
    """Deliver what is left, then compare what the collector knows with what the journal says. Returns the exit code."""
    from cycletrace.cli.reading import ingested
    from cycletrace.emit.delivery.destination import find
    from cycletrace.emit.delivery.shipper import Shipper
    from cycletrace.store import facts, open_reader

    destination = find(collector.endpoint)
    assert destination is not None
    if not Shipper(root, destination).deliver_all(time.monotonic() + PATIENCE):
        print("Not everything could be delivered to the collector.", file=sys.stderr)
        return 1
    at = time.time_ns()
    with ingested(root) as local, open_reader(collector.store) as remote:
        here = {cycle["cycle_id"]: cycle for cycle in facts(local, at)}
        there = {cycle["cycle_id"]: cycle for cycle in facts(remote, at)}
    found = list(differences(here, there))
    for difference in found:
        print(f"  {difference}", file=screen)
    fields = len(next(iter(here.values()), ()))
    verdict = "equal in all of them" if not found else f"{len(found)} differ"
    counts = f"{len(here)} cycles by the journal, {len(there)} by the collector"
    print(f"\nBoth ways in: {counts}, {fields} fields each: {verdict}.", file=screen)
    told = _compare_metrics(collector.metrics, here.values(), screen)
    return 0 if told and not found else 1


def differences(here: Mapping[str, Facts], there: Mapping[str, Facts]) -> Iterable[str]:
    """What the two know differently, field by field, by cycle id."""
    for cycle_id in sorted({*here, *there}):
        one, other = here.get(cycle_id), there.get(cycle_id)
        if one is None or other is None:
            yield f"{cycle_id} is only known {'to the collector' if one is None else 'by the journal'}"
            continue
        for field, value in one.items():
            if other.get(field) != value:
                yield f"{one['key']}: {field} is {value!r} by the journal and {other.get(field)!r} by the collector"


def _compare_metrics(url: str, facts: Iterable[Facts], screen: TextIO) -> bool:
    """Whether the metrics come to say what the facts of the closed cycles add up to; shows both."""
    times = [cycle["cycle_time_ns"] for cycle in facts if cycle["outcome"] != "open"]
    count, total = len(times), sum(time for time in times if time is not None) / 1e9
    deadline = time.monotonic() + PATIENCE
    told = (0.0, 0.0)
    while time.monotonic() < deadline:
        text = _read(url)
        told = (_sum(text, COUNT), _sum(text, SUM))
        if told[0] >= count:
            break
        time.sleep(0.2)
    # Prometheus text holds seconds as decimal fractions, each series rounded on its own.
    is_equal = told[0] == count and abs(told[1] - total) < 1e-6 * max(1, count)
    verdict = "equal" if is_equal else "NOT equal"
    print(f"Metrics: {told[0]:.0f} closed cycles, {told[1]:.9f} s in all ({COUNT}, {SUM}).", file=screen)
    print(f"Facts:   {count} closed cycles, {total:.9f} s in all: {verdict}.", file=screen)
    return is_equal


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE) as response:  # noqa: S310 - our own collector's
        text: str = response.read().decode("utf-8")
        return text


def _sum(text: str, metric: str) -> float:
    """The sum over all series of a metric in Prometheus' text format."""
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{metric}{{"))
