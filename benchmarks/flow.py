"""Measure the fold of one large cycle, by shape: CPU seconds at n stages, and the growth from half as many.

    python benchmarks/flow.py --stages 10000

A growth near 2 is n log n; 4 would be quadratic.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.flow.build import SMALL
from tests.flow.shapes import SHAPES, Large

from cycletrace._internal.flow import facts_of


def seconds(shape: Callable[[int], Large], stages: int, repeat: int) -> float:
    """Return the shortest of several folds of a shape, CPU seconds: other work does not count."""
    large = shape(stages)
    taken = []
    for _ in range(repeat):
        began = time.process_time()
        facts_of(large.records, large.at, SMALL)
        taken.append(time.process_time() - began)
    return min(taken)


def main() -> None:
    """Print a table, one line per shape."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--stages", type=int, default=10_000, help="records of a cycle (default: 10000)")
    parser.add_argument("--repeat", type=int, default=3, help="folds of each, of which the shortest counts")
    chosen = parser.parse_args()
    print(f"{'shape':<20} {'seconds':>8} {'growth':>7}")
    for shape in SHAPES:
        half = seconds(shape, chosen.stages // 2, chosen.repeat)
        whole = seconds(shape, chosen.stages, chosen.repeat)
        print(f"{shape.__name__:<20} {whole:8.3f} {whole / half:7.2f}")


if __name__ == "__main__":
    main()
