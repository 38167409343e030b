"""Hand-worked cycles: running, lost, leases, waits that nobody closed (rule 6).

Leases are whole seconds, so instants here are seconds where a lease plays; ``S`` is one.
"""

from __future__ import annotations

import pytest
from tests.flow.build import SMALL, activities, beat, close, facts, mark, of, owners, runs, stage, wait, waits

from cycletrace._internal.flow import Record, fold

S = 1_000_000_000

# --- running ---


def test_a_start_without_an_end_runs_until_t() -> None:
    folded = facts(stage("train", 10), at=50)
    assert runs(folded) == [("train", None, 10, None)]
    assert owners(folded) == [("train", "work.automation", 10, 50)]


def test_without_a_lease_silence_proves_nothing() -> None:
    assert runs(facts(stage("train", 0), beat("train", 1), at=10**18)) == [("train", None, 0, None)]


# --- lost with its cycle ---


@pytest.mark.parametrize("word", [close("failed", 60), mark("in_use", 60)])
def test_a_running_stage_is_lost_once_its_cycle_is_closed(word: Record) -> None:
    folded = facts(stage("train", 10), word, at=70)
    assert runs(folded) == [("train", "lost", 10, 10)]
    assert owners(folded) == [(None, "unexplained", 10, 60)]


def test_a_running_stage_is_lost_once_its_cycle_has_settled() -> None:
    records = [stage("deploy", 10, 20), stage("test", 12), beat("test", 30)]
    assert runs(facts(*records, at=129)) == [("deploy", "ok", 10, 20), ("test", None, 12, None)]
    assert runs(facts(*records, at=130)) == [("deploy", "ok", 10, 20), ("test", "lost", 12, 30)]


def test_a_stage_begun_after_the_close_is_lost_too() -> None:
    folded = facts(stage("train", 0, 10), close("failed", 20), stage("test", 30), at=40)
    assert runs(folded) == [("train", "ok", 0, 10), ("test", "lost", 30, 30)]


# --- the last word ---


def test_a_lost_stage_ends_at_its_latest_heartbeat() -> None:
    folded = facts(stage("train", 10), beat("train", 30), beat("train", 20), beat("test", 40), close("failed", 60))
    assert runs(folded) == [("train", "lost", 10, 30)]
    assert owners(folded) == [("train", "work.automation", 10, 30), (None, "unexplained", 30, 60)]


def test_a_heartbeat_before_the_start_is_no_last_word() -> None:
    assert runs(facts(stage("train", 10), beat("train", 5), close("failed", 60))) == [("train", "lost", 10, 10)]


def test_a_lost_stage_ends_at_an_instant_of_an_own_wait() -> None:
    start = stage("train", 10)
    ended = facts(start, wait("data", 20, 30, stage="train"), close("failed", 60))
    assert runs(ended) == [("train", "lost", 10, 30)]
    opened = facts(start, wait("data", 25, stage="train"), close("failed", 60))
    assert runs(opened) == [("train", "lost", 10, 25)]
    backwards = facts(start, wait("data", 28, 26, stage="train"), close("failed", 60))
    assert runs(backwards) == [("train", "lost", 10, 28)]


def test_a_wait_of_the_cycle_or_of_another_stage_is_no_last_word() -> None:
    folded = facts(
        stage("train", 10),
        stage("test", 10, 50),
        wait("data", 20, 30),
        wait("human", 20, 40, stage="test"),
        close("failed", 60),
    )
    assert runs(folded) == [("test", "ok", 10, 50), ("train", "lost", 10, 10)]


# --- leases ---


def test_a_stage_is_lost_once_t_is_past_its_last_word_plus_its_lease() -> None:
    start = stage("train", 10 * S, lease=5)
    assert runs(facts(start, at=15 * S)) == [("train", None, 10 * S, None)]
    assert runs(facts(start, at=15 * S + 1)) == [("train", "lost", 10 * S, 10 * S)]


def test_the_longest_lease_of_start_and_heartbeats_counts_from_the_last_word() -> None:
    records = [stage("train", 0, lease=2), beat("train", 3 * S, 9), beat("train", 10 * S, 4), beat("train", 8 * S)]
    assert runs(facts(*records, at=19 * S)) == [("train", None, 0, None)]
    assert runs(facts(*records, at=19 * S + 1)) == [("train", "lost", 0, 10 * S)]


def test_the_start_may_promise_the_longest_lease() -> None:
    records = [stage("train", 0, lease=9), beat("train", 10 * S, 4)]
    assert runs(facts(*records, at=19 * S)) == [("train", None, 0, None)]
    assert runs(facts(*records, at=19 * S + 1)) == [("train", "lost", 0, 10 * S)]


def test_a_lease_that_only_a_heartbeat_promises_counts() -> None:
    records = [stage("train", 0), beat("train", 1 * S, 1)]
    assert runs(facts(*records, at=2 * S)) == [("train", None, 0, None)]
    assert runs(facts(*records, at=2 * S + 1)) == [("train", "lost", 0, 1 * S)]


def test_a_lease_that_a_lost_out_start_promises_counts() -> None:
    # Two words of one start: the earliest is the start, the promise of the other stands.
    records = [stage("train", 1 * S), stage("train", 2 * S, lease=9)]
    assert runs(facts(*records, at=10 * S)) == [("train", None, 1 * S, None)]
    assert runs(facts(*records, at=10 * S + 1)) == [("train", "lost", 1 * S, 1 * S)]


def test_a_heartbeat_of_another_stage_promises_nothing() -> None:
    folded = facts(stage("train", 0), beat("test", 0, 1), at=10 * S)
    assert runs(folded) == [("train", None, 0, None)]


def test_an_own_wait_is_a_word_from_which_the_lease_counts() -> None:
    records = [stage("train", 0, lease=5), wait("data", 3 * S, stage="train")]
    folded = facts(*records, at=8 * S)
    assert runs(folded) == [("train", None, 0, None)]
    folded = facts(*records, at=8 * S + 1)
    assert runs(folded) == [("train", "lost", 0, 3 * S)]
    assert waits(folded) == [("data", "train", 3 * S, 3 * S)]
    assert folded["flags"] == {"unclosed_waits": 1}


def test_an_ended_stage_is_not_lost_whatever_was_promised() -> None:
    folded = facts(stage("train", 0, lease=1), stage("train", 0, 2 * S, "error"), at=10 * S)
    assert runs(folded) == [("train", "error", 0, 2 * S)]


def test_a_stage_lost_in_an_open_cycle_works_to_its_last_word() -> None:
    folded = facts(stage("train", 0, lease=1), beat("train", 4 * S), at=10 * S)
    assert folded["outcome"] == "open"
    assert activities(folded) == {"work.automation": 4 * S, "unexplained": 6 * S}


# --- waits that nobody closed ---


def test_an_open_wait_lasts_to_t() -> None:
    folded = facts(wait("data", 10), stage("train", 0), wait("compute", 20, stage="train"), at=50)
    assert waits(folded) == [("data", None, 10, None), ("compute", "train", 20, None)]
    assert folded["flags"] == {}


def test_an_unclosed_own_wait_ends_with_its_stage() -> None:
    folded = facts(stage("train", 0, 30), wait("compute", 20, stage="train"), at=50)
    assert waits(folded) == [("compute", "train", 20, 30)]
    assert folded["flags"] == {"unclosed_waits": 1}
    assert activities(folded) == {"work.automation": 20, "wait.compute": 10, "unexplained": 20}


def test_an_unclosed_wait_of_the_cycle_ends_with_the_cycle() -> None:
    records = [stage("train", 0, 30), wait("data", 40)]
    still = facts(*records, at=50)
    assert waits(still) == [("data", None, 40, None)]
    assert still["flags"] == {}
    over = facts(*records, close("failed", 60), at=80)
    assert waits(over) == [("data", None, 40, 60)]
    assert over["flags"] == {"unclosed_waits": 1}


def test_an_unclosed_wait_of_an_unknown_stage_is_the_cycles() -> None:
    folded = facts(stage("train", 0, 30), wait("data", 10, stage="unknown"), at=50)
    assert waits(folded) == [("data", None, 10, None)]
    assert owners(folded) == [("train", "work.automation", 0, 10), (None, "wait.data", 10, 50)]
    assert folded["flags"] == {}


def test_an_unclosed_wait_that_began_after_its_end_is_negative_and_counted_as_both() -> None:
    folded = facts(stage("train", 0, 30), wait("data", 40), wait("compute", 35, stage="train"), close("failed", 33))
    assert waits(folded) == [("compute", "train", 35, 30), ("data", None, 40, 33)]
    assert folded["flags"] == {"negative_intervals": 2, "unclosed_waits": 2}
    assert activities(folded) == {"work.automation": 30, "unexplained": 3}


def test_a_wait_closed_by_its_run_is_not_unclosed() -> None:
    folded = facts(stage("train", 0, 30), wait("data", 5, stage="train"), wait("data", 5, 9, stage="train"))
    assert waits(folded) == [("data", "train", 5, 9)]
    assert folded["flags"] == {}


def test_a_cycle_is_folded_anew_at_the_first_instant_that_changes_it() -> None:
    later = mark("selected", 500)
    assert fold([stage("train", 10, lease=0), later], 10, SMALL).refold_at == 11, "lost before the mark is reached"
    assert fold([stage("train", 10), later], 10, SMALL).refold_at == 500
    assert fold([stage("train", 10)], 10, SMALL).refold_at is None


def test_of_several_silent_stages_the_next_to_be_lost_decides() -> None:
    silent = [stage("a", 0, lease=0), stage("b", 50, lease=0), stage("c", 50, lease=9)]
    assert fold(silent, 50, SMALL).refold_at == 51


@pytest.mark.parametrize("at", [51, 100])
def test_an_implicit_cycle_is_final_once_the_last_of_its_stages_is_lost(at: int) -> None:
    silent = [stage(name, start, lease=0, origin=of(implicit=True)) for name, start in (("a", 0), ("b", 50))]
    assert fold(silent, at, SMALL).final_from == 51
