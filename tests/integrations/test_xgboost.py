"""XGBoost: its function ``train``, and its estimators."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integrations.journal import attributes, outcomes, run, run_auto

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(600)]

DATA = """
import pickle
import numpy as np
import xgboost
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
X, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
"""
INSTALL = """
import cycletrace.integrations.xgboost
cycletrace.integrations.xgboost.install()
cycletrace.integrations.xgboost.install()
"""


def test_a_training_is_a_stage_with_its_rounds(tmp_path: Path) -> None:
    program = """
booster = xgboost.train({}, xgboost.DMatrix(X, y), num_boost_round=5)
print(booster.num_boosted_rounds(), pickle.loads(pickle.dumps(xgboost.train)) is xgboost.train)
xgboost.XGBClassifier(n_estimators=3).fit(X, y)
xgboost.train({}, xgboost.DMatrix(X, y), 50, evals=[(xgboost.DMatrix(X, y[::-1]), "e")], early_stopping_rounds=2)
"""
    done = run(DATA + INSTALL + program, tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("5 True")
    assert outcomes(tmp_path) == [("train", "train", "ok")] * 3
    rounds = [each for (each,) in attributes(tmp_path, "rounds")]
    assert rounds[:2] == [5, 3]
    assert rounds[2] < 50, "those that were done before it stopped early"


def test_an_exception_is_the_outcome_and_reaches_the_program(tmp_path: Path) -> None:
    done = run(
        DATA + INSTALL + "xgboost.train({'objective': 'none'}, xgboost.DMatrix(X, y))", tmp_path, CYCLETRACE_CYCLE="c@7"
    )
    assert "XGBoostError: " in done.stderr
    assert outcomes(tmp_path) == [("train", "train", "error")]


def test_in_a_program_without_a_line_of_cycletrace_its_estimators_are_one_stage_each(tmp_path: Path) -> None:
    program = """
make_pipeline(StandardScaler(), xgboost.XGBClassifier(n_estimators=3)).fit(X, y)
GridSearchCV(xgboost.XGBClassifier(), {"n_estimators": [4]}, cv=2).fit(X, y)
xgboost.train({}, xgboost.DMatrix(X, y), num_boost_round=5)
"""
    done = run_auto(tmp_path, "-c", DATA + program)
    assert done.returncode == 0, done.stderr
    assert attributes(tmp_path, "estimator", "rounds") == [("Pipeline", 3), ("GridSearchCV", 4), (None, 5)]


def test_outside_any_cycle_it_records_nothing(tmp_path: Path) -> None:
    done = run(DATA + INSTALL + "xgboost.train({}, xgboost.DMatrix(X, y))", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "state").exists()
