"""From the wire to records: the attributes of a span or event of ours, checked as what a stranger sent.

Used alike by the journal's ingestion and by the collector, so that both ways in make the same records. Source of
the rules: the specification's section 5. Beyond it:

- a kind or launch that nobody knows is ``other``; a trigger or mechanism that nobody knows is kept as it is, since it
  stands for itself in every table; any other unknown word is refused, because it would make a wrong figure;
- an empty text says nothing; ids of stages and waits are any text of up to :data:`MAX_ID` characters;
- lone surrogates become ``?``, as they do where the SDK writes records.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache

from cycletrace import conventions as c
from cycletrace._internal.flow import Alias, Close, End, Heartbeat, Mark, Record, RecordOrigin, Retraction, Stage, Wait

MAX_TEXT = 4096
"""Characters of the longest text that is taken; a record holds at most 64 KiB of them."""
MAX_ID = 128
"""Characters of the longest id of a stage or wait."""
LARGEST = (1 << 63) - 1
"""The largest number that is taken."""

_CYCLE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Rejected(Exception):  # noqa: N818 - it says what happened to the record
    """A record of ours that cannot be used. The reason names attributes, never what a sender put into them."""


def decode_span(
    name: object,
    span_id: object,
    attributes: Mapping[str, object],
    start: object,
    end: object,
    *,
    is_error: bool,
    resource: Mapping[str, object],
) -> Record | None:
    """Return the record that a span is, ``None`` if it is not ours or was derived.

    Args:
        name: The span's name.
        span_id: Hex digits.
        attributes: The span's own.
        start: UTC nanoseconds, as ``end``.
        end: It means nothing for a record that is an instant.
        is_error: Whether its status is ERROR.
        resource: The attributes of its resource.

    Raises:
        Rejected: if it is ours and cannot be used.
    """
    if attributes.get(c.DERIVED):
        return None
    if _has(attributes, c.WAIT_ID):
        return _wait(attributes, start, _instant(end), resource)
    if _has(attributes, c.MARK_NAME):
        return Mark(
            origin=_origin(attributes, resource),
            name=_known(attributes, c.MARK_NAME, c.MARKS),
            at=_instant(start),
            environment=_environment(attributes, resource),
            mechanism=_text(attributes, c.MECHANISM),
            id=_span_id(span_id),
        )
    if _has(attributes, c.ALIAS_KEY):
        return _alias(attributes, start, resource)._replace(id=_span_id(span_id))
    if _has(attributes, c.CYCLE_OUTCOME):
        outcome = _known(attributes, c.CYCLE_OUTCOME, c.DECLARED_OUTCOMES)
        return Close(_origin(attributes, resource), outcome, _instant(start), _span_id(span_id))
    if _has(attributes, c.STAGE_BEGUN):
        begun = {**attributes, c.STAGE_NAME: attributes[c.STAGE_BEGUN]}
        return _stage(begun, start, resource, name)._replace(lease=None, is_begin=True)
    if _has(attributes, c.WAIT_BEGUN):
        begun = {**attributes, c.WAIT_ID: _span_id(span_id), c.WAIT_REASON: attributes[c.WAIT_BEGUN]}
        return _wait(begun, start, None, resource)._replace(is_begin=True)
    if _has(attributes, c.STAGE_ENDED) or _has(attributes, c.WAIT_ENDED):
        return _end(attributes, span_id, start, resource, is_error=is_error)
    if _has(attributes, c.RETRACTED):
        return Retraction(_origin(attributes, resource), _id(attributes, c.RETRACTED), _instant(start))
    if _has(attributes, c.STAGE_ID):
        run = _stage(attributes, start, resource, name)
        return run._replace(end=_instant(end), outcome=_outcome(attributes, is_error=is_error))
    if _has(attributes, c.CYCLE_ID) and (_has(attributes, c.STAGE_NAME) or _has(attributes, c.WAIT_REASON)):
        raise Rejected(f"{c.STAGE_ID} or {c.WAIT_ID} is missing")
    return None


def decode_event(
    event_name: str, attributes: Mapping[str, object], at: object, *, resource: Mapping[str, object]
) -> Record | None:
    """Return the record that an event (an OTLP log record) at this instant is, ``None`` if it is not ours.

    Raises:
        Rejected: if it is ours and cannot be used.
    """
    if event_name not in c.EVENTS or attributes.get(c.DERIVED):
        return None
    if event_name == c.STAGE_STARTED:
        return _stage(attributes, at, resource, None)
    if event_name == c.WAIT_OPENED:
        return _wait(attributes, at, None, resource)
    return Heartbeat(
        _origin(attributes, resource), _id(attributes, c.STAGE_ID), _instant(at), _number(attributes, c.STAGE_LEASE)
    )


def sound(text: str) -> str:
    """Return a text without lone surrogates, which SQLite does not take: each becomes ``?``."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _stage(attributes: Mapping[str, object], start: object, resource: Mapping[str, object], span_name: object) -> Stage:
    """Return a run that has started. Its name is as stated, else the span's."""
    if not _has(attributes, c.STAGE_NAME):
        attributes = {**attributes, c.STAGE_NAME: span_name}
    name = _text(attributes, c.STAGE_NAME)
    if name is None:
        raise Rejected(f"{c.STAGE_NAME} is missing")
    kind = _text(attributes, c.STAGE_KIND) or name
    launch = _text(attributes, c.STAGE_LAUNCH)
    actor = _known(attributes, c.ACTOR_TYPE, c.ACTORS) if _has(attributes, c.ACTOR_TYPE) else c.AUTOMATION
    return Stage(
        origin=_origin(attributes, resource),
        id=_id(attributes, c.STAGE_ID),
        name=name,
        kind=kind if kind in c.KINDS else c.OTHER,
        start=_instant(start),
        attempt=_number(attributes, c.STAGE_ATTEMPT),
        actor=actor,
        person=_text(attributes, c.ACTOR_ID),
        launch=launch if launch in c.LAUNCHES else c.OTHER,
        environment=_environment(attributes, resource),
        parent=_id(attributes, c.STAGE_PARENT) if _has(attributes, c.STAGE_PARENT) else None,
        mechanism=_text(attributes, c.MECHANISM),
        lease=_number(attributes, c.STAGE_LEASE),
    )


def _wait(attributes: Mapping[str, object], start: object, end: int | None, resource: Mapping[str, object]) -> Wait:
    return Wait(
        origin=_origin(attributes, resource),
        id=_id(attributes, c.WAIT_ID),
        reason=_known(attributes, c.WAIT_REASON, c.REASONS),
        start=_instant(start),
        end=end,
        stage=_id(attributes, c.STAGE_ID) if _has(attributes, c.STAGE_ID) else None,
        is_summed=end is not None and _flag(attributes, c.WAIT_SUMMED),
    )


def _end(
    attributes: Mapping[str, object], span_id: object, at: object, resource: Mapping[str, object], *, is_error: bool
) -> End:
    origin = _origin(attributes, resource)
    own_id = _id({c.RETRACTED: _span_id(span_id)}, c.RETRACTED)
    if not _has(attributes, c.STAGE_ENDED):
        return End(origin, own_id, _instant(at), _known(attributes, c.WAIT_ENDED, c.REASONS), is_wait=True)
    name = _text(attributes, c.STAGE_ENDED)
    assert name is not None  # it is there, and not empty
    return End(
        origin,
        own_id,
        _instant(at),
        name,
        outcome=_outcome(attributes, is_error=is_error),
        attempt=_number(attributes, c.STAGE_ATTEMPT),
        environment=_environment(attributes, {}),  # its resource's says where it ran, not which begin it means
        mechanism=_text(attributes, c.MECHANISM),
    )


def _outcome(attributes: Mapping[str, object], *, is_error: bool) -> str:
    if _has(attributes, c.STAGE_OUTCOME):
        return _known(attributes, c.STAGE_OUTCOME, c.STAGE_OUTCOMES)
    return c.ERROR if is_error else c.OK


def _environment(attributes: Mapping[str, object], resource: Mapping[str, object]) -> str | None:
    """Return the environment of a record: its own, else its resource's, each by the newer name, else by the older."""
    return (
        _text(attributes, c.ENVIRONMENT)
        or _text(attributes, c.OLDER_ENVIRONMENT)
        or _resource_text(resource, c.ENVIRONMENT)
        or _resource_text(resource, c.OLDER_ENVIRONMENT)
    )


def _resource_text(resource: Mapping[str, object], name: str) -> str | None:
    """Return a text of a resource. What is wrong with a resource spoils none of its records."""
    value = resource.get(name)
    return sound(value[:MAX_TEXT]) if isinstance(value, str) and value else None


def _span_id(span_id: object) -> str | None:
    return sound(span_id.lower()) if isinstance(span_id, str) and span_id else None


def _alias(attributes: Mapping[str, object], at: object, resource: Mapping[str, object]) -> Alias:
    origin = _origin(attributes, resource)
    key = _text(attributes, c.ALIAS_KEY)
    assert key is not None  # it is there, and not empty
    return Alias(origin, key, c.cycle_id(origin.namespace or "", key), _instant(at))


_id_of = lru_cache(maxsize=1024)(c.cycle_id)
"""Many records in a row are of the same cycle."""


def _origin(attributes: Mapping[str, object], resource: Mapping[str, object]) -> RecordOrigin:
    cycle_id = attributes.get(c.CYCLE_ID)
    folded = cycle_id.lower() if isinstance(cycle_id, str) else ""
    if not _CYCLE_ID.fullmatch(folded) or not int(folded, 16):
        raise Rejected(f"{c.CYCLE_ID} is not 32 hex digits")
    if c.CYCLE_NAMESPACE in attributes:  # also an empty one: others may have rewritten that of the resource
        namespace = _text(attributes, c.CYCLE_NAMESPACE)
    else:
        namespace = _resource_text(resource, c.SERVICE_NAMESPACE)
    key = _text(attributes, c.CYCLE_KEY)
    if key is not None and c.CYCLE_NAMESPACE in attributes and folded != _id_of(namespace or "", key):
        raise Rejected(f"{c.CYCLE_ID} is not that of the namespace and the key")
    return RecordOrigin(
        cycle_id=folded,
        key=key,
        namespace=namespace,
        model=_text(attributes, c.MODEL_NAME),
        domain=_text(attributes, c.MODEL_DOMAIN),
        version=_text(attributes, c.MODEL_VERSION),
        trigger=_text(attributes, c.CYCLE_TRIGGER),
        implicit=_flag(attributes, c.CYCLE_IMPLICIT),
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


def _flag(attributes: Mapping[str, object], name: str) -> bool:
    value = attributes.get(name)
    if value is not None and not isinstance(value, bool):
        raise Rejected(f"{name} is not a boolean")
    return bool(value)


def _number(attributes: Mapping[str, object], name: str) -> int | None:
    value = attributes.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():  # all numbers of some senders are floating-point ones
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST:
        raise Rejected(f"{name} is not a whole number of 0 or more")
    return value


def _instant(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not c.FIRST_INSTANT <= value <= c.LAST_INSTANT:
        raise Rejected("an instant is not of the years 2000 to 2099, in nanoseconds")
    return value
