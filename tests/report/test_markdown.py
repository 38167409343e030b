"""The report as Markdown: the same figures, and nothing in a name is markup."""

from __future__ import annotations

import re

import pytest
from tests.report.histories import HOUR, NOW, Team, demo, history

from cycletrace._internal.report import build, build_cycle, cycle_document, report_document
from cycletrace._internal.report.document import Table
from cycletrace._internal.report.markdown import render
from cycletrace._internal.report.summary import short_document


def test_the_headline_comes_first_and_the_rest_can_be_unfolded() -> None:
    document = report_document(build(history(120), as_of=NOW))
    text = render(document)
    head, _, rest = text.partition("<details>")
    assert head.startswith("## From idea into use\n")
    assert "| **Median cycle time** | **" in head
    assert re.findall(r"^### (.*)$", rest, re.MULTILINE)[:2] == ["Where the time goes", "Automate next"]
    assert rest.endswith("</details>\n")
    assert len(head.splitlines()) < 60


def test_the_form_for_a_pull_request_is_shorter_than_60_lines_with_a_sentence_of_conclusion() -> None:
    facts = history(400)
    for place, one in enumerate(facts):
        one["namespace"] = f"team {place % 40}"
    for window in ("90d", "all"):
        text = render(short_document(build(facts, as_of=NOW, window=window)))
        assert len(text.splitlines()) < 60
        head = text.partition("<details>")[0]
        assert re.search(r"^Trend: .*\.$", head, re.MULTILINE)
        assert re.search(r"^Automate next: .*\.$", head, re.MULTILINE)


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    document = report_document(build(history(120), as_of=NOW))
    tables = [block for section in document for block in section.blocks if isinstance(block, Table)]
    lines = [line for line in render(document).splitlines() if line.startswith("|")]
    assert len(lines) == sum(2 + len(table.rows) for table in tables)
    blocks = re.split(r"\n(?!\|)", render(document))
    for block in blocks:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines() if line.startswith("|")}
        assert len(widths) <= 1


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "a|b", "`code` ``more``", "[x](http://evil)", "@everyone", "\x1b[31m", "**b**"],
)
def test_a_name_is_shown_as_it_is(name: str) -> None:
    team = Team("m@1", NOW - 2 * HOUR)
    team.stage(name, HOUR, kind="train")
    team.mark("in_use")
    text = render(report_document(build([team.facts()], as_of=NOW)))
    (line,) = (line for line in text.splitlines() if line.startswith("| `") and "| 1 h | 100 % |" in line)
    cell = re.split(r"(?<!\\)\|", line)[1].strip()
    fence = re.match("`+", cell)
    assert fence is not None
    assert cell.endswith(fence.group())
    inner = cell[len(fence.group()) : -len(fence.group())]
    assert fence.group() not in re.findall("`+", inner)
    assert inner.strip().replace("\\|", "|") == name.replace("\x1b", "\\x1b")


def test_one_cycle_is_a_document_too() -> None:
    text = render(cycle_document(build_cycle(demo()[0])))
    assert text.startswith("## ")
    assert "`train`" in text
