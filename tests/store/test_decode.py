"""From attributes on the wire to records, with everything a stranger may send instead."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sizes import sized

from cycletrace import conventions as c
from cycletrace._internal.flow import Alias, Close, End, Heartbeat, Mark, Record, RecordOrigin, Retraction, Stage, Wait
from cycletrace._internal.store import Rejected, decode_event, decode_span
from cycletrace._internal.store.decode import MAX_ID, MAX_TEXT

START = 1_750_000_000 * 10**9
END = START + 4
SPAN = "d" * 16
ID = c.cycle_id("team", "churn@7")
CYCLE: dict[str, Any] = {
    c.CYCLE_ID: ID,
    c.CYCLE_KEY: "churn@7",
    c.CYCLE_TRIGGER: "drift",
    c.MODEL_NAME: "churn",
    c.MODEL_DOMAIN: "telecom",
    c.MODEL_VERSION: "7",
}
ORIGIN = RecordOrigin(ID, "churn@7", "team", "churn", "telecom", "7", "drift")
STAGE: dict[str, Any] = {**CYCLE, c.STAGE_ID: "a" * 16, c.STAGE_NAME: "train"}
WAIT: dict[str, Any] = {**CYCLE, c.WAIT_ID: "b" * 16, c.WAIT_REASON: "compute"}


def span(
    attributes: Mapping[str, object],
    start: object = START,
    end: object = END,
    *,
    name: object = "span",
    is_error: bool = False,
    namespace: object = "team",
    resource: Mapping[str, object] | None = None,
) -> Record | None:
    resource = {c.SERVICE_NAMESPACE: namespace, **(resource or {})}
    return decode_span(name, SPAN, attributes, start, end, is_error=is_error, resource=resource)


def event(name: str, attributes: Mapping[str, object], at: object = START) -> Record | None:
    return decode_event(name, attributes, at, resource={c.SERVICE_NAMESPACE: "team"})


def test_a_stage_with_all_that_it_may_say() -> None:
    attributes = {
        **STAGE,
        c.STAGE_KIND: "deploy",
        c.STAGE_ATTEMPT: 2,
        c.STAGE_OUTCOME: "cached",
        c.STAGE_PARENT: "c" * 16,
        c.STAGE_LAUNCH: "ci",
        c.ACTOR_TYPE: "human",
        c.ACTOR_ID: "5f2a",
        c.ENVIRONMENT: "production",
        c.MECHANISM: "flag",
    }
    assert span(attributes) == Stage(
        ORIGIN,
        "a" * 16,
        "train",
        "deploy",
        START,
        END,
        "cached",
        2,
        "human",
        "5f2a",
        "ci",
        "production",
        "c" * 16,
        "flag",
    )


def test_what_a_stage_leaves_out() -> None:
    """Actor automation, launch other, kind as by name, outcome by the status."""
    assert span(STAGE) == Stage(ORIGIN, "a" * 16, "train", "train", START, END, "ok")
    assert span(STAGE, is_error=True) == Stage(ORIGIN, "a" * 16, "train", "train", START, END, "error")
    assert span({**STAGE, c.STAGE_NAME: "fit"}) == Stage(ORIGIN, "a" * 16, "fit", "other", START, END, "ok")


def test_a_said_outcome_beats_the_status() -> None:
    record = span({**STAGE, c.STAGE_OUTCOME: "ok"}, is_error=True)
    assert isinstance(record, Stage)
    assert record.outcome == "ok"


def test_a_stage_without_a_name_of_its_own_has_the_span_s() -> None:
    record = span({**CYCLE, c.STAGE_ID: "a"}, name="evaluate")
    assert isinstance(record, Stage)
    assert (record.name, record.kind) == ("evaluate", "evaluate")


def test_waits_marks_aliases_and_closes() -> None:
    assert span(WAIT) == Wait(ORIGIN, "b" * 16, "compute", START, END)
    assert span({**WAIT, c.STAGE_ID: "a" * 16}) == Wait(ORIGIN, "b" * 16, "compute", START, END, "a" * 16)
    assert span({**CYCLE, c.MARK_NAME: "in_use", c.MECHANISM: "alias", c.ENVIRONMENT: "prod"}) == Mark(
        ORIGIN, "in_use", START, "prod", "alias", SPAN
    )
    assert span({**CYCLE, c.ALIAS_KEY: "abc123"}) == Alias(ORIGIN, "abc123", c.cycle_id("team", "abc123"), START, SPAN)
    assert span({**CYCLE, c.CYCLE_OUTCOME: "rolled_back"}) == Close(ORIGIN, "rolled_back", START, SPAN)


def test_what_a_span_is_goes_by_the_first_of_its_names() -> None:
    names = {
        c.WAIT_ID: "b" * 16,
        c.MARK_NAME: "trained",
        c.ALIAS_KEY: "k",
        c.CYCLE_OUTCOME: "failed",
        c.STAGE_BEGUN: "x",
        c.WAIT_BEGUN: "data",
        c.STAGE_ENDED: "x",
        c.WAIT_ENDED: "data",
        c.RETRACTED: "x",
        c.STAGE_ID: "a" * 16,
    }
    everything: dict[str, object] = {**STAGE, **WAIT, **names}
    kinds = []
    for name in names:
        kinds.append(type(span(everything)))
        everything.pop(name)
    assert kinds == [Wait, Mark, Alias, Close, Stage, Wait, End, End, Retraction, Stage]


def test_begins_ends_and_retractions() -> None:
    """A begin carries what a start carries, but no lease; an end only what it gives its run."""
    assert span({**CYCLE, c.STAGE_BEGUN: "deploy", c.STAGE_ID: "a", c.STAGE_LEASE: 9}) == Stage(
        ORIGIN, "a", "deploy", "deploy", START, is_begin=True
    )
    assert span({**CYCLE, c.WAIT_BEGUN: "human", c.STAGE_ID: "a"}) == Wait(
        ORIGIN, SPAN, "human", START, stage="a", is_begin=True
    )
    ended = {**CYCLE, c.STAGE_ENDED: "deploy", c.STAGE_ATTEMPT: 2, c.ENVIRONMENT: "eu", c.MECHANISM: "flag"}
    assert span(ended) == End(ORIGIN, SPAN, START, "deploy", False, "ok", 2, "eu", "flag")
    assert span({**CYCLE, c.STAGE_ENDED: "fit"}, is_error=True) == End(ORIGIN, SPAN, START, "fit", outcome="error")
    assert span({**CYCLE, c.WAIT_ENDED: "human"}) == End(ORIGIN, SPAN, START, "human", is_wait=True)
    assert span({**CYCLE, c.RETRACTED: "m1"}) == Retraction(ORIGIN, "m1", START)
    with pytest.raises(Rejected, match=c.WAIT_REASON):
        span({**CYCLE, c.WAIT_BEGUN: "boredom"})
    with pytest.raises(Rejected, match=c.WAIT_ENDED):
        span({**CYCLE, c.WAIT_ENDED: "boredom"})


def test_the_length_of_a_wait_may_be_a_sum() -> None:
    record = span({**WAIT, c.STAGE_ID: "a", c.WAIT_SUMMED: True})
    assert isinstance(record, Wait)
    assert record.is_summed


def test_the_environment_is_the_record_s_own_else_its_resource_s() -> None:
    """By OpenTelemetry's name, or by the older one."""
    staging, older = {c.ENVIRONMENT: "staging"}, {c.OLDER_ENVIRONMENT: "test"}
    environments = []
    for attributes, resource in (
        ({c.ENVIRONMENT: "live", **older}, staging),
        (older, staging),
        ({c.ENVIRONMENT: ""}, {**staging, **older}),
        ({}, older),
        ({}, {c.ENVIRONMENT: 7}),
    ):
        record = span({**STAGE, **attributes}, resource=resource)
        assert isinstance(record, Stage)
        environments.append(record.environment)
    assert environments == ["live", "test", "staging", "test", None]
    ended = span({**CYCLE, c.STAGE_ENDED: "deploy"}, resource=staging)
    assert isinstance(ended, End)
    assert ended.environment is None


def test_the_namespace_of_the_record_stands_for_that_of_a_resource_which_others_rewrite() -> None:
    for own, expected in (("ads", "ads"), ("", None)):
        of = {c.CYCLE_ID: c.cycle_id(own, "churn@7"), c.CYCLE_KEY: "churn@7", c.CYCLE_NAMESPACE: own}
        record = span({**STAGE, **of}, namespace="prod-cluster")
        assert isinstance(record, Stage)
        assert record.origin.namespace == expected


@pytest.mark.parametrize(("key", "namespace"), [("churn@8", "ads"), ("churn@7", "risk"), ("churn@7", "")])
def test_a_record_that_names_another_cycle_than_its_id_is_refused(key: str, namespace: str) -> None:
    of = {c.CYCLE_ID: c.cycle_id("ads", "churn@7"), c.CYCLE_KEY: key, c.CYCLE_NAMESPACE: namespace}
    with pytest.raises(Rejected, match="is not that of the namespace and the key"):
        span({**STAGE, **of})
    assert isinstance(span({**STAGE, c.CYCLE_ID: of[c.CYCLE_ID], c.CYCLE_KEY: key}), Stage), (
        "the namespace is not known"
    )


def test_events() -> None:
    assert event(c.STAGE_STARTED, {**STAGE, c.STAGE_LEASE: 90}) == Stage(
        ORIGIN, "a" * 16, "train", "train", START, lease=90
    )
    assert event(c.STAGE_HEARTBEAT, {**STAGE, c.STAGE_LEASE: 90}) == Heartbeat(ORIGIN, "a" * 16, START, 90)
    assert event(c.WAIT_OPENED, WAIT) == Wait(ORIGIN, "b" * 16, "compute", START)


def test_a_whole_number_may_come_as_a_floating_point_one() -> None:
    record = event(c.STAGE_STARTED, {**STAGE, c.STAGE_LEASE: 180.0, c.STAGE_ATTEMPT: 2.0})
    assert isinstance(record, Stage)
    assert [repr(number) for number in (record.lease, record.attempt)] == ["180", "2"]
    for number in (1.5, float("nan"), float("inf"), -1.0, 2.0**63):
        with pytest.raises(Rejected, match=c.STAGE_LEASE):
            event(c.STAGE_HEARTBEAT, {**STAGE, c.STAGE_LEASE: number})


def test_what_is_not_ours() -> None:
    assert span({"http.request.method": "GET"}) is None
    assert span(CYCLE) is None
    assert event("exception", STAGE) is None


def test_what_a_processor_derived_is_never_an_input() -> None:
    assert span({**STAGE, c.DERIVED: True}) is None
    assert event(c.STAGE_STARTED, {**STAGE, c.DERIVED: True}) is None
    assert span({**STAGE, c.DERIVED: False}) is not None


def test_unknown_words_that_do_no_harm() -> None:
    """Kind and launch become other; trigger and mechanism stand for themselves."""
    record = span(
        {**STAGE, c.STAGE_KIND: "dance", c.STAGE_LAUNCH: "rocket", c.CYCLE_TRIGGER: "whim", c.MECHANISM: "dns"}
    )
    assert isinstance(record, Stage)
    assert (record.kind, record.launch, record.mechanism, record.origin.trigger) == ("other", "other", "dns", "whim")


def test_texts_are_made_sound() -> None:
    """A lone surrogate becomes what the SDK writes in its place; an empty text says nothing; an id is folded."""
    record = span(
        {**STAGE, c.MODEL_NAME: "m\udc80", c.CYCLE_KEY: "", c.CYCLE_ID: ID.upper(), c.STAGE_PARENT: ""}, namespace=""
    )
    assert isinstance(record, Stage)
    assert record.origin == ORIGIN._replace(model="m?", key=None, namespace=None)
    assert record.parent is None


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({c.CYCLE_ID: None}, c.CYCLE_ID),
        ({c.CYCLE_ID: "0" * 32}, c.CYCLE_ID),
        ({c.CYCLE_ID: ID[:-1]}, c.CYCLE_ID),
        ({c.CYCLE_ID: ID + "\n"}, c.CYCLE_ID),
        ({c.CYCLE_ID: "g" * 32}, c.CYCLE_ID),
        ({c.CYCLE_ID: "\N{FULLWIDTH DIGIT ONE}" * 32}, c.CYCLE_ID),
        ({c.CYCLE_ID: 7}, c.CYCLE_ID),
        ({c.CYCLE_KEY: 7}, c.CYCLE_KEY),
        ({c.MODEL_NAME: ["a"]}, c.MODEL_NAME),
        ({c.MODEL_NAME: "m" * (MAX_TEXT + 1)}, c.MODEL_NAME),
        ({c.MODEL_VERSION: 7.0}, c.MODEL_VERSION),
        ({c.CYCLE_IMPLICIT: "yes"}, c.CYCLE_IMPLICIT),
        ({c.STAGE_ID: 7}, c.STAGE_ID),
        ({c.STAGE_ID: ["x"]}, c.STAGE_ID),
        ({c.STAGE_ID: "a" * (MAX_ID + 1)}, c.STAGE_ID),
        ({c.STAGE_NAME: {}}, c.STAGE_NAME),
        ({c.STAGE_KIND: 1}, c.STAGE_KIND),
        ({c.STAGE_LAUNCH: True}, c.STAGE_LAUNCH),
        ({c.STAGE_OUTCOME: "great"}, c.STAGE_OUTCOME),
        ({c.STAGE_OUTCOME: 1}, c.STAGE_OUTCOME),
        ({c.STAGE_ATTEMPT: "2"}, c.STAGE_ATTEMPT),
        ({c.STAGE_ATTEMPT: True}, c.STAGE_ATTEMPT),
        ({c.STAGE_ATTEMPT: -1}, c.STAGE_ATTEMPT),
        ({c.STAGE_ATTEMPT: 2**63}, c.STAGE_ATTEMPT),
        ({c.STAGE_PARENT: 3}, c.STAGE_PARENT),
        ({c.ACTOR_TYPE: "robot"}, c.ACTOR_TYPE),
        ({c.ACTOR_ID: b"bytes"}, c.ACTOR_ID),
        ({c.ENVIRONMENT: 1}, c.ENVIRONMENT),
        ({c.WAIT_ID: "w"}, c.WAIT_REASON),
        ({c.WAIT_ID: "w", c.WAIT_REASON: "boredom"}, c.WAIT_REASON),
        ({c.MARK_NAME: "finished"}, c.MARK_NAME),
        ({c.CYCLE_OUTCOME: "in_use"}, c.CYCLE_OUTCOME),
        ({c.ALIAS_KEY: 7}, c.ALIAS_KEY),
        ({c.STAGE_ID: None}, c.STAGE_ID),
    ],
)
def test_bad_records_are_rejected_with_the_attribute_s_name(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        span({**STAGE, **wrong})


@pytest.mark.parametrize(
    "instant", [0, -1, 2**63, None, str(START), float(START), True, 946_684_800 * 10**9 - 1, 4_102_444_800 * 10**9]
)
def test_bad_instants_are_rejected(instant: object) -> None:
    for attributes in (STAGE, WAIT):
        with pytest.raises(Rejected, match="instant"):
            span(attributes, end=instant)
    for attributes in (STAGE, WAIT, {**CYCLE, c.MARK_NAME: "trained"}, {**CYCLE, c.CYCLE_OUTCOME: "failed"}):
        with pytest.raises(Rejected, match="instant"):
            span(attributes, start=instant)
    for name, attributes in ((c.STAGE_STARTED, STAGE), (c.STAGE_HEARTBEAT, STAGE), (c.WAIT_OPENED, WAIT)):
        with pytest.raises(Rejected, match="instant"):
            event(name, attributes, instant)


def test_a_stage_may_end_before_it_starts() -> None:
    """It is counted among the negative intervals, not thrown away."""
    record = span(STAGE, END, START)
    assert isinstance(record, Stage)
    assert (record.start, record.end) == (END, START)


def test_an_event_without_a_stage_s_name_or_id_is_rejected() -> None:
    for name in (c.STAGE_NAME, c.STAGE_ID):
        with pytest.raises(Rejected, match=name):
            event(c.STAGE_STARTED, {key: value for key, value in STAGE.items() if key != name})
    with pytest.raises(Rejected, match=c.STAGE_LEASE):
        event(c.STAGE_HEARTBEAT, {**STAGE, c.STAGE_LEASE: 1.5})


_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.integers()),
    st.sampled_from((ID, *c.MARKS, *c.REASONS, *c.DECLARED_OUTCOMES, *c.STAGE_OUTCOMES, *c.ACTORS)),
)  # fmt: skip
_NAMES = st.sampled_from(sorted(value for value in vars(c).values() if isinstance(value, str) and "." in value))


@settings(max_examples=sized(1000), deadline=None)
@given(st.dictionaries(_NAMES, _VALUES), _VALUES, _VALUES, _VALUES, st.booleans(), st.sampled_from(c.EVENTS))
def test_nothing_that_is_sent_raises_anything_else(
    attributes: dict[str, object], start: object, end: object, name: object, is_sound: bool, event_name: str
) -> None:
    """A record whose fields are what they say, or a rejection that quotes nothing of the sender's."""
    if is_sound:
        attributes = {**attributes, **STAGE}
        start = end = START
    for decoded in (
        partial(span, attributes, start, end, name=name, namespace=name),
        partial(event, event_name, attributes, start),
    ):
        reason = ""
        record = None
        try:
            record = decoded()
        except Rejected as error:
            reason = str(error)
        assert len(reason) < 200
        assert record is None or len(record.origin.cycle_id) == 32
