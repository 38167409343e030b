from __future__ import annotations

from datetime import timezone
from zoneinfo import ZoneInfo

import pytest
from tests.report.histories import DAY, HOUR, MINUTE, NOW, WEEK, Team, history

from cycletrace._internal.report import build


def finished(key: str, start: int, length: int) -> Team:
    team = Team(key, start)
    team.stage("train", length - MINUTE)
    team.stage("activate", MINUTE)
    return team


def test_littles_law_holds_exactly_if_all_cycles_begin_and_end_in_the_window() -> None:
    facts = [finished(f"m@{n}", NOW - (40 - n) * DAY, (n + 1) * HOUR).facts() for n in range(30)]
    little = build(facts, as_of=NOW).work.little
    assert little is not None
    assert little.deviation == 0
    assert little.in_progress == pytest.approx(sum(range(1, 31)) * HOUR / (90 * DAY))
    assert little.closed_per_week == pytest.approx(30 * WEEK / (90 * DAY))
    assert little.mean_ns == 31 * HOUR // 2


def test_open_cycles_make_the_deviation() -> None:
    facts = [finished("m@1", NOW - 10 * DAY, DAY).facts()]
    still = Team("m@2", NOW - 3 * DAY)
    still.stage("train", HOUR)
    little = build([*facts, still.facts()], as_of=NOW).work.little
    assert little is not None
    assert little.deviation == pytest.approx(-3 / 4)


def test_weeks_count_by_the_local_monday() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    # 2026-05-24 22:30 UTC is Monday 00:30 in Berlin, Sunday in London.
    start = NOW - (NOW - 1_779_661_800 * 10**9) - HOUR
    facts = [finished("m@1", start, HOUR).facts()]
    in_berlin = build(facts, as_of=NOW, zone=berlin).work.weeks
    in_utc = build(facts, as_of=NOW, zone=timezone.utc).work.weeks
    assert [(week.begins, week.finished) for week in in_berlin] == [("2026-05-25", 1)]
    assert [(week.begins, week.finished) for week in in_utc] == [("2026-05-18", 1)]
    assert [week.is_whole for week in (*in_berlin, *in_utc)] == [False, True]


def test_weeks_add_up_to_the_finished_cycles() -> None:
    found = build(history(400), as_of=NOW)
    assert sum(week.finished for week in found.work.weeks) == found.counts.finished == found.work.n


def test_open_cycles_have_an_age_and_a_standing() -> None:
    waiting, running, idle = (Team(f"m@{n}", NOW - (n + 1) * DAY) for n in range(3))
    waiting.stage("train", HOUR)
    waiting.t = NOW - HOUR
    second = waiting.running("train")
    waiting.t = NOW - MINUTE
    waiting.wait("compute", DAY, second)
    running.running("train")
    idle.stage("train", HOUR)
    found = build([one.facts() for one in (waiting, running, idle)], as_of=NOW).work.open
    assert [(one.key, one.age_ns) for one in found] == [("m@2", 3 * DAY), ("m@1", 2 * DAY), ("m@0", DAY)]
    standing = [(one.standing.state, one.standing.what, one.standing.since) for one in found]
    assert standing == [
        ("idle after", "train", NOW - 3 * DAY + HOUR),
        ("running", "train", NOW - 2 * DAY),
        ("waiting", "compute", NOW - MINUTE),
    ]
    assert [one.compared for one in found] == [None, None, None]


def test_ages_are_compared_once_enough_have_finished() -> None:
    facts = [finished(f"m@{n}", NOW - 20 * DAY, (n + 1) * DAY).facts() for n in range(6)]
    ages = {"young": DAY, "middle": 4 * DAY, "old": 15 * DAY}
    for key, age in ages.items():
        team = Team(key, NOW - age)
        team.stage("train", HOUR)
        facts.append(team.facts())
    found = build(facts, as_of=NOW).work.open
    assert {one.key: one.compared for one in found} == {"old": "above p85", "middle": "above p50", "young": "below p50"}
