"""``cycletrace import gitlab``, from saved answers and from a real server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.cli.commands import Result, Shell
from tests.importers.histories import Answer, Json, Server, answering
from tests.importers.told import EIGHT, MINUTE, minutes, parted, told

from cycletrace import conventions as c
from cycletrace._internal.flow import Mark, Record, Stage
from cycletrace._internal.importers import gitlab
from cycletrace._internal.importers.found import Problem
from cycletrace._internal.importers.jobs import Choices

PROJECT = "octo/ml/churn"
ROOT = "/projects/octo%2Fml%2Fchurn"
SECRET = "glpat-s3cret"
CHOICES = Choices("", EIGHT + 86_400 * 10**9, gitlab.KEY)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def at(clock: str) -> str:
    return f"2026-02-02T{clock}:00.000Z"


def pipeline(number: int, created: str, **fields: Any) -> Json:
    url = f"https://gitlab.com/{PROJECT}/-/pipelines/{number}"
    whole = {"id": number, "iid": number - 100, "sha": "3f1c", "ref": "main", "status": "success", "source": "push"}
    return {**whole, "created_at": created, "updated_at": created, "web_url": url, **fields}


def job(
    of: int, number: int, name: str, started: str | None, finished: str | None, queued: float, **fields: Any
) -> Json:
    return {
        "id": number,
        "name": name,
        "stage": name,
        "status": "success" if finished else "running",
        "created_at": at("08:05"),
        "started_at": started,
        "finished_at": finished,
        "queued_duration": queued,
        "commit": {"created_at": "2026-02-02T09:00:00.000+01:00"},
        "pipeline": {"id": of},
        **fields,
    }


def deployment(job_id: int, environment: str, *approved: str) -> Json:
    approvals = [{"status": "approved", "created_at": when} for when in approved]
    whole = {"id": job_id, "created_at": at("08:05"), "updated_at": at("12:00"), "environment": {"name": environment}}
    return {**whole, "deployable": {"id": job_id, "name": "deploy"}, "approvals": approvals}


PIPELINES = [
    pipeline(102, at("13:00"), status="running", source="schedule"),
    pipeline(101, at("08:05")),
]
JOBS = [
    job(101, 1, "train", at("08:15"), at("09:15"), 600.0),
    job(101, 2, "test", at("09:20"), at("09:40"), 300.0, status="failed"),
    job(101, 3, "test", at("10:02"), at("10:22"), 120.0),
    job(101, 4, "deploy", at("11:25"), at("11:35"), 180.0),
    job(101, 5, "docs", None, None, 0.0, status="skipped"),
    job(101, 6, "cleanup", None, None, 0.0, status="manual"),
    job(102, 7, "train", at("13:10"), None, 60.0, created_at=at("13:00")),
    job(102, 8, "deploy", None, None, 0.0, status="created"),
]
DEPLOYMENTS = [deployment(4, "production", at("11:22"))]


def found(
    jobs: list[Json], deployments: list[Json] | None = None, of: Json | None = None, choices: Choices = CHOICES
) -> tuple[list[Record], list[Problem]]:
    whole = pipeline(101, at("08:05"), source="web") if of is None else of
    return parted(gitlab.read_pipeline(whole, jobs, gitlab.deployments_by_job(deployments or ()), choices))


def test_a_job_is_a_stage_and_its_queue_a_wait() -> None:
    records, problems = found(JOBS[:1])
    assert (told(records), problems) == ([("compute", 5, 15), ("train", 15, 75, "ok")], [])
    (stage,) = (one for one in records if isinstance(one, Stage))
    assert stage.id == c.job_stage_id(c.cycle_id("", "churn@101"), "gitlab", "1", 1)
    assert (stage.launch, stage.origin.model, stage.origin.version) == ("ci", "churn", "101")


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"status": "failed"}, "error"),
        ({"status": "failed", "failure_reason": "job_execution_timeout"}, "timeout"),
        ({"status": "canceled"}, "cancelled"),
        ({"status": "failed", "allow_failure": True}, "error"),
    ],
)
def test_the_outcome_is_the_status(fields: Json, outcome: str) -> None:
    records, _ = found([job(101, 1, "train", at("08:00"), at("08:10"), 0.0, **fields)])
    assert told(records) == [("train", 0, 10, outcome)]


@pytest.mark.parametrize("status", ["skipped", "created", "manual", "scheduled", "pending", "canceled"])
def test_a_job_that_did_not_start_is_no_record(status: str) -> None:
    assert found([job(101, 1, "train", None, None, 0.0, status=status)]) == ([], [])


@pytest.mark.parametrize("queued", [-5.0, 0, None, "x"])
def test_a_queue_time_is_never_negative(queued: Any) -> None:
    assert told(found([job(101, 1, "train", at("08:15"), at("09:15"), queued)])[0]) == [("train", 15, 75, "ok")]


def test_an_approval_is_a_wait_that_begins_when_the_jobs_before_have_ended() -> None:
    records, _ = found(JOBS[:4], DEPLOYMENTS)
    assert told(records)[-3:] == [("human", 142, 202), ("compute", 202, 205), ("deploy", 205, 215, "ok")]
    (deploy,) = (one for one in records if isinstance(one, Stage) and one.name == "deploy")
    assert deploy.environment == "production"
    first, _ = found([JOBS[3]], DEPLOYMENTS)
    assert told(first)[0] == ("human", 5, 202)


def test_jobs_that_are_said_to_be_manual_waited_for_a_person() -> None:
    records, _ = found(JOBS[:4], choices=CHOICES._replace(manual=("dep*",)))
    assert told(records)[-3:] == [("human", 142, 202), ("compute", 202, 205), ("deploy", 205, 215, "ok")]
    assert ("human", 142, 202) not in told(found(JOBS[:4])[0])


def test_a_cycle_begins_with_the_commit_that_caused_it_and_not_with_a_schedule() -> None:
    for source, expected, trigger in (("push", [0], None), ("schedule", [], "schedule"), ("web", [], None)):
        records, _ = found(JOBS[:1], of=pipeline(101, at("08:05"), source=source))
        assert [minutes(one.at) for one in records if isinstance(one, Mark)] == expected
        assert records[0].origin.trigger == trigger


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"name": None}, "name is missing"),
        ({"finished_at": None}, "it is success, and finished_at is missing"),
        ({"started_at": "now"}, "started_at must be a time"),
    ],
)
def test_a_bad_job_is_a_problem_and_the_others_are_taken(wrong: Json, reason: str) -> None:
    records, (problem,) = found([{**JOBS[0], "status": "success", **wrong}, JOBS[2]])
    assert [one.name for one in records if isinstance(one, Stage)] == ["test"]
    assert problem.where == "pipeline 101, job 1"
    assert re.match(reason, problem.reason)


@contextmanager
def serving() -> Iterator[Server]:
    """The API, with two objects on a page."""

    def answer(server: Server, path: str, query: dict[str, str]) -> Answer:
        of = re.fullmatch(rf"{ROOT}/pipelines/(\d+)/jobs", path)
        whole: list[Json]
        if of is not None:
            assert query.get("include_retried", "true") == "true"
            whole = [one for one in JOBS if one["pipeline"]["id"] == int(of[1])]
        else:
            whole = {f"{ROOT}/pipelines": PIPELINES, f"{ROOT}/deployments": DEPLOYMENTS}[path]
        return server.page(path, query, whole, None, 2)

    with answering(answer) as server:
        yield server


def saved(shell: Shell, *arguments: str) -> Result:
    folder = shell.folder / "saved"
    folder.mkdir(exist_ok=True)
    for name, whole in (("pipelines", PIPELINES), ("jobs", JOBS), ("deployments", DEPLOYMENTS)):
        (folder / f"{name}.json").write_text(json.dumps(whole), encoding="utf-8")
    return shell.run("import", "gitlab", "saved", *arguments)


def facts(shell: Shell) -> list[dict[str, Any]]:
    return shell.facts("--at", "2026-03-20T00:00:00Z")


def test_the_figures_are_those_computed_by_hand(shell: Shell) -> None:
    """Committed 8:00; trained 8:15 to 9:15 after 10 min; tested 9:20 to 9:40 after 5 min, in vain; retried 10:02 to
    10:22 after 2 min; approved 11:22; deployed 11:25 to 11:35.
    """
    done = saved(shell)
    assert (done.code, done.err) == (0, "")
    whole = {one["key"]: one for one in facts(shell)}["churn@101"]
    assert (whole["outcome"], whole["cycle_time_ns"], whole["flags"]) == ("deployed", 215 * MINUTE, {})
    assert {name: length / MINUTE for name, length in whole["activity_ns"].items() if length} == {
        "work.automation": 60 + 20 + 20 + 10,
        "wait.compute": 10 + 5 + 2 + 3,
        "wait.human": 60,
        "unexplained": 5 + 20,
    }
    assert [(one["name"], one["attempt"], one["outcome"]) for one in whole["stages"]] == [
        ("train", 1, "ok"),
        ("test", 1, "error"),
        ("test", 2, "ok"),
        ("deploy", 1, "ok"),
    ]
    before = facts(shell)
    assert saved(shell).out == "Recorded nothing: 2 imported before are unchanged.\n"
    saved(shell, "--again")
    assert facts(shell) == before


def test_the_api_gives_the_same_facts_as_its_saved_answers(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Shell(tmp_path / "other")
    saved(other)
    with serving() as server:
        where = ("--project", PROJECT, "--api", server.base)
        server.instead["/pipelines/101/jobs"] = [Answer(401)]
        stopped = shell.run("import", "gitlab", *where, GITLAB_TOKEN=SECRET)
        assert (stopped.code, stopped.out) == (1, "Recorded 1 cycle: 1 stage, 1 wait.\n")
        assert "401 Unauthorized. GITLAB_TOKEN is wrong or has expired" in stopped.err
        assert SECRET not in stopped.err
        assert shell.run("import", "gitlab", *where, GITLAB_TOKEN=SECRET).code == 0
        assert facts(shell) == facts(other)
        server.asked.clear()
        assert shell.run("import", "gitlab", *where, GITLAB_TOKEN=SECRET).code == 0
        assert not any("/101/" in path for path, _ in server.asked)
        assert {headers["PRIVATE-TOKEN"] for _, headers in server.asked} == {SECRET}


@pytest.mark.parametrize("value", [None, True, 7, 1.5, "x", [], ["x"], {}, {"id": {}, "created_at": 7}])
def test_answers_that_hold_anything_raise_nothing(value: Any) -> None:
    """What cannot be used is a problem."""
    for whole in (PIPELINES, JOBS, DEPLOYMENTS):
        for one in whole:
            for field in list(one):
                before, one[field] = one[field], value
                deployments = gitlab.deployments_by_job(DEPLOYMENTS)
                for each in PIPELINES:
                    gitlab.version_of(each)
                    list(gitlab.read_pipeline(each, JOBS, deployments, CHOICES._replace(manual=("d*",))))
                one[field] = before
