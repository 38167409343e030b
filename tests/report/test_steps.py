"""Manual steps of single cycles, worked by hand."""

from __future__ import annotations

from tests.report.histories import DAY, HOUR, MINUTE, NOW, Team

from cycletrace._internal.flow import is_manual
from cycletrace._internal.report.steps import manual_ns, stood_still_ns, taken_up_ns


def begun() -> Team:
    team = Team("m@1", NOW - 10 * DAY)
    team.stage("train", HOUR)
    return team


def test_a_person_or_a_deployment_stage_from_a_terminal_or_notebook_is_manual() -> None:
    team = begun()
    team.stage("select", MINUTE, actor="human")
    team.stage("test", MINUTE, launch="notebook")
    team.stage("deploy", MINUTE, launch="terminal")
    team.stage("package", MINUTE, launch="ci")
    team.stage("evaluate", MINUTE, launch="terminal")
    manual = {stage["name"] for stage in team.facts()["stages"] if is_manual(stage)}
    assert manual == {"select", "test", "deploy"}


def test_a_step_waits_through_waits_for_people_and_unexplained_time_before_it() -> None:
    team = begun()
    team.idle(2 * HOUR)
    team.wait("human", 3 * HOUR)
    team.idle(MINUTE)
    approve = team.stage("approve", MINUTE, actor="human")
    assert taken_up_ns(team.facts()) == {approve: 5 * HOUR + MINUTE}


def test_waiting_for_something_else_is_not_waiting_for_a_person() -> None:
    team = begun()
    team.idle(2 * HOUR)
    team.wait("compute", 3 * HOUR)
    team.idle(MINUTE)
    approve = team.stage("approve", MINUTE, actor="human")
    assert taken_up_ns(team.facts()) == {approve: MINUTE}


def test_own_waits_for_people_count_and_what_overlaps_counts_once() -> None:
    team = begun()
    approve = team.stage("approve", HOUR, actor="human")
    team.t -= HOUR
    team.wait("human", 20 * MINUTE, approve)
    team.t -= 10 * MINUTE
    team.wait("human", 20 * MINUTE, approve)
    team.t -= 5 * MINUTE
    team.wait("data", 5 * MINUTE, approve)
    assert taken_up_ns(team.facts()) == {approve: 30 * MINUTE}


def test_own_waits_end_with_the_run_or_last_until_now() -> None:
    team = begun()
    ended = team.stage("approve", HOUR, actor="human")
    team.t -= MINUTE
    team.wait("human", 20 * MINUTE, ended)
    assert taken_up_ns(team.facts()) == {ended: MINUTE}
    team.t -= 19 * MINUTE
    running = team.running("activate", actor="human")
    team.wait("human", 100 * DAY, running)
    at = team.facts()["stages"][-1]["start"] + HOUR
    assert taken_up_ns(team.facts(at))[running] == HOUR


def test_a_step_waits_only_since_the_end_of_another_run_even_of_no_length() -> None:
    team = begun()
    team.idle(2 * HOUR)
    first = team.stage("approve", 0, actor="human")
    team.idle(HOUR)
    second = team.stage("deploy", MINUTE, launch="terminal")
    assert stood_still_ns(team.facts()) == {first: 2 * HOUR, second: HOUR}


def test_a_step_that_overlaps_another_run_did_not_wait() -> None:
    team = begun()
    team.running("test", launch="ci")
    team.idle(HOUR)
    approve = team.stage("approve", MINUTE, actor="human")
    assert taken_up_ns(team.facts()) == {approve: 0}


def test_the_first_step_waits_since_the_declared_start() -> None:
    team = Team("m@1", NOW - DAY)
    team.mark("started")
    team.idle(HOUR)
    label = team.stage("label", MINUTE, kind="data", actor="human")
    assert taken_up_ns(team.facts()) == {label: HOUR}


def test_only_runs_launched_by_hand_are_manual_work() -> None:
    team = begun()
    team.stage("deploy", 10 * MINUTE, launch="ci")
    team.stage("deploy", 4 * MINUTE, launch="terminal")
    team.stage("approve", MINUTE, actor="human")
    team.stage("activate", MINUTE)
    facts = team.facts()
    assert [owner["stage"] for owner in facts["owners"]] == ["train", "deploy", "approve", "activate"]
    assert manual_ns(facts) == 5 * MINUTE


def test_overlapping_runs_are_not_counted_twice() -> None:
    team = begun()
    team.stage("deploy", 10 * MINUTE, launch="terminal")
    team.t -= 8 * MINUTE
    team.stage("deploy", 4 * MINUTE, launch="notebook")
    team.t += 4 * MINUTE
    team.stage("activate", MINUTE)
    assert manual_ns(team.facts()) == 10 * MINUTE
