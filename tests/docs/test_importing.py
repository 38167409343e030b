"""``docs/importing.md`` against the importers: columns and words."""

from __future__ import annotations

from tests.docs.pages import page, section, table, words

from cycletrace import conventions as c
from cycletrace._internal.importers import csv_file, github


def test_the_columns_of_a_table_and_the_words_in_them() -> None:
    rows = {words(row["column"])[0]: row["meaning"] for row in table(section(page("importing.md"), "CSV"), "column")}
    assert tuple(rows) == csv_file.COLUMNS
    allowed = {"record": tuple(csv_file.MAKERS), "trigger": c.TRIGGERS, "launch": c.LAUNCHES}
    assert {column: tuple(words(rows[column])) for column in allowed} == allowed


def test_the_outcomes_and_fields_of_github() -> None:
    text = section(page("importing.md"), "GitHub Actions")
    meaning = {row["GitHub"]: row["becomes"] for row in table(text, "GitHub")}["conclusion of a job"]
    groups = [words(part) for part in meaning.partition(". ")[0].split("; ")]
    assert {conclusion: group[-1] for group in groups for conclusion in group[:-1]} == github.OUTCOMES
    fields = words(section(page("importing.md"), "Which cycle"))[1:]
    assert [field for field in fields if field.startswith("{")][: len(github.FIELDS)] == [
        f"{{{field}}}" for field in github.FIELDS
    ]
    assert github.KEY in fields
