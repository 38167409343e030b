"""Kill a collector in many ways while clients send, and check that nothing was lost, doubled or changed.

    python scripts/crash_campaign.py --kills 200

Ways: SIGKILL at any moment, inside a write or a sync of SQLite (in commits, checkpoints, and recovery at the start),
while syncs are slow or fail, on a full disk, after SIGSTOP, while the backend is down. Takes gcc. The exit status is 1
if anything was wrong. ``docs/reliability.md`` has the last result.
"""

from __future__ import annotations

import argparse
import platform
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.collector.campaign import run


def main() -> int:
    """Run the campaign. Return 1 if it found something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = run(Path(folder), args.kills, args.seed, lambda line: print(f"\r{line}", end="", file=sys.stderr))
        except AssertionError as error:
            print(f"\nseed {args.seed}: {error}")
            return 1
    print(f"\n{platform.platform()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    print(f"seed {args.seed}: {sum(result.faults.values())} kills in {time.monotonic() - began:.0f} s")
    print(", ".join(f"{fault} {count}" for fault, count in sorted(result.faults.items())))
    print(f"{result.acknowledged:,} requests acknowledged, {result.stored:,} records, {result.closed:,} cycles counted")
    print("nothing lost, doubled or changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
