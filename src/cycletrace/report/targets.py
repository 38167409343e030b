"""What a team aims at: a part of the cycle within a length of time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cycletrace.conventions import (
    ACTIVATION,
    DEPLOYED,
    DEPLOYMENT,
    PARTS,
    SELECTED,
    SELECTION,
    STARTED,
    TRAINED,
    TRAINING,
)

CYCLE = "cycle"
DEFAULT = "deployment:15m"

ENTRY_MARK = {
    CYCLE: STARTED,
    TRAINING: STARTED,
    SELECTION: TRAINED,
    DEPLOYMENT: SELECTED,
    ACTIVATION: DEPLOYED,
}
"""The mark with which a cycle enters the cohort of a target: the beginning of the part."""

_UNITS_NS = {"s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9, "w": 7 * 86400 * 10**9}
_LONGEST_NS = 2**62
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


@dataclass(frozen=True)
class Target:
    """``part`` (a part of the cycle, or ``cycle`` for all of it) takes at most ``within_ns``."""

    part: str
    within_ns: int


def parse_target(text: str) -> Target:
    """The target that a text like ``deployment:15m``, ``cycle:2h`` or ``training:1.5d`` names.

    Raises:
        ValueError: with the sentence that says what a target looks like.
    """
    part, _, length = text.partition(":")
    part = part.strip().lower()
    if part not in ENTRY_MARK:
        raise ValueError(
            f"no target: {text!r}. A target is a part and a length, such as {DEFAULT} or cycle:2h; "
            f"the parts are {', '.join((CYCLE, *PARTS))}."
        )
    try:
        within = parse_length(length)
    except ValueError as error:
        raise ValueError(f"no target: {text!r}. {error}") from None
    return Target(part, within)


def parse_length(text: str) -> int:
    """A length like ``90s``, ``15m``, ``2h``, ``1.5d`` or ``2w`` in nanoseconds; days are 24 h.

    Raises:
        ValueError: with the sentence that says what a length looks like.
    """
    found = _LENGTH.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"A length is a number and a unit (s, m, h, d or w), such as 15m or 1.5h, not {text!r}.")
    whole, _, fraction = found[1].partition(".")
    scale: int = 10 ** len(fraction)
    length = int(whole + fraction) * _UNITS_NS[found[2]] // scale
    if not 0 < length <= _LONGEST_NS:
        raise ValueError(f"A length is more than nothing and less than 146 years, not {text!r}.")
    return length
