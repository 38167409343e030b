"""Which arguments of a call become attributes: those that were named, as far as they are small and plain."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Reader = Callable[[tuple[Any, ...], dict[str, Any]], Mapping[str, Any]]

MAX_TEXT = 256
"""Characters of a captured text; a longer one is cut."""


def reader(function: Callable[..., Any], names: Sequence[str]) -> Reader | None:
    """What reads these arguments from a call, ``None`` where none are named.

    Raises:
        TypeError: where the function has no argument of that name.
    """
    if not names:
        return None
    import inspect

    signature = inspect.signature(function)
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values())
    for name in names:
        if name not in signature.parameters and not takes_any:
            raise TypeError(f"capture names {name!r}, which is no argument of {function!r}{signature}.")

    def read(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mapping[str, Any]:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:  # a wrong call, which the function itself will report
            return {}
        bound.apply_defaults()
        given = {**kwargs, **bound.arguments}
        captured: dict[str, Any] = {}
        for name in names:
            if name in given:
                try:  # noqa: SIM105 - contextlib would make the import dearer
                    captured.update(_plain(name, given[name]))
                except Exception:  # an array whose own code fails costs no other argument
                    pass
        return captured

    return read


def _plain(name: str, value: object) -> dict[str, Any]:
    """The value as attributes. Nothing of the value's own is called but ``shape`` and ``dtype`` of known arrays."""
    kind = type(value)
    if kind in {bool, int, float}:
        return {name: value}
    if kind is str:
        return {name: str(value)[:MAX_TEXT]}
    if kind.__module__.partition(".")[0] in {"numpy", "torch", "pandas"} and hasattr(kind, "shape"):
        array: Any = value
        if array.shape == ():
            from cycletrace.emit.attributes import scalar

            number = scalar(array)
            return {} if number is None else {name: number}
        described = {f"{name}.shape": str(tuple(array.shape))}
        if hasattr(kind, "dtype"):
            described[f"{name}.dtype"] = str(array.dtype)
        return described
    return {}
