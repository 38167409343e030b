"""What was recorded can be read in Python: as facts, and as the figures of the report."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from tests.journals import environment

import cycletrace
from cycletrace import report

RECORD = """
from cycletrace import cycle, mark, stage
for model, version in (("churn", "1"), ("churn", "2"), ("prices", "1")):
    with cycle(model, version):
        with stage("train"): pass
        with stage("deploy"): pass
        mark("in_use")
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory with three finished cycles, which is this process's own."""
    directory = tmp_path / "state"
    subprocess.run([sys.executable, "-c", RECORD], env=environment(directory), check=True)
    monkeypatch.setenv("CYCLETRACE_DIR", str(directory))
    return directory


def test_facts_are_those_that_the_command_prints(directory: Path) -> None:
    command = [sys.executable, "-m", "cycletrace", "facts"]
    done = subprocess.run(command, env=environment(directory), capture_output=True, text=True, check=True)
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert cycletrace.facts() == printed
    assert {facts["key"] for facts in printed} == {"churn@1", "churn@2", "prices@1"}


def test_facts_can_be_selected_by_model_key_and_namespace(directory: Path) -> None:
    assert [facts["key"] for facts in cycletrace.facts(model="prices")] == ["prices@1"]
    assert [facts["key"] for facts in cycletrace.facts(cycle="churn@2")] == ["churn@2"]
    assert cycletrace.facts(namespace="ads") == []


def test_facts_of_an_instant_are_those_known_then(directory: Path) -> None:
    assert cycletrace.facts(at=datetime(2020, 1, 1, tzinfo=timezone.utc)) == []
    with pytest.raises(ValueError, match="must have a time zone"):
        cycletrace.facts(at=datetime(2020, 1, 1))


def test_facts_can_be_read_from_the_file_of_another_store(directory: Path) -> None:
    everything = cycletrace.facts()
    assert cycletrace.facts(store=directory / "store.db") == everything
    with pytest.raises(cycletrace.StoreError, match="store"):
        cycletrace.facts(store=directory / "missing.db")


def test_the_report_is_built_from_facts(directory: Path) -> None:
    figures = report.build(cycletrace.facts(model="churn"), window="all")
    assert figures.counts.finished == figures.headline.median.n == 2
    assert report.to_json(figures)["counts"]["finished"] == 2


def test_the_report_on_one_cycle_is_built_from_its_facts(directory: Path) -> None:
    (facts,) = cycletrace.facts(cycle="prices@1")
    assert report.build_cycle(facts).key == "prices@1"
