"""Keras: fitting is a stage, with its epochs and, on PyTorch, the time that it waited for data; so is evaluating.

::

    import cycletrace.integrations.keras
    cycletrace.integrations.keras.install()

``cycletrace run --auto`` does so for programs without these lines. On JAX and TensorFlow, batches are fetched within
what Keras compiles, where waits for them cannot be measured.
"""

# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras

from cycletrace.integrations._active import harmless
from cycletrace.integrations._callbacks import StageInCallbacks
from cycletrace.integrations._fits import outermost_stage, recorded
from cycletrace.integrations._wrappers import wraps_uncounted

__all__ = ["install"]

_is_installed = False


def install() -> None:
    """Record what this program fits and evaluates where a cycle is active. Doing it again changes nothing."""
    global _is_installed
    if not _is_installed:
        _is_installed = True
        model: Any = keras.Model
        fit = _with_waits(model.fit) if keras.backend.backend() == "torch" else model.fit
        model.fit = recorded(fit, "train", lambda _, history: {"epochs": len(history.epoch)})
        model.evaluate = recorded(model.evaluate, "evaluate", lambda *_: {})


def _with_waits(fit: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a method ``fit`` to add a callback where its call is a stage."""

    @wraps_uncounted(fit)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        stage = outermost_stage()
        waits = None if stage is None else _Waits(stage)
        bound = None if waits is None else _add(waits, fit, args, kwargs)
        if waits is None or bound is None:
            return fit(*args, **kwargs)
        try:
            return fit(*bound.args, **bound.kwargs)
        finally:
            waits.stop_following()

    return wrapper


@harmless
def _add(
    callback: Any, fit: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> inspect.BoundArguments | None:
    """Return the arguments of a call with this callback added to them; ``None`` if none can be added."""
    try:
        bound = inspect.signature(fit).bind(*args, **kwargs)
    except TypeError:  # the call raises it, too
        return None
    given = bound.arguments.get("callbacks") or []
    if isinstance(given, keras.callbacks.CallbackList):  # it belongs to the program, which may use it again
        return None
    bound.arguments["callbacks"] = [*given, callback] if isinstance(given, list | tuple) else [given, callback]
    return bound


class _Waits(keras.callbacks.Callback):
    """Adds the waits for batches to the stage of a training.

    It has no method for the end of a batch: with one, Keras would no longer handle the results of batches in a thread.
    A step ends when the function that computes it returns.
    """

    def __init__(self, stage: StageInCallbacks) -> None:
        super().__init__()
        self._stage = stage
        self._step: Any = None
        self._followed: Any = None

    @harmless
    def on_train_begin(self, logs: Any = None) -> None:
        """Follow the steps."""
        step = self._step = self.model.train_function

        @wraps_uncounted(step)
        def followed(data: Any) -> Any:
            result = step(data)
            self._stage.await_data()
            return result

        self.model.train_function = self._followed = followed

    @harmless
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Wait for the first batch."""
        self._stage.await_data()

    @harmless
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Begin to compute."""
        self._stage.got_data()

    @harmless
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Do not wait until the next epoch begins."""
        self._stage.stop_waiting()

    @harmless
    def stop_following(self) -> None:
        """Leave the model as it was."""
        if self._followed is not None and self.model.train_function is self._followed:
            self.model.train_function = self._step
