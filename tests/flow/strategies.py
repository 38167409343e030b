"""Random cycles that reach every rule: what hypothesis draws, and what the long proof draws by number.

A set of records is decoded from bytes, one byte a choice. That makes ten thousand examples affordable, lets
hypothesis shrink (fewer and smaller bytes are fewer and plainer records), and lets a script draw a million sets
from the same source without hypothesis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from hypothesis import strategies as st

from cycletrace._internal.flow import (
    RULES,
    Alias,
    Close,
    End,
    Heartbeat,
    Mark,
    Record,
    RecordOrigin,
    Retraction,
    Rules,
    Stage,
    Wait,
)
from cycletrace._internal.flow.rules import SECOND
from cycletrace.conventions import ACTORS, DECLARED_OUTCOMES, KINDS, LAUNCHES, MARKS, REASONS, STAGE_OUTCOMES

T = TypeVar("T")
LARGEST = 2**63 - 1
SMALLEST = -(2**63)
MANY = 320
"""How many bytes make about thirty records: the most that one example holds."""


class Example(NamedTuple):
    """Records of one or more cycles, the instant at which they are looked at, and the rules."""

    records: list[Record]
    at: int
    rules: Rules


class Scale(NamedTuple):
    """Where and how finely the instants of an example lie, with the rules that this makes interesting."""

    base: int
    unit: int
    rules: Rules


HALF = SECOND // 2
SCALES = (
    Scale(0, 1, Rules(tolerance=2, settle=10)),
    Scale(0, 1, Rules(tolerance=2, settle=3)),
    Scale(1_750_000_000 * SECOND, HALF, RULES._replace(settle=5 * SECOND)),  # half a second: tolerance in two steps
    Scale(1_750_000_000 * SECOND, HALF, RULES),
    Scale(0, SECOND, RULES._replace(settle=5 * SECOND)),  # leases run out within the example
    Scale(-3, 1, Rules(tolerance=0, settle=0, production=frozenset({"staging"}))),
    Scale(SMALLEST, HALF, RULES._replace(settle=5 * SECOND)),
    Scale(LARGEST - 12 * HALF, HALF, RULES._replace(settle=5 * SECOND)),
)
SHAPES = (
    "sssssw",
    "sssw",
    "sssswwh",
    "sssssmc",
    "ssswwhm",
    "sssswhmca",
    "sc",
    "sm",
    "sssah",
    "sww",
    "bbeee",
    "sbbeee",
    "sbewhmcar",
    "sswuu",
    "sssmr",
)
"""Of what an example consists, by initial.

Stages, waits, heartbeats, marks, closes, aliases, begins, ends, summed waits (u), retractions.
"""
STEPS = 13
NUDGES = (0, 0, 0, 0, 0, 0, 1, -1)  # the nanosecond before and after
LENGTHS = (2, 1, 3, 4, 6, 0, -1, 10)
CYCLES = ("b", "b", "b", "b", "a", "c")
CLAIMED = ("a", "b", "c", "d")
STAGE_IDS = ("s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8")
PARENTS = (None, None, *STAGE_IDS, "unknown")
WAITING = (None, None, "s1", "s1", "s2", "s2", "s3", "s4", "unknown")
WAIT_IDS = ("w1", "w2", "w3", "w4", "w5", "w6")
END_IDS = ("e1", "e2", "e3", "e4", "e5")
ENDED_REASONS = ("human", "data")
MARK_IDS = (None, "m1", "m2", "m3")
RETRACTED = ("m1", "m2", "s1", "s2", "w1", "e1", "unknown")
NAMES = ("train", "x", "y")
STAGE_KINDS = (*KINDS, "train", "train", "select", "deploy", "activate")
OUTCOMES = ("ok", "ok", "ok", "ok", *STAGE_OUTCOMES)
ENVIRONMENTS = (None, None, None, "", "production", "PROD", "staging", "Live")
LEASES = (None, None, None, 1, 2, 5, 0, LARGEST)
ATTEMPTS = (None, None, None, None, None, 1, 3, 0)


class Dice:
    """Choices made by bytes. Where they have run out, the first of each is chosen."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._next = 0

    def is_empty(self) -> bool:
        return self._next >= len(self._data)

    def below(self, sides: int) -> int:
        if self.is_empty():
            return 0
        self._next += 1
        return self._data[self._next - 1] % sides

    def one(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]


def decode(data: bytes) -> Example:
    """The example that these bytes make."""
    dice = Dice(data)
    scale = dice.one(SCALES)
    is_late = dice.below(4) == 3
    step = dice.below(256)
    nudge = dice.one(NUDGES)
    shapes = dice.one(SHAPES)
    records = []
    while not dice.is_empty():
        records.append(record(dice, scale, shapes))
    # Mostly among the instants, so that records are cut; else late, so that all has ended and settled.
    at = scale.base + (step % (3 * STEPS)) * scale.unit + nudge
    if is_late:
        at += scale.rules.settle
    return Example(records, bounded(at), scale.rules)


def record(dice: Dice, scale: Scale, shapes: str) -> Record:
    """The next record, of one of the shapes that stand in the text, by initial."""
    shape = dice.one(shapes)
    origin = _origin(dice)
    at = _instant(dice, scale)
    if shape == "s":
        return _stage(dice, scale, origin, at)
    if shape == "w":
        return Wait(origin, dice.one(WAIT_IDS), dice.one(REASONS), at, _end(dice, scale, at), dice.one(WAITING))
    if shape == "u":
        end = bounded(at + dice.one(LENGTHS) * scale.unit)
        return Wait(origin, dice.one(WAIT_IDS), dice.one(REASONS), at, end, dice.one(WAITING), is_summed=True)
    if shape == "b":
        if dice.below(3) == 2:
            return Wait(origin, dice.one(WAIT_IDS), dice.one(ENDED_REASONS), at, None, dice.one(WAITING), is_begin=True)
        begin = _stage(dice, scale, origin, at)
        return begin._replace(end=None, outcome=None, lease=None, is_begin=True)
    if shape == "e":
        ended = END_IDS[dice.below(len(END_IDS))]
        if dice.below(3) == 2:
            return End(origin, ended, at, dice.one(ENDED_REASONS), is_wait=True)
        return End(
            origin,
            ended,
            at,
            dice.one(NAMES),
            outcome=dice.one(OUTCOMES),
            attempt=dice.one(ATTEMPTS),
            environment=dice.one(ENVIRONMENTS) or None,
            mechanism=dice.one((None, "flag", "alias")),
        )
    if shape == "r":
        return Retraction(origin, dice.one(RETRACTED), at)
    if shape == "h":
        return Heartbeat(origin, dice.one(STAGE_IDS), at, dice.one(LEASES))
    if shape == "m":
        return Mark(origin, dice.one(MARKS), at, dice.one(ENVIRONMENTS), id=dice.one(MARK_IDS))
    if shape == "c":
        return Close(origin, dice.one(DECLARED_OUTCOMES), at, dice.one(MARK_IDS))
    claimed = dice.one(CLAIMED)
    return Alias(origin, f"key of {claimed}", claimed, at, dice.one(MARK_IDS))


def _stage(dice: Dice, scale: Scale, origin: RecordOrigin, at: int) -> Stage:
    end = _end(dice, scale, at)
    details = dice.below(256)
    actor = ACTORS[details & 1]
    return Stage(
        origin=origin,
        id=dice.one(STAGE_IDS),
        name=NAMES[details // 2 % len(NAMES)],
        kind=dice.one(STAGE_KINDS),
        start=at,
        end=end,
        outcome=None if end is None else dice.one(OUTCOMES),
        attempt=dice.one(ATTEMPTS),
        actor=actor,
        person="p" if actor == "human" else None,
        launch=LAUNCHES[details // 6 % len(LAUNCHES)],
        environment=dice.one(ENVIRONMENTS),
        parent=dice.one(PARENTS),
        mechanism="flag" if details > 200 else None,
        lease=dice.one(LEASES),
    )


def _origin(dice: Dice) -> RecordOrigin:
    words = dice.below(256)
    text = (None, None, "m1", "m2")

    def word(place: int) -> str | None:
        return text[words >> 2 * place & 3]

    return RecordOrigin(
        cycle_id=dice.one(CYCLES),
        key=word(0),
        namespace=None if words & 1 else "team",
        model=word(1),
        domain=word(2),
        version=word(3),
        trigger=("drift", "fix", None, None)[words % 4],
        implicit=words % 3 != 2,
    )


def _instant(dice: Dice, scale: Scale) -> int:
    step = dice.below(STEPS * len(NUDGES))
    return bounded(scale.base + step % STEPS * scale.unit + NUDGES[step // STEPS])


def _end(dice: Dice, scale: Scale, start: int) -> int | None:
    """Mostly a whole number of steps later; else nothing yet, or a nanosecond more or less."""
    choice = dice.below(40)
    if choice < 8:
        return bounded(start + LENGTHS[choice] * scale.unit)
    if choice < 28:
        return bounded(start + LENGTHS[choice % 5] * scale.unit)
    if choice < 36:
        return None
    return bounded(start + LENGTHS[choice % 4] * scale.unit + (1 if choice % 2 else -1))


def bounded(instant: int) -> int:
    """Instants are signed 64-bit integers."""
    return max(SMALLEST, min(LARGEST, instant))


def _bytes(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


# Left to itself hypothesis draws mostly tiny texts, and a set of cycles without a record proves little.
examples = st.integers(4, MANY).flatmap(_bytes).map(decode)
"""Sets of cycles with an instant and rules."""
