"""OTLP requests in JSON: reading them without trust, and writing them as protobuf for a backend that knows no JSON.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, NoReturn

from google.protobuf import json_format

from cycletrace.collector.signals import LOGS, TRACES, Signal

_POINTS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")


def parse(body: bytes) -> dict[str, Any]:
    """The request as plain values.

    Raises:
        ValueError: where it is not a JSON object, or nested too deep to be a request.
    """
    try:
        request = json.loads(body.decode(), parse_constant=_refuse)  # UTF-8 and nothing else
    except RecursionError:
        raise ValueError("not an OTLP request: nested too deep") from None
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(request, dict):
        raise ValueError("not an OTLP request: no JSON object")  # noqa: TRY004 - all that is wrong with it is alike
    return request


def to_protobuf(signal: Signal, body: bytes) -> bytes:
    """The same request in protobuf.

    Raises:
        ValueError: where it is not a request of this signal.
    """
    request = parse(body)
    message = signal.request()
    try:
        for holder in _holders_of_ids(signal, request):
            for name in ("traceId", "spanId", "parentSpanId"):
                if isinstance(holder.get(name), str):
                    holder[name] = b64encode(bytes.fromhex(holder[name])).decode()
        json_format.ParseDict(request, message, ignore_unknown_fields=True)
    except (ValueError, TypeError, AttributeError, RecursionError, json_format.Error) as error:
        raise ValueError(f"not an OTLP request: {error}"[:500]) from None
    serialized: bytes = message.SerializeToString()
    return serialized


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


def _holders_of_ids(signal: Signal, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The objects whose ids JSON writes in hex, where protobuf's own JSON has base64."""
    if signal is TRACES:
        for resource in objects(request, "resourceSpans"):
            for scope in objects(resource, "scopeSpans"):
                for span in objects(scope, "spans"):
                    yield span
                    yield from objects(span, "links")
    elif signal is LOGS:
        for resource in objects(request, "resourceLogs"):
            for scope in objects(resource, "scopeLogs"):
                yield from objects(scope, "logRecords")
    else:
        for resource in objects(request, "resourceMetrics"):
            for scope in objects(resource, "scopeMetrics"):
                for metric in objects(scope, "metrics"):
                    for kind in _POINTS:
                        for point in objects(metric.get(kind) or {}, "dataPoints"):
                            yield from objects(point, "exemplars")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
