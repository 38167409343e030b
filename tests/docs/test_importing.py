"""``docs/importing.md`` against the importers: columns and words."""

from __future__ import annotations

from tests.docs.pages import page, section, table, words

from cycletrace import conventions as c
from cycletrace._internal.importers import csv_file


def test_the_columns_of_a_table_and_the_words_in_them() -> None:
    rows = {words(row["column"])[0]: row["meaning"] for row in table(section(page("importing.md"), "CSV"), "column")}
    assert tuple(rows) == csv_file.COLUMNS
    allowed = {"record": tuple(csv_file.MAKERS), "trigger": c.TRIGGERS, "launch": c.LAUNCHES}
    assert {column: tuple(words(rows[column])) for column in allowed} == allowed
