"""Measure a collector whose store holds many open cycles: its start after a kill, its looks, its memory and its end.

    python benchmarks/open_cycles.py --cycles 100000
    python benchmarks/open_cycles.py --cycles 1000000 --folder open

Each cycle has a stage that ended and one that runs. With ``--folder``, the store is kept there, and used again. Memory
is that of the collector's process, which also has the caches of SQLite.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import grpc
from benchmarks.collector_loads import requests

from cycletrace import conventions as c
from cycletrace._internal.flow import Record, RecordOrigin, Stage
from cycletrace._internal.otlp.signals import TRACES
from cycletrace._internal.store import Store, open_store

SECOND = 1_000_000_000
AT_ONCE = 1000
"""Cycles in one transaction."""
SENDERS = 8
"""Concurrent requests."""


def records(number: int, now: int) -> Iterator[Record]:
    """Yield the records of an open cycle."""
    key = f"model{number % 50}@{number // 50}"
    of = RecordOrigin(c.cycle_id("", key), key, None, key.partition("@")[0], f"domain{number % 7}")
    began = now - (number % 86_400 + 60) * SECOND
    yield Stage(of, f"{2 * number:016x}", "data", "data", began, began + 30 * SECOND, c.OK, launch="ci")
    yield Stage(of, f"{2 * number + 1:016x}", "train", "train", began + 40 * SECOND, launch="ci", lease=10**6)


@contextmanager
def collector(folder: Path) -> Iterator[tuple[int, dict[str, int]]]:
    """Run a collector of the store in a folder. Yields its process id, and its ports by name."""
    addresses = [f"--{name}=127.0.0.1:0" for name in ("grpc", "http", "prometheus")]
    command = [sys.executable, "-m", "cycletrace", "collect", "--store", str(folder / "store.db"), *addresses]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ports: dict[str, int] = {}
    try:
        for line in process.stdout:
            if found := re.match(r"  (?:OTLP/)?(gRPC|HTTP|Prometheus) .*:(\d+)", line):
                ports[found[1].lower()] = int(found[2])
            if "prometheus" in ports:
                break
        yield process.pid, ports
    finally:
        process.terminate()
        process.wait()


def fill(store: Store, cycles: int) -> None:
    """Put so many open cycles in a store, and fold them."""
    now = time.time_ns()
    for first in range(0, cycles, AT_ONCE):
        with store.write() as tx:
            tx.add((record for n in range(first, min(first + AT_ONCE, cycles)) for record in records(n, now)), now)
            while tx.refold(now, AT_ONCE):
                pass


def seconds_of(url: str) -> tuple[float, int]:
    """Return how long a GET takes, and the size of its answer."""
    began = time.monotonic()
    with urllib.request.urlopen(url) as answer:
        size = len(answer.read())
    return time.monotonic() - began, size


def metric(url: str, name: str) -> float:
    """Return the sum of all values of a metric."""
    with urllib.request.urlopen(url) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def ready(port: int) -> None:
    """Wait until requests are accepted."""
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").close()
        except urllib.error.HTTPError:
            time.sleep(0.005)
        else:
            return


def memory(pid: int) -> str:
    """Return the memory of a process now and at most, MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    size = {
        line.partition(":")[0]: int(line.split()[1]) // 1024 for line in lines if line.startswith(("VmRSS", "VmHWM"))
    }
    return f"{size['VmRSS']} MiB, at most {size['VmHWM']} MiB"


async def load(port: int, pid: int, number: int) -> float:
    """Send, and signal the process meanwhile. Return how many seconds it takes to end."""
    bodies = iter(list(requests(200_000, 500, 1)))

    async def sender(channel: grpc.aio.Channel) -> None:
        export = channel.unary_unary(TRACES.method)
        for body in bodies:
            await export(body)

    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        senders = [asyncio.ensure_future(sender(channel)) for _ in range(SENDERS)]
        await asyncio.sleep(1.0)
        assert not any(one.done() for one in senders)
        began = time.monotonic()
        os.kill(pid, number)
        await asyncio.to_thread(wait_for_end, pid)
        took = time.monotonic() - began
        await asyncio.gather(*senders, return_exceptions=True)
    return took


def wait_for_end(pid: int) -> None:
    """Wait until a child ended, which its parent has yet to reap."""
    while Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.005)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to keep the store; made if it does not exist")
    args = parser.parse_args()
    print(f"{platform.platform()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.folder or Path(scratch)
        folder.mkdir(exist_ok=True)
        path = folder / "store.db"
        if not path.exists():
            with open_store(path) as store:
                fill(store, args.cycles)
        with collector(folder) as (pid, ports):  # the first counts as made by a collector, and is killed under load
            asyncio.run(load(ports["grpc"], pid, signal.SIGKILL))
        began = time.monotonic()
        with collector(folder) as (pid, ports):
            ready(ports["http"])
            print(
                f"{args.cycles:,} open cycles: ready {time.monotonic() - began:.2f} s after a start that follows a kill"
            )
            url = f"http://127.0.0.1:{ports['prometheus']}/metrics"
            print(f"  /metrics at once: {seconds_of(url)[0]:.3f} s; memory {memory(pid)}")
            while metric(url, "cycletrace_collector_due") or not metric(url, "cycletrace_cycle_open"):
                time.sleep(0.5)
            print(f"  all is folded, and open cycles are counted after {time.monotonic() - began:.1f} s")
            taken = []
            for _ in range(20):
                time.sleep(1.0)
                taken.append(seconds_of(url)[0])
            print(f"  /metrics once a second: median {sorted(taken)[10]:.3f} s, longest {max(taken):.3f} s")
            print(f"  memory {memory(pid)}")
            began = time.monotonic()
            subprocess.run(
                [sys.executable, "-m", "cycletrace", "status", "--store", str(path)], check=True, capture_output=True
            )
            print(f"  status: {time.monotonic() - began:.2f} s")
            print(f"  the end under load: {asyncio.run(load(ports['grpc'], pid, signal.SIGTERM)):.2f} s")


if __name__ == "__main__":
    main()
