"""A collector's store is looked after while it runs: nothing that was acknowledged is lost by it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.collector.otlp import SECOND, a_cycle, span, traces
from tests.collector.process import Collect, eventually

from cycletrace import conventions as c

Start = Callable[..., Collect]
DAY = 86_400 * SECOND


def look_after(collector: Collect, *arguments: str) -> str:
    command = [sys.executable, "-m", "cycletrace", "store", *arguments, "--store", str(collector.store)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def send(collector: Collect, key: str, start: int) -> None:
    assert collector.post("traces", traces(a_cycle(key, start)).SerializeToString()) == 200


def test_whatever_is_done_to_its_store_what_it_acknowledged_survives_kill_9(collect: Start, tmp_path: Path) -> None:
    collector = collect("--grace", "0")
    now = time.time_ns()
    send(collector, "old@1", now - 500 * DAY)
    send(collector, "new@1", now - DAY)
    done = "cycletrace_cycle_completed_total"
    assert eventually(lambda: collector.total(done), lambda count: count == 2) == 2
    facts = collector.facts()
    info: dict[str, Any] = json.loads(look_after(collector, "info", "--json"))
    assert (info["cycles"], info["records"], info["pruned"]) == (2, 10, 0)
    assert look_after(collector, "check") == "The store is intact.\n"
    look_after(collector, "backup", str(tmp_path / "copy.db"))
    assert "5 records of 1 cycles were removed" in look_after(collector, "prune", "--older-than", "400d")
    send(collector, "after@1", now - DAY)
    assert len(collector.facts()) == 3, "who reads sees what is acknowledged"
    collector.kill()
    collector.restart()
    after = {one["key"]: one for one in collector.facts()}
    assert after.keys() == {"old@1", "new@1", "after@1"}
    assert [after["old@1"], after["new@1"]] == sorted(facts, key=lambda one: one["key"] == "new@1")
    assert eventually(lambda: collector.total(done), lambda count: count == 3) == 3
    late = span("mark in_use", {**words_of("old@1"), c.MARK_NAME: "in_use"}, now, now)
    assert collector.post("traces", traces([late]).SerializeToString()) == 200
    assert eventually(lambda: collector.total("cycletrace_record_rejected_total")) == 1


def words_of(key: str) -> dict[str, str | int | bool | float]:
    return {c.CYCLE_ID: c.cycle_id("", key)}


def test_records_are_kept_for_as_long_as_was_chosen(collect: Start) -> None:
    collector = collect("--grace", "0")
    now = time.time_ns()
    send(collector, "old@1", now - 500 * DAY)
    send(collector, "new@1", now - DAY)
    done = "cycletrace_cycle_completed_total"
    assert eventually(lambda: collector.total(done), lambda count: count == 2) == 2
    facts = collector.facts()
    assert collector.stop() == 0
    collector = collect("--keep", "400d")  # it removes when it starts, and once an hour

    def info() -> tuple[int, int]:
        known: dict[str, Any] = json.loads(look_after(collector, "info", "--json"))
        return known["pruned"], known["records"]

    assert eventually(info, lambda seen: seen[0] == 1) == (1, 5)
    assert collector.facts() == facts


def test_the_log_is_one_json_object_a_line_if_asked(collect: Start) -> None:
    collector = collect("--log-format", "json", "--insecure", "--forward", "traces=http://127.0.0.1:9")
    send_to_nobody = traces([span("GET", {}, 1, 2)]).SerializeToString()
    assert collector.post("traces", send_to_nobody) == 503
    lines = eventually(lambda: [line for line in collector.output if line.startswith("{")])
    (line,) = map(json.loads, lines)
    assert (line["level"], line["logger"]) == ("warning", "cycletrace.collector")
    assert line["message"].startswith("traces cannot be forwarded: http://127.0.0.1:9")
    assert abs(time.time() - time.mktime(time.strptime(line["time"][:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone) < 60
