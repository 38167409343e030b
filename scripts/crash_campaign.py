"""Kill a collector in many ways while clients send, and check that nothing was lost, doubled or changed.

    python scripts/crash_campaign.py --kills 200
    python scripts/crash_campaign.py --shared --kills 100

Ways: SIGKILL at any moment, inside a write or a sync of SQLite (in commits, checkpoints, and recovery at the start),
while syncs are slow or fail, on a full disk, after SIGSTOP, while the backend is down. Takes gcc. The exit status is 1
if anything was wrong. ``docs/reliability.md`` has the last result.

With ``--shared``, four collectors share a store in PostgreSQL. Ways: SIGKILL of any collector, of the one in charge, or
of the server; connections that the server ends; SIGSTOP; the backend down. Takes Debian's ``postgresql``.
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

from tests.collector import shared
from tests.collector.campaign import run
from tests.postgres import version


def say(line: str) -> None:
    """Show progress."""
    print(f"\r{line}", end="", file=sys.stderr)


def main() -> int:
    """Run the campaign. Return 1 if it found something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shared", action="store_true", help="four collectors and a server of PostgreSQL")
    args = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            if args.shared:
                result = shared.run(args.kills, args.seed, say)
            else:
                result = run(Path(folder), args.kills, args.seed, say)
        except AssertionError as error:
            print(f"\nseed {args.seed}: {error}")
            return 1
    engine = f"PostgreSQL {version()}" if args.shared else f"SQLite {sqlite3.sqlite_version}"
    print(f"\n{platform.platform()}, Python {platform.python_version()}, {engine}")
    print(f"seed {args.seed}: {sum(result.faults.values())} kills in {time.monotonic() - began:.0f} s")
    print(", ".join(f"{fault} {count}" for fault, count in sorted(result.faults.items())))
    print(f"{result.acknowledged:,} requests acknowledged, {result.stored:,} records, {result.closed:,} cycles counted")
    print("nothing lost, doubled or changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
