"""From records to facts: the one way in which every figure of the project comes about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from cycletrace._internal.flow.aliases import owner_of, owners_of, without_retracted
from cycletrace._internal.flow.domain import is_over
from cycletrace._internal.flow.facts import Facts, Marks, Parts, StageFacts, WaitFacts
from cycletrace._internal.flow.lost import Ended, close_unended
from cycletrace._internal.flow.marks import MarkResult, is_negative, resolve_marks
from cycletrace._internal.flow.merge import State, attempts_of, merge
from cycletrace._internal.flow.outcome import Ending, end_of
from cycletrace._internal.flow.owners import activities, sweep
from cycletrace._internal.flow.pieces import pieces
from cycletrace._internal.flow.records import Alias, Record, Stage, Wait
from cycletrace._internal.flow.rules import RULES, Rules
from cycletrace.conventions import DEPLOYED, DEPLOYMENT, IDEA, MARKS, PART_OF_KIND, SELECTION, TRAINING


class Folded(NamedTuple):
    """What a fold makes of records, and how long that holds while no record arrives."""

    facts: list[Facts]
    """Of each cycle that is known, by cycle id."""
    refold_at: int | None
    """When any of them can next change by itself (UTC nanoseconds), ``None`` where none ever will.

    What merely grows with the clock, the length of what is open, is no change.
    """
    final_from: int | None
    """From when on all of them hold for good (UTC nanoseconds), ``None`` while that is unknown."""


def facts_of(records: Iterable[Record], at: int, rules: Rules = RULES) -> list[Facts]:
    """Return the facts of all cycles in these records as they stood at an instant (UTC nanoseconds), by cycle id."""
    return fold(records, at, rules).facts


def fold(records: Iterable[Record], at: int, rules: Rules = RULES) -> Folded:
    """Fold all cycles in these records as they stood at an instant (UTC nanoseconds).

    What carries an alias' id belongs to the cycle that claimed it, as far as the claim was known then.
    """
    records = without_retracted(list(records), at)
    owners = owners_of(record for record in records if isinstance(record, Alias) and record.at <= at)
    cycles: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        cycles[owner_of(record.origin.cycle_id, owners)].append(record)
    folded = [_fold_cycle(cycle_id, cycles[cycle_id], at, rules) for cycle_id in sorted(cycles)]
    final = [one.final_from for one in folded if one.final_from is not None]
    return Folded(
        facts=[facts for one in folded for facts in one.facts],
        refold_at=min((one.refold_at for one in folded if one.refold_at is not None), default=None),
        final_from=max(final) if final and len(final) == len(folded) else None,
    )


def _fold_cycle(cycle_id: str, records: Collection[Record], at: int, rules: Rules) -> Folded:
    """Fold one cycle, from all records that belong to it."""
    state = merge(cycle_id, records, at, rules)
    if state.latest is None:
        return Folded([], state.next_instant, None)
    resolved, ending, ended = _close(state, state.latest, at, rules)
    settles_at = state.latest + rules.settle
    changes = [state.next_instant, ended.next_lost]
    if not ending.is_closed and resolved.marks["deployed"] is not None:
        changes.append(settles_at)
    facts = _facts(state, resolved, ending, ended)
    final_from = None
    if ending.is_closed:
        final_from = settles_at if ending.outcome == DEPLOYED else state.latest
    elif is_over(facts):
        facts = _facts(state, resolved, ending._replace(end=state.latest), ended)
        final_from = state.latest if ended.lost_from is None else max(state.latest, ended.lost_from)
    return Folded(
        facts=[facts],
        refold_at=min((change for change in changes if change is not None), default=None),
        final_from=final_from if state.next_instant is None else None,
    )


def _close(state: State, latest: int, at: int, rules: Rules) -> tuple[MarkResult, Ending, Ended]:
    """Return the marks, the end, and what became of that which nobody ended.

    A wait that was opened after its cycle had ended is given an end before its start. Like all that is negative it
    makes no mark, so the marks are made without it.
    """
    waits = state.waits
    while True:
        resolved = resolve_marks(state.stages, waits, state.marks, rules)
        ending = end_of(resolved.marks, state.closes, latest, at, rules)
        ended = close_unended(state, ending, at)
        negative = {wait.id for wait in ended.waits if is_negative(wait)}
        if all(is_negative(wait) or wait.id not in negative for wait in waits):
            return resolved, ending, ended
        waits = [wait for wait in waits if wait.id not in negative]


def _facts(state: State, resolved: MarkResult, ending: Ending, ended: Ended) -> Facts:
    """Put the facts of a cycle together."""
    marks = resolved.marks
    parts, left_out = _parts(marks, ending)
    started = marks["started"]
    cycle_time = ending.end - started if started is not None and started <= ending.end else None
    owners = sweep(pieces(ended.stages, ended.waits), started, ending.end) if started is not None else []
    intervals: list[Stage | Wait] = [*ended.stages, *ended.waits]
    flags = {
        "after_bound": resolved.after_bound,
        "unmatched_ends": state.unmatched_ends,
        "negative_intervals": sum(map(is_negative, intervals)),
        "marks_out_of_order": resolved.out_of_order,
        "skewed": resolved.skewed,
        "parts_left_out": left_out,
        "unclosed_waits": ended.unclosed,
    }
    origin = state.origin
    return {
        "cycle_id": origin.cycle_id,
        "key": origin.key,
        "namespace": origin.namespace or "",
        "model": origin.model,
        "domain": origin.domain or origin.model,
        "version": origin.version,
        "trigger": origin.trigger or IDEA,
        "implicit": state.implicit,
        "outcome": ending.outcome,
        "marks": marks,
        "derived": resolved.derived,
        "cycle_time_ns": cycle_time,
        "parts_ns": parts,
        "activity_ns": None if cycle_time is None else activities(owners),
        "owners": owners,
        "stages": _stages(ended.stages, marks),
        "waits": [_wait(wait) for wait in ended.waits],
        "flags": {flag: count for flag, count in flags.items() if count},
    }


def _parts(marks: Marks, ending: Ending) -> tuple[Parts, int]:
    """Return the parts, and how many are left out although both of their marks are known, since the order is wrong.

    Source: the specification, rule 2.21.
    """
    started, trained, selected = marks["started"], marks["trained"], marks["selected"]
    deployed, in_use = marks["deployed"], marks["in_use"]
    left_out = 0

    def part(begin: int | None, end: int | None, is_sound: bool = True) -> int | None:
        nonlocal left_out
        if begin is None or end is None:
            return None
        if end < begin or not is_sound:
            left_out += 1
            return None
        return end - begin

    parts = Parts(
        training=part(started, trained),
        selection=part(trained, selected),
        deployment=part(selected, deployed if ending.outcome == DEPLOYED else in_use),
        activation=part(deployed, in_use, not (deployed is not None and selected is not None and deployed < selected)),
    )
    return parts, left_out


_OPENED_BY: dict[str, str | None] = {
    "started": TRAINING,
    "trained": SELECTION,
    "selected": DEPLOYMENT,
    "deployed": DEPLOYMENT,
    "in_use": None,
}


def _part_at(instant: int, marks: Marks) -> str | None:
    """Return the part that the last known mark at or before an instant opens."""
    part = None
    for name in MARKS:
        reached = marks[name]
        if reached is not None and reached <= instant:
            part = _OPENED_BY[name]
    return part


def _stages(stages: Sequence[Stage], marks: Marks) -> list[StageFacts]:
    """Return the facts of the runs, by start and id.

    A part is its kind's; of ``other``, what is open when it starts.
    """
    attempts = attempts_of(stages)
    return [
        {
            "id": stage.id,
            "name": stage.name,
            "kind": stage.kind,
            "part": PART_OF_KIND.get(stage.kind) or _part_at(stage.start, marks),
            "attempt": attempts[stage.id],
            "outcome": stage.outcome,
            "actor": stage.actor,
            "person": stage.person,
            "launch": stage.launch,
            "environment": stage.environment,
            "parent": stage.parent,
            "mechanism": stage.mechanism,
            "start": stage.start,
            "end": stage.end,
        }
        for stage in stages
    ]


def _wait(wait: Wait) -> WaitFacts:
    return {"id": wait.id, "reason": wait.reason, "stage": wait.stage, "start": wait.start, "end": wait.end}
