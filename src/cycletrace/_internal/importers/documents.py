"""Records as documents of a journal, from which the readers' decoder makes the same records."""

from __future__ import annotations

import re
from typing import Any

from cycletrace import conventions as c
from cycletrace._internal.flow import Alias, Close, End, Heartbeat, Mark, Record, RecordOrigin, Retraction, Stage, Wait
from cycletrace._internal.journal.documents import EventDocument, SpanDocument, make_event, make_span
from cycletrace._internal.sdk.cycles import service_name

_SPAN_ID = re.compile(r"(?!0{16})[0-9a-f]{16}", re.ASCII)


def document_of(record: Record) -> SpanDocument | EventDocument:
    """Return the document that holds a record. What lasts and has not ended is an event."""
    if isinstance(record, Stage):
        return _stage(record)
    if isinstance(record, Wait):
        return _wait(record)
    if isinstance(record, Heartbeat):
        attributes = {c.STAGE_ID: record.stage, c.STAGE_LEASE: record.lease}
        return _event(record.origin, c.STAGE_HEARTBEAT, record.stage, record.at, attributes)
    if isinstance(record, End):
        return _end(record)
    if isinstance(record, Mark):
        said = {c.MARK_NAME: record.name, c.ENVIRONMENT: record.environment, c.MECHANISM: record.mechanism}
        return _short(record, c.mark_span(record.name), said)
    if isinstance(record, Alias):
        return _short(record, c.ALIAS_SPAN, {c.ALIAS_KEY: record.key})
    if isinstance(record, Close):
        return _short(record, c.CLOSE_SPAN, {c.CYCLE_OUTCOME: record.outcome})
    return _short(record, c.RETRACT_SPAN, {c.RETRACTED: record.target})


def _stage(stage: Stage) -> SpanDocument | EventDocument:
    attributes = {
        c.STAGE_ID: stage.id,
        c.STAGE_KIND: stage.kind,
        c.STAGE_ATTEMPT: stage.attempt,
        c.STAGE_PARENT: stage.parent,
        c.STAGE_LAUNCH: stage.launch,
        c.STAGE_LEASE: stage.lease,
        c.ACTOR_TYPE: stage.actor,
        c.ACTOR_ID: stage.person,
        c.ENVIRONMENT: stage.environment,
        c.MECHANISM: stage.mechanism,
    }
    if stage.is_begin:
        begin = c.begin_span(stage.name)
        own_id = f"{begin} {stage.id} {stage.start}"  # its stage's belongs to the run
        attributes = {c.STAGE_BEGUN: stage.name, **attributes}
        return _span(stage.origin, begin, own_id, stage.start, stage.start + c.SHORT_NS, attributes, stage.parent)
    attributes = {c.STAGE_NAME: stage.name, **attributes}
    if stage.end is None:
        return _event(stage.origin, c.STAGE_STARTED, stage.id, stage.start, attributes)
    attributes[c.STAGE_OUTCOME] = stage.outcome
    return _span(stage.origin, stage.name, stage.id, stage.start, stage.end, attributes, stage.parent, stage.outcome)


def _wait(wait: Wait) -> SpanDocument | EventDocument:
    if wait.is_begin:
        attributes = {c.WAIT_BEGUN: wait.reason, c.STAGE_ID: wait.stage}
        end = wait.start + c.SHORT_NS
        return _span(wait.origin, c.begin_span(wait.reason), wait.id, wait.start, end, attributes, wait.stage)
    attributes = {c.WAIT_ID: wait.id, c.WAIT_REASON: wait.reason, c.STAGE_ID: wait.stage}
    if wait.end is None:
        return _event(wait.origin, c.WAIT_OPENED, wait.id, wait.start, attributes)
    summed = {c.WAIT_SUMMED: wait.is_summed or None}
    name = c.wait_span(wait.reason)
    return _span(wait.origin, name, wait.id, wait.start, wait.end, {**attributes, **summed}, wait.stage)


def _end(end: End) -> SpanDocument:
    if end.is_wait:
        return _short(end, c.end_span(end.name), {c.WAIT_ENDED: end.name})
    attributes = {
        c.STAGE_ENDED: end.name,
        c.STAGE_OUTCOME: end.outcome,
        c.STAGE_ATTEMPT: end.attempt,
        c.ENVIRONMENT: end.environment,
        c.MECHANISM: end.mechanism,
    }
    return _short(end, c.end_span(end.name), attributes, end.outcome)


def _short(
    record: Mark | Alias | Close | End | Retraction, name: str, attributes: dict[str, Any], outcome: str | None = None
) -> SpanDocument:
    """Return the document of an instant. A retraction has no id, since nothing can name it."""
    own_id = None if isinstance(record, Retraction) else record.id
    own_id = own_id or f"{name} {attributes} {record.at}"
    return _span(record.origin, name, own_id, record.at, record.at + c.SHORT_NS, attributes, outcome=outcome)


def _span(
    origin: RecordOrigin,
    name: str,
    own_id: str,
    start: int,
    end: int,
    attributes: dict[str, Any],
    parent: str | None = None,
    outcome: str | None = None,
) -> SpanDocument:
    error = outcome if outcome in c.ERROR_OUTCOMES else None
    return make_span(
        name,
        trace_id=origin.cycle_id,
        span_id=_span_id(origin, own_id),
        parent=_span_id(origin, parent) if parent else c.root_span_id(origin.cycle_id),
        start=start,
        end=end,
        service=_service(origin),
        namespace=origin.namespace or "",
        attributes=_stated({**attributes, c.ERROR_TYPE: error}, origin),
        error=error,
    )


def _event(origin: RecordOrigin, name: str, own_id: str, at: int, attributes: dict[str, Any]) -> EventDocument:
    return make_event(
        name,
        trace_id=origin.cycle_id,
        span_id=_span_id(origin, own_id),
        time=at,
        service=_service(origin),
        namespace=origin.namespace or "",
        attributes=_stated(attributes, origin),
    )


def _stated(attributes: dict[str, Any], origin: RecordOrigin) -> dict[str, Any]:
    """Return the attributes that state something, and those of the cycle after them."""
    of_cycle = {
        c.CYCLE_ID: origin.cycle_id,
        c.CYCLE_KEY: origin.key,
        c.CYCLE_NAMESPACE: origin.namespace or "",
        c.CYCLE_TRIGGER: origin.trigger,
        c.CYCLE_IMPLICIT: origin.implicit or None,
        c.MODEL_NAME: origin.model,
        c.MODEL_DOMAIN: origin.domain,
        c.MODEL_VERSION: origin.version,
    }
    return {name: value for name, value in {**attributes, **of_cycle}.items() if value is not None}


def _service(origin: RecordOrigin) -> str:
    return service_name() or origin.model or "cycletrace"


def _span_id(origin: RecordOrigin, own_id: str) -> str:
    """Return an id as trace backends take it: the record's own, else one that follows from it."""
    return own_id if _SPAN_ID.fullmatch(own_id) else c.job_record_id(origin.cycle_id, "", "", own_id, 1)
