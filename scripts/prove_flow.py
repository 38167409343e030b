"""Compare the fold with the slow reference on many random sets of cycles.

    python scripts/prove_flow.py --count 1000000 --jobs 1

Set number n of a seed is the same on every machine and for any number of jobs, so ``--first N --count 1`` repeats a
failure. The exit status is 1 if any set differs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.flow import reference
from tests.flow.strategies import MANY, Example, decode

from cycletrace._internal.flow import facts_of

BLOCK = 1000


def example(seed: int, number: int) -> Example:
    """Return the set of cycles with this number."""
    random = Random(f"{seed}:{number}")
    return decode(random.randbytes(random.randrange(4, MANY)))


def differing(seed: int, numbers: range) -> list[int]:
    """Return the numbers of the sets for which the implementations differ, or one raises."""
    return [number for number in numbers if not _is_alike(example(seed, number))]


def _is_alike(drawn: Example) -> bool:
    try:
        return facts_of(*drawn) == reference.facts_of(*drawn)
    except Exception:
        return False


def _blocks(first: int, count: int) -> Iterator[range]:
    for start in range(first, first + count, BLOCK):
        yield range(start, min(start + BLOCK, first + count))


def _results(seed: int, blocks: list[range], jobs: int) -> Iterator[list[int]]:
    if jobs == 1:
        yield from (differing(seed, block) for block in blocks)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(differing, [seed] * len(blocks), blocks)


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison. Return 1 if any set differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=1_000_000, help="how many sets of cycles (default: 1000000)")
    parser.add_argument("--seed", type=int, default=0, help="which series of them (default: 0)")
    parser.add_argument("--first", type=int, default=0, help="the number to begin with (default: 0)")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes (default: 1)")
    chosen = parser.parse_args(arguments)
    blocks = list(_blocks(chosen.first, chosen.count))
    began = time.monotonic()
    done = 0
    wrong: list[int] = []
    for block, found in zip(blocks, _results(chosen.seed, blocks, chosen.jobs), strict=True):
        done += len(block)
        wrong += found
        for number in found:
            print(f"\ndiffers: --seed {chosen.seed} --first {number} --count 1\n{example(chosen.seed, number)}")
        print(f"\r{done} of {chosen.count}, {len(wrong)} differ, {time.monotonic() - began:.0f} s", end="", flush=True)
    print()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
