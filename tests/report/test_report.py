"""The report as a whole, and odd histories."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.report.histories import DAY, HOUR, MINUTE, NOW, SECOND, Team, demo, history

from cycletrace._internal.flow import Facts
from cycletrace._internal.report import build, build_cycle, report_document, to_json
from cycletrace._internal.report.document import Spark, Strip, parts
from cycletrace._internal.report.format import to_text


def round_trip(figures: Any) -> Any:
    return json.loads(json.dumps(figures, allow_nan=False))


@pytest.mark.parametrize("facts", [[], demo(), history(200)], ids=["empty", "demo", "history"])
def test_json_has_every_figure_exactly(facts: list[Facts]) -> None:
    found = build(facts, as_of=NOW, zone=ZoneInfo("Europe/Berlin"))
    figures = to_json(found)
    assert round_trip(figures) == figures
    assert figures["headline"]["median"]["value_ns"] == found.headline.median.value_ns
    for one in facts[:20]:
        single = to_json(build_cycle(one))
        assert round_trip(single) == single


def figures_with_n(figures: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every quantile and share in JSON values, each of which must have its n."""
    if isinstance(figures, dict):
        if "value_ns" in figures or ("value" in figures and "low" in figures):
            assert isinstance(figures["n"], int), path
            yield path
        for name, value in figures.items():
            yield from figures_with_n(value, f"{path}.{name}")
    elif isinstance(figures, list):
        for value in figures:
            yield from figures_with_n(value, path)


def test_every_figure_has_its_n_and_every_section_its_population() -> None:
    figures = to_json(build(history(200), as_of=NOW))
    assert len(list(figures_with_n(figures))) > 50
    sections = set(figures) - {"as_of", "window", "target", "trigger", "selection", "counts"}
    assert all(figures[section]["population"] for section in sections)


def test_the_heading_names_what_was_selected() -> None:
    def heading(**selection: str) -> str:
        document = report_document(build(demo(), as_of=NOW, selection=selection))
        return "".join(to_text(value) for value, _ in parts(document[0].about) if not isinstance(value, Strip | Spark))

    assert heading().startswith("all teams; 90d: ")
    assert heading(team="ads", model="churn").startswith("team ads, model churn; 90d: ")
    assert heading(team="").startswith("team (none); ")


def test_the_demo_has_one_finished_one_open_and_one_abandoned() -> None:
    found = build(demo(), as_of=NOW)
    assert (found.counts.finished, found.counts.open, found.counts.closed["abandoned"]) == (1, 1, 1)
    assert (found.headline.median.value_ns, found.headline.median.low_ns) == (21_850 * 10**6, None)
    assert (found.attainment.n, found.attainment.value, found.attainment.naive) == (2, 0.5, 1.0)


def test_the_order_in_which_cycles_come_changes_no_figure() -> None:
    facts = history(400)
    shuffled = list(facts)
    random.Random(1).shuffle(shuffled)
    assert build(facts, as_of=NOW) == build(iter(shuffled), as_of=NOW)


def test_shifting_all_instants_changes_no_length() -> None:
    def shifted(by: int) -> tuple[object, ...]:
        found = build(history(120, now=NOW + by), as_of=NOW + by, window="all")
        return found.headline, found.attainment, found.accounting, found.manual, found.what_if, found.training

    assert shifted(0) == shifted(1_234_567_891)


def test_only_open_cycles() -> None:
    still = Team("m@1", NOW - DAY)
    still.running("train")
    found = build([still.facts()], as_of=NOW)
    assert (found.headline.median.n, found.counts.open, found.accounting.total_ns) == (0, 1, 0)
    assert found.attainment.value is None
    assert found.manual.hands_free.value is None


def test_equal_cycles() -> None:
    facts = []
    for number in range(60):
        team = Team(f"m@{number}", NOW - DAY)
        team.stage("train", HOUR)
        team.stage("activate", MINUTE)
        facts.append(team.facts())
    found = build(facts, as_of=NOW)
    whole = HOUR + MINUTE
    for one in (found.headline.median, found.headline.p85, found.headline.p95):
        assert (one.value_ns, one.low_ns, one.high_ns) == (whole, whole, whole)
    assert found.change_point.at is None


def test_cycles_of_no_length() -> None:
    team = Team("m@1", NOW - DAY)
    team.mark("started")
    team.mark("in_use")
    found = build([team.facts()], as_of=NOW)
    assert (found.headline.median.value_ns, found.accounting.mean_ns, found.attainment.n) == (0, 0, 0)
    assert [row.share for row in found.accounting.activities] == [None] * 8
    assert found.what_if.changes == []


def test_one_enormous_outlier_hardly_moves_the_median() -> None:
    facts = history(200)
    old = Team("old@1", 0)
    old.stage("train", NOW - DAY)
    old.stage("activate", MINUTE)
    calm, shaken = build(facts, as_of=NOW), build([*facts, old.facts()], as_of=NOW)
    assert shaken.headline.median.n == calm.headline.median.n + 1
    assert shaken.headline.median.value_ns is not None
    assert calm.headline.median.value_ns is not None
    assert abs(shaken.headline.median.value_ns - calm.headline.median.value_ns) < 30 * MINUTE
    assert sum(row.total_ns for row in shaken.accounting.stages) == shaken.accounting.total_ns


def test_runs_that_end_before_they_start_have_no_length() -> None:
    team = Team("m@1", NOW - DAY)
    team.stage("train", HOUR)
    team.stage("test", -HOUR)
    team.t += 2 * HOUR
    team.stage("activate", MINUTE)
    found = build([team.facts()], as_of=NOW)
    assert found.tests.rows[0].runs == 1
    assert found.tests.rows[0].p50.n == 0


def test_bad_settings_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="not a window"):
        build([], as_of=NOW, window="soon")
    with pytest.raises(ValueError, match="not a target"):
        build([], as_of=NOW, target="soon")


def test_the_parts_of_one_cycle_add_up_and_its_flags_become_notes() -> None:
    team = Team("m@1", NOW - DAY)
    run = team.stage("train", HOUR)
    team.stage("test", -SECOND)
    team.idle(SECOND)
    team.stage("train", MINUTE, parent=run)
    team.stage("activate", MINUTE)
    found = build_cycle(team.facts())
    assert found.cycle_time_ns == sum(piece.length_ns or 0 for piece in found.parts)
    assert found.cycle_time_ns == sum(piece.length_ns or 0 for piece in found.activities)
    assert found.cycle_time_ns == sum(stretch.end - stretch.start for stretch in found.timeline)
    assert found.notes == ["1 stage or wait ends before it starts: it is listed but not counted"]
    assert [run.attempt for run in found.stages if run.name == "train"] == [1, 2]
