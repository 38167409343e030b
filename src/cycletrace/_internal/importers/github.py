"""Runs of GitHub Actions, as its REST API describes them.

Source: https://docs.github.com/en/rest/actions and https://docs.github.com/en/rest/deployments
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from cycletrace import conventions as c
from cycletrace._internal.flow import Record, RecordOrigin, Stage, Wait
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

SYSTEM = "github"
KEY = "{model}@{run_id}"
"""The default key: each run is a cycle."""
FIELDS = ("model", "run_id", "run_number", "sha", "branch", "workflow")
"""What a key may be made of."""
OUTCOMES = {
    "success": c.OK,
    "neutral": c.OK,
    "failure": c.ERROR,
    "startup_failure": c.ERROR,
    "action_required": c.ERROR,
    "timed_out": c.TIMEOUT,
    "cancelled": c.CANCELLED,
    "stale": c.LOST,
}
"""By conclusion of a job. One that was skipped did nothing, and is no record."""
FINAL = {"failure": c.FAILED, "startup_failure": c.FAILED, "timed_out": c.FAILED, "cancelled": c.ABANDONED}
"""By conclusion of a run: how a cycle ended that is this run alone, once the run cannot be repeated."""
REPEATABLE = 30 * 86_400 * 10**9
"""Nanoseconds after its creation for which GitHub lets a run be repeated."""
_IDEAS = frozenset({"push", "pull_request", "pull_request_target", "merge_group"})
"""Events that a commit causes, with which the cycle then began."""
_PENDING = frozenset({"queued", "pending", "requested", "waiting"})
"""Statuses of a job that has not started, whatever its ``started_at`` is."""
_JOB_URL = re.compile(r"/actions/runs/\d+/jobs?/(\d+)")


class Deployment(NamedTuple):
    """A deployment that a job made, for its environment, and the statuses that it went through."""

    environment: str
    statuses: tuple[tuple[int, str], ...]
    """Instant and state of each, in order."""

    def approval(self, start: int | None) -> tuple[int, int | None] | None:
        """Return since when, and until when, the job waited for somebody to approve it, or ``None`` if it did not.

        Where nothing states when that was decided, it waited until it started; without a start, it still waits.
        """
        asked = next((at for at, state in self.statuses if state == "waiting"), None)
        if asked is None:
            return None
        decided = (at for at, state in self.statuses if at >= asked and state != "waiting")
        return asked, next(decided, start)


def deployments_by_job(deployments: Iterable[Json], statuses: Iterable[Json]) -> dict[str, Deployment]:
    """Return the deployments by the number of the job that made each, as the URLs of its statuses name it."""
    environments = {str(one.get("url")): str(one.get("environment") or "") for one in deployments}
    jobs: dict[str, str] = {}
    states: dict[str, list[tuple[int, str]]] = {}
    for status in sorted(statuses, key=lambda status: created(status) or 0):
        of = str(status.get("deployment_url"))
        found = _JOB_URL.search(f"{status.get('log_url')} {status.get('target_url')}")
        if found is not None:
            jobs.setdefault(of, found[1])  # what ends a deployment later is another one
        at = created(status)
        if at is not None:
            states.setdefault(of, []).append((at, str(status.get("state"))))
    return {
        job: Deployment(environments[of], tuple(sorted(states.get(of, ()))))
        for of, job in jobs.items()
        if of in environments
    }


def is_wanted(run: Json, choices: Choices) -> bool:
    """Return whether a run is of the chosen workflow and branch."""
    file = str(run.get("path")).partition("@")[0].rpartition("/")[2]
    names = {str(run.get("name")), file}
    return (choices.workflow is None or choices.workflow in names) and choices.branch in (None, run.get("head_branch"))


def version_of(run: Json, choices: Choices) -> str | None:
    """Return a text that changes whenever there may be something new about a run; ``None`` while it is open."""
    if run.get("status") != "completed":
        return None
    return f"{run.get('updated_at')} {run.get('run_attempt')} {_is_final(run, choices)}"


def _is_final(run: Json, choices: Choices) -> bool:
    begun = created(run)
    return begun is not None and choices.now >= begun + REPEATABLE


def is_of_idea(run: Json) -> bool:
    """Return whether a commit caused a run, with which the cycle then began."""
    return str(run.get("event")) in _IDEAS


def first_commit(commits: Iterable[Json]) -> int | None:
    """Return when the earliest of a pull request's commits was written, UTC nanoseconds; ``None`` if none says so."""
    authors = (commit.get("author") for one in commits if isinstance(commit := one.get("commit"), Mapping))
    times = (known_instant(author, "date") for author in authors if isinstance(author, Mapping))
    return min((at for at in times if at is not None), default=None)


def read_run(
    run: Json,
    jobs: Iterable[Json],
    deployments: Mapping[str, Deployment],
    choices: Choices,
    begun: int | None = None,
) -> Iterator[Item | Problem]:
    """Yield what is wrong with a run, and the run with its records.

    Args:
        run: A workflow run.
        jobs: Those of all its attempts.
        deployments: By number of the job.
        choices: What GitHub does not know.
        begun: When the first commit of its pull request was written, UTC nanoseconds, if that is known.
    """
    where = f"run {run.get('id')}"
    try:
        origin = _origin(run, choices)
    except ValueError as error:
        yield Problem(where, str(error))
        return
    records: list[Record] = []
    for job in _own_jobs(jobs):
        try:
            records += _records_of_job(job, origin, deployments.get(str(job.get("id"))), choices)
        except ValueError as error:
            yield Problem(f"{where}, job {job.get('id')}", str(error))
    if records:  # a run whose jobs were all skipped did nothing
        try:
            records += _records_of_run(run, origin, tuple(records), choices, begun)
        except ValueError as error:
            yield Problem(where, str(error))
    yield Item(where, str(run["id"]), tuple(records))


def _origin(run: Json, choices: Choices) -> RecordOrigin:
    repository = run.get("repository")
    name = repository.get("name") if isinstance(repository, Mapping) else None
    values = (number_of(run), run.get("run_number"), run.get("head_sha"), run.get("head_branch"), run.get("name"))
    trigger = "schedule" if run.get("event") == "schedule" else None
    return origin_of_job(choices, name, dict(zip(FIELDS[1:], values, strict=True)), trigger)


def _own_jobs(jobs: Iterable[Json]) -> Iterator[Json]:
    """Yield the jobs of each attempt, without those that a repeated run took over from the attempt before."""
    done: dict[tuple[str, ...], int] = {}
    for job in sorted(jobs, key=_attempt):
        identity = tuple(str(job.get(field)) for field in ("name", "started_at", "completed_at"))
        if job.get("status") == "completed" and done.setdefault(identity, _attempt(job)) < _attempt(job):
            continue
        yield job


def _attempt(job: Json) -> int:
    attempt = job.get("run_attempt")
    return attempt if isinstance(attempt, int) and attempt > 0 else 1


def _records_of_job(
    job: Json, origin: RecordOrigin, deployment: Deployment | None, choices: Choices
) -> tuple[Record, ...]:
    """Return the waits and the run of a job.

    Raises:
        ValueError: if it lacks what they need.
    """
    if job.get("conclusion") == "skipped":
        return ()
    number = Job(origin, SYSTEM, str(number_of(job)), _attempt(job))
    status, name = str(job.get("status")), str(job.get("name") or "")
    if not name:
        raise ValueError("name is missing")
    queued = instant_of(job, "created_at")
    end = instant_of(job, "completed_at") if status == "completed" else None
    has_run = status == "in_progress" or (status == "completed" and not _never_ran(job))
    start = instant_of(job, "started_at") if has_run else end
    if status not in _PENDING and start is None:
        raise ValueError(f"it is {status}, and {'started_at' if has_run else 'completed_at'} is missing")
    waits: list[Record] = []
    approval = deployment.approval(start) if deployment is not None else None
    if approval is None and status == "waiting" and queued is not None:
        approval = queued, None
    if approval is not None:
        asked, queued = approval
        waits += queue_wait(number, asked, queued, c.HUMAN)
    if status != "waiting":
        waits += queue_wait(number, queued, start)
    if not has_run or start is None:
        return tuple(waits)
    conclusion = str(job.get("conclusion"))
    if end is not None and conclusion not in OUTCOMES:
        raise ValueError(f"conclusion must be one of {', '.join(OUTCOMES)}, got {conclusion[:60]!r}")
    stage = Stage(
        origin,
        number.stage_id,
        name,
        kind_of(name, choices.kinds),
        start,
        None if end is None else max(start, end),
        None if end is None else OUTCOMES[conclusion],
        launch="ci",
        environment=(deployment.environment or None) if deployment is not None else None,
    )
    return (*waits, stage)


def _never_ran(job: Json) -> bool:
    """Return whether a completed job never got a machine, such as one that was cancelled or rejected before."""
    return "runner_id" in job and not job["runner_id"] and not job.get("steps")


def _records_of_run(
    run: Json, origin: RecordOrigin, records: Sequence[Record], choices: Choices, begun: int | None
) -> Iterator[Record]:
    number = Job(origin, SYSTEM, str(run["id"]))
    commit = run.get("head_commit")
    if begun is None and is_of_idea(run) and isinstance(commit, Mapping):
        begun = instant_of(commit, "timestamp")
    if begun is not None:
        yield number.mark(c.STARTED, begun)
    outcome = FINAL.get(str(run.get("conclusion")))
    ends = [record.end for record in records if isinstance(record, (Stage, Wait)) and record.end is not None]
    if outcome is not None and "{run_id}" in choices.key and _is_final(run, choices) and ends:
        yield number.close(outcome, max(ends))
