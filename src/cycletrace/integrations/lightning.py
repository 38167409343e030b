"""PyTorch Lightning: fitting is a stage, with the time that it waited for data; so is testing.

Lightning finds the callback by itself where a cycle is active, elsewhere with
``Trainer(callbacks=[CycletraceCallback()])``. In distributed training, the first process records.
"""

# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback

from cycletrace.integrations._active import harmless, is_active
from cycletrace.integrations._callbacks import StageInCallbacks

__all__ = ["CycletraceCallback", "callbacks"]


class CycletraceCallback(Callback):
    """Records what a ``Trainer`` does. See the module."""

    def __init__(self) -> None:
        self._stage = StageInCallbacks()

    @harmless
    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin the stage ``train``."""
        if trainer.is_global_zero:
            self._stage.enter("train", "train")

    @harmless
    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Wait for the first batch of the epoch."""
        self._stage.await_data()

    @harmless
    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Begin to compute."""
        self._stage.got_data()

    @harmless
    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Wait for the next batch."""
        self._stage.await_data()

    @harmless
    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Any) -> None:
        """Do not count the time that it takes to save a checkpoint as a wait."""
        self._stage.stop_waiting()

    @harmless
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Do not count the time that the validation took as a wait."""
        self._stage.await_data()

    @harmless
    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """End the stage."""
        self._stage.leave(None, {"steps": trainer.global_step, "epochs": trainer.current_epoch})

    @harmless
    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin the stage ``test``, which evaluates the model on held-out data."""
        if trainer.is_global_zero:
            self._stage.enter("test", "evaluate")

    @harmless
    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        """End the stage."""
        self._stage.leave()

    @harmless
    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """End the stage with the exception."""
        self._stage.leave(exception)


def callbacks() -> list[CycletraceCallback]:
    """Return the callbacks of every trainer, which Lightning asks for: none where no cycle is active."""
    return _callbacks() or []


@harmless
def _callbacks() -> list[CycletraceCallback]:
    return [CycletraceCallback()] if is_active() else []
