"""What a rule says: which spans it means, and what they become. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cycletrace.conventions import AUTOMATION, OTHER

SKIP = "skip"
"""Where an outcome is expected: the span's work was skipped, so it becomes nothing."""
SPAN_NAME = "span.name"
"""The name of the span, where the name of an attribute is expected."""
RESOURCE = "resource."
"""Begins the name of an attribute that only the resource is asked for."""


class Span(NamedTuple):
    """A span as OTLP has it, as far as it is read. Ids are lower-case hex digits, instants UTC nanoseconds."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty if it has none."""
    start: int
    end: int
    is_error: bool
    attributes: Mapping[str, object]


class PersonFrom(NamedTuple):
    """Who worked: a template of a name, and how it is recorded, as ``CYCLETRACE_PEOPLE`` and its key say."""

    template: str
    mode: str
    key: str
    """Empty: the namespace."""


class StageOf(NamedTuple):
    """The span becomes a stage. ``name`` and ``attempt`` are templates."""

    name: str
    kinds: tuple[tuple[str, str], ...] = ()
    """Patterns of names and the kinds that they stand for. The first that fits counts."""
    launch: str = OTHER
    actor: str = AUTOMATION
    attempt: str | None = None
    person: PersonFrom | None = None
    """A span that has a name in it is work of a human."""


class WaitOf(NamedTuple):
    """The span becomes a wait."""

    reason: str


class MarkOf(NamedTuple):
    """The cycle reaches a mark when the span ends, unless it failed. ``environment`` is a template."""

    name: str
    environment: str | None = None


class OutcomeFrom(NamedTuple):
    """How a span ended, by the first of these attributes that it has. Other values leave it to the span's status."""

    names: tuple[str, ...] = ()
    outcomes: Mapping[str, str] = {}
    """Outcomes of stages, or :data:`SKIP`, by the attribute's value in lower case."""


class Rule(NamedTuple):
    """One rule. Templates are texts with names of attributes in braces."""

    label: str
    """What it is called, for people."""
    where: tuple[tuple[str, str | bool], ...]
    """Attributes that a span has to have: with a value that fits the pattern, or any (``True``), or not (``False``)."""
    becomes: StageOf | WaitOf | MarkOf | None
    """``None``: nothing, and no later rule is asked."""
    cycle: str = ""
    """The template of the cycle's key."""
    model: str | None = None
    domain: str | None = None
    namespace: str | None = None
    """``None``: the ``service.namespace`` of the resource, as for records of cycletrace."""
    outcome: OutcomeFrom = OutcomeFrom()
    in_parent: bool = False
    """Whether its stage runs in the stage that its parent span becomes, or its wait is one of that stage."""
    literals: tuple[bytes, ...] = ()
    """What stands in every request, in protobuf or JSON, with a span that the rule means."""
