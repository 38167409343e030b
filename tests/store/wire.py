"""Records as the documents of a journal, for tests that go the whole way in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cycletrace import conventions as c
from cycletrace._internal.flow import Alias, Close, End, Heartbeat, Mark, Record, Retraction, Stage, Wait
from cycletrace._internal.journal.files import file_name, journal_directory
from cycletrace._internal.journal.format import VERSION, frame

HEADER: dict[str, Any] = {"journal": VERSION, "opened": 1, "process": {"pid": 1}, "resource": {}}


def attributes(record: Record) -> dict[str, Any]:
    """What the wire says of a record."""
    origin = record.origin
    said: dict[str, Any] = {
        c.CYCLE_ID: origin.cycle_id,
        c.CYCLE_KEY: origin.key,
        c.MODEL_NAME: origin.model,
        c.MODEL_DOMAIN: origin.domain,
        c.MODEL_VERSION: origin.version,
        c.CYCLE_TRIGGER: origin.trigger,
        c.CYCLE_IMPLICIT: origin.implicit or None,
    }
    if isinstance(record, Stage):
        said |= {
            c.STAGE_ID: record.id,
            c.STAGE_NAME: record.name,
            c.STAGE_KIND: record.kind,
            c.STAGE_OUTCOME: record.outcome,
            c.STAGE_ATTEMPT: record.attempt,
            c.ACTOR_TYPE: record.actor,
            c.ACTOR_ID: record.person,
            c.STAGE_LAUNCH: record.launch,
            c.ENVIRONMENT: record.environment,
            c.STAGE_PARENT: record.parent,
            c.MECHANISM: record.mechanism,
            c.STAGE_LEASE: record.lease,
        }
        if record.is_begin:
            said[c.STAGE_BEGUN] = said.pop(c.STAGE_NAME)
    elif isinstance(record, Heartbeat):
        said |= {c.STAGE_ID: record.stage, c.STAGE_LEASE: record.lease}
    elif isinstance(record, Wait) and record.is_begin:
        said |= {c.WAIT_BEGUN: record.reason, c.STAGE_ID: record.stage}
    elif isinstance(record, Wait):
        said |= {c.WAIT_ID: record.id, c.WAIT_REASON: record.reason, c.STAGE_ID: record.stage}
        said[c.WAIT_SUMMED] = record.is_summed or None
    elif isinstance(record, End):
        said |= {
            c.WAIT_ENDED if record.is_wait else c.STAGE_ENDED: record.name,
            c.STAGE_OUTCOME: record.outcome,
            c.STAGE_ATTEMPT: record.attempt,
            c.ENVIRONMENT: record.environment,
            c.MECHANISM: record.mechanism,
        }
    elif isinstance(record, Retraction):
        said[c.RETRACTED] = record.target
    elif isinstance(record, Mark):
        said |= {c.MARK_NAME: record.name, c.ENVIRONMENT: record.environment, c.MECHANISM: record.mechanism}
    elif isinstance(record, Alias):
        said[c.ALIAS_KEY] = record.key
    else:
        said[c.CYCLE_OUTCOME] = record.outcome
    return {name: value for name, value in said.items() if value is not None}


def span_id(record: Record) -> str | None:
    """The id of a span that is about an instant is that of its record."""
    if isinstance(record, (Mark, Alias, Close, End)) or (isinstance(record, Wait) and record.is_begin):
        return record.id
    return "f" * 16


def document(record: Record) -> dict[str, Any]:
    """The line of a journal for a record."""
    head = {
        "trace_id": record.origin.cycle_id,
        "span_id": span_id(record),
        "service": "test",
        "namespace": record.origin.namespace or "",
        "attributes": attributes(record),
    }
    if isinstance(record, (Stage, Wait)) and record.end is not None:
        return {"span": "span", "start": record.start, "end": record.end, "error": None, **head}
    if isinstance(record, (Mark, Alias, Close, End, Retraction)):
        return {"span": "span", "start": record.at, "end": record.at, "error": None, **head}
    if isinstance(record, (Stage, Wait)) and record.is_begin:
        return {"span": "span", "start": record.start, "end": record.start, "error": None, **head}
    if isinstance(record, Stage):
        return {"event": c.STAGE_STARTED, "time": record.start, **head}
    if isinstance(record, Wait):
        return {"event": c.WAIT_OPENED, "time": record.start, **head}
    return {"event": c.STAGE_HEARTBEAT, "time": record.at, **head}


def lines(records: Iterable[Record]) -> list[bytes]:
    return [frame(document(record)) for record in records]


def journal(directory: Path, content: Iterable[bytes], *, process: int = 1, segment: int = 0) -> Path:
    """A journal with these lines, after its header."""
    folder = journal_directory(directory)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(1, process, "token", segment)
    path.write_bytes(frame(HEADER) + b"".join(content))
    return path
