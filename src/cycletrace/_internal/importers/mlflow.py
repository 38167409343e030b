"""Runs and registered versions of MLflow.

Source: https://mlflow.org/docs/latest/api_reference/python_api/mlflow.entities.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cycletrace import conventions as c
from cycletrace._internal import instants
from cycletrace._internal.flow import Record, RecordOrigin, Stage
from cycletrace._internal.importers.found import Item, Problem
from cycletrace._internal.importers.ids import Job
from cycletrace._internal.importers.jobs import Choices, origin_of_job
from cycletrace._internal.kinds import kind_of
from cycletrace._internal.sdk.cycles import from_text
from cycletrace.integrations._mlflow_keys import run_key, version_key

SYSTEM = "mlflow"
KEY = "{model}@{run_id}"
"""The default key: each run is a cycle, with those nested in it."""
FIELDS = ("model", "run_id", "name", "experiment", "version")
"""What a key may be made of."""
OUTCOMES = {"FINISHED": c.OK, "FAILED": c.ERROR, "KILLED": c.CANCELLED}
"""By status of a run that has ended."""
RUNNING = "RUNNING"
SCHEDULED = "SCHEDULED"
LAUNCHES = {"NOTEBOOK": "notebook", "JOB": "scheduler"}
"""By type of a run's source. The others do not say how it was started."""
_MADE_UP = re.compile(r"[a-z]+-[a-z]+-[0-9]{1,4}")
"""What MLflow calls a run that was given no name: ``bold-fox-123``."""


class Run(NamedTuple):
    """A run, as far as records follow from it."""

    id: str
    name: str
    experiment: str
    """The name of its experiment."""
    status: str
    start: int | None
    """Milliseconds since the epoch, as ``end`` is."""
    end: int | None
    parent: str | None = None
    """The id of the run that it is nested in."""
    cycle: str | None = None
    """The cycle that it was recorded in live, in the format of ``CYCLETRACE_CYCLE``."""
    source: str | None = None
    """What started it, as MLflow's ``mlflow.source.type`` names it."""


class Version(NamedTuple):
    """A registered version of a model."""

    created: int
    """Milliseconds since the epoch."""
    model: str
    number: str


def names_version(choices: Choices) -> bool:
    """Return whether keys are made of versions, so that a run from which none was registered is of no cycle."""
    return "{version" in choices.key


def read_run(
    run: Run, around: Sequence[Run], versions: Sequence[Version], first: Version | None, choices: Choices
) -> Iterator[Item | Problem]:
    """Yield a run with its records, or what is wrong with it.

    Args:
        run: A run.
        around: Those that it is nested in, from the inside out.
        versions: Those that were registered from it.
        first: The first version of the outermost run and all that are nested in it, for a key that is made of it.
        choices: What MLflow does not know.
    """
    where = f"run {run.id}"
    try:
        records = _records(run, around, versions, first, choices)
    except ValueError as error:
        yield Problem(where, str(error))
    else:
        if records:
            yield Item(where, run.id, records)


def _records(
    run: Run, around: Sequence[Run], versions: Sequence[Version], first: Version | None, choices: Choices
) -> tuple[Record, ...]:
    """Return the records of a run; none if it has not started, or is of no cycle.

    Raises:
        ValueError: if it lacks what they need.
    """
    if run.status not in {*OUTCOMES, RUNNING, SCHEDULED}:
        raise ValueError(f"status must be one of {', '.join((*OUTCOMES, RUNNING, SCHEDULED))}, got {run.status[:60]!r}")
    if run.status == SCHEDULED:
        return ()
    live = next((one.cycle for one in (run, *around) if one.cycle), None)
    if live is None and names_version(choices) and first is None:
        return ()
    start = _instant(run.start, "start_time")
    end = _instant(run.end, "end_time") if run.status in OUTCOMES else None
    if end is not None and end < start:
        raise ValueError(f"it ended {(start - end) / 10**9:,.3f} s before it started: these clocks differ")
    origin = _live_origin(live, choices) if live is not None else _origin((run, *around)[-1], first, choices)
    job = Job(origin, SYSTEM, run.id)
    records: list[Record] = [job.alias(run_key(run.id), start)]
    if live is None or choices.tagged:  # else its stage was recorded when it ran
        records.append(_stage(run, job, start, end, choices))
    for version in versions:
        created = _instant(version.created, "creation_timestamp")
        number = Job(origin, SYSTEM, f"{version.model}/{version.number}")
        records.append(number.alias(version_key(version.model, version.number), created))
        # Within a run, MLflow registers a version before the training that made it is over, as is a search around it.
        ends = [one.end for one in (run, *around) if one.status in OUTCOMES]
        if live is None and len(ends) == len(around) + 1:
            records.append(number.mark(c.SELECTED, max(created, *(_instant(each, "end_time") for each in ends))))
    return tuple(records)


def _live_origin(text: str, choices: Choices) -> RecordOrigin:
    """Return the cycle that a run was recorded in live.

    Raises:
        ValueError: if its tag does not name one.
    """
    try:
        cycle = from_text(text, choices.namespace)
    except ValueError as error:
        raise ValueError(f"its tag names no cycle: {error}") from None
    return RecordOrigin(
        cycle.cycle_id, cycle.key, cycle.namespace or None, **cycle.words, implicit=c.CYCLE_IMPLICIT in cycle.attributes
    )


def _origin(outermost: Run, first: Version | None, choices: Choices) -> RecordOrigin:
    """Return the cycle of a run, and of all that are nested in it.

    Raises:
        ValueError: if its key cannot be made.
    """
    version = first if names_version(choices) else None  # one may follow the first import, and no key may change then
    model, number = (outermost.experiment, None) if version is None else (version.model, version.number)
    values = (outermost.id, outermost.name, outermost.experiment, number)
    return origin_of_job(choices, model, dict(zip(FIELDS[1:], values, strict=True)))


def _stage(run: Run, job: Job, start: int, end: int | None, choices: Choices) -> Stage:
    return Stage(
        job.origin,
        job.stage_id,
        run.experiment if not run.name or _is_made_up(run.name) else run.name,
        kind_of(run.name, choices.kinds, c.TRAIN),
        start,
        end,
        OUTCOMES.get(run.status),
        attempt=1 if run.parent else None,  # nested runs are no repetitions, and may run beside each other
        launch=LAUNCHES.get(run.source or "", "other"),
        parent=job._replace(id=run.parent).stage_id if run.parent else None,
    )


def _is_made_up(name: str) -> bool:
    """Return whether MLflow seems to have made up a name. No two of its stages would be alike."""
    return bool(_MADE_UP.fullmatch(name)) and kind_of(name, ()) == c.OTHER


def _instant(milliseconds: int | None, field: str) -> int:
    """Return an instant in UTC nanoseconds.

    Raises:
        ValueError: if it is absent, or no record may have it.
    """
    if milliseconds is None:
        raise ValueError(f"{field} is missing")
    try:
        return instants.check(milliseconds * 10**6, f"{milliseconds} ms")
    except ValueError as error:
        raise ValueError(f"{field} {error}") from None
