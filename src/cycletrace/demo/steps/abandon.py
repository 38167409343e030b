"""Abandon: this version goes nowhere. Said, so that its cycle does not count as open for ever."""

from __future__ import annotations

import sys

from cycletrace import cycle
from cycletrace.demo.log import logged


@logged
def abandon(version: str) -> None:
    """Close the cycle of this version."""
    cycle("digits", version).close("abandoned")
    print(f"version {version} is given up")


if __name__ == "__main__":
    abandon(sys.argv[1])
