"""The documents in a journal's lines: their fields, one builder each for spans and events, and the parser.

The first line of a journal holds a header, the last one after a proper exit a closing; between them are spans and
events. ``docs/architecture.md`` describes the fields.
"""

# Annotations are evaluated here: typing would compile each of those that are text, at every start of a program.
from collections.abc import Mapping
from typing import Any, TypeAlias, TypedDict, cast, final

from cycletrace import conventions as c
from cycletrace._internal.journal.format import unframe


@final
class Header(TypedDict):
    """The writer of a journal."""

    journal: int
    process: dict[str, Any]
    resource: dict[str, Any]
    opened: int


class _Span(TypedDict):
    span: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    start: int
    end: int
    service: str
    namespace: str
    attributes: dict[str, Any]
    error: str | None


@final
class SpanDocument(_Span, total=False):
    """A run, a wait, a mark, an alias or an outcome. ``error`` is the message of the status, ``None`` on success."""

    events: list[list[Any]]
    """What the code added to the stage's span: name, instant and attributes of each event."""
    links: list[list[Any]]
    """Trace id, span id and attributes of each link."""


@final
class EventDocument(TypedDict):
    """A start or a heartbeat of a stage, or the start of a wait."""

    event: str
    time: int
    trace_id: str
    span_id: str
    service: str
    namespace: str
    attributes: dict[str, Any]


@final
class Closing(TypedDict):
    """The proper end of a journal."""

    closed: int


Record: TypeAlias = SpanDocument | EventDocument
Document: TypeAlias = Header | SpanDocument | EventDocument | Closing

_OF_CYCLE = "cycletrace.cycle."
_OF_MODEL = "cycletrace.model."
_TEXT_OR_NONE = (str, type(None))
_REQUIRED: dict[str, dict[str, type | tuple[type, ...]]] = {
    "span": {
        "span": str,
        "trace_id": str,
        "span_id": str,
        "parent_span_id": _TEXT_OR_NONE,
        "start": int,
        "end": int,
        "service": str,
        "namespace": str,
        "attributes": dict,
        "error": _TEXT_OR_NONE,
    },
    "event": {
        "event": str,
        "time": int,
        "trace_id": str,
        "span_id": str,
        "service": str,
        "namespace": str,
        "attributes": dict,
    },
    "journal": {"journal": int, "process": dict, "resource": dict, "opened": int},
    "closed": {"closed": int},
}
"""By the field that identifies the kind of a document: the fields that it must have, with their types."""


def make_span(
    name: str,
    *,
    trace_id: str,
    span_id: str,
    start: int,
    end: int,
    service: str,
    attributes: dict[str, Any],
    parent: str | None = None,
    namespace: str = "",
    error: str | None = None,
) -> SpanDocument:
    """Return the document of a span."""
    return {
        "span": name,
        "trace_id": trace_id,
        "span_id": span_id,
        "parent_span_id": parent,
        "start": start,
        "end": end,
        "service": service,
        "namespace": namespace,
        "attributes": attributes,
        "error": error,
    }


def make_root(attributes: Mapping[str, Any], start: int, end: int, service: str, namespace: str) -> SpanDocument:
    """Return the document of the root span of a cycle, given the attributes of any of its records. It is no record."""
    cycle_id = attributes[c.CYCLE_ID]
    of_cycle = {name: value for name, value in attributes.items() if name.startswith((_OF_CYCLE, _OF_MODEL))}
    return make_span(
        c.cycle_span(attributes[c.CYCLE_KEY]),
        trace_id=cycle_id,
        span_id=c.root_span_id(cycle_id),
        start=start,
        end=end,
        service=service,
        namespace=namespace,
        attributes={c.DERIVED: True, **of_cycle},
    )


def make_event(
    name: str, *, trace_id: str, span_id: str, time: int, service: str, attributes: dict[str, Any], namespace: str = ""
) -> EventDocument:
    """Return the document of an event."""
    return {
        "event": name,
        "time": time,
        "trace_id": trace_id,
        "span_id": span_id,
        "service": service,
        "namespace": namespace,
        "attributes": attributes,
    }


def parse(line: bytes) -> Document:
    """Return the document in a line (with or without its newline).

    Raises:
        ValueError: if the line is truncated or damaged, or its document is not one that this version knows.
    """
    document = unframe(line)
    for kind, required in _REQUIRED.items():
        if kind in document:
            _check(document, required)
            return cast("Document", document)
    raise ValueError("not a kind of document that this version knows")


def _check(document: Mapping[str, Any], required: Mapping[str, type | tuple[type, ...]]) -> None:
    for name, types in required.items():
        if not isinstance(document.get(name, ...), types):
            raise ValueError(f"{name} is missing or of another type")  # noqa: TRY004 - readers handle all damage alike


def latest_instant(document: Document) -> int:
    """Return the latest instant in a document, UTC nanoseconds."""
    if "span" in document:
        return max(document["start"], document["end"])
    if "event" in document:
        return document["time"]
    return document["opened"] if "journal" in document else document["closed"]
