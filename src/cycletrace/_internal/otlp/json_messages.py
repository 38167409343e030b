"""OTLP's messages in JSON, read without trust.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn

from google.protobuf import json_format

_LONGEST_INTEGER = 20
"""Characters of the longest integer of 64 bits, with its sign."""


def parse(body: bytes, real: Callable[[str], Any] = float) -> dict[str, Any]:
    """Return the request as plain values. A number that does not fit in 64 bits never fails: ``real`` makes it.

    Raises:
        ValueError: where it is not a JSON object, or nested too deep to be a request.
    """

    def whole(digits: str) -> Any:
        return int(digits) if len(digits) <= _LONGEST_INTEGER else real(digits)

    try:  # UTF-8 and nothing else
        request = json.loads(body.decode(), parse_float=real, parse_int=whole, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("not an OTLP request: nested too deep") from None
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(request, dict):
        raise ValueError("not an OTLP request: no JSON object")  # noqa: TRY004 - all that is wrong with it is alike
    return request


def from_json(value: Any, message: Any) -> None:
    """Fill a protobuf message from plain values, ignoring what a later version of it may have.

    Raises:
        ValueError: where they are not such a message.
    """
    try:
        json_format.ParseDict(value, message, ignore_unknown_fields=True)
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, json_format.Error) as error:
        raise ValueError(str(error)[:500]) from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
