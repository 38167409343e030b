"""Several collectors that share a store in PostgreSQL."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest
from tests.collector import shared
from tests.collector.dice import AFTER, exports, item, records
from tests.collector.process import Collect, eventually
from tests.collector.test_one_truth import completed, exposed_by, plain, send, send_all
from tests.postgres import Server

from cycletrace._internal.flow import facts_of

Start = Callable[..., Collect]
pytestmark = pytest.mark.postgres


def test_four_collectors_make_the_facts_and_metrics_of_one(collect: Start, postgres: Server) -> None:
    sent = records(21, 400)
    dice = random.Random(21)
    some = exports([item(record) for record in sent], dice)
    some += dice.sample(some, len(some) // 2)  # repeated, perhaps to another one
    uri = postgres.database().uri
    collectors = [collect("--grace", "1h", store=uri) for _ in range(4)]
    for number, collector in enumerate(collectors):
        send_all(collector, some[number::4], seed=number)
    facts = facts_of(sent, AFTER)
    assert collectors[1].facts("--at", str(AFTER)) == plain(facts)
    for collector in collectors:
        assert collector.stop() == 0

    collectors = [collect("--grace", "0", store=uri) for _ in range(2)]
    wanted = completed(facts)
    leader = shared.in_charge(collectors)
    seen = eventually(lambda: exposed_by(leader, wanted), lambda seen: seen == pytest.approx(wanted))
    assert seen == pytest.approx(wanted)


def test_another_one_takes_over_within_seconds_and_goes_on_counting(collect: Start, postgres: Server) -> None:
    sent = records(22, 200)
    some = exports([item(record) for record in sent], random.Random(22))
    uri = postgres.database().uri
    collectors = [collect("--grace", "0", store=uri) for _ in range(3)]
    leader = shared.in_charge(collectors)
    send_all(leader, some[::2])
    leader.kill()
    rest = [one for one in collectors if one is not leader]
    began = time.monotonic()
    follower = shared.in_charge(rest)
    assert time.monotonic() - began < shared.FAILOVER
    send_all(follower, some[1::2])
    eventually(lambda: follower.total("cycletrace_collector_due"), lambda due: due == 0)
    assert collectors[0].facts("--at", str(AFTER)) == plain(facts_of(sent, AFTER))
    assert "this collector folds and counts cycles" in follower.output[-1]


def test_without_the_database_senders_are_told_to_come_again(collect: Start) -> None:
    server = Server("fsync=off")
    try:
        collector = collect(store=server.database().uri)
        one, other, *_ = exports([item(record) for record in records(23, 60)], random.Random(23))
        assert send(collector, one, over_grpc=False)
        server.kill()
        assert not send(collector, other, over_grpc=False)
        assert eventually(lambda: collector.get("/readyz")[0], lambda status: status == 503) == 503
        assert "cannot be used" in collector.get("/readyz")[1]
        server.start()
        assert eventually(lambda: send(collector, other, over_grpc=False))
        assert eventually(lambda: collector.get("/readyz")[0], lambda status: status == 200) == 200
    finally:
        server.stop()


def test_killed_again_and_again_nothing_is_lost_doubled_or_changed() -> None:
    """The short form of ``scripts/crash_campaign.py --shared``."""
    result = shared.run(kills=12, seed=1)
    assert sum(result.faults.values()) == 12
    assert result.acknowledged >= result.closed > 0
