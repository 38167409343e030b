"""Kinds of functions, determined without importing :mod:`inspect`, which is slow."""

from __future__ import annotations

from functools import partial, update_wrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

# Flags of code objects, as documented for inspect.CO_*.
_GENERATOR = 0x20
_COROUTINE = 0x80
_ITERABLE_COROUTINE = 0x100
_ASYNC_GENERATOR = 0x200

PLAIN, COROUTINE, GENERATOR, ASYNC_GENERATOR = "function", "coroutine", "generator", "async generator"


def shape_of(function: Callable[..., Any]) -> str:
    """Return whether a call runs the function, or returns a coroutine, generator or async generator."""
    flags = _flags(function)
    if flags & (_COROUTINE | _ITERABLE_COROUTINE) or _is_marked_coroutine(function):
        return COROUTINE
    if flags & _ASYNC_GENERATOR:
        return ASYNC_GENERATOR
    return GENERATOR if flags & _GENERATOR else PLAIN


def _flags(function: Any) -> int:
    while isinstance(function, partial):
        function = function.func
    function = getattr(function, "__func__", function)  # a bound method's function
    code = getattr(function, "__code__", None)
    if code is None:  # a callable object: use its __call__
        code = getattr(getattr(type(function), "__call__", None), "__code__", None)  # noqa: B004 - its code, not a test
    return int(getattr(code, "co_flags", 0))


def _is_marked_coroutine(function: Any) -> bool:
    """Return whether ``inspect.markcoroutinefunction`` (Python 3.12) marked it."""
    return getattr(getattr(function, "__func__", function), "_is_coroutine_mark", None) is not None


def name_of(function: Any) -> str:
    """Return the default name of a stage for this function."""
    while isinstance(function, partial):
        function = function.func
    name = getattr(function, "__name__", None) or type(function).__name__
    return str(name)


def around(function: F, manager: Callable[[], Any], what: str) -> F:
    """Decorate a function or coroutine function so that each call runs in a new context manager.

    Raises:
        TypeError: if it is neither.
    """
    shape = shape_of(function) if callable(function) and not isinstance(function, type) else "class"
    if shape == PLAIN:

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with manager():
                return function(*args, **kwargs)

        return update_wrapper(wrapper, function)  # type: ignore[return-value]  # of the same signature
    if shape == COROUTINE:

        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            with manager():
                return await function(*args, **kwargs)

        return update_wrapper(async_wrapper, function)  # type: ignore[return-value]  # of the same signature
    raise TypeError(
        f"@{what}(...) decorates functions and coroutine functions, got {function!r}: use `with {what}(...):` inside."
    )
