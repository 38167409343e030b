"""Runs of GitHub Actions from saved answers of its API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from cycletrace._internal.importers.found import Found, Problem
from cycletrace._internal.importers.github import deployments_by_job, is_wanted, read_run
from cycletrace._internal.importers.jobs import Choices, Json, is_before
from cycletrace._internal.importers.json_files import grouped, latest

_MARKS = {"run": "workflow_id", "job": "run_id", "status": "deployment_url", "deployment": "statuses_url"}


def read(paths: Iterable[Path], choices: Choices) -> Iterator[Found]:
    """Yield the runs in these files and folders, with what else they hold about each.

    Raises:
        SourceError: if there is no such file or folder.
    """
    found, problems = grouped(paths, _MARKS, "runs, jobs, deployments or deployment statuses")
    yield from problems
    jobs: dict[str, list[Json]] = defaultdict(list)
    for job in latest(found["job"], "completed_at"):
        jobs[str(job["run_id"])].append(job)
    deployments = deployments_by_job(found["deployment"], found["status"])
    for run in latest(found["run"], "updated_at"):
        if is_wanted(run, choices) and not is_before(run, choices.since):
            number = str(run.get("id"))
            if number not in jobs:
                yield Problem(f"run {number}", "none of the files holds its jobs")
            yield from read_run(run, jobs[number], deployments, choices)
