"""Cycles, waits and marks, and the cycle that work belongs to."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from tests.journals import Journal, Node, environment, run_script

import cycletrace as ct
from cycletrace import conventions as c
from cycletrace._internal.api.served import _recorded


def attributes(journal: Journal, span: str) -> dict[str, Any]:
    return dict(journal.span(span)["attributes"])


def test_a_version_names_the_key(journal: Journal) -> None:
    with ct.cycle("churn", "7", domain="tabular", trigger="drift", environment="staging") as cycle:
        assert (cycle.key, cycle.trace_id) == ("churn@7", c.cycle_id("", "churn@7"))
        with ct.stage("train") as run:
            assert run.cycle is not None
            assert run.cycle.key == "churn@7"
    recorded = attributes(journal, "train")
    assert recorded[c.CYCLE_ID] == cycle.trace_id
    assert recorded[c.CYCLE_KEY] == "churn@7"
    assert (recorded[c.MODEL_NAME], recorded[c.MODEL_VERSION], recorded[c.MODEL_DOMAIN]) == ("churn", "7", "tabular")
    assert (recorded[c.CYCLE_TRIGGER], recorded[c.ENVIRONMENT]) == ("drift", "staging")
    assert c.CYCLE_IMPLICIT not in recorded
    assert journal.span("train")["service"] == "churn"


def test_without_version_and_key_a_cycle_is_new_each_time(journal: Journal) -> None:
    first, second = ct.cycle("churn"), ct.cycle("churn")
    assert first.key != second.key
    assert first.key.startswith("churn@2")

    @ct.cycle("churn")
    def work() -> str:
        cycle = ct.current_cycle()
        assert cycle is not None
        return cycle.key

    assert work() != work()


def test_a_decorated_function_works_on_its_cycle(journal: Journal) -> None:
    @ct.cycle("churn", "7")
    def plain() -> int:
        with ct.stage("train"):
            return 1

    @ct.cycle("churn", "8")
    async def coroutine() -> int:
        async with ct.stage("train"):
            return 2

    assert (plain(), asyncio.run(coroutine())) == (1, 2)
    assert [span["attributes"][c.CYCLE_KEY] for span in journal.spans()] == ["churn@7", "churn@8"]


def test_arguments_take_precedence_over_the_block_and_the_block_over_the_environment(journal: Journal) -> None:
    from cycletrace._internal.sdk import runtime

    os.environ["CYCLETRACE_CYCLE"] = "env@1"
    runtime.reset()
    with ct.stage("a"):
        pass
    with ct.cycle("block", "1"):
        with ct.stage("b"):
            pass
        with ct.stage("c", cycle="given@1"), ct.stage("d"):
            pass
        with ct.stage("e", cycle=ct.cycle("handle", "1")):
            pass
    with ct.stage("f"):
        pass
    keys = {span["span"]: span["attributes"][c.CYCLE_KEY] for span in journal.spans()}
    assert keys == {"a": "env@1", "b": "block@1", "c": "given@1", "d": "given@1", "e": "handle@1", "f": "env@1"}


def test_without_any_the_run_of_the_program_has_one_implicit_cycle(tmp_path: Path) -> None:
    script = tmp_path / "train_churn.py"
    script.write_text("import cycletrace\nfor _ in range(2):\n    with cycletrace.stage('data'): pass\n")
    for _ in range(2):
        subprocess.run([sys.executable, str(script)], env=environment(tmp_path / "state"), check=True)
    recorded = [span["attributes"] for span in Journal(tmp_path / "state").spans()]
    assert {one[c.MODEL_NAME] for one in recorded} == {"train_churn"}
    assert all(one[c.CYCLE_IMPLICIT] is True for one in recorded)
    first, second, third, fourth = (one[c.CYCLE_ID] for one in recorded)
    assert first == second != third == fourth


def test_the_worktrees_cycle_applies_in_its_directory_and_below(tmp_path: Path) -> None:
    (tmp_path / "repo" / ".cycletrace").mkdir(parents=True)
    (tmp_path / "repo" / "deep").mkdir()
    (tmp_path / "repo" / ".cycletrace" / "cycle").write_text('{"key": "churn@9", "model": "churn"}')
    for folder in (tmp_path / "repo", tmp_path / "repo" / "deep", tmp_path):
        subprocess.run(
            [sys.executable, "-c", "import cycletrace\nwith cycletrace.stage('data'): pass"],
            env=environment(tmp_path / "state", OTEL_SERVICE_NAME="svc"),
            cwd=folder,
            check=True,
        )
    keys = [span["attributes"][c.CYCLE_KEY].partition("@2")[0] for span in Journal(tmp_path / "state").spans()]
    assert keys == ["churn@9", "churn@9", "svc"]


def test_the_namespace_is_in_the_id(journal: Journal) -> None:
    ct.configure(namespace="search")
    with ct.cycle("churn", "7") as cycle, ct.stage("train"):
        pass
    assert cycle.trace_id == c.cycle_id("search", "churn@7")
    assert journal.span("train")["namespace"] == "search"


@pytest.mark.parametrize("key", ["line\nbreak", "x" * 10_000, "🙂", "\ud800", "a\0b"])
def test_any_key_is_a_key(journal: Journal, key: str) -> None:
    with ct.cycle("churn", key=key) as cycle, ct.stage("train"):
        pass
    recorded = attributes(journal, "train")
    assert recorded[c.CYCLE_KEY] == cycle.key
    assert recorded[c.CYCLE_ID] == c.cycle_id("", cycle.key)
    assert len(cycle.key) <= 1024
    assert ct.current_stage() is None


def test_joining_again_inside_a_stage_of_the_cycle_still_nests(journal: Journal) -> None:
    with ct.cycle("churn", "7"), ct.stage("outer"), ct.cycle("churn", "7"), ct.stage("inner"):
        pass
    assert journal.trees() == [Node("outer", "ok", (Node("inner", "ok"),))]


def test_one_handle_entered_by_many_threads_leaves_each_where_it_was(journal: Journal) -> None:
    cycle = ct.cycle("churn", "7")
    barrier = threading.Barrier(8)
    after = []

    def work(number: int) -> None:
        with ct.cycle("own", str(number)):
            with cycle:
                barrier.wait(30)
                with ct.stage("train"):
                    pass
                barrier.wait(30)
            current = ct.current_cycle()
            after.append(current is not None and current.key == f"own@{number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert after == [True] * 8
    assert {span["attributes"][c.CYCLE_KEY] for span in journal.spans()} == {"churn@7"}


def test_a_wait_inside_a_stage_is_its_own_and_else_the_cycles(journal: Journal) -> None:
    with ct.cycle("churn", "7") as cycle:
        with ct.stage("train") as run:
            with ct.waiting("compute", by="person:bob"):
                pass
            with run.waiting("data"):
                pass
            with cycle.waiting("human"):
                pass
        with ct.waiting("schedule"):
            pass
    train = journal.span("train")["span_id"]
    for reason, stage in (("compute", train), ("data", train), ("human", None), ("schedule", None)):
        span = journal.span(c.wait_span(reason))
        assert span["attributes"][c.WAIT_REASON] == reason
        assert span["attributes"].get(c.STAGE_ID) == stage
        assert span["parent_span_id"] == (stage or c.root_span_id(cycle.trace_id))
    assert len(journal.events(c.WAIT_OPENED)) == 4
    opened = {event["attributes"][c.WAIT_ID] for event in journal.events(c.WAIT_OPENED)}
    assert opened == {span["span_id"] for span in journal.spans() if c.WAIT_ID in span["attributes"]}


def test_many_short_waits_become_one_of_the_stage_for_each_reason(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    with ct.stage("train") as run:
        for _ in range(3):
            run.add_wait("data", 0.001)
        run.add_wait("compute", 10**6)
        run.add_wait("batches", 1)
        run.add_wait("data", -1)
        run.add_wait("data", float("nan"))
        journal.clock.advance(0.004)
    train = journal.span("train")
    waits = {span["attributes"][c.WAIT_REASON]: span for span in journal.spans() if c.WAIT_ID in span["attributes"]}
    assert set(waits) == {"data", "compute"}
    for wait in waits.values():
        assert wait["attributes"][c.WAIT_SUMMED] is True
        assert wait["attributes"][c.STAGE_ID] == wait["parent_span_id"] == train["span_id"]
        assert wait["start"] == train["start"]
    assert waits["data"]["end"] - waits["data"]["start"] == 3 * 10**6
    assert waits["compute"]["end"] == train["end"], "it cannot have waited for longer than it ran"
    assert "The reason must be one of" in caplog.text
    assert "The seconds of a wait must be a number from 0" in caplog.text


def test_a_wait_in_a_block_of_another_cycle_is_that_cycles(journal: Journal) -> None:
    with ct.cycle("churn", "7"), ct.stage("train"), ct.cycle("fraud", "1") as fraud, ct.waiting("data"):
        pass
    span = journal.span("wait data")
    assert span["trace_id"] == fraud.trace_id
    assert c.STAGE_ID not in span["attributes"]


def test_waits_decorate_and_nest_and_end_with_an_exception(journal: Journal) -> None:
    @ct.waiting("data")
    def fetch(x: int) -> int:
        return x

    @ct.waiting("compute")
    async def queue(x: int) -> int:
        return x

    assert (fetch(1), asyncio.run(queue(2))) == (1, 2)
    with pytest.raises(ValueError, match="bad"), ct.waiting("human"):
        raise ValueError("bad")

    async def approve() -> None:
        async with ct.waiting("human"):
            await asyncio.sleep(0)

    asyncio.run(approve())
    assert journal.names() == ["wait data", "wait compute", "wait human", "wait human"]


def test_one_wait_entered_by_many_threads_ends_each_stages_own(journal: Journal) -> None:
    wait = ct.waiting("compute")
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        with ct.stage(f"stage {number}"):
            barrier.wait(30)
            with wait:
                barrier.wait(30)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stages = {span["span_id"]: span for span in journal.spans() if c.STAGE_OUTCOME in span["attributes"]}
    waits = journal.spans("wait compute")
    assert {wait["attributes"][c.STAGE_ID] for wait in waits} == set(stages)
    assert all(wait["end"] <= stages[wait["attributes"][c.STAGE_ID]]["end"] for wait in waits)


def test_marks_aliases_and_closes_are_spans_of_a_microsecond(journal: Journal) -> None:
    at = datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    nanoseconds = 1_714_557_600_123_456_000
    with ct.cycle("churn", "7", environment="production") as cycle:
        ct.mark("trained", at)
        cycle.mark("selected", nanoseconds + 1)
        cycle.alias("registry/churn/7")
        cycle.close("superseded", at)
    trained, selected, alias, close = (
        journal.span(name) for name in ("mark trained", "mark selected", "alias", "close")
    )
    assert (trained["start"], trained["end"]) == (nanoseconds, nanoseconds + 1000)
    assert selected["start"] == selected["end"] - 1000 == nanoseconds + 1
    assert trained["attributes"][c.MARK_NAME] == "trained"
    assert trained["attributes"][c.ENVIRONMENT] == "production"
    assert alias["attributes"][c.ALIAS_KEY] == "registry/churn/7"
    assert (close["attributes"][c.CYCLE_OUTCOME], close["start"]) == ("superseded", nanoseconds)
    assert {span["parent_span_id"] for span in (trained, selected, alias, close)} == {c.root_span_id(cycle.trace_id)}


def test_served_marks_the_first_prediction_only(journal: Journal) -> None:
    _recorded.clear()
    for _ in range(3):
        ct.served("churn", "7", mechanism="flag")
        ct.served("churn", "8")
        ct.served(key="registry/churn/7")
    marks = journal.spans("mark in_use")
    assert [mark["attributes"][c.CYCLE_KEY] for mark in marks] == ["churn@7", "churn@8", "registry/churn/7"]
    assert marks[0]["attributes"][c.MECHANISM] == "flag"


def test_served_is_recorded_once_per_distinct_call(journal: Journal) -> None:
    for _ in range(2):
        ct.served("m", "1", environment="staging")
        ct.served("m", "1", environment="production")
        ct.served("m", "1", environment="production", mechanism="flag")
    environments = [mark["attributes"][c.ENVIRONMENT] for mark in journal.spans("mark in_use")]
    assert environments == ["staging", "production", "production"]


def test_served_of_the_current_cycle_is_recorded_once_for_each_environment(journal: Journal) -> None:
    for where in ("staging", "production", "production"):
        with ct.cycle("churn", "7", environment=where):
            ct.served()
    assert [span["attributes"][c.ENVIRONMENT] for span in journal.spans("mark in_use")] == ["staging", "production"]


def test_served_is_recorded_once_for_each_namespace(journal: Journal) -> None:
    for namespace in ("ads", "web"):
        ct.configure(namespace=namespace)
        ct.served("churn", "7")
    assert [span["namespace"] for span in journal.spans("mark in_use")] == ["ads", "web"]


def test_a_stage_after_configure_is_recorded_by_the_new_settings(journal: Journal) -> None:
    cycle = ct.cycle("churn", "7")
    for people in ("names", "none"):
        ct.configure(people=people)
        with cycle, ct.stage("approve", by="person:ann"):
            pass
    assert [c.ACTOR_ID in span["attributes"] for span in journal.spans("approve")] == [True, False]


def test_served_by_model_alone_is_recorded_once_for_each_current_cycle(journal: Journal) -> None:
    for version in ("1", "2", "1"):
        with ct.cycle("churn", version):
            ct.served("churn")
    assert [mark["attributes"][c.CYCLE_KEY] for mark in journal.spans("mark in_use")] == ["churn@1", "churn@2"]


def test_served_without_a_name_is_the_current_cycles(journal: Journal) -> None:
    _recorded.clear()
    for version in ("1", "2"):
        with ct.cycle("churn", version):
            ct.served()
    assert [mark["attributes"][c.CYCLE_KEY] for mark in journal.spans("mark in_use")] == ["churn@1", "churn@2"]


CHILD = "import cycletrace\nwith cycletrace.stage('child'): pass"
PARENT = """
import subprocess, sys
import cycletrace as ct
def child(**how):
    subprocess.run([sys.executable, "-c", sys.argv[1]], check=True, **how)
with ct.cycle("churn", "7"), ct.stage("first"):
    child()
with ct.cycle("churn", "7"):
    child()
with ct.cycle("churn", "7"), ct.stage("a"), ct.cycle("fraud", "1"), ct.stage("b"):
    child(env=ct.environ())
"""


def test_a_child_process_joins_the_cycle_and_the_stage_that_it_was_started_in(tmp_path: Path) -> None:
    done = run_script(PARENT, tmp_path / "state", CHILD)
    assert (done.returncode, done.stderr) == (0, "")
    child = Node("child", "ok")
    journal = Journal(tmp_path / "state")
    assert sorted(journal.trees()) == sorted(
        [Node("first", "ok", (child,)), child, Node("a", "ok"), Node("b", "ok", (child,))]
    )
    assert [span["attributes"][c.CYCLE_KEY] for span in journal.spans("child")] == ["churn@7", "churn@7", "fraud@1"]


def test_the_environment_is_left_as_it_was_found(journal: Journal) -> None:
    os.environ["TRACEPARENT"] = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    before = dict(os.environ)
    with ct.cycle("churn", "7"), ct.stage("train") as run:
        assert os.environ["TRACEPARENT"].split("-")[2] == run.id
        with ct.cycle("churn", "7"):
            pass
        assert "churn@7" in os.environ["CYCLETRACE_CYCLE"]
    assert dict(os.environ) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_cycle_that_was_named_before_a_fork_is_the_same_in_both(tmp_path: Path) -> None:
    script = """
import os, sys
import cycletrace as ct
c = ct.cycle("llm")
pid = os.fork()
with c, ct.stage("train"):
    pass
if pid:
    os.waitpid(pid, 0)
"""
    assert run_script(script, tmp_path / "state").returncode == 0
    spans = Journal(tmp_path / "state").spans("train")
    assert len(spans) == 2
    assert len({span["trace_id"] for span in spans}) == 1
