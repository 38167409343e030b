"""Many stages at once, and many one after the other: what each costs, and which its child processes join."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from contextlib import ExitStack
from contextvars import copy_context

import pytest

import cycletrace as ct
from cycletrace._internal.sdk import env_propagation
from cycletrace.testing import Journal


def nested(count: int) -> float:
    stage = ct.stage("train")
    began = time.process_time()
    with ExitStack() as entered:
        for _ in range(count):
            entered.enter_context(stage)
    return (time.process_time() - began) / count


def concurrent(count: int) -> float:
    stage = ct.stage("train")

    async def task(over: asyncio.Event) -> None:
        with stage:
            await over.wait()

    async def tasks() -> None:
        over = asyncio.Event()
        started = [asyncio.create_task(task(over)) for _ in range(count)]
        await asyncio.sleep(0)
        over.set()
        await asyncio.gather(*started)

    began = time.process_time()
    asyncio.run(tasks())
    return (time.process_time() - began) / count


@pytest.mark.parametrize("run", [nested, concurrent])
def test_the_cost_of_a_stage_does_not_grow_with_the_number_of_running_stages(
    cycletrace_journal: Journal, run: object
) -> None:
    assert callable(run)
    with ct.cycle("churn", "7"):
        run(100)
        gc.collect()
        few = min(run(100) for _ in range(5))
        many = min(run(2_000) for _ in range(2))
    assert many < 4 * few


def passed_on() -> tuple[str, str]:
    return os.environ.get("CYCLETRACE_CYCLE", ""), os.environ.get("TRACEPARENT", "")[36:52]


def test_children_always_find_the_cycle_and_after_very_many_stages_the_stage_around(
    cycletrace_journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env_propagation, "MAX_STAGES", 3)
    ct.configure(launch="other")  # start over, with that limit
    with ct.cycle("churn", "7"), ct.stage("train") as train:
        for _ in range(2):
            with ct.stage("epoch") as epoch:
                assert passed_on()[1] == epoch.id
        with ct.stage("epoch"):
            assert passed_on()[1] == train.id
    with ct.stage("deploy", cycle="churn@8"):
        assert "churn@8" in passed_on()[0]


def test_stages_that_are_not_one_chain_pass_on_their_cycle_alone(cycletrace_journal: Journal) -> None:
    """However they overlap."""

    def overlap() -> None:
        with ct.cycle("churn", "7"):
            token = ct.snapshot()
            one, two = ct.stage("one"), ct.stage("two")
            first = one.__enter__()
            assert passed_on()[1] == first.id
            with ct.attach(token):
                second = two.__enter__()
                with ct.stage("inner"):
                    assert passed_on()[1] not in {first.id, second.id}
                one.__exit__(None, None, None)
                assert passed_on()[1] == second.id
                two.__exit__(None, None, None)
            assert passed_on()[0]

    copy_context().run(overlap)  # what is left out of order must not stay current in other tests
