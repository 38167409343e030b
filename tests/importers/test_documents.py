"""Documents of a journal, made from records: readers make the same records of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cycletrace import conventions as c
from cycletrace._internal.delivery.encode import Item, encode, signal_of
from cycletrace._internal.flow import Alias, Close, End, Heartbeat, Mark, Record, RecordOrigin, Retraction, Stage, Wait
from cycletrace._internal.importers.documents import document_of
from cycletrace._internal.importers.ids import Job, origin_of, queue_wait
from cycletrace._internal.journal.documents import parse
from cycletrace._internal.journal.format import frame
from cycletrace._internal.store import decode_document

texts = st.text(min_size=1, max_size=20)
maybe = st.none() | texts
instants = st.integers(c.FIRST_INSTANT, c.LAST_INSTANT - c.SHORT_NS)
numbers = st.none() | st.integers(0, 2**63 - 1)
span_ids = st.integers(1, 2**64 - 1).map(lambda number: f"{number:016x}")
ids = span_ids | texts


def origin(number: int, key: str | None, namespace: str | None, *rest: Any) -> RecordOrigin:
    """The cycle of a key, as readers check it, or of any id if there is none."""
    return RecordOrigin(f"{number:032x}" if key is None else c.cycle_id(namespace or "", key), key, namespace, *rest)


origins = st.builds(origin, st.integers(1, 2**128 - 1), maybe, maybe, maybe, maybe, maybe, maybe, st.booleans())


@st.composite
def stages(draw: st.DrawFn) -> Stage:
    form = draw(st.sampled_from(["start", "begin", "run"]))
    return Stage(
        draw(origins),
        draw(ids),
        draw(texts),
        draw(st.sampled_from(c.KINDS)),
        draw(instants),
        draw(instants) if form == "run" else None,
        draw(st.sampled_from(c.STAGE_OUTCOMES)) if form == "run" else None,
        draw(numbers),
        draw(st.sampled_from(c.ACTORS)),
        draw(maybe),
        draw(st.sampled_from(c.LAUNCHES)),
        draw(maybe),
        draw(st.none() | ids),
        draw(maybe),
        draw(numbers) if form != "begin" else None,
        is_begin=form == "begin",
    )


@st.composite
def waits(draw: st.DrawFn) -> Wait:
    form = draw(st.sampled_from(["opened", "begin", "closed"]))
    return Wait(
        draw(origins),
        draw(span_ids if form == "begin" else ids),
        draw(st.sampled_from(c.REASONS)),
        draw(instants),
        draw(instants) if form == "closed" else None,
        draw(st.none() | ids),
        is_begin=form == "begin",
        is_summed=form == "closed" and draw(st.booleans()),
    )


def alias(origin: RecordOrigin, key: str, at: int, own_id: str) -> Alias:
    return Alias(origin, key, c.cycle_id(origin.namespace or "", key), at, own_id)


records: st.SearchStrategy[Record] = st.one_of(
    stages(),
    waits(),
    st.builds(Heartbeat, origins, ids, instants, numbers),
    st.builds(Mark, origins, st.sampled_from(c.MARKS), instants, maybe, maybe, span_ids),
    st.builds(alias, origins, texts, instants, span_ids),
    st.builds(Close, origins, st.sampled_from(c.DECLARED_OUTCOMES), instants, span_ids),
    st.builds(
        End,
        origins,
        span_ids,
        instants,
        texts,
        is_wait=st.just(False),
        outcome=st.sampled_from(c.STAGE_OUTCOMES),
        attempt=numbers,
        environment=maybe,
        mechanism=maybe,
    ),
    st.tuples(origins, span_ids, instants, st.sampled_from(c.REASONS)).map(lambda of: End(*of, is_wait=True)),
    st.builds(Retraction, origins, ids, instants),
)


@given(records)
def test_readers_make_the_same_record_of_a_document(record: Record) -> None:
    document: Any = parse(frame(document_of(record)))
    assert decode_document(document, {}) == record


@given(records)
def test_a_document_can_be_delivered(record: Record) -> None:
    document = document_of(record)
    assert encode(signal_of(document), [Item(document, {})])


def test_a_mark_without_an_id_gets_the_same_one_each_time() -> None:
    mark = Mark(origin_of("churn@7", ""), "in_use", 10**18)
    assert document_of(mark) == document_of(mark)
    assert document_of(mark)["span_id"] != document_of(mark._replace(at=mark.at + 1))["span_id"]


@pytest.mark.parametrize(
    ("key", "given_", "expected"),
    [
        ("churn@7", {}, ("churn", "7")),
        ("a@b@7", {}, ("a@b", "7")),
        ("issue-41", {}, (None, None)),
        ("churn@7", {"model": "uplift"}, ("uplift", None)),
        ("@7", {}, (None, None)),
    ],
)
def test_a_key_states_model_and_version(key: str, given_: dict[str, str], expected: tuple[str | None, ...]) -> None:
    origin = origin_of(key, "ads", **given_)
    assert (origin.cycle_id, origin.namespace) == (c.cycle_id("ads", key), "ads")
    assert (origin.model, origin.version) == expected


def test_what_started_before_it_was_queued_did_not_wait() -> None:
    job = Job(origin_of("churn@7", ""), "github", "1")
    assert [queue_wait(job, queued, 50) for queued in (None, 50, 51)] == [()] * 3
    (waited,) = queue_wait(job, 40, 50)
    (waiting,) = queue_wait(job, 40, None)
    assert (waited.reason, waited.start, waited.end, waited.stage) == ("compute", 40, 50, None)
    assert waiting == waited._replace(end=None)
