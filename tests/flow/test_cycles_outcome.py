"""Hand-worked cycles: outcome, interval, parts (rules 3, 4, 5) and facts at T (rule 2).

Tolerance is 2 ns and the settle period 100 ns; facts are as of 1000 unless a test says otherwise.
"""

from __future__ import annotations

from itertools import combinations

import pytest
from tests.flow.build import activities, alias, beat, close, facts, mark, marks, owners, parts, runs, stage, wait, waits

from cycletrace._internal.flow import Record, facts_of
from cycletrace._internal.flow.rules import RULES, SECOND
from cycletrace.conventions import WORDS

# --- outcome ---


def test_a_cycle_without_a_word_is_open_and_lasts_to_t() -> None:
    folded = facts(stage("train", 0, 10), at=50)
    assert folded["outcome"] == "open"
    assert folded["cycle_time_ns"] == 50
    assert parts(folded) == [10, None, None, None]


def test_in_use_closes_a_cycle_at_its_mark() -> None:
    folded = facts(stage("train", 0, 10), stage("deploy", 20, 30), mark("in_use", 40))
    assert folded["outcome"] == "in_use"
    assert folded["cycle_time_ns"] == 40
    assert parts(folded) == [10, 10, 20, 10]


@pytest.mark.parametrize("word", WORDS[1:])
def test_a_said_outcome_closes_a_cycle_at_its_instant(word: str) -> None:
    folded = facts(stage("train", 0, 10), close(word, 60))
    assert folded["outcome"] == word
    assert folded["cycle_time_ns"] == 60
    assert parts(folded) == [10, None, None, None]


def test_the_latest_word_wins() -> None:
    folded = facts(stage("train", 0, 10), close("abandoned", 60), close("failed", 70), close("superseded", 20))
    assert folded["outcome"] == "failed"
    assert folded["cycle_time_ns"] == 70
    assert facts(close("failed", 30), mark("in_use", 40))["outcome"] == "in_use"


@pytest.mark.parametrize(("earlier", "later"), list(combinations(WORDS, 2)))
def test_of_words_at_one_instant_the_later_in_order_wins(earlier: str, later: str) -> None:
    first = mark("in_use", 60) if earlier == "in_use" else close(earlier, 60)
    assert facts(first, close(later, 60))["outcome"] == later
    assert facts(close(later, 60), first)["outcome"] == later


def test_a_cycle_rolled_back_after_use_still_ends_at_in_use() -> None:
    folded = facts(stage("train", 0, 10), mark("in_use", 40), close("rolled_back", 90))
    assert folded["outcome"] == "rolled_back"
    assert folded["cycle_time_ns"] == 40
    assert parts(folded) == [10, 0, 30, None]


def test_in_use_speaks_at_its_lifted_instant() -> None:
    # in_use, said at 39, is lifted to 40 by deployed; failed was said at 39.
    folded = facts(stage("train", 0, 10), mark("deployed", 40), mark("in_use", 39), close("failed", 39))
    assert folded["outcome"] == "in_use"
    assert folded["cycle_time_ns"] == 40


def test_a_deployed_cycle_settles_after_the_latest_instant_in_any_record() -> None:
    records = [stage("train", 0, 10), stage("deploy", 20, 30), wait("human", 31, 35)]
    assert facts(*records, at=134)["outcome"] == "open"
    folded = facts(*records, at=135)
    assert folded["outcome"] == "deployed"
    assert folded["cycle_time_ns"] == 30
    assert parts(folded) == [10, 10, 10, None]


@pytest.mark.parametrize(
    "last",
    [
        stage("other", 15, 70),
        stage("other", 70),
        stage("other", 70, 60),
        wait("data", 15, 70),
        wait("data", 70),
        beat("deploy", 70),
        mark("started", 70),
        mark("in_use", 70, "staging"),
        alias("aa", 70),
    ],
)
def test_every_kind_of_record_puts_settling_off(last: Record) -> None:
    records = [stage("deploy", 20, 30), last]
    assert facts(*records, at=169)["outcome"] == "open"
    assert facts(*records, at=170)["outcome"] == "deployed"


def test_the_settle_period_is_72_hours_by_default() -> None:
    at = 30 + 72 * 3600 * SECOND
    assert facts(stage("deploy", 20, 30), at=at - 1, rules=RULES)["outcome"] == "open"
    assert facts(stage("deploy", 20, 30), at=at, rules=RULES)["outcome"] == "deployed"


def test_a_word_beats_settling() -> None:
    folded = facts(stage("train", 0, 10), stage("deploy", 20, 30), close("abandoned", 50))
    assert folded["outcome"] == "abandoned"
    assert folded["cycle_time_ns"] == 50
    assert parts(folded) == [
        10,
        10,
        None,
        None,
    ]  # deployment ends at in_use, or at deployed only where that is the outcome
    assert folded["flags"] == {}


def test_without_deployed_nothing_settles() -> None:
    assert facts(stage("train", 0, 10), at=10**6)["outcome"] == "open"


# --- interval ---


def test_a_cycle_without_a_start_has_no_time() -> None:
    folded = facts(mark("trained", 10), mark("in_use", 30))
    assert folded["cycle_time_ns"] is None
    assert folded["activity_ns"] is None
    assert folded["owners"] == []
    assert parts(folded) == [None, 0, 20, None]


def test_a_cycle_that_starts_after_its_end_has_no_time() -> None:
    folded = facts(stage("train", 50, 60), close("failed", 40))
    assert folded["cycle_time_ns"] is None
    assert folded["activity_ns"] is None
    assert folded["owners"] == []
    assert marks(folded)[:2] == [50, 60]
    assert runs(folded) == [("train", "ok", 50, 60)]


def test_a_cycle_of_no_length_has_no_owner_and_no_time_of_any_activity() -> None:
    folded = facts(stage("train", 50, 60), close("failed", 50))
    assert folded["cycle_time_ns"] == 0
    assert folded["owners"] == []
    assert folded["activity_ns"] is not None
    assert len(folded["activity_ns"]) == 8
    assert set(folded["activity_ns"].values()) == {0}


# --- parts ---


def test_parts_add_up_to_the_cycle_time() -> None:
    folded = facts(
        stage("data", 0, 7),
        stage("train", 7, 17),
        stage("select", 20, 31),
        stage("deploy", 40, 55),
        stage("activate", 60, 78),
    )
    assert marks(folded) == [0, 17, 31, 55, 78]
    assert parts(folded) == [17, 14, 47, 23]
    assert folded["cycle_time_ns"] == 17 + 14 + 47


def test_a_part_without_a_mark_is_null_and_never_zero() -> None:
    folded = facts(stage("data", 0, 7), stage("select", 20, 31), mark("in_use", 50))
    assert parts(folded) == [None, None, 19, None]
    assert folded["flags"] == {}


def test_a_part_whose_end_precedes_its_start_is_null_and_counted() -> None:
    folded = facts(stage("data", 30, 40), mark("trained", 20), mark("selected", 10), mark("in_use", 5))
    assert parts(folded) == [None, None, None, None]
    assert folded["flags"] == {"marks_out_of_order": 3, "parts_left_out": 3}


def test_a_part_of_no_length_is_zero() -> None:
    assert (
        parts(facts(*(mark(name, 5) for name in ("started", "trained", "selected", "deployed", "in_use")))) == [0] * 4
    )


def test_activation_is_null_where_deployed_precedes_selected() -> None:
    folded = facts(stage("train", 0, 10), mark("deployed", 15), mark("selected", 20), mark("in_use", 30))
    assert parts(folded) == [10, 10, 10, None]
    assert folded["flags"] == {"marks_out_of_order": 1, "parts_left_out": 1}


def test_activation_needs_no_selected() -> None:
    assert parts(facts(mark("deployed", 15), mark("in_use", 30))) == [None, None, None, 15]


def test_activation_is_null_where_in_use_precedes_deployed() -> None:
    folded = facts(mark("started", 0), mark("deployed", 30), mark("in_use", 20))
    assert parts(folded) == [None, None, None, None]
    assert folded["flags"] == {"marks_out_of_order": 1, "parts_left_out": 1}


# --- facts at T ---


def test_what_begins_after_t_is_not_there() -> None:
    records = [
        stage("train", 0, 10),
        stage("test", 11, 12),
        wait("data", 11, 12),
        mark("in_use", 11),
        close("failed", 11),
        beat("train", 11, 1),
        alias("aa", 11),
    ]
    folded = facts(*records, at=10)
    assert marks(folded) == [0, 10, None, None, None]
    assert runs(folded) == [("train", "ok", 0, 10)]
    assert waits(folded) == []
    assert folded["outcome"] == "open"
    assert facts_of(records, -1) == []


def test_what_begins_at_t_is_there() -> None:
    folded = facts(stage("train", 10, 30), wait("data", 10, 30), at=10)
    assert runs(folded) == [("train", None, 10, None)]
    assert waits(folded) == [("data", None, 10, None)]
    assert folded["cycle_time_ns"] == 0


def test_what_ends_after_t_has_not_ended() -> None:
    records = [stage("train", 0, 10), wait("data", 0, 10)]
    folded = facts(*records, at=9)
    assert runs(folded) == [("train", None, 0, None)]
    assert waits(folded) == [("data", None, 0, None)]
    assert marks(folded) == [0, None, None, None, None]
    assert owners(folded) == [("train", "work.automation", 0, 9)]
    assert runs(facts(*records, at=10)) == [("train", "ok", 0, 10)]


def test_a_lost_run_that_ends_after_t_is_a_start() -> None:
    assert runs(facts(stage("train", 0, 10, "lost"), at=9)) == [("train", None, 0, None)]


def test_the_cut_comes_before_the_merge() -> None:
    # At 15 the run that ended at 20 is but a start at 4; the run that ended at 10 beats it.
    records = [stage("train", 4, 20), stage("train", 5, 10, "error")]
    assert runs(facts(*records, at=15)) == [("train", "error", 5, 10)]
    assert runs(facts(*records, at=20)) == [("train", "ok", 4, 20)]


def test_a_stage_that_ends_before_it_starts_begins_at_its_start() -> None:
    records = [stage("data", 0, 1), stage("train", 10, 5)]
    assert runs(facts(*records, at=9)) == [("data", "ok", 0, 1)]
    folded = facts(*records, at=10)
    assert runs(folded) == [("data", "ok", 0, 1), ("train", "ok", 10, 5)]
    assert folded["flags"] == {"negative_intervals": 1}
    assert activities(folded) == {"work.automation": 1, "unexplained": 9}
