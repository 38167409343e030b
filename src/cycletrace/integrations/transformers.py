"""Hugging Face ``Trainer``: a training is a stage, with the time that it waited for data; so is each evaluation.

::

    import cycletrace.integrations.transformers
    TrainingArguments(..., report_to="cycletrace")

or ``Trainer(..., callbacks=[CycletraceCallback()])``. ``cycletrace run --auto`` calls :func:`install` in programs
without these lines. In distributed training, the first process records.
"""

# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

import time
from typing import Any

from transformers import Trainer, TrainerCallback
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

from cycletrace import record_stage
from cycletrace.integrations._active import harmless, is_active, is_part_of_stage
from cycletrace.integrations._callbacks import StageInCallbacks
from cycletrace.integrations._wrappers import wraps_uncounted

__all__ = ["CycletraceCallback", "install"]

_is_installed = False


class CycletraceCallback(TrainerCallback):
    """Records what a ``Trainer`` does. See the module."""

    def __init__(self) -> None:
        self._training = StageInCallbacks()

    @harmless
    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begin the stage ``train``."""
        if state.is_world_process_zero:
            self._training.enter("train", "train")

    @harmless
    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Wait for the first batch of the epoch."""
        self._training.await_data()

    @harmless
    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begin to compute."""
        self._training.got_data()

    @harmless
    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Wait for the next batches."""
        self._training.await_data()

    @harmless
    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Do not count the time that it took to save a checkpoint as a wait."""
        self._training.await_data()

    @harmless
    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:
        """Record the stage ``evaluate``, which has just ended."""
        self._training.await_data()
        lengths = [value for name, value in (metrics or {}).items() if name.endswith("_runtime")]
        if state.is_world_process_zero and lengths:
            end = time.time_ns()
            record_stage("evaluate", end - round(lengths[0] * 1e9), end)

    @harmless
    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End the stage."""
        self._training.leave(None, {"steps": state.global_step, "epochs": state.epoch})

    @harmless
    def fail(self, error: BaseException) -> None:
        """End the stage with an exception, for which ``Trainer`` has no callback."""
        self._training.leave(error)


class _UnlessPartOfStage(CycletraceCallback):
    """Records nothing within a stage of the program that says what it is."""

    @harmless
    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if not is_part_of_stage():
            super().on_train_begin(args, state, control)

    @harmless
    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:
        if self._training.run is not None or not is_part_of_stage():
            super().on_evaluate(args, state, control, metrics)


def install() -> None:
    """Record each ``Trainer`` that is made from now on where a cycle is active. Doing it again changes nothing."""
    global _is_installed
    if not _is_installed:
        _is_installed = True
        Trainer.__init__ = _add_callbacks(Trainer.__init__)


def _add_callbacks(init: Any) -> Any:
    @wraps_uncounted(init)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        _add_callback(self)

    return wrapper


@harmless
def _add_callback(trainer: Any) -> None:
    has_one = any(isinstance(callback, CycletraceCallback) for callback in trainer.callback_handler.callbacks)
    if not has_one and is_active():
        trainer.add_callback(_UnlessPartOfStage())


def _report_failures(train: Any) -> Any:
    @wraps_uncounted(train)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return train(self, *args, **kwargs)
        except BaseException as error:
            for callback in self.callback_handler.callbacks:
                if isinstance(callback, CycletraceCallback):
                    callback.fail(error)
            raise

    return wrapper


Trainer.train = _report_failures(Trainer.train)
INTEGRATION_TO_CALLBACK["cycletrace"] = CycletraceCallback
