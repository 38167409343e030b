"""``cycletrace import airflow``, from a server with made-up runs; ``tests/integrations`` has a real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.cli.commands import Shell
from tests.importers.histories import Answer, Json, Server, answering
from tests.importers.told import EIGHT, parted, told

from cycletrace import conventions as c
from cycletrace._internal.flow import Record, Stage
from cycletrace._internal.importers import airflow
from cycletrace._internal.importers.found import Problem
from cycletrace._internal.importers.jobs import Choices

RUN_ID = "manual__2026-02-02T08:00:00+00:00"
SECRET = "s3cret"
CHOICES = Choices("", EIGHT + 86_400 * 10**9, airflow.KEY)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def at(clock: str) -> str:
    return f"2026-02-02T{clock}:00.000000Z"


def dag_run(run_id: str = RUN_ID, **fields: Any) -> Json:
    whole = {"dag_id": "churn", "dag_run_id": run_id, "run_type": "manual", "state": "success", "conf": {}}
    return {**whole, "end_date": at("12:00"), **fields}


def attempt(task: str, queued: str, started: str, ended: str | None, number: int = 1, **fields: Any) -> Json:
    return {
        "task_id": task,
        "dag_id": "churn",
        "map_index": -1,
        "try_number": number,
        "state": "success" if ended else "running",
        "scheduled_when": at("08:00"),
        "queued_when": at(queued),
        "start_date": at(started),
        "end_date": ended and at(ended),
        **fields,
    }


TRIES = [
    attempt("extract_data", "08:01", "08:05", "08:15"),
    attempt("train", "08:20", "08:30", "08:40", state="failed", scheduled_when=at("08:20")),
    attempt("train", "08:45", "08:50", "09:50", number=2, scheduled_when=at("08:45")),
    attempt("evaluate", "09:50", "09:50", "09:55", map_index=1, scheduled_when=at("09:50")),
    attempt("approve", "10:30", "10:00", "10:31", scheduled_when=at("10:30")),
]
QUESTION = {
    "created_at": at("10:01"),
    "responded_at": at("10:29"),
    "task_instance": {"task_id": "approve", "map_index": -1, "try_number": 1},
}


def found(tries: list[Json], *questions: Json, **fields: Any) -> tuple[list[Record], list[Problem]]:
    asked = airflow.questions_by_try(questions)
    return parted(airflow.read_run(dag_run(**fields), tries, asked, CHOICES))


def test_a_try_is_a_stage_after_its_waits() -> None:
    records, problems = found(TRIES[:1])
    assert (told(records), problems) == (
        [("compute", 1, 5), ("schedule", 0, 1), ("extract_data", 5, 15, "ok")],
        [],
    )
    (stage,) = (one for one in records if isinstance(one, Stage))
    assert stage.id == c.job_stage_id(c.cycle_id("", f"churn@{RUN_ID}"), "airflow", f"churn/{RUN_ID}/extract_data", 1)
    assert (stage.kind, stage.launch, stage.attempt) == ("data", "scheduler", 1)
    assert (stage.origin.model, stage.origin.version, stage.origin.trigger) == ("churn", RUN_ID, None)


def test_each_try_and_each_instance_of_a_mapped_task_has_an_id_of_its_own() -> None:
    records, _ = found(TRIES[1:4])
    cycle = c.cycle_id("", f"churn@{RUN_ID}")
    assert [one.id for one in records if isinstance(one, Stage)] == [
        c.job_stage_id(cycle, "airflow", f"churn/{RUN_ID}/train", 1),
        c.job_stage_id(cycle, "airflow", f"churn/{RUN_ID}/train", 2),
        c.job_stage_id(cycle, "airflow", f"churn/{RUN_ID}/evaluate/1", 1),
    ]


def test_a_question_is_a_wait_of_its_task_which_is_no_wait_for_a_worker() -> None:
    records, _ = found(TRIES[4:], QUESTION)
    assert told(records) == [("human", 121, 149), ("approve", 120, 151, "ok")]


@pytest.mark.parametrize(("key", "version"), [("churn@7", "7"), ("issue-41", None)])
def test_the_conf_of_a_run_names_its_cycle(key: str, version: str | None) -> None:
    records, _ = found(TRIES[:1], conf={"cycletrace_cycle": key}, run_type="scheduled")
    origin = records[0].origin
    assert (origin.key, origin.model, origin.version, origin.trigger) == (key, "churn", version, "schedule")


@pytest.mark.parametrize("state", ["skipped", "upstream_failed", "removed", "scheduled", "queued", None])
def test_a_task_that_did_not_run_is_no_record(state: str | None) -> None:
    assert found([attempt("train", "08:00", "08:00", "08:00", state=state)]) == ([], [])


@pytest.mark.parametrize("state", sorted(airflow.UNDER_WAY))
def test_a_try_that_is_under_way_is_an_open_stage(state: str) -> None:
    records, _ = found([attempt("train", "08:00", "08:05", "08:10", state=state)])
    assert told(records) == [("compute", 0, 5), ("train", 5, None, None)]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"end_date": None, "state": "failed"}, "it is failed, and end_date is missing"),
        ({"task_id": ""}, "task_id is missing"),
        ({"try_number": 0}, "try_number must be a number from 1, got 0"),
        ({"start_date": "soon"}, "start_date"),
    ],
)
def test_a_bad_try_is_a_problem_and_the_others_are_taken(wrong: Json, reason: str) -> None:
    records, (problem,) = found([{**TRIES[1], **wrong}, TRIES[0]])
    assert [one.name for one in records if isinstance(one, Stage)] == ["extract_data"]
    assert problem.where.startswith(f"DAG run churn/{RUN_ID}, task ")
    assert problem.reason.startswith(reason)


@pytest.mark.parametrize("value", [None, True, 7, 1.5, "x", [], ["x"], {}, {"id": {}, "created_at": 7}])
def test_answers_that_hold_anything_raise_nothing(value: Any) -> None:
    """What cannot be used is a problem."""
    run, tries, question = dag_run(), [dict(one) for one in TRIES], dict(QUESTION)
    for whole in (run, *tries, question):
        for field in list(whole):
            before, whole[field] = whole[field], value
            airflow.version_of(run)
            list(airflow.read_run(run, tries, airflow.questions_by_try([question]), CHOICES))
            whole[field] = before


@contextmanager
def serving(runs: list[Json], latest: list[Json], all_tries: dict[str, list[Json]]) -> Iterator[Server]:
    """Serve runs as Airflow's API does, one on a page, each with the same tasks."""

    def answer(_: Server, path: str, query: dict[str, str]) -> Answer:
        parts = path.removeprefix("/api/v2/").split("/")
        if parts[-1] == "dagRuns":
            start = int(query["offset"])
            return _page("dag_runs", runs[start : start + 1], len(runs))
        if parts[-1] == "hitlDetails":
            return _page("hitl_details", [QUESTION], 1)
        if parts[-1] == "taskInstances":
            return _page("task_instances", latest, len(latest))
        if parts[-1] == "tries":
            return _page("task_instances", all_tries[parts[-2]], len(all_tries[parts[-2]]))
        return Answer(404, b"{}")

    with answering(answer) as server:
        yield server


def _page(field: str, members: list[Json], total: int) -> Answer:
    return Answer(200, json.dumps({field: members, "total_entries": total}).encode())


def test_the_api_is_read_to_its_end_and_only_once(shell: Shell) -> None:
    runs = [dag_run(), dag_run("manual__2", end_date=at("13:00"))]
    latest = [one for one in TRIES if one["task_id"] != "train" or one["try_number"] == 2]
    with serving(runs, latest, {"train": TRIES[1:3]}) as server:
        command = ("import", "airflow", server.base, "--dag", "churn")
        done = shell.run(*command, AIRFLOW_CLI_TOKEN=SECRET)
        assert (done.code, done.err) == (0, "")
        assert {headers["Authorization"] for _, headers in server.asked} == {f"Bearer {SECRET}"}
        cycles = {cycle["key"]: cycle for cycle in shell.facts()}
        assert cycles.keys() == {f"churn@{RUN_ID}", "churn@manual__2"}
        for cycle in cycles.values():
            assert [(run["name"], run["attempt"], run["outcome"]) for run in cycle["stages"]] == [
                ("extract_data", 1, "ok"),
                ("train", 1, "error"),
                ("train", 2, "ok"),
                ("evaluate", 1, "ok"),
                ("approve", 1, "ok"),
            ]
        server.asked.clear()
        assert "Recorded nothing" in shell.run(*command, AIRFLOW_CLI_TOKEN=SECRET).out
        assert {path for path, _ in server.asked} == {"/api/v2/dags/churn/dagRuns"}


def test_errors_say_what_to_do(shell: Shell) -> None:
    with serving([dag_run()], [], {}) as server:
        command = ("import", "airflow", server.base, "--dag", "churn")
        server.instead["/dagRuns"] = [Answer(401), Answer(200, b'{"runs": []}')]
        refused = shell.run(*command, AIRFLOW_CLI_TOKEN=SECRET)
        assert refused.code != 0
        assert "Set AIRFLOW_CLI_TOKEN to a valid token" in refused.err
        assert SECRET not in refused.err
        assert "Check the URL." in shell.run(*command).err
    assert "the URL must be one such as http://localhost:8080" in shell.run("import", "airflow", "x", "--dag", "y").err
