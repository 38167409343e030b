"""Give the collector's readers damaged requests, in both encodings, and fold what comes out of them.

    python scripts/fuzz_collector.py --count 1000000

Request number n of a seed is the same on every machine, so ``--first N --count 1`` repeats a failure. The exit status
is 1 if one of them was not handled. ``docs/reliability.md`` has the last result.
"""

from __future__ import annotations

import argparse
import platform
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.collector.fuzz import blocks, run


def main() -> int:
    """Fuzz. Return 1 if a request was not handled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    began = time.monotonic()
    refused = records = invalid = done = 0
    longest = 0.0
    with ProcessPoolExecutor(args.jobs) as pool:
        parts = [pool.submit(run, args.seed, args.first + first, count) for first, count in blocks(args.count)]
        for part in as_completed(parts):
            try:
                outcome = part.result()
            except AssertionError as error:
                print(f"\n{error}")
                pool.shutdown(cancel_futures=True)
                return 1
            refused, records = refused + outcome.refused, records + outcome.records
            invalid, longest, done = invalid + outcome.invalid, max(longest, outcome.longest), done + 1
            print(f"\r{done} of {len(parts)} blocks", end="", file=sys.stderr)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"\n{platform.platform()}, Python {platform.python_version()}")
    print(f"seed {args.seed}: {args.count:,} damaged requests in {time.monotonic() - began:.0f} s")
    print(f"{refused:,} refused, {records:,} records, {invalid:,} set aside")
    print(f"longest {longest * 1000:.0f} ms, at most {memory} MB in a process")
    return 0


if __name__ == "__main__":
    sys.exit(main())
