"""Collectors that share a store in PostgreSQL, while they and the server are killed again and again.

The same must hold as for one collector: see ``campaign``. And never may two of them export the metrics of cycles.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence

import psycopg
from tests.collector.campaign import Backend, Result, check, sending, some_records, stored
from tests.collector.dice import exports, item
from tests.collector.process import Collect, eventually
from tests.postgres import Server

COLLECTORS = 4
FAILOVER = 5.0
"""Seconds after which another collector must be in charge."""


def run(kills: int, seed: int, say: Callable[[str], object] = lambda _: None) -> Result:
    """Run a campaign with this many faults, half of them while records arrive, half while cycles are exported.

    Raises:
        AssertionError: if anything was lost, counted twice or changed.
    """
    dice = random.Random(seed)
    sent = some_records(seed)
    sink = Backend()
    server = Server()
    uri = server.database().uri
    collectors: list[Collect] = []
    faults: Counter[str] = Counter()
    try:
        collectors += [Collect(uri, "--grace", "1h", "--forward", f"traces={sink.url}") for _ in range(COLLECTORS)]
        with sending(collectors, exports([item(record) for record in sent], dice), seed) as taken:
            while sum(faults.values()) < kills / 2:
                faults[_fail(collectors, server, uri, sink, dice)] += 1
                say(f"{sum(faults.values())} of {kills} faults, {len(taken)} requests acknowledged")
            sink.rise()
        for collector in collectors:
            assert collector.stop() == 0
            collector._options = ("--grace", "0", "--forward", f"traces={sink.url}")
        for collector in collectors:
            collector.start()
        while sum(faults.values()) < kills:
            faults[_fail(collectors, server, uri, sink, dice)] += 1
            say(f"{sum(faults.values())} of {kills} faults")
        sink.rise()
        leader = in_charge(collectors)
        closed = check(leader, sent, sink)
        return Result(faults, len(taken), stored(leader), closed)
    finally:
        for collector in collectors:
            collector.kill()
        sink.fall()
        server.stop()


def in_charge(collectors: Sequence[Collect]) -> Collect:
    """The one that is in charge, once there is one; and no other one exports metrics of cycles."""
    found = eventually(lambda: [one for one in collectors if is_in_charge(one)], lambda some: len(some) == 1, FAILOVER)
    assert len(found) == 1
    for one in collectors:
        if one is not found[0]:
            assert not any(name.startswith("cycletrace_cycle_") for name, _ in one.metrics())
    return found[0]


def is_in_charge(collector: Collect) -> bool:
    return collector.total("cycletrace_collector_in_charge") == 1


def _fail(collectors: Sequence[Collect], server: Server, uri: str, sink: Backend, dice: random.Random) -> str:
    fault = dice.choice(("collector", "collector", "in charge", "server", "connections", "stopped", "backend"))
    victim = dice.choice(collectors)
    if fault == "in charge":
        victim = next((one for one in collectors if is_in_charge(one)), victim)
    time.sleep(dice.uniform(0.0, 0.5))
    if fault in {"collector", "in charge"}:
        victim.kill()
        time.sleep(dice.uniform(0.0, 0.3))
        victim.start()
    elif fault == "server":
        server.kill()
        time.sleep(dice.uniform(0.0, 0.5))
        server.start()
    elif fault == "connections":
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    elif fault == "stopped":
        victim.process.send_signal(signal.SIGSTOP)
        time.sleep(dice.uniform(0.2, 1.0))
        victim.process.send_signal(signal.SIGCONT)
    else:
        sink.fall()
        time.sleep(dice.uniform(0.0, 0.5))
        sink.rise()
    return fault
