"""The whole collector as a process: foreign telemetry passes through it, ours becomes facts, metrics and spans."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.cli.commands import Shell
from tests.collector.otlp import SECOND, a_cycle, cycle_attributes, log, logs, ours, span, traces
from tests.collector.process import Collect, eventually
from tests.collector.sinks import SERVICES, GrpcSink, HttpSink, Sink

from cycletrace import conventions as c

Start = Callable[..., Collect]

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
    assert collector.total("cycletrace_headline_n", window="7d", scope="all") == 1
    assert collector.total("cycletrace_headline_median_seconds", window="90d", scope="all") == 3600

    sent = eventually(lambda: http_sink.bodies("traces"), lambda seen: len(seen) == 2)
    (derived,) = (one for one in sent if one != body)
    assert body in sent, "forwarded as it came; without a grace either may be there first"
    request = ExportTraceServiceRequest.FromString(derived)
    spans = {one.name: one for resource in request.resource_spans for one in resource.scope_spans[0].spans}
    assert set(spans) == {"cycle churn@7", "cycle.complete"}, "the wait was sent by its sender"
    root = spans["cycle churn@7"]
    cycle_id = c.cycle_id("", "churn@7")
    assert (root.trace_id.hex(), root.span_id.hex()) == (cycle_id, c.root_span_id(cycle_id))
    assert root.end_time_unix_nano - root.start_time_unix_nano == 3600 * SECOND + c.SHORT_NS

    def exported() -> list[Any]:
        return [
            metric
            for received in http_sink.bodies("metrics")
            for metric in ExportMetricsServiceRequest.FromString(received).resource_metrics[0].scope_metrics[0].metrics
            if metric.name == c.CYCLE_DURATION and metric.histogram.data_points[0].count == 1
        ]

    (*_, metric) = eventually(exported)
    assert metric.histogram.data_points[0].sum == 3600
    assert metric.histogram.data_points[0].exemplars[0].trace_id.hex() == cycle_id


def test_events_show_what_is_open(collect: Start) -> None:
    collector = collect()
    now = time.time_ns()
    started = log(c.STAGE_STARTED, ours("churn@8", stage__id="s", stage__name="train"), time=now - 60 * SECOND)
    assert collector.call("logs", logs([started]).SerializeToString()) == b""
    assert eventually(lambda: collector.total("cycletrace_cycle_open", model_name="churn")) == 1
    assert collector.total("cycletrace_stage_active", stage_name="train", stage_kind="train") == 1
    assert 60 <= collector.total("cycletrace_cycle_oldest_age_seconds") < 120
    close = span("close", ours("churn@8", cycle__outcome="abandoned"), now, now)
    assert collector.post("traces", traces([close]).SerializeToString()) == 200
    assert eventually(lambda: collector.total("cycletrace_cycle_open"), lambda seen: seen == 0) == 0
    assert collector.total("cycletrace_stage_active") == 0


def test_nothing_is_exported_before_the_grace_is_over(collect: Start) -> None:
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
    assert {name for name in changed if not name.startswith(("cycletrace_headline", "cycletrace_collector"))} == {
        "cycletrace_record_late_total",
        "cycletrace_cycle_rolled_back_total",
    }
    (facts,) = collector.facts()
    assert (facts["outcome"], facts["cycle_time_ns"]) == ("rolled_back", 7200 * SECOND)


def test_commands_of_its_machine_leave_the_folding_to_it(collect: Start, tmp_path: Path) -> None:
    """They read journals into its store and show the facts, but leave revisions to the collector."""
    shell = Shell(tmp_path)
    collector = collect("--grace", "0", store=shell.state / "store.db")
    collector.post("traces", traces(a_cycle("churn@7", time.time_ns() - 3 * 3600 * SECOND)).SerializeToString())
    assert eventually(lambda: collector.total("cycletrace_cycle_completed_total")) == 1
    assert shell.run("close", "rolled_back", "--cycle", "churn@7").code == 0
    assert [one["outcome"] for one in shell.facts()] == ["rolled_back"]
    assert eventually(lambda: collector.total("cycletrace_cycle_rolled_back_total")) == 1
    assert collector.total("cycletrace_record_late_total") == 1
    assert [one["facts"]["outcome"] for one in collector.facts("--revisions")] == ["rolled_back"]
    assert [one["outcome"] for one in collector.facts("--as-observed")] == ["in_use"]


def test_one_bad_record_is_put_aside_the_rest_is_taken_and_all_is_forwarded(
    collect: Start, http_sink: HttpSink
) -> None:
    collector = collect("--forward", http_sink.url)
    start = time.time_ns() - 3 * 3600 * SECOND
    wrong = span("x", {c.CYCLE_ID: "no", c.MARK_NAME: "in_use"}, start, start)
    body = traces([wrong, *a_cycle("churn@7", start), span("GET", {}, start, start)]).SerializeToString()
    for _ in range(2):  # the repetition is not counted again
        assert collector.post("traces", body) == 200
    assert b"is not 32 hex digits" in collector.answer
    assert http_sink.bodies("traces") == [body, body]
    assert [facts["outcome"] for facts in collector.facts()] == ["in_use"]
    assert eventually(lambda: collector.total("cycletrace_record_rejected_total")) == 1


def test_a_number_that_is_too_large_costs_its_record_alone(collect: Start, grpc_sink: GrpcSink) -> None:
    collector = collect("--forward", grpc_sink.url)
    start = time.time_ns() - 3 * 3600 * SECOND
    good = json_format.MessageToDict(traces(a_cycle("churn@7", start)))
    spans = good["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for one in spans:
        one["traceId"] = one["spanId"] = "ab" * 8
    wrong = {**spans[0], "startTimeUnixNano": "NUMBER"}
    endless = {**spans[0], "attributes": [*spans[0]["attributes"], {"key": "lr", "value": {"doubleValue": "NUMBER"}}]}
    foreign = {"name": "GET", "attributes": [{"key": "x", "value": {"doubleValue": "NUMBER"}}]}
    spans += [wrong, endless, foreign]
    for number in ("1e400", "9" * 5000):
        body = json.dumps(good).replace('"NUMBER"', number).encode()
        assert collector.post("traces", body, "application/json") == 200
        assert json.loads(collector.answer)["partialSuccess"]["rejectedSpans"] == "2"
    assert [facts["outcome"] for facts in collector.facts()] == ["in_use"]
    (resource,) = ExportTraceServiceRequest.FromString(grpc_sink.bodies("traces")[0]).resource_spans
    assert [one.name for one in resource.scope_spans[0].spans][-2:] == ["train", "GET"]


@pytest.mark.parametrize("forwarded", [True, False])
def test_what_is_malformed_is_rejected_and_harms_nobody(collect: Start, http_sink: HttpSink, forwarded: bool) -> None:
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


def test_the_headline_is_the_report_s(collect: Start) -> None:
    collector = collect("--grace", "0", "--target", "training:20m")
    for number in range(9):
        start = time.time_ns() - (5 + 4 * number) * 86400 * SECOND
        body = traces(a_cycle(f"churn@{number}", start + number * 7 * SECOND)).SerializeToString()
        assert collector.post("traces", body) == 200
    eventually(lambda: collector.total("cycletrace_headline_n", window="90d", scope="all"), lambda seen: seen == 9)
    for window in ("7d", "30d", "90d"):
        command = [sys.executable, "-m", "cycletrace", "report", "--store", str(collector.store), "--json"]
        done = subprocess.run([*command, "--window", window], check=True, capture_output=True, timeout=60)
        report = json.loads(done.stdout)
        assert report["target"]["part"] == "training", "the store keeps the target"
        median, attainment = report["headline"]["median"], report["attainment"]
        assert collector.total("cycletrace_headline_n", window=window, scope="all") == median["n"] > 0
        assert (
            collector.total("cycletrace_headline_median_seconds", window=window, scope="all")
            == median["value_ns"] / SECOND
        )
        assert (
            collector.total("cycletrace_headline_attainment_ratio", window=window, scope="all") == attainment["value"]
        )


def test_the_headline_has_a_scope(collect: Start) -> None:
    """Teams are never pooled but where all are meant, and the team without a name is not all teams."""
    collector = collect("--grace", "0")
    hours = {("ads", "churn"): 5, ("ads", "risk"): 7, ("crm", "churn"): 9, ("", "churn"): 1}
    for (namespace, model), length in hours.items():
        start = time.time_ns() - 2 * 86400 * SECOND
        end = start + length * 3600 * SECOND
        attributes = cycle_attributes(f"{model}@1", namespace)
        stage = span("train", {**attributes, c.STAGE_ID: "a", c.STAGE_NAME: "train"}, start, end)
        used = span("mark in_use", {**attributes, c.MARK_NAME: "in_use"}, end, end)
        assert collector.post("traces", traces([stage, used], namespace).SerializeToString()) == 200
    eventually(lambda: collector.total("cycletrace_headline_n", window="90d", scope="all"), lambda seen: seen == 4)
    found = {
        (labels["cycletrace_scope"], labels.get("service_namespace"), labels.get("cycletrace_model_name")): value / 3600
        for (name, pairs), value in collector.metrics().items()
        for labels in [dict(pairs)]
        if name == "cycletrace_headline_median_seconds" and labels["cycletrace_headline_window"] == "7d"
    }
    assert found == {
        ("all", None, None): 6,
        ("namespace", "ads", None): 6,
        ("namespace", "crm", None): 9,
        ("namespace", None, None): 1,
        ("model", "ads", "churn"): 5,
        ("model", "ads", "risk"): 7,
        ("model", "crm", "churn"): 9,
        ("model", None, "churn"): 1,
    }


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
        attributes = {**cycle_attributes("churn@1", team), c.MARK_NAME: "in_use"}
        collector.post("traces", traces([span("m", attributes, start, start)], team).SerializeToString())
    assert [(one["namespace"], one["key"]) for one in sorted(collector.facts(), key=lambda one: one["namespace"])] == [
        ("a", "churn@1"),
        ("b", "churn@1"),
    ]


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
