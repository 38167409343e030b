"""OTLP requests in JSON: parsing untrusted ones, and converting them to protobuf for backends that know no JSON.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from math import isfinite
from typing import Any, NamedTuple

from cycletrace._internal.otlp.json_messages import from_json, parse
from cycletrace._internal.otlp.signals import LOGS, METRICS, TRACES, Signal

MEMBERS = {
    TRACES: ("resourceSpans", "scopeSpans", "spans"),
    LOGS: ("resourceLogs", "scopeLogs", "logRecords"),
    METRICS: ("resourceMetrics", "scopeMetrics", "metrics"),
}
"""By signal: the arrays of a request from the outermost to the one of its members."""
_POINTS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")


class Converted(NamedTuple):
    """A request in protobuf, how many members were omitted because protobuf cannot represent them, and why the last."""

    body: bytes
    omitted: int
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
        raise ValueError(f"not an OTLP request: expected the fields {resources} and {scopes}, in this spelling")
    omitted, reason = 0, ""
    for some, shell in zip(found, shells, strict=True):
        made = _field(shell, members)
        for member in some:
            converted = made.add()
            try:
                _write_ids_in_base64(signal, member)
                from_json(member, converted)
            except ValueError as error:
                made.pop()
                omitted, reason = omitted + 1, str(error)
    if omitted and omitted == sum(map(len, found)):
        raise ValueError(f"not an OTLP request: {reason}")
    return Converted(message.SerializeToString(), omitted, reason)


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
    """Return the members of a JSON array: none if it is absent or null.

    Raises:
        ValueError: where it is something else.
    """
    if value is None:
        return iter(())
    if not isinstance(value, list):
        raise ValueError("expected an array")  # noqa: TRY004 - all that is wrong with a request is alike
    return iter(value)


def objects(holder: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in the array of this name.

    Raises:
        ValueError: where something else is there.
    """
    for value in items(holder.get(name)):
        if not isinstance(value, dict):
            raise ValueError(f"{name}: expected objects")  # noqa: TRY004 - see items
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
