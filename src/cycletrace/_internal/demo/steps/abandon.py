"""Abandon: close the cycle of a version that will not be deployed, so that it does not stay open forever."""

from __future__ import annotations

import sys

from cycletrace import cycle
from cycletrace._internal.demo.log import logged


@logged
def abandon(version: str) -> None:
    """Close the cycle of this version."""
    cycle("digits", version).close("abandoned")
    print(f"version {version} is abandoned")


if __name__ == "__main__":
    abandon(sys.argv[1])
