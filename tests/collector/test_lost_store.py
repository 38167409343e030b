"""A store that is removed, replaced or truncated under a running collector: only what is there is acknowledged."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.collector.otlp import SECOND, a_cycle, traces
from tests.collector.process import Collect, eventually

from cycletrace._internal.store import open_store

Start = Callable[..., Collect]
COMPLETED = "cycletrace_cycle_completed_total"
TROUBLE = "was removed, replaced or truncated while it was open"


def body(key: str) -> bytes:
    request: bytes = traces(a_cycle(key, time.time_ns() - 7200 * SECOND)).SerializeToString()
    return request


def keys(collector: Collect) -> set[str]:
    return {one["key"] for one in collector.facts()}


def logged(collector: Collect) -> list[str]:
    return [line for line in collector.output if "WARNING" in line]


def is_ready(collector: Collect) -> bool:
    return collector.get("/readyz")[0] == 200


def log_of(store: Path) -> Path:
    return store.with_name(f"{store.name}-wal")


def replace_by_another(store: Path) -> None:
    other = store.with_name("other.db")
    open_store(other).close()
    other.replace(store)


def make_folder_anew(store: Path) -> None:
    shutil.rmtree(store.parent)
    open_store(store).close()


HARM: dict[str, Callable[[Path], object]] = {
    "store removed": lambda store: store.unlink(),
    "store replaced": replace_by_another,
    "store truncated": lambda store: os.truncate(store, 0),
    "folder removed": lambda store: shutil.rmtree(store.parent),
    "folder made anew": make_folder_anew,
    "log removed": lambda store: log_of(store).unlink(),
    "log truncated": lambda store: os.truncate(log_of(store), 0),
}


FAST = ("store removed", "store replaced", "log truncated")


@pytest.mark.parametrize(
    "harm",
    [pytest.param(harm, id=name, marks=() if name in FAST else pytest.mark.slow) for name, harm in HARM.items()],
)
def test_nothing_is_acknowledged_that_is_not_in_the_store(
    collect: Start, tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    store = tmp_path / "team" / "store.db"
    collector = collect(store=store)
    assert collector.post("traces", body("before@1")) == 200
    time.sleep(0.7)
    assert is_ready(collector)
    harm(store)
    assert eventually(lambda: not is_ready(collector)), "although nothing arrived"
    assert collector.post("traces", body("after@1")) == 503
    assert TROUBLE.encode() in collector.answer
    with pytest.raises(grpc.RpcError) as caught:
        collector.call("traces", body("after@2"))
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    status, reason = collector.get("/readyz")
    assert (status, TROUBLE in reason, "restart" in reason) == (503, True, True)
    for response in (collector.answer.decode(errors="replace"), error.details(), reason):
        assert str(tmp_path) not in response, "senders do not learn where the store lies"
    assert collector.get("/healthz")[0] == 200
    time.sleep(1.0)
    assert len(logged(collector)) == 1
    assert f"{store} {TROUBLE}" in logged(collector)[0]
    assert collector.stop() == 0
    if store.exists() and not store.stat().st_size:
        store.unlink()  # a file that is no store is left alone
    collector.restart()
    assert collector.post("traces", body("after@1")) == 200
    assert "after@1" in keys(collector)
    assert keys(collector) <= {"before@1", "after@1"}


def test_what_was_acknowledged_before_the_log_was_removed_survives_kill_9(collect: Start) -> None:
    collector = collect()
    assert collector.post("traces", body("before@1")) == 200
    log_of(collector.store).unlink()
    time.sleep(2.0)
    collector.kill()
    collector.restart()
    assert keys(collector) == {"before@1"}


def test_once_the_files_are_put_back_it_goes_on(collect: Start, tmp_path: Path) -> None:
    store = tmp_path / "team" / "store.db"
    collector = collect("--grace", "0", store=store)
    for number, (place, away) in enumerate(
        [(store, tmp_path / "away.db"), (log_of(store), tmp_path / "away-wal"), (store.parent, tmp_path / "away")]
    ):
        assert collector.post("traces", body(f"before@{number}")) == 200
        place.rename(away)
        assert collector.post("traces", body(f"after@{number}")) == 503
        away.rename(place)
        assert eventually(lambda: is_ready(collector))
        assert collector.post("traces", body(f"after@{number}")) == 200
    failures = ["while it was open" in line for line in logged(collector)]
    assert failures == [True, False] * 3, "one line for each change of state"
    assert eventually(lambda: collector.total(COMPLETED), lambda count: count == 6) == 6
    collector.kill()
    collector.restart()
    assert keys(collector) == {f"{when}@{number}" for when in ("before", "after") for number in range(3)}
    assert len(collector.facts("--as-observed")) == collector.total(COMPLETED) == 6


def test_moved_away_and_back_under_load_nothing_is_lost_and_nothing_is_counted_twice(
    collect: Start, tmp_path: Path
) -> None:
    collector = collect("--grace", "0")
    acknowledged: set[str] = set()
    refused = 0
    is_over = threading.Event()

    def send(sender: int) -> None:
        nonlocal refused
        number = 0
        while not is_over.is_set():
            key = f"m@{sender}.{number}"
            if collector.post("traces", body(key)) == 200:
                acknowledged.add(key)
                number += 1
            else:
                refused += 1
                time.sleep(0.02)

    senders = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for sender in senders:
        sender.start()
    away = tmp_path / "away.db"
    for _ in range(15):
        time.sleep(0.1)
        collector.store.rename(away)
        time.sleep(0.05)
        away.rename(collector.store)
    is_over.set()
    for sender in senders:
        sender.join()
    assert refused
    assert eventually(lambda: is_ready(collector))
    count = len(collector.facts())
    assert eventually(lambda: collector.total(COMPLETED), lambda total: total == count) == count
    collector.kill()
    collector.restart()
    assert acknowledged <= keys(collector)
    assert len(collector.facts("--as-observed")) == collector.total(COMPLETED) == count


@pytest.mark.parametrize("mode", ["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
def test_another_process_may_open_checkpoint_and_close_the_store(collect: Start, mode: str) -> None:
    collector = collect()
    script = (
        "import sqlite3, sys\n"
        "for _ in range(20):\n"
        "    c = sqlite3.connect(sys.argv[1], timeout=20)\n"
        f"    c.execute('PRAGMA wal_checkpoint({mode})').fetchall()\n"
        "    c.close()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(collector.store)]) as other:
        number = 0
        while other.poll() is None:
            number += 1
            assert collector.post("traces", body(f"m@{number}")) == 200
            assert is_ready(collector)
    assert number > 1
    time.sleep(0.6)
    assert is_ready(collector)
    assert logged(collector) == []
    assert len(keys(collector)) == number
