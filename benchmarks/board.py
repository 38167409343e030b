"""Measure the live board: the processor time of many viewers, and how long a response takes, in a store of any size.

    python benchmarks/board.py --cycles 10000 --viewers 50

CPU seconds are those of the board's process alone (user and system). Each viewer looks once a second, as the script of
the page does, on a connection that stays open. The floor is the same server with the same viewers at a fixed file.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.history import history

from cycletrace import conventions as c
from cycletrace._internal.flow import Mark, RecordOrigin
from cycletrace._internal.store import FILE, open_store

QUERY = "?window=all"
"""The synthetic history is years old."""
LOOKS = 50
"""Responses that are timed one after the other."""
_TICKS = os.sysconf("SC_CLK_TCK")


def fill(store: Path, cycles: int) -> None:
    """Make a folded store of so many cycles."""
    with open_store(store) as opened:
        for records in history(cycles, 1000):
            with opened.write() as tx:
                tx.add(records, time.time_ns())
        is_left = True
        while is_left:
            with opened.write() as tx:
                is_left = bool(tx.refold(time.time_ns(), 1000))


def change(store: Path) -> None:
    """Record one more cycle."""
    key = f"late@{time.time_ns()}"
    with open_store(store) as opened, opened.write() as tx:
        tx.add([Mark(RecordOrigin(c.cycle_id("", key), key), c.STARTED, time.time_ns())], time.time_ns())


@contextmanager
def board(directory: Path) -> Iterator[tuple[int, str]]:
    """Serve a state directory. Yield the process id and the address."""
    command = [sys.executable, "-m", "cycletrace", "board", "--dir", str(directory), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://[^ ]+/", process.stdout.readline())
        assert found is not None
        try:
            yield process.pid, found[0]
        finally:
            process.terminate()


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def viewers(url: str, count: int, seconds: int, *, method: str = "HEAD") -> None:
    """Look once a second, that many at once."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=count)) as session:
        async with session.get(url) as first:
            etag = first.headers.get("ETag", "")

        async def view(number: int) -> None:
            await asyncio.sleep(number / count)
            for _ in range(seconds):
                async with session.request(method, url, headers={"If-None-Match": etag}) as reply:
                    await reply.read()
                await asyncio.sleep(1)

        await asyncio.gather(*map(view, range(count)))


async def looks(url: str, count: int) -> list[float]:
    """Return how long each of so many responses took, seconds."""
    taken = []
    async with aiohttp.ClientSession() as session:
        for _ in range(count):
            began = time.perf_counter()
            async with session.get(url) as reply:
                await reply.read()
            taken.append(time.perf_counter() - began)
    return taken


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=10_000)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        fill(directory / FILE, args.cycles)
        with board(directory) as (pid, url):
            (first,) = asyncio.run(looks(url + QUERY, 1))
            again = asyncio.run(looks(url + QUERY, LOOKS))
            print(f"first response                       {first * 1000:8.1f} ms")
            print(f"again, nothing changed: median       {statistics.median(again) * 1000:8.1f} ms")
            print(f"again, nothing changed: slowest      {max(again) * 1000:8.1f} ms")
            time.sleep(4 * first + 1)  # after a page that took long, the board rests
            change(directory / FILE)
            (changed,) = asyncio.run(looks(url + QUERY, 1))
            print(f"after a change                       {changed * 1000:8.1f} ms")
            for what, path in (("a fixed file", "assets/board.css"), ("the board", f"api/report{QUERY}")):
                began = cpu_seconds(pid)
                asyncio.run(viewers(url + path, args.viewers, args.seconds))
                share = (cpu_seconds(pid) - began) / args.seconds
                print(f"{args.viewers} viewers of {what:24} {share:8.1%} of a core")


if __name__ == "__main__":
    main()
