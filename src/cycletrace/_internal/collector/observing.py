"""What a cycle adds to the metrics, once, from its facts and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cycletrace import conventions as words
from cycletrace._internal.collector.instruments import (
    CYCLE_ACTIVITY,
    CYCLE_COMPLETED,
    CYCLE_DURATION,
    CYCLE_ROLLED_BACK,
    PART_DURATION,
    STAGE_DURATION,
    WAIT_DURATION,
    Instrument,
    Labels,
)
from cycletrace._internal.flow import Facts, is_manual

MAX_LABEL = 255
"""Characters of a label's value that are kept, so that a hostile name costs no more than any other."""


class Observation(NamedTuple):
    """A value for one series: nanoseconds where the instrument is of time, else a count."""

    instrument: Instrument
    labels: Labels
    value: int


def labels_of(facts: Facts, **more: str | bool) -> Labels:
    """The labels that all series of a cycle have: namespace, model, domain."""
    labels: dict[str, str | bool] = {
        words.SERVICE_NAMESPACE: facts["namespace"],
        words.MODEL_NAME: facts["model"] or "",
        words.MODEL_DOMAIN: facts["domain"] or "",
    }
    return sorted_labels({**labels, **{_LABELS[name]: value for name, value in more.items()}})


def sorted_labels(labels: dict[str, str | bool]) -> Labels:
    """Labels in order, empty ones left out, long ones cut."""
    return tuple(
        sorted(
            (name, value[:MAX_LABEL] if isinstance(value, str) else value)
            for name, value in labels.items()
            if value != ""
        )
    )


_LABELS = {
    "outcome": words.CYCLE_OUTCOME,
    "trigger": words.CYCLE_TRIGGER,
    "within_target": words.CYCLE_WITHIN_TARGET,
    "part": words.PART,
    "activity": words.ACTIVITY,
    "stage": words.STAGE_NAME,
    "kind": words.STAGE_KIND,
    "actor": words.ACTOR_TYPE,
    "manual": words.STAGE_MANUAL,
    "stage_outcome": words.STAGE_OUTCOME,
    "reason": words.WAIT_REASON,
}


def observations(facts: Facts, within_target: bool) -> Iterator[Observation]:
    """What this closed cycle adds. ``within_target`` says whether it met the target."""
    ending = {"outcome": facts["outcome"], "trigger": facts["trigger"]}
    yield Observation(CYCLE_COMPLETED, labels_of(facts, within_target=within_target, **ending), 1)
    yield Observation(CYCLE_ROLLED_BACK, labels_of(facts), int(facts["outcome"] == words.ROLLED_BACK))
    if facts["cycle_time_ns"] is not None:
        yield Observation(CYCLE_DURATION, labels_of(facts, **ending), facts["cycle_time_ns"])
    for part in words.PARTS:
        length = facts["parts_ns"][part]
        if length is not None:
            yield Observation(PART_DURATION, labels_of(facts, part=part), length)
    for activity, length in (facts["activity_ns"] or {}).items():
        yield Observation(CYCLE_ACTIVITY, labels_of(facts, activity=activity), length)
    for stage in facts["stages"]:
        if stage["end"] is not None and stage["end"] >= stage["start"]:
            labels = labels_of(
                facts,
                stage=stage["name"],
                kind=stage["kind"],
                actor=stage["actor"],
                manual=is_manual(stage),
                stage_outcome=stage["outcome"] or "",
            )
            yield Observation(STAGE_DURATION, labels, stage["end"] - stage["start"])
    for wait in facts["waits"]:
        if wait["end"] is not None and wait["end"] >= wait["start"]:
            yield Observation(WAIT_DURATION, labels_of(facts, reason=wait["reason"]), wait["end"] - wait["start"])
