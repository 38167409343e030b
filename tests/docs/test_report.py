"""``docs/report.md`` against the page: its sections, and the section that answers each question."""

from __future__ import annotations

import re

from tests.docs.pages import DOCS, headings, page, table
from tests.report.pages import year

from cycletrace._internal.report.html import render


def titles(level: int) -> list[str]:
    found = re.findall(rf"<h{level}>(.*?)</h{level}>", render(year()))
    return [re.sub("<small>.*?</small>|<[^>]*>", "", title).strip() for title in found]


def test_each_section_of_the_page_is_explained_in_its_order() -> None:
    explained = headings(page("report.md"), 2)
    assert explained[0] == "Which section answers which question"
    assert explained[1] == "Summary"
    assert sorted(explained[2:]) == sorted(titles(2))


def test_the_sections_that_answer_questions_are_there() -> None:
    rows = table(page("report.md"), "question")
    assert len(rows) == 11
    known = {title.lower() for title in [*titles(2), *titles(3), "Summary", "people"]}
    for row in rows:
        for place in row["section"].split("; "):
            section, *inner = place.split(": ")
            assert section.lower() in known, section
            if inner and section != "Summary":
                assert set(inner[0].split(", ")) - {"by part", "by activity"} <= known, inner


def test_the_picture_is_small() -> None:
    assert (DOCS / "report.png").stat().st_size < 200_000
