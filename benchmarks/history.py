"""A synthetic history of any size. It is seeded, so that every run measures the same cycles."""

from __future__ import annotations

import random
from collections.abc import Iterator

from cycletrace import conventions as c
from cycletrace._internal.flow import Alias, Close, Mark, Record, RecordOrigin, Stage, Wait

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
START = 1_700_000_000 * SECOND
"""The instant at which the first cycle begins, UTC nanoseconds."""
BETWEEN = 60 * SECOND
"""Time between the beginnings of two cycles."""

_STEPS = ("data", "train", "evaluate", "select", "test", "package", "approve", "deploy", "activate")
_LENGTHS = {"train": 4 * HOUR, "data": HOUR}
"""Longest lengths; of all others a quarter of an hour."""


def key_of(number: int) -> str:
    """Return the key of the cycle with this number."""
    return f"model-{number % 50}@{number // 50}"


def cycle(number: int, seed: int = 0) -> list[Record]:
    """Return the records of one cycle: about ten stages, three waits, and its end. Most come into use."""
    dice = random.Random((seed << 40) + number)
    key = key_of(number)
    model, _, version = key.partition("@")
    trigger = dice.choice((None, None, "schedule", "drift"))
    of = RecordOrigin(c.cycle_id("", key), key, None, model, f"domain-{number % 7}", version, trigger)
    at = START + number * BETWEEN
    fate = dice.random()
    steps = [*_STEPS[:2], *_STEPS[1 : dice.choice((2, 2, 2, 3))], *_STEPS[2:]]
    if fate < 0.15:
        steps = steps[: dice.randint(2, len(steps) - 1)]
    records: list[Record] = []
    for index, kind in enumerate(steps):
        if kind in {"train", "approve"} or dice.random() < 0.1:
            waited = at + dice.randint(SECOND, 6 * HOUR)
            reason = c.HUMAN if kind == "approve" else "compute"
            records.append(Wait(of, f"{dice.getrandbits(64):016x}", reason, at, waited))
            at = waited
        end = at + dice.randint(SECOND, _LENGTHS.get(kind, HOUR // 4))
        is_last = index == len(steps) - 1
        by_hand = kind in {"select", "approve"} and dice.random() < 0.5
        records.append(
            Stage(
                origin=of,
                id=f"{dice.getrandbits(64):016x}",
                name=kind,
                kind=kind,
                start=at,
                end=end,
                outcome=c.ERROR if is_last and fate < 0.1 else c.OK,
                actor=c.HUMAN if by_hand else c.AUTOMATION,
                person=f"{dice.randrange(30):016x}" if by_hand else None,
                launch="terminal" if by_hand else "ci",
                environment="production" if kind in {"deploy", "activate"} else None,
                mechanism="alias" if kind == "activate" else None,
            )
        )
        at = end
    if fate < 0.1:
        records.append(Close(of, c.ABANDONED, at))
    elif fate > 0.15:
        records.append(Mark(of, c.IN_USE, at + SECOND))
    if number % 50 == 0:
        revision = f"{dice.getrandbits(80):020x}"
        records.append(Alias(of, revision, c.cycle_id("", revision), at))
    return records


def history(cycles: int, at_once: int, seed: int = 0) -> Iterator[list[Record]]:
    """Yield the records of all cycles, for this many cycles at once."""
    for first in range(0, cycles, at_once):
        yield [record for number in range(first, min(cycles, first + at_once)) for record in cycle(number, seed)]
