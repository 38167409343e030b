from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.report.histories import DAY, HOUR, MINUTE, NOW, SECOND, Team, demo, history

from cycletrace._internal.report import build
from cycletrace._internal.report.accounting import MOST_STAGES, UNATTRIBUTED, Row, StageRow


def names(rows: list[Row]) -> dict[str, int]:
    return {row.name: row.total_ns for row in rows}


def test_one_cycle_worked_by_hand() -> None:
    found = build(demo(), as_of=NOW).accounting
    assert (found.n, found.total_ns) == (1, 21_880 * SECOND // 1000 - 30 * 10**6)
    assert names(found.parts) == {
        "training": 11 * SECOND,
        "selection": 1_100 * 10**6,
        "deployment": 9_750 * 10**6,
    }
    assert {name: total for name, total in names(found.activities).items() if total} == {
        "work.automation": 18_350 * 10**6,
        "work.human": 500 * 10**6,
        "wait.human": 3 * SECOND,
    }
    assert {(row.stage, row.activity): row.total_ns for row in found.stages}[None, "wait.human"] == 3 * SECOND
    assert found.activation.total_ns == 50 * 10**6


@pytest.mark.parametrize("seed", range(4))
def test_parts_activities_and_stages_add_up_to_the_cycle_time(seed: int) -> None:
    facts = history(300, seed)
    found = build(facts, as_of=NOW).accounting
    assert found.n > 30
    lists: tuple[Sequence[Row | StageRow], ...] = (found.parts, found.activities, found.stages)
    for rows in lists:
        assert sum(row.total_ns for row in rows) == found.total_ns
        assert sum(row.mean_ns for row in rows) == found.mean_ns
        assert sum(row.share or 0 for row in rows) == pytest.approx(1)


def test_figures_equal_sums_over_the_facts() -> None:
    """Compare the columns with the facts themselves."""
    facts = history(300, 11)
    found = build(facts, as_of=NOW, window="all").accounting
    chosen = [
        one
        for one in facts
        if one["trigger"] == "idea"
        and (one["marks"]["in_use"] or one["outcome"] == "deployed")
        and one["cycle_time_ns"]
    ]
    assert found.n == len(chosen)
    for row in found.activities:
        owned = [one["activity_ns"][row.name] for one in chosen if one["activity_ns"]]
        assert row.total_ns == sum(owned)
        assert row.n == sum(length > 0 for length in owned)
    for stage in found.stages:
        if stage.stage is not None:
            assert stage.runs == sum(run["name"] == stage.stage for one in chosen for run in one["stages"])
            owners = [owner for one in chosen for owner in one["owners"] if owner["stage"] == stage.stage]
            assert stage.total_ns == stage.work_ns == sum(owner["end"] - owner["start"] for owner in owners)


def test_time_without_marks_to_divide_it_is_unattributed() -> None:
    team = Team("m@1", NOW - DAY)
    team.stage("fit", HOUR, kind="other")
    team.stage("deploy", MINUTE)
    team.stage("activate", MINUTE)
    found = build([team.facts()], as_of=NOW).accounting
    assert names(found.parts) == {
        "training": 0,
        "selection": 0,
        "deployment": 2 * MINUTE,
        UNATTRIBUTED: HOUR,
    }


def test_a_part_outside_of_the_cycle_is_not_part_of_its_time() -> None:
    team = Team("m@1", NOW - DAY)
    team.mark("selected")
    team.idle(HOUR)
    team.stage("deploy", MINUTE)
    team.stage("activate", MINUTE)
    facts = team.facts()
    assert facts["parts_ns"]["deployment"] == HOUR + 2 * MINUTE
    found = build([facts], as_of=NOW).accounting
    assert names(found.parts)[UNATTRIBUTED] == found.total_ns == 2 * MINUTE


def test_runs_without_success_are_counted() -> None:
    team = Team("m@1", NOW - DAY)
    team.stage("train", HOUR, outcome="error")
    team.stage("train", HOUR, outcome="timeout")
    team.stage("train", HOUR)
    team.stage("select", MINUTE)
    team.stage("deploy", MINUTE)
    team.stage("activate", MINUTE)
    row = build([team.facts()], as_of=NOW).accounting.stages[0]
    assert (row.stage, row.runs, row.unsuccessful, row.n) == ("train", 3, 2, 1)


def test_stages_beyond_the_limit_share_a_row_and_all_add_up() -> None:
    team = Team("m@1", NOW - DAY)
    for number in range(MOST_STAGES + 50):
        team.stage(f"step {number}", MINUTE + number, kind="other")
    team.stage("activate", MINUTE)
    found = build([team.facts()], as_of=NOW).accounting
    assert len(found.stages) == MOST_STAGES + 1
    assert found.stages[-1].merged == 51
    assert sum(row.total_ns for row in found.stages) == found.total_ns
    assert sum(row.mean_ns for row in found.stages) == found.mean_ns
