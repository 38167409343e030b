"""Conversion of user-provided span attributes to small, plain values, without running the values' own code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cycletrace._internal.diagnostics import let_pass

MAX_TEXT = 16_384
"""Maximum length of a string in characters; longer ones are cut."""
MAX_ITEMS = 128
"""Maximum number of elements of a sequence or mapping; more are left out."""
MAX_DEPTH = 4
MAX_INTEGER = 2**63
"""OTLP integers have 64 bits."""


def scalar(value: object) -> str | bool | int | float | None:
    """Return the value if it is a number, string or boolean, including NumPy's and PyTorch's, else ``None``.

    Never raises, so that a bad value (such as a tensor without data) does not affect the others.
    """
    try:
        return _scalar(value)
    except Exception as error:
        let_pass(error)
        return None


def _scalar(value: object) -> str | bool | int | float | None:
    if isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if -MAX_INTEGER <= value < MAX_INTEGER else float(value) if abs(value) < 10**308 else None
    if isinstance(value, str):
        return text(value)
    if type(value).__module__.partition(".")[0] in {"numpy", "torch"}:
        array: Any = value
        if getattr(array, "shape", None) == ():
            item: Any = array.item()
            return (
                float(array) if type(item) is type(array) else _scalar(item)
            )  # for a long double, item() returns itself
    return None


def plain(value: object, depth: int = 0) -> Any:
    """Return the value in a form that JSON supports, or ``None``."""
    if isinstance(value, (list, tuple)) and depth < MAX_DEPTH:
        return [plain(element, depth + 1) for element in value[:MAX_ITEMS]]
    if isinstance(value, Mapping) and depth < MAX_DEPTH:
        return plain_mapping(value, depth + 1)
    if isinstance(value, bytes):
        return text(value[:MAX_TEXT].decode("utf-8", "replace"))
    return scalar(value)


def plain_mapping(values: Mapping[Any, Any], depth: int = 0) -> dict[str, Any]:
    """Return attributes in a form that JSON supports; others are left out."""
    made = ((name, plain(value, depth)) for name, value in list(values.items())[:MAX_ITEMS] if isinstance(name, str))
    return {text(name): value for name, value in made if value is not None}


def text(value: str) -> str:
    """Return the text as valid UTF-8 of bounded length."""
    return value[:MAX_TEXT].encode("utf-8", "replace").decode("utf-8")
