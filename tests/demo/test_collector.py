"""Comparing the journal with a collector that receives the same cycles."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.demo.helpers import quiet_environment

from cycletrace._internal.cli.demo_collector import differences
from cycletrace._internal.flow import Close, Facts, Mark, Record, RecordOrigin, facts_of

SECOND = 1_000_000_000


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_collector_and_journal_agree_and_metrics_add_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cycletrace", "demo", "--yes", "--cycles", "3", "--collector", "--dir", str(tmp_path)],
        env=quiet_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=840,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 cycles from the journal, 3 from the collector" in done.stdout
    assert "all equal" in done.stdout
    assert "Metrics: 2 closed cycles" in done.stdout


def facts_with(outcome: str) -> dict[str, Facts]:
    origin = RecordOrigin("c" * 32, "churn@7")
    records: list[Record] = [Mark(origin, "started", SECOND), Close(origin, outcome, 2 * SECOND)]
    return {facts["cycle_id"]: facts for facts in facts_of(records, 3 * SECOND)}


def test_differing_fields_and_one_sided_cycles_are_listed() -> None:
    assert not list(differences(facts_with("failed"), facts_with("failed")))
    (difference,) = differences(facts_with("failed"), facts_with("abandoned"))
    assert difference == "churn@7: outcome is 'failed' from the journal and 'abandoned' from the collector"
    assert list(differences(facts_with("failed"), {})) == [f"{'c' * 32} is known only from the journal"]
    assert list(differences({}, facts_with("failed"))) == [f"{'c' * 32} is known only from the collector"]
