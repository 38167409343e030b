"""DAG runs of Airflow 3, as its REST API describes them.

Source: https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cycletrace import conventions as c
from cycletrace._internal.flow import Record, RecordOrigin, Stage
from cycletrace._internal.importers.found import Item, Problem
from cycletrace._internal.importers.ids import Job, origin_of, queue_wait
from cycletrace._internal.importers.jobs import (
    Choices,
    Json,
    created,
    instant_of,
    known_instant,
    origin_of_job,
)
from cycletrace._internal.kinds import kind_of
from cycletrace.integrations._airflow_names import CONF, OUTCOMES, SYSTEM, cycle_of, number_of

__all__ = ["FIELDS", "KEY", "OUTCOMES", "SYSTEM", "identify", "questions_by_try", "read_run", "version_of"]

KEY = "{model}@{run_id}"
"""The default key: each DAG run is a cycle."""
FIELDS = ("model", "run_id")
"""What a key may be made of."""
UNDER_WAY = frozenset({"running", "deferred", "awaiting_input", "up_for_reschedule", "restarting"})
"""States of a try that has begun and not ended."""
ENDED = frozenset({"success", "failed"})
"""States of a DAG run that has ended."""

Try = tuple[str, int, int]
"""What identifies a try in its DAG run: task, place among the instances of a mapped task, and number."""


def identify(run: Json) -> tuple[str, str]:
    """Return DAG and id of a DAG run.

    Raises:
        ValueError: if it lacks one of them.
    """
    return _text(run, "dag_id"), _text(run, "dag_run_id")


def version_of(run: Json) -> str | None:
    """Return a text that changes whenever there may be something new about a DAG run; ``None`` while it is open."""
    state = str(run.get("state"))
    return f"{run.get('end_date')} {state}" if state in ENDED else None


def questions_by_try(questions: Iterable[Json]) -> dict[Try, Json]:
    """Return what people were asked, by the try that did."""
    found: dict[Try, Json] = {}
    for question in questions:
        asking = question.get("task_instance")
        if isinstance(asking, Mapping):
            try:
                found[_try(asking)] = question
            except ValueError:
                continue  # no try can have asked it
    return found


def read_run(
    run: Json, tries: Iterable[Json], questions: Mapping[Try, Json], choices: Choices
) -> Iterator[Item | Problem]:
    """Yield what is wrong with a DAG run, and the run with its records.

    Args:
        run: A DAG run.
        tries: All tries of all its tasks.
        questions: What they asked people.
        choices: What Airflow does not know.
    """
    where = f"DAG run {run.get('dag_id')}/{run.get('dag_run_id')}"
    try:
        dag_id, run_id = identify(run)
        origin = _origin(run, dag_id, run_id, choices)
    except ValueError as error:
        yield Problem(where, str(error))
        return
    records: list[Record] = []
    for one in tries:
        try:
            task, place, number = _try(one)
            job = Job(origin, SYSTEM, number_of(dag_id, run_id, task, place), number)
            records += _records_of_try(one, job, task, questions.get((task, place, number)), choices)
        except ValueError as error:
            yield Problem(f"{where}, task {one.get('task_id')}", str(error))
    yield Item(where, f"{dag_id}/{run_id}", tuple(records))


def _origin(run: Json, dag_id: str, run_id: str, choices: Choices) -> RecordOrigin:
    """Return the cycle of a DAG run: that in its conf, else as chosen."""
    conf = run.get("conf")
    conf = conf if isinstance(conf, Mapping) else None
    name = cycle_of(dag_id, run_id, str(run.get("run_type")), conf)
    if conf is None or not conf.get(CONF):
        return origin_of_job(choices, dag_id, {"run_id": run_id}, name.trigger)
    return origin_of(
        name.key,
        choices.namespace,
        model=choices.model or name.model,
        version=name.version,
        domain=choices.domain,
        trigger=name.trigger,
    )


def _try(one: Json) -> Try:
    """Return what identifies a try.

    Raises:
        ValueError: if it lacks that.
    """
    number, place = one.get("try_number"), one.get("map_index")
    if not isinstance(number, int) or number < 1:
        raise ValueError(f"try_number must be a number from 1, got {number!r}")
    return _text(one, "task_id"), place if isinstance(place, int) else -1, number


def _records_of_try(one: Json, job: Job, task: str, question: Json | None, choices: Choices) -> tuple[Record, ...]:
    """Return the waits and the run of a try.

    Raises:
        ValueError: if it lacks what they need.
    """
    state, start = str(one.get("state")), instant_of(one, "start_date")
    if start is None or state not in {*OUTCOMES, *UNDER_WAY}:
        return ()
    end = instant_of(one, "end_date") if state in OUTCOMES else None
    if state in OUTCOMES and end is None:
        raise ValueError(f"it is {state}, and end_date is missing")
    stage = Stage(
        job.origin,
        job.stage_id,
        task,
        kind_of(task, choices.kinds),
        start,
        None if end is None else max(start, end),
        OUTCOMES.get(state),
        attempt=job.attempt,
        launch="scheduler",
    )
    scheduled, queued = known_instant(one, "scheduled_when"), known_instant(one, "queued_when")
    waits = [*queue_wait(job, queued, start)]
    if queued is not None:
        waits += queue_wait(job, scheduled, queued, "schedule")
    asked = None if question is None else created(question)
    answered = None if question is None else known_instant(question, "responded_at")
    if asked is not None and (answered or 0) > asked:
        waits.append(job.wait(c.HUMAN, asked, answered, stage.id))
    return (*waits, stage)


def _text(holder: Json, field: str) -> str:
    text = holder.get(field)
    if not isinstance(text, str) or not text:
        raise ValueError(f"{field} is missing")
    return text
