from __future__ import annotations

from dataclasses import replace

from tests.report.histories import DAY, HOUR, MINUTE, NOW, Team

from cycletrace._internal.flow import Facts
from cycletrace._internal.report import Report, build


def made(key: str, start: int, *, ends: str = "in_use", **more: str | None) -> Team:
    team = Team(key, start, **more)
    team.stage("train", HOUR)
    if ends in ("in_use", "deployed", "rolled_back"):
        team.stage("select", MINUTE)
        team.stage("deploy", MINUTE)
    if ends in ("in_use", "rolled_back"):
        team.stage("activate", MINUTE)
    if ends not in ("in_use", "deployed", "open"):
        team.close(ends)
    return team


def of(*teams: Team, window: str = "90d", trigger: str = "idea") -> Report:
    return build([team.facts() for team in teams], as_of=NOW, window=window, trigger=trigger)


def test_finished_are_those_in_use_or_settled_as_deployed() -> None:
    found = of(
        made("m@1", NOW - DAY), made("m@2", NOW - 5 * DAY, ends="deployed"), made("m@3", NOW - DAY, ends="deployed")
    )
    assert (found.counts.finished, found.counts.finished_use_unknown, found.counts.open) == (2, 1, 1)
    assert found.headline.median.n == 2


def test_a_cycle_rolled_back_after_use_is_finished_and_counted_as_rolled_back() -> None:
    found = of(made("m@1", NOW - DAY, ends="rolled_back"))
    assert (found.counts.finished, found.counts.finished_rolled_back) == (1, 1)
    assert found.counts.closed["rolled_back"] == 0


def test_cycles_closed_without_having_finished_are_counted_by_outcome() -> None:
    found = of(*(made(f"m@{name}", NOW - DAY, ends=name) for name in ("failed", "abandoned", "superseded")))
    assert found.counts.closed == {"failed": 1, "abandoned": 1, "superseded": 1, "rolled_back": 0}
    assert (found.counts.finished, found.headline.median.value_ns) == (0, None)


def test_figures_are_about_one_trigger_and_the_others_are_counted() -> None:
    teams = [made("m@1", NOW - DAY), made("m@2", NOW - DAY, trigger="schedule"), made("m@3", NOW - DAY, trigger="idea")]
    found = of(*teams)
    assert found.counts.finished == 2
    assert {row.trigger: row.finished for row in found.counts.by_trigger} == {"idea": 2, "schedule": 1}
    assert of(*teams, trigger="schedule").counts.finished == 1
    assert of(*teams, trigger="drift").counts.finished == 0


def implicit(team: Team) -> Facts:
    team.origin = team.origin._replace(implicit=True)
    team.records = [record._replace(origin=team.origin) for record in team.records]
    return team.facts()


def test_implicit_cycles_count_once_something_was_selected() -> None:
    unselected = Team("script@1", NOW - DAY)
    unselected.stage("train", HOUR)
    facts = [implicit(unselected), implicit(made("script@2", NOW - DAY))]
    assert [one["implicit"] for one in facts] == [True, True]
    found = build(facts, as_of=NOW)
    assert (found.counts.implicit_left_out, found.counts.finished, found.counts.open) == (1, 1, 0)
    assert found.work.open == []


def test_an_open_cycle_is_stale_after_30_days_of_silence() -> None:
    silent = made("m@1", NOW - 30 * DAY - HOUR, ends="open")
    found = of(silent)
    assert (found.counts.open, found.counts.stale) == (0, 1)
    recent = made("m@1", NOW - 30 * DAY - HOUR + 1, ends="open")
    found = of(recent)
    assert (found.counts.open, found.counts.stale) == (1, 0)


def test_the_window_is_half_open() -> None:
    first = made("m@1", NOW - 10 * DAY)
    finish = first.facts()["marks"]["in_use"]
    assert finish is not None
    for as_of, n in ((finish, 1), (finish + DAY - 1, 1), (finish + DAY, 0)):
        assert build([first.facts()], as_of=as_of, window="24h").counts.finished == n


def test_a_cycle_without_a_known_start_is_finished_without_a_cycle_time() -> None:
    declared = Team("m@1", NOW - DAY)
    declared.mark("in_use")
    found = of(declared)
    assert (found.counts.finished, found.counts.finished_time_unknown, found.headline.median.n) == (1, 1, 0)


def test_cycles_with_impossible_instants_are_left_out_and_counted() -> None:
    far = Team("m@1", 2**62)
    far.stage("train", HOUR)
    found = build([far.facts(2**63), made("m@2", NOW - DAY).facts()], as_of=NOW)
    assert (found.counts.unreadable, found.counts.finished, found.counts.known) == (1, 1, 2)


def test_the_order_of_the_cycles_changes_no_figure() -> None:
    facts = [made(f"m{n % 3}@{n}", NOW - n * DAY, ends=("in_use", "failed", "open")[n % 3]).facts() for n in range(30)]
    assert build(facts, as_of=NOW) == build(reversed(facts), as_of=NOW)
    assert build(iter(facts), as_of=NOW) == replace(build(facts, as_of=NOW))
