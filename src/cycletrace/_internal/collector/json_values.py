"""Values and attributes in OTLP's JSON, as plain values.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import re
from math import isfinite, nan
from typing import Any

from cycletrace._internal.collector.json_request import items


def attributes(holder: dict[str, Any]) -> dict[str, object]:
    """Return attributes as plain values; arrays, maps and bytes, which cycletrace does not use, as bytes.

    Raises:
        ValueError: where they are not attributes.
    """
    found: dict[str, object] = {}
    for attribute in items(holder.get("attributes")):
        if not isinstance(attribute, dict) or not isinstance(attribute.get("key"), str):
            raise ValueError("an attribute without a key")  # noqa: TRY004 - all that is wrong with a record is alike
        found[attribute["key"]] = _value(attribute.get("value"))
    return found


def _value(value: object) -> object:
    given = [] if not isinstance(value, dict) else [item for item in value.items() if _is_given(*item)]
    if len(given) != 1:
        return None
    ((kind, content),) = given
    if kind == "stringValue":
        return content if isinstance(content, str) else ""
    if kind == "intValue":
        return integer(content)
    if kind == "boolValue" and isinstance(content, bool):
        return content
    if kind == "doubleValue":
        return _double(content)
    return b""


_KINDS = {"stringValue", "boolValue", "intValue", "doubleValue", "arrayValue", "kvlistValue", "bytesValue"}


def _is_given(field: object, content: object) -> bool:
    """Return whether a field holds the value: not null, nor a field that a later version of OTLP may add."""
    return field in _KINDS and content is not None


def integer(value: object) -> int:
    """Return an integer of OTLP's JSON: a number, or decimal digits in a string; 0 if it is absent.

    Raises:
        ValueError: where it is something else.
    """
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():  # some write 3.0
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise ValueError("expected an integer")


_INTEGER = re.compile(r"-?[0-9]{1,20}")


def _double(value: object) -> float:
    """Return a double of OTLP's JSON: a number, or one in a string, where it may also be infinite or not a number.

    Raises:
        ValueError: where it is something else, or a number that is too large.
    """
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else nan
    except ValueError:
        number = nan
    if not isfinite(number) and value not in ("NaN", "Infinity", "-Infinity"):
        raise ValueError("expected a number that fits in a double")
    return number
