"""How a cycle ended, and when.

Source: the specification, rules 2.17, 2.18 and 2.19.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cycletrace._internal.flow.facts import Marks
from cycletrace._internal.flow.records import Close
from cycletrace._internal.flow.rules import Rules
from cycletrace.conventions import DEPLOYED, IN_USE, OPEN, WORDS


class Ending(NamedTuple):
    """A cycle's outcome and the end of its interval, UTC nanoseconds."""

    outcome: str
    end: int

    @property
    def is_closed(self) -> bool:
        """Whether somebody's word, or the settle period, closed the cycle."""
        return self.outcome != OPEN


def end_of(marks: Marks, closes: Iterable[Close], latest: int, at: int, rules: Rules) -> Ending:
    """Return how a cycle ended, and when.

    The latest declaration or ``in_use`` decides; at one instant the later in the order of
    :data:`~cycletrace.conventions.WORDS`. Without any, a cycle is ``deployed`` once that mark is known and the settle
    period has passed since ``latest``, the latest instant in any of its records; else ``open``.
    """
    in_use = marks["in_use"]
    words = [(close.at, WORDS.index(close.outcome)) for close in closes]
    if in_use is not None:
        words.append((in_use, WORDS.index(IN_USE)))
    if words:
        instant, rank = max(words)
        return Ending(WORDS[rank], instant if in_use is None else in_use)
    deployed = marks["deployed"]
    if deployed is not None and at >= latest + rules.settle:
        return Ending(DEPLOYED, deployed)
    return Ending(OPEN, at)
