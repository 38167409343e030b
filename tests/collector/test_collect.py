"""The whole collector as a process: foreign telemetry passes through it, ours becomes facts, metrics and spans."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collector.otlp import Value, cycle_attributes, log, logs, span, traces
from tests.collector.process import Collect, eventually
from tests.collector.sinks import SERVICES, GrpcSink, HttpSink, Sink

from cycletrace import conventions as words

Start = Callable[..., Collect]
SECOND = 1_000_000_000

SDK_PROGRAM = textwrap.dedent("""
    import logging, sys
    from importlib import import_module
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    kind, endpoint = sys.argv[1:]
    package = f"opentelemetry.exporter.otlp.proto.{kind}"
    def exporter(name, signal):
        made = getattr(import_module(f"{package}.{name}"), f"OTLP{signal}Exporter")
        return made(endpoint=endpoint) if kind == "grpc" else made(endpoint=f"{endpoint}/v1/{signal_path[signal]}")
    signal_path = {"Span": "traces", "Metric": "metrics", "Log": "logs"}

    tracing = TracerProvider()
    tracing.add_span_processor(BatchSpanProcessor(exporter("trace_exporter", "Span")))
    with tracing.get_tracer("t").start_as_current_span("outer") as outer:
        outer.set_attribute("numbers", [1, 2, 3])
        with tracing.get_tracer("t").start_as_current_span("inner"):
            pass
    metering = MeterProvider([PeriodicExportingMetricReader(exporter("metric_exporter", "Metric"))])
    metering.get_meter("m").create_counter("c").add(3)
    logger = LoggerProvider()
    logger.add_log_record_processor(BatchLogRecordProcessor(exporter("_log_exporter", "Log")))
    logging.getLogger().addHandler(LoggingHandler(logger_provider=logger))
    logging.getLogger().warning("careful")
    for provider in (tracing, metering, logger):
        provider.shutdown()
""")


@pytest.mark.parametrize("kind", ["grpc", "http"])
@pytest.mark.parametrize("backend", ["grpc", "http"])
def test_a_program_that_knows_nothing_of_cycletrace_sends_through_it(
    collect: Start, http_sink: HttpSink, grpc_sink: GrpcSink, kind: str, backend: str
) -> None:
    sink: Sink = http_sink if backend == "http" else grpc_sink
    url = http_sink.url if backend == "http" else grpc_sink.url
    collector = collect("--forward", url)
    endpoint = (
        f"http://127.0.0.1:{collector.http_port}" if kind == "http" else f"http://127.0.0.1:{collector.grpc_port}"
    )
    subprocess.run([sys.executable, "-c", SDK_PROGRAM, kind, endpoint], check=True, timeout=60)
    requests = {signal: sink.bodies(signal) for signal in SERVICES}
    assert all(requests.values())
    spans = [
        one.name
        for body in requests["traces"]
        for one in ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans
    ]
    assert sorted(spans) == ["inner", "outer"]
    for signal, bodies in requests.items():  # what the exporter wrote is what any other server gets of it
        for body in bodies:
            collector.call(signal, body)
            collector.post(signal, body)
    assert {signal: sink.bodies(signal) for signal in SERVICES} == {
        signal: bodies + [body for body in bodies for _ in range(2)] for signal, bodies in requests.items()
    }
    logged = ExportLogsServiceRequest.FromString(requests["logs"][0])
    assert logged.resource_logs[0].scope_logs[0].log_records[0].body.string_value == "careful"
    metered = ExportMetricsServiceRequest.FromString(requests["metrics"][0])
    assert metered.resource_metrics[0].scope_metrics[0].metrics[0].name == "c"


def ours(key: str, **more: Value) -> dict[str, Value]:
    return {**cycle_attributes(key), **{words.PREFIX + name.replace("__", "."): value for name, value in more.items()}}


def a_cycle(key: str, start: int) -> list[Any]:
    """A cycle of an hour: trained, selected by hand, deployed, with a wait, in use."""
    minute = 60 * SECOND

    def stage(stage_id: str, name: str, begin: int, end: int, **more: Value) -> Any:
        attributes = ours(key, stage__id=stage_id, stage__name=name, **more)
        return span(name, attributes, start + begin * minute, start + end * minute)

    return [
        stage("a" * 16, "train", 0, 30),
        span(
            "wait compute",
            ours(key, wait__id="b" * 16, wait__reason="compute", stage__id="a" * 16),
            start + 5 * minute,
            start + 10 * minute,
        ),
        stage("c" * 16, "select", 35, 40, actor__type="human"),
        stage("d" * 16, "deploy", 45, 50),
        span("mark in_use", ours(key, mark__name="in_use"), start + 60 * minute, start + 60 * minute),
    ]


def test_a_cycle_becomes_facts_metrics_and_derived_spans(collect: Start, http_sink: HttpSink) -> None:
    collector = collect(
        "--forward", f"traces={http_sink.url}", "--metrics-to", http_sink.url, "--interval", "0.2", "--grace", "0"
    )
    start = time.time_ns() - 3 * 3600 * SECOND
    body = traces(a_cycle("churn@7", start)).SerializeToString()
    assert collector.post("traces", body) == 200

    count = "cycletrace_cycle_completed_total"
    assert eventually(lambda: collector.total(count), lambda seen: seen == 1) == 1
    (facts,) = collector.facts()
    assert (facts["key"], facts["outcome"], facts["cycle_time_ns"]) == ("churn@7", "in_use", 3600 * SECOND)
    assert collector.total("cycletrace_cycle_duration_seconds_sum") == 3600
    assert collector.total("cycletrace_cycle_activity_seconds_total", activity="wait.compute") == 300
    assert collector.total("cycletrace_cycle_activity_seconds_total", activity="work.human") == 300
    assert collector.total("cycletrace_cycle_part_duration_seconds_sum", part="training") == 1800
    assert collector.total("cycletrace_stage_duration_seconds_count", manual="true") == 1
    assert collector.total(count, within_target="false", outcome="in_use") == 1
    assert collector.total("cycletrace_headline_n", window="7d") == 1
    assert collector.total("cycletrace_headline_median_seconds", window="90d") == 3600

    first, derived = eventually(lambda: http_sink.bodies("traces"), lambda seen: len(seen) == 2)
    assert first == body, "forwarded as it came"
    request = ExportTraceServiceRequest.FromString(derived)
    spans = {one.name: one for one in request.resource_spans[0].scope_spans[0].spans}
    assert set(spans) == {"cycle churn@7", "cycle.complete"}, "the wait was sent by its sender"
    root = spans["cycle churn@7"]
    cycle_id = words.cycle_id("", "churn@7")
    assert (root.trace_id.hex(), root.span_id.hex()) == (cycle_id, words.root_span_id(cycle_id))
    assert root.end_time_unix_nano - root.start_time_unix_nano == 3600 * SECOND

    def told() -> list[Any]:
        return [
            metric
            for received in http_sink.bodies("metrics")
            for metric in ExportMetricsServiceRequest.FromString(received).resource_metrics[0].scope_metrics[0].metrics
            if metric.name == words.CYCLE_DURATION and metric.histogram.data_points[0].count == 1
        ]

    (*_, metric) = eventually(told)
    assert metric.histogram.data_points[0].sum == 3600
    assert metric.histogram.data_points[0].exemplars[0].trace_id.hex() == cycle_id


def test_events_show_what_is_open(collect: Start) -> None:
    collector = collect()
    now = time.time_ns()
    started = log(words.STAGE_STARTED, ours("churn@8", stage__id="s", stage__name="train"), time=now - 60 * SECOND)
    assert collector.call("logs", logs([started]).SerializeToString()) == b""
    assert eventually(lambda: collector.total("cycletrace_cycle_open", model_name="churn")) == 1
    assert collector.total("cycletrace_stage_active", stage_name="train", stage_kind="train") == 1
    assert 60 <= collector.total("cycletrace_cycle_oldest_age_seconds") < 120
    close = span("close", ours("churn@8", cycle__outcome="abandoned"), now, now)
    assert collector.post("traces", traces([close]).SerializeToString()) == 200
    assert eventually(lambda: collector.total("cycletrace_cycle_open"), lambda seen: seen == 0) == 0
    assert collector.total("cycletrace_stage_active") == 0


def test_nothing_is_told_before_the_grace_is_over(collect: Start) -> None:
    collector = collect("--grace", "1h")
    start = time.time_ns() - 3 * 3600 * SECOND
    collector.post("traces", traces(a_cycle("churn@7", start)).SerializeToString())
    zero = eventually(
        lambda: {name: value for (name, _), value in collector.metrics().items()},
        lambda seen: "cycletrace_cycle_completed_total" in seen,
    )
    assert zero["cycletrace_cycle_completed_total"] == 0, "but its series begin, at zero"
    assert zero["cycletrace_cycle_duration_seconds_count"] == 0


def test_a_later_record_revises_facts_and_is_counted_but_not_observed_again(collect: Start) -> None:
    collector = collect("--grace", "0")
    start = time.time_ns() - 3 * 3600 * SECOND
    collector.post("traces", traces(a_cycle("churn@7", start)).SerializeToString())
    eventually(lambda: collector.total("cycletrace_cycle_completed_total"))
    before = collector.metrics()
    late = [
        span("mark started", ours("churn@7", mark__name="started"), start - 3600 * SECOND, start),
        span("close", ours("churn@7", cycle__outcome="rolled_back"), start + 7200 * SECOND, start + 7200 * SECOND),
    ]
    for _ in range(3):  # twice repeated, which changes nothing
        assert collector.post("traces", traces(late).SerializeToString()) == 200
    assert eventually(lambda: collector.total("cycletrace_record_late_total"), lambda seen: seen == 2) == 2
    assert collector.total("cycletrace_cycle_rolled_back_total") == 1
    changed = {name for (name, labels), value in collector.metrics().items() if before.get((name, labels)) != value}
    assert {name for name in changed if "headline" not in name} == {
        "cycletrace_record_late_total",
        "cycletrace_cycle_rolled_back_total",
    }
    (facts,) = collector.facts()
    assert (facts["outcome"], facts["cycle_time_ns"]) == ("rolled_back", 7200 * SECOND)


def test_one_bad_record_is_put_aside_the_rest_is_taken_and_all_is_forwarded(
    collect: Start, http_sink: HttpSink
) -> None:
    collector = collect("--forward", http_sink.url)
    start = time.time_ns() - 3 * 3600 * SECOND
    wrong = span("x", {words.CYCLE_ID: "no", words.MARK_NAME: "in_use"}, start, start)
    body = traces([wrong, *a_cycle("churn@7", start), span("GET", {}, start, start)]).SerializeToString()
    for _ in range(2):  # the repetition is not counted again
        assert collector.post("traces", body) == 200
    assert b"is not 32 hex digits" in collector.answer
    assert http_sink.bodies("traces") == [body, body]
    assert [facts["outcome"] for facts in collector.facts()] == ["in_use"]
    assert eventually(lambda: collector.total("cycletrace_record_rejected_total")) == 1


@pytest.mark.parametrize("forwarded", [True, False])
def test_what_is_malformed_is_told_so_and_harms_nobody(collect: Start, http_sink: HttpSink, forwarded: bool) -> None:
    collector = collect(*(["--forward", http_sink.url] if forwarded else []))
    assert collector.post("traces", b"\x0a\xffcycletrace.") == 400
    assert collector.post("traces", b"[]", "application/json") == (200 if forwarded else 400)
    assert collector.post("logs", b'{"resourceLogs": "cycletrace."}', "application/json") == 400
    assert collector.post("traces", b"\x0a\xff") == (200 if forwarded else 400), (
        "the backend's to judge, where there is one"
    )
    assert collector.get("/readyz") == (200, "ready\n")


def test_a_backend_that_is_down_asks_to_repeat_and_what_was_stored_stays(collect: Start) -> None:
    sink = HttpSink()
    sink.close()
    collector = collect("--forward", sink.url)
    body = traces(a_cycle("churn@7", time.time_ns() - 3 * 3600 * SECOND)).SerializeToString()
    assert collector.post("traces", body) == 503
    assert len(collector.facts()) == 1
    again = HttpSink(sink.port)
    try:
        assert collector.post("traces", body) == 200
        assert again.bodies("traces") == [body]
        assert len(collector.facts()) == 1
    finally:
        again.close()


def test_it_ends_in_order_within_seconds(collect: Start, http_sink: HttpSink) -> None:
    collector = collect("--metrics-to", http_sink.url, "--interval", "1h", "--grace", "0")
    collector.post("traces", traces(a_cycle("churn@7", time.time_ns() - 3 * 3600 * SECOND)).SerializeToString())
    assert collector.stop() == 0
    (body,) = http_sink.bodies("metrics")
    names = [m.name for m in ExportMetricsServiceRequest.FromString(body).resource_metrics[0].scope_metrics[0].metrics]
    assert words.CYCLE_COMPLETED in names, "told before it ended"
    assert not any("Traceback" in line for line in collector.output)


def test_a_backend_that_hangs_does_not_hold_up_the_end(collect: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        collector = collect("--forward", f"http://127.0.0.1:{silent.getsockname()[1]}")
        body = traces([span("GET", {}, 1, 2)]).SerializeToString()

        def send() -> None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                collector.post("traces", body)

        sender = threading.Thread(target=send)
        sender.start()
        silent.accept()
        began = time.monotonic()
        assert collector.stop() == 0
        assert time.monotonic() - began < 5
        sender.join()


def test_the_headline_is_the_report_s(collect: Start) -> None:
    collector = collect("--grace", "0", "--target", "training:20m")
    for number in range(9):
        start = time.time_ns() - (5 + 4 * number) * 86400 * SECOND
        body = traces(a_cycle(f"churn@{number}", start + number * 7 * SECOND)).SerializeToString()
        assert collector.post("traces", body) == 200
    eventually(lambda: collector.total("cycletrace_headline_n", window="90d"), lambda seen: seen == 9)
    for window in ("7d", "30d", "90d"):
        command = [sys.executable, "-m", "cycletrace", "report", "--store", str(collector.store), "--json"]
        done = subprocess.run(
            [*command, "--window", window, "--target", "training:20m"], check=True, capture_output=True, timeout=60
        )
        report = json.loads(done.stdout)
        median, attainment = report["headline"]["median"], report["attainment"]
        assert collector.total("cycletrace_headline_n", window=window) == median["n"] > 0
        assert collector.total("cycletrace_headline_median_seconds", window=window) == median["value_ns"] / SECOND
        assert collector.total("cycletrace_headline_attainment_ratio", window=window) == attainment["value"]


def test_the_prometheus_format_is_negotiated(collect: Start) -> None:
    collector = collect()
    _, text = collector.get("/metrics", port="prometheus")
    assert "# EOF" not in text
    assert "# TYPE cycletrace_record_late_total counter" in text
    assert "cycletrace_record_late_total 0" in text, "what has no labels starts at zero"
    _, opened = collector.get("/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"}, "prometheus")
    assert opened.endswith("# EOF\n")
    assert collector.get("/other", port="prometheus")[0] == 404


def test_namespaces_keep_teams_apart(collect: Start) -> None:
    collector = collect()
    start = time.time_ns() - 3 * 3600 * SECOND
    for team in ("a", "b"):
        attributes = {**cycle_attributes("churn@1", team), words.MARK_NAME: "in_use"}
        collector.post("traces", traces([span("m", attributes, start, start)], team).SerializeToString())
    assert [(one["namespace"], one["key"]) for one in sorted(collector.facts(), key=lambda one: one["namespace"])] == [
        ("a", "churn@1"),
        ("b", "churn@1"),
    ]


def refused(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cycletrace", "collect", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--forward", "ftp://host"], "expected a URL that begins with"),
        (["--forward", "tracks=http://host"], "expected one of traces, logs, metrics"),
        (["--forward", "http://127.0.0.1:4318"], "would go round for ever"),
        (["--forward", "grpc://localhost:4317"], "would go round for ever"),
        (["--metrics-to", "http://localhost:4318"], "would go round for ever"),
        (["--store", "/dev/null/store.db"], "store"),
        (["--store", __file__], "is no store of cycletrace"),
        (["--grpc", "here"], "expected HOST:PORT"),
        (["--interval", "soon"], "expected a length"),
        (["--target", "flight:2h"], "no target"),
        (["--label-limit", "1"], "expected a whole number of at least 2"),
        (["--max-body", "16 parsecs"], "expected a size"),
        (["--config", "/nowhere.toml"], "cannot be read"),
        (["--forward-certificate", "/nowhere.pem"], "there is no file"),
    ],
)
def test_wrong_options_are_told_in_one_sentence(tmp_path: Path, options: list[str], sentence: str) -> None:
    store = [] if "--store" in options else ["--store", str(tmp_path / "store.db")]
    done = refused(*store, *options)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_busy_port_is_told_in_one_sentence(collect: Start, tmp_path: Path) -> None:
    collector = collect()
    for option, port in (("--grpc", collector.grpc_port), ("--http", collector.http_port)):
        other = "--http" if option == "--grpc" else "--grpc"
        arguments = [option, f"127.0.0.1:{port}", other, "127.0.0.1:0", "--store", str(tmp_path / "other.db")]
        done = refused(*arguments)
        assert done.returncode == 2
        assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_file_says_the_same_as_the_command_line(collect: Start, http_sink: HttpSink, tmp_path: Path) -> None:
    config = tmp_path / "collect.toml"
    config.write_text(
        f"""
        grace = 0
        label_limit = 3
        [[forward]]
        url = "{http_sink.url}"
        signals = ["logs"]
        headers = {{ Authorization = "secret" }}
        timeout = "2s"
        """
    )
    collector = collect("--config", str(config))
    collector.post("logs", b"")
    collector.post("traces", b"")
    assert [(one.signal, one.headers["authorization"]) for one in http_sink.received] == [("logs", "secret")]
    start = time.time_ns() - 3 * 3600 * SECOND
    for model in range(5):
        body = traces(a_cycle(f"m{model}@1", start)).SerializeToString()
        collector.post("traces", body)
    done = "cycletrace_cycle_completed_total"
    assert eventually(lambda: collector.total(done), lambda seen: seen == 5) == 5
    assert collector.total(done, otel_metric_overflow="true") == 3
    assert sum("which is the limit" in line and words.CYCLE_COMPLETED in line for line in collector.output) == 1


def test_headers_may_come_from_the_environment(http_sink: HttpSink, tmp_path: Path) -> None:
    collector = Collect(
        tmp_path / "store.db",
        "--forward",
        http_sink.url,
        environment={"CYCLETRACE_FORWARD_HEADERS": "Authorization=Basic%20abc,x-tenant=us"},
    )
    try:
        collector.post("logs", b"")
        (received,) = http_sink.received
        assert (received.headers["authorization"], received.headers["x-tenant"]) == ("Basic abc", "us")
    finally:
        collector.kill()


def test_json_and_protobuf_make_the_same_facts(collect: Start) -> None:
    from google.protobuf import json_format

    collector = collect()
    message = traces(a_cycle("churn@7", time.time_ns() - 3 * 3600 * SECOND))
    text = json.dumps(json_format.MessageToDict(message)).encode()
    assert collector.post("traces", text, "application/json") == 200
    (by_json,) = collector.facts()
    assert collector.post("traces", message.SerializeToString()) == 200
    (by_both,) = collector.facts()
    assert by_json == by_both
