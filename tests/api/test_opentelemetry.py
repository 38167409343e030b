"""To everything around it a stage is an OpenTelemetry span; whatever OpenTelemetry the program has is left alone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags
from tests.journals import Journal, Node, run_script

import cycletrace as ct
from cycletrace import conventions as c

FOREIGN = SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1))


class Kept(SpanProcessor):
    """A user's processor that stores its spans."""

    def __init__(self) -> None:
        self.ended: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append(span)


@pytest.fixture
def theirs() -> Iterator[tuple[trace.Tracer, InMemorySpanExporter]]:
    """Return a tracer of the user's own provider, and the exporter."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider.get_tracer("theirs"), exporter
    provider.shutdown()


def test_inside_a_stage_the_current_span_is_the_stages(journal: Journal) -> None:
    with ct.stage("train") as run:
        span = trace.get_current_span()
        assert span.is_recording()
        assert f"{span.get_span_context().span_id:016x}" == run.id
        assert span.get_span_context().trace_flags.sampled
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert not span.is_recording()


def test_inject_carries_the_stage(journal: Journal) -> None:
    with ct.cycle("churn", "7") as cycle, ct.stage("train") as run:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
    assert carrier["traceparent"] == f"00-{cycle.trace_id}-{run.id}-01"


def test_set_attribute_and_set_attributes_arrive(journal: Journal) -> None:
    with ct.stage("train"):
        span = trace.get_current_span()
        span.set_attribute("lr", 0.1)
        span.set_attributes({"epochs": 3, "names": ["a", "b"], "shuffle": True})
        span.set_attribute("epochs", 4)
    attributes = journal.span("train")["attributes"]
    assert {name: attributes[name] for name in ("lr", "epochs", "names", "shuffle")} == {
        "lr": 0.1,
        "epochs": 4,
        "names": ["a", "b"],
        "shuffle": True,
    }


def test_add_event_and_add_link_arrive(journal: Journal) -> None:
    with ct.stage("train"):
        span = trace.get_current_span()
        span.add_event("epoch", {"loss": 0.5}, timestamp=123)
        span.add_link(FOREIGN, {"why": "data"})
    document = journal.span("train")
    assert document["events"] == [["epoch", 123, {"loss": 0.5}]]
    assert document["links"] == [[f"{0xABC:032x}", f"{0xDEF:016x}", {"why": "data"}]]


def test_update_name_renames_the_span_and_not_the_stage(journal: Journal) -> None:
    with ct.stage("train"):
        trace.get_current_span().update_name("train on Monday")
    document = journal.span("train on Monday")
    assert document["attributes"][c.STAGE_NAME] == "train"


def test_record_exception_arrives_and_makes_no_error(journal: Journal) -> None:
    with ct.stage("train"):
        trace.get_current_span().record_exception(ValueError("bad"))
    assert journal.outcomes() == [("train", "ok")]
    assert journal.span("train")["events"][0][2]["exception.message"] == "bad"


def test_an_error_status_means_the_outcome_error_unless_one_was_set(journal: Journal) -> None:
    for given in (None, "cached"):
        with ct.stage("train") as run:
            if given:
                run.outcome = given
            trace.get_current_span().set_status(Status(StatusCode.ERROR, "loss is NaN"))
    assert [span["attributes"][c.STAGE_OUTCOME] for span in journal.spans()] == ["error", "cached"]
    assert [span["error"] is None for span in journal.spans()] == [False, True]


def test_a_span_ended_by_other_code_loses_nothing(
    journal: Journal, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="bad"), ct.stage("train") as run:  # noqa: PT012 - the outcome is set before the raise
        run.set(lr=0.1)
        trace.get_current_span().end()
        run.set(epochs=3)
        raise ValueError("bad")
    document = journal.span("train")
    assert document["attributes"]["lr"] == 0.1
    assert document["attributes"][c.STAGE_OUTCOME] == "error"
    assert caplog.records == []
    assert capfd.readouterr().err == ""


def test_users_cannot_overwrite_our_attributes(journal: Journal) -> None:
    with ct.stage("train"):
        trace.get_current_span().set_attribute(c.STAGE_OUTCOME, "splendid")
    assert journal.outcomes() == [("train", "ok")]


def test_many_user_attributes_do_not_displace_ours(journal: Journal) -> None:
    with ct.cycle("churn", "7"), ct.stage("train"):
        trace.get_current_span().set_attributes({f"name{number}": number for number in range(500)})
    attributes = journal.span("train")["attributes"]
    assert attributes[c.STAGE_NAME] == "train"
    assert attributes[c.CYCLE_KEY] == "churn@7"
    assert attributes["name499"] == 499


def test_a_foreign_span_stays_current_and_is_linked(
    journal: Journal, theirs: tuple[trace.Tracer, InMemorySpanExporter]
) -> None:
    tracer, exporter = theirs
    with tracer.start_as_current_span("request") as request:
        with ct.stage("outer"):
            assert trace.get_current_span() is request
            with ct.stage("inner"):
                assert trace.get_current_span() is request
        assert trace.get_current_span() is request
    context = request.get_span_context()
    linked = [[f"{context.trace_id:032x}", f"{context.span_id:016x}", {}]]
    assert [span["links"] for span in journal.spans()] == [linked, linked]
    assert journal.trees() == [Node("outer", "ok", (Node("inner", "ok"),))]
    assert [span.name for span in exporter.get_finished_spans()] == ["request"]


def test_the_users_spans_are_inside_the_stage_and_stages_inside_them_nest(
    journal: Journal, theirs: tuple[trace.Tracer, InMemorySpanExporter]
) -> None:
    tracer, exporter = theirs
    with ct.stage("outer") as outer, tracer.start_as_current_span("theirs") as span, ct.stage("inner"):
        assert trace.get_current_span() is not span
    (finished,) = exporter.get_finished_spans()
    assert finished.parent is not None
    assert f"{finished.parent.span_id:016x}" == outer.id
    assert journal.trees() == [Node("outer", "ok", (Node("inner", "ok"),))]
    assert all("links" not in document for document in journal.spans())


def test_a_stage_of_another_cycle_links_to_the_stage_around_it_and_is_not_inside_it(journal: Journal) -> None:
    with ct.cycle("churn", "7"), ct.stage("outer") as outer, ct.stage("other", cycle="fraud@1") as other:
        assert f"{trace.get_current_span().get_span_context().span_id:016x}" == other.id
        with ct.stage("back", cycle="churn@7"):
            pass
    back, inner, around = journal.spans()
    assert inner["links"] == [[around["trace_id"], outer.id, {}]]
    assert c.STAGE_PARENT not in inner["attributes"]
    assert back["attributes"][c.STAGE_PARENT] == outer.id


def stepped() -> Iterator[None]:
    with ct.stage("inner"):
        yield


async def stepped_async() -> AsyncIterator[None]:
    with ct.stage("inner"):
        yield


def test_a_stage_that_another_task_left_is_current_nowhere(journal: Journal) -> None:
    """Whoever still has its context is in the stage around it, or in none."""

    async def close(generator: Any) -> None:
        generator.close()

    async def closed_elsewhere(expected: trace.Span) -> None:
        for make in (stepped, stepped_async):
            generator: Any = make()
            if make is stepped:
                next(generator)
            else:
                await generator.__anext__()
            assert trace.get_current_span() is not expected
            await asyncio.create_task(close(generator) if make is stepped else generator.aclose())
            assert trace.get_current_span() is expected

    async def both() -> None:
        baggage = otel_context.attach(otel_context.set_value("mine", 1))
        await closed_elsewhere(trace.INVALID_SPAN)
        with ct.stage("outer"):
            await closed_elsewhere(trace.get_current_span())
            assert otel_context.get_value("mine") == 1
        assert trace.get_current_span() is trace.INVALID_SPAN
        otel_context.detach(baggage)

    asyncio.run(both())
    inner = Node("inner", "abandoned")
    assert journal.trees() == [inner, inner, Node("outer", "ok", (inner, inner))]


def test_without_propagation_the_context_is_left_alone(journal: Journal) -> None:
    ct.configure(propagate=False)
    with ct.stage("outer"), ct.stage("inner"):
        assert trace.get_current_span() is trace.INVALID_SPAN
    assert journal.trees() == [Node("outer", "ok", (Node("inner", "ok"),))]


def test_baggage_and_whatever_else_is_in_the_context_stays(journal: Journal) -> None:
    token = otel_context.attach(otel_context.set_value("mine", 1))
    try:
        with ct.stage("train"):
            assert otel_context.get_value("mine") == 1
        assert otel_context.get_value("mine") == 1
    finally:
        otel_context.detach(token)


def test_span_processors_get_each_finished_span_once(journal: Journal) -> None:
    kept, exporter = Kept(), InMemorySpanExporter()
    ct.configure(span_processors=[kept, exporter])
    with ct.cycle("churn", "7") as cycle, ct.stage("train") as run:
        run.set(lr=0.1)
        with ct.waiting("compute"):
            pass
        cycle.mark("trained")
    assert [span.name for span in kept.ended] == ["wait compute", "mark trained", "train"]
    assert [span.name for span in exporter.get_finished_spans()] == ["wait compute", "mark trained", "train"]
    train = kept.ended[-1]
    assert train.attributes == journal.span("train")["attributes"]
    assert (train.start_time, train.end_time) == (journal.span("train")["start"], journal.span("train")["end"])
    assert train.resource.attributes["service.name"] == "churn"


def test_a_failing_span_processor_is_logged_and_affects_nothing_else(
    journal: Journal, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    class Broken(Kept):
        def on_end(self, span: ReadableSpan) -> None:
            raise Hostile

    class Hostile(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise ValueError("even in words")

        __repr__ = __str__

    kept = Kept()
    ct.configure(span_processors=[Broken(), kept])
    with ct.stage("train"):
        pass
    assert [span.name for span in kept.ended] == ["train"]
    assert journal.outcomes() == [("train", "ok")]
    assert "Hostile" in caplog.text
    assert capfd.readouterr().err == ""


def test_a_failing_exporter_affects_nothing_else(journal: Journal) -> None:
    class Broken(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            raise ValueError("broken")

    ct.configure(span_processors=[Broken()])
    with ct.stage("train"):
        pass
    assert journal.outcomes() == [("train", "ok")]


def test_an_invalid_span_processor_is_rejected_immediately(journal: Journal) -> None:
    with pytest.raises(TypeError, match="span processors or exporters"):
        ct.configure(span_processors=["jaeger"])  # type: ignore[list-item]


PROVIDERS = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
import cycletrace

def provide():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider, exporter

when = sys.argv[1]
if when == "before":
    provider, exporter = provide()
with cycletrace.stage("first"):
    pass
if when == "after":
    provider, exporter = provide()
with cycletrace.stage("second"), trace.get_tracer("theirs").start_as_current_span("span"):
    pass
assert trace.get_tracer_provider() is provider
print([span.name for span in exporter.get_finished_spans()])
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("sampler", ["always_on", "traceidratio"])
def test_the_users_global_provider_is_left_alone(tmp_path: Path, when: str, sampler: str) -> None:
    done = run_script(
        PROVIDERS, tmp_path / "state", when, OTEL_TRACES_SAMPLER=sampler, OTEL_TRACES_SAMPLER_ARG="0.000001"
    )
    expected = "['span']" if sampler == "always_on" else "[]"
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, expected, "")
    assert Journal(tmp_path / "state").outcomes() == [("first", "ok"), ("second", "ok")]


RANDOM = """
import os, random, sys
import numpy
random.seed(42); numpy.random.seed(42)
if sys.argv[1] == "with":
    import cycletrace
    for _ in range(3):
        with cycletrace.stage("data") as run:
            print(run.id, file=sys.stderr)
    with cycletrace.cycle("churn"):
        cycletrace.mark("started")
    assert cycletrace.flush()
print([random.random() for _ in range(5)], numpy.random.rand(5).tolist(), random.getstate()[1][-1])
"""


def test_random_streams_are_the_same_with_and_without_us_and_ids_differ_under_equal_seeds(tmp_path: Path) -> None:
    without, *runs = (run_script(RANDOM, tmp_path / "state", how) for how in ("without", "with", "with"))
    assert without.returncode == 0, without.stderr
    assert [run.stdout for run in runs] == [without.stdout] * 2
    ids = "".join(run.stderr for run in runs).split()
    assert len(set(ids)) == len(ids) == 6


def test_opentelemetry_disabled_still_journals(journal: Journal) -> None:
    from cycletrace._internal.sdk import runtime, spans
    from cycletrace._internal.sdk.ids import Source, _random_id

    os.environ["OTEL_SDK_DISABLED"] = "true"
    runtime.reset(Source(new_id=_random_id))  # a tracer of its own
    spans._tracer.cache_clear()
    try:
        with pytest.raises(ValueError, match="bad"), ct.stage("outer", attributes={"a": 1}) as run:  # noqa: PT012 - likewise
            run.set(lr=0.1)
            with ct.stage("inner"):
                pass
            raise ValueError("bad")
    finally:
        del os.environ["OTEL_SDK_DISABLED"]
        spans._tracer.cache_clear()
    assert journal.trees() == [Node("outer", "error", (Node("inner", "ok"),))]
