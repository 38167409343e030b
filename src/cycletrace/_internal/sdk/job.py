"""The job that a CI system or scheduler runs this process in: its stages are part of the job's, whoever records that.

The variables are documented by GitLab CI ("Predefined CI/CD variables"), SLURM (sbatch(1)) and GitHub Actions.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from cycletrace import conventions as c
from cycletrace._internal import environment, instants
from cycletrace._internal.diagnostics import never_raise
from cycletrace._internal.journal.processes import started_at

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runtime import Runtime


class Job(NamedTuple):
    """What numbers it, and how long it was queued."""

    system: str
    number: str
    attempt: int
    queued: tuple[int, int] | None
    """From when it was submitted to when it started, UTC nanoseconds; ``None`` if unknown, as for further attempts."""

    def stage_id(self, cycle: str) -> str:
        """Return its id as a stage of the cycle with this id."""
        return c.job_stage_id(cycle, self.system, self.number, self.attempt)

    def write_wait(
        self, runtime: Runtime, cycle: CycleRef, reason: str, start: int, end: int, stage: str | None = None
    ) -> None:
        """Write a wait of this stage, by default of the cycle, that follows from the job."""
        name = c.wait_span(reason)
        wait = c.job_record_id(cycle.cycle_id, self.system, name, self.number, self.attempt)
        of_stage = {} if stage is None else {c.STAGE_ID: stage}
        attributes = {c.WAIT_ID: wait, c.WAIT_REASON: reason, **of_stage}
        runtime.write_span(cycle, name, wait, start, end, attributes, stage)


def find(env: Mapping[str, str] | None = None) -> Job | None:
    """Return the job of this process, ``None`` if it is in no job, or nothing says in which."""
    env = os.environ if env is None else env
    given = environment.JOB.read(env) or _numbered(env)
    if given is None:
        return None
    system, _, number = given.partition(":")
    attempt = 1
    if system == "slurm":
        attempt += _count(env, "SLURM_RESTART_COUNT")
    elif system == "github":
        attempt = max(_count(env, "GITHUB_RUN_ATTEMPT"), 1)
    return Job(system, number, attempt, _queued(env) if attempt == 1 else None)


@never_raise
def record_wait(runtime: Runtime, cycle: CycleRef) -> None:
    """Record how long the job of this process was queued. All processes of the job record the same."""
    job = runtime.job
    if job is not None and job.queued is not None:
        job.write_wait(runtime, cycle, "compute", *job.queued)


def _numbered(env: Mapping[str, str]) -> str | None:
    """Return the job as its system numbers it in its own history. GitHub's jobs do not know their number."""
    if env.get("GITLAB_CI") and env.get("CI_JOB_ID"):
        return f"gitlab:{env['CI_JOB_ID']}"
    if env.get("SLURM_ARRAY_JOB_ID") and env.get("SLURM_ARRAY_TASK_ID"):
        return f"slurm:{env['SLURM_ARRAY_JOB_ID']}_{env['SLURM_ARRAY_TASK_ID']}"
    return f"slurm:{env['SLURM_JOB_ID']}" if env.get("SLURM_JOB_ID") else None


def _count(env: Mapping[str, str], name: str) -> int:
    text = env.get(name, "")
    return int(text) if text.isdecimal() else 0


def _queued(env: Mapping[str, str]) -> tuple[int, int] | None:
    submitted = environment.SUBMITTED_AT.read(env)
    if submitted is None:
        return None
    said = env.get("SLURM_JOB_START_TIME") or env.get("CI_JOB_STARTED_AT")
    try:
        # In a container, the first process started with the job; elsewhere with the machine, before it was submitted.
        started = instants.parse_written(said) if said else started_at(1)
    except ValueError:
        return None
    return (submitted, started) if started is not None and started > submitted else None
