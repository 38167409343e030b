"""Damaged requests, by seed and number: whatever they hold, reading and folding them takes no exception and no time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from tests.collector.dice import AFTER, Export, exports, item, records

from cycletrace._internal.collector.reading import may_hold_records, read
from cycletrace._internal.flow import Record, facts_of
from cycletrace._internal.otlp.signals import SIGNALS, Encoding, Request

TOGETHER = 500
"""Requests whose records are folded at once."""
SLOWEST = 1.0
"""Seconds that one request may take."""
_INTERESTING = (
    *(b"\x00", b"\x7f", b"\x80", b"\xff", b"\xff\xff\xff\xff\x0f", b"\x08\x96\x01", b"\xed\xa0\x80", b"cycletrace."),
    *(b'"', b"{", b"]", b"\\u0000", b"\\ud800"),
)
_NUMBERS = (b"-1", b"18446744073709551616", b"1e400", b"0.5", b"NaN", b'"x"', b"null", b"[]")


class Outcome(NamedTuple):
    """What became of some requests."""

    refused: int
    """Requests that could not be parsed."""
    records: int
    invalid: int
    longest: float
    """Seconds."""


def damaged(seed: int, number: int) -> Request:
    """Return the request with this number."""
    dice = random.Random(f"{seed} {number}")
    one = dice.choice(_sound(seed, number // 5000))
    body = bytearray(one.body)
    for _ in range(dice.choice((1, 1, 1, 1, 2, 5))):
        dice.choice(_WAYS)(body, dice)
    (signal,) = (signal for signal in SIGNALS if signal.name == one.signal)
    return Request(signal, Encoding.JSON if one.is_json else Encoding.PROTOBUF, bytes(body))


def run(seed: int, first: int, count: int) -> Outcome:
    """Read and fold so many damaged requests.

    Raises:
        AssertionError: naming the request, where one is not handled.
    """
    refused = invalid = found = 0
    longest = 0.0
    together: list[Record] = []
    for number in range(first, first + count):
        request = damaged(seed, number)
        began = time.perf_counter()
        try:
            if may_hold_records(request):
                extracted = read(request)
                together += extracted.records
                invalid += len(extracted.invalid)
                found += len(extracted.records)
        except ValueError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}, request {number}: {error!r}") from error
        longest = max(longest, time.perf_counter() - began)
        assert longest < SLOWEST, f"seed {seed}, request {number} took {longest:.1f} s"
        if number % TOGETHER == TOGETHER - 1:
            try:
                facts_of(together, AFTER)
            except Exception as error:
                raise AssertionError(f"seed {seed}, requests up to {number}: {error!r}") from error
            together = []
    return Outcome(refused, found, invalid, longest)


@cache
def _sound(seed: int, block: int) -> list[Export]:
    dice = random.Random(f"{seed} {block}")
    return exports([item(record) for record in records(dice.randrange(1 << 30), 60)], dice)


def _at(body: bytearray, dice: random.Random) -> int:
    return dice.randrange(len(body) + 1)


def _flip(body: bytearray, dice: random.Random) -> None:
    if body:
        body[dice.randrange(len(body))] ^= 1 << dice.randrange(8)


def _cut(body: bytearray, dice: random.Random) -> None:
    at = _at(body, dice)
    del body[at : at + dice.choice((1, 2, 8, 64, 1 << 20))]


def _insert(body: bytearray, dice: random.Random) -> None:
    at = _at(body, dice)
    body[at:at] = dice.choice((*_INTERESTING, dice.randbytes(dice.randrange(1, 20))))


def _repeat(body: bytearray, dice: random.Random) -> None:
    """Repeat a part, such as a field, a span, or half of one."""
    begin, end = sorted((_at(body, dice), _at(body, dice)))
    at = _at(body, dice)
    body[at:at] = body[begin : min(end, begin + 4096)] * dice.choice((1, 1, 2, 20))


def _swap(body: bytearray, dice: random.Random) -> None:
    """Put one part in the place of another."""
    begin, at, size = _at(body, dice), _at(body, dice), dice.randrange(1, 40)
    body[at : at + size] = body[begin : begin + size]


def _digits(body: bytearray, dice: random.Random) -> None:
    """Put an odd number in the place of digits."""
    digits = [at for at, byte in enumerate(body) if 0x30 <= byte <= 0x39]
    if digits:
        at = dice.choice(digits)
        body[at : at + 1] = dice.choice(
            (b"-1", b"18446744073709551616", b"1e400", b"0.5", b"NaN", b'"x"', b"null", b"[]")
        )


_WAYS: tuple[Callable[[bytearray, random.Random], None], ...] = (_flip, _flip, _digits, _cut, _insert, _repeat, _swap)


def blocks(count: int, size: int = 5000) -> Iterator[tuple[int, int]]:
    """Yield the first number and the count of blocks that together are this many requests."""
    for first in range(0, count, size):
        yield first, min(size, count - first)
