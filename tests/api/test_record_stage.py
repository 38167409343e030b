"""Runs that are recorded after they ended."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from tests.journals import Journal, read_facts, run_script

import cycletrace as ct
from cycletrace import conventions as c
from cycletrace._internal.diagnostics import Misuse

NINE = datetime(2026, 1, 5, 9, tzinfo=timezone.utc)
START = 1_767_603_600 * 10**9
HOUR = 3600 * 10**9


def test_a_run_is_recorded_as_given(journal: Journal) -> None:
    with ct.cycle("churn", "7", environment="staging"), ct.stage("import"):
        ct.record_stage(
            "roll out",
            NINE,
            START + HOUR,
            outcome="timeout",
            kind="deploy",
            by="automation",
            launch="scheduler",
            attempt=2,
            mechanism="flag",
            attributes={"rows": 3, "cycletrace.stage.id": "forged"},
        )
    span = journal.span("roll out")
    assert (span["start"], span["end"], span["error"]) == (START, START + HOUR, "timeout")
    assert span["trace_id"] == c.cycle_id("", "churn@7")
    assert span["parent_span_id"] == c.root_span_id(span["trace_id"])
    attributes = span["attributes"]
    assert {name: attributes[name] for name in attributes if name.startswith("cycletrace.stage.")} == {
        c.STAGE_ID: span["span_id"],
        c.STAGE_NAME: "roll out",
        c.STAGE_KIND: "deploy",
        c.STAGE_ATTEMPT: 2,
        c.STAGE_LAUNCH: "scheduler",
        c.STAGE_OUTCOME: "timeout",
    }
    assert (attributes["rows"], attributes[c.ENVIRONMENT], attributes[c.MECHANISM]) == (3, "staging", "flag")


def test_it_is_launched_by_nobody_knows_what(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal in which a history is recorded makes no deployment of it a manual step."""
    monkeypatch.setenv("CYCLETRACE_LAUNCH", "terminal")
    ct.configure()
    ct.record_stage("deploy", START, START + HOUR, cycle="churn@7")
    assert journal.span("deploy")["attributes"][c.STAGE_LAUNCH] == "other"


def test_the_id_follows_from_the_job_and_its_attempt(journal: Journal) -> None:
    for attempt in (None, None, 1, 2):
        ct.record_stage("train", START, START + HOUR, cycle="churn@7", job="slurm:4711:0", attempt=attempt)
    cycle = c.cycle_id("", "churn@7")
    first, second = (c.job_stage_id(cycle, "slurm", "4711:0", attempt) for attempt in (1, 2))
    assert [span["span_id"] for span in journal.spans()] == [first, first, first, second]


def test_recording_a_history_twice_changes_nothing(tmp_path: Any) -> None:
    script = """
import cycletrace as ct
for number, outcome in enumerate(("error", "ok")):
    start = 1_767_603_600_000_000_000 + number * 10**12
    ct.record_stage("train", start, start + 10**11, outcome=outcome, cycle="churn@7", job=f"slurm:{number}")
"""
    assert run_script(script, tmp_path / "state").returncode == 0
    (before,) = read_facts(tmp_path / "state")
    assert run_script(script, tmp_path / "state").returncode == 0
    (after,) = read_facts(tmp_path / "state")
    assert after["stages"] == before["stages"]
    assert [(stage["attempt"], stage["outcome"]) for stage in after["stages"]] == [(1, "error"), (2, "ok")]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name must not be empty"),
    ({"name": None}, "name must be a string, got None"),
    ({"start": NINE.replace(tzinfo=None)}, "start must have a time zone"),
    ({"end": "2026-01-05T10:00:00Z"}, "end must be an aware datetime or UTC nanoseconds"),
    ({"start": START // 10**9}, "start must be of the years 2000 to 2099, in nanoseconds if a number, got 1767603600"),
    ({"end": math.inf}, "end must be an aware datetime"),
    ({"end": NINE - timedelta(seconds=1)}, "end must not be before start"),
    ({"outcome": "failed"}, "outcome must be one of ok, error, .*, got 'failed'"),
    ({"outcome": None}, "outcome must be one of"),
    ({"cycle": 7}, "cycle must be a Cycle or a key"),
    ({"job": "4711"}, "job must be SYSTEM:ID, such as 'slurm:4711', got '4711'"),
    ({"job": "slurm:"}, "job must be SYSTEM:ID"),
    ({"job": 4711}, "job must be SYSTEM:ID"),
]


@pytest.mark.parametrize(("wrong", "sentence"), WRONG)
def test_what_would_falsify_a_figure_is_logged_and_not_recorded(
    journal: Journal, wrong: dict[str, Any], sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    arguments: dict[str, Any] = {"name": "train", "start": NINE, "end": START + HOUR, "cycle": "churn@7", **wrong}
    ct.record_stage(**arguments)
    assert journal.spans() == []
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.endswith("Nothing is recorded.")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CYCLETRACE_STRICT", "1")
        with pytest.raises(Misuse, match=sentence):
            ct.record_stage(**arguments)


@pytest.mark.parametrize(
    "wrong", [{"kind": "trian"}, {"by": "alice"}, {"launch": "cron"}, {"attempt": 0}, {"attributes": {"x": object()}}]
)
def test_what_else_is_wrong_is_logged_and_ignored(
    journal: Journal, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    ct.record_stage("train", NINE, START + HOUR, cycle="churn@7", **wrong)
    attributes = journal.span("train")["attributes"]
    assert attributes[c.STAGE_KIND] == ("other" if "kind" in wrong else "train")
    assert not {c.ACTOR_ID, c.STAGE_ATTEMPT, "x"} & set(attributes)
    assert len(caplog.records) == 1


def test_a_rank_that_does_not_record_records_failures_alone(tmp_path: Any) -> None:
    script = """
import cycletrace as ct
for outcome in ("ok", "error"):
    ct.record_stage("train", 1_767_603_600_000_000_000, 1_767_603_700_000_000_000, outcome=outcome, cycle="churn@7")
"""
    rank = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost"}
    assert run_script(script, tmp_path / "state", **rank).returncode == 0
    (facts,) = read_facts(tmp_path / "state")
    assert [stage["outcome"] for stage in facts["stages"]] == ["error"]


def test_nothing_is_recorded_where_cycletrace_is_disabled(tmp_path: Any) -> None:
    script = "import cycletrace as ct\nct.record_stage('train', 10**18, 2 * 10**18)\n"
    assert run_script(script, tmp_path / "state", CYCLETRACE_DISABLED="1").returncode == 0
    assert not (tmp_path / "state").exists()
