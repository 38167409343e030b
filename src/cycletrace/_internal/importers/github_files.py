"""Runs of GitHub Actions from saved answers of its API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from cycletrace._internal.importers.found import Found, Problem
from cycletrace._internal.importers.github import Json, deployments_by_job, is_before, is_wanted, read_run
from cycletrace._internal.importers.jobs import Choices
from cycletrace._internal.importers.json_files import objects

_MARKS = {"run": "workflow_id", "job": "run_id", "status": "deployment_url", "deployment": "statuses_url"}
"""By what an object is: the field that no other of them has. They are looked for in this order."""


def read(paths: Iterable[Path], choices: Choices) -> Iterator[Found]:
    """Yield the runs in these files and folders, with what else they hold about each.

    Raises:
        SourceError: if there is no such file or folder.
    """
    found: dict[str, list[Json]] = {kind: [] for kind in _MARKS}
    strangers: dict[Path, None] = {}
    for one in objects(paths):
        if isinstance(one, Problem):
            yield one
            continue
        file, value = one
        kind = next((kind for kind, field in _MARKS.items() if field in value), None)
        if kind is None:
            strangers[file] = None
        else:
            found[kind].append(value)
    for file in strangers:
        yield Problem(str(file), "it holds objects that are no runs, jobs, deployments or deployment statuses")
    jobs: dict[object, list[Json]] = defaultdict(list)
    for job in _latest(found["job"], "completed_at"):
        jobs[job["run_id"]].append(job)
    deployments = deployments_by_job(found["deployment"], found["status"])
    for run in _latest(found["run"], "updated_at"):
        if is_wanted(run, choices) and not is_before(run, choices.since):
            if run.get("id") not in jobs:
                yield Problem(f"run {run.get('id')}", "none of the files holds its jobs")
            yield from read_run(run, jobs[run.get("id")], deployments, choices)


def _latest(found: Iterable[Json], changed: str) -> Iterable[Json]:
    """Return each object once, as it was when it last changed: answers may have been saved more than once."""
    return {one.get("id"): one for one in sorted(found, key=lambda one: str(one.get(changed) or ""))}.values()
