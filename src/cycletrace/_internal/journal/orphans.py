"""Ending the stages of dead processes: stages that began, never ended, and whose process has certainly ended.

The next reader (the shipper, ``report``) writes their end, with the outcome ``lost`` and the instant of their last
sign of life, to a new segment of the dead process's journal, and the root span of the implicit cycle that the process
created, which it would have written at its end. The content depends only on that journal, so concurrent readers write
the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cycletrace import conventions as c
from cycletrace._internal.journal.documents import (
    Document,
    EventDocument,
    SpanDocument,
    latest_instant,
    make_root,
    make_span,
    parse,
)
from cycletrace._internal.journal.files import (
    by_writer,
    is_closed,
    journal_directory,
    list_journals,
    next_segment,
    read_header,
)
from cycletrace._internal.journal.format import frame
from cycletrace._internal.journal.processes import INHERITED, is_gone


def close_orphans(directory: Path) -> int:
    """End the stages of all processes that have certainly ended. Return the number of lost stages."""
    writing = journal_directory(directory)
    return sum(
        _close_orphans_of(segments)
        for segments in by_writer(list_journals(directory))
        if segments[-1].parent == writing and not is_closed(segments[-1])
    )


def _close_orphans_of(segments: Sequence[Path]) -> int:
    header = read_header(segments[0])
    if header is None or not is_gone(header["process"]):
        return 0
    documents = list(_documents(segments))
    lost = unended(documents)
    roots = missing_roots(header["process"], [*documents, *lost])
    last = segments[-1].with_name(next_segment(segments[-1].name))
    opened = max(map(latest_instant, documents), default=0)
    lines: list[Document] = [{**header, "opened": opened}, *lost, *roots, {"closed": opened}]
    scratch = last.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        scratch.write_bytes(b"".join(map(frame, lines)))
        scratch.chmod(0o600)
        scratch.rename(last)
        return len(lost)
    return 0


def unended(documents: Iterable[Document]) -> list[SpanDocument]:
    """Return a span with the outcome ``lost`` for each stage that these documents start but do not end."""
    started: dict[str, EventDocument] = {}
    last_signs: dict[str, int] = {}
    for document in documents:
        if "attributes" not in document:
            continue
        stage = document["attributes"].get(c.STAGE_ID)
        if not isinstance(stage, str):
            continue
        last_signs[stage] = max(latest_instant(document), last_signs.get(stage, 0))
        if "event" in document:
            if document["event"] == c.STAGE_STARTED:
                started[stage] = document
        elif c.WAIT_ID not in document["attributes"]:
            started.pop(stage, None)
    return [_lost_span(start, last_signs[stage]) for stage, start in started.items()]


def missing_roots(process: Mapping[str, Any], documents: Iterable[Document]) -> list[SpanDocument]:
    """Return the root span of each implicit cycle that this process created, and whose root these documents lack."""
    if INHERITED not in process:  # written by a version that wrote no roots
        return []
    of_cycle: dict[str, list[EventDocument | SpanDocument]] = {}
    for document in documents:
        if "attributes" in document and document["attributes"].get(c.CYCLE_IMPLICIT):
            of_cycle.setdefault(document["trace_id"], []).append(document)
    of_cycle.pop(process[INHERITED], None)
    return [
        make_root(
            records[0]["attributes"],
            min(record["start"] if "span" in record else record["time"] for record in records),
            max(map(latest_instant, records)) + c.SHORT_NS,
            records[0]["service"],
            records[0]["namespace"],
        )
        for cycle_id, records in of_cycle.items()
        if all(record["span_id"] != c.root_span_id(cycle_id) for record in records)
    ]


def _lost_span(start: EventDocument, last_sign: int) -> SpanDocument:
    attributes = {name: value for name, value in start["attributes"].items() if name != c.STAGE_LEASE}
    return make_span(
        str(attributes.get(c.STAGE_NAME, "stage")),
        trace_id=start["trace_id"],
        span_id=start["span_id"],
        parent=attributes.get(c.STAGE_PARENT) or c.root_span_id(start["trace_id"]),
        start=start["time"],
        end=last_sign,
        service=start["service"],
        namespace=start["namespace"],
        attributes={**attributes, c.STAGE_OUTCOME: c.LOST, c.ERROR_TYPE: c.LOST},
        error="the process is gone",
    )


def _documents(segments: Iterable[Path]) -> Iterable[Document]:
    for segment in segments:
        with suppress(OSError), segment.open("rb") as file:
            for line in file:
                with suppress(ValueError):
                    yield parse(line)
