"""Pipelines of GitLab CI from saved answers of its API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from cycletrace._internal.importers.found import Found, Problem
from cycletrace._internal.importers.gitlab import deployments_by_job, read_pipeline
from cycletrace._internal.importers.jobs import Choices, Json, is_before
from cycletrace._internal.importers.json_files import grouped, latest

_MARKS = {"deployment": "deployable", "job": "pipeline", "pipeline": "source"}


def read(paths: Iterable[Path], choices: Choices) -> Iterator[Found]:
    """Yield the pipelines in these files and folders, with what else they hold about each.

    Raises:
        SourceError: if there is no such file or folder.
    """
    found, problems = grouped(paths, _MARKS, "pipelines, jobs or deployments")
    yield from problems
    jobs: dict[str, list[Json]] = defaultdict(list)
    for job in latest(found["job"], "finished_at"):
        if isinstance(of := job["pipeline"], Mapping):
            jobs[str(of.get("id"))].append(job)
    deployments = deployments_by_job(latest(found["deployment"], "updated_at"))
    for pipeline in latest(found["pipeline"], "updated_at"):
        if choices.branch in (None, pipeline.get("ref")) and not is_before(pipeline, choices.since):
            number = str(pipeline.get("id"))
            if number not in jobs:
                yield Problem(f"pipeline {number}", "none of the files holds its jobs")
            yield from read_pipeline(pipeline, jobs[number], deployments, choices)
