"""Attributes as OTLP writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def fill(attributes: Any, values: Mapping[str, object]) -> None:
    """Add attributes to a repeated field of ``KeyValue``. A value that is ``None`` is left out.

    Sequences become arrays. A value of any other type that OTLP does not know is written as its text.

    Raises:
        ValueError: where an integer does not fit in 64 bits.
    """
    for name, value in values.items():
        if value is not None:
            _write(attributes.add(key=name).value, value)


def _write(any_value: Any, value: object) -> None:
    if isinstance(value, bool):  # before int, of which it is one
        any_value.bool_value = value
    elif isinstance(value, int):
        any_value.int_value = value
    elif isinstance(value, float):
        any_value.double_value = value
    elif isinstance(value, bytes):
        any_value.bytes_value = value
    elif isinstance(value, (list, tuple)):
        any_value.array_value.SetInParent()  # an empty one is an array, too
        for item in value:
            member = any_value.array_value.values.add()
            if item is not None:
                _write(member, item)
    else:
        any_value.string_value = str(value)
