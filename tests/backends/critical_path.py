"""Jaeger's critical path, as its page computes it.

Source: jaeger-ui, ``TraceTimelineViewer/CriticalPath``: from the end of the root backwards, each time into the child
that ends last before where the sweep stands.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from tests.backends.jaeger import Span


class Section(NamedTuple):
    """A stretch of the critical path, in microseconds, as Jaeger has it."""

    span: Span
    start: int
    end: int


def critical_path(spans: list[Span]) -> list[Section]:
    """The sections of a trace with one root, latest first."""
    by_id = {span.span_id: span for span in spans}
    children: dict[str, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=_end, reverse=True):
        children[span.parent].append(span)
    sections = []
    (root,) = (span for span in spans if span.parent not in by_id)
    here: Span | None = root
    returning: int | None = None
    while here is not None:
        until = _end(here) if returning is None else returning
        inner = [child for child in children[here.span_id] if returning is None or _end(child) < returning]
        start = _end(inner[0]) if inner else here.start // 1000
        if start != until:
            sections.append(Section(here, start, until))
        if inner:
            here, returning = inner[0], None
        else:
            returning = here.start // 1000
            here = by_id.get(here.parent)
    return sections


def _end(span: Span) -> int:
    return span.end // 1000
