"""``docs/architecture.md`` against the tree: its rooms, their imports, its files, the journal's lines."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, page, section, table, words
from tests.journals import Journal, run_script

SOURCE = ROOT / "src" / "cycletrace"
ROOMS = {words(row["room"])[0]: row for row in table(page("architecture.md"), "room")}


def imported(path: Path) -> set[str]:
    """The rooms that a module imports from, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("cycletrace"):
            of = node.module.split(".")[1:2]
            found |= set(of) if of else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("cycletrace.")}
    return found & set(ROOMS)


def test_the_rooms_are_the_packages() -> None:
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")} | {"conventions", "diagnostics"}
    assert packages == set(ROOMS)


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in {"cli", "demo"}])
def test_a_room_imports_only_what_its_row_allows(room: str) -> None:
    modules = sorted((SOURCE / room).rglob("*.py")) or [SOURCE / f"{room}.py"]
    used = {name for path in modules for name in imported(path)} - {room}
    assert used <= set(words(ROOMS[room]["may import"]))


def test_every_file_that_the_page_names_exists() -> None:
    text = page("architecture.md")
    named = {word for word in words(text) if re.fullmatch(r"[\w/]+(\.py|\.md|/)", word)}
    assert "flow/marks.py" in named
    in_flow = set(words(section(text, "Rooms")))
    for name in named:
        roots = [ROOT, SOURCE, *([SOURCE / "flow"] if name in in_flow else [])]
        assert any((root / name).exists() for root in roots), name


def test_the_lines_of_a_journal_have_the_fields_of_the_table(tmp_path: Path) -> None:
    script = "import cycletrace as ct\nwith ct.cycle('churn', '7'), ct.stage('train') as run:\n ct.mark('selected')\n"
    assert run_script(script, tmp_path / "state").returncode == 0
    told = [words(row["fields"]) for row in table(page("architecture.md"), "line")]
    optional = {"events", "links"}
    seen = set()
    for document in Journal(tmp_path / "state").documents():
        (fields,) = (fields for fields in told if fields[0] == next(iter(document)))
        assert set(document) - optional == set(fields) - optional
        seen.add(fields[0])
    assert seen == {"journal", "span", "event", "closed"}
