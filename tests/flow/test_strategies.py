"""The random cycles reach every rule: a property that never meets a situation proves nothing about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from random import Random

import pytest
from tests.flow import reference, reference_owners
from tests.flow.strategies import LARGEST, MANY, SMALLEST, Example, decode

from cycletrace._internal.flow import Alias, Close, End, Facts, Heartbeat, Mark, Record, Retraction, Stage, Wait
from cycletrace.conventions import ACTIVITIES, CYCLE_OUTCOMES, MARKS, PARTS, STAGE_OUTCOMES

SETS = 3000
TIE_BREAKERS = ("ends soonest", "unfinished last", "starts latest", "stage first", "stage id", "order of activities")


def seen_in_facts(facts: Facts) -> Iterator[str]:
    yield f"outcome {facts['outcome']}"
    for name in MARKS:
        if facts["marks"][name] is not None:
            yield f"{name} {'derived' if name in facts['derived'] else 'said'}"
        if facts["marks"][name] in {LARGEST, SMALLEST}:
            yield "mark at a 64-bit limit"
    for name, length in (facts["activity_ns"] or {}).items():
        if length:
            yield f"activity {name}"
    for stage in facts["stages"]:
        yield f"stage {stage['outcome']}"
        if stage["kind"] == "other":
            yield f"other in {stage['part']}"
    parts = facts["parts_ns"].values()
    yield from (f"part {part}" for part, length in zip(PARTS, parts, strict=True) if isinstance(length, int))
    yield from facts["flags"]
    if facts["cycle_time_ns"] is None:
        yield "no cycle time"
    if facts["implicit"]:
        yield "implicit"


def seen_in_records(example: Example) -> Iterator[str]:
    known = [known for record in example.records for known in reference.cut_at(record, example.at)]
    yield from (type(record).__name__ for record in known)
    if known != example.records:
        yield "cut"
    if any(reference.is_retracted(record, known) for record in known):
        yield "a retraction removes"
    ids = Counter(
        (type(record), record.id, record.origin.cycle_id) for record in known if isinstance(record, (Stage, Wait))
    )
    if max(ids.values(), default=0) > 2:
        yield "one identity recorded thrice"
    cycles: dict[str, list[Record]] = {}
    for record in known:
        owner = reference.cycle_of(record.origin.cycle_id, known)
        cycles.setdefault(owner, []).append(record)
        if owner != record.origin.cycle_id:
            yield "alias"
    for records in cycles.values():
        yield from seen_in_cycle(records, example)


def seen_in_cycle(records: list[Record], example: Example) -> Iterator[str]:
    made = reference.paired(records, example.rules)[0][len(records) :]
    if made:
        yield "an end found its begin"
    if any(isinstance(one, (Stage, Wait)) and one.end == one.start for one in made):
        yield "an end found its begin after it"
    if any(isinstance(record, Wait) and record.is_summed for record in records):
        yield "summed wait"
    stages = reference.stages_of(records)
    ids = {stage.id for stage in stages}
    for stage in stages:
        depth = len(reference_owners.containers_of(stage, stages))
        if depth:
            yield f"contained {min(depth, 3)} deep"
        elif stage.parent in ids:
            yield "looping chain"
    marks, _, _ = reference.marks_of(records, set(), example.rules)
    instants = [instant for instant in (marks[name] for name in MARKS) if instant is not None]
    for before, after in combinations(instants, 2):
        if example.rules.tolerance > 2 and before - after == example.rules.tolerance:
            yield "early by the tolerance"
        if example.rules.tolerance > 2 and before - after == example.rules.tolerance + 1:
            yield "early by a nanosecond more"
    outcome = reference.outcome_of(marks, records, example.at, example.rules)
    end = reference.end_of(marks, outcome, records, example.at)
    settled = [reference.settled_stage(stage, records, outcome, example.at) for stage in stages]
    waits = [reference.settled_wait(wait, settled, outcome, end) for wait in reference.waits_of(records)]
    if outcome == "open" and any(stage.outcome == "lost" for stage in settled if stage not in stages):
        yield "lease run out"
    for one, other in combinations(reference_owners.pieces_of(settled, waits), 2):
        if min(one.end, end) == min(other.end, end):
            yield from decided_by(one, other)


def decided_by(one: reference_owners.Piece, other: reference_owners.Piece) -> Iterator[str]:
    if one.end != other.end:
        yield "unfinished last" if reference_owners.NEVER in (one.end, other.end) else "ends soonest"
    elif one.start != other.start:
        yield "starts latest"
    elif (one.stage is None) != (other.stage is None):
        yield "stage first"
    elif one.stage != other.stage:
        yield "stage id"
    elif one.activity != other.activity:
        yield "order of activities"


@pytest.fixture(scope="module")
def seen() -> Counter[str]:
    """In how many of the sets each situation was met."""
    met: Counter[str] = Counter()
    for number in range(SETS):
        random = Random(number)
        example = decode(random.randbytes(random.randrange(20, MANY)))
        situations = {situation for facts in reference.facts_of(*example) for situation in seen_in_facts(facts)}
        met.update(situations | set(seen_in_records(example)))
    return met


@pytest.mark.parametrize(
    "situation",
    [
        *(kind.__name__ for kind in (Stage, Heartbeat, Wait, Mark, Alias, Close, End, Retraction)),
        *(f"outcome {outcome}" for outcome in CYCLE_OUTCOMES),
        *(f"stage {outcome}" for outcome in (*STAGE_OUTCOMES, None)),
        *(f"{name} {how}" for name in MARKS for how in ("said", "derived")),
        *(f"part {part}" for part in PARTS),
        *(f"other in {part}" for part in (*PARTS[:3], None)),
        *(f"activity {activity}" for activity in ACTIVITIES),
        *TIE_BREAKERS,
        *(f"contained {depth} deep" for depth in (1, 2, 3)),
        "after_bound",
        "unmatched_ends",
        "an end found its begin",
        "an end found its begin after it",
        "a retraction removes",
        "summed wait",
        "negative_intervals",
        "marks_out_of_order",
        "skewed",
        "parts_left_out",
        "unclosed_waits",
        "mark at a 64-bit limit",
        "no cycle time",
        "implicit",
        "cut",
        "one identity recorded thrice",
        "alias",
        "looping chain",
        "early by the tolerance",
        "early by a nanosecond more",
        "lease run out",
    ],
)
def test_the_examples_reach(seen: Counter[str], situation: str) -> None:
    assert seen[situation] >= 10
