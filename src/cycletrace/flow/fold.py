"""From records to facts: the one way in which every figure of the project comes about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from cycletrace.conventions import DEPLOYED, DEPLOYMENT, IDEA, MARKS, PART_OF_KIND, SELECTION, TRAINING
from cycletrace.flow.aliases import owner_of, owners_of
from cycletrace.flow.facts import Facts, Marks, Parts, StageFacts, WaitFacts
from cycletrace.flow.lost import settle
from cycletrace.flow.marks import is_negative, reach
from cycletrace.flow.merge import merge
from cycletrace.flow.outcome import Ending, end_of
from cycletrace.flow.owners import activities, sweep
from cycletrace.flow.pieces import pieces
from cycletrace.flow.records import Alias, Record, Stage, Wait, began
from cycletrace.flow.rules import RULES, Rules


def facts_of(records: Iterable[Record], at: int, rules: Rules = RULES) -> list[Facts]:
    """The facts of all cycles in these records as they stood at an instant (UTC nanoseconds), by cycle id.

    What carries an alias' id belongs to the cycle that claimed it, as far as the claim was known then.
    """
    known = [record for record in records if began(record) <= at]
    owners = owners_of(record for record in known if isinstance(record, Alias))
    cycles: dict[str, list[Record]] = defaultdict(list)
    for record in known:
        cycles[owner_of(record.origin.cycle_id, owners)].append(record)
    folded = (fold(cycle_id, cycles[cycle_id], at, rules) for cycle_id in sorted(cycles))
    return [facts for facts in folded if facts is not None]


def fold(cycle_id: str, records: Iterable[Record], at: int, rules: Rules = RULES) -> Facts | None:
    """The facts of one cycle, from all records that belong to it, as they stood at an instant (UTC nanoseconds).

    ``None`` where nothing was known of it then.
    """
    state = merge(cycle_id, records, at)
    if state is None:
        return None
    reached = reach(state.stages, state.waits, state.marks, rules)
    marks = reached.marks
    ending = end_of(marks, state.closes, state.latest, at, rules)
    settled = settle(state, ending, at)
    parts, left_out = _parts(marks, ending)
    started = marks["started"]
    cycle_time = ending.end - started if started is not None and started <= ending.end else None
    owners = sweep(pieces(settled.stages, settled.waits), started, ending.end) if started is not None else []
    intervals: list[Stage | Wait] = [*settled.stages, *settled.waits]
    flags = {
        "negative_intervals": sum(map(is_negative, intervals)),
        "marks_out_of_order": reached.out_of_order,
        "skewed": reached.skewed,
        "parts_left_out": left_out,
        "unclosed_waits": settled.unclosed,
    }
    origin = state.origin
    return {
        "cycle_id": cycle_id,
        "key": origin.key,
        "namespace": origin.namespace or "",
        "model": origin.model,
        "domain": origin.domain or origin.model,
        "version": origin.version,
        "trigger": origin.trigger or IDEA,
        "implicit": state.implicit,
        "outcome": ending.outcome,
        "marks": marks,
        "derived": reached.derived,
        "cycle_time_ns": cycle_time,
        "parts_ns": parts,
        "activity_ns": None if cycle_time is None else activities(owners),
        "owners": owners,
        "stages": _stages(settled.stages, marks),
        "waits": [_wait(wait) for wait in settled.waits],
        "flags": {flag: count for flag, count in flags.items() if count},
    }


def _parts(marks: Marks, ending: Ending) -> tuple[Parts, int]:
    """The parts, and how many were left out although both of their marks are known, since the order is wrong.

    Source: the design's arithmetic, rule 5.
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
    """What the last known mark at or before an instant opens."""
    part = None
    for name in MARKS:
        reached = marks[name]
        if reached is not None and reached <= instant:
            part = _OPENED_BY[name]
    return part


def _stages(stages: Iterable[Stage], marks: Marks) -> list[StageFacts]:
    """The runs, by start and id.

    A part is its kind's; of ``other``, what is open when it starts. An attempt is as given, else its place among the
    runs of that name.
    """
    runs: dict[str, int] = {}
    listed: list[StageFacts] = []
    for stage in stages:
        runs[stage.name] = place = runs.get(stage.name, 0) + 1
        listed.append(
            {
                "id": stage.id,
                "name": stage.name,
                "kind": stage.kind,
                "part": PART_OF_KIND.get(stage.kind) or _part_at(stage.start, marks),
                "attempt": place if stage.attempt is None else stage.attempt,
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
        )
    return listed


def _wait(wait: Wait) -> WaitFacts:
    return {"id": wait.id, "reason": wait.reason, "stage": wait.stage, "start": wait.start, "end": wait.end}
