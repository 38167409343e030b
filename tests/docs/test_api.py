"""``docs/api.md`` against the package: every public name, every argument, every member, every value."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from tests.docs.pages import blocks, headings, page, section, table, words

import cycletrace
from cycletrace import conventions as c

FUNCTIONS = [name for name in cycletrace.__all__ if inspect.isfunction(getattr(cycletrace, name))]


def signature(name: str) -> str:
    found = inspect.signature(getattr(cycletrace, name))
    bare = [each.replace(annotation=inspect.Parameter.empty) for each in found.parameters.values()]
    return f"{name}{found.replace(parameters=bare, return_annotation=inspect.Signature.empty)}"


def test_every_public_name_has_a_section_and_no_other_has() -> None:
    documented = headings(page("api.md"), 2)
    assert sorted(name for name in documented if " " not in name) == sorted(cycletrace.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_signature_is_that_of_the_function(name: str) -> None:
    first = next(blocks(section(page("api.md"), name)))
    assert first.text.strip() == signature(name)


@pytest.mark.parametrize("name", ["stage", "record_stage", "cycle", "waiting", "configure", "facts"])
def test_the_table_has_every_argument(name: str) -> None:
    rows = table(section(page("api.md"), name), "argument")
    assert [words(row["argument"])[0] for row in rows] == list(inspect.signature(getattr(cycletrace, name)).parameters)


@pytest.mark.parametrize("kind", [cycletrace.Run, cycletrace.Cycle])
def test_the_table_has_every_member(kind: type[Any]) -> None:
    rows = table(section(page("api.md"), kind.__name__), "member")
    documented = {words(row["member"])[0].partition(".")[2].partition("(")[0] for row in rows}
    assert documented == {name for name in vars(kind) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("name", "column", "row", "allowed"),
    [
        ("stage", "argument", "kind", c.KINDS),
        ("stage", "argument", "mechanism", c.MECHANISMS),
        ("record_stage", "argument", "outcome", c.STAGE_OUTCOMES),
        ("cycle", "argument", "trigger", c.TRIGGERS),
        ("waiting", "argument", "reason", c.REASONS),
        ("Run", "member", "run.outcome", c.STAGE_OUTCOMES),
        ("Cycle", "member", "c.mark(name, at=None)", c.MARKS),
        ("Cycle", "member", "c.close(outcome, at=None)", c.DECLARED_OUTCOMES),
    ],
)
def test_the_allowed_values_are_those_of_the_conventions(
    name: str, column: str, row: str, allowed: tuple[str, ...]
) -> None:
    (found,) = (each for each in table(section(page("api.md"), name), column) if words(each[column]) == [row])
    documented = [word for word in words(found["meaning"]) if word != "None"]
    assert tuple(dict.fromkeys(documented)) == allowed
