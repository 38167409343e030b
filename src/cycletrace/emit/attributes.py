"""What users put on spans, as far as it is small and plain: every backend takes it, and no code of a value runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_TEXT = 16_384
"""Characters of an attribute's text; a longer one is cut."""
MAX_ITEMS = 128
"""Elements of an attribute's sequence or mapping; more are left out."""
MAX_DEPTH = 4
MAX_INTEGER = 2**63
"""OTLP's integers have 64 bits."""


def scalar(value: object) -> str | bool | int | float | None:
    """Return a number, text or truth value, also one of NumPy's or PyTorch's; ``None`` of anything else.

    Never raises, so that one bad value costs no other: a tensor without data has no number.
    """
    try:
        return _scalar(value)
    except Exception:
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
            return float(array) if type(item) is type(array) else _scalar(item)  # a long double is its own item
    return None


def plain(value: object, depth: int = 0) -> Any:
    """The value as JSON can hold it, ``None`` where it cannot."""
    if isinstance(value, (list, tuple)) and depth < MAX_DEPTH:
        return [plain(element, depth + 1) for element in value[:MAX_ITEMS]]
    if isinstance(value, Mapping) and depth < MAX_DEPTH:
        return plain_mapping(value, depth + 1)
    if isinstance(value, bytes):
        return text(value[:MAX_TEXT].decode("utf-8", "replace"))
    return scalar(value)


def plain_mapping(values: Mapping[Any, Any], depth: int = 0) -> dict[str, Any]:
    """These attributes as JSON can hold them; those that it cannot hold are left out."""
    made = ((name, plain(value, depth)) for name, value in list(values.items())[:MAX_ITEMS] if isinstance(name, str))
    return {text(name): value for name, value in made if value is not None}


def text(value: str) -> str:
    """The text in valid UTF-8 and of bounded length."""
    return value[:MAX_TEXT].encode("utf-8", "replace").decode("utf-8")
