"""Figures side by side are those of a report on that group alone."""

from __future__ import annotations

from tests.report.histories import NOW, history

from cycletrace._internal.report import build
from cycletrace._internal.report.groups import MOST_GROUPS


def test_a_row_has_the_figures_of_a_report_on_that_group_alone() -> None:
    facts = history(200)
    for one in facts:
        one["namespace"] = "risk" if one["model"] == "fraud" else "growth"
    found = build(facts, as_of=NOW)
    sorts = (("namespace", found.groups.namespaces), ("model", found.groups.models), ("domain", found.groups.domains))
    for field, grouping in sorts:
        assert sum(row.finished for row in grouping.rows) == found.counts.finished
        for row in grouping.rows:
            alone = build([one for one in facts if one[field] == row.name], as_of=NOW)  # type: ignore[literal-required]
            assert (row.finished, row.open) == (alone.counts.finished, alone.counts.open)
            assert row.closed == sum(alone.counts.closed.values())
            assert (row.median, row.p85) == (alone.headline.median, alone.headline.p85)
            assert row.attainment == alone.attainment
            assert row.hands_free == alone.manual.hands_free


def test_of_many_groups_those_with_the_most_cycles_are_listed() -> None:
    facts = history(200)
    for place, one in enumerate(facts):
        one["namespace"] = f"team {place % 97 if place % 2 else 0}"
    grouping = build(facts, as_of=NOW, window="all").groups.namespaces
    assert len(grouping.rows) == MOST_GROUPS
    assert grouping.left_out > 0
    assert grouping.rows[0].name == "team 0"
