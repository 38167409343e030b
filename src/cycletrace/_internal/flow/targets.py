"""What a team aims at: a part of the cycle, or all of it, within a length of time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cycletrace import conventions as c

CYCLE = "cycle"
DEFAULT_TARGET = "deployment:15m"

ENTRY_MARK = {
    CYCLE: c.STARTED,
    c.TRAINING: c.STARTED,
    c.SELECTION: c.TRAINED,
    c.DEPLOYMENT: c.SELECTED,
    c.ACTIVATION: c.DEPLOYED,
}
"""The mark at which a cycle begins the part of a target."""

_UNITS_NS = {"s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9, "w": 7 * 86400 * 10**9}
_LONGEST_NS = 2**62
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


@dataclass(frozen=True)
class CycleTarget:
    """An aim: ``part`` (a part of the cycle, or ``cycle`` for all of it) takes at most ``within_ns``."""

    part: str
    within_ns: int


class Targets(NamedTuple):
    """What a team, or several, aim at: one target for all, and others for a namespace, a model, or one in the other."""

    default: CycleTarget
    others: Mapping[tuple[str | None, str | None], CycleTarget] = {}
    """By namespace and model; ``None`` stands for any."""

    def of(self, namespace: str | None, model: str | None) -> CycleTarget:
        """Return the target of a namespace and model; ``None`` for all of them. The closest one counts."""
        for scope in ((namespace, model), (None, model), (namespace, None)):
            if scope != (None, None) and scope in self.others:
                return self.others[scope]
        return self.default


def parse_target(text: str) -> CycleTarget:
    """Return the target that a text such as ``deployment:15m``, ``cycle:2h`` or ``training:1.5d`` describes.

    Raises:
        ValueError: if the text is not a target. The message says what a target looks like.
    """
    part, _, length = text.partition(":")
    part = part.strip().lower()
    if part not in ENTRY_MARK:
        raise ValueError(
            f"not a target: {text!r}. A target is a part and a length, such as {DEFAULT_TARGET} or cycle:2h; "
            f"the parts are {', '.join((CYCLE, *c.PARTS))}."
        )
    try:
        within = parse_length(length)
    except ValueError as error:
        raise ValueError(f"not a target: {text!r}: {error}") from None
    return CycleTarget(part, within)


def parse_length(text: str) -> int:
    """Return the nanoseconds of a length such as ``90s``, ``15m``, ``2h``, ``1.5d`` or ``2w``; a day is 24 h.

    Raises:
        ValueError: if the text is not a length. The message says what a length looks like.
    """
    found = _LENGTH.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"not a length: {text!r}. A length is a number and a unit (s m h d w), such as 15m or 1.5h.")
    whole, _, fraction = found[1].partition(".")
    scale: int = 10 ** len(fraction)
    length = int(whole + fraction) * _UNITS_NS[found[2]] // scale
    if not 0 < length <= _LONGEST_NS:
        raise ValueError(f"not a length: {text!r}. A length is more than 0 and at most 146 years.")
    return length


def target_text(target: CycleTarget) -> str:
    """Return the text that :func:`parse_target` reads as this target, such as ``deployment:15m``."""
    for unit in ("w", "d", "h", "m", "s"):
        whole, rest = divmod(target.within_ns, _UNITS_NS[unit])
        if not rest:
            return f"{target.part}:{whole}{unit}"
    seconds, rest = divmod(target.within_ns, _UNITS_NS["s"])
    return f"{target.part}:{seconds}.{rest:09d}s"
