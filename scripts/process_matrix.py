"""Run the whole product of how processes start and end and of what their endpoint does, not only all pairs of it.

    python scripts/process_matrix.py [--start fork] [--ending SIGKILL] [--endpoint hanging]

Each cell compares a program with cycletrace with the same program without: exit code, death by signal, output. Every
stage must be in the journal once, and what was running must be lost or interrupted. The tests run all pairs.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
import traceback
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.sdk.matrix import ENDINGS, ENDPOINTS, STARTS, Done, check, run


def main() -> int:
    """Run the cells. Return 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", choices=STARTS)
    parser.add_argument("--ending", choices=ENDINGS)
    parser.add_argument("--endpoint", choices=ENDPOINTS)
    args = parser.parse_args()
    cells = list(
        itertools.product(
            [args.start] if args.start else STARTS,
            [args.ending] if args.ending else ENDINGS,
            [args.endpoint] if args.endpoint else ENDPOINTS,
        )
    )
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        failed = [cell for number, cell in enumerate(cells) if not _passes(*cell, Path(folder) / str(number))]
    print(f"{len(cells)} cells, {len(failed)} failed, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


def _passes(start: str, ending: str, endpoint: str, folder: Path) -> bool:
    folder.mkdir()
    try:
        check(start, ending, endpoint, folder, _without)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(f"FAILED {start} - {ending} - {endpoint}: {type(error).__name__}: {error} ({where.line})", flush=True)
        return False
    return True


@cache
def _without(start: str, ending: str) -> Done:
    with tempfile.TemporaryDirectory() as folder:
        return run(start, ending, Path(folder) / "state", is_with=False)


if __name__ == "__main__":
    sys.exit(main())
