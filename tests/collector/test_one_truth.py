"""Two ways in, one truth: whatever is sent however, facts and metrics are those of the records alone."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.collector.dice import AFTER, BEGIN, SECOND, Export, exports, item, journal, records
from tests.collector.process import Collect, eventually

from cycletrace import conventions as c
from cycletrace._internal.flow import Facts, facts_of
from cycletrace._internal.journal.files import file_name
from cycletrace._internal.store import ingest, open_store

Start = Callable[..., Collect]
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]

INSTANTS = (BEGIN + 3600 * SECOND, BEGIN + 20_000 * SECOND, AFTER)


def send(collector: Collect, one: Export, over_grpc: bool) -> bool:
    """Export once. ``False`` where the collector was not there, or asks to come again."""
    try:
        if over_grpc and not one.is_json:
            collector.call(one.signal, one.body)
            return True
        status = collector.post(one.signal, one.body, "application/json" if one.is_json else "application/x-protobuf")
    except (OSError, grpc.RpcError, EOFError):
        return False
    except Exception as error:  # http.client's own, of a connection that was cut
        if type(error).__module__ == "http.client":
            return False
        raise
    assert status in {200, 503}
    return status == 200


def send_all(collector: Collect, some: Iterable[Export], senders: int = 4, seed: int = 0) -> None:
    """Export all of it, by several senders at once, each until it is acknowledged."""

    def until_taken(job: tuple[int, Export]) -> None:
        number, one = job
        over_grpc = random.Random(seed + number).random() < 0.5
        deadline = time.monotonic() + 60
        while not send(collector, one, over_grpc):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    with ThreadPoolExecutor(senders) as pool:
        list(pool.map(until_taken, enumerate(some)))


def plain(facts: Iterable[Facts]) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(json.dumps(list(facts)))
    return listed


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))])
def test_collector_journal_and_flow_make_the_same_facts(collect: Start, tmp_path: Path, seed: int) -> None:
    sent = records(seed, 400)
    items = [item(record) for record in sent]
    dice = random.Random(seed)
    some = exports(items, dice)
    some += dice.sample(some, len(some) // 2)  # repeated
    collector = collect()
    send_all(collector, some, seed=seed)

    folder = tmp_path / "state" / "journal"
    folder.mkdir(parents=True)
    shuffled = dice.sample(items, len(items))
    cuts = [0, *sorted(dice.sample(range(len(items)), 3)), len(items)]
    for number, (begin, end) in enumerate(pairwise(cuts)):
        (folder / file_name(1, 1, "token", number)).write_bytes(journal(shuffled[begin:end]))
    with open_store(tmp_path / "state" / "store.db") as store:
        assert ingest(store, tmp_path / "state").rejected == 0
        for at in INSTANTS:
            by_flow = plain(facts_of(sent, at))
            with store.read() as snapshot:
                assert plain(snapshot.facts(at)) == by_flow, "the journal's way in"
            assert collector.facts("--at", str(at)) == by_flow, "the collector's way in"


def completed(facts: Sequence[Facts]) -> Samples:
    """Return the metrics of these cycles, each exported once, computed without code of the collector."""
    samples: Counter[Any] = Counter()

    def add(name: str, value: int, **labels: str) -> None:
        samples[name, tuple(sorted((f"cycletrace_{label}", text) for label, text in labels.items()))] += value

    for one in facts:
        if one["outcome"] == "open" or (one["implicit"] and one["marks"]["selected"] is None):
            continue
        add("completed_total", 1, cycle_outcome=one["outcome"])
        add("duration_seconds_count", int(one["cycle_time_ns"] is not None))
        add("duration_seconds_sum", one["cycle_time_ns"] or 0)
        for activity, length in (one["activity_ns"] or {}).items():
            add("activity_seconds_total", length, activity=activity)
        for part in c.PARTS:
            part_length = one["parts_ns"][part]
            add("part_duration_seconds_count", int(part_length is not None), part=part)
            add("part_duration_seconds_sum", part_length or 0, part=part)
        add("rolled_back_total", int(one["outcome"] == "rolled_back"))
    return {
        (f"cycletrace_cycle_{name}", labels): value / SECOND if "_count" not in name and "seconds" in name else value
        for (name, labels), value in samples.items()
    }


def exposed_by(collector: Collect, wanted: Samples) -> Samples:
    """What the collector exposes, added up to the sets of labels of these samples."""
    metrics = collector.metrics()
    return {
        (name, labels): sum(
            value for (sample, pairs), value in metrics.items() if sample == name and set(labels) <= set(pairs)
        )
        for name, labels in wanted
    }


def raw(collector: Collect) -> Samples:
    """Return all cumulative samples except zeros, with which series begin."""
    ends = ("_total", "_sum", "_count", "_bucket")
    return {key: value for key, value in collector.metrics().items() if value and key[0].endswith(ends)}


def close_enough(one: Samples, other: Samples) -> bool:
    """Equal, but for the last bit of floats that a test adds up in another order."""
    return one.keys() == other.keys() and all(
        abs(one[key] - other[key]) <= 1e-9 * max(abs(one[key]), 1.0) for key in one
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
def test_killed_at_any_moment_it_exports_the_same(collect: Start, tmp_path: Path, seed: int) -> None:
    sent = records(seed, 300)
    dice = random.Random(seed)
    some = exports([item(record) for record in sent], dice)

    undisturbed = collect("--grace", "1h", store=tmp_path / "undisturbed.db")
    send_all(undisturbed, some, seed=seed)
    undisturbed.stop()
    undisturbed = collect("--grace", "0", store=tmp_path / "undisturbed.db")

    collector = collect("--grace", "1h")
    sending = threading.Thread(target=send_all, args=(collector, some), kwargs={"seed": seed})
    sending.start()
    for _ in range(4):
        time.sleep(dice.uniform(0.0, 0.4))
        collector.kill()
        collector.restart()
    sending.join()
    # Everything is stored. Now it is exported, and the collector killed meanwhile.
    collector.stop()
    collector._options = ("--grace", "0")
    for _ in range(3):
        collector.start()
        time.sleep(dice.uniform(0.0, 0.2))
        collector.kill()
    collector.start()

    facts = facts_of(sent, AFTER)
    assert collector.facts("--at", str(AFTER)) == undisturbed.facts("--at", str(AFTER)) == plain(facts)
    wanted = completed(facts)
    assert wanted
    seen = eventually(lambda: exposed_by(collector, wanted), lambda seen: close_enough(seen, wanted))
    assert close_enough(seen, wanted), (seen, wanted)
    exported_before = eventually(lambda: raw(undisturbed), lambda seen: seen == raw(collector))
    assert exported_before == raw(collector)
    as_exported = collector.facts("--as-observed")
    closed = [one for one in plain(facts) if one["outcome"] != "open"]
    counted = [one for one in closed if not one["implicit"] or one["marks"]["selected"] is not None]
    assert as_exported == counted

    send_all(collector, dice.sample(some, len(some) // 2), seed=seed)  # repeated: nothing new
    collector.stop()
    collector.start()
    assert collector.facts("--at", str(AFTER)) == plain(facts)
    assert raw(collector) == exported_before
