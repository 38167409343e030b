"""What ``cycletrace import mlflow`` makes of runs and versions, without MLflow."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.cli.commands import Shell
from tests.importers.told import EIGHT, MINUTE, minutes, parted, told

from cycletrace import conventions as c
from cycletrace._internal.flow import Alias, Mark, Record, Stage
from cycletrace._internal.importers import mlflow, mlflow_client
from cycletrace._internal.importers.found import Problem, SourceError
from cycletrace._internal.importers.jobs import Choices
from cycletrace._internal.importers.mlflow import Run, Version

CHOICES = Choices("", EIGHT + 86_400 * 10**9, mlflow.KEY)
BY_VERSION = CHOICES._replace(key="{model}@{version}")
TAG = '{"key":"churn@7","model":"churn","version":"7","namespace":"ads"}'


def at(clock: float) -> int:
    """Milliseconds since the epoch, some minutes after 8:00."""
    return (EIGHT + round(clock * MINUTE)) // 10**6


def run(start: float | None, end: float | None, status: str = "FINISHED", **fields: Any) -> Run:
    times = (None if start is None else at(start), None if end is None else at(end))
    given = {"id": "r1", "name": "train", "experiment": "churn", **fields}
    return Run(**given, status=status, start=times[0], end=times[1])


def read(
    one: Run, *versions: Version, around: tuple[Run, ...] = (), choices: Choices = CHOICES
) -> tuple[list[Record], list[Problem]]:
    return parted(mlflow.read_run(one, around, versions, min(versions, default=None), choices))


def stage_of(one: Run, *around: Run, choices: Choices = CHOICES) -> Stage:
    (stage,) = (record for record in read(one, around=around, choices=choices)[0] if isinstance(record, Stage))
    return stage


@pytest.mark.parametrize(("status", "outcome"), [("FINISHED", "ok"), ("FAILED", "error"), ("KILLED", "cancelled")])
def test_the_outcome_is_the_status(status: str, outcome: str) -> None:
    assert told(read(run(0, 20, status))[0]) == [("train", 0, 20, outcome)]


def test_a_run_is_a_cycle_with_a_key_by_its_id() -> None:
    records, problems = read(run(0, 20))
    assert problems == []
    alias, stage = records
    assert isinstance(alias, Alias)
    assert isinstance(stage, Stage)
    assert (alias.key, minutes(alias.at)) == ("mlflow:r1", 0)
    assert stage.origin == alias.origin
    assert (stage.origin.key, stage.origin.model, stage.origin.version) == ("churn@r1", "churn", "r1")
    assert stage.id == c.job_stage_id(stage.origin.cycle_id, "mlflow", "r1", 1)


def test_a_run_that_is_open_is_a_stage_that_is_open_and_one_that_is_scheduled_is_nothing() -> None:
    assert told(read(run(0, None, "RUNNING"))[0]) == [("train", 0, None, None)]
    assert read(run(0, None, "SCHEDULED")) == ([], [])


@pytest.mark.parametrize(
    ("name", "stage", "kind"),
    [
        ("Evaluate on June", "Evaluate on June", "evaluate"),
        ("fit 12 trees", "fit 12 trees", "train"),
        ("bold-fox-123", "churn", "train"),
        ("train-churn-12", "train-churn-12", "train"),
        ("", "churn", "train"),
    ],
)
def test_a_stage_is_named_by_the_run_or_else_the_experiment_and_trains_unless_it_says_otherwise(
    name: str, stage: str, kind: str
) -> None:
    found = stage_of(run(0, 20, name=name))
    assert (found.name, found.kind) == (stage, kind)


def test_a_kind_can_be_chosen_by_name() -> None:
    assert (
        stage_of(run(0, 20, name="score"), choices=CHOICES._replace(kinds=(("sco*", "evaluate"),))).kind == "evaluate"
    )


def test_nested_runs_belong_to_the_outermost_and_name_the_stage_around_them() -> None:
    outermost = run(0, 60, id="top", experiment="churn")
    middle = run(10, 50, id="mid", experiment="trials", parent="top")
    found = stage_of(run(20, 30, id="low", experiment="trials", parent="mid"), middle, outermost)
    assert (found.origin.key, found.attempt) == ("churn@top", 1)
    assert found.parent == stage_of(middle, outermost).id


def test_a_version_is_a_key_and_was_selected_when_it_was_registered() -> None:
    records, _ = read(run(0, 20), Version(at(50), "churn", "3"))
    assert [(one.key, minutes(one.at)) for one in records if isinstance(one, Alias)] == [
        ("mlflow:r1", 0),
        ("mlflow:churn/3", 50),
    ]
    assert [(one.name, minutes(one.at)) for one in records if isinstance(one, Mark)] == [("selected", 50)]


def test_what_is_registered_within_a_run_was_selected_when_the_run_ended() -> None:
    version = Version(at(15), "churn", "3")
    marks = [one.at for one in read(run(0, 20), version)[0] if isinstance(one, Mark)]
    assert list(map(minutes, marks)) == [20]
    assert not any(isinstance(one, Mark) for one in read(run(0, None, "RUNNING"), version)[0])


def test_what_is_registered_within_a_search_was_selected_when_all_of_it_ended() -> None:
    version = Version(at(15), "churn", "3")
    search = run(0, 60, id="top")
    marks = [one.at for one in read(run(0, 20, parent="top"), version, around=(search,))[0] if isinstance(one, Mark)]
    assert list(map(minutes, marks)) == [60]
    open_search = search._replace(end=None, status="RUNNING")
    found, _ = read(run(0, 20, parent="top"), version, around=(open_search,))
    assert not any(isinstance(one, Mark) for one in found)


def test_what_was_recorded_live_only_gets_its_keys() -> None:
    version = Version(at(50), "churn", "3")
    for records, _ in (
        read(run(0, 20, cycle=TAG), version),
        read(run(0, 20), version, around=(run(0, 30, cycle=TAG),)),
    ):
        assert [(type(one), one.origin.key, one.origin.namespace) for one in records] == [(Alias, "churn@7", "ads")] * 2
        assert {one.origin.cycle_id for one in records} == {c.cycle_id("ads", "churn@7")}


def test_what_carries_a_cycle_becomes_a_stage_of_it_if_nothing_else_recorded_it() -> None:
    records, _ = read(run(0, 20, cycle=TAG), Version(at(50), "churn", "3"), choices=CHOICES._replace(tagged=True))
    assert told(records) == [("train", 0, 20, "ok")]
    assert {one.origin.key for one in records} == {"churn@7"}
    assert not any(isinstance(one, Mark) for one in records)


def test_a_key_can_be_made_of_the_registered_version_and_runs_without_one_are_left_out() -> None:
    records, _ = read(run(0, 20, experiment="Default"), Version(at(50), "churn", "3"), choices=BY_VERSION)
    assert {(one.origin.key, one.origin.model, one.origin.version) for one in records} == {("churn@3", "churn", "3")}
    assert read(run(0, 20), choices=BY_VERSION) == ([], [])
    assert len(read(run(0, 20, cycle=TAG), choices=BY_VERSION)[0]) == 1


def test_a_notebook_or_a_job_is_what_launched_a_run() -> None:
    sources = ("NOTEBOOK", "JOB", "LOCAL", None)
    launches = [stage_of(run(0, 20, source=source)).launch for source in sources]
    assert launches == ["notebook", "scheduler", "other", "other"]


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (run(20, 19), "it ended 60.000 s before it started: these clocks differ"),
        (run(None, 20), "start_time is missing"),
        (run(0, None), "end_time is missing"),
        (run(0, 20, "ODD"), "status must be one of FINISHED, .*, got 'ODD'"),
        (run(0, 20, cycle="{}"), "its tag names no cycle: a JSON object must have a key"),
        (run(0, 20, cycle="{torn"), "its tag names no cycle: "),
        (run(-60_000_000, 20), "start_time must be a time from 2000 until 2100, got '.* ms'"),
    ],
)
def test_what_cannot_be_used_is_a_problem(one: Run, reason: str) -> None:
    records, (problem,) = read(one)
    assert records == []
    assert problem.where == "run r1"
    assert re.match(reason, problem.reason)


class RefusalError(Exception):
    """An error as MLflow's client raises it."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.get_http_status_code = lambda: status


class Page(list[Any]):
    token: str | None = None


def client(search_runs: Callable[..., Any]) -> Any:
    """A client of a store with one experiment."""
    experiments = Page([SimpleNamespace(experiment_id="1", name="churn")])
    return SimpleNamespace(
        search_experiments=lambda **_: experiments, search_model_versions=lambda **_: Page(), search_runs=search_runs
    )


def found_run(number: str) -> Any:
    info = {"run_id": number, "run_name": "fit", "experiment_id": "1", "status": "FINISHED"}
    times = {"start_time": at(0), "end_time": at(9)}
    return SimpleNamespace(info=SimpleNamespace(**info, **times), data=SimpleNamespace(tags={}))


def test_what_was_read_before_an_error_is_kept() -> None:
    def search(page_token: str | None, **_: Any) -> Page:
        if page_token:
            raise RefusalError("API request to http://ann:s3cret@ml/api failed with error code 429.\nmore", 429)
        page = Page([found_run("r1")])
        page.token = "next"
        return page

    found = mlflow_client.read(client(search), (), CHOICES)
    assert told(parted([next(found)])[0]) == [("fit", 0, 9, "ok")]
    with pytest.raises(SourceError) as caught:
        next(found)
    assert str(caught.value) == (
        "MLflow reports: API request to http://ml/api failed with error code 429. "
        "Import again later: what was read is kept."
    )


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (RefusalError("no", 400), "pip install mlflow"),
        (RefusalError("no", 401), "Set MLFLOW_TRACKING_USERNAME"),
        (RefusalError("no", 403), "It must be possible to read experiments"),
        (RefusalError("no", 404), "Check the tracking URI."),
        (RefusalError("no", 500), "Import again later: what was read is kept."),
        (OSError("disk"), "Import again later: what was read is kept."),
        (ModuleNotFoundError("No module", name="psycopg2"), "Install it: pip install psycopg2"),
    ],
)
def test_an_error_is_a_sentence_with_what_to_do(error: Exception, advice: str) -> None:
    def search(**_: Any) -> Page:
        raise error

    with pytest.raises(SourceError, match=re.escape(advice)):
        list(mlflow_client.read(client(search), (), CHOICES))


def test_an_experiment_that_does_not_exist_is_named() -> None:
    with pytest.raises(SourceError, match=r"there is no experiment 'chrn'\. Among those there are: churn\."):
        list(mlflow_client.read(client(lambda **_: Page()), ("chrn",), CHOICES))


def test_it_says_what_to_name_or_to_install(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    assert "name a tracking URI" in shell.run("import", "mlflow").err
    missing = shell.run("import", "mlflow", "sqlite:///no.db")
    assert (missing.code, missing.out) == (2, "")
    assert missing.err.startswith("cycletrace: no.db does not exist. Name a tracking server")
    (tmp_path / "own.db").touch()
    assert "If it is a database of SQLite, write sqlite:///own.db" in shell.run("import", "mlflow", "own.db").err
    (tmp_path / "mlflow.py").write_text("raise ImportError('no MLflow here')", encoding="utf-8")
    without = shell.run("import", "mlflow", "http://127.0.0.1:9", PYTHONPATH=str(tmp_path))
    assert "MLflow is not installed in this environment. Install it: pip install mlflow" in without.err
    assert not (tmp_path / "no.db").exists()
