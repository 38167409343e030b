"""MLflow with a tracking store and a model registry in a folder: runs, versions and aliases of a cycle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.cli.commands import Shell
from tests.integrations.journal import outcomes, run, run_auto, spans, stages
from tests.journals import read_facts

from cycletrace.conventions import ALIAS_KEY, job_stage_id

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(600)]

TRAIN = """
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
with mlflow.start_run() as run:
    mlflow.log_metric("accuracy", 0.9)
    mlflow.log_text("weights", "model/weights.txt")
client = mlflow.MlflowClient()
client.create_registered_model("churn")
version = client.create_model_version("churn", f"runs:/{run.info.run_id}/model", run.info.run_id)
print(run.info.run_id, version.version, run.data.tags.get("cycletrace.cycle"))
"""

MOVE = """
import mlflow
import cycletrace.integrations.mlflow
cycletrace.integrations.mlflow.install()
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.MlflowClient().set_registered_model_alias("churn", ALIAS, "1")
"""


AUTOLOG = """
import mlflow
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.autolog()
LogisticRegression().fit(*make_classification(200, random_state=0))
run = mlflow.last_active_run()
version = mlflow.register_model(f"runs:/{run.info.run_id}/model", "churn")
print(run.info.run_id, version.version)
"""


def aliases(folder: Path) -> set[str]:
    found = {span["attributes"].get(ALIAS_KEY) for span in spans(folder)}
    return {alias for alias in found if alias is not None}


def facts(folder: Path) -> dict[str, Any]:
    (one,) = read_facts(folder / "state")
    return one


def test_a_run_and_its_version_are_keys_of_the_cycle_and_the_alias_activates_it(tmp_path: Path) -> None:
    trained = run(TRAIN, tmp_path, CYCLETRACE_CYCLE="churn@7", CYCLETRACE_NAMESPACE="ads")
    assert trained.returncode == 0, trained.stderr
    run_id, version, tag = trained.stdout.split()
    assert '"key":"churn@7"' in tag
    assert '"namespace":"ads"' in tag
    moved = run(MOVE.replace("ALIAS", "'champion'"), tmp_path)  # weeks later, elsewhere, by somebody without the key
    assert moved.returncode == 0, moved.stderr
    assert outcomes(tmp_path) == [("activate", "activate", "ok")]
    (activated,) = stages(tmp_path)
    assert activated["attributes"]["cycletrace.activation.mechanism"] == "alias"
    found = facts(tmp_path)
    assert (found["key"], found["namespace"]) == ("churn@7", "ads")
    assert {f"mlflow:{run_id}", f"mlflow:churn/{version}"} <= aliases(tmp_path)


def test_a_program_without_a_line_of_cycletrace_is_a_cycle_from_training_to_use(tmp_path: Path) -> None:
    """What MLflow logs by itself has the keys; the training is in MLflow, from where an import takes it."""
    trained = run(AUTOLOG, tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert trained.returncode == 0, trained.stderr
    run_id, version = trained.stdout.split()
    assert {f"mlflow:{run_id}", f"mlflow:churn/{version}"} <= aliases(tmp_path)
    assert stages(tmp_path) == []
    assert run(MOVE.replace("ALIAS", "'champion'"), tmp_path).returncode == 0
    for options in ([], ["--tagged"]):
        imported = Shell(tmp_path).run("import", "mlflow", "sqlite:///mlflow.db", *options)
        assert imported.code == 0, imported.err
    assert sorted(outcomes(tmp_path)) == [("Default", "train", "ok"), ("activate", "activate", "ok")]
    found = facts(tmp_path)
    assert (found["key"], found["outcome"]) == ("churn@7", "in_use")
    trained_at, in_use_at = found["marks"]["trained"], found["marks"]["in_use"]
    assert found["marks"]["started"] < trained_at < in_use_at
    assert found["stages"][0]["id"] == job_stage_id(found["cycle_id"], "mlflow", run_id, 1)


def test_an_alias_that_is_not_that_of_production_activates_elsewhere(tmp_path: Path) -> None:
    run(TRAIN, tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert run(MOVE.replace("ALIAS", "'candidate'"), tmp_path).returncode == 0
    (activated,) = stages(tmp_path)
    assert activated["attributes"]["deployment.environment.name"] == "candidate"
    assert facts(tmp_path)["marks"]["in_use"] is None


def test_a_program_without_a_line_of_cycletrace_moves_the_alias(tmp_path: Path) -> None:
    assert run_auto(tmp_path, "-c", TRAIN).returncode == 0
    lines = [line for line in MOVE.replace("ALIAS", "'champion'").splitlines() if "cycletrace" not in line]
    moved = run_auto(tmp_path, "-c", "\n".join(lines))
    assert moved.returncode == 0, moved.stderr
    assert outcomes(tmp_path) == [("activate", "activate", "ok")]


def test_trainings_that_mlflow_logs_by_itself_are_recorded(tmp_path: Path) -> None:
    program = """
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.sklearn.autolog(log_models=False)
from sklearn.linear_model import LogisticRegression
with mlflow.start_run() as run:
    LogisticRegression().fit([[0.0], [1.0]], [0, 1])
print(mlflow.get_run(run.info.run_id).data.params["fit_intercept"])
"""
    done = run_auto(tmp_path, "-c", program)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
    assert outcomes(tmp_path) == [("train", "train", "ok")]


def test_the_requirements_of_a_logged_model_are_its_own(tmp_path: Path) -> None:
    program = """
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
from pathlib import Path
from sklearn.linear_model import LogisticRegression
with mlflow.start_run():
    model = mlflow.sklearn.log_model(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), name="m")
print((Path(mlflow.artifacts.download_artifacts(model.model_uri)) / "requirements.txt").read_text())
"""
    done = run_auto(tmp_path, "-c", program)
    assert "scikit-learn==" in done.stdout, done.stderr
    assert "cycletrace" not in done.stdout
    assert outcomes(tmp_path) == [("train", "train", "ok")]


def test_the_integration_may_be_imported_before_mlflow(tmp_path: Path) -> None:
    program = "import cycletrace.integrations.mlflow\n" + TRAIN
    trained = run(program, tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert trained.returncode == 0, trained.stderr
    assert "cycletrace" not in trained.stderr
    assert trained.stdout.split()[2] != "None", "the tag"


def test_outside_any_cycle_nothing_is_recorded_or_printed(tmp_path: Path) -> None:
    trained = run(TRAIN, tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert trained.stdout.split()[2] == "None"
    assert run(MOVE.replace("ALIAS", "'champion'"), tmp_path).returncode == 0
    assert "cycletrace" not in trained.stderr
    assert not (tmp_path / "state").exists()


def test_a_tracking_server_that_is_down_is_the_programs_own_error(tmp_path: Path) -> None:
    program = MOVE.replace("ALIAS", "'champion'").replace("sqlite:///mlflow.db", "http://127.0.0.1:9")
    done = run(program, tmp_path, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0", CYCLETRACE_CYCLE="churn@7")
    assert "MlflowException" in done.stderr
    assert stages(tmp_path) == []
