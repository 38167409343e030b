"""Extraction of cycletrace's records from requests, valid and invalid ones."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from math import isfinite, nan
from typing import Any, NamedTuple

from cycletrace._internal.collector import envelope
from cycletrace._internal.collector.json_request import MEMBERS, items, objects
from cycletrace._internal.flow import Record
from cycletrace._internal.otlp.json_messages import parse
from cycletrace._internal.otlp.signals import LOGS, TRACES, Encoding, Request
from cycletrace._internal.store import Rejected, Rejection, decode_event, decode_span, rejection
from cycletrace.conventions import PREFIX

STATUS_ERROR = 2
_OURS = PREFIX.encode()


class Extracted(NamedTuple):
    """cycletrace's records in a request."""

    records: list[Record]
    invalid: list[Rejection]


def may_be_ours(request: Request) -> bool:
    r"""Return whether a request may contain records of cycletrace, by a search that does not parse it.

    Nothing is missed: protobuf contains strings as they are, and JSON can only write these letters in another way as
    ``\u``.
    """
    if request.signal is not TRACES and request.signal is not LOGS:
        return False
    return _OURS in request.body or (request.encoding is Encoding.JSON and rb"\u" in request.body)


def check(request: Request) -> None:
    """Check that the body of a request can be parsed.

    Raises:
        ValueError: where it cannot.
    """
    if request.encoding is Encoding.JSON:
        for _ in _members_in_json(request):
            pass
    else:
        for _ in envelope.members(request.body):
            break


def read(request: Request) -> Extracted:
    """Extract cycletrace's records from a request.

    Raises:
        ValueError: where it is not a request.
    """
    extracted = Extracted([], [])
    found = _in_json(request) if request.encoding is Encoding.JSON else _in_protobuf(request)
    for decode, content in found:
        try:
            record = decode()
        except (Rejected, ValueError) as error:
            extracted.invalid.append(rejection(str(error), content()))
        else:
            if record is not None:
                extracted.records.append(record)
    return extracted


_Found = tuple[Callable[[], Record | None], Callable[[], bytes]]
"""Decodes a member that may be a record, and returns its content if that fails."""


def _in_protobuf(request: Request) -> Iterator[_Found]:
    decode = _protobuf_span if request.signal is TRACES else _protobuf_event
    resources: dict[bytes, Mapping[str, object] | ValueError] = {}
    for member in envelope.members(request.body):
        if _OURS not in member.content:
            continue
        if member.resource not in resources:
            resources[member.resource] = _resource(member.resource)
        resource = resources[member.resource]
        yield (lambda: decode(member.content, resource)), (lambda: member.content)  # noqa: B023 - called at once


def _resource(content: bytes) -> Mapping[str, object] | ValueError:
    try:
        return envelope.attributes(envelope.resource(content))
    except ValueError as error:
        return ValueError(f"its resource is invalid: {error}")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _protobuf_span(content: bytes, resource: Mapping[str, object] | ValueError) -> Record | None:
    if isinstance(resource, ValueError):
        raise resource
    span = envelope.span(content)
    return decode_span(
        span.name,
        span.span_id.hex(),
        envelope.attributes(span),
        span.start,
        span.end,
        is_error=span.status.code == STATUS_ERROR,
        resource=resource,
    )


def _protobuf_event(content: bytes, resource: Mapping[str, object] | ValueError) -> Record | None:
    if isinstance(resource, ValueError):
        raise resource
    log = envelope.log_record(content)
    if not log.event_name.startswith(PREFIX):
        return None
    return decode_event(log.event_name, envelope.attributes(log), log.time or log.observed, resource=resource)


def _in_json(request: Request) -> Iterator[_Found]:
    decode = _json_span if request.signal is TRACES else _json_event
    for resource, member in _members_in_json(request):
        yield (
            (lambda: decode(member, resource)),  # noqa: B023 - called at once
            (lambda: json.dumps(member).encode()),  # noqa: B023 - called at once
        )


def _members_in_json(request: Request) -> Iterator[tuple[object, dict[str, Any]]]:
    """Yield spans, log records or metrics, each after its resource.

    Raises:
        ValueError: where it is not a request.
    """
    resources, scopes, members = MEMBERS[request.signal]
    for resource in objects(parse(request.body), resources):
        for scope in objects(resource, scopes):
            for member in objects(scope, members):
                yield resource.get("resource"), member


def _json_resource(resource: object) -> Mapping[str, object]:
    return _attributes(resource) if isinstance(resource, dict) else {}


def _is_ours(span: dict[str, Any]) -> bool:
    attributes = span.get("attributes")
    return isinstance(attributes, list) and any(
        isinstance(attribute, dict) and str(attribute.get("key")).startswith(PREFIX) for attribute in attributes
    )


def _json_span(span: dict[str, Any], resource: object) -> Record | None:
    if not _is_ours(span):
        return None
    status = span.get("status")
    return decode_span(
        span.get("name"),
        span.get("spanId"),
        _attributes(span),
        _integer(span.get("startTimeUnixNano")),
        _integer(span.get("endTimeUnixNano")),
        is_error=isinstance(status, dict) and status.get("code") in (STATUS_ERROR, "STATUS_CODE_ERROR"),
        resource=_json_resource(resource),
    )


def _json_event(log: dict[str, Any], resource: object) -> Record | None:
    name = log.get("eventName")
    if not isinstance(name, str) or not name.startswith(PREFIX):
        return None
    at = _integer(log.get("timeUnixNano")) or _integer(log.get("observedTimeUnixNano"))
    return decode_event(name, _attributes(log), at, resource=_json_resource(resource))


def _attributes(holder: dict[str, Any]) -> dict[str, object]:
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
        return _text(content)
    if kind == "intValue":
        return _integer(content)
    if kind == "boolValue" and isinstance(content, bool):
        return content
    if kind == "doubleValue":
        return _double(content)
    return b""


_KINDS = {"stringValue", "boolValue", "intValue", "doubleValue", "arrayValue", "kvlistValue", "bytesValue"}


def _is_given(field: object, content: object) -> bool:
    """Return whether a field holds the value: not null, nor a field that a later version of OTLP may add."""
    return field in _KINDS and content is not None


def _integer(value: object) -> int:
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
