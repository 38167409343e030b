"""``docs/architecture.md`` against the tree: its packages, their imports, its files, the journal's lines."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, blocks, page, section, table, words
from tests.journals import Journal, run_script

SOURCE = ROOT / "src" / "cycletrace" / "_internal"
PACKAGES = {words(row["package"])[0]: row for row in table(page("architecture.md"), "package")}


def imported(path: Path) -> set[str]:
    """Return the packages that a module imports from, including inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("cycletrace"):
            of = [name for name in node.module.split(".")[1:] if name != "_internal"]
            found |= set(of[:1]) or {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("cycletrace.") for alias in node.names), path
    return found & set(PACKAGES)


def test_the_table_lists_the_packages() -> None:
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    modules = {path.stem for path in SOURCE.glob("*.py")} - {"__init__"}
    found = packages | modules | {"conventions"}
    assert found == set(PACKAGES)


@pytest.mark.parametrize("package", [package for package in PACKAGES if package not in {"cli", "demo"}])
def test_a_package_imports_only_what_its_row_allows(package: str) -> None:
    parent = SOURCE.parent if package == "conventions" else SOURCE
    modules = sorted((parent / package).rglob("*.py")) or [parent / f"{package}.py"]
    used = {name for path in modules for name in imported(path)} - {package}
    assert used <= set(words(PACKAGES[package]["may import"]))


def test_sqlite_is_used_by_the_store_alone() -> None:
    """All else reads and writes through the store's snapshots and transactions."""
    users = {
        path.relative_to(SOURCE).parts[0]
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and node.module == "sqlite3")
        or (isinstance(node, ast.Import) and "sqlite3" in {alias.name for alias in node.names})
    }
    assert users == {"store"}


def test_every_file_that_the_page_names_exists() -> None:
    text = page("architecture.md")
    named = {word for word in words(text) if re.fullmatch(r"[\w/]+(\.py|\.md|/)", word)}
    assert "flow/marks.py" in named
    in_flow = set(words(section(text, "Packages")))
    for name in named:
        roots = [ROOT, SOURCE, SOURCE.parent, *([SOURCE / "flow"] if name in in_flow else [])]
        assert any((root / name).exists() for root in roots), name


def test_the_lines_of_a_journal_have_the_fields_of_the_table(tmp_path: Path) -> None:
    script = "import cycletrace as ct\nwith ct.cycle('churn', '7'), ct.stage('train') as run:\n ct.mark('selected')\n"
    assert run_script(script, tmp_path / "state").returncode == 0
    documented = [words(row["fields"]) for row in table(page("architecture.md"), "line")]
    optional = {"events", "links"}
    seen = set()
    for document in Journal(tmp_path / "state").documents():
        (fields,) = (fields for fields in documented if fields[0] == next(iter(document)))
        assert set(document) - optional == set(fields) - optional
        seen.add(fields[0])
    assert seen == {"journal", "span", "event", "closed"}


def test_every_module_that_the_drawings_name_exists() -> None:
    drawn = {name for block in blocks(page("architecture.md")) for name in re.findall(r"\b\w+/\w+\.py\b", block.text)}
    assert "flow/fold.py" in drawn
    assert all((SOURCE / name).exists() for name in drawn), drawn
