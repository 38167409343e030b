"""Generators as stages: one run from the first item to the end, current only while the body runs.

Whatever the body made current (such as a stage around a ``yield``) is suspended while the consumer runs, and then
restored. No reference to an item is kept here.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
    from typing import Any

    from cycletrace._internal.api.capture import Reader
    from cycletrace._internal.api.stage import Stage
    from cycletrace._internal.sdk.runs import Run


class _Body:
    """The context of a generator's body, in which each of its steps runs."""

    __slots__ = ("inside",)

    def __init__(self, run: Run) -> None:
        self.inside = run.inside

    def step(self, advance: Callable[..., Any], *values: Any) -> Any:
        """Advance the body by one step."""
        from cycletrace._internal.sdk.runs import go

        outside = go(self.inside)
        try:
            return advance(*values)
        finally:
            if outside is not None:
                self.inside = go(outside) or self.inside

    async def astep(self, advance: Callable[..., Awaitable[Any]], *values: Any) -> Any:
        """Advance the body of an async generator by one step."""
        from cycletrace._internal.sdk.runs import go

        outside = go(self.inside)
        try:
            return await advance(*values)
        finally:
            if outside is not None:
                self.inside = go(outside) or self.inside


def wrap_generator(definition: Stage, function: Callable[..., Any], capture: Reader | None) -> Any:
    """Wrap a generator function so that each of its generators is a run."""

    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        run = definition.begin(capture and capture(args, kwargs))
        del args, kwargs
        if run is None:
            return (yield from generator)
        body = _Body(run)
        try:
            items = [body.step(next, generator)]
            while True:
                try:
                    sent = yield items.pop()
                except GeneratorExit:
                    body.step(generator.close)
                    raise
                except BaseException as error:
                    items.append(body.step(generator.throw, error))
                else:
                    items.append(body.step(next, generator) if sent is None else body.step(generator.send, sent))
                    del sent
        except StopIteration as stop:
            run.end(None)
            return stop.value
        except BaseException as error:
            run.end(error)
            raise

    return wrapper


def wrap_async_generator(definition: Stage, function: Callable[..., Any], capture: Reader | None) -> Any:
    """Wrap an async generator function so that each of its generators is a run."""

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = function(*args, **kwargs)
        run = definition.begin(capture and capture(args, kwargs))
        del args, kwargs
        if run is None:
            async for item in generator:
                yield item
            return
        body = _Body(run)
        try:
            items = [await body.astep(generator.__anext__)]
            while True:
                try:
                    sent = yield items.pop()
                except GeneratorExit:
                    await body.astep(generator.aclose)
                    raise
                except BaseException as error:
                    items.append(await body.astep(generator.athrow, error))
                else:
                    items.append(await body.astep(generator.asend, sent))
                    del sent
        except StopAsyncIteration:
            run.end(None)
        except BaseException as error:
            run.end(error)
            raise

    return wrapper
