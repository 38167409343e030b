"""From the wire to records: the attributes of a span or event of ours, checked as what a stranger sent.

Used alike by the journal's ingestion and by the collector, so that both ways in make the same records. Source of
the rules: the design's section 4. Beyond it:

- a kind or launch that nobody knows is ``other``; a trigger or mechanism that nobody knows is kept as it is, since it
  stands for itself in every table; any other unknown word is refused, because it would make a wrong figure;
- an empty text says nothing; ids of stages and waits are any text of up to :data:`MAX_ID` characters;
- lone surrogates become ``?``, as they do where the SDK writes records.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from cycletrace import conventions as c
from cycletrace._internal.flow import Alias, Close, Heartbeat, Mark, Record, RecordOrigin, Stage, Wait

MAX_TEXT = 4096
"""Characters of the longest text that is taken; a record holds at most 64 KiB of them."""
MAX_ID = 128
"""Characters of the longest id of a stage or wait."""
LAST_INSTANT = (1 << 63) - 1
"""The latest instant that is taken, UTC nanoseconds."""

_CYCLE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Rejected(Exception):  # noqa: N818 - it says what happened to the record
    """A record of ours that cannot be used. The reason names attributes, never what a sender put into them."""


def decode_span(
    name: object, attributes: Mapping[str, object], start: object, end: object, *, is_error: bool, namespace: object
) -> Record | None:
    """The record that a span is, ``None`` where it is not ours or made by a processor.

    ``start`` and ``end`` are UTC nanoseconds; ``is_error`` says whether its status is ERROR; ``namespace`` is the
    ``service.namespace`` of its resource.

    Raises:
        Rejected: where it is ours and cannot be used.
    """
    if attributes.get(c.DERIVED):
        return None
    if _has(attributes, c.WAIT_ID):
        return _wait(attributes, start, _instant(end), namespace)
    if _has(attributes, c.MARK_NAME):
        return Mark(
            origin=_origin(attributes, namespace),
            name=_known(attributes, c.MARK_NAME, c.MARKS),
            at=_instant(start),
            environment=_text(attributes, c.ENVIRONMENT),
            mechanism=_text(attributes, c.MECHANISM),
        )
    if _has(attributes, c.ALIAS_KEY):
        return _alias(attributes, start, namespace)
    if _has(attributes, c.CYCLE_OUTCOME):
        origin = _origin(attributes, namespace)
        return Close(origin, _known(attributes, c.CYCLE_OUTCOME, c.DECLARED_OUTCOMES), _instant(start))
    if _has(attributes, c.STAGE_ID):
        run = _stage(attributes, start, namespace, name)
        outcome = c.ERROR if is_error else c.OK
        if _has(attributes, c.STAGE_OUTCOME):
            outcome = _known(attributes, c.STAGE_OUTCOME, c.STAGE_OUTCOMES)
        return run._replace(end=_instant(end), outcome=outcome)
    if _has(attributes, c.CYCLE_ID) and (_has(attributes, c.STAGE_NAME) or _has(attributes, c.WAIT_REASON)):
        raise Rejected(f"{c.STAGE_ID} or {c.WAIT_ID} is missing")
    return None


def decode_event(event_name: str, attributes: Mapping[str, object], at: object, *, namespace: object) -> Record | None:
    """The record that an event (an OTLP log record) at this instant is, ``None`` where it is not ours.

    Raises:
        Rejected: where it is ours and cannot be used.
    """
    if event_name not in c.EVENTS or attributes.get(c.DERIVED):
        return None
    if event_name == c.STAGE_STARTED:
        return _stage(attributes, at, namespace, None)
    if event_name == c.WAIT_OPENED:
        return _wait(attributes, at, None, namespace)
    return Heartbeat(
        _origin(attributes, namespace), _id(attributes, c.STAGE_ID), _instant(at), _number(attributes, c.STAGE_LEASE)
    )


def sound(text: str) -> str:
    """A text without lone surrogates, which SQLite does not take: each becomes ``?``."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _stage(attributes: Mapping[str, object], start: object, namespace: object, span_name: object) -> Stage:
    """A run that has started. Its name is as said, else the span's."""
    if not _has(attributes, c.STAGE_NAME):
        attributes = {**attributes, c.STAGE_NAME: span_name}
    name = _text(attributes, c.STAGE_NAME)
    if name is None:
        raise Rejected(f"{c.STAGE_NAME} is missing")
    kind = _text(attributes, c.STAGE_KIND) or name
    launch = _text(attributes, c.STAGE_LAUNCH)
    actor = _known(attributes, c.ACTOR_TYPE, c.ACTORS) if _has(attributes, c.ACTOR_TYPE) else c.AUTOMATION
    return Stage(
        origin=_origin(attributes, namespace),
        id=_id(attributes, c.STAGE_ID),
        name=name,
        kind=kind if kind in c.KINDS else c.OTHER,
        start=_instant(start),
        attempt=_number(attributes, c.STAGE_ATTEMPT),
        actor=actor,
        person=_text(attributes, c.ACTOR_ID),
        launch=launch if launch in c.LAUNCHES else c.OTHER,
        environment=_text(attributes, c.ENVIRONMENT),
        parent=_id(attributes, c.STAGE_PARENT) if _has(attributes, c.STAGE_PARENT) else None,
        mechanism=_text(attributes, c.MECHANISM),
        lease=_number(attributes, c.STAGE_LEASE),
    )


def _wait(attributes: Mapping[str, object], start: object, end: int | None, namespace: object) -> Wait:
    return Wait(
        origin=_origin(attributes, namespace),
        id=_id(attributes, c.WAIT_ID),
        reason=_known(attributes, c.WAIT_REASON, c.REASONS),
        start=_instant(start),
        end=end,
        stage=_id(attributes, c.STAGE_ID) if _has(attributes, c.STAGE_ID) else None,
    )


def _alias(attributes: Mapping[str, object], at: object, namespace: object) -> Alias:
    origin = _origin(attributes, namespace)
    key = _text(attributes, c.ALIAS_KEY)
    assert key is not None  # it is there, and not empty
    return Alias(origin, key, c.cycle_id(origin.namespace or "", key), _instant(at))


def _origin(attributes: Mapping[str, object], namespace: object) -> RecordOrigin:
    cycle_id = attributes.get(c.CYCLE_ID)
    folded = cycle_id.lower() if isinstance(cycle_id, str) else ""
    if not _CYCLE_ID.fullmatch(folded) or not int(folded, 16):
        raise Rejected(f"{c.CYCLE_ID} is not 32 hex digits")
    implicit = attributes.get(c.CYCLE_IMPLICIT)
    if implicit is not None and not isinstance(implicit, bool):
        raise Rejected(f"{c.CYCLE_IMPLICIT} is not a boolean")
    return RecordOrigin(
        cycle_id=folded,
        key=_text(attributes, c.CYCLE_KEY),
        namespace=_text({c.SERVICE_NAMESPACE: namespace}, c.SERVICE_NAMESPACE),
        model=_text(attributes, c.MODEL_NAME),
        domain=_text(attributes, c.MODEL_DOMAIN),
        version=_text(attributes, c.MODEL_VERSION),
        trigger=_text(attributes, c.CYCLE_TRIGGER),
        implicit=bool(implicit),
    )


def _has(attributes: Mapping[str, object], name: str) -> bool:
    value = attributes.get(name)
    return value is not None and value != ""


def _text(attributes: Mapping[str, object], name: str) -> str | None:
    value = attributes.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Rejected(f"{name} is not a text")
    if len(value) > MAX_TEXT:
        raise Rejected(f"{name} is longer than {MAX_TEXT} characters")
    return sound(value)


def _id(attributes: Mapping[str, object], name: str) -> str:
    value = _text(attributes, name)
    if value is None:
        raise Rejected(f"{name} is missing")
    if len(value) > MAX_ID:
        raise Rejected(f"{name} is longer than {MAX_ID} characters")
    return value


def _known(attributes: Mapping[str, object], name: str, known: Collection[str]) -> str:
    value = _text(attributes, name)
    if value not in known or value is None:
        raise Rejected(f"{name} is none of: {', '.join(known)}")
    return value


def _number(attributes: Mapping[str, object], name: str) -> int | None:
    value = attributes.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():  # all numbers of some senders are floating-point ones
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LAST_INSTANT:
        raise Rejected(f"{name} is not a whole number of 0 or more")
    return value


def _instant(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= LAST_INSTANT:
        raise Rejected(f"an instant is not between 1 and {LAST_INSTANT} nanoseconds")
    return value
