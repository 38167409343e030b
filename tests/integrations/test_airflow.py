"""Airflow with its scheduler, its API server and SQLite, which finds the plugin by itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from tests.cli.commands import Result, Shell
from tests.integrations.airflow_home import Airflow, running, until
from tests.journals import read_facts

from cycletrace.conventions import job_stage_id

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(900)]

DAGS = """
import datetime, os, signal, subprocess, sys
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowSkipException

@dag(schedule=None)
def churn():
    @task
    def extract_data():
        import cycletrace
        with cycletrace.stage("download"): pass
        subprocess.run([sys.executable, "-c", "import cycletrace\\nwith cycletrace.stage('unpack'): pass"], check=True)

    @task(retries=1, retry_delay=0)
    def train_model(ti=None):
        if ti.try_number == 1:
            raise RuntimeError("the first try")

    @task
    def evaluate(fold): pass

    @task
    def skip():
        raise AirflowSkipException

    @task
    def killed():
        os.kill(os.getpid(), signal.SIGKILL)

    approve = ApprovalOperator(task_id="approve", subject="Use it?")
    extract_data() >> train_model() >> [skip(), evaluate.expand(fold=[1, 2]), killed(), approve]

@dag(schedule="@once", start_date=datetime.datetime(2026, 1, 1))
def nightly():
    @task
    def train(): pass
    train()

churn()
nightly()
"""
RUN = "manual__2026-11-27T07:00:00+00:00"
PARKED = (
    "Received executor event with state success for task instance TaskInstanceKey(dag_id='churn', task_id='approve'"
)
SCHEDULED = "scheduled__2026-01-01T00:00:00+00:00"


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """One that has run these DAGs, with a person who answered."""
    folder = tmp_path_factory.mktemp("recorded")
    with running(folder, DAGS, CYCLETRACE_DIR=str(folder / "state")) as one:
        one.run("churn", RUN, cycletrace_cycle="churn@7")
        question = f"dags/churn/dagRuns/{RUN}/taskInstances/approve/-1/hitlDetails"
        until(lambda: PARKED in one.logs)  # Airflow takes an earlier answer for a second run, which it fails
        assert one.ask("PATCH", question, {"chosen_options": ["Approve"], "params_input": {}})
        one.await_run("churn", RUN)
        one.await_run("nightly", SCHEDULED)
        until(lambda: {"churn@7", f"nightly@{SCHEDULED}"} <= {cycle["key"] for cycle in _facts(one) if cycle["waits"]})
        yield one


def _facts(airflow: Airflow) -> list[dict[str, Any]]:
    return read_facts(airflow.home.parent / "state")


def _of_churn(airflow: Airflow) -> dict[str, Any]:
    (facts,) = [cycle for cycle in _facts(airflow) if cycle["key"] == "churn@7"]
    return facts


def test_each_try_of_a_task_is_a_stage_and_a_skipped_one_is_not(airflow: Airflow) -> None:
    facts = _of_churn(airflow)
    stages = sorted((run["name"], run["kind"], run["attempt"], run["outcome"]) for run in facts["stages"])
    assert stages == [
        ("approve", "approve", 1, "ok"),
        ("download", "other", 1, "ok"),
        ("evaluate", "evaluate", 1, "ok"),
        ("evaluate", "evaluate", 1, "ok"),
        ("extract_data", "data", 1, "ok"),
        ("killed", "other", 1, "error"),
        ("train_model", "train", 1, "error"),
        ("train_model", "train", 2, "ok"),
        ("unpack", "other", 1, "ok"),
    ]
    assert {run["launch"] for run in facts["stages"]} == {"scheduler"}


def test_ids_follow_from_what_airflow_numbers(airflow: Airflow) -> None:
    facts = _of_churn(airflow)
    ids = {run["id"] for run in facts["stages"]}
    for task, attempt in (("train_model", 1), ("train_model", 2), ("evaluate/0", 1), ("evaluate/1", 1), ("killed", 1)):
        assert job_stage_id(facts["cycle_id"], "airflow", f"churn/{RUN}/{task}", attempt) in ids


def test_stages_of_the_code_and_of_programs_it_starts_are_parts_of_the_task(airflow: Airflow) -> None:
    stages = {run["name"]: run for run in _of_churn(airflow)["stages"]}
    assert {stages["download"]["parent"], stages["unpack"]["parent"]} == {stages["extract_data"]["id"]}
    assert stages["extract_data"]["parent"] is None


def test_waits_are_those_of_airflow(airflow: Airflow) -> None:
    facts = _of_churn(airflow)
    reasons = [wait["reason"] for wait in facts["waits"]]
    assert {*reasons} == {"schedule", "compute", "human"}
    assert reasons.count("compute") == 6, "all but the approval, which ran again after it began, and what was skipped"
    stages = {run["id"]: run["name"] for run in facts["stages"]}
    (human,) = [wait for wait in facts["waits"] if wait["reason"] == "human"]
    assert stages[human["stage"]] == "approve"


def test_a_scheduled_run_without_a_key_is_a_cycle_of_its_own(airflow: Airflow) -> None:
    (facts,) = [cycle for cycle in _facts(airflow) if cycle["key"] != "churn@7"]
    assert (facts["key"], facts["model"], facts["trigger"]) == (f"nightly@{SCHEDULED}", "nightly", "schedule")
    assert [(run["name"], run["outcome"]) for run in facts["stages"]] == [("train", "ok")]


def _import(shell: Shell, airflow: Airflow) -> Result:
    return shell.run("import", "airflow", airflow.base, "--dag", "~", AIRFLOW_CLI_TOKEN=airflow.token)


def test_importing_what_was_seen_live_changes_nothing(airflow: Airflow, tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shutil.copytree(airflow.home.parent / "state", shell.state)
    at = ("--at", datetime.now(timezone.utc).isoformat())
    before = shell.facts(*at)
    done = _import(shell, airflow)
    assert (done.code, done.err) == (0, "")
    assert shell.facts(*at) == before


def test_an_import_alone_knows_the_same_but_for_what_ran_inside(airflow: Airflow, tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    done = _import(shell, airflow)
    assert (done.code, done.err) == (0, "")
    live, imported = ({cycle["key"]: cycle for cycle in found} for found in (_facts(airflow), shell.facts()))
    assert live.keys() == imported.keys()
    for key, cycle in live.items():
        of_tasks = [run for run in cycle["stages"] if run["parent"] is None]
        said = ("id", "name", "kind", "attempt", "outcome", "end", "launch")
        assert _told(imported[key]["stages"], said) == _told(of_tasks, said)
        assert _told(imported[key]["waits"], ("reason", "start", "end", "stage")) == _told(
            cycle["waits"], ("reason", "start", "end", "stage")
        )
    assert "Recorded nothing" in _import(shell, airflow).out


def _told(found: list[dict[str, Any]], names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return sorted((tuple(one[name] for name in names) for one in found), key=str)


def test_nothing_fails(airflow: Airflow) -> None:
    assert "error calling listener" not in airflow.logs
    assert "was not recorded" not in airflow.logs
    assert "Failed to import plugin" not in airflow.logs


def test_without_a_place_for_records_there_are_none(tmp_path: Path) -> None:
    with running(tmp_path, DAGS, XDG_STATE_HOME=str(tmp_path / "xdg")) as airflow:
        airflow.await_run("nightly", SCHEDULED)
        assert not (tmp_path / "xdg").exists()
        assert "cycletrace" not in airflow.logs
