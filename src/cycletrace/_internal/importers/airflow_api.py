"""DAG runs of Airflow 3 from its REST API, the oldest first. What was imported before costs no request of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from cycletrace._internal import instants
from cycletrace._internal.importers.airflow import identify, questions_by_try, read_run, version_of
from cycletrace._internal.importers.found import Found, Item, Problem, SourceError
from cycletrace._internal.importers.jobs import Choices, Json
from cycletrace._internal.importers.seen import Seen
from cycletrace._internal.importers.web import Api, Get

BASE = "http://localhost:8080"
VERSION = "api/v2"
TOKEN = "AIRFLOW_CLI_TOKEN"  # noqa: S105 - the name of a variable, which Airflow's own client reads
_PAGE = 100


def api_of(base: str, token: str) -> Api:
    """Return the API of an Airflow, for whoever has this token; without one, as a stranger."""
    return Api(
        f"{base.rstrip('/')}/{VERSION}",
        {"Authorization": f"Bearer {token}"} if token else {},
        {
            401: f"Set {TOKEN} to a valid token: that which {base.rstrip('/')}/auth/token gave has perhaps expired.",
            403: f"{TOKEN} may not read this: its user needs to see DAG runs, task instances and required actions.",
            404: "Check the URL, the name of the DAG, and whether this is Airflow 3.1 or newer.",
        },
    )


def read(get: Get, dags: Sequence[str], choices: Choices, seen: Seen) -> Iterator[Found]:
    """Yield the runs of DAGs that were not imported before as they are.

    Raises:
        SourceError: if the API cannot be read any further.
    """
    since = {} if choices.since is None else {"run_after_gte": instants.format_utc(choices.since)}
    for dag in dags:
        for run in _pages(get, f"dags/{quote(dag, safe='')}/dagRuns", "dag_runs", order_by="id", **since):
            try:
                dag_id, run_id = identify(run)
            except ValueError as error:
                yield Problem(f"a run of {dag}", str(error))
                continue
            number, version = f"{dag_id}/{run_id}", version_of(run)
            if version is not None and seen.get(number) == version:
                yield Item(f"DAG run {number}", number, (), version)
                continue
            root = f"dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"
            questions = questions_by_try(_pages(get, f"{root}/hitlDetails", "hitl_details", order_by="created_at"))
            for found in read_run(run, list(_tries(get, root)), questions, choices):
                yield found._replace(version=version) if isinstance(found, Item) else found


def _tries(get: Get, root: str) -> Iterator[Json]:
    """Yield all tries of all tasks of a DAG run."""
    for instance in _pages(get, f"{root}/taskInstances", "task_instances", order_by="id"):
        number, place = instance.get("try_number"), instance.get("map_index")
        if isinstance(number, int) and number > 1:
            task = f"{root}/taskInstances/{quote(str(instance.get('task_id')), safe='')}"
            mapped = f"{task}/{place}" if isinstance(place, int) and place >= 0 else task
            yield from _members(get, f"{mapped}/tries", "task_instances", {})[0]
        else:
            yield instance


def _pages(get: Get, path: str, field: str, **parameters: str) -> Iterator[Json]:
    """Yield the objects of all pages.

    Raises:
        SourceError: if a page cannot be read, or is another answer.
    """
    count, total = 0, 1
    while count < total:
        page = {"limit": str(_PAGE), "offset": str(count), **parameters}
        members, total = _members(get, path, field, page)
        if not members:
            return
        yield from members
        count += len(members)


def _members(get: Get, path: str, field: str, parameters: dict[str, str]) -> tuple[list[Json], int]:
    """Return the objects of a page, and how many there are on all pages.

    Raises:
        SourceError: if it cannot be read, or is another answer.
    """
    value = get(path, parameters).value
    members = value.get(field) if isinstance(value, dict) else None
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        raise SourceError(f"{path} answered with another kind of JSON than Airflow's API. Check the URL.")
    total = value.get("total_entries")
    return members, total if isinstance(total, int) else len(members)
