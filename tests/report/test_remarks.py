"""What is odd about the cycles behind the figures is said beside them."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console
from tests.report.histories import HOUR, MINUTE, NOW, Team

from cycletrace._internal.flow import End, Facts, Wait
from cycletrace._internal.report import build, report_document
from cycletrace._internal.report.terminal import render

DAY = 24 * HOUR


def finished(key: str, *, declared: bool = False) -> Team:
    team = Team(key, NOW - DAY)
    if declared:
        team.mark("started")
    team.stage("train", HOUR)
    team.mark("selected")
    return team


def shown(*teams: Team) -> str:
    out = StringIO()
    render(report_document(build([team.facts() for team in teams], as_of=NOW)), Console(file=out, width=200))
    return out.getvalue()


def in_use(team: Team) -> Team:
    team.mark("in_use")
    return team


def test_declared_starts_are_counted_apart_from_derived_ones() -> None:
    teams = [in_use(finished("a@1")), in_use(finished("a@2", declared=True))]
    assert build([team.facts() for team in teams], as_of=NOW).remarks.declared_starts == 1
    assert "1 finished cycle started with the first stage or wait" in shown(*teams)
    assert "started with the first stage" not in shown(teams[1])


def forgotten(hours: int) -> Facts:
    team = finished("a@1")
    team.records.append(Wait(team.origin, "w", "human", team.t))
    team.idle(hours * HOUR)
    return in_use(team).facts()


@pytest.mark.parametrize(("hours", "expected"), [(1, 0), (2, 1)])
def test_a_forgotten_wait_that_owns_most_of_a_cycle_is_noted(hours: int, expected: int) -> None:
    assert build([forgotten(hours)], as_of=NOW).remarks.forgotten_waits == expected


def test_an_end_without_a_begin_and_a_success_after_its_bound_are_noted() -> None:
    team = in_use(finished("a@1"))
    team.records.append(End(team.origin, "e", team.t, "deploy", outcome="ok"))
    team.idle(HOUR)
    team.stage("deploy", MINUTE)
    text = shown(team)
    assert "1 cycle with an end of a stage or wait that has no begin." in text
    assert "1 cycle with a stage that succeeded too late to make its mark" in text


def test_cycles_of_which_only_marks_are_known_are_listed() -> None:
    assert "1 cycle of which nothing but marks is known, perhaps a typo: chrun@7." in shown(
        in_use(Team("chrun@7", NOW - DAY)), in_use(finished("churn@7"))
    )
