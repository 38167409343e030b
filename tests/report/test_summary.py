"""The few lines that a report begins with, and the sections that can be chosen instead."""

from __future__ import annotations

import io
from datetime import date

import pytest
from rich.console import Console
from tests.report.histories import DAY, HOUR, NOW, Team, demo, history
from tests.report.pages import HOSTILE

from cycletrace._internal.cli import report as command
from cycletrace._internal.flow import Facts
from cycletrace._internal.report import Report, build
from cycletrace._internal.report.document import Document
from cycletrace._internal.report.sections import GROUPINGS, SECTIONS
from cycletrace._internal.report.summary import brief, summary_document
from cycletrace._internal.report.terminal import render


def text_of(document: Document) -> str:
    out = io.StringIO()
    render(document, Console(file=out, width=80))
    return out.getvalue()


def faster() -> list[Facts]:
    """Two windows of cycles, the later ones much faster, and an open one with a long name."""
    made = []
    for index in range(24):
        team = Team(f"churn@{index}", NOW - (180 - 7 * index) * DAY)
        team.stage("train", (2 if index >= 12 else 40) * HOUR + index)
        team.stage("deploy", HOUR)
        team.mark("in_use")
        made.append(team.facts())
    late = Team(f"{'x' * 200}@1", NOW - DAY)
    late.running("y" * 200, "train")
    return [*made, late.facts()]


def hostile() -> list[Facts]:
    teams = [Team(f"{name}@{place}", NOW - 2 * DAY, model=name) for place, name in enumerate(HOSTILE)]
    for team in teams:
        team.stage(team.origin.model or "", HOUR, "train")
    return [team.facts() for team in teams]


HISTORIES = {
    "empty": [],
    "demo": demo(),
    "year": history(400, span=365 * DAY),
    "few": history(30, pace=0.2),
    "faster": faster(),
    "hostile": hostile(),
}


@pytest.mark.parametrize("facts", HISTORIES.values(), ids=HISTORIES)
def test_the_summary_has_at_most_ten_lines(facts: list[Facts]) -> None:
    lines = [line for line in text_of(summary_document(build(facts, as_of=NOW))).splitlines() if line.strip()]
    assert 5 <= len(lines) <= 10, lines
    assert lines[0].startswith("From idea into use")
    assert "\x1b" not in "".join(lines)


def test_the_summary_answers_how_long_whether_faster_what_next_and_what_is_open() -> None:
    text = " ".join(text_of(summary_document(build(HISTORIES["faster"], as_of=NOW, window="90d"))).split())
    assert "Median cycle time 3 h 3 h to 3 h" in text
    assert "11 finished, 1 open." in text
    assert "Trend: -1 d 14 h, faster than in the window before, most by train." in text
    assert "Automate next: without train, saves 2 h on average (67 %)." in text
    assert "Open for longest: xxx" in text
    assert "Notes and all other figures: cycletrace report --full" in text


def test_a_change_within_the_window_is_the_trend_where_there_is_no_window_to_compare_with() -> None:
    report = build(HISTORIES["faster"], as_of=NOW, window="200d")
    change = report.change_point
    assert change.at is not None
    assert sum(row.difference_ns for row in change.stages) == -38 * HOUR + 12
    text = text_of(summary_document(report))
    assert f"Trend: faster since {date.fromtimestamp(change.at / 1e9)}, most by train." in text
    shorter = build(HISTORIES["faster"], as_of=NOW, window="30d")
    assert shorter.change_point.at == change.at
    assert shorter.change_point.stages == [], "no cycle on the other side of the change has its details"


def year() -> Report:
    return build(HISTORIES["year"], as_of=NOW, window="1y")


def test_the_command_knows_every_section_and_grouping() -> None:
    assert (list(command.SECTIONS), list(command.GROUPINGS)) == (list(SECTIONS), list(GROUPINGS))


def test_each_section_comes_after_the_headline_alone() -> None:
    titles = []
    for name in (*SECTIONS, *GROUPINGS):
        headline, section = brief(year(), names=[name])
        assert headline == brief(year())[0]
        titles.append(section.title)
    assert len(set(titles)) == len(titles)


def test_months_have_the_figures_of_the_cycles_that_finished_in_them() -> None:
    report = year()
    assert sum(month.median.n for month in report.history.months) == report.headline.median.n
    assert all(month.begins.endswith("-01") for month in report.history.months)
    shorter = build(HISTORIES["year"], as_of=NOW, window="90d")
    assert shorter.history.by == "week"
    assert [month.begins for month in shorter.history.months] == ["2026-03-01", "2026-04-01", "2026-05-01"]
    assert "2026-04-01" in text_of(brief(shorter, names=["month"]))


def test_a_report_on_all_triggers_is_about_every_cycle() -> None:
    facts = HISTORIES["year"]
    by_trigger = [build(facts, as_of=NOW, window="1y", trigger=name) for name in ("idea", "schedule", "drift", "fix")]
    whole = build(facts, as_of=NOW, window="1y", trigger="all")
    assert whole.counts.finished == sum(one.counts.finished for one in by_trigger) > by_trigger[0].counts.finished
    assert whole.headline.median.n == sum(one.headline.median.n for one in by_trigger)
    text = text_of(brief(whole))
    assert "all triggers" in text
    assert "Other triggers" not in text
