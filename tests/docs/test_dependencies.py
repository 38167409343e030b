"""``docs/dependencies.md`` and the lock file against the project's requirements."""

from __future__ import annotations

import re
import sys
from itertools import chain
from typing import Any

from tests.docs.pages import ROOT, page, tables, words

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS: list[str] = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
NAMES = {re.split(r"[^\w-]", requirement)[0] for requirement in REQUIREMENTS} - {"cycletrace"}


def test_every_requirement_has_its_reason() -> None:
    listed = {name for rows in tables(page("dependencies.md")) for row in rows for name in words(row["package"])}
    assert listed == NAMES


def test_the_lock_file_holds_every_requirement() -> None:
    lines = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert {line.partition("==")[0] for line in lines} >= NAMES
