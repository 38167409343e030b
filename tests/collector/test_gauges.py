"""Gauges of open cycles: exported as they change, at zero when all are closed, within their limit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cycletrace import conventions as c
from cycletrace._internal.collector.gauges import OpenGauges
from cycletrace._internal.collector.series import OVERFLOWING
from cycletrace._internal.flow import Close, Record, RecordOrigin, Stage
from cycletrace._internal.store import Store, open_store

SECOND = 1_000_000_000
NOW = 1_750_000_000 * SECOND


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store.db") as store:
        yield store


def put(store: Store, records: list[Record], now: int = NOW, *, fold: bool = True) -> None:
    with store.write() as tx:
        tx.add(records, now)
        while fold and tx.refold(now, 100):
            pass


def exported(store: Store, gauges: OpenGauges, now: int = NOW) -> dict[str, dict[str, float]]:
    """By metric: values by model, or by overflow."""
    with store.read() as snapshot:
        metrics = list(gauges.metrics(snapshot, now))
    return {
        instrument.name: {
            "overflow" if point.labels == OVERFLOWING else str(dict(point.labels)[c.MODEL_NAME]): point.value
            for point in points
        }
        for instrument, points in metrics
    }


def running(model: str, seconds: int, *, implicit: bool = False) -> Stage:
    """A stage that started so many seconds ago."""
    origin = RecordOrigin(c.cycle_id("", model), model, None, model, implicit=implicit)
    return Stage(origin, f"s-{model}-{seconds}", "train", "train", NOW - seconds * SECOND)


def test_what_is_open_is_counted_until_it_is_over(store: Store) -> None:
    gauges = OpenGauges(2000)
    put(store, [running("a", 30), running("a", 20), running("b", 50)])
    assert exported(store, gauges) == {
        c.CYCLE_OPEN: {"a": 1, "b": 1},
        c.CYCLE_OLDEST_AGE: {"a": 30, "b": 50},
        c.CYCLE_IDLE: {},
        c.STAGE_ACTIVE: {"a": 2, "b": 1},
        c.STAGE_OLDEST_AGE: {"a": 30, "b": 50},
    }
    put(store, [Close(running("a", 30).origin, "failed", NOW)])
    assert exported(store, gauges, NOW + 5 * SECOND) == {
        c.CYCLE_OPEN: {"a": 0, "b": 1},
        c.CYCLE_OLDEST_AGE: {"a": 0, "b": 55},
        c.CYCLE_IDLE: {},
        c.STAGE_ACTIVE: {"a": 0, "b": 1},
        c.STAGE_OLDEST_AGE: {"a": 0, "b": 55},
    }


def test_records_that_wait_to_be_folded_take_nothing_away(store: Store) -> None:
    gauges = OpenGauges(2000)
    put(store, [running("a", 30)])
    assert exported(store, gauges)[c.STAGE_ACTIVE] == {"a": 1}
    put(store, [running("a", 10)], fold=False)
    assert exported(store, gauges)[c.STAGE_ACTIVE] == {"a": 1}
    put(store, [], NOW + 1)
    assert exported(store, gauges)[c.STAGE_ACTIVE] == {"a": 2}


def test_the_cycle_that_has_been_idle_longest_shows_beside_one_that_moves(store: Store) -> None:
    """But not one that is deployed, which waits for nothing but its first use, nor one in which a stage runs."""

    def done(model: str, version: int, name: str, seconds: int) -> Stage:
        origin = RecordOrigin(c.cycle_id("", f"{model}@{version}"), None, None, model)
        start = NOW - seconds * SECOND
        return Stage(origin, f"{name}-{version}", name, name, start, start + SECOND, "ok")

    deployed = [done("b", 1, "train", 900), done("b", 1, "deploy", 800)]
    put(store, [done("a", 1, "train", 500), done("a", 2, "train", 30), *deployed, running("c", 700)])
    assert exported(store, OpenGauges(2000))[c.CYCLE_IDLE] == {"a": 499}


def test_implicit_cycles_are_no_work_in_progress(store: Store) -> None:
    put(store, [running("script", 30, implicit=True)])
    assert exported(store, OpenGauges(2000)) == {
        c.CYCLE_OPEN: {},
        c.CYCLE_OLDEST_AGE: {},
        c.CYCLE_IDLE: {},
        c.STAGE_ACTIVE: {},
        c.STAGE_OLDEST_AGE: {},
    }


def test_beyond_the_limit_the_rest_is_one_set(store: Store) -> None:
    gauges = OpenGauges(4)
    put(store, [running(f"m{number}", number + 1) for number in range(10)])
    seen = exported(store, gauges)
    assert len(seen[c.CYCLE_OPEN]) == 4
    assert seen[c.CYCLE_OPEN]["overflow"] == 7
    assert max(seen[c.CYCLE_OLDEST_AGE].values()) == 10
    kept = set(seen[c.CYCLE_OPEN])
    put(store, [Close(running("m0", 1).origin, "failed", NOW)])
    assert set(exported(store, gauges)[c.CYCLE_OPEN]) == kept, "a set that has a place keeps it"
