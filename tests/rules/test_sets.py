"""The sets of rules that come with cycletrace, against spans with the attributes that their senders document."""

from __future__ import annotations

import pytest
from tests.rules.payloads import (
    MINUTE,
    PIPELINE,
    REVISION,
    START,
    airflow,
    circleci,
    github,
    request,
    span,
    task,
)

from cycletrace._internal.collector.reading import read
from cycletrace._internal.flow import Record, Stage, Wait
from cycletrace._internal.otlp.signals import TRACES, Encoding, Request
from cycletrace._internal.rules import load
from cycletrace._internal.rules.rule_file import set_names


def records(set_name: str, body: bytes) -> list[Record]:
    extracted = read(Request(TRACES, Encoding.JSON, body), load(set_name))
    assert extracted.invalid == []
    return extracted.records


def stage(set_name: str, body: bytes) -> Stage:
    (record,) = records(set_name, body)
    assert isinstance(record, Stage)
    return record


def test_every_set_is_valid() -> None:
    assert set_names() == ["airflow", "cicd"]
    assert all(load(name) for name in set_names())


@pytest.mark.parametrize(
    ("result", "status", "outcome"),
    [
        ("success", 1, "ok"),
        ("failure", 2, "error"),
        ("error", 0, "error"),
        ("timeout", 2, "timeout"),
        ("cancellation", 0, "cancelled"),
        ("a word of its own", 2, "error"),
        ("a word of its own", 0, "ok"),
    ],
)
def test_a_task_of_the_semantic_conventions_is_a_stage(result: str, status: int, outcome: str) -> None:
    made = stage("cicd", request(task("train model", result, status=status), resource=PIPELINE))
    assert made.origin.key == f"churn@{REVISION}"
    assert (made.origin.model, made.origin.version, made.origin.namespace) == ("churn", REVISION, None)
    assert (made.name, made.kind, made.launch, made.actor) == ("train model", "train", "ci", "automation")
    assert (made.start, made.end, made.outcome) == (START, START + 10 * MINUTE, outcome)


@pytest.mark.parametrize("result", ["skip", "skipped"])
def test_a_task_that_was_skipped_becomes_nothing(result: str) -> None:
    assert records("cicd", request(task("deploy", result), resource=PIPELINE)) == []


def test_a_task_in_a_task_runs_in_it() -> None:
    inner, outer = records(
        "cicd", request(task("step", "success", 2, parent=1), task("job", "success", 1, parent=9), resource=PIPELINE)
    )
    assert isinstance(inner, Stage)
    assert isinstance(outer, Stage)
    assert inner.parent == outer.id


def test_a_run_of_a_pipeline_becomes_nothing_since_its_tasks_do() -> None:
    run = span("RUN Build and Test", {"cicd.pipeline.result": "success", "cicd.pipeline.action.name": "RUN"})
    assert records("cicd", request(run, resource=PIPELINE)) == []


def test_jobs_of_circleci_are_stages_and_approvals_are_waits_for_people() -> None:
    build, hold = records(
        "cicd", request(circleci("build", "test", 1, end=5), circleci("approval", "hold", 2, start=5, end=65))
    )
    assert isinstance(build, Stage)
    assert (build.name, build.kind, build.outcome) == ("test", "test", "ok")
    assert isinstance(hold, Wait)
    assert (hold.reason, hold.stage, hold.end) == ("human", None, START + 65 * MINUTE)
    assert build.origin == hold.origin


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ({"cicd.pipeline.run.task.status": "success"}, "ok"),
        ({"cicd.pipeline.run.task.status": "failure"}, "error"),
        ({"cicd.pipeline.run.task.status": "cancellation"}, "cancelled"),
        ({"cicd.pipeline.run.status": "timed_out"}, "timeout"),
    ],
)
def test_a_job_of_github_actions_is_a_stage_with_its_queue_and_without_its_steps(
    status: dict[str, object], outcome: str
) -> None:
    resource = github("deploy", status)
    job = span("deploy", {}, 1, parent=9)
    queue = span("queue-deploy", {"cicd.pipeline.run.queue.duration": 6e10}, 2, parent=1, end=1)
    named = {"cicd.pipeline.task.name": "Set up job", "cicd.pipeline.run.task.status": "success"}
    step = span("Set up job", named, 3, parent=1, start=1, end=2)
    made, wait = records("cicd", request(job, queue, step, resource=resource))
    assert isinstance(made, Stage)
    assert (made.name, made.kind, made.launch, made.outcome) == ("deploy", "deploy", "ci", outcome)
    assert made.origin.key == f"churn@{REVISION}"
    assert isinstance(wait, Wait)
    assert (wait.reason, wait.start, wait.end) == ("compute", START, START + MINUTE)
    assert wait.stage == made.id


@pytest.mark.parametrize(("result", "outcome"), [("SUCCESS", "ok"), ("UNSTABLE", "error"), ("ABORTED", "cancelled")])
def test_a_build_of_jenkins_is_a_stage_of_a_cycle_of_its_own(result: str, outcome: str) -> None:
    root = {"ci.pipeline.id": "churn/deploy", "ci.pipeline.run.number": 12, "ci.pipeline.run.result": result}
    steps = span("Stage: test", {"jenkins.pipeline.step.type": "stage", "jenkins.pipeline.step.name": "test"}, 2)
    made = stage("cicd", request(span("BUILD churn/deploy", root), steps, resource={"service.name": "jenkins"}))
    assert (made.origin.key, made.name, made.kind, made.outcome) == (
        "churn/deploy@12",
        "churn/deploy",
        "deploy",
        outcome,
    )


@pytest.mark.parametrize(
    ("state", "outcome"), [("success", "ok"), ("failed", "error"), ("up_for_retry", "error"), ("skipped", None)]
)
def test_a_try_of_a_task_of_airflow_is_a_stage(state: str, outcome: str | None) -> None:
    worker = span("worker.train_model", {"airflow.dag_id": "churn", "airflow.task_id": "train_model"}, 2, parent=1)
    run = span("dag_run.churn", {"airflow.dag_id": "churn", "airflow.dag_run.run_id": "scheduled__1"}, 3)
    made = records("airflow", request(airflow("train_model", state, tries=2), worker, run))
    assert [record.outcome for record in made if isinstance(record, Stage)] == ([] if outcome is None else [outcome])
    for record in made:
        assert isinstance(record, Stage)
        assert record.origin.key == "churn@scheduled__2026-01-05T08:00:00+00:00"
        assert (record.name, record.kind, record.launch, record.attempt) == ("train_model", "train", "scheduler", 2)


def test_tries_of_a_task_of_airflow_are_stages_of_their_own_although_they_share_a_span_id() -> None:
    tries = records("airflow", request(airflow("test", "up_for_retry", tries=1), airflow("test", "success", tries=2)))
    assert [(one.attempt, one.outcome) for one in tries if isinstance(one, Stage)] == [(1, "error"), (2, "ok")]
    assert len({one.id for one in tries if isinstance(one, Stage)}) == 2
