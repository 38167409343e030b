"""Load a collector with a mix of everything, beside faults, and check that nothing is lost and memory stays flat.

    nice python scripts/mixed_load.py --minutes 60

Spans, logs and metrics of ours and of others, over gRPC and HTTP, in protobuf and JSON, and damaged requests among
them. Meanwhile its backend goes away and comes back, and the collector is stopped and, but for the last third of the
time, killed. The exit status is 1 if anything was wrong. ``docs/reliability.md`` has the last result.
"""

from __future__ import annotations

import argparse
import platform
import sqlite3
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.collector.mixed import run


def main() -> int:
    """Run the load. Return 1 if something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=20.0, help="requests per second")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    def say(line: str) -> None:
        print(f"\r{line}", end="", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        try:
            result = run(Path(folder), args.minutes * 60, args.seed, args.rate, say)
        except AssertionError as error:
            print(f"\nseed {args.seed}: {error}")
            return 1
    print(f"\n{platform.platform()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    print(f"seed {args.seed}, {args.minutes:g} minutes, {args.rate:g} requests per second")
    print(", ".join(f"{fault} {count}" for fault, count in sorted(result.faults.items())))
    print(
        f"{result.acknowledged:,} requests acknowledged, {result.damaged:,} damaged; {result.cycles:,} cycles counted"
    )
    print(f"memory at most {result.memory[0]} MiB in the fifth sixth of the time, {result.memory[1]} MiB in the last")
    return 0


if __name__ == "__main__":
    sys.exit(main())
