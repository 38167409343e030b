"""Pipelines of GitLab CI, as its REST API describes them.

Source: https://docs.gitlab.com/api/pipelines/, https://docs.gitlab.com/api/jobs/ and
https://docs.gitlab.com/api/deployments/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from cycletrace import conventions as c
from cycletrace._internal.flow import Record, RecordOrigin, Stage
from cycletrace._internal.importers.found import Item, Problem
from cycletrace._internal.importers.ids import Job, queue_wait
from cycletrace._internal.importers.jobs import (
    Choices,
    Json,
    created,
    instant_of,
    known_instant,
    number_of,
    origin_of_job,
)
from cycletrace._internal.kinds import kind_of

SYSTEM = "gitlab"
KEY = "{model}@{pipeline_id}"
"""The default key: each pipeline is a cycle."""
FIELDS = ("model", "pipeline_id", "pipeline_iid", "sha", "branch")
"""What a key may be made of."""
OUTCOMES = {"success": c.OK, "failed": c.ERROR, "canceled": c.CANCELLED}
"""By status of a job that ran and has ended."""
TIMEOUTS = frozenset({"job_execution_timeout", "stuck_or_timeout_failure"})
"""Reasons of failures that are timeouts."""
RUNNING = frozenset({"running", "canceling"})
ENDED = frozenset({"success", "failed", "canceled", "skipped"})
"""Statuses of a pipeline that has ended."""
_IDEAS = frozenset({"push", "merge_request_event", "external_pull_request_event"})
"""Sources that a commit causes, with which the cycle then began."""
_PROJECT = re.compile(r"/([^/]+)/-/pipelines/\d+")


class Deployment(NamedTuple):
    """A deployment that a job made: its environment, and when somebody approved or rejected it."""

    environment: str
    decided: int | None
    """UTC nanoseconds."""


def deployments_by_job(deployments: Iterable[Json]) -> dict[str, Deployment]:
    """Return the deployments by the number of the job that made each."""
    found: dict[str, Deployment] = {}
    for deployment in deployments:
        job, environment = deployment.get("deployable"), deployment.get("environment")
        if isinstance(job, Mapping) and isinstance(environment, Mapping):
            approvals = deployment.get("approvals")
            decisions = [
                created(approval)
                for approval in (approvals if isinstance(approvals, list) else ())
                if isinstance(approval, Mapping)
            ]
            decided = max((at for at in decisions if at is not None), default=None)
            found[str(job.get("id"))] = Deployment(str(environment.get("name") or ""), decided)
    return found


def version_of(pipeline: Json) -> str | None:
    """Return a text that changes whenever there may be something new about a pipeline; ``None`` while it is open."""
    status = str(pipeline.get("status"))
    return f"{pipeline.get('updated_at')} {status}" if status in ENDED else None


def read_pipeline(
    pipeline: Json, jobs: Sequence[Json], deployments: Mapping[str, Deployment], choices: Choices
) -> Iterator[Item | Problem]:
    """Yield what is wrong with a pipeline, and the pipeline with its records.

    Args:
        pipeline: A pipeline.
        jobs: All of it, including those that were retried.
        deployments: By number of the job.
        choices: What GitLab does not know.
    """
    where = f"pipeline {pipeline.get('id')}"
    try:
        origin = _origin(pipeline, choices)
    except ValueError as error:
        yield Problem(where, str(error))
        return
    records: list[Record] = []
    ends = [end for job in jobs if (end := known_instant(job, "finished_at")) is not None]
    for job in jobs:
        try:
            records += _records_of_job(job, origin, deployments.get(str(job.get("id"))), ends, choices)
        except ValueError as error:
            yield Problem(f"{where}, job {job.get('id')}", str(error))
    begun = _commit_time(jobs) if str(pipeline.get("source")) in _IDEAS and records else None
    if begun is not None:
        records.append(Job(origin, SYSTEM, str(pipeline["id"])).mark(c.STARTED, begun))
    yield Item(where, str(pipeline["id"]), tuple(records))


def _origin(pipeline: Json, choices: Choices) -> RecordOrigin:
    named = _PROJECT.search(str(pipeline.get("web_url")))
    values = (number_of(pipeline), pipeline.get("iid"), pipeline.get("sha"), pipeline.get("ref"))
    trigger = "schedule" if pipeline.get("source") == "schedule" else None
    return origin_of_job(choices, named and named[1], dict(zip(FIELDS[1:], values, strict=True)), trigger)


def _records_of_job(
    job: Json, origin: RecordOrigin, deployment: Deployment | None, ends: Sequence[int], choices: Choices
) -> tuple[Record, ...]:
    """Return the waits and the run of a job. ``ends`` are the instants at which jobs of its pipeline ended.

    Raises:
        ValueError: if it lacks what they need.
    """
    status, name = str(job.get("status")), str(job.get("name") or "")
    start = instant_of(job, "started_at")
    if start is None or status not in {*OUTCOMES, *RUNNING}:
        return ()  # nothing states since when it waits
    if not name:
        raise ValueError("name is missing")
    end = None if status in RUNNING else instant_of(job, "finished_at")
    if status in OUTCOMES and end is None:
        raise ValueError(f"it is {status}, and finished_at is missing")
    number = Job(origin, SYSTEM, str(number_of(job)))
    queued = start - _nanoseconds(job.get("queued_duration"))
    stage = Stage(
        origin,
        number.stage_id,
        name,
        kind_of(name, choices.kinds),
        start,
        None if end is None else max(start, end),
        None if end is None else c.TIMEOUT if str(job.get("failure_reason")) in TIMEOUTS else OUTCOMES[status],
        launch="ci",
        environment=(deployment.environment or None) if deployment is not None else None,
    )
    approved = deployment.decided if deployment is not None else None
    is_manual = any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in choices.manual)
    decided = min(approved, queued) if approved is not None else queued if is_manual else None
    asked = _asked(job, decided, ends)
    human = () if decided is None else queue_wait(number, asked, decided, c.HUMAN)
    return (*human, *queue_wait(number, queued, start), stage)


def _asked(job: Json, decided: int | None, ends: Sequence[int]) -> int | None:
    """Return since when a job waited for somebody's decision: since the jobs before it had ended."""
    if decided is None:
        return None
    return max((end for end in ends if end <= decided), default=created(job))


def _nanoseconds(seconds: object) -> int:
    """Return a length in nanoseconds; 0 if it is not known, or negative because clocks disagree."""
    return round(max(0.0, seconds) * 1e9) if isinstance(seconds, (int, float)) else 0


def _commit_time(jobs: Iterable[Json]) -> int | None:
    """Return the time of the commit that jobs are for, UTC nanoseconds; ``None`` if none of them states it."""
    commits = (job.get("commit") for job in jobs)
    times = (created(commit) for commit in commits if isinstance(commit, Mapping))
    return next((at for at in times if at is not None), None)
