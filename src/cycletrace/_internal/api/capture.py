"""Capturing named arguments of a call as span attributes, if they are small and plain."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Reader = Callable[[tuple[Any, ...], dict[str, Any]], Mapping[str, Any]]

MAX_TEXT = 256
"""Maximum length of a captured string in characters; longer ones are cut."""


def reader(function: Callable[..., Any], names: Sequence[str]) -> Reader | None:
    """Return a function that reads these arguments from a call, or ``None`` if there are no names.

    Raises:
        TypeError: if the function has no parameter of that name.
    """
    if not names:
        return None
    import inspect

    signature = inspect.signature(function)
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values())
    for name in names:
        if name not in signature.parameters and not takes_any:
            raise TypeError(f"capture must name parameters of {function!r}{signature}, got {name!r}.")

    def read(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mapping[str, Any]:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:  # a wrong call, which the function itself reports
            return {}
        bound.apply_defaults()
        given = {**kwargs, **bound.arguments}
        captured: dict[str, Any] = {}
        for name in names:
            if name in given:
                try:
                    captured.update(_plain(name, given[name]))
                except Exception as error:  # an array whose own code fails must not affect the others
                    from cycletrace._internal.diagnostics import let_pass

                    let_pass(error)
        return captured

    return read


def _plain(name: str, value: object) -> dict[str, Any]:
    """Return the value as attributes. Of its own code, only ``shape`` and ``dtype`` of known arrays are called."""
    kind = type(value)
    if kind in {bool, int, float}:
        return {name: value}
    if kind is str:
        return {name: str(value)[:MAX_TEXT]}
    if kind.__module__.partition(".")[0] in {"numpy", "torch", "pandas"} and hasattr(kind, "shape"):
        array: Any = value
        if array.shape == ():
            from cycletrace._internal.sdk.attributes import scalar

            number = scalar(array)
            return {} if number is None else {name: number}
        described = {f"{name}.shape": str(tuple(array.shape))}
        if hasattr(kind, "dtype"):
            described[f"{name}.dtype"] = str(array.dtype)
        return described
    return {}
