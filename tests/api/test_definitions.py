"""Wrong arguments raise helpful errors; misuse at run time is logged and has no other effect."""

from __future__ import annotations

import re
from datetime import datetime, time, timezone
from pathlib import Path
from typing import Any

import pytest
from tests.journals import Journal, run_script

import cycletrace as ct
from cycletrace import conventions as c
from cycletrace._internal.api.served import _recorded
from cycletrace._internal.diagnostics import Misuse


class Class:
    """A class, which a stage cannot decorate."""


WRONG: list[tuple[Any, type[Exception], str]] = [
    (lambda: ct.stage("x", kind="trian"), ValueError, "kind must be one of data, train, .*, got 'trian'"),
    (lambda: ct.stage("x", by="alice"), ValueError, 'by must be "automation", "person"'),
    (lambda: ct.stage("x", by=7), ValueError, 'by must be "automation", "person"'),  # type: ignore[call-overload]
    (lambda: ct.stage("x", mechanism="magic"), ValueError, "mechanism must be one of redeploy"),
    (lambda: ct.stage(""), ValueError, "name must not be empty"),
    (lambda: ct.stage("x", capture="lr"), TypeError, r'capture=\("lr",\)'),
    (lambda: ct.stage("x", capture=7), TypeError, "tuple of argument names"),  # type: ignore[call-overload]
    (lambda: ct.stage("x", attempt=0), ValueError, "from 1, got 0"),
    (lambda: ct.stage("x", attempt="1"), ValueError, "from 1, got '1'"),  # type: ignore[call-overload]
    (lambda: ct.stage("x", attributes={"a": object()}), TypeError, "attributes"),
    (lambda: ct.stage("x", attributes={1: "a"}), TypeError, "attributes"),  # type: ignore[dict-item]
    (lambda: ct.stage("x", attributes=["a"]), TypeError, "must map names to values"),  # type: ignore[call-overload]
    (lambda: ct.stage("x", cycle=7), TypeError, "cycle must be a Cycle or a key, got 7"),  # type: ignore[call-overload]
    (lambda: ct.waiting("sleep"), ValueError, "reason must be one of human, .*, got 'sleep'"),
    (lambda: ct.waiting("human", by="bob"), ValueError, "person:NAME"),
    (lambda: ct.cycle(""), ValueError, "needs a model"),
    (lambda: ct.cycle("m", key=""), ValueError, "needs a model"),
    (lambda: ct.cycle("m", trigger="whim"), ValueError, "got 'whim'"),
]
"""Definitions that are wrong, and what a decorator raises."""


@pytest.mark.parametrize(("wrong", "raises", "sentence"), WRONG)
def test_a_wrong_definition_raises_where_it_decorates(
    journal: Journal, wrong: Any, raises: type[Exception], sentence: str
) -> None:
    with pytest.raises(raises, match=sentence):
        wrong()(lambda: None)
    assert journal.documents() == []


@pytest.mark.parametrize(("wrong", "raises", "sentence"), WRONG)
def test_a_wrong_definition_of_a_block_is_logged_once_and_the_block_runs(
    journal: Journal, wrong: Any, raises: type[Exception], sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Hours of training are not lost for a typing error."""
    ran = 0
    for _ in range(2):
        with wrong(), ct.stage("inside"):
            ran += 1
    assert ran == 2
    (record,) = (record for record in caplog.records if record.name == "cycletrace")
    assert re.search(sentence, record.getMessage())
    assert len(journal.spans("inside")) == 2


@pytest.mark.parametrize(("wrong", "raises", "sentence"), WRONG)
def test_in_strict_mode_a_wrong_definition_of_a_block_raises(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, wrong: Any, raises: type[Exception], sentence: str
) -> None:
    monkeypatch.setenv("CYCLETRACE_STRICT", "1")
    with pytest.raises(Misuse, match=sentence), wrong():
        pass


def test_what_is_wrong_is_left_out_and_the_rest_is_recorded(journal: Journal) -> None:
    with ct.cycle("churn", "7", trigger="whim"):
        with ct.stage("fit", kind="trian", attempt=0, mechanism="magic", attributes={"rows": 1, "bad": object()}):
            pass
        with ct.stage(""), ct.stage(7):  # type: ignore[call-overload]
            pass
        with ct.waiting("sleep"), ct.waiting("human", by="bob"):
            pass
    with ct.cycle(""), ct.stage("nameless"):
        pass
    fit = journal.span("fit")["attributes"]
    assert (fit[c.STAGE_KIND], fit["rows"], fit[c.CYCLE_KEY]) == ("other", 1, "churn@7")
    assert not {c.STAGE_ATTEMPT, c.MECHANISM, c.CYCLE_TRIGGER, "bad"} & set(fit)
    assert journal.names() == ["fit", "7", "stage", "wait human", "nameless"]
    assert c.ACTOR_TYPE not in journal.span("wait human")["attributes"]
    assert journal.span("nameless")["attributes"][c.MODEL_NAME] == "other"


@pytest.mark.parametrize(
    ("wrong", "raises", "sentence"),
    [
        (lambda: ct.stage(Class), TypeError, "got the class Class: decorate its methods"),
        (lambda: ct.stage("x")(Class), TypeError, "got the class Class"),
        (lambda: ct.stage(7)(len), TypeError, "name must be a string, got 7"),  # type: ignore[call-overload]
        (lambda: ct.stage("x")("y"), TypeError, "got 'y'"),  # type: ignore[type-var]
        (lambda: ct.stage(capture=("nope",))(len), TypeError, "nope"),
        (lambda: ct.waiting("human")(Class), TypeError, "decorates functions"),
        (lambda: ct.cycle("m", "1")(Class), TypeError, "decorates functions"),
        (lambda: ct.configure(launch="rocket"), ValueError, "launch must be one of terminal, .*, got 'rocket'"),
        (lambda: ct.configure(people="all"), ValueError, "people must be one of pseudonyms, .*, got 'all'"),
        (
            lambda: ct.configure(endpoint="localhost:4318"),
            ValueError,
            "endpoint must be a URL such as http://HOST:4318, got 'localhost:4318'",
        ),
        (
            lambda: ct.configure(endpoint=4318),  # type: ignore[arg-type]
            ValueError,
            "endpoint must be a URL such as http://HOST:4318, got '4318'",
        ),
    ],
)
def test_wrong_arguments_raise_a_helpful_error(
    journal: Journal, wrong: Any, raises: type[Exception], sentence: str
) -> None:
    with pytest.raises(raises, match=sentence):
        wrong()
    assert journal.documents() == []


def test_a_generator_cannot_be_a_wait_or_a_cycle() -> None:
    def items() -> Any:
        yield 1

    for decorate in (ct.waiting("data"), ct.cycle("m", "1")):
        with pytest.raises(TypeError, match=r"use `with"):
            decorate(items)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: ct.mark("nearly"), "nearly"),
        (lambda: ct.mark("trained", datetime(2024, 1, 1)), "must have a time zone"),
        (lambda: ct.mark("trained", "yesterday"), "must be an aware datetime"),  # type: ignore[arg-type]
        (lambda: ct.mark("trained", True), "must be an aware datetime"),
        (lambda: ct.mark("trained", time(9, tzinfo=timezone.utc)), "must be an aware datetime"),  # type: ignore[arg-type]
        (lambda: ct.cycle("m", "1").mark("trained", datetime(2024, 1, 1)), "must have a time zone"),
        (lambda: ct.cycle("m", "1").close("failed", datetime(2024, 1, 1)), "must have a time zone"),
        (lambda: ct.attach("token").__enter__(), "must come from snapshot"),  # type: ignore[arg-type]
        (lambda: ct.cycle("m", "1").close("great"), "great"),
        (lambda: ct.cycle("m", "1").alias(""), "alias"),
        (lambda: ct.served("m", "1", mechanism="magic"), "magic"),
        (lambda: ct.served("m"), "needs a version or a key"),
        (lambda: ct.served(["m"], "1"), "served"),  # type: ignore[arg-type]
    ],
)
def test_invalid_values_at_run_time_are_logged_once(
    journal: Journal, wrong: Any, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    _recorded.clear()
    for _ in range(2):
        wrong()
    ours = [record for record in caplog.records if record.name == "cycletrace"]
    assert len(ours) == 1
    assert message in ours[0].getMessage()
    assert "magic" in message or not journal.spans()


def test_strict_mode_raises_at_run_time(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CYCLETRACE_STRICT", "1")
    with pytest.raises(Misuse, match="nearly"):
        ct.mark("nearly")
    with pytest.raises(Misuse, match="splendid"), ct.stage("work") as run:
        run.outcome = "splendid"
    with pytest.raises(Misuse, match="object"), ct.stage("work") as run:
        run.set(thing=object())  # type: ignore[arg-type]
    assert ct.current_stage() is None


def test_a_version_that_is_a_number_is_taken_as_text(journal: Journal) -> None:
    with ct.cycle("churn", 7) as cycle:  # type: ignore[arg-type]
        assert cycle.key == "churn@7"
        with ct.stage("train"):
            pass
    assert journal.span("train")["attributes"][c.MODEL_VERSION] == "7"


DISABLED = """
import asyncio, sys
import cycletrace as ct

@ct.stage(capture=("x",))
def work(x): return x

@ct.stage
def items():
    yield 1
    return 2

@ct.stage
async def aitems():
    yield 1

@ct.stage
async def coroutine(): return 3

async def main():
    async with ct.stage("s"), ct.cycle("m"):
        return [item async for item in aitems()], await coroutine()

with ct.cycle("churn", "7") as cycle, ct.stage("outer") as run, run.waiting("data"), ct.waiting("human"):
    run.set(a=1); run.outcome = "ok"
    assert (run.id, run.cycle, run.outcome) == ("", None, None)
    cycle.mark("trained"); cycle.alias("a"); cycle.close("failed"); ct.mark("started"); ct.served("m", "1")
    assert ct.current_stage() is None
    with ct.attach(ct.snapshot()):
        print(work(1), list(items()), asyncio.run(main()), ct.flush(), cycle.key, cycle.trace_id)
ct.environ()
assert not [name for name in sys.modules if name.startswith("opentelemetry")], "nothing is loaded"
"""


def test_disabled_everything_does_nothing(tmp_path: Path) -> None:
    done = run_script(DISABLED, tmp_path / "state", CYCLETRACE_DISABLED="1")
    expected = f"1 [1] ([1], 3) True churn@7 {c.cycle_id('', 'churn@7')}\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")
    assert not (tmp_path / "state").exists()


SWITCHED = """
import cycletrace as ct
def record(name):
    with ct.stage(name):
        pass
record("one")
ct.configure(enabled=True)
record("two")
ct.configure(enabled=False)
record("three")
ct.configure(enabled=True)
record("four")
"""


def test_recording_can_be_switched_on_and_off(tmp_path: Path) -> None:
    done = run_script(SWITCHED, tmp_path / "state", CYCLETRACE_DISABLED="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert Journal(tmp_path / "state").names() == ["two", "four"]


SETTINGS = """
import logging; logging.basicConfig(format="%(name)s: %(message)s")
import cycletrace
with cycletrace.stage("data"): pass
with cycletrace.stage("data"): pass
print("ran")
"""


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("CYCLETRACE_LAUNCH", "rocket", "terminal, notebook"),
        ("CYCLETRACE_PEOPLE", "all", "pseudonyms, names, none"),
        ("CYCLETRACE_ENDPOINT", "localhost:4318", "a URL such as http://HOST:4318"),
        ("CYCLETRACE_JOURNAL_LIMIT", "many", "a number of bytes"),
        ("CYCLETRACE_DISABLED", "perhaps", "1, true"),
        ("CYCLETRACE_CYCLE", '{"model": 7}', "must have a key"),
        ("CYCLETRACE_CYCLE", "[{", None),
        ("CYCLETRACE_CYCLE", "{not json", "must be a key or a JSON object"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "lots", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
    ],
)
def test_an_invalid_setting_is_logged_once_and_the_default_is_used(
    tmp_path: Path, variable: str, value: str, allowed: str | None
) -> None:
    done = run_script(SETTINGS, tmp_path / "state", **{variable: value})
    assert (done.returncode, done.stdout) == (0, "ran\n")
    ours = [line for line in done.stderr.splitlines() if line.startswith("cycletrace")]
    assert len(ours) == (allowed is not None)
    if allowed is not None:
        assert variable in ours[0]
        assert allowed in ours[0]
    assert len(Journal(tmp_path / "state").spans("data")) == 2
