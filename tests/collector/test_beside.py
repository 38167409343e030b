"""What takes long to compute is computed beside exports, which have what was computed last."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest
from tests.collector.process import eventually

from cycletrace._internal.collector.beside import PATIENCE, Beside
from cycletrace._internal.collector.instruments import instrument
from cycletrace._internal.collector.series import Metric, Point
from cycletrace._internal.store import Snapshot, open_store
from cycletrace.conventions import CYCLE_OPEN


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    with open_store(tmp_path / "store.db"):
        yield tmp_path / "store.db"


def number(beside: Beside) -> float | None:
    """The value of the newest metric, ``None`` without one."""
    return next((point.value for metric in beside.latest() for point in metric.points), None)


def test_an_export_has_what_was_computed_last_and_waits_for_nothing_slow(store: Path) -> None:
    """Once it took longer than an export waits, it is not waited for at all."""
    go_on = threading.Semaphore(1)
    numbers = itertools.count(1)

    def compute(_: Snapshot, now: int, __: Beside) -> list[Metric]:
        assert go_on.acquire(timeout=60)
        if (this := next(numbers)) > 1:
            time.sleep(1.5 * PATIENCE)
        return [Metric(instrument(CYCLE_OPEN), [Point((), this)])]

    beside = Beside(store, compute, share=1.0)
    assert number(beside) is None
    running = beside.begin(0)
    assert running is not None
    wait([running], 60)
    assert number(beside) == 1
    beside.begin(1)
    assert number(beside) == 1, "the second is not there yet"
    go_on.release()
    assert eventually(lambda: number(beside), lambda seen: seen == 2) == 2
    go_on.release()
    assert beside.begin(2) is None, "it is not worth waiting for"
    beside.close()


def test_it_ends_in_the_middle_when_it_is_closed(store: Path) -> None:
    """Going through endless cycles does not hold up the end."""
    begun = threading.Event()

    def compute(_: Snapshot, now: int, beside: Beside) -> list[Metric]:
        for _one in beside.until_closed(itertools.count()):
            begun.set()
        return []

    beside = Beside(store, compute, share=1.0)
    beside.begin(0)
    assert begun.wait(60)
    beside.close()
    with pytest.raises(RuntimeError, match="shutting down"):
        beside.latest()
