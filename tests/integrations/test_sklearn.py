"""scikit-learn, with and without a line of cycletrace in the program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.integrations.journal import attributes, outcomes, run, run_auto, stages

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(600)]

HEAD = """
import cycletrace.integrations.sklearn
import numpy as np
import sklearn.linear_model  # imported before
cycletrace.integrations.sklearn.install()
cycletrace.integrations.sklearn.install()
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
X, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
"""


LATER = """
from sklearn.base import BaseEstimator, ClassifierMixin
class Later(ClassifierMixin, BaseEstimator):
    def fit(self, X, y, sample_weight=None, groups=None):
        self.classes_ = [0, 1]
        return self
"""


def record(program: str, folder: Path) -> str:
    done = run(HEAD + program, folder, CYCLETRACE_CYCLE="churn@7")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_fitting_a_model_is_a_stage(tmp_path: Path) -> None:
    """Also of a class of the program that extends another, and without labels; not of one that stands alone."""
    program = """
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestRegressor, VotingClassifier
from sklearn.neighbors import LocalOutlierFactor

class Own(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = [0, 1]
        return self
class Extended(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y, sample_weight)

voting = VotingClassifier([("one", LogisticRegression()), ("two", Own())])
for each in (LinearRegression(), RandomForestRegressor(3), Own(), Extended(), voting, KMeans(2), LocalOutlierFactor()):
    assert each.fit(X, y) is each
"""
    record(program, tmp_path)
    assert attributes(tmp_path, "estimator") == [
        ("LinearRegression",),
        ("RandomForestRegressor",),
        ("Extended",),
        ("VotingClassifier",),
        ("KMeans",),
        ("LocalOutlierFactor",),
    ]
    assert outcomes(tmp_path) == [("train", "train", "ok")] * 6


def test_warnings_of_a_library_name_the_line_of_the_program_that_called_it(tmp_path: Path) -> None:
    """A warning whose ``stacklevel`` is for the caller of ``fit`` is shown as without cycletrace."""
    (tmp_path / "later.py").write_text(
        LATER.replace("        self.", "        warnings.warn('old', stacklevel=2)\n        self.")
    )
    (tmp_path / "program.py").write_text("import later\nlater.Later().fit([[0.0]], [0])\n")
    with (tmp_path / "later.py").open("a") as file:
        file.write("import warnings\n")
    recorded = run_auto(tmp_path, "program.py")
    without = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert outcomes(tmp_path) == [("train", "train", "ok")]
    assert recorded.stderr == without.stderr
    assert "program.py:2: UserWarning: old\n  later.Later().fit(" in recorded.stderr


def test_models_of_the_program_itself_can_be_loaded_without_cycletrace(tmp_path: Path) -> None:
    program = """
import cloudpickle

class Own(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        return self
class Extended(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y, sample_weight)
def make():
    class Local(BaseEstimator):
        def fit(self, X, y):
            return self
    return Local()

for each in (Own(), Extended(), make(), make_pipeline(StandardScaler(), LogisticRegression(), verbose=False)):
    assert b"cycletrace" not in cloudpickle.dumps(each.fit(X, y)), each
"""
    record(program, tmp_path)
    assert attributes(tmp_path, "estimator") == [("Extended",), ("Pipeline",)]


def test_fits_in_threads_that_overlap_are_stages_of_their_own(tmp_path: Path) -> None:
    program = """
import threading
begun, may_end = threading.Event(), threading.Event()

class Slow:
    shape, ndim = X.shape, X.ndim
    def __len__(self):
        return len(X)
    def __array__(self, *args, **kwargs):
        begun.set()
        assert may_end.wait(20)
        return np.asarray(X)
first = threading.Thread(target=lambda: LinearRegression().fit(Slow(), y))
first.start()
assert begun.wait(20)
LogisticRegression().fit(X, y)
may_end.set()
first.join()
"""
    record(program, tmp_path)
    assert sorted(attributes(tmp_path, "estimator")) == [("LinearRegression",), ("LogisticRegression",)]


def test_pipelines_and_searches_are_one_stage_each(tmp_path: Path) -> None:
    program = """
pipeline = make_pipeline(StandardScaler(), LogisticRegression())
pipeline.fit(X, y)
for jobs in (1, 2):
    GridSearchCV(pipeline, {"logisticregression__C": [1, 2, 3]}, cv=4, n_jobs=jobs).fit(X, y)
GridSearchCV(pipeline, {"logisticregression__C": [1, 2, 3]}, cv=4, refit=False).fit(X, y)
"""
    record(program, tmp_path)
    assert attributes(tmp_path, "estimator", "candidates", "fits") == [
        ("Pipeline", None, None),
        ("GridSearchCV", 3, 13),
        ("GridSearchCV", 3, 13),
        ("GridSearchCV", 3, 12),
    ]


def test_what_transforms_data_is_no_stage_nor_are_the_models_in_it(tmp_path: Path) -> None:
    program = """
from sklearn.experimental import enable_iterative_imputer
from sklearn.feature_selection import SelectFromModel
from sklearn.impute import IterativeImputer
selection = SelectFromModel(LogisticRegression())
for each in (StandardScaler(), make_pipeline(StandardScaler()), selection, IterativeImputer()):
    each.fit(X, y)
"""
    record(program, tmp_path)
    assert stages(tmp_path) == []


def test_an_exception_is_the_outcome_and_reaches_the_program(tmp_path: Path) -> None:
    program = """
class Interrupting:
    shape, ndim = X.shape, X.ndim
    def __len__(self):
        return len(X)
    def __array__(self, *args, **kwargs):
        raise KeyboardInterrupt
for each, data in ((LogisticRegression(C=-1), X), (LogisticRegression(), Interrupting())):
    try:
        each.fit(data, y)
    except BaseException as error:
        print(type(error).__name__)
LogisticRegression().fit(X, y)
"""
    assert record(program, tmp_path).split() == ["InvalidParameterError", "KeyboardInterrupt"]
    assert [outcome for _, _, outcome in outcomes(tmp_path)] == ["error", "interrupted", "ok"]


def test_within_a_stage_that_says_what_it_is_a_fit_is_part_of_it(tmp_path: Path) -> None:
    program = """
import threading
from cycletrace import stage
with stage("train"):
    LogisticRegression().fit(X, y)
    with stage("fold"):
        LogisticRegression().fit(X, y)
with stage("evaluate"):
    thread = threading.Thread(target=LogisticRegression().fit, args=(X, y))
    thread.start()
    thread.join()
with stage("pipeline"):
    LogisticRegression().fit(X, y)
"""
    record(program, tmp_path)
    assert [name for name, _, _ in outcomes(tmp_path)] == ["fold", "train", "evaluate", "train", "pipeline"]
    fitted, pipeline = stages(tmp_path)[-2:]
    assert fitted["parent_span_id"] == pipeline["span_id"]


def test_estimators_work_as_without_it(tmp_path: Path) -> None:
    """Cloning, pickling, signatures, routing of metadata, and its requests in classes defined before and after."""
    program = """
import inspect, pickle, sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted, has_fit_parameter
from later import Later
sklearn.set_config(enable_metadata_routing=True)
for model in (LogisticRegression(), Later()):
    try:
        check_is_fitted(clone(model))
    except NotFittedError:
        print("not fitted")
    model = model.set_fit_request(sample_weight=True).fit(X, y, sample_weight=np.ones(60))
    check_is_fitted(pickle.loads(pickle.dumps(model)))
    print(inspect.signature(type(model).fit), has_fit_parameter(model, "sample_weight"))
    print(model.get_metadata_routing(), pickle.loads(pickle.dumps(type(model).fit)) is type(model).fit)
    print(type(model).fit.__qualname__, type(model).fit.__doc__)
    make_pipeline(model).fit(X, y, sample_weight=np.ones(60))
"""
    (tmp_path / "later.py").write_text(LATER, encoding="utf-8")
    without = run(HEAD.replace("cycletrace.integrations.sklearn.install()\n", "") + program, tmp_path)
    assert record(program, tmp_path) == without.stdout
    assert without.stdout.count("not fitted") == 2
    assert len(stages(tmp_path)) == 4


def test_a_class_of_the_main_program_can_be_fitted_in_other_processes(tmp_path: Path) -> None:
    program = """
class Own(LogisticRegression):
    def fit(self, X, y):
        return super().fit(X, y)
search = GridSearchCV(Own(), {"C": [1, 2]}, cv=2, n_jobs=2, error_score="raise").fit(X, y)
print(type(search.best_estimator_).__name__)
"""
    assert record(program, tmp_path) == "Own\n"
    assert attributes(tmp_path, "estimator") == [("GridSearchCV",)]


def test_outside_any_cycle_it_records_nothing(tmp_path: Path) -> None:
    done = run(HEAD + "LogisticRegression().fit(X, y)", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "state").exists()


PLAIN = """
import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
X, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
def test_fit():
    Parallel(n_jobs=2)(delayed(abs)(each) for each in range(4))  # its workers, of before the search, fit the candidates
    GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2, n_jobs=2).fit(X, y)
"""


def test_programs_of_any_kind_without_a_line_of_cycletrace_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(f"{PLAIN}\ntest_fit()")
    starts_another = "import subprocess, sys; subprocess.run([sys.executable, 'job.py'], check=True)"
    for command in (["job.py"], ["-m", "job"], ["-c", starts_another]):
        done = run_auto(tmp_path, *command)
        assert done.returncode == 0, done.stderr
    assert outcomes(tmp_path) == [("train", "train", "ok")] * 3
    assert attributes(tmp_path, "estimator", "cycletrace.cycle.key") == [("GridSearchCV", "churn@7")] * 3


def test_fits_in_tests_are_part_of_the_stage_of_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_job.py").write_text(PLAIN)
    done = run_auto(tmp_path, "-m", "pytest", "-p", "no:cacheprovider", "test_job.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcomes(tmp_path) == [("pytest", "test", "ok")]


def test_a_command_that_is_a_stage_has_no_trainings_in_it(tmp_path: Path) -> None:
    program = f"""
import subprocess, sys
from cycletrace import stage
with stage("train"):
    auto = [sys.executable, "-m", "cycletrace", "run", "--auto", "--", sys.executable, "-c"]
    subprocess.run([*auto, {PLAIN + "test_fit()"!r}], check=True)
"""
    done = run(program, tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert done.returncode == 0, done.stderr
    assert outcomes(tmp_path) == [("train", "train", "ok")]
