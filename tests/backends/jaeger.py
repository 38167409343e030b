"""Jaeger with the configuration of ``compose/``, and its own APIs as a client sees them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.backends.programs import ROOT, Program, eventually, free_ports, get_json, program, running


class Span(NamedTuple):
    """A span as Jaeger gives it back. Instants are UTC nanoseconds."""

    trace_id: str
    span_id: str
    parent: str
    name: str
    start: int
    end: int
    service: str
    is_error: bool
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]


class Jaeger:
    """A running Jaeger."""

    def __init__(self, folder: Path) -> None:
        grpc, http, query, query_grpc = free_ports(4)
        self.grpc, self.http = f"http://127.0.0.1:{grpc}", f"http://127.0.0.1:{http}"
        self.url = f"http://127.0.0.1:{query}"
        self.program = Program(
            [program("jaeger"), "--config", str(ROOT / "compose" / "jaeger.yaml")],
            folder / "jaeger.log",
            lambda: get_json(f"{self.url}/api/v3/services") is not None,
            JAEGER_OTLP_GRPC=f"127.0.0.1:{grpc}",
            JAEGER_OTLP_HTTP=f"127.0.0.1:{http}",
            JAEGER_QUERY_HTTP=f"127.0.0.1:{query}",
            JAEGER_QUERY_GRPC=f"127.0.0.1:{query_grpc}",
        )

    def services(self) -> list[str]:
        return sorted((get_json(f"{self.url}/api/v3/services") or {}).get("services") or [])

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of a trace, by start; none where it is not known."""
        return _spans(get_json(f"{self.url}/api/v3/traces/{trace_id}"))

    def whole_trace(self, trace_id: str, count: int) -> list[Span]:
        """The trace, once it has so many spans."""
        return eventually(
            lambda: found if len(found := self.trace(trace_id)) >= count else None, f"{count} spans of {trace_id}"
        )

    def search(self, service: str, start: int, end: int, operation: str = "") -> list[Span]:
        """All spans of the traces that a search by service (and operation) finds between two instants."""
        asked = {
            "query.service_name": service,
            "query.start_time_min": _iso(start),
            "query.start_time_max": _iso(end),
            "query.num_traces": "100",
            **({"query.operation_name": operation} if operation else {}),
        }
        return _spans(get_json(f"{self.url}/api/v3/traces?{urlencode(asked)}"))

    def search_tag(self, service: str, start: int, end: int, **tags: str) -> set[str]:
        """Ids of the traces that a search by tags finds: names with ``_`` for dots, as the page of Jaeger asks."""
        wanted = {name.replace("_", "."): value for name, value in tags.items()}
        asked = {
            "service": service,
            "tags": json.dumps(wanted),
            "start": str(start // 1000),
            "end": str(end // 1000),
            "limit": "100",
        }
        found = get_json(f"{self.url}/api/traces?{urlencode(asked)}") or {"data": []}
        return {trace["traceID"] for trace in found["data"]}

    def notes(self, trace_id: str) -> dict[str, list[str]]:
        """What Jaeger's page would complain of in this trace, by the name of the span."""
        found = get_json(f"{self.url}/api/traces/{trace_id}")
        (trace,) = found["data"]
        noted: dict[str, list[str]] = {}
        for span in trace["spans"]:
            noted.setdefault(span["operationName"], []).extend(span.get("warnings") or [])
        return noted


@contextmanager
def started(folder: Path) -> Iterator[Jaeger]:
    """A Jaeger of one's own."""
    jaeger = Jaeger(folder)
    with running(jaeger.program):
        yield jaeger


@dataclass
class Tree:
    """A trace as one looks at it: by names."""

    spans: list[Span]

    def missing_parents(self, root: str = "") -> list[str]:
        """Names of the spans whose parent is not there; the id of a root that is yet to come is no such."""
        known = {span.span_id for span in self.spans} | {"", root}
        return [span.name for span in self.spans if span.parent not in known]

    def parent_names(self) -> dict[str, str]:
        """By name, the name of the parent; empty where that is the root or none."""
        names = {span.span_id: span.name for span in self.spans}
        return {span.name: names.get(span.parent, "") for span in self.spans}

    def repeated_ids(self) -> list[str]:
        return [span_id for span_id, count in Counter(span.span_id for span in self.spans).items() if count > 1]


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at // 10**9, tz=timezone.utc).isoformat().replace("+00:00", "Z")


def _spans(answer: Any) -> list[Span]:
    if not answer:
        return []
    found = [
        _span(span, _attributes(resource.get("resource", {})).get("service.name", ""))
        for resource in answer["result"].get("resourceSpans", [])
        for scope in resource.get("scopeSpans", [])
        for span in scope.get("spans", [])
    ]
    return sorted(found, key=lambda span: (span.start, span.span_id))


def _span(said: Any, service: str) -> Span:
    return Span(
        said["traceId"],
        said["spanId"],
        said.get("parentSpanId", ""),
        said["name"],
        int(said["startTimeUnixNano"]),
        int(said["endTimeUnixNano"]),
        service,
        said.get("status", {}).get("code", 0) in (2, "STATUS_CODE_ERROR"),
        _attributes(said),
        tuple((link["traceId"], link["spanId"]) for link in said.get("links", [])),
    )


def _attributes(holder: Any) -> dict[str, Any]:
    """The attributes that were sent: reading a trace adds Jaeger's own warnings to what it stores."""
    found = {item["key"]: _value(item["value"]) for item in holder.get("attributes", [])}
    return {name: value for name, value in found.items() if not name.startswith("@jaeger@")}


def _value(value: dict[str, Any]) -> Any:
    ((kind, content),) = value.items()
    return int(content) if kind == "intValue" else content
