"""Waits, manual steps, tests, activation and training over several cycles, worked by hand."""

from __future__ import annotations

import pytest
from tests.report.histories import DAY, HOUR, MINUTE, NOW, Team

from cycletrace._internal.flow import Facts
from cycletrace._internal.report import Report, build


def cycle(number: int, person: str | None, waits: int, *, by_hand: bool, mechanism: str | None) -> Facts:
    team = Team(f"churn@{number}", NOW - (number + 1) * DAY, domain="tabular")
    team.wait("data", HOUR)
    team.stage("train", (1 + number) * HOUR)
    team.stage("select", MINUTE, actor="human", person="p-anna")
    if by_hand:
        team.stage("test", 2 * MINUTE, actor="human", person="p-ben", launch="notebook")
        team.wait("human", waits)
        team.stage("approve", MINUTE, actor="human", person=person)
        team.stage("deploy", MINUTE, launch="terminal")
    else:
        team.stage("test", MINUTE, launch="ci", outcome="error")
        team.stage("test", MINUTE, launch="ci")
        team.stage("deploy", MINUTE, launch="ci")
    team.idle(number * MINUTE)
    team.stage("activate", MINUTE, mechanism=mechanism)
    return team.facts()


@pytest.fixture(scope="module")
def found() -> Report:
    return build(
        [
            cycle(1, "p-anna", HOUR, by_hand=True, mechanism="flag"),
            cycle(2, "p-anna", 3 * HOUR, by_hand=True, mechanism="redeploy"),
            cycle(3, "p-cem", 2 * HOUR, by_hand=True, mechanism="flag"),
            cycle(4, None, 0, by_hand=False, mechanism=None),
        ],
        as_of=NOW,
    )


def test_waits_by_reason(found: Report) -> None:
    human, data = found.waits.reasons
    assert (human.reason, human.count, human.total_ns, human.longest_ns) == ("human", 3, 6 * HOUR, 3 * HOUR)
    assert (data.reason, data.count, data.owned_ns) == ("data", 4, 4 * HOUR)
    assert human.share == pytest.approx(6 * HOUR / found.accounting.total_ns)


def test_waits_by_team() -> None:
    cycles = [cycle(number, "p-anna", number * HOUR, by_hand=True, mechanism=None) for number in range(1, 5)]
    for one, team in zip(cycles, ("ads", "ads", "ads", "risk"), strict=True):
        one["namespace"] = team
    risk, ads = build(cycles, as_of=NOW).waits.teams
    assert (risk.team, risk.n, risk.mean_ns) == ("risk", 1, 5 * HOUR)
    assert risk.by_reason_ns == {"human": 4 * HOUR, "data": HOUR}
    assert (ads.team, ads.n, ads.by_reason_ns) == ("ads", 3, {"human": 2 * HOUR, "data": HOUR})


def test_a_cycle_is_hands_free_without_a_manual_step_after_selected(found: Report) -> None:
    free = found.manual.hands_free
    assert (free.count, free.n) == (1, 4)


def test_manual_steps_and_the_people_who_do_them(found: Report) -> None:
    steps = {row.stage: row for row in found.manual.by_step}
    assert set(steps) == {"select", "test", "approve", "deploy"}
    approve = steps["approve"]
    assert (approve.runs, approve.people, approve.named_runs) == (3, 2, 3)
    assert (approve.top_person, approve.top_share) == ("p-anna", 2 / 3)
    assert approve.taken_up.value_ns == 2 * HOUR
    assert (approve.taken_up_total_ns, approve.taken_up_longest_ns) == (6 * HOUR, 3 * HOUR)
    deploy = steps["deploy"]
    assert (deploy.people, deploy.top_person, deploy.top_share) == (0, None, None)
    assert (deploy.launches, deploy.by_automation) == ({"terminal": 3}, 3)
    assert found.manual.steps == 4 + 3 * 3
    assert found.manual.steps_per_cycle == 13 / 4
    assert found.manual.owned_ns == 4 * MINUTE + 3 * (2 + 1 + 1) * MINUTE


def test_tests_by_actor_and_launch(found: Report) -> None:
    rows = {(row.actor, row.launch): row for row in found.tests.rows}
    assert set(rows) == {("human", "notebook"), ("automation", "ci")}
    assert (rows["automation", "ci"].runs, rows["automation", "ci"].passed) == (2, 1)
    assert rows["human", "notebook"].p50.value_ns == 2 * MINUTE
    assert (found.tests.no_automatic.count, found.tests.no_automatic.n) == (3, 4)


def test_activation_by_mechanism(found: Report) -> None:
    rows = {row.mechanism: row.p50 for row in found.activation.by_mechanism}
    assert {name: (one.n, one.value_ns) for name, one in rows.items()} == {
        "flag": (2, 3 * MINUTE),
        "redeploy": (1, 3 * MINUTE),
        None: (1, 5 * MINUTE),
    }
    assert (found.activation.n, found.activation.unknown) == (4, 0)


def test_training_is_reported_per_domain_and_never_pooled() -> None:
    teams = []
    for number, (model, domain) in enumerate(
        [("churn", "tabular"), ("fraud", "tabular"), ("digits", "vision"), ("churn", "tabular")]
    ):
        team = Team(f"{model}@{number}", NOW - DAY, model=model, domain=domain)
        team.stage("train", (number + 1) * HOUR)
        teams.append(team)
    teams[3].stage("select", MINUTE)
    teams[3].close("failed")
    training = build([team.facts() for team in teams], as_of=NOW).training
    assert training.n == 4
    tabular, vision = training.domains
    assert (tabular.domain, tabular.p50.n, tabular.p50.value_ns) == ("tabular", 3, 2 * HOUR)
    assert [(row.model, row.p50.n, row.p50.value_ns) for row in tabular.models] == [
        ("churn", 2, 5 * HOUR // 2),
        ("fraud", 1, 2 * HOUR),
    ]
    assert (vision.domain, vision.p50.value_ns, vision.models) == ("vision", 3 * HOUR, [])
    assert not hasattr(training, "p50")


def test_a_suite_that_stops_releases_shows_in_the_tests() -> None:
    """Every run of the window counts, also those of cycles that never finish."""
    teams = []
    for number in range(3):
        stopped = Team(f"churn@{number}", NOW - DAY)
        stopped.stage("train", HOUR)
        stopped.stage("select", MINUTE)
        stopped.stage("test", MINUTE, launch="ci", outcome="error" if number else "timeout")
        teams.append(stopped)
    old = Team("churn@old", NOW - 200 * DAY)
    old.stage("test", MINUTE, launch="ci")
    tests = build([team.facts() for team in [*teams, old]], as_of=NOW).tests
    (row,) = tests.rows
    assert (row.runs, row.passed, row.outcomes) == (3, 0, {"error": 2, "timeout": 1})
    assert tests.n == 0


def test_runs_that_no_population_counts_are_no_tests() -> None:
    """``cycletrace run --stage test -- pytest`` outside of any cycle."""
    alone = Team("pytest@1", NOW - DAY, implicit=True)
    alone.stage("test", MINUTE, launch="ci")
    found = build([alone.facts()], as_of=NOW)
    assert found.tests.rows == []
    assert found.attainment.n == 0
    assert (found.counts.implicit_left_out, found.counts.open) == (1, 0)
