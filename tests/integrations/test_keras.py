"""Keras on PyTorch, with a model of a few weights and data that is slow to come."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.integrations.journal import data_waits, outcomes, run, run_auto, stages

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(600)]

PROGRAM = """
import time
import keras
import numpy as np

class Slow(keras.utils.PyDataset):
    def __len__(self): return 4
    def __getitem__(self, place):
        time.sleep(0.05)
        return np.ones((2, 2), "float32"), np.ones((2, 1), "float32")
class Failing(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None): raise RuntimeError("diverged")

model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
"""
INSTALL = """
import cycletrace.integrations.keras
cycletrace.integrations.keras.install()
cycletrace.integrations.keras.install()
"""


def record(program: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(PROGRAM + INSTALL + program, folder, KERAS_BACKEND="torch", **variables)


def test_fitting_and_evaluating_are_stages_with_the_wait_for_data(tmp_path: Path) -> None:
    program = """
history = model.fit(Slow(), epochs=2, validation_data=Slow(), verbose=0)
print(history.epoch, model.train_function.__qualname__.split(".")[0], type(model.evaluate(Slow(), verbose=0)).__name__)
"""
    done = record(program, tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[0, 1] TorchTrainer float\n"
    assert outcomes(tmp_path) == [("train", "train", "ok"), ("evaluate", "evaluate", "ok")]
    train = stages(tmp_path)[0]
    assert train["attributes"]["epochs"] == 2
    (waited,) = data_waits(tmp_path)
    assert 8 * 0.05 <= waited < (train["end"] - train["start"]) / 1e9 - 8 * 0.05, "not while it validates"


def test_an_exception_is_the_outcome_and_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    program = """
for arguments in ({"callbacks": Failing()}, {"unknown": 1}):
    try:
        model.fit(Slow(), verbose=0, **arguments)
    except (RuntimeError, TypeError) as error:
        print(type(error).__name__, model.train_function.__qualname__)
model.fit(Slow(), None, 2, 1, 0, [keras.callbacks.LambdaCallback()])
"""
    done = record(program, tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert done.returncode == 0, done.stderr
    function = "TorchTrainer.make_train_function.<locals>.one_step_on_data"
    assert done.stdout == f"RuntimeError {function}\nTypeError {function}\n"
    assert [outcome for _, _, outcome in outcomes(tmp_path)] == ["error", "error", "ok"]


def test_keras_still_handles_the_results_of_batches_in_a_thread(tmp_path: Path) -> None:
    program = """
from keras.src.callbacks import callback_list
lists = []
configure = callback_list.CallbackList._configure_async_dispatch
def follow(self, callbacks):
    configure(self, callbacks)
    lists.append(self._async_train)
callback_list.CallbackList._configure_async_dispatch = follow
model.fit(Slow(), verbose=0)
print(lists)
"""
    done = record(program, tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert done.stdout == "[True]\n", done.stderr
    assert len(data_waits(tmp_path)) == 1


def test_a_program_without_a_line_of_cycletrace_is_recorded(tmp_path: Path) -> None:
    fit = "model.fit(Slow(), verbose=0)"
    done = run_auto(tmp_path, "-c", PROGRAM + fit, KERAS_BACKEND="torch")
    assert done.returncode == 0, done.stderr
    assert outcomes(tmp_path) == [("train", "train", "ok")]
    assert data_waits(tmp_path)


def test_outside_any_cycle_it_records_nothing(tmp_path: Path) -> None:
    done = record("model.fit(Slow(), verbose=0)", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cycletrace" not in done.stdout + done.stderr
    assert not (tmp_path / "state").exists()
