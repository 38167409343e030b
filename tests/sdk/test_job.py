"""The job that a process runs in: its stages are part of the job's stage, live and after an import of its history."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.journals import environment, read_facts, run_script

from cycletrace import conventions as c
from cycletrace._internal.diagnostics import forget_logged
from cycletrace._internal.sdk.job import Job, find

SECOND = 10**9
SUBMITTED = 1_780_000_000
STARTED = SUBMITTED + 600
SLURM = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOB_START_TIME": str(STARTED),
    "CYCLETRACE_SUBMITTED_AT": f"{SUBMITTED}.500000000",
}
QUEUED = (SUBMITTED * SECOND + SECOND // 2, STARTED * SECOND)
SCRIPT = """
import cycletrace as ct
for name in ("train", "evaluate"):
    with ct.stage(name), ct.stage("epoch"):
        pass
"""


@pytest.mark.parametrize(
    ("env", "job"),
    [
        ({}, None),
        ({"CI_JOB_ID": "9"}, None),
        ({"GITLAB_CI": "true", "CI_JOB_ID": "9"}, Job("gitlab", "9", 1, None)),
        (
            {
                "GITLAB_CI": "true",
                "CI_JOB_ID": "9",
                "CYCLETRACE_SUBMITTED_AT": "2026-05-28T20:26:40Z",
                "CI_JOB_STARTED_AT": "2026-05-28T20:36:40Z",
            },
            Job("gitlab", "9", 1, (SUBMITTED * SECOND, STARTED * SECOND)),
        ),
        (SLURM, Job("slurm", "4711", 1, QUEUED)),
        ({**SLURM, "SLURM_RESTART_COUNT": "2"}, Job("slurm", "4711", 3, None)),
        ({**SLURM, "SLURM_JOB_START_TIME": str(SUBMITTED - 5)}, Job("slurm", "4711", 1, None)),
        ({**SLURM, "SLURM_JOB_START_TIME": "soon"}, Job("slurm", "4711", 1, None)),
        ({**SLURM, "CYCLETRACE_SUBMITTED_AT": "yesterday"}, Job("slurm", "4711", 1, None)),
        ({"SLURM_ARRAY_JOB_ID": "4700", "SLURM_ARRAY_TASK_ID": "3"}, Job("slurm", "4700_3", 1, None)),
        ({"CYCLETRACE_JOB": "github:77", "GITHUB_RUN_ATTEMPT": "2"}, Job("github", "77", 2, None)),
        ({"CYCLETRACE_JOB": "argo:ns/wf-1", "SLURM_JOB_ID": "4711"}, Job("argo", "ns/wf-1", 1, None)),
        ({"CYCLETRACE_JOB": "77"}, None),
    ],
    ids=str,
)  # fmt: skip
def test_the_job_is_the_one_that_its_system_numbers(env: dict[str, str], job: Job | None) -> None:
    assert find(env) == job


def test_a_time_of_submission_without_its_zone_is_ignored_and_the_log_says_what_is_missing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody could tell from a local time how long the job was queued."""
    forget_logged()
    assert find({**SLURM, "CYCLETRACE_SUBMITTED_AT": "2026-05-28T20:26:40"}) == Job("slurm", "4711", 1, None)
    assert caplog.messages == [
        (
            "CYCLETRACE_SUBMITTED_AT must be a time with its zone, such as 2026-11-24T09:30:00Z or "
            "2026-11-24T10:30:00+01:00, or seconds since 1970, got '2026-05-28T20:26:40'. It is ignored."
        )
    ]


def test_outermost_stages_are_parts_of_the_job_and_its_queue_is_one_wait(tmp_path: Path) -> None:
    state = tmp_path / "state"
    for _ in range(2):
        done = run_script(SCRIPT, state, CYCLETRACE_CYCLE="churn@7", **SLURM)
        assert (done.returncode, done.stderr) == (0, "")
    (facts,) = read_facts(state)
    job = c.job_stage_id(c.cycle_id("", "churn@7"), "slurm", "4711", 1)
    parents = [run["parent"] for run in facts["stages"] if run["name"] != "epoch"]
    assert parents == [job] * 4
    (wait,) = facts["waits"]
    assert (wait["reason"], wait["start"], wait["end"]) == ("compute", *QUEUED)
    assert facts["marks"]["started"] == QUEUED[0]
    around = {run["id"]: run["name"] for run in facts["stages"]}
    assert [around[run["parent"]] for run in facts["stages"] if run["name"] == "epoch"] == ["train", "evaluate"] * 2


def test_an_import_of_the_history_counts_nothing_twice(tmp_path: Path) -> None:
    """The job's stage contains the stages that ran in it, and how long it was queued stays one wait."""
    state = tmp_path / "state"
    assert run_script(SCRIPT, state, CYCLETRACE_CYCLE="churn@7", **SLURM).returncode == 0
    (tmp_path / "sacct.txt").write_text(
        "JobID|JobName|State|Submit|Eligible|Start|End\n"
        f"4711|train|COMPLETED|{SUBMITTED}|{SUBMITTED}|{STARTED}|{STARTED + 900}\n",
        encoding="utf-8",
    )
    command = ["import", "slurm", "sacct.txt", "--model", "churn", "--key", "churn@7"]
    done = subprocess.run(
        [sys.executable, "-m", "cycletrace", *command],
        env=environment(state),
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (facts,) = read_facts(state)
    (wait,) = facts["waits"]
    assert (wait["reason"], wait["end"]) == ("compute", STARTED * SECOND)
    stages = {run["id"]: run for run in facts["stages"]}
    tops = [run["name"] for run in facts["stages"] if run["parent"] not in stages]
    assert tops == ["train"]
    assert sorted(run["name"] for run in stages.values()) == ["epoch", "epoch", "evaluate", "train", "train"]
