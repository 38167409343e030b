"""OTLP requests in JSON: reading them without trust, and writing them as protobuf for a backend that knows no JSON.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any, NamedTuple, NoReturn

from google.protobuf import json_format

from cycletrace.collector.signals import LOGS, METRICS, TRACES, Signal

MEMBERS = {
    TRACES: ("resourceSpans", "scopeSpans", "spans"),
    LOGS: ("resourceLogs", "scopeLogs", "logRecords"),
    METRICS: ("resourceMetrics", "scopeMetrics", "metrics"),
}
"""By signal: the arrays of a request from the outermost to the one of its members."""
_POINTS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
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


class Converted(NamedTuple):
    """A request in protobuf, how many of its members have no form there and were left out, and why the last was."""

    body: bytes
    left_out: int
    reason: str


def to_protobuf(signal: Signal, body: bytes) -> Converted:
    """Convert a request to protobuf.

    Raises:
        ValueError: where it is not a request of this signal, or no member of it can be converted.
    """
    request = parse(body, _real)
    resources, scopes, members = MEMBERS[signal]
    message = signal.request()
    found: list[list[dict[str, Any]]] = []
    try:
        for resource in objects(request, resources):
            for scope in objects(resource, scopes):
                found.append(list(objects(scope, members)))
                scope[members] = []
        from_json(request, message)
    except ValueError as error:
        raise ValueError(f"not an OTLP request: {error}") from None
    shells = [scope for resource in _field(message, resources) for scope in _field(resource, scopes)]
    if len(shells) != len(found):
        raise ValueError(f"not an OTLP request: expected {resources} and {scopes}, written in this way")
    left_out, reason = 0, ""
    for some, shell in zip(found, shells, strict=True):
        made = _field(shell, members)
        for member in some:
            converted = made.add()
            try:
                _write_ids_in_base64(signal, member)
                from_json(member, converted)
            except ValueError as error:
                made.pop()
                left_out, reason = left_out + 1, str(error)
    if left_out and left_out == sum(map(len, found)):
        raise ValueError(f"not an OTLP request: {reason}")
    return Converted(message.SerializeToString(), left_out, reason)


def _real(text: str) -> float | str:
    """Return a number, written as protobuf's JSON writes it where it is too large for a double."""
    number = float(text)
    if isfinite(number):
        return number
    return "Infinity" if number > 0 else "-Infinity"


def _field(message: Any, name: str) -> Any:
    """Return the field with this name in JSON."""
    return getattr(message, message.DESCRIPTOR.fields_by_camelcase_name[name].name)


def items(value: Any) -> Iterator[Any]:
    """The members of a JSON array; none where it is absent or null.

    Raises:
        ValueError: where it is something else.
    """
    if value is None:
        return iter(())
    if not isinstance(value, list):
        raise ValueError("an array was expected")  # noqa: TRY004 - all that is wrong with a request is alike
    return iter(value)


def objects(holder: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in the array of this name.

    Raises:
        ValueError: where something else is there.
    """
    for value in items(holder.get(name)):
        if not isinstance(value, dict):
            raise ValueError(f"{name}: objects were expected")  # noqa: TRY004 - see items
        yield value


def _write_ids_in_base64(signal: Signal, member: dict[str, Any]) -> None:
    """Rewrite the ids of a span, log record or metric, which OTLP's JSON has in hex and protobuf's own in base64.

    Raises:
        ValueError: where one is not in hex.
    """
    for holder in _holders_of_ids(signal, member):
        for name in ("traceId", "spanId", "parentSpanId"):
            if isinstance(holder.get(name), str):
                holder[name] = b64encode(bytes.fromhex(holder[name])).decode()


def _holders_of_ids(signal: Signal, member: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if signal is METRICS:
        for kind in _POINTS:
            data = member.get(kind)
            for point in objects(data, "dataPoints") if isinstance(data, dict) else ():
                yield from objects(point, "exemplars")
        return
    yield member
    if signal is TRACES:
        yield from objects(member, "links")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
