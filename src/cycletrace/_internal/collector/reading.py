"""Extraction of records from requests, valid and invalid ones: cycletrace's own, and what rules make of others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from cycletrace._internal.collector import envelope
from cycletrace._internal.collector.json_request import MEMBERS, objects
from cycletrace._internal.collector.json_values import attributes, integer
from cycletrace._internal.flow import Record
from cycletrace._internal.otlp.json_messages import parse
from cycletrace._internal.otlp.signals import LOGS, TRACES, Encoding, Request
from cycletrace._internal.rules import Rule, Span, Unused, apply, may_match
from cycletrace._internal.store import Rejected, Rejection, decode_event, decode_span, rejection
from cycletrace.conventions import PREFIX

STATUS_ERROR = 2
_OURS = PREFIX.encode()


class _UnusableError(ValueError):
    """A span of another program that a rule means and cannot use."""


class Extracted(NamedTuple):
    """The records in a request."""

    records: list[Record]
    invalid: list[Rejection]
    """Those of cycletrace that cannot be used."""
    unusable: list[Rejection]
    """Spans of other programs that rules mean and cannot use. Their senders need not know."""


def may_hold_records(request: Request, rules: Sequence[Rule] = ()) -> bool:
    r"""Return whether a request may contain records, by a search that does not parse it.

    Nothing is missed: protobuf contains strings as they are, and JSON can only write these letters in another way as
    ``\u``.
    """
    if request.signal is not TRACES and request.signal is not LOGS:
        return False
    if _OURS in request.body or (request.encoding is Encoding.JSON and rb"\u" in request.body):
        return True
    return bool(rules) and request.signal is TRACES and may_match(rules, request.body)


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


def read(request: Request, rules: Sequence[Rule] = ()) -> Extracted:
    """Extract records from a request: those of cycletrace, and those that rules make of spans of other programs.

    Raises:
        ValueError: where it is not a request.
    """
    extracted = Extracted([], [], [])
    if request.signal is not TRACES:
        rules = ()
    found = _in_json(request, rules) if request.encoding is Encoding.JSON else _in_protobuf(request, rules)
    for decode, content, is_ours in found:
        try:
            record = decode()
        except (Rejected, ValueError) as error:
            is_theirs = isinstance(error, _UnusableError) or not is_ours
            (extracted.unusable if is_theirs else extracted.invalid).append(rejection(str(error), content()))
        else:
            if record is not None:
                extracted.records.append(record)
    return extracted


def spans_in_json(request: Request) -> Iterator[tuple[Span, Mapping[str, object]]]:
    """Yield all spans of a request in JSON, each with the attributes of its resource.

    Raises:
        ValueError: where it is not a request.
    """
    for resource, member in _members_in_json(request):
        yield _span_in_json(member), _json_resource(resource)


_Found = tuple[Callable[[], Record | None], Callable[[], bytes], bool]
"""Decodes a member that may be a record; returns its content if that fails; and whether it may be cycletrace's own."""


def _in_protobuf(request: Request, rules: Sequence[Rule]) -> Iterator[_Found]:
    decode = partial(_protobuf_span, rules) if request.signal is TRACES else _protobuf_event
    resources: dict[bytes, Mapping[str, object] | ValueError] = {}
    for member in envelope.members(request.body, b"" if rules else _OURS):
        is_ours = not rules or _OURS in member.content
        if not is_ours and not may_match(rules, member.content, member.resource):
            continue
        if member.resource not in resources:
            resources[member.resource] = _resource(member.resource)
        resource = resources[member.resource]
        yield (lambda: decode(member.content, resource)), (lambda: member.content), is_ours  # noqa: B023 - called at once


def _resource(content: bytes) -> Mapping[str, object] | ValueError:
    try:
        return envelope.attributes(envelope.resource(content))
    except ValueError as error:
        return ValueError(f"its resource is invalid: {error}")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _record(rules: Sequence[Rule], span: Span, resource: Mapping[str, object]) -> Record | None:
    """Return the record that a span is, or that rules make of it if it is of another program.

    Raises:
        Rejected: if it cannot be used.
        _UnusableError: if a rule means it and cannot use it.
    """
    if not rules or any(name.startswith(PREFIX) for name in span.attributes):
        return decode_span(
            span.name,
            span.span_id,
            span.attributes,
            span.start,
            span.end,
            is_error=span.is_error,
            resource=resource,
        )
    made = apply(rules, span, resource)
    if not isinstance(made, Unused):
        return made
    if made.is_wrong:
        raise _UnusableError(made.reason)
    return None


def _protobuf_span(rules: Sequence[Rule], content: bytes, resource: Mapping[str, object] | ValueError) -> Record | None:
    if isinstance(resource, ValueError):
        raise resource
    span = envelope.span(content)
    plain = Span(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start=span.start,
        end=span.end,
        is_error=span.status.code == STATUS_ERROR,
        attributes=envelope.attributes(span),
    )
    return _record(rules, plain, resource)


def _protobuf_event(content: bytes, resource: Mapping[str, object] | ValueError) -> Record | None:
    if isinstance(resource, ValueError):
        raise resource
    log = envelope.log_record(content)
    if not log.event_name.startswith(PREFIX):
        return None
    return decode_event(log.event_name, envelope.attributes(log), log.time or log.observed, resource=resource)


def _in_json(request: Request, rules: Sequence[Rule]) -> Iterator[_Found]:
    decode = partial(_json_span, rules) if request.signal is TRACES else _json_event
    for resource, member in _members_in_json(request):
        is_ours = request.signal is not TRACES or _is_ours(member)
        if is_ours or rules:
            yield (
                (lambda: decode(member, resource)),  # noqa: B023 - called at once
                (lambda: json.dumps(member).encode()),  # noqa: B023 - called at once
                is_ours,
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
    return attributes(resource) if isinstance(resource, dict) else {}


def _is_ours(span: dict[str, Any]) -> bool:
    given = span.get("attributes")
    return isinstance(given, list) and any(
        isinstance(attribute, dict) and str(attribute.get("key")).startswith(PREFIX) for attribute in given
    )


def _json_span(rules: Sequence[Rule], span: dict[str, Any], resource: object) -> Record | None:
    return _record(rules, _span_in_json(span), _json_resource(resource))


def _span_in_json(span: dict[str, Any]) -> Span:
    status = span.get("status")
    return Span(
        name=_text(span.get("name")),
        trace_id=_text(span.get("traceId")).lower(),
        span_id=_text(span.get("spanId")).lower(),
        parent_id=_text(span.get("parentSpanId")).lower(),
        start=integer(span.get("startTimeUnixNano")),
        end=integer(span.get("endTimeUnixNano")),
        is_error=isinstance(status, dict) and status.get("code") in (STATUS_ERROR, "STATUS_CODE_ERROR"),
        attributes=attributes(span),
    )


def _json_event(log: dict[str, Any], resource: object) -> Record | None:
    name = log.get("eventName")
    if not isinstance(name, str) or not name.startswith(PREFIX):
        return None
    at = integer(log.get("timeUnixNano")) or integer(log.get("observedTimeUnixNano"))
    return decode_event(name, attributes(log), at, resource=_json_resource(resource))
