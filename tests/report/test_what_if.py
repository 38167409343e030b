from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.report.histories import DAY, HOUR, MINUTE, NOW, Team, history, origin
from tests.sizes import sized

from cycletrace._internal.flow import Facts, Stage, Wait, facts_of
from cycletrace._internal.report import build, what_if
from cycletrace._internal.report.replay import past_cycle, replay
from cycletrace._internal.report.what_if import ALL_STEPS, STAGE, STEP, WAIT, Change, Sample
from cycletrace.conventions import ACTIVITIES


def changes_of(*facts: Facts) -> dict[tuple[str, str | None, str | None], Change]:
    return {
        (change.kind, change.stage, change.reason): change
        for change in build(list(facts), as_of=NOW, window="all").what_if.changes
    }


def approved() -> Team:
    """train 2 h, wait for compute 1 h, unexplained 30 min, wait for human 3 h, approve 10 min, deploy 20 min."""
    team = Team("m@1", NOW - 10 * DAY)
    team.stage("train", 2 * HOUR)
    team.wait("compute", HOUR)
    team.idle(30 * MINUTE)
    team.wait("human", 3 * HOUR)
    team.stage("approve", 10 * MINUTE, actor="human")
    team.stage("deploy", 20 * MINUTE, launch="terminal")
    team.stage("activate", MINUTE)
    return team


def test_removing_one_of_several_consecutive_things_saves_its_length() -> None:
    found = changes_of(approved().facts())
    whole = 7 * HOUR + MINUTE
    assert found[WAIT, None, "compute"].saved_ns == HOUR
    assert found[WAIT, None, "human"].saved_ns == 3 * HOUR
    assert found[STAGE, "train", None].saved_ns == 2 * HOUR
    assert found[STAGE, "train", None].mean_after_ns == whole - 2 * HOUR
    # No time in the step: neither the step, nor the wait for it, nor the unexplained standstill before the wait.
    assert found[STEP, "approve", None].saved_ns == 3 * HOUR + 40 * MINUTE
    assert found[STEP, "deploy", None].saved_ns == 20 * MINUTE
    assert found[ALL_STEPS, None, None].saved_ns == 4 * HOUR


def test_a_change_names_the_team_that_it_saves_most() -> None:
    cycles = [approved().facts() for _ in range(3)]
    for place, (facts, team) in enumerate(zip(cycles, ("ads", "risk", "risk"), strict=True)):
        facts["namespace"], facts["cycle_id"] = team, f"{place:032x}"
    found = changes_of(*cycles)[WAIT, None, "human"]
    assert found.team == "risk"
    assert found.team_share == pytest.approx(2 / 3)


def test_parallel_work_becomes_the_critical_path() -> None:
    """Two parallel trainings of 4 h and 3 h: without the longer one, the cycle waits for the shorter one."""
    team = Team("m@1", NOW - DAY)
    team.stage("train a", 4 * HOUR, kind="train")
    team.t -= 4 * HOUR
    team.stage("train b", 3 * HOUR, kind="train")
    team.t += HOUR
    team.stage("activate", MINUTE)
    found = changes_of(team.facts())
    assert found[STAGE, "train a", None].saved_ns == HOUR
    assert found[STAGE, "train a", None].activity_after_ns["work.automation"] == 3 * HOUR + MINUTE
    assert (STAGE, "train b", None) not in found


def test_a_stage_is_removed_with_its_waits_and_the_stages_that_it_contains() -> None:
    team = Team("m@1", NOW - DAY)
    outer = team.stage("train", 5 * HOUR)
    team.t -= 5 * HOUR
    team.wait("compute", HOUR, outer)
    team.stage("tune", HOUR, kind="other", parent=outer)
    team.t += 3 * HOUR
    team.stage("activate", MINUTE)
    found = changes_of(team.facts())
    assert found[WAIT, "train", "compute"].saved_ns == HOUR
    assert found[STAGE, "tune", None].saved_ns == HOUR
    # Removing the containing stage removes it too.
    assert found[STAGE, "train", None].saved_ns == 5 * HOUR


def test_the_stages_in_a_manual_step_are_part_of_the_step() -> None:
    team = Team("m@1", NOW - DAY)
    team.stage("train", HOUR)
    team.idle(HOUR)
    release = team.stage("release", 2 * HOUR, kind="deploy", actor="human")
    team.t -= 2 * HOUR
    team.stage("upload", HOUR, kind="other", parent=release)
    team.t += HOUR
    team.stage("activate", MINUTE)
    found = changes_of(team.facts())
    assert found[STEP, "release", None].saved_ns == 3 * HOUR
    assert found[STAGE, "upload", None].saved_ns == HOUR


def test_changes_are_ranked_by_savings_and_means_add_up() -> None:
    found = build(history(200), as_of=NOW).what_if
    saved = [change.saved_ns for change in found.changes]
    assert saved == sorted(saved, reverse=True)
    assert saved[-1] > 0
    for change in found.changes:
        assert sum(change.activity_after_ns.values()) == change.mean_after_ns == found.mean_ns - change.saved_ns
        assert change.p50_after.n == found.n


INSTANT = st.integers(0, 30)


@st.composite
def cycles(draw: st.DrawFn) -> Facts:
    """A cycle of overlapping, nesting and touching stages and waits."""
    of = origin("m@1")
    records: list[Stage | Wait] = []
    for number in range(draw(st.integers(1, 7))):
        start = draw(INSTANT)
        parent = draw(st.sampled_from([None, *(str(other) for other in range(number))]))
        actor = draw(st.sampled_from(["automation", "human"]))
        end = start + draw(INSTANT)
        records.append(Stage(of, str(number), f"s{number % 3}", "other", start, end, "ok", actor=actor, parent=parent))
    for number in range(draw(st.integers(0, 4))):
        start = draw(INSTANT)
        stage = draw(st.sampled_from([None, "0", "1"]))
        reason = draw(st.sampled_from(["human", "compute"]))
        records.append(Wait(of, f"w{number}", reason, start, start + draw(INSTANT), stage))
    end = max(record.end or 0 for record in records)
    records.append(Stage(of, "last", "activate", "activate", end, end, "ok"))
    return facts_of(records, 1000)[0]


@settings(max_examples=sized(150), deadline=None)
@given(cycles(), st.data())
def test_removing_nothing_changes_nothing_and_removing_something_never_costs_time(
    facts: Facts, data: st.DataObject
) -> None:
    cycle = past_cycle(facts)
    unchanged = replay(cycle, ())
    assert unchanged.time == facts["cycle_time_ns"]
    assert unchanged.activity == facts["activity_ns"]
    without = data.draw(st.sets(st.integers(0, max(0, len(cycle.pieces) - 1))))
    more = data.draw(st.sets(st.integers(0, max(0, len(cycle.pieces) - 1))))
    shorter = replay(cycle, without)
    assert 0 <= shorter.time <= unchanged.time
    assert sum(shorter.activity.values()) == shorter.time
    assert set(shorter.activity) == set(ACTIVITIES)
    assert replay(cycle, without | more).time <= shorter.time
    assert replay(cycle, without, without).time <= shorter.time


def test_the_sample_of_many_cycles_is_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_if, "MOST_CYCLES", 20)
    facts = history(150)
    forwards, backwards = Sample(), Sample()
    for one in facts:
        forwards.add(one)
    for one in reversed(facts):
        backwards.add(one)
    assert len(forwards.facts()) == 20
    assert forwards.facts() == backwards.facts()
    found = build(facts, as_of=NOW, window="all").what_if
    assert found.n == 20
    assert found.n_finished > 20
