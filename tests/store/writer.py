"""A process that fills a store until it is killed: ``writer.py STORE SEED``, or ``writer.py --ingest STORE``.

Says on its standard output how far it came, after each commit.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

from tests.store.build import NOW, finished

from cycletrace._internal.store import ingest, open_store


def fill(path: Path, name: str) -> None:
    with open_store(path, durable=True) as store:
        for number in itertools.count():
            with store.write() as tx:
                tx.add(finished(f"{name}@{number}", number), NOW)
                tx.refold(NOW, 3)
            print(number, flush=True)
            time.sleep(0.001)  # who waits for SQLite's lock polls it: a writer that never pauses would starve others


def ingest_all(path: Path) -> None:
    with open_store(path) as store:
        print("reading", flush=True)
        print(ingest(store, path.parent).new, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--ingest":
        ingest_all(Path(sys.argv[2]))
    else:
        fill(Path(sys.argv[1]), sys.argv[2])
