"""Every shape of code, on every surface: what it returns and raises is what it was, and the journal has the tree."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from inspect import unwrap
from typing import Any

import pytest
from tests.journals import Journal, Node

import cycletrace as ct
from cycletrace import conventions as c


@ct.stage
def bare(x: int, *, y: int = 2) -> int:
    """Add."""
    return x + y


@ct.stage()
def called(x: int, *, y: int = 2) -> int:
    return x + y


@ct.stage("fit", kind="train")
def named(x: int, *, y: int = 2) -> int:
    return x + y


@ct.stage
async def bare_coroutine(x: int) -> int:
    await asyncio.sleep(0)
    return x


@ct.stage("fit")
async def named_coroutine(x: int) -> int:
    await asyncio.sleep(0)
    return x


class Pipeline:
    @ct.stage
    def method(self, x: int) -> tuple[Any, int]:
        return self, x

    @ct.stage
    async def coroutine_method(self, x: int) -> tuple[Any, int]:
        return self, x

    @ct.stage
    @classmethod
    def class_method(cls, x: int) -> tuple[Any, int]:
        return cls, x

    @classmethod
    @ct.stage
    def class_method_inside(cls, x: int) -> tuple[Any, int]:
        return cls, x

    @ct.stage
    @staticmethod
    def static_method(x: int) -> int:
        return x

    @staticmethod
    @ct.stage
    def static_method_inside(x: int) -> int:
        return x


class Trainer:
    def __call__(self, x: int) -> int:
        return x


class AsyncTrainer:
    async def __call__(self, x: int) -> int:
        return x


@pytest.mark.parametrize(
    ("function", "name", "kind"),
    [(bare, "bare", "other"), (called, "called", "other"), (named, "fit", "train")],
    ids=["bare", "called", "named"],
)
def test_a_function_is_a_stage_per_call(journal: Journal, function: Any, name: str, kind: str) -> None:
    assert [function(1), function(1, y=5)] == [3, 6]
    assert journal.trees() == [Node(name, "ok"), Node(name, "ok")]
    assert {span["attributes"][c.STAGE_KIND] for span in journal.spans()} == {kind}
    assert len(journal.events()) == 2


@pytest.mark.parametrize(("function", "name"), [(bare_coroutine, "bare_coroutine"), (named_coroutine, "fit")])
def test_a_coroutine_is_a_stage_from_its_first_step_to_its_end(journal: Journal, function: Any, name: str) -> None:
    never_awaited = function(1)
    assert journal.documents() == []
    never_awaited.close()
    assert asyncio.run(function(7)) == 7
    assert journal.trees() == [Node(name, "ok")]


def test_a_block_is_a_stage(journal: Journal) -> None:
    with ct.stage("data") as run:
        assert ct.current_stage() is not None
        assert run.outcome is None
    assert ct.current_stage() is None
    assert journal.trees() == [Node("data", "ok")]
    assert journal.span("data")["span_id"] == run.id


def test_an_asynchronous_block_is_a_stage(journal: Journal) -> None:
    async def main() -> None:
        async with ct.stage("data"):
            await asyncio.sleep(0)
            async with ct.stage("train"):
                await asyncio.sleep(0)

    asyncio.run(main())
    assert journal.trees() == [Node("data", "ok", (Node("train", "ok"),))]


def test_all_kinds_of_methods_receive_what_they_are_bound_to(journal: Journal) -> None:
    pipeline = Pipeline()
    assert pipeline.method(1) == (pipeline, 1)
    assert Pipeline.method(pipeline, 2) == (pipeline, 2)
    assert asyncio.run(pipeline.coroutine_method(3)) == (pipeline, 3)
    for owner in (pipeline, Pipeline):
        assert owner.class_method(4) == (Pipeline, 4)
        assert owner.class_method_inside(5) == (Pipeline, 5)
        assert owner.static_method(6) == 6
        assert owner.static_method_inside(7) == 7
    sorts = ["class_method", "class_method_inside", "static_method", "static_method_inside"]
    assert journal.names() == ["method", "method", "coroutine_method", *sorts, *sorts]


def test_partials_and_callable_objects_are_named_by_what_they_call(journal: Journal) -> None:
    assert ct.stage(partial(unwrap(bare), 1, y=3))() == 4
    assert ct.stage(Trainer())(5) == 5
    assert asyncio.run(ct.stage(AsyncTrainer())(6)) == 6
    assert ct.stage(len)([1, 2]) == 2
    assert journal.names() == ["bare", "Trainer", "AsyncTrainer", "len"]


def test_a_partial_of_a_stage_is_a_stage(journal: Journal) -> None:
    assert partial(bare, y=10)(1) == 11
    assert journal.names() == ["bare"]


def test_recursion_nests(journal: Journal) -> None:
    @ct.stage
    def countdown(n: int) -> int:
        return 0 if n == 0 else 1 + countdown(n - 1)

    assert countdown(2) == 2
    assert journal.trees() == [Node("countdown", "ok", (Node("countdown", "ok", (Node("countdown", "ok"),)),))]


def test_infinite_recursion_raises_the_same_error(journal: Journal) -> None:
    @ct.stage
    def forever() -> None:
        forever()

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(500)
    try:
        with pytest.raises(RecursionError):
            forever()
    finally:
        sys.setrecursionlimit(limit)
    assert ct.current_stage() is None
    with ct.stage("after"):
        pass
    assert journal.spans("after")[0]["attributes"].get(c.STAGE_PARENT) is None


def test_a_whole_tree_with_its_instants_and_ids(journal: Journal) -> None:
    with ct.cycle("churn", "7"):
        with ct.stage("train"):
            journal.clock.advance(1)
            with ct.stage("fit", kind="other"):
                journal.clock.advance(0.5)
        with ct.stage("evaluate"):
            pass
    fit, train, evaluate = journal.spans()
    assert [span["trace_id"] for span in (fit, train, evaluate)] == [c.cycle_id("", "churn@7")] * 3
    assert train["parent_span_id"] == evaluate["parent_span_id"] == c.root_span_id(c.cycle_id("", "churn@7"))
    assert fit["parent_span_id"] == fit["attributes"][c.STAGE_PARENT] == train["span_id"]
    assert [span["end"] - span["start"] for span in (fit, train, evaluate)] == [500_000_000, 1_500_000_000, 0]
    assert train["span_id"] < fit["span_id"] < evaluate["span_id"]
    assert journal.trees() == [Node("train", "ok", (Node("fit", "ok"),)), Node("evaluate", "ok")]


def test_one_decorated_function_in_32_threads_at_once(journal: Journal) -> None:
    barrier = threading.Barrier(32)

    @ct.stage
    def inner() -> None:
        barrier.wait(30)

    @ct.stage
    def outer() -> None:
        inner()

    threads = [threading.Thread(target=outer) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.trees() == [Node("outer", "ok", (Node("inner", "ok"),))] * 32


def test_one_definition_entered_by_32_threads_at_once(journal: Journal) -> None:
    definition, inner = ct.stage("outer"), ct.stage("inner")
    barrier = threading.Barrier(32)

    def work() -> None:
        with definition:
            barrier.wait(30)
            with inner:
                barrier.wait(30)

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.trees() == [Node("outer", "ok", (Node("inner", "ok"),))] * 32


def test_interleaved_tasks_keep_their_own_nesting(journal: Journal) -> None:
    definition = ct.stage("outer")

    @ct.stage
    async def inner(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    async def work(turns: int) -> None:
        async with definition:
            await asyncio.sleep(0)
            await inner(turns)

    async def main() -> None:
        await asyncio.gather(*(work(turns) for turns in (5, 1, 3, 2, 4)))

    asyncio.run(main())
    assert journal.trees() == [Node("outer", "ok", (Node("inner", "ok"),))] * 5


def test_a_task_started_in_a_stage_is_inside_it_while_it_lasts(journal: Journal) -> None:
    @ct.stage
    async def child() -> None:
        await asyncio.sleep(0)

    async def late(go: asyncio.Event) -> None:
        await go.wait()
        await child()

    async def main() -> None:
        go = asyncio.Event()
        with ct.stage("outer"):
            await asyncio.create_task(child())
            outliving = asyncio.create_task(late(go))
            await asyncio.sleep(0)
        go.set()
        await outliving

    asyncio.run(main())
    assert journal.trees() == [Node("outer", "ok", (Node("child", "ok"),)), Node("child", "ok")]


def test_one_definition_may_be_entered_within_itself(journal: Journal) -> None:
    definition = ct.stage("again")
    with definition as outer, definition as inner:
        assert outer.id != inner.id
    assert journal.trees() == [Node("again", "ok", (Node("again", "ok"),))]


def test_blocks_left_out_of_order_leave_nothing_current(journal: Journal) -> None:
    first, second = ct.stage("first"), ct.stage("second")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert ct.current_stage() is None
    assert sorted(journal.names()) == ["first", "second"]


def test_a_stage_entered_in_a_plain_generator_does_not_leak_beyond_the_block_around_it(journal: Journal) -> None:
    def leaking() -> Any:
        with ct.stage("inner"):
            yield 1

    generator = leaking()
    with ct.stage("outer"):
        next(generator)
    assert ct.current_stage() is None
    generator.close()
    assert ct.current_stage() is None
    assert journal.outcomes() == [("inner", "abandoned"), ("outer", "ok")]


def test_an_executor_nests_by_snapshot(journal: Journal) -> None:
    def work(token: ct.Snapshot) -> str:
        with ct.attach(token), ct.stage("work"):
            around = ct.current_cycle()
            return "" if around is None else around.key

    with ct.cycle("churn", "7"), ct.stage("outer"), ThreadPoolExecutor(2) as pool:
        token = ct.snapshot()
        assert [future.result() for future in [pool.submit(work, token) for _ in range(3)]] == ["churn@7"] * 3
    assert journal.trees() == [Node("outer", "ok", (Node("work", "ok"),) * 3)]


def test_a_snapshot_survives_pickling_and_resumes_the_running_stage(journal: Journal) -> None:
    found: list[str | None] = []

    def look(token: ct.Snapshot) -> None:
        with ct.attach(token):
            inside = ct.current_stage()
        outside = ct.current_stage()
        found.extend(None if stage is None else stage.id for stage in (inside, outside))

    with ct.stage("outer") as outer:
        thread = threading.Thread(target=look, args=(pickle.loads(pickle.dumps(ct.snapshot())),))
        thread.start()
        thread.join()
    assert found == [outer.id, None]


def test_an_empty_snapshot_resumes_nothing(journal: Journal) -> None:
    token = ct.snapshot()
    assert (token.cycle, token.stage) == (None, None)
    with ct.attach(token), ct.stage("data"):
        pass
    assert journal.trees() == [Node("data", "ok")]
    with ct.attach("churn@7"), ct.stage("train"):  # type: ignore[arg-type]
        pass
    assert journal.names() == ["data", "train"]


def test_introspection_of_a_function_still_works() -> None:
    assert inspect.signature(bare) == inspect.signature(unwrap(bare))
    assert (bare.__name__, bare.__doc__, bare.__module__) == ("bare", "Add.", __name__)
    assert unwrap(bare)(1) == 3
    assert inspect.iscoroutinefunction(bare_coroutine)
    assert not inspect.iscoroutinefunction(bare)
    assert inspect.iscoroutinefunction(Pipeline.coroutine_method)
    assert bare.__annotations__ == unwrap(bare).__annotations__


def test_decorated_module_functions_pickle(journal: Journal) -> None:
    assert pickle.loads(pickle.dumps(bare)) is bare
    bound = pickle.loads(pickle.dumps(Pipeline().method))
    assert bound(1)[1] == 1


def test_definitions_and_handles_of_cycles_pickle(journal: Journal) -> None:
    definition = ct.stage("fit", kind="train", cycle=ct.cycle("churn", "7", domain="tabular"))
    with definition:
        copy = pickle.loads(pickle.dumps(definition))
    with copy:
        pass
    first, second = journal.spans()
    assert first["attributes"].keys() == second["attributes"].keys()
    assert first["trace_id"] == second["trace_id"]
    assert second["attributes"][c.MODEL_DOMAIN] == "tabular"


def test_decorated_closures_cloudpickle(journal: Journal) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")

    factor = 3

    @ct.stage("scale")
    def scale(x: int) -> int:
        return factor * x

    assert cloudpickle.loads(cloudpickle.dumps(scale))(2) == 6
    assert journal.trees() == [Node("scale", "ok")]


def test_objects_pass_through_a_stage_unchanged(journal: Journal) -> None:
    @ct.stage
    def identity(x: object) -> object:
        return x

    thing = [object()] * 500_000
    assert identity(thing) is thing


def test_memory_stays_flat_over_many_stages(journal: Journal) -> None:
    import gc
    import tracemalloc

    definition = ct.stage("again")

    def enter(times: int) -> None:
        for _ in range(times):
            with definition:
                pass
            bare(1)

    enter(6_000)  # the environment and every cache are at their bounds
    tracemalloc.start()
    try:
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        enter(2_000)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000, "less than 25 bytes a stage: nothing of one is kept"
