"""Generators and async generators: one stage from the first item to the end, current only while the body runs."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import weakref
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from opentelemetry import trace
from tests.journals import Journal, Node

import cycletrace as ct
from cycletrace import conventions as c


class Item:
    """Something that can be looked for after it should be gone."""


@ct.stage
def batches(n: int = 3) -> Generator[int, Any, str]:
    """Give items."""
    received = []
    for i in range(n):
        received += [(yield i)]
    return f"done {received}"


@ct.stage
async def pages(n: int = 3) -> AsyncGenerator[int, Any]:
    for i in range(n):
        await asyncio.sleep(0)
        yield i


def here() -> str | None:
    stage = ct.current_stage()
    return None if stage is None else stage.id


def test_nothing_is_recorded_of_a_generator_that_never_ran(journal: Journal) -> None:
    generator = batches()
    generator.close()
    del generator
    assert journal.documents() == []


def test_the_stage_lasts_from_the_first_item_to_the_end(journal: Journal) -> None:
    generator = batches(2)
    assert next(generator) == 0
    assert [event["attributes"][c.STAGE_NAME] for event in journal.events()] == ["batches"]
    assert journal.spans() == []
    assert list(generator) == [1]
    assert journal.trees() == [Node("batches", "ok")]


def test_the_consumers_stages_stay_outside_and_the_bodys_inside(journal: Journal) -> None:
    @ct.stage
    def read() -> Generator[int, None, None]:
        for i in range(2):
            with ct.stage("decode"):
                pass
            yield i

    with ct.stage("outer"):
        for _ in read():
            with ct.stage("consume"):
                assert journal.names()[-1] in {"decode", "consume"}
    decode, consume = Node("decode", "ok"), Node("consume", "ok")
    assert journal.trees() == [Node("outer", "ok", (Node("read", "ok", (decode, decode)), consume, consume))]


def test_a_stage_around_a_yield_is_the_bodys_alone(journal: Journal) -> None:
    @ct.stage
    def read() -> Generator[str | None, None, None]:
        with ct.stage("open"):
            yield here()
            yield here()

    inside = []
    for stage in read():
        inside.append(stage)
        assert ct.current_stage() is None
        assert not trace.get_current_span().get_span_context().is_valid
    assert inside[0] == inside[1] == journal.span("open")["span_id"]


def test_interleaved_generators_keep_their_own_place(journal: Journal) -> None:
    @ct.stage
    def read(name: str) -> Generator[str | None, None, None]:
        for _ in range(2):
            with ct.stage(name):
                yield here()

    for left, right in zip(read("left"), read("right"), strict=True):
        assert left != right
    twice = (Node("left", "ok"),) * 2, (Node("right", "ok"),) * 2
    assert journal.trees() == [Node("read", "ok", children) for children in twice]


def test_send_throw_and_the_return_value_go_through(journal: Journal) -> None:
    @ct.stage
    def talk() -> Generator[object, object, str]:
        try:
            got = yield "first"
        except KeyError as error:
            got = yield f"caught {error}"
        got = yield got
        return f"returned {got}"

    generator = talk()
    assert next(generator) == "first"
    assert generator.throw(KeyError("k")) == "caught 'k'"
    assert generator.send("sent") == "sent"
    with pytest.raises(StopIteration) as stopped:
        generator.send("last")
    assert stopped.value.value == "returned last"
    assert journal.trees() == [Node("talk", "ok")]


def test_yield_from_a_stage_gets_its_return_value(journal: Journal) -> None:
    def outer() -> Generator[int, Any, str]:
        return (yield from batches(1))

    generator = outer()
    next(generator)
    with pytest.raises(StopIteration) as stopped:
        generator.send("x")
    assert stopped.value.value == "done ['x']"


def test_an_exception_of_the_body_is_the_stages_error(journal: Journal) -> None:
    raised = RuntimeError("broken")

    @ct.stage
    def breaks() -> Generator[int, None, None]:
        yield 1
        raise raised

    with pytest.raises(RuntimeError) as caught:
        list(breaks())
    assert caught.value is raised
    assert journal.span("breaks")["attributes"][c.ERROR_TYPE] == "RuntimeError"


@pytest.mark.parametrize("how", ["break", "close", "drop"])
def test_ending_early_abandons(journal: Journal, how: str) -> None:
    closed = []

    @ct.stage
    def read() -> Generator[int, None, None]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(here())

    generator = read()
    if how == "break":
        for _ in generator:
            break
    else:
        next(generator)
    if how == "close":
        generator.close()
        generator.close()
    del generator
    gc.collect()
    assert journal.outcomes() == [("read", "abandoned")]
    assert closed == [journal.span("read")["span_id"]], "the body's end runs inside its stage"
    assert journal.span("read")["error"] is None


def test_a_body_that_ignores_its_close_fails_as_without_us(journal: Journal) -> None:
    @ct.stage
    def stubborn() -> Generator[int, None, None]:
        with contextlib.suppress(GeneratorExit):
            yield 1
        yield 2

    generator = stubborn()
    next(generator)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        generator.close()
    assert journal.outcomes() == [("stubborn", "error")]


def test_nothing_that_was_yielded_or_sent_is_kept_alive(journal: Journal) -> None:
    @ct.stage
    def read() -> Generator[Item, Item | None, None]:
        while True:
            yield Item()

    generator = read()
    item = next(generator)
    yielded = weakref.ref(item)
    del item
    assert yielded() is None
    sent = Item()
    given = weakref.ref(sent)
    generator.send(sent)
    del sent
    assert given() is None
    generator.close()


def test_arguments_are_not_kept_alive(journal: Journal) -> None:
    @ct.stage
    def read(item: Item | None) -> Generator[int, None, None]:
        del item
        yield 1
        yield 2

    item = Item()
    argument = weakref.ref(item)
    generator = read(item)
    next(generator)
    del item
    assert argument() is None
    generator.close()


def test_a_generator_ended_in_another_thread_leaves_both_where_they_were(journal: Journal) -> None:
    import threading

    with ct.stage("outer"):
        generator = batches(3)
        next(generator)
        before = here()
        after: list[str | None] = []

        def end() -> None:
            list(generator)
            after.append(here())

        thread = threading.Thread(target=end)
        thread.start()
        thread.join()
        assert here() == before
    assert after == [None]
    assert journal.trees() == [Node("outer", "ok", (Node("batches", "ok"),))]


def test_generator_methods(journal: Journal) -> None:
    class Loader:
        @ct.stage
        def read(self) -> Generator[Any, None, None]:
            yield self

        @ct.stage
        @classmethod
        def all(cls) -> Generator[Any, None, None]:
            yield cls

    loader = Loader()
    assert [*loader.read(), *Loader.all()] == [loader, Loader]
    assert journal.names() == ["read", "all"]


def test_an_async_generator_lasts_from_the_first_item_to_the_end(journal: Journal) -> None:
    @ct.stage
    async def read() -> AsyncGenerator[int, None]:
        for i in range(2):
            async with ct.stage("decode"):
                await asyncio.sleep(0)
            yield i

    async def main() -> None:
        async for _ in read():
            assert ct.current_stage() is None
            async with ct.stage("consume"):
                await asyncio.sleep(0)

    asyncio.run(main())
    decode, consume = Node("decode", "ok"), Node("consume", "ok")
    assert journal.trees() == [Node("read", "ok", (decode, decode)), consume, consume]


def test_async_send_and_throw_go_through(journal: Journal) -> None:
    @ct.stage
    async def talk() -> AsyncGenerator[object, object]:
        try:
            got = yield "first"
        except KeyError as error:
            got = yield f"caught {error}"
        yield got

    async def main() -> None:
        generator = talk()
        assert await generator.__anext__() == "first"
        assert await generator.athrow(KeyError("k")) == "caught 'k'"
        assert await generator.asend("sent") == "sent"
        with pytest.raises(StopAsyncIteration):
            await generator.__anext__()

    asyncio.run(main())
    assert journal.outcomes() == [("talk", "ok")]


@pytest.mark.parametrize("how", ["break", "aclose"])
def test_ending_an_async_generator_early_abandons(journal: Journal, how: str) -> None:
    async def main() -> None:
        generator = pages()
        if how == "break":
            async for _ in generator:
                break
        else:
            await generator.__anext__()
            await generator.aclose()
        del generator
        await asyncio.sleep(0.01)  # the loop closes what was dropped
        assert ct.current_stage() is None

    asyncio.run(main())
    assert journal.outcomes() == [("pages", "abandoned")]


def test_a_cancelled_async_generator_is_cancelled(journal: Journal) -> None:
    @ct.stage
    async def slow() -> AsyncGenerator[int, None]:
        yield 1
        await asyncio.sleep(60)

    async def consume() -> None:
        async for _ in slow():
            pass

    async def main() -> None:
        task = asyncio.create_task(consume())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert journal.outcomes() == [("slow", "cancelled")]


def test_interleaved_async_generators_keep_their_own_place(journal: Journal) -> None:
    @ct.stage
    async def read(name: str) -> AsyncGenerator[str | None, None]:
        async with ct.stage(name):
            for _ in range(3):
                await asyncio.sleep(0)
                yield here()

    async def consume(name: str) -> set[str | None]:
        return {stage async for stage in read(name)}

    async def main() -> list[set[str | None]]:
        return list(await asyncio.gather(consume("left"), consume("right")))

    left, right = asyncio.run(main())
    assert (left, right) == ({journal.span("left")["span_id"]}, {journal.span("right")["span_id"]})


def test_inspect_still_works() -> None:
    assert inspect.isgeneratorfunction(batches)
    assert not inspect.isasyncgenfunction(batches)
    assert inspect.isasyncgenfunction(pages)
    assert not inspect.iscoroutinefunction(pages)
    assert inspect.isgenerator(batches())
    assert batches.__doc__ == "Give items."
    assert inspect.signature(batches) == inspect.signature(inspect.unwrap(batches))


def test_a_contextmanager_of_a_stage_nests_nothing_wrongly(journal: Journal) -> None:
    @contextlib.contextmanager
    @ct.stage
    def session() -> Generator[int, None, None]:
        yield 1

    with session() as one, ct.stage("inside"):
        assert one == 1
    assert journal.outcomes() == [("inside", "ok"), ("session", "ok")]
