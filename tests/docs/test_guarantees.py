"""``docs/guarantees.md`` and ``docs/security.md``: every row names tests, and every test that it names exists."""

from __future__ import annotations

import ast
from functools import cache

import pytest
from tests.docs.pages import ROOT, page, tables, words

from cycletrace._internal.journal.writer import MAX_PENDING
from cycletrace._internal.sdk.background import HEARTBEAT
from cycletrace._internal.sdk.runs import LEASE

ROWS = [row for name in ("guarantees.md", "security.md") for rows in tables(page(name)) for row in rows]


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    )


@pytest.mark.parametrize("row", ROWS, ids=[row.get("guarantee") or f"{row['who']}: {row['wants to']}" for row in ROWS])
def test_the_tests_of_a_guarantee_exist(row: dict[str, str]) -> None:
    named = [word.split("::") for word in words(row["tests"])]
    assert named
    for file, test in named:
        assert test in names_in(file), f"{file} has no {test}"


def test_the_figures_in_the_page_are_those_of_the_source() -> None:
    text = page("guarantees.md")
    assert f"{MAX_PENDING:,} records" in text
    assert (HEARTBEAT, LEASE) == (60, 180), "a heartbeat that may be a minute old, a lease of three minutes"
