"""Calls that train or evaluate a model, as stages: what the integrations that wrap such calls have in common.

Only the outermost call is a stage: a search fits clones, and a pipeline its steps. A call inside a stage that says what
it is, such as a ``train`` of the program's own, is part of that one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

from cycletrace.integrations._active import harmless, is_active, is_part_of_stage
from cycletrace.integrations._callbacks import StageInCallbacks
from cycletrace.integrations._wrappers import wraps_uncounted

P = ParamSpec("P")
R = TypeVar("R")


class _Call:
    """The outermost call that is under way. Without a stage, nothing in it is recorded."""

    def __init__(self, stage: StageInCallbacks | None) -> None:
        self.stage = stage
        self._token = _OUTERMOST.set(self)

    def leave(self, error: BaseException | None) -> None:
        """End it, with this exception or without."""
        _OUTERMOST.reset(self._token)
        if self.stage is not None:
            if self.stage.run is not None:
                _UNDER_WAY.discard(self.stage.run.id)
            self.stage.leave(error)


_UNDER_WAY: set[str] = set()
"""Ids of the stages of calls, of any thread: a call in another thread that begins meanwhile is none of their parts."""
_OUTERMOST: ContextVar[_Call | None] = ContextVar("cycletrace_outermost_call", default=None)


def recorded(
    function: Callable[P, R],
    kind: str,
    describe: Callable[[Any, R], Mapping[str, float | str]],
    is_recorded: Callable[[Any], bool] = lambda _: True,
) -> Callable[P, R]:
    """Wrap a function to record its outermost calls where a cycle is active.

    Args:
        function: What trains or evaluates a model.
        kind: The name and kind of the stage.
        describe: Returns attributes by the first argument and the result of a call that returned. They are set on the
            stage of the outermost call, which may be around this one, and sets its own later.
        is_recorded: Returns whether a call with this first argument is a stage if it is the outermost.
    """

    @wraps_uncounted(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        # Joblib pickles what this refers to, with classes of ``__main__`` that have it, so it refers to functions only.
        call = _begin(kind, is_recorded, args)
        try:
            result = function(*args, **kwargs)
            _describe(describe, args, result)
        except BaseException as error:
            _end(call, error)
            raise
        _end(call, None)
        return result

    return wrapper


def record_function(
    name: str, modules: Sequence[ModuleType], kind: str, describe: Callable[[Any, Any], Mapping[str, float | str]]
) -> None:
    """Wrap the function that these modules have in common; another library may have wrapped it in some of them."""
    wrappers: dict[Any, Any] = {}
    for module in modules:
        function = getattr(module, name)
        if function not in wrappers:
            wrappers[function] = recorded(function, kind, describe)
        setattr(module, name, wrappers[function])


def outermost_stage() -> StageInCallbacks | None:
    """Return the stage of the outermost call that is under way, or ``None``."""
    call = _OUTERMOST.get()
    return None if call is None else call.stage


@harmless
def _begin(kind: str, is_recorded: Callable[[Any], bool], args: tuple[Any, ...]) -> _Call | None:
    if _OUTERMOST.get() is not None or not is_active() or _is_worker_of_joblib() or is_part_of_stage(_UNDER_WAY):
        return None
    if not is_recorded(_first(args)):
        return _Call(None)
    stage = StageInCallbacks()
    stage.enter(kind, kind)
    if stage.run is not None:
        _UNDER_WAY.add(stage.run.id)
    return _Call(stage)


@harmless
def _describe(describe: Callable[[Any, R], Mapping[str, float | str]], args: tuple[Any, ...], result: R) -> None:
    stage = outermost_stage()
    if stage is not None and stage.run is not None:
        stage.run.set(**describe(_first(args), result))


@harmless
def _end(call: _Call | None, error: BaseException | None) -> None:
    if call is not None:
        call.leave(error)


def _first(args: tuple[Any, ...]) -> Any:
    return args[0] if args else None


def _is_worker_of_joblib() -> bool:
    """Return whether Joblib started this process, perhaps before the stage whose work it does now."""
    module = sys.modules.get("multiprocessing.process")
    return module is not None and "loky" in type(module.current_process()).__module__
