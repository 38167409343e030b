"""``cycletrace import slurm``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.cli.commands import Result, Shell
from tests.importers.told import EIGHT, MINUTE, parted, told

from cycletrace import conventions as c
from cycletrace._internal.flow import Record, Stage, Wait
from cycletrace._internal.importers import slurm
from cycletrace._internal.importers.found import Problem, SourceError
from cycletrace._internal.importers.jobs import Choices

CHOICES = Choices("", EIGHT + 86_400 * 10**9, slurm.KEY)
HEAD = "JobID|JobName|Submit|Eligible|Start|End|State"

HISTORY = """\
JobID|JobName|Submit|Eligible|Start|End|State|Restarts|Comment
4711|train|2026-02-02T08:00:00+0000|2026-02-02T08:10:00+0000|2026-02-02T08:40:00+0000|2026-02-02T10:00:00+0000|NODE_FAIL|0|churn@7
4711.batch|batch|2026-02-02T08:40:00+0000||2026-02-02T08:40:00+0000|2026-02-02T10:00:00+0000|CANCELLED||
4711|train|2026-02-02T10:00:00+0000|2026-02-02T10:02:00+0000|2026-02-02T10:30:00+0000|2026-02-02T12:00:00+0000|COMPLETED|1|churn@7
4712|evaluate|2026-02-02T08:00:00+0000|2026-02-02T12:00:00+0000|2026-02-02T13:05:00+0100|2026-02-02T13:25:00+0100|COMPLETED|0|churn@7
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def at(clock: str) -> str:
    return f"2026-02-02T{clock}:00+0000"


def found(*rows: str, head: str = HEAD, choices: Choices = CHOICES) -> tuple[list[Record], list[Problem]]:
    return parted(slurm.read((f"{line}\n" for line in (head, *rows)), choices))


def imported(shell: Shell, text: str, *arguments: str) -> Result:
    (shell.folder / "sacct.txt").write_text(text, encoding="utf-8")
    return shell.run("import", "slurm", "sacct.txt", *arguments)


def test_the_figures_are_those_computed_by_hand(shell: Shell) -> None:
    """Held to 8:10, queued to 8:40, ran to 10:00 on a node that failed; held to 10:02, queued to 10:30, trained to
    12:00. The evaluation could not start before 12:00, was queued to 12:05 and took to 12:25.
    """
    done = imported(shell, HISTORY, "--key", "{comment}")
    assert (done.code, done.err, done.out) == (0, "", "Recorded 1 cycle: 3 stages, 6 waits.\n")
    (facts,) = shell.facts("--at", at("12:25").replace("+0000", "Z"))
    assert (facts["key"], facts["cycle_time_ns"]) == ("churn@7", 265 * MINUTE)
    assert [(one["name"], one["attempt"], one["outcome"], one["launch"]) for one in facts["stages"]] == [
        ("train", 1, "lost", "scheduler"),
        ("train", 2, "ok", "scheduler"),
        ("evaluate", 1, "ok", "scheduler"),
    ]
    assert facts["stages"][1]["id"] == c.job_stage_id(facts["cycle_id"], "slurm", "4711", 2)
    assert {name: length / MINUTE for name, length in facts["activity_ns"].items() if length} == {
        "work.automation": 80 + 90 + 20,
        "wait.schedule": 10 + 2,
        "wait.compute": 30 + 28 + 5,
    }


def test_importing_again_changes_nothing(shell: Shell) -> None:
    imported(shell, HISTORY)
    before = shell.facts("--at", "2026-03-01T00:00:00Z")
    assert imported(shell, HISTORY).out == "Recorded nothing: 2 imported before are unchanged.\n"
    imported(shell, HISTORY, "--again")
    assert shell.facts("--at", "2026-03-01T00:00:00Z") == before
    assert {facts["key"] for facts in before} == {"train@4711", "evaluate@4712"}


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("COMPLETED", "ok"),
        ("FAILED", "error"),
        ("OUT_OF_MEMORY", "error"),
        ("TIMEOUT", "timeout"),
        ("CANCELLED by 1000", "cancelled"),
        ("CANCELLED+", "cancelled"),
        ("PREEMPTED", "cancelled"),
        ("NODE_FAIL", "lost"),
    ],
)
def test_the_outcome_is_the_state(state: str, outcome: str) -> None:
    records, _ = found(f"1|train|{at('08:00')}|{at('08:00')}|{at('08:00')}|{at('08:20')}|{state}")
    assert told(records) == [("train", 0, 20, outcome)]


def test_what_is_open_is_recorded_as_open() -> None:
    records, problems = found(
        f"1|train|{at('08:00')}|{at('08:00')}|{at('08:05')}|Unknown|RUNNING",
        f"2|train|{at('08:00')}|{at('08:00')}|Unknown|Unknown|PENDING",
        f"3|train|{at('08:00')}|Unknown|{at('09:00')}|Unknown|PENDING",  # an estimated start
        f"4|train|{at('08:00')}|2026-02-09T08:00:00+0000|Unknown|Unknown|PENDING",
        f"5_[3-9%2]|train|{at('08:00')}|{at('08:00')}|Unknown|Unknown|PENDING",
    )
    assert problems == []
    assert told(records) == [
        ("compute", 0, 5),
        ("train", 5, None, None),
        ("compute", 0, None),
        ("schedule", 0, None),
        ("schedule", 0, None),
    ]
    ended, _ = found(f"2|train|{at('08:00')}|{at('08:00')}|{at('08:30')}|{at('08:40')}|COMPLETED")
    assert told(ended) == [("compute", 0, 30), ("train", 30, 40, "ok")]
    waits = [one.id for one in (records[2], ended[0]) if isinstance(one, Wait)]
    assert waits == [waits[0]] * 2


def test_a_job_that_was_cancelled_in_the_queue_only_waited() -> None:
    for start in ("None", "Unknown"):
        records, _ = found(f"1|train|{at('08:00')}|{at('08:10')}|{start}|{at('08:30')}|CANCELLED by 1000")
        assert told(records) == [("schedule", 0, 10), ("compute", 10, 30)]


def test_a_queue_time_is_never_negative() -> None:
    records, _ = found(f"1|train|{at('08:10')}|{at('08:10')}|{at('08:09')}|{at('08:20')}|COMPLETED")
    assert told(records) == [("train", 9, 20, "ok")]


def test_without_duplicates_the_last_attempt_keeps_its_number() -> None:
    head, row = f"{HEAD}|Restarts", f"1|train|{at('08:00')}|{at('08:00')}|{at('08:00')}|{at('08:20')}|COMPLETED|2"
    (stage,) = found(row, head=head)[0]
    assert isinstance(stage, Stage)
    assert stage.id == c.job_stage_id(stage.origin.cycle_id, "slurm", "1", 3)


def test_tasks_of_an_array_run_side_by_side(shell: Shell) -> None:
    rows = [f"9_{task}|fit|{at('08:00')}|{at('08:00')}|{at('08:05')}|{at('08:25')}|COMPLETED" for task in (1, 2)]
    imported(shell, "\n".join((HEAD, *rows)))
    (facts,) = shell.facts()
    assert facts["key"] == "fit@9"
    assert [stage["attempt"] for stage in facts["stages"]] == [1, 1]


def test_instants_need_a_zone_and_may_be_seconds() -> None:
    _, problems = found("1|train|2026-02-02T08:00:00|Unknown|Unknown|Unknown|PENDING")
    (problem,) = problems
    assert problem.reason.startswith("Submit must have a time zone")
    assert problem.reason.endswith("Set SLURM_TIME_FORMAT=%FT%T%z for sacct")
    seconds = EIGHT // 10**9
    records, _ = found(f"1|train|{seconds}|{seconds}|{seconds}|{seconds + 60}|COMPLETED")
    assert told(records) == [("train", 0, 1, "ok")]


@pytest.mark.parametrize(
    ("row", "where", "reason"),
    [
        (f"1|train|{at('08:00')}|COMPLETED", "line 2", "it has 4 cells, and there are 7 columns"),
        (f"1|train|{at('08:00')}|||Unknown|COMPLETED", "job 1", "End must not be empty, since State is COMPLETED"),
        (f"1|train|{at('08:00')}||||ODD", "job 1", "State must be one of COMPLETED, .*, got 'ODD'"),
        (f"1||{at('08:00')}||||PENDING", "job 1", "nothing says which model it is for: name it with --model"),
    ],
)
def test_a_bad_row_is_a_problem_and_the_rest_is_taken(row: str, where: str, reason: str) -> None:
    good = f"2|train|{at('08:00')}|{at('08:00')}|{at('08:00')}|{at('08:20')}|COMPLETED"
    records, (problem,) = found(row, "", good)
    assert told(records) == [("train", 0, 20, "ok")]
    assert problem.where == where
    assert re.match(reason, problem.reason)


def test_a_file_that_is_no_such_table() -> None:
    with pytest.raises(SourceError, match=r"line 1 must name the columns, .* and lacks JobID, JobName"):
        found(head="JOBID PARTITION NAME")


def test_since_is_about_the_submission() -> None:
    late = CHOICES._replace(since=EIGHT + MINUTE)
    rows = [f"{number}|train|{at(clock)}||||PENDING" for number, clock in enumerate(("08:00", "08:02"))]
    assert len(found(*rows)[0]) == 2
    assert len(found(*rows, choices=late)[0]) == 1


def test_a_key_that_says_model_and_version_says_them_unless_a_model_was_chosen() -> None:
    row = f"1|score-all|{at('08:00')}|{at('08:00')}|{at('08:05')}|{at('08:25')}|COMPLETED|risk@3"

    def said(model: str | None) -> tuple[str | None, str | None]:
        records, _ = found(row, head=f"{HEAD}|Comment", choices=CHOICES._replace(key="{comment}", model=model))
        return records[0].origin.model, records[0].origin.version

    assert said(None) == ("risk", "3")
    assert said("other") == ("other", None)
