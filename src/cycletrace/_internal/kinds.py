"""Which kind of stage a job of another system is, by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from cycletrace.conventions import OTHER, PART_OF_KIND


def kind_of(name: str, kinds: Sequence[tuple[str, str]], default: str = OTHER) -> str:
    """Return the kind of a job: by the patterns, else the first word of its name that is a kind, else the default."""
    folded = name.casefold()
    for pattern, kind in kinds:
        if fnmatchcase(folded, pattern.casefold()):
            return kind
    return next((word for word in re.findall("[a-z]+", folded) if word in PART_OF_KIND), default)
