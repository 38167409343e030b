"""What of a request is ours, in protobuf and in JSON alike, and what one bad record costs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collector.otlp import cycle_attributes, log, logs, span, traces

from cycletrace import conventions as c
from cycletrace._internal.collector.reading import check, may_hold_records, read
from cycletrace._internal.flow import Heartbeat, Mark, Stage
from cycletrace._internal.otlp.signals import LOGS, METRICS, TRACES, Encoding, Request, Signal
from cycletrace._internal.store import rejection

CYCLE = c.cycle_id("team", "churn@7")
T = 1_700_000_000_000_000_000


def stage(**more: Any) -> Any:
    return span(
        "train",
        {**cycle_attributes("churn@7", "team"), c.STAGE_ID: "00f067aa0ba902b7", c.STAGE_NAME: "train"},
        start=1_700_000_000_000_000_001,
        end=1_700_000_000_000_000_002,
        **more,
    )


def foreign() -> Any:
    return span("GET /", {"http.request.method": "GET", "note": "mentions cycletrace. somewhere"}, start=1, end=2)


def both(signal: Signal, message: Any) -> list[Request]:
    """The same request in protobuf and in JSON."""
    text = json_format.MessageToDict(message)
    return [
        Request(signal, Encoding.PROTOBUF, message.SerializeToString()),
        Request(signal, Encoding.JSON, json.dumps(text).encode()),
    ]


def test_stages_are_picked_out_of_foreign_spans() -> None:
    message = traces([foreign(), stage(), foreign(), stage(is_error=True)], "team")
    extracted = [read(request) for request in both(TRACES, message)]
    assert extracted[0] == extracted[1]
    assert extracted[0].invalid == []
    records = extracted[0].records
    assert [type(record) for record in records] == [Stage, Stage]
    first, second = records
    assert isinstance(first, Stage)
    assert isinstance(second, Stage)
    assert first.origin.cycle_id == CYCLE
    assert (first.origin.namespace, first.origin.model) == ("team", "churn")
    assert (first.start, first.end) == (1_700_000_000_000_000_001, 1_700_000_000_000_000_002)
    assert (first.outcome, second.outcome) == ("ok", "error")


def test_an_event_s_instant_is_its_time_else_its_observed_time() -> None:
    attributes = {**cycle_attributes("churn@7", "team"), c.STAGE_ID: "a", c.STAGE_LEASE: 30}
    message = logs(
        [
            log(c.STAGE_HEARTBEAT, attributes, time=T + 5, observed=T + 6),
            log(c.STAGE_HEARTBEAT, attributes, observed=T + 6),
            log("other.event", {"text": "cycletrace.stage.heartbeat"}, time=1),
            log("", {"text": "cycletrace.stage.heartbeat"}, time=1),
            log(c.STAGE_HEARTBEAT, attributes),
        ],
        "team",
    )
    for request in both(LOGS, message):
        extracted = read(request)
        assert [record.at for record in extracted.records if isinstance(record, Heartbeat)] == [T + 5, T + 6]
        assert len(extracted.invalid) == 1, "no instant at all"


def test_one_bad_record_costs_itself_alone() -> None:
    wrong = span("x", {c.CYCLE_ID: "no hex", c.MARK_NAME: "in_use"}, start=1, end=1)
    message = traces([wrong, stage(), foreign()], "team")
    for request in both(TRACES, message):
        extracted = read(request)
        assert len(extracted.records) == 1
        assert [one.reason for one in extracted.invalid] == [f"{c.CYCLE_ID} is not 32 hex digits"]
        assert "no hex" in extracted.invalid[0].excerpt


def test_a_malformed_span_of_ours_costs_itself_alone() -> None:
    good = stage()
    broken = good.SerializeToString().replace(b"churn@7", b"churn\xff7")  # no UTF-8
    message = traces([good, good], "team")
    body = message.SerializeToString()
    first = body.index(good.SerializeToString())
    body = body[:first] + broken + body[first + len(broken) :]
    extracted = read(Request(TRACES, Encoding.PROTOBUF, body))
    assert len(extracted.records) == 1
    assert [one.digest for one in extracted.invalid] == [rejection(extracted.invalid[0].reason, broken).digest]


def test_a_malformed_foreign_span_costs_nothing() -> None:
    other = span("GET /", {}, start=1, end=2)
    body = traces([stage(), other], "team").SerializeToString().replace(b"GET /", b"GET\xff/")
    extracted = read(Request(TRACES, Encoding.PROTOBUF, body))
    assert (len(extracted.records), extracted.invalid) == (1, [])


def test_what_the_processor_derived_is_never_an_input() -> None:
    mark = {**cycle_attributes("churn@7", "team"), c.MARK_NAME: "in_use"}
    message = traces([span("m", {**mark, c.DERIVED: True}, start=T, end=T), span("m", mark, start=T, end=T)], "team")
    for request in both(TRACES, message):
        assert [type(record) for record in read(request).records] == [Mark]


def test_json_may_spell_the_prefix_in_escapes() -> None:
    (_, plain) = both(TRACES, traces([stage()], "team"))
    escaped = plain._replace(body=plain.body.replace(b"cycletrace.", rb"\u0063ycletrace\u002e"))
    assert may_hold_records(escaped)
    assert read(escaped) == read(plain)
    assert len(read(plain).records) == 1


def test_only_what_can_hold_ours_is_parsed() -> None:
    for request in both(TRACES, traces([span("GET", {"a": "b"}, start=1, end=2)], "team")):
        assert not may_hold_records(request)
        assert may_hold_records(request._replace(body=request.body + b"cycletrace."))
        assert not may_hold_records(request._replace(signal=METRICS, body=b"cycletrace."))


@pytest.mark.parametrize(
    "attributes",
    [
        None,
        3,
        "x",
        [3],
        [{"key": "cycletrace.cycle.id"}],
        [{"key": "cycletrace.cycle.id", "value": {"arrayValue": {"values": []}}}],
        [{"key": "cycletrace.mark.name", "value": {"kvlistValue": {}}}],
        [{"key": "cycletrace.mark.name", "value": {"stringValue": "in_use"}}, {"value": {}}],
        [{"key": "cycletrace.mark.name", "value": {"stringValue": "\ud800"}}],
        [{"key": "cycletrace.stage.id", "value": {"intValue": "9" * 400}}],
        [{"key": "cycletrace.stage.id", "value": {"intValue": 10**400}}],
        [{"key": "cycletrace.stage.id", "value": {"doubleValue": "NaN"}}],
        [{"key": "cycletrace.mark.name", "value": "in_use"}],
        [{"key": "cycletrace.mark.name", "value": {"stringValue": ["in_use"]}}],
    ],
)
def test_json_of_any_shape_makes_no_record_and_breaks_nothing(attributes: object) -> None:
    spans = [{"name": {}, "startTimeUnixNano": "1", "attributes": attributes, "status": []}]
    request = {"resourceSpans": [{"resource": 7, "scopeSpans": [{"spans": spans}]}]}
    extracted = read(Request(TRACES, Encoding.JSON, json.dumps(request).encode()))
    assert extracted.records == []
    assert len(extracted.invalid) <= 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"intValue": "3"}, 3),
        ({"intValue": 3}, 3),
        ({"intValue": 3.0}, 3),
        ({"intValue": "3", "stringValue": None}, 3),
        ({"intValue": "3", "ofALaterVersion": {"x": [1]}}, 3),
        ({"intValue": None}, None),
        (None, None),
        ({}, None),
    ],
)
def test_json_says_a_value_in_any_way_that_protobuf_s_json_has(value: object, expected: int | None) -> None:
    given = {c.CYCLE_ID: CYCLE, c.STAGE_ID: "1", c.STAGE_NAME: "train"}
    attributes: list[object] = [{"key": key, "value": {"stringValue": text}} for key, text in given.items()]
    attributes.append({"key": c.STAGE_ATTEMPT, "value": value, "ofALaterVersion": 1})
    spans = [{"startTimeUnixNano": 1.75e18, "endTimeUnixNano": "1750000000000000001", "attributes": attributes}]
    request = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    (record,) = read(Request(TRACES, Encoding.JSON, json.dumps(request).encode())).records
    assert isinstance(record, Stage)
    assert (record.start, record.end, record.attempt) == (1_750_000_000 * 10**9, 1_750_000_000 * 10**9 + 1, expected)


@pytest.mark.parametrize(
    ("signal", "body"),
    [
        (TRACES, b'{"resourceSpans": 1}'),
        (LOGS, b'{"resourceLogs": [{"scopeLogs": [{"logRecords": "x"}]}]}'),
        (METRICS, b'{"resourceMetrics": [{"scopeMetrics": [{"metrics": [5]}]}]}'),
    ],
)
def test_what_goes_nowhere_is_looked_at_all_the_same(signal: Signal, body: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        check(Request(signal, Encoding.JSON, body))


@pytest.mark.parametrize("time", [True, 1.5, "1.5", "", "-", "\u0661", "1" * 30, [], -1, "-1", 2**64, str(2**63)])
def test_an_instant_that_is_none_costs_the_record(time: object) -> None:
    ours = [
        {"key": c.CYCLE_ID, "value": {"stringValue": CYCLE}},
        {"key": c.MARK_NAME, "value": {"stringValue": "in_use"}},
    ]
    spans = [{"startTimeUnixNano": time, "attributes": ours}, {"startTimeUnixNano": T, "attributes": ours}]
    request = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    extracted = read(Request(TRACES, Encoding.JSON, json.dumps(request).encode()))
    assert [record.at for record in extracted.records if isinstance(record, Mark)] == [T]
    assert len(extracted.invalid) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"{",
        b'{"resourceSpans": 1}',
        b'{"resourceSpans": [[]]}',
        b"[" * 99999,
        b"\xff",
        "{}".encode("utf-16"),
    ],
)
def test_json_that_is_no_request_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"not|expected"):
        read(Request(TRACES, Encoding.JSON, body))


def test_protobuf_that_is_no_request_is_said_to_be_none() -> None:
    body = traces([stage()], "team").SerializeToString()
    for broken in (body[:-1], b"\x0a", b"cycletrace."):
        with pytest.raises(ValueError, match="not an OTLP request"):
            read(Request(TRACES, Encoding.PROTOBUF, broken))
        with pytest.raises(ValueError, match="not an OTLP request"):
            check(Request(TRACES, Encoding.PROTOBUF, broken))


def test_nesting_deeper_than_a_parser_follows_is_no_matter() -> None:
    deep = b""
    for _ in range(500):  # kvlist in kvlist in kvlist
        deep = _field(6, _field(1, _field(2, deep)))
    good = stage().SerializeToString() + _field(9, _field(1, b"deep") + _field(2, deep))
    body = _field(1, _field(2, _field(2, good)))
    extracted = read(Request(TRACES, Encoding.PROTOBUF, body))
    assert (len(extracted.records), extracted.invalid) == (1, [])


def _field(number: int, content: bytes) -> bytes:
    size = b""
    length = len(content)
    while length > 127:
        size += bytes([length & 127 | 128])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


def test_the_shell_has_the_field_numbers_of_the_real_messages() -> None:
    from opentelemetry.proto.common.v1 import common_pb2
    from opentelemetry.proto.logs.v1 import logs_pb2
    from opentelemetry.proto.trace.v1 import trace_pb2

    def number(message: Any, field: str) -> int:
        return int(message.DESCRIPTOR.fields_by_name[field].number)

    assert number(ExportTraceServiceRequest, "resource_spans") == number(ExportLogsServiceRequest, "resource_logs") == 1
    assert number(trace_pb2.ResourceSpans, "scope_spans") == number(logs_pb2.ResourceLogs, "scope_logs") == 2
    assert number(trace_pb2.ScopeSpans, "spans") == number(logs_pb2.ScopeLogs, "log_records") == 2
    assert [number(common_pb2.AnyValue, f"{kind}_value") for kind in ("array", "kvlist", "bytes")] == [5, 6, 7]


ATTRIBUTES = [
    {"key": c.CYCLE_ID, "value": {"stringValue": CYCLE}},
    {"key": c.STAGE_ID, "value": {"stringValue": "a"}},
    {"key": c.STAGE_NAME, "value": {"stringValue": "train"}},
]
TOO_LARGE = ["1e400", "-1e999", "9" * 400, "9" * 5000, "-" + "9" * 5000]


def in_json(member: dict[str, Any], number: str = "") -> Request:
    """A request of a good stage, this span, and another good stage; ``"NUMBER"`` in it is written as this number."""
    good = {"startTimeUnixNano": str(T), "endTimeUnixNano": str(T + 1), "attributes": ATTRIBUTES}
    text = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [good, {**good, **member}, good]}]}]})
    return Request(TRACES, Encoding.JSON, text.replace('"NUMBER"', number).encode())


def value(name: str, **content: Any) -> dict[str, Any]:
    return {"attributes": [*ATTRIBUTES, {"key": name, "value": content}]}


@pytest.mark.parametrize("number", TOO_LARGE)
@pytest.mark.parametrize(
    "member",
    [
        {"startTimeUnixNano": "NUMBER"},
        {"endTimeUnixNano": "NUMBER"},
        value(c.STAGE_ATTEMPT, intValue="NUMBER"),
        value(c.STAGE_ATTEMPT, doubleValue="NUMBER"),
        value("lr", doubleValue="NUMBER"),
        value("lr", intValue="NUMBER"),
    ],
)
def test_a_number_that_is_too_large_costs_its_record_alone(member: dict[str, Any], number: str) -> None:
    extracted = read(in_json(member, number))
    assert len(extracted.records) == 2
    (one,) = extracted.invalid
    assert one.reason.startswith("expected ")


@pytest.mark.parametrize("number", TOO_LARGE)
def test_a_number_that_is_too_large_does_not_matter_where_it_is_not_ours(number: str) -> None:
    foreign_span = {"startTimeUnixNano": "NUMBER", "attributes": [{"key": "x", "value": {"doubleValue": "NUMBER"}}]}
    for member in (foreign_span, {"kind": "NUMBER", "droppedAttributesCount": "NUMBER", "status": {"code": "NUMBER"}}):
        extracted = read(in_json(member, number))
        assert extracted.invalid == []
        assert len(extracted.records) == 2 + (member is not foreign_span)
    check(in_json(foreign_span, number))


@pytest.mark.parametrize("number", [1.5, 2, "1.5", "1e3", "NaN", "Infinity", "-Infinity"])
def test_a_double_may_be_written_in_a_string_and_be_no_number(number: object) -> None:
    assert read(in_json(value("lr", doubleValue=number))).invalid == []


@pytest.mark.parametrize("number", ["nan", "inf", "much", "1e400", "", True, [1]])
def test_what_is_no_double_costs_its_record_alone(number: object) -> None:
    extracted = read(in_json(value("lr", doubleValue=number)))
    assert (len(extracted.records), [one.reason for one in extracted.invalid]) == (
        2,
        ["expected a number that fits in a double"],
    )


@pytest.mark.parametrize("number", ["--5", "5-", "٣", "1" * 21, " 1", "0x1"])
def test_what_is_no_integer_is_not_quoted_in_the_reason(number: str) -> None:
    extracted = read(in_json({"startTimeUnixNano": number}))
    assert (len(extracted.records), [one.reason for one in extracted.invalid]) == (2, ["expected an integer"])
