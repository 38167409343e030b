"""The few settings that the arithmetic has."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple

from cycletrace.conventions import PRODUCTION

SECOND = 1_000_000_000


class Rules(NamedTuple):
    """What a team may choose. Lengths are nanoseconds."""

    tolerance: int = SECOND
    """By how much two clocks may differ before an order of marks counts as wrong."""
    settle: int = 72 * 3600 * SECOND
    """How long after its last record a deployed cycle counts as settled without a known first use."""
    production: frozenset[str] = PRODUCTION
    """Names of environments, lower case, that are production, or patterns such as ``prod*``.

    No name at all counts as production.
    """

    def is_production(self, environment: str | None) -> bool:
        """Return whether stages and marks of this environment make ``deployed`` and ``in_use``."""
        if not environment:
            return True
        name = environment.casefold()
        return name in self.production or any(fnmatchcase(name, pattern) for pattern in self.production)


def parse_production(text: str) -> frozenset[str]:
    """Return the names of production in a text, which separates them by commas."""
    return frozenset(name.strip().casefold() for name in text.split(",") if name.strip())


RULES = Rules()
