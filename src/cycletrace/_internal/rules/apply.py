"""What rules make of a span: a record of cycletrace, or nothing, and why. Pure functions.

Ids follow from the span's, so one that is delivered twice, or imported later, makes the same record.
Source: the specification, 4.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from cycletrace import conventions as c
from cycletrace._internal.flow import Record
from cycletrace._internal.kinds import kind_of
from cycletrace._internal.people import recorded
from cycletrace._internal.rules.rule import RESOURCE, SKIP, SPAN_NAME, MarkOf, Rule, Span, StageOf, WaitOf
from cycletrace._internal.store.decode import Rejected, decode_span

SYSTEM = "otlp"
"""The system, where ids follow from what another system numbers."""
FIELD = re.compile(r"\{([^{}]*)\}")
"""A name of an attribute in a template."""

_Values = Callable[[str], str | None]
"""Returns the value of an attribute of a span as text, ``None`` if it has none."""


class Unused(NamedTuple):
    """Why a span became no record."""

    reason: str
    is_wrong: bool = False
    """Whether a rule means the span and cannot use it."""


class _MissingError(Exception):
    """A span lacks an attribute that is necessary."""


def may_match(rules: Sequence[Rule], content: bytes, resource: bytes = b"") -> bool:
    """Return whether a rule may mean a span in this content, by a search that does not parse it."""
    return any(all(text in content or text in resource for text in rule.literals) for rule in rules)


def apply(rules: Sequence[Rule], span: Span, resource: Mapping[str, object]) -> Record | Unused:
    """Return what the first rule that means a span makes of it.

    Args:
        rules: In the order in which they are asked.
        span: Of another program.
        resource: The attributes of its resource.
    """

    def value_of(name: str) -> str | None:
        if name == SPAN_NAME:
            return span.name or None
        if name.startswith(RESOURCE):
            return _text(resource.get(name.removeprefix(RESOURCE)))
        own = _text(span.attributes.get(name))
        return _text(resource.get(name)) if own is None else own

    for rule in rules:
        if all(_fits(value_of(name), wanted) for name, wanted in rule.where):
            return _made(rule, span, resource, value_of)
    return Unused("no rule means it")


def _text(value: object) -> str | None:
    """Return a value as people write it; ``None`` if it is empty, or a list or map, which rules do not look into."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
    return value if isinstance(value, str) and value else None


def _fits(value: str | None, wanted: str | bool) -> bool:
    if isinstance(wanted, bool):
        return (value is not None) is wanted
    return value is not None and fnmatchcase(value, wanted)


def _made(rule: Rule, span: Span, resource: Mapping[str, object], value_of: _Values) -> Record | Unused:
    if rule.becomes is None:
        return Unused(f"{rule.label} ignores it")
    outcome = _outcome(rule, span, value_of)
    if outcome == SKIP:
        return Unused(f"{rule.label}: it was skipped")
    if isinstance(rule.becomes, MarkOf) and outcome not in c.SUCCESSES:
        return Unused(f"{rule.label}: it did not succeed, so it is no mark")
    try:
        record = _record(rule, span, resource, value_of, outcome)
    except _MissingError as error:
        return Unused(f"{rule.label}: the attribute {error} is missing", is_wrong=True)
    except Rejected as error:
        return Unused(f"{rule.label}: {error}", is_wrong=True)
    assert record is not None  # it has the attributes of a stage, a wait or a mark
    return record


def _outcome(rule: Rule, span: Span, value_of: _Values) -> str:
    stated = next((value for name in rule.outcome.names if (value := value_of(name)) is not None), "")
    return rule.outcome.outcomes.get(stated.lower()) or (c.ERROR if span.is_error else c.OK)


def _record(rule: Rule, span: Span, resource: Mapping[str, object], value_of: _Values, outcome: str) -> Record | None:
    """Return the record, made by the decoder of cycletrace's own spans, which checks it.

    Raises:
        _MissingError: if the span lacks a necessary attribute.
        Rejected: if the record cannot be used.
    """
    if not span.trace_id or not span.span_id:
        raise Rejected("it has no trace id or span id")
    of_cycle = _cycle(rule, resource, value_of)
    cycle = str(of_cycle[c.CYCLE_ID])
    environments = {name: _text(span.attributes.get(name)) for name in (c.ENVIRONMENT, c.OLDER_ENVIRONMENT)}
    becomes, start, span_id = rule.becomes, span.start, span.span_id
    said: dict[str, object] = {}
    if isinstance(becomes, StageOf):
        attempt = _number(becomes.attempt, value_of)
        said = _stage(becomes, value_of, str(of_cycle[c.CYCLE_NAMESPACE])) | {
            c.STAGE_ID: _stage_id(cycle, span.trace_id, span.span_id, attempt),
            c.STAGE_ATTEMPT: attempt,
            c.STAGE_PARENT: _stage_id(cycle, span.trace_id, span.parent_id, attempt) if rule.in_parent else None,
            c.STAGE_OUTCOME: outcome,
        }
    elif isinstance(becomes, WaitOf):
        said = {
            c.WAIT_ID: _record_id(cycle, span, c.wait_span(becomes.reason)),
            c.WAIT_REASON: becomes.reason,
            c.STAGE_ID: _stage_id(cycle, span.trace_id, span.parent_id) if rule.in_parent else None,
        }
    elif becomes is not None:
        said = {c.MARK_NAME: becomes.name}
        if becomes.environment is not None:
            said[c.ENVIRONMENT] = _optional(becomes.environment, value_of)
        start, span_id = span.end, _record_id(cycle, span, c.mark_span(becomes.name))
    attributes = {**environments, **of_cycle, **said}
    return decode_span(span.name, span_id, attributes, start, span.end, is_error=False, resource=resource)


def _stage(stage: StageOf, value_of: _Values, namespace: str) -> dict[str, object]:
    """Return the attributes that say what a stage is, and who works.

    Raises:
        _MissingError: if the span lacks one of its name.
    """
    name = _filled(stage.name, value_of)
    said: dict[str, object] = {
        c.STAGE_NAME: name,
        c.STAGE_KIND: kind_of(name, stage.kinds),
        c.STAGE_LAUNCH: stage.launch,
        c.ACTOR_TYPE: stage.actor,
    }
    person = None if stage.person is None else _optional(stage.person.template, value_of)
    if stage.person is not None and person is not None:
        said[c.ACTOR_TYPE] = c.HUMAN
        said[c.ACTOR_ID] = recorded(person, stage.person.mode, stage.person.key or namespace)
    return said


def _stage_id(cycle: str, trace_id: str, span_id: str, attempt: int | None = None) -> str | None:
    """Return the id of the stage that a span becomes, ``None`` if there is no such span.

    The attempt is part of it, since Airflow gives all tries of a task one span id.
    """
    return c.job_stage_id(cycle, SYSTEM, f"{trace_id}-{span_id}", attempt or 1) if span_id else None


def _record_id(cycle: str, span: Span, name: str) -> str:
    return c.job_record_id(cycle, SYSTEM, name, f"{span.trace_id}-{span.span_id}", 1)


def _cycle(rule: Rule, resource: Mapping[str, object], value_of: _Values) -> dict[str, object]:
    """Return the attributes of the cycle. A key ``model@version`` also states model and version."""
    key = _filled(rule.cycle, value_of)
    if rule.namespace is None:
        namespace = _text(resource.get(c.SERVICE_NAMESPACE)) or ""
    else:
        namespace = _filled(rule.namespace, value_of)
    by_key = key.rpartition("@")
    model, _, version = by_key if all(by_key) else (None, "", None)
    return {
        c.CYCLE_ID: c.cycle_id(namespace, key),
        c.CYCLE_KEY: key,
        c.CYCLE_NAMESPACE: namespace,
        c.MODEL_NAME: _optional(rule.model, value_of) or model,
        c.MODEL_VERSION: version,
        c.MODEL_DOMAIN: _optional(rule.domain, value_of),
    }


def _filled(template: str, value_of: _Values) -> str:
    """Return a template with the values of a span.

    Raises:
        _MissingError: if one is missing.
    """

    def value(field: re.Match[str]) -> str:
        found = value_of(field[1])
        if found is None:
            raise _MissingError(field[1])
        return found

    return FIELD.sub(value, template)


def _optional(template: str | None, value_of: _Values) -> str | None:
    """Return a template with the values of a span, ``None`` if one is missing."""
    if template is None:
        return None
    try:
        return _filled(template, value_of)
    except _MissingError:
        return None


def _number(template: str | None, value_of: _Values) -> int | None:
    """Return the whole number that a template makes, ``None`` if it makes something else."""
    text = _optional(template, value_of) or ""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None
