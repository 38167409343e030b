"""Give the same log to cycletrace and pm4py. Compare the figures that both compute, and their cost.

    python -m venv /tmp/peer && /tmp/peer/bin/pip install pm4py
    python benchmarks/process_mining.py --peer /tmp/peer/bin/python

pm4py needs an environment of its own, which needs no cycletrace. Compared are cycles that came into use. What pm4py
calls sojourn (or throughput) time is the cycle time; its waiting time is what of that no stage's run covers. In these
histories no two stages of a cycle overlap; where they do, pm4py's waiting time can be negative, and is no longer ours.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CASE, ACTIVITY, START, END = "case:concept:name", "concept:name", "start_timestamp", "time:timestamp"
TOLERANCE = 1e-5
"""Seconds. pm4py counts whole microseconds since 1970 in floating-point seconds, cycletrace integer nanoseconds."""
Figures = dict[str, tuple[float, float]]
"""Cycle time and waiting time, seconds, by cycle id."""


def ours(cycles: int, log: Path) -> tuple[float, Figures]:
    """Fold a history and write its events as a table. Return the CPU seconds of the fold, and the figures."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from benchmarks.history import BETWEEN, HOUR, cycle
    from benchmarks.history import START as BEGIN

    from cycletrace._internal.flow import Mark, Stage, Wait, facts_of

    now = BEGIN + cycles * BETWEEN + 90 * 24 * HOUR
    taken = 0.0
    figures: Figures = {}
    with log.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow((CASE, ACTIVITY, START, END))
        for number in range(cycles):
            records = cycle(number)
            cycle_id = records[0].origin.cycle_id
            if not any(isinstance(record, Mark) for record in records):
                continue
            began = time.process_time()
            (facts,) = facts_of(records, now)
            taken += time.process_time() - began
            assert facts["cycle_time_ns"] is not None
            assert facts["activity_ns"] is not None
            worked = sum(ns for activity, ns in facts["activity_ns"].items() if activity.startswith("work."))
            figures[cycle_id] = facts["cycle_time_ns"] / 1e9, (facts["cycle_time_ns"] - worked) / 1e9
            for record in records:
                if isinstance(record, Stage):
                    table.writerow((cycle_id, record.name, record.start, record.end))
                elif isinstance(record, Wait):  # the case begins with it, but it is no work
                    table.writerow((cycle_id, "wait", record.start, record.start))
                elif isinstance(record, Mark):
                    table.writerow((cycle_id, record.name, record.at, record.at))
    return taken, figures


def peers(log: str) -> None:
    """Read the table, let pm4py compute its figures, and print them with their cost. Runs where pm4py is installed."""
    import pandas as pd
    import pm4py  # type: ignore[import-not-found]

    table = pd.read_csv(log)
    for column in (START, END):
        table[column] = pd.to_datetime(table[column], unit="ns", utc=True)
    began = time.process_time()
    formatted = pm4py.format_dataframe(table, case_id=CASE, activity_key=ACTIVITY, timestamp_key=END)
    worked_out = pm4py.insert_case_service_waiting_time(formatted, start_timestamp_key=START)
    taken = time.process_time() - began
    of_case = worked_out.drop_duplicates(CASE)
    cases = zip(of_case[CASE], of_case["@@sojourn_time"], of_case["@@waiting_time"], strict=True)
    figures = {case: (sojourn, waiting) for case, sojourn, waiting in cases}
    print(json.dumps({"version": pm4py.__version__, "seconds": taken, "figures": figures}))


def compare(cycles: int, peer: str) -> None:
    """Measure both, check that their figures are equal, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.csv"
        taken, figures = ours(cycles, log)
        command = [peer, __file__, "--log", str(log)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    theirs: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if theirs["figures"].keys() != figures.keys():
        raise AssertionError("not the same cycles")
    for cycle_id, mine in figures.items():
        for one, other in zip(mine, theirs["figures"][cycle_id], strict=True):
            if abs(one - other) > TOLERANCE:
                raise AssertionError((cycle_id, mine, theirs["figures"][cycle_id]))
    n = len(figures)
    print(f"{2 * n:,} figures of {n:,} cycles are equal: cycle time and waiting time, to {TOLERANCE:g} s")
    print(f"{'cycletrace, records to facts':<50} {taken / n * 1e6:8.1f} us/cycle")
    name = f"pm4py {theirs['version']}, table to the two figures"
    ratio = taken / theirs["seconds"]
    print(f"{name:<50} {theirs['seconds'] / n * 1e6:8.1f} us/cycle; cycletrace takes {ratio:.2f} times as long")


def main() -> None:
    """Compare, or be the peer with ``--log``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=20_000, help="cycles of about ten stages (default: 20000)")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--peer", metavar="PYTHON", help="an interpreter that has pm4py")
    what.add_argument("--log", metavar="FILE", help="work out pm4py's figures of this table (used by itself)")
    chosen = parser.parse_args()
    if chosen.log:
        peers(chosen.log)
    else:
        compare(chosen.cycles, chosen.peer)


if __name__ == "__main__":
    main()
