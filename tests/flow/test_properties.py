"""What holds for every set of cycles: the fold equals the slow reference, and sums, shifts and orders are exact."""

from __future__ import annotations

import os
from random import Random

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.flow import reference
from tests.flow.strategies import Example, examples
from tests.sizes import sized

from cycletrace._internal.flow import Alias, Facts, Mark, Record, RecordOrigin, Stage, Wait, facts_of
from cycletrace._internal.flow.records import began
from cycletrace.conventions import ACTIVITIES, MARKS

COUNT = int(os.environ.get("CYCLETRACE_FLOW_EXAMPLES", sized(10_000)))
"""How many sets of cycles are compared with the reference; a tenth of it for each other property."""

THOROUGH = settings(
    max_examples=COUNT,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
LIGHT = settings(THOROUGH, max_examples=max(COUNT // 10, 10))


@THOROUGH
@given(examples)
def test_the_fold_equals_the_reference(example: Example) -> None:
    assert facts_of(*example) == reference.facts_of(*example)


@LIGHT
@given(examples, st.integers(0, 2**32))
def test_permutation_and_repetition_change_nothing(example: Example, seed: int) -> None:
    records, at, rules = example
    random = Random(seed)
    mixed = [*records, *random.choices(records, k=random.randrange(4))] if records else []
    random.shuffle(mixed)
    assert facts_of(mixed, at, rules) == facts_of(records, at, rules)


@LIGHT
@given(examples)
def test_owners_and_activities_add_up_to_the_cycle_time(example: Example) -> None:
    for facts in facts_of(*example):
        owners, activity, time = facts["owners"], facts["activity_ns"], facts["cycle_time_ns"]
        if time is None:
            assert activity is None
            assert owners == []
            continue
        assert activity is not None
        assert list(activity) == list(ACTIVITIES)
        assert sum(activity.values()) == time
        assert all(length >= 0 for length in activity.values())
        assert sum(owner["end"] - owner["start"] for owner in owners) == time
        started = facts["marks"]["started"]
        assert started is not None
        edges = [started, *(owner["end"] for owner in owners)]
        assert [owner["start"] for owner in owners] == edges[:-1]
        assert edges[-1] == started + time
        assert all(owner["start"] < owner["end"] for owner in owners)


@LIGHT
@given(examples)
def test_parts_add_up_to_the_cycle_time_where_all_are_there(example: Example) -> None:
    for facts in facts_of(*example):
        parts = facts["parts_ns"]
        training, selection, deployment = parts["training"], parts["selection"], parts["deployment"]
        assert all(length is None or length >= 0 for length in (training, selection, deployment, parts["activation"]))
        if training is not None and selection is not None and deployment is not None:
            assert training + selection + deployment == facts["cycle_time_ns"]


@LIGHT
@given(examples, st.sampled_from((-(10**18), -1, 1, 7 * 86_400 * 10**9, 2**62)))
def test_shifting_all_instants_shifts_the_facts(example: Example, by: int) -> None:
    records, at, rules = example
    moved = facts_of([shifted(record, by) for record in records], at + by, rules)
    assert moved == [shifted_facts(facts, by) for facts in facts_of(records, at, rules)]


def shifted(record: Record, by: int) -> Record:
    if isinstance(record, (Stage, Wait)):
        return record._replace(start=record.start + by, end=None if record.end is None else record.end + by)
    return record._replace(at=record.at + by)


def shifted_facts(facts: Facts, by: int) -> Facts:
    def moved(instant: int | None) -> int | None:
        return None if instant is None else instant + by

    marks = facts["marks"]
    for name in MARKS:
        marks[name] = moved(marks[name])
    for owner in facts["owners"]:
        owner["start"] += by
        owner["end"] += by
    for stage in facts["stages"]:
        stage["start"] += by
        stage["end"] = moved(stage["end"])
    for wait in facts["waits"]:
        wait["start"] += by
        wait["end"] = moved(wait["end"])
    return facts


@LIGHT
@given(examples, st.integers(1, 10**9), st.integers(1, 10**9), st.sampled_from(("ok", "error", None)))
def test_splitting_a_stage_in_two_back_to_back_changes_no_activity(
    example: Example, first: int, second: int, outcome: str | None
) -> None:
    """Of a stage that nothing overlaps: where pieces compete, who ends soonest is a matter of what is one piece."""
    records, at, rules = example
    rules = rules._replace(settle=10**30)  # the middle is a later sign of life, which would put off the settling
    start = max([at, *(instant for record in records for instant in reference.instants_of(record))])
    middle, end = start + first, start + first + second
    origin = RecordOrigin("b")
    # A mark would move with the end of its stage, so the stage is of a kind that makes none.
    whole = Stage(origin, "whole", "fit", "data", start, None if outcome is None else end, outcome)
    halves = [whole._replace(id="1", end=middle, outcome="ok"), whole._replace(id="2", start=middle)]
    until = [Mark(origin, "started", start)] if at % 2 else []
    before = [record for record in records if not isinstance(record, Alias) and is_over(record)]
    one = facts_of([*before, *until, whole], end + 5, rules)
    two = facts_of([*before, *until, *halves], end + 5, rules)
    assert [facts["activity_ns"] for facts in two] == [facts["activity_ns"] for facts in one]
    assert [facts["owners"] for facts in two] == [facts["owners"] for facts in one]


def is_over(record: Record) -> bool:
    return not isinstance(record, (Stage, Wait)) or record.end is not None


@LIGHT
@given(examples, examples)
def test_records_of_another_cycle_change_nothing(example: Example, other: Example) -> None:
    records, at, rules = example
    strangers = [
        record._replace(origin=record.origin._replace(cycle_id="stranger"))
        for record in other.records
        if not isinstance(record, Alias)
    ]
    assume(strangers)
    together = facts_of([*strangers, *records], at, rules)
    assert [facts for facts in together if facts["cycle_id"] != "stranger"] == facts_of(records, at, rules)


@LIGHT
@given(examples, st.integers(0, 2**32))
def test_facts_at_t_never_use_what_lies_after_t(example: Example, seed: int) -> None:
    records, at, rules = example
    random = Random(seed)
    later = [changed(record, at, random) for record in records]
    assert facts_of([record for record in later if record is not None], at, rules) == facts_of(records, at, rules)


def changed(record: Record, at: int, random: Random) -> Record | None:
    """The record with everything after an instant changed, or not at all."""
    after = at + random.choice((1, 2, 10**9, 10**20))
    if began(record) > at:
        if random.random() < 0.5:
            return None
        if isinstance(record, (Stage, Wait)):
            return record._replace(start=after, end=None)
        return record._replace(at=after)
    if isinstance(record, Stage) and record.end is not None and record.end > at:
        return record._replace(end=after, outcome=random.choice(("ok", "error", "lost")))
    if isinstance(record, Wait) and record.end is not None and record.end > at:
        return record._replace(end=after)
    return record
