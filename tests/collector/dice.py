"""A seeded generator of whatever teams send, and three ways to write it: records, journal documents, OTLP."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from google.protobuf import json_format
from tests.collector.otlp import Value, log, logs, span, traces

from cycletrace import conventions as c
from cycletrace._internal.flow import Alias, Close, Heartbeat, Mark, Record, RecordOrigin, Stage, Wait
from cycletrace._internal.journal.format import frame

SECOND = 1_000_000_000
BEGIN = 1_750_000_000 * SECOND
"""All instants lie within ten hours after this one."""
AFTER = BEGIN + 365 * 86400 * SECOND
"""Long after: every lease has run out, every deployed cycle has settled."""

NAMESPACES = ("", "team")
KEYS = ("churn@1", "churn@2", "churn@3", "fraud@1", "fraud@2", "alias-of-something")


class Item(NamedTuple):
    """Something that one process records: a span or an event, of one namespace."""

    namespace: str
    name: str
    attributes: Mapping[str, Value]
    start: int
    end: int | None
    """``None``: an event."""
    is_error: bool = False


def records(seed: int, count: int) -> list[Record]:
    """Records of a few cycles, with conflicts, loops of aliases, negative intervals, everything."""
    dice = random.Random(seed)
    return [_record(dice) for _ in range(count)]


def _record(dice: random.Random) -> Record:
    namespace, key = dice.choice(NAMESPACES), dice.choice(KEYS)
    origin = RecordOrigin(
        c.cycle_id(namespace, key),
        key if dice.random() < 0.8 else None,
        namespace or None,
        key.partition("@")[0] if dice.random() < 0.8 else None,
        dice.choice((None, None, "risk")),
        dice.choice((None, key.partition("@")[2] or None)),
        dice.choice((None, None, "idea", "drift")),
        implicit=dice.random() < 0.1,
    )
    at = BEGIN + dice.randrange(0, 36_000 * SECOND, dice.choice((1, SECOND, 60 * SECOND)))
    end = at + dice.randrange(-60 * SECOND, 7200 * SECOND)
    stage_id = f"{dice.randrange(1, 30):016x}"
    kind = dice.choice(("stage",) * 6 + ("start", "start", "beat", "wait", "wait", "opened", "mark", "alias", "close"))
    if kind in {"stage", "start"}:
        name = dice.choice((*c.KINDS, "fit", "push"))
        stage = Stage(
            origin,
            stage_id,
            name,
            name if name in c.KINDS else dice.choice(c.KINDS),
            at,
            attempt=dice.choice((None, 1, 2)),
            actor=dice.choice(c.ACTORS),
            person=dice.choice((None, "somebody")),
            launch=dice.choice(c.LAUNCHES),
            environment=dice.choice((None, None, "production", "staging")),
            parent=dice.choice((None, None, f"{dice.randrange(1, 30):016x}")),
            mechanism=dice.choice((None, "flag")),
        )
        if kind == "start":
            return stage._replace(lease=dice.choice((None, 30, 3600)))
        return stage._replace(end=end, outcome=dice.choice(c.STAGE_OUTCOMES + (c.OK,) * 8))
    if kind == "beat":
        return Heartbeat(origin, stage_id, at, dice.choice((None, 60)))
    if kind in {"wait", "opened"}:
        wait_id, own = f"{dice.randrange(100, 110):016x}", dice.choice((None, stage_id))
        return Wait(origin, wait_id, dice.choice(c.REASONS), at, None if kind == "opened" else end, own)
    if kind == "mark":
        return Mark(origin, dice.choice(c.MARKS), at, dice.choice((None, "live", "qa")), dice.choice((None, "alias")))
    if kind == "alias":
        other = dice.choice(KEYS)
        return Alias(origin, other, c.cycle_id(namespace, other), at)
    return Close(origin, dice.choice(c.DECLARED_OUTCOMES), at)


def item(record: Record) -> Item:
    """Return the span or event of a record as a sender makes it, written independently of the library."""
    origin = record.origin
    given: dict[str, Value | None] = {
        c.CYCLE_ID: origin.cycle_id,
        c.CYCLE_KEY: origin.key,
        c.CYCLE_TRIGGER: origin.trigger,
        c.CYCLE_IMPLICIT: origin.implicit or None,
        c.MODEL_NAME: origin.model,
        c.MODEL_DOMAIN: origin.domain,
        c.MODEL_VERSION: origin.version,
    }
    start = record.start if isinstance(record, (Stage, Wait)) else record.at
    end: int | None = start
    is_error = False
    if isinstance(record, Stage):
        given |= {
            c.STAGE_ID: record.id,
            c.STAGE_NAME: record.name,
            c.STAGE_KIND: record.kind,
            c.STAGE_ATTEMPT: record.attempt,
            c.STAGE_OUTCOME: record.outcome if record.outcome not in {c.OK, c.ERROR} else None,
            c.STAGE_PARENT: record.parent,
            c.STAGE_LAUNCH: record.launch,
            c.STAGE_LEASE: record.lease,
            c.ACTOR_TYPE: record.actor,
            c.ACTOR_ID: record.person,
            c.ENVIRONMENT: record.environment,
            c.MECHANISM: record.mechanism,
        }
        name, end = (record.name if record.end is not None else c.STAGE_STARTED), record.end
        is_error = record.outcome in c.ERROR_OUTCOMES
    elif isinstance(record, Wait):
        given |= {c.WAIT_ID: record.id, c.WAIT_REASON: record.reason, c.STAGE_ID: record.stage}
        name, end = (c.wait_span(record.reason) if record.end is not None else c.WAIT_OPENED), record.end
    elif isinstance(record, Heartbeat):
        given |= {c.STAGE_ID: record.stage, c.STAGE_LEASE: record.lease}
        name, end = c.STAGE_HEARTBEAT, None
    elif isinstance(record, Mark):
        given |= {
            c.MARK_NAME: record.name,
            c.ENVIRONMENT: record.environment,
            c.MECHANISM: record.mechanism,
        }
        name = c.mark_span(record.name)
    elif isinstance(record, Alias):
        given |= {c.ALIAS_KEY: record.key}
        name = c.ALIAS_SPAN
    else:
        assert isinstance(record, Close)
        given |= {c.CYCLE_OUTCOME: record.outcome}
        name = c.CLOSE_SPAN
    attributes = {key: value for key, value in given.items() if value is not None}
    return Item(origin.namespace or "", name, attributes, start, end, is_error)


def journal(items: Sequence[Item]) -> bytes:
    """The items as the lines of a journal."""
    header = {"journal": 1, "opened": 1, "process": {}, "resource": {}}
    return b"".join(map(frame, [header, *map(_document, items), {"closed": 1}]))


def _document(one: Item) -> dict[str, Any]:
    common = {
        "trace_id": one.attributes[c.CYCLE_ID],
        "span_id": "1" * 16,
        "service": "x",
        "namespace": one.namespace,
        "attributes": dict(one.attributes),
    }
    if one.end is None:
        return {"event": one.name, "time": one.start, **common}
    times = {"start": one.start, "end": one.end, "parent_span_id": None}
    return {"span": one.name, **common, **times, "error": "it broke" if one.is_error else None}


class Export(NamedTuple):
    """A request that a sender makes."""

    signal: str
    is_json: bool
    body: bytes


def export(items: Sequence[Item], signal: str, namespace: str, *, is_json: bool) -> Export:
    """Items of one signal and namespace as an OTLP request."""
    message: Any
    if signal == "traces":
        message = traces(
            [
                span(one.name, one.attributes, one.start, one.end, is_error=one.is_error)
                for one in items
                if one.end is not None
            ],
            namespace,
        )
    else:
        message = logs([log(one.name, one.attributes, time=one.start) for one in items], namespace)
    if is_json:
        return Export(signal, True, json.dumps(json_format.MessageToDict(message)).encode())
    return Export(signal, False, message.SerializeToString())


def exports(items: Sequence[Item], dice: random.Random) -> list[Export]:
    """All items, in any order and company, in protobuf and JSON."""
    groups: dict[tuple[str, str], list[Item]] = {}
    for one in dice.sample(list(items), len(items)):
        groups.setdefault(("logs" if one.end is None else "traces", one.namespace), []).append(one)
    made = []
    for (signal, namespace), members in groups.items():
        while members:
            size = dice.randrange(1, 40)
            made.append(export(members[:size], signal, namespace, is_json=dice.random() < 0.3))
            del members[:size]
    dice.shuffle(made)
    return made
