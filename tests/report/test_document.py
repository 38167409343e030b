"""The documents that renderers lay out: typed values, and names that stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.report.histories import DAY, HOUR, MINUTE, NOW, Team, demo, history

from cycletrace._internal.report import build, build_cycle, cycle_document, report_document
from cycletrace._internal.report.document import (
    Axis,
    Column,
    Content,
    Count,
    Document,
    Link,
    Name,
    Picture,
    Strip,
    Table,
    Value,
    bar,
    join,
    numeric_columns,
    parts,
    table,
)


def values(document: Document) -> Iterator[Value | Picture]:
    """Yield every value of a document."""

    def contents() -> Iterator[Content]:
        for section in document:
            yield from (section.title, section.about)
            for block in section.blocks:
                if isinstance(block, Table):
                    titles = [column.title for column in block.columns]
                    yield from (title for title in titles if not isinstance(title, Axis))
                    yield from (cell for row in block.rows for cell in row)
                else:
                    yield block.content

    for content in contents():
        yield from (value for value, _ in parts(content))


def documents() -> list[Document]:
    return [
        report_document(build([], as_of=NOW)),
        report_document(build(demo(), as_of=NOW)),
        report_document(build(history(400), as_of=NOW), linked=lambda cycle_id: f"http://traces/{cycle_id}"),
        *(cycle_document(build_cycle(facts)) for facts in [*demo(), *history(60)]),
    ]


@pytest.mark.parametrize("document", documents())
def test_figures_are_typed_values_never_text(document: Document) -> None:
    for value in values(document):
        if isinstance(value, str):
            assert not re.search(r"\d (µs|ms|s|min|h|d|y|%)(?!\w)", value.replace("95 %", "")), value


@pytest.mark.parametrize("document", documents())
def test_every_row_has_a_cell_for_each_column_and_no_column_is_empty(document: Document) -> None:
    for section in document:
        for block in section.blocks:
            if isinstance(block, Table):
                assert {len(row) for row in block.rows} == {len(block.columns)}
                assert all(any(cell != "" for cell in column) for column in zip(*block.rows, strict=True))


def test_texts_of_users_are_names() -> None:
    odd = "<odd>"
    team = Team(odd, NOW - DAY, model=odd, domain=odd, version=odd)
    team.stage(odd, HOUR, kind="train")
    team.stage("approve", MINUTE, actor="human", person=odd)
    team.wait("compute", MINUTE, team.stage(odd, HOUR, kind="train"))
    team.stage("activate", MINUTE, mechanism=odd, environment="production")
    still = Team(f"{odd}2", NOW - DAY, model=odd)
    still.running(odd, kind="train")
    for document in (
        report_document(build([team.facts(), still.facts()], as_of=NOW)),
        cycle_document(build_cycle(team.facts())),
    ):
        found = list(values(document))
        assert not any(odd in value for value in found if isinstance(value, str))
        assert any(odd in value.text for value in found if isinstance(value, Name))


def test_listed_open_cycles_are_linked_to_their_traces() -> None:
    facts = demo()
    document = report_document(build(facts, as_of=NOW), linked=lambda cycle_id: f"http://traces/{cycle_id}")
    links = [block for section in document for block in section.blocks if isinstance(block, Link)]
    assert links == [Link(Name("digits@3", 36), f"http://traces/{facts[2]['cycle_id']}")]


def test_a_table_leaves_out_empty_columns_and_knows_which_hold_numbers() -> None:
    found = table([Column("a"), Column("b"), Column("c")], [["x", "", Count(1)], ["y", "", "unknown"]])
    assert [column.title for column in found.columns] == ["a", "c"]
    assert found.rows == (("x", Count(1)), ("y", "unknown"))
    assert numeric_columns(found) == [False, True]


def test_items_are_joined_with_a_separator() -> None:
    assert join([]) == ()
    assert join([("a", Count(1)), ("b",)]) == ("a", Count(1), ", ", "b")


def test_a_bar_is_as_long_as_its_share_and_absent_without_one() -> None:
    assert bar(0.25) == Strip(((0.0, 0.25),))
    assert bar(1.5) == Strip(((0.0, 1.0),))
    assert bar(0.0) == bar(None) == ""
