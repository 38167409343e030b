"""The documents in a journal: a stage formats by hand what the builders make, and only known ones are parsed."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanContext

import cycletrace as ct
from cycletrace import conventions as c
from cycletrace._internal.journal.documents import Document, make_event, make_span, parse
from cycletrace._internal.journal.files import list_journals
from cycletrace._internal.journal.format import frame, frame_text
from cycletrace._internal.journal.orphans import unended
from cycletrace.testing import Journal

NAMES = ["train", 'quoted "name" \\ and \n newline', "Grüße 東京 🎉", "lone \udc80 surrogate"]
SPAN: dict[str, Any] = make_span(  # type: ignore[assignment]  # broken below, field by field
    "train", trace_id="0" * 31 + "1", span_id="0" * 15 + "2", start=1, end=2, service="churn", attributes={}
)
EVENT: dict[str, Any] = make_event(  # type: ignore[assignment]
    c.STAGE_STARTED, trace_id="0" * 31 + "1", span_id="0" * 15 + "2", time=1, service="churn", attributes={}
)


def written(journal: Journal) -> list[tuple[bytes, Document]]:
    """Return the lines of spans and events, and what they hold."""
    lines = [line for path in list_journals(journal.directory) for line in path.read_bytes().splitlines(keepends=True)]
    return [(line, parse(line)) for line in lines if "attributes" in parse(line)]


def rebuilt(document: Document) -> Document:
    """Return the document as the builder makes it of the same values."""
    assert "attributes" in document
    common: dict[str, Any] = {name: document[name] for name in ("trace_id", "span_id", "service", "namespace")}
    if "event" in document:
        return make_event(document["event"], time=document["time"], attributes=document["attributes"], **common)
    span = make_span(
        document["span"],
        parent=document["parent_span_id"],
        start=document["start"],
        end=document["end"],
        attributes=document["attributes"],
        error=document["error"],
        **common,
    )
    if "events" in document:
        span["events"] = document["events"]
    if "links" in document:
        span["links"] = document["links"]
    return span


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("error", [None, ValueError("as asked"), KeyboardInterrupt()])
@pytest.mark.parametrize("is_rich", [False, True])
def test_a_stage_writes_by_hand_what_the_builders_make(
    cycletrace_journal: Journal, name: str, error: BaseException | None, *, is_rich: bool
) -> None:
    """The keys of the hand-made lines come in another order, which JSON gives no meaning."""
    around = ct.cycle(name, '7"', domain=name, trigger="fix", environment=name) if is_rich else None
    stage = (
        ct.stage(name, kind="train", by="person:ann", attempt=2, attributes={"text": name, "x": float("inf")})
        if is_rich
        else ct.stage(name)
    )
    with suppress(ValueError, KeyboardInterrupt), around or stage, ct.stage("around"), stage as run:
        if is_rich:
            run.set(rows=10, share=0.5, is_new=True, label=name)
            span = trace.get_current_span()
            span.add_event(name, {"rows": (1, 2)})
            span.add_link(SpanContext(1, 2, is_remote=False), {"label": name})
        if error is not None:
            raise error

    lines = written(cycletrace_journal)
    assert len(lines) == (4 if is_rich else 6)
    for line, document in lines:
        assert line == frame(document), "compact ASCII JSON, every key once"
        assert document == rebuilt(document)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("error", [None, TimeoutError()])
def test_the_fields_of_a_stage_are_those_that_its_definition_and_its_cycle_give(
    cycletrace_journal: Journal, name: str, error: BaseException | None
) -> None:
    ct.configure(launch="scheduler")
    with suppress(TimeoutError), ct.cycle(name, "7", trigger="fix") as cycle, ct.stage(name, attempt=2) as run:
        cycletrace_journal.clock.advance(5)
        if error is not None:
            raise error
    end = cycletrace_journal.clock.time
    sound = name.replace("\udc80", "?")
    attributes = {
        c.STAGE_ID: run.id,
        c.PROCESS_ID: os.getpid(),
        c.STAGE_NAME: sound,
        c.STAGE_KIND: "train" if name == "train" else "other",
        c.STAGE_ATTEMPT: 2,
        c.STAGE_LAUNCH: "scheduler",
        c.ACTOR_TYPE: "automation",
        c.CYCLE_ID: cycle.trace_id,
        c.CYCLE_KEY: f"{sound}@7",
        c.CYCLE_NAMESPACE: "",
        c.CYCLE_TRIGGER: "fix",
        c.MODEL_NAME: sound,
        c.MODEL_VERSION: "7",
    }
    failure = {c.STAGE_OUTCOME: c.TIMEOUT, c.ERROR_TYPE: "TimeoutError"}
    of: dict[str, Any] = {"trace_id": cycle.trace_id, "span_id": run.id, "service": sound, "namespace": ""}
    event, span = (document for _, document in written(cycletrace_journal))
    assert event == make_event(
        c.STAGE_STARTED, time=end - 5_000_000_000, attributes={**attributes, c.STAGE_LEASE: 180}, **of
    )
    if "span" in span:
        span.pop("events", None)  # the exception, as OpenTelemetry records it
    assert span == make_span(
        sound,
        parent=c.root_span_id(cycle.trace_id),
        start=end - 5_000_000_000,
        end=end,
        attributes={**attributes, **({c.STAGE_OUTCOME: c.OK} if error is None else failure)},
        error=None if error is None else "TimeoutError",
        **of,
    )


@pytest.mark.parametrize("namespace", ["", "ads"])
def test_every_record_of_a_cycle_names_its_namespace_after_all_other_attributes(
    cycletrace_journal: Journal, namespace: str
) -> None:
    """A platform may rewrite ``service.namespace``, and a backend may keep only the last of many attributes."""
    ct.configure(namespace=namespace)
    with ct.cycle("churn", "7") as cycle, ct.stage("train") as run, ct.waiting("data"):
        run.set(**{f"a{number}": number for number in range(200)})
    cycle.mark("deployed")
    cycle.alias("churn@latest")
    cycle.close("failed")
    documents = [document for _, document in written(cycletrace_journal)]
    assert len(documents) == 7
    for document in documents:
        assert "attributes" in document
        assert document["attributes"][c.CYCLE_NAMESPACE] == namespace
        names = list(document["attributes"])
        assert names.index(c.CYCLE_NAMESPACE) > max((names.index(name) for name in names if name[0] == "a"), default=-1)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"gauge": "of a later version"},
        {"closed": "yesterday"},
        {"journal": 1, "opened": 1, "process": {}, "resource": None},
        *({name: value for name, value in SPAN.items() if name != missing} for missing in list(SPAN)[1:]),
        *({name: value for name, value in EVENT.items() if name != missing} for missing in list(EVENT)[1:]),
        {**SPAN, "attributes": []},
        {**SPAN, "start": "1"},
        {**SPAN, "error": True},
    ],
)
def test_a_document_that_is_not_known_is_not_parsed(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"kind of document|is missing or of another type"):
        parse(frame(document))


def test_a_line_nested_too_deeply_is_damage() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse(frame_text('{"span":' + "[" * 200_000 + "]" * 200_000 + "}"))


def test_a_start_without_a_name_is_ended_too() -> None:
    """As another version might write it."""
    start = make_event(
        c.STAGE_STARTED, trace_id="1" * 32, span_id="2" * 16, time=1, service="", attributes={c.STAGE_ID: "2" * 16}
    )
    (lost,) = unended([start])
    assert lost["span"] == "stage"
    assert lost["attributes"][c.STAGE_OUTCOME] == c.LOST
