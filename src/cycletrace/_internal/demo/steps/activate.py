"""Activate: flip the alias that the clients read."""

from __future__ import annotations

import sys
from pathlib import Path

from cycletrace import stage
from cycletrace._internal.demo.log import logged


@stage(mechanism="alias")
@logged
def activate(version: str, alias: Path) -> None:
    """Switch the alias atomically: readers see either the old version or the new one."""
    new = alias.with_suffix(".new")
    new.write_text(version, encoding="utf-8")
    new.replace(alias)
    print(f"{alias.name} is version {version}")


if __name__ == "__main__":
    activate(sys.argv[1], Path(sys.argv[2]))
