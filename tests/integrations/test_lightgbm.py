"""LightGBM: its function ``train``, and its estimators."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integrations.journal import attributes, outcomes, run, run_auto

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(600)]

DATA = """
import pickle
import numpy as np
import lightgbm
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
QUIET = {"verbose": -1}
X, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
"""
INSTALL = """
import cycletrace.integrations.lightgbm
cycletrace.integrations.lightgbm.install()
cycletrace.integrations.lightgbm.install()
"""


def test_a_training_is_a_stage_with_its_rounds(tmp_path: Path) -> None:
    program = """
booster = lightgbm.train(QUIET, lightgbm.Dataset(X, y), num_boost_round=5)
print(booster.current_iteration(), pickle.loads(pickle.dumps(lightgbm.train)) is lightgbm.train)
lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, y)
data = lightgbm.Dataset(X, y)
stop = lightgbm.early_stopping(2, verbose=False)
lightgbm.train(QUIET, data, 50, valid_sets=[lightgbm.Dataset(X, y[::-1], reference=data)], callbacks=[stop])
"""
    done = run(DATA + INSTALL + program, tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("5 True")
    assert outcomes(tmp_path) == [("train", "train", "ok")] * 3
    rounds = [each for (each,) in attributes(tmp_path, "rounds")]
    assert rounds[:2] == [5, 3]
    assert rounds[2] < 50, "those that were done before it stopped early"


def test_an_exception_is_the_outcome_and_reaches_the_program(tmp_path: Path) -> None:
    done = run(DATA + INSTALL + "lightgbm.train(QUIET, X)", tmp_path, CYCLETRACE_CYCLE="c@7")
    assert "TypeError: train() only accepts Dataset" in done.stderr
    assert outcomes(tmp_path) == [("train", "train", "error")]


def test_in_a_program_without_a_line_of_cycletrace_its_estimators_are_one_stage_each(tmp_path: Path) -> None:
    program = """
make_pipeline(StandardScaler(), lightgbm.LGBMClassifier(n_estimators=3, verbose=-1)).fit(X, y)
GridSearchCV(lightgbm.LGBMClassifier(verbose=-1), {"n_estimators": [4]}, cv=2).fit(X, y)
lightgbm.train(QUIET, lightgbm.Dataset(X, y), num_boost_round=5)
"""
    done = run_auto(tmp_path, "-c", DATA + program)
    assert done.returncode == 0, done.stderr
    assert attributes(tmp_path, "estimator", "rounds") == [("Pipeline", 3), ("GridSearchCV", 4), (None, 5)]


def test_outside_any_cycle_it_records_nothing(tmp_path: Path) -> None:
    done = run(DATA + INSTALL + "lightgbm.train(QUIET, lightgbm.Dataset(X, y))", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "state").exists()
