"""Outcomes of stages, and unchanged propagation of exceptions."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import traceback
from typing import Any

import pytest
from tests.journals import Journal

import cycletrace as ct
from cycletrace import conventions as c

RAISED = [
    (ValueError("bad"), "error", "ValueError"),
    (KeyboardInterrupt(), "interrupted", "KeyboardInterrupt"),
    (SystemExit(), "ok", None),
    (SystemExit(0), "ok", None),
    (SystemExit(3), "error", "SystemExit"),
    (SystemExit("text"), "error", "SystemExit"),
    (asyncio.CancelledError(), "cancelled", None),
    (concurrent.futures.CancelledError(), "cancelled", None),
    (TimeoutError("late"), "timeout", "TimeoutError"),
    (asyncio.TimeoutError(), "timeout", "TimeoutError"),
    (concurrent.futures.TimeoutError(), "timeout", "TimeoutError"),
    (GeneratorExit(), "abandoned", None),
    (BaseException("odd"), "error", "BaseException"),
]


def around_function(raised: BaseException) -> None:
    @ct.stage("work")
    def work() -> None:
        raise raised

    work()


def around_block(raised: BaseException) -> None:
    with ct.stage("work"):
        raise raised


def drive(coroutine: Any) -> None:
    """Run a coroutine that waits for nothing, without a loop that would treat exceptions of its own way."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


def around_coroutine(raised: BaseException) -> None:
    @ct.stage("work")
    async def work() -> None:
        raise raised

    drive(work())


def around_async_block(raised: BaseException) -> None:
    async def work() -> None:
        async with ct.stage("work"):
            raise raised

    drive(work())


@pytest.mark.parametrize("around", [around_function, around_block, around_coroutine, around_async_block])
@pytest.mark.parametrize(("raised", "outcome", "error_type"), RAISED, ids=[repr(raised) for raised, *_ in RAISED])
def test_exceptions_propagate_unchanged_and_decide_the_outcome(
    journal: Journal, around: Any, raised: BaseException, outcome: str, error_type: str | None
) -> None:
    raised.__traceback__ = raised.__context__ = None
    with pytest.raises(type(raised)) as caught:
        around(raised)
    assert caught.value is raised
    assert raised.__context__ is None
    assert raised.__cause__ is None
    assert not getattr(raised, "__notes__", [])
    span = journal.span("work")
    assert span["attributes"][c.STAGE_OUTCOME] == outcome
    assert span["attributes"].get(c.ERROR_TYPE) == error_type
    assert span["error"] == error_type
    events = span.get("events", [])
    assert [event[0] for event in events] == ["exception"] * (error_type is not None), "recorded once"
    assert ct.current_stage() is None


def test_the_traceback_ends_where_it_was_raised(journal: Journal) -> None:
    @ct.stage
    def work() -> None:
        raise ValueError("bad")

    with pytest.raises(ValueError, match="bad") as caught:
        work()
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "work"
    ((_, _, attributes),) = journal.span("work")["events"]
    assert attributes["exception.type"] == "ValueError"
    assert attributes["exception.message"] == "bad"


def test_one_exception_is_recorded_once_on_each_stage_that_it_leaves(journal: Journal) -> None:
    with pytest.raises(ValueError, match="bad"), ct.stage("outer"), ct.stage("inner"):
        raise ValueError("bad")
    assert [len(span["events"]) for span in journal.spans()] == [1, 1]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups are new in Python 3.11")
def test_an_exception_group_has_the_outcome_shared_by_its_members() -> None:
    from cycletrace._internal.sdk.outcomes import outcome_of

    group: Any = __import__("builtins").BaseExceptionGroup
    cancelled, late, broken = asyncio.CancelledError(), TimeoutError(), ValueError()
    assert outcome_of(group("all", [cancelled, cancelled])) == "cancelled"
    assert outcome_of(group("all", [late, group("inner", [late])])) == "timeout"
    assert outcome_of(group("mixed", [late, broken])) == "error"


def test_a_group_is_recorded_and_goes_on(journal: Journal) -> None:
    group = getattr(__import__("builtins"), "ExceptionGroup", None)
    if group is None:
        pytest.skip("exception groups are new in Python 3.11")
    with pytest.raises(group), ct.stage("work"):
        raise group("two", [ValueError(), KeyError()])
    assert journal.outcomes() == [("work", "error")]


@pytest.mark.parametrize("outcome", c.STAGE_OUTCOMES)
def test_an_outcome_set_by_the_code_is_kept(journal: Journal, outcome: str) -> None:
    with ct.stage("work") as run:
        run.outcome = outcome
        assert run.outcome == outcome
    span = journal.span("work")
    assert span["attributes"][c.STAGE_OUTCOME] == outcome
    assert (span["error"] is not None) == (outcome in c.ERROR_OUTCOMES)


def test_a_success_never_overrides_an_exception(journal: Journal) -> None:
    with pytest.raises(ValueError, match="bad"), ct.stage("work") as run:  # noqa: PT012 - the outcome is set before the raise
        run.outcome = "cached"
        raise ValueError("bad")
    assert journal.outcomes() == [("work", "error")]


def test_an_exception_can_be_given_a_failure_outcome(journal: Journal) -> None:
    with pytest.raises(ValueError, match="bad"), ct.stage("work") as run:  # noqa: PT012 - the outcome is set before the raise
        run.outcome = "timeout"
        raise ValueError("bad")
    assert journal.outcomes() == [("work", "timeout")]
    assert journal.span("work")["attributes"][c.ERROR_TYPE] == "ValueError"


def test_an_unknown_outcome_is_logged_once_and_ignored(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        with ct.stage("work") as run:
            run.outcome = "splendid"
    assert journal.outcomes() == [("work", "ok")] * 2
    assert [record.name for record in caplog.records] == ["cycletrace"]
    assert "splendid" in caplog.text


def test_a_cancelled_task_and_a_timeout(journal: Journal) -> None:
    @ct.stage
    async def slow() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(slow(), 0.01)

    asyncio.run(main())
    assert journal.outcomes() == [("slow", "cancelled")]
