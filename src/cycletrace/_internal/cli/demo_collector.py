"""``cycletrace demo --collector``: compare the facts from the journal and the collector, field by field."""

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

from cycletrace._internal.cli.failure import Failure
from cycletrace._internal.demo.processes import watched

if TYPE_CHECKING:
    from cycletrace._internal.flow import Facts

GRACE = 1.0
"""Seconds before the collector exports a closed cycle; the default of a minute is too long for a demo."""
PATIENCE = 30.0
"""Seconds in which everything must have arrived and been exported."""

SUM = "cycletrace_cycle_duration_seconds_sum"
COUNT = "cycletrace_cycle_duration_seconds_count"


class Collector(NamedTuple):
    """A running collector: its OTLP endpoint, the URL of its metrics, and its store."""

    endpoint: str
    metrics: str
    store: Path


@contextmanager
def collecting(root: Path) -> Generator[Collector, None, None]:
    """Run a collector in a separate process on free ports, until the end of the block.

    Raises:
        Failure: if it does not start.
    """
    store = root / "collector" / "store.db"
    command = watched("cycletrace", "collect", "--store", str(store), "--grace", f"{GRACE:g}s")
    ports = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--prometheus", "127.0.0.1:0"]
    with (
        (root / "collect.log").open("w+", encoding="utf-8") as log,
        subprocess.Popen(  # noqa: S603 - our own command
            [*command, *ports], stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        ) as process,  # it ends, as it would with SIGTERM, when its stdin is closed
    ):
        yield _started(process, root / "collect.log", store)


def _started(process: subprocess.Popen[bytes], log: Path, store: Path) -> Collector:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        output = log.read_text(encoding="utf-8")
        http = re.search(r"OTLP/HTTP +(http://\S+)", output)
        metrics = re.search(r"Prometheus +(http://\S+)", output)
        if http and metrics:
            return Collector(http[1], metrics[1], store)
        time.sleep(0.05)
    raise Failure(f"the collector did not start; see {log}.")


def compare(root: Path, collector: Collector, screen: TextIO) -> int:
    """Deliver what is left, compare the collector's facts with the journal's, and return the exit code."""
    from cycletrace._internal.delivery.destination import find
    from cycletrace._internal.delivery.shipper import Shipper
    from cycletrace._internal.local import ingested
    from cycletrace._internal.store import open_reader

    destination = find(collector.endpoint)
    assert destination is not None
    if not Shipper(root, destination).deliver_all(time.monotonic() + PATIENCE):
        print("Not everything could be delivered to the collector.", file=sys.stderr)
        return 1
    at = time.time_ns()
    with ingested(root) as store, store.read() as local:
        here = {cycle["cycle_id"]: cycle for cycle in local.facts(at)}
    with open_reader(collector.store) as store, store.read() as remote:
        there = {cycle["cycle_id"]: cycle for cycle in remote.facts(at)}
    found = list(differences(here, there))
    for difference in found:
        print(f"  {difference}", file=screen)
    fields = len(next(iter(here.values()), ()))
    verdict = "all equal" if not found else f"{len(found)} differ"
    counts = f"{len(here)} cycles from the journal, {len(there)} from the collector"
    print(f"\nJournal and collector: {counts}, {fields} fields each: {verdict}.", file=screen)
    are_equal = _compare_metrics(collector.metrics, here.values(), screen)
    return 0 if are_equal and not found else 1


def differences(here: Mapping[str, Facts], there: Mapping[str, Facts]) -> Iterable[str]:
    """Yield a line for each field in which the two differ, ordered by cycle id."""
    for cycle_id in sorted({*here, *there}):
        one, other = here.get(cycle_id), there.get(cycle_id)
        if one is None or other is None:
            yield f"{cycle_id} is known only from the {'collector' if one is None else 'journal'}"
            continue
        for field, value in one.items():
            if other.get(field) != value:
                yield f"{one['key']}: {field} is {value!r} from the journal and {other.get(field)!r} from the collector"


def _compare_metrics(url: str, facts: Iterable[Facts], screen: TextIO) -> bool:
    """Return whether the metrics come to equal the sums over the closed cycles' facts, and print both."""
    times = [cycle["cycle_time_ns"] for cycle in facts if cycle["outcome"] != "open"]
    count, total = len(times), sum(time for time in times if time is not None) / 1e9
    deadline = time.monotonic() + PATIENCE
    exported = (0.0, 0.0)
    while time.monotonic() < deadline:
        text = _read(url)
        exported = (_sum(text, COUNT), _sum(text, SUM))
        if exported[0] >= count:
            break
        time.sleep(0.2)
    # Prometheus' text format rounds the seconds of each series separately.
    is_equal = exported[0] == count and abs(exported[1] - total) < 1e-6 * max(1, count)
    verdict = "equal" if is_equal else "NOT equal"
    print(f"Metrics: {exported[0]:.0f} closed cycles, {exported[1]:.9f} s in total ({COUNT}, {SUM}).", file=screen)
    print(f"Facts:   {count} closed cycles, {total:.9f} s in total: {verdict}.", file=screen)
    return is_equal


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE) as response:  # noqa: S310 - our own collector's
        text: str = response.read().decode("utf-8")
        return text


def _sum(text: str, metric: str) -> float:
    """Return the sum over all series of a metric in Prometheus' text format."""
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{metric}{{"))
