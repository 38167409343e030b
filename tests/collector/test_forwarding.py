"""What arrives goes on as it is, and the backend's answer is the sender's answer."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from tests.collector.relay import Relay
from tests.collector.sinks import SERVICES, GrpcSink, HttpSink

from cycletrace._internal.otlp.endpoint import Endpoint, checked
from cycletrace._internal.otlp.signals import LOGS, TRACES

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
# An unknown field and a field twice: what a parser would not write again as it was.
BODY = (
    ExportTraceServiceRequest(resource_spans=[ResourceSpans(schema_url="a")]).SerializeToString()
    + b"\x98\x06\x01\x98\x06\x01"
)


@pytest.fixture
def to_http(http_sink: HttpSink) -> Iterator[Relay]:
    target = Endpoint(http_sink.url, {"Authorization": "secret"})
    relay = Relay(targets={signal: [target] for signal in SERVICES})
    yield relay
    relay.close()


@pytest.fixture
def to_grpc(grpc_sink: GrpcSink) -> Iterator[Relay]:
    target = Endpoint(grpc_sink.url, {"X-Tenant": "us"})
    relay = Relay(targets={signal: [target] for signal in SERVICES})
    yield relay
    relay.close()


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_http_and_grpc_go_on_over_http_byte_for_byte(to_http: Relay, http_sink: HttpSink, signal: str) -> None:
    to_http.call(signal, BODY)
    to_http.post(f"/v1/{signal}", BODY, PROTOBUF)
    assert http_sink.bodies(signal) == [BODY, BODY]
    assert {received.headers["authorization"] for received in http_sink.received} == {"secret"}
    assert {received.headers["content-type"] for received in http_sink.received} == {"application/x-protobuf"}


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_http_and_grpc_go_on_over_grpc_byte_for_byte(to_grpc: Relay, grpc_sink: GrpcSink, signal: str) -> None:
    to_grpc.call(signal, BODY)
    to_grpc.post(f"/v1/{signal}", BODY, PROTOBUF)
    assert grpc_sink.bodies(signal) == [BODY, BODY]
    assert {received.headers["x-tenant"] for received in grpc_sink.received} == {"us"}


def test_gzip_is_passed_on_over_http_without_packing_again(to_http: Relay, http_sink: HttpSink) -> None:
    to_http.post("/v1/traces", gzip.compress(BODY), {**PROTOBUF, "Content-Encoding": "gzip"})
    to_http.call("traces", BODY * 100, compression=grpc.Compression.Gzip)
    assert http_sink.bodies("traces") == [BODY, BODY * 100]
    assert [received.headers["content-encoding"] for received in http_sink.received] == ["gzip", "gzip"]


def test_connections_are_kept(to_http: Relay, http_sink: HttpSink) -> None:
    for _ in range(10):
        to_http.call("traces", BODY)
    assert http_sink.connections == 1


def test_json_goes_on_as_it_came_over_http(to_http: Relay, http_sink: HttpSink) -> None:
    body = b'{ "resourceSpans" : [ ] , "unknown": 1.50 }'
    to_http.post("/v1/traces", body, JSON)
    assert http_sink.bodies("traces") == [body]
    assert http_sink.received[0].headers["content-type"] == "application/json"


TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def test_json_becomes_protobuf_for_a_grpc_backend(to_grpc: Relay, grpc_sink: GrpcSink) -> None:
    span = {
        "traceId": TRACE_ID,
        "spanId": "00F067AA0BA902B7",
        "parentSpanId": "b7ad6b7169203331",
        "name": "s",
        "startTimeUnixNano": "1",
        "kind": 1,
        "attributes": [{"key": "traceId", "value": {"bytesValue": "AQI="}}],
        "links": [{"traceId": TRACE_ID, "spanId": "00f067aa0ba902b7"}],
        "added later": True,
    }
    log = {"traceId": TRACE_ID, "spanId": "00f067aa0ba902b7", "body": {"stringValue": "x"}}
    point = {"asInt": "3", "exemplars": [{"traceId": TRACE_ID, "spanId": "00f067aa0ba902b7", "asDouble": 1}]}
    metric = {"name": "m", "gauge": {"dataPoints": [point]}}
    requests = {
        "traces": {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]},
        "logs": {"resourceLogs": [{"scopeLogs": [{"logRecords": [log]}]}]},
        "metrics": {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]},
    }
    for signal, request in requests.items():
        assert to_grpc.post(f"/v1/{signal}", json.dumps(request).encode(), JSON)[0] == 200

    trace = ExportTraceServiceRequest.FromString(grpc_sink.bodies("traces")[0]).resource_spans[0].scope_spans[0]
    assert trace.spans[0].trace_id.hex() == TRACE_ID
    assert trace.spans[0].span_id.hex() == "00f067aa0ba902b7"
    assert trace.spans[0].parent_span_id.hex() == "b7ad6b7169203331"
    assert trace.spans[0].links[0].trace_id.hex() == TRACE_ID
    assert trace.spans[0].attributes[0].value.bytes_value == b"\x01\x02"
    logs = ExportLogsServiceRequest.FromString(grpc_sink.bodies("logs")[0]).resource_logs[0].scope_logs[0]
    assert logs.log_records[0].trace_id.hex() == TRACE_ID
    metrics = ExportMetricsServiceRequest.FromString(grpc_sink.bodies("metrics")[0])
    exemplar = metrics.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0].exemplars[0]
    assert exemplar.trace_id.hex() == TRACE_ID


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nonsense",
        b"\xff",
        b'{"resourceSpans": 1}',
        b'{"resourceSpans": [1]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz"}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "-1"}]}]}]}',
        b"[" * 100_000,
        b'{"resourceSpans":' * 5000 + b"1" + b"}" * 5000,
        b'{"x": NaN}',
    ],
)
def test_json_that_is_no_request_cannot_go_on_over_grpc(to_grpc: Relay, grpc_sink: GrpcSink, body: bytes) -> None:
    status, _, answer = to_grpc.post("/v1/traces", body, JSON)
    assert status == 400
    assert json.loads(answer)["code"] == 3
    assert not grpc_sink.received


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400, "9" * 5000])
def test_a_number_that_is_too_large_costs_what_has_no_form_in_protobuf_alone(
    to_grpc: Relay, grpc_sink: GrpcSink, number: str
) -> None:
    infinite = {"name": "infinite", "attributes": [{"key": "x", "value": {"doubleValue": "NUMBER"}}]}
    wrong = {"name": "wrong", "startTimeUnixNano": "NUMBER"}
    spans = [{"name": "first"}, wrong, infinite, {"name": "last", "spanId": "ab"}]
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans[:3]}, {"spans": spans[3:]}]}, {}]})
    grpc_sink.answer = ExportTraceServiceResponse(
        partial_success=ExportTracePartialSuccess(rejected_spans=1, error_message="too old")
    ).SerializeToString()
    status, _, answer = to_grpc.post("/v1/traces", body.replace('"NUMBER"', number).encode(), JSON)
    assert status == 200
    partial = json.loads(answer)["partialSuccess"]
    assert partial["rejectedSpans"] == "2", "one here, one there"
    assert partial["errorMessage"].startswith("1 cannot be converted from JSON: ")
    assert partial["errorMessage"].endswith("; too old")
    sent = ExportTraceServiceRequest.FromString(grpc_sink.bodies("traces")[0])
    first, second = sent.resource_spans[0].scope_spans
    assert [span.name for span in (*first.spans, *second.spans)] == ["first", "infinite", "last"]
    assert first.spans[1].attributes[0].value.double_value == float("-inf" if "-" in number else "inf")
    assert second.spans[0].span_id == b"\xab"


def test_names_of_fields_that_are_not_those_of_otlp_are_refused(to_grpc: Relay) -> None:
    status, _, answer = to_grpc.post("/v1/traces", b'{"resource_spans": [{"scope_spans": [{"spans": [{}]}]}]}', JSON)
    assert (status, "expected the fields resourceSpans and scopeSpans" in answer.decode()) == (400, True)


@pytest.mark.parametrize("body", [b'{"code": 1e400}', b'{"message": 1e400}', b'{"code": %s}' % (b"9" * 5000)])
def test_a_backend_s_failure_that_cannot_be_read_is_one_all_the_same(
    to_http: Relay, http_sink: HttpSink, body: bytes
) -> None:
    http_sink.status, http_sink.headers, http_sink.body = 503, {"Content-Type": "application/json"}, body
    assert to_http.post("/v1/traces", BODY, PROTOBUF)[0] == 503
    http_sink.status, http_sink.body = 200, b'{"partialSuccess": {"rejectedSpans": 1e400}}'
    assert to_http.post("/v1/traces", BODY, PROTOBUF)[0] == 200


@pytest.mark.parametrize(
    ("status", "headers", "http", "code"),
    [
        (400, {}, 400, grpc.StatusCode.INVALID_ARGUMENT),
        (401, {}, 401, grpc.StatusCode.UNAUTHENTICATED),
        (403, {}, 403, grpc.StatusCode.PERMISSION_DENIED),
        (404, {}, 404, grpc.StatusCode.UNIMPLEMENTED),
        (413, {}, 413, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (429, {"Retry-After": "7"}, 429, grpc.StatusCode.RESOURCE_EXHAUSTED),
        # Over gRPC RESOURCE_EXHAUSTED without a time would not be repeated, but 429 is.
        (429, {}, 429, grpc.StatusCode.UNAVAILABLE),
        (500, {}, 500, grpc.StatusCode.UNKNOWN),
        (502, {}, 502, grpc.StatusCode.UNAVAILABLE),
        (503, {"Retry-After": "7"}, 503, grpc.StatusCode.UNAVAILABLE),
        (301, {"Location": "/v1/logs"}, 500, grpc.StatusCode.UNKNOWN),
    ],
)
def test_failures_of_an_http_backend(
    to_http: Relay, http_sink: HttpSink, status: int, headers: dict[str, str], http: int, code: grpc.StatusCode
) -> None:
    http_sink.status, http_sink.headers, http_sink.body = status, {"Content-Type": "text/plain", **headers}, b"because"
    answered, response_headers, body = to_http.post("/v1/traces", BODY, PROTOBUF)
    assert answered == http
    assert response_headers.get("retry-after") == headers.get("Retry-After")
    words = ": because" if http in (400, 413) else ""  # about the request; others may name hosts
    assert Status.FromString(body).message == f"a backend answered {status}{words}"
    with pytest.raises(grpc.RpcError) as caught:
        to_http.call("traces", BODY)
    assert caught.value.code() is code
    trailing = dict(caught.value.trailing_metadata())
    assert ("grpc-status-details-bin" in trailing) == ("Retry-After" in headers)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, 400),
        (grpc.StatusCode.UNAUTHENTICATED, 401),
        (grpc.StatusCode.PERMISSION_DENIED, 403),
        (grpc.StatusCode.UNIMPLEMENTED, 404),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 413),
        (grpc.StatusCode.FAILED_PRECONDITION, 500),
        (grpc.StatusCode.INTERNAL, 500),
        (grpc.StatusCode.ABORTED, 503),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 503),
        (grpc.StatusCode.UNAVAILABLE, 503),
        (grpc.StatusCode.DATA_LOSS, 503),
    ],
)
def test_failures_of_a_grpc_backend(to_grpc: Relay, grpc_sink: GrpcSink, code: grpc.StatusCode, status: int) -> None:
    grpc_sink.code, grpc_sink.message = code, "because"
    with pytest.raises(grpc.RpcError) as caught:
        to_grpc.call("traces", BODY)
    assert caught.value.code() is code
    words = ": because" if status == 400 else ""  # about the request; others may name hosts
    assert caught.value.details() == f"a backend answered {code.name}{words}"
    answered, _, body = to_grpc.post("/v1/traces", b"{}", JSON)
    assert answered == status
    assert json.loads(body)["code"] == code.value[0]


def test_a_grpc_backend_s_time_to_wait_is_kept(to_grpc: Relay, grpc_sink: GrpcSink) -> None:
    status = Status(code=8, message="slow down")
    info = RetryInfo()
    info.retry_delay.FromMilliseconds(1500)
    status.details.add().Pack(info)
    grpc_sink.code = grpc.StatusCode.RESOURCE_EXHAUSTED
    grpc_sink.trailing = (("grpc-status-details-bin", status.SerializeToString()),)
    with pytest.raises(grpc.RpcError) as caught:
        to_grpc.call("traces", BODY)
    passed_on = Status.FromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
    assert list(passed_on.details) == list(status.details)
    answered, headers, _ = to_grpc.post("/v1/traces", BODY, PROTOBUF)
    assert (answered, headers["retry-after"]) == (429, "2")


def test_partial_success_is_passed_on_between_protocols(
    to_http: Relay, http_sink: HttpSink, to_grpc: Relay, grpc_sink: GrpcSink
) -> None:
    partial = ExportTraceServiceResponse(
        partial_success=ExportTracePartialSuccess(rejected_spans=3, error_message="too old")
    )
    http_sink.headers = {"Content-Type": "application/json"}
    http_sink.body = b'{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too old"}}'
    assert ExportTraceServiceResponse.FromString(to_http.call("traces", BODY)) == partial
    grpc_sink.answer = partial.SerializeToString()
    _, _, body = to_grpc.post("/v1/traces", b"{}", JSON)
    assert json.loads(body) == {"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too old"}}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("text/html", b"<p>ok"), ("application/json", b"{"), ("application/x-protobuf", b"\xff")],
)
def test_success_that_no_otlp_endpoint_gives_is_a_failure(
    to_http: Relay, http_sink: HttpSink, content_type: str, body: bytes
) -> None:
    http_sink.headers, http_sink.body = {"Content-Type": content_type}, body
    with pytest.raises(grpc.RpcError) as caught:
        to_http.call("traces", BODY)
    assert caught.value.code() is grpc.StatusCode.UNKNOWN


def test_success_without_a_body_is_success(to_http: Relay, http_sink: HttpSink) -> None:
    http_sink.headers, http_sink.body = {"Content-Type": "text/html"}, b""
    assert to_http.call("traces", BODY) == b""


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.mark.parametrize("scheme", ["http", "https", "grpc", "grpcs"])
def test_a_backend_that_is_down_asks_the_sender_to_come_again(scheme: str) -> None:
    relay = Relay(targets={"traces": [Endpoint(f"{scheme}://127.0.0.1:{closed_port()}", timeout=2.0)]})
    try:
        assert relay.post("/v1/traces", BODY, PROTOBUF)[0] == 503
        with pytest.raises(grpc.RpcError) as caught:
            relay.call("traces", BODY)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    finally:
        relay.close()


def test_a_backend_that_hangs_is_given_up(http_sink: HttpSink) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        relay = Relay(targets={"traces": [Endpoint(f"http://127.0.0.1:{port}", timeout=0.3)]})
        try:
            assert relay.post("/v1/traces", BODY, PROTOBUF)[0] == 503
        finally:
            relay.close()


def test_a_backend_that_comes_back_is_found_again() -> None:
    sink = HttpSink()
    relay = Relay(targets={"traces": [Endpoint(sink.url)]})
    try:
        assert relay.post("/v1/traces", BODY, PROTOBUF)[0] == 200
        sink.close()
        assert relay.post("/v1/traces", BODY, PROTOBUF)[0] == 503
        sink = HttpSink(sink.port)
        assert relay.post("/v1/traces", BODY, PROTOBUF)[0] == 200
        assert sink.bodies("traces") == [BODY]
    finally:
        sink.close()
        relay.close()


def test_several_backends_get_the_same_and_the_worst_answer_counts(http_sink: HttpSink, grpc_sink: GrpcSink) -> None:
    over_http, over_grpc = Endpoint(http_sink.url), Endpoint(grpc_sink.url)
    relay = Relay(targets={"traces": [over_http, over_grpc], "logs": [over_http]})
    try:
        assert relay.post("/v1/traces", BODY, PROTOBUF)[0] == 200
        assert relay.post("/v1/logs", BODY, PROTOBUF)[0] == 200
        assert relay.post("/v1/metrics", BODY, PROTOBUF)[0] == 200, "with no forward for a signal it ends here"
        assert (http_sink.bodies("traces"), grpc_sink.bodies("traces")) == ([BODY], [BODY])
        assert (http_sink.bodies("logs"), grpc_sink.bodies("logs")) == ([BODY], [])
        http_sink.status = 400
        assert relay.post("/v1/traces", BODY, PROTOBUF)[0] == 400
        grpc_sink.code = grpc.StatusCode.UNAVAILABLE
        assert relay.post("/v1/traces", BODY, PROTOBUF)[0] == 503, "worth repeating for one of them"
    finally:
        relay.close()


@pytest.mark.parametrize(
    "url",
    ["ftp://host", "localhost:4317", "http://", "grpc://host/v1/traces", "http://host:0", "http://host:99999", ""],
)
def test_a_url_that_cannot_be_sent_to_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected|names no|not a URL"):
        checked(Endpoint(url))


def test_a_base_url_gets_the_signal_s_path() -> None:
    assert Endpoint("http://host:4318").request_url(TRACES) == "http://host:4318/v1/traces"
    assert Endpoint("http://host/otlp/").request_url(LOGS) == "http://host/otlp/v1/logs"
    assert Endpoint("http://host/v1/traces").request_url(TRACES) == "http://host/v1/traces"
