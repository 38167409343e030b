"""``collect --rules``: spans of other programs become records, and go on as they came."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from tests.collector.fuzz import damaged
from tests.collector.otlp import key_values, ours, traces
from tests.collector.otlp import span as our_span
from tests.collector.process import Collect, eventually
from tests.collector.sinks import GrpcSink, HttpSink
from tests.collector.test_access import add_token, call, post
from tests.collector.test_start import refused_here
from tests.rules import payloads
from tests.rules.payloads import MINUTE, PIPELINE, REVISION, START

from cycletrace import conventions as c
from cycletrace._internal.collector.reading import may_hold_records, read
from cycletrace._internal.otlp.signals import LOGS, TRACES, Encoding, Request
from cycletrace._internal.rules import load

Start = Callable[..., Collect]
KEY = f"churn@{REVISION}"
TRACE = "5b8efff798038103d269b633813fc60c"


def task(number: int, name: str, result: str = "success") -> Span:
    """The same span as that of :func:`payloads.task`, in protobuf."""
    attributes = {
        "cicd.pipeline.task.name": name,
        "cicd.pipeline.task.run.id": str(12_096 + number),
        "cicd.pipeline.task.run.result": result,
        "cicd.pipeline.task.run.url.full": f"https://ci.example/run/7/job/{number}",
    }
    return Span(
        trace_id=bytes.fromhex(TRACE),
        span_id=number.to_bytes(8, "big"),
        name=name,
        kind=Span.SpanKind.SPAN_KIND_INTERNAL,
        start_time_unix_nano=START,
        end_time_unix_nano=START + 10 * MINUTE,
        attributes=key_values(attributes),
    )


def request(*spans: Span, namespace: str = "", vcs: bool = True) -> bytes:
    resource = {name: value for name, value in PIPELINE.items() if vcs or not name.startswith("vcs.")}
    if namespace:
        resource[c.SERVICE_NAMESPACE] = namespace
    scope = ScopeSpans(scope=InstrumentationScope(name="somebody"), spans=spans)
    whole = ResourceSpans(resource=Resource(attributes=key_values(resource)), scope_spans=[scope])
    body: bytes = ExportTraceServiceRequest(resource_spans=[whole]).SerializeToString()
    return body


def query() -> Span:
    """A span that no rule means."""
    attributes = key_values({"db.system": "postgresql"})
    return Span(trace_id=bytes(range(16)), span_id=bytes(range(8)), name="SELECT", attributes=attributes)


def test_protobuf_and_json_make_the_same_records() -> None:
    rules = load("cicd")
    in_json = payloads.request(payloads.task("train", "success", 1), resource=PIPELINE)
    in_protobuf = request(query(), task(1, "train"))
    one = read(Request(TRACES, Encoding.JSON, in_json), rules)
    other = read(Request(TRACES, Encoding.PROTOBUF, in_protobuf), rules)
    assert one == other
    assert len(one.records) == 1


def test_spans_of_cycletrace_need_no_rules(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('[[rule]]\nwhere = { "span.name" = true }\ncycle = "x"\nwait = "human"\n')
    spans = [
        our_span("train", ours("churn@7", stage__id="a", stage__name="train"), START, START + MINUTE),
        our_span("cycle churn@7", {**ours("churn@7"), c.DERIVED: True}, START, START + MINUTE),
    ]
    body = traces(spans).SerializeToString()
    for rules in (load(str(file)), ()):
        extracted = read(Request(TRACES, Encoding.PROTOBUF, body), rules)
        assert [record.origin.key for record in extracted.records] == ["churn@7"]
        assert extracted.invalid == []
    mentioned = our_span("other", {"note": "cycletrace. is mentioned"}, START, START + MINUTE)
    extracted = read(Request(TRACES, Encoding.PROTOBUF, traces([mentioned]).SerializeToString()), load(str(file)))
    assert [record.origin.key for record in extracted.records] == ["x"]


def test_requests_that_no_rule_means_are_not_parsed() -> None:
    rules = load("cicd")
    for request_body, held in ((request(query()), False), (request(task(1, "train")), True)):
        whole = Request(TRACES, Encoding.PROTOBUF, request_body)
        assert may_hold_records(whole, rules) is held
        assert not may_hold_records(whole)
        assert not may_hold_records(whole._replace(signal=LOGS), rules)


def test_a_damaged_request_costs_nothing_but_itself(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        '[[rule]]\nwhere = { "cycletrace" = false }\ncycle = "{span.name}@1"\nstage = { name = "{span.name}" }\n'
    )
    rules = load(str(file))
    made = 0
    for number in range(3000):
        with contextlib.suppress(ValueError):
            made += len(read(damaged(1, number), rules).records)
    assert made


def test_spans_of_others_become_stages_and_go_on_unchanged(
    collect: Start, http_sink: HttpSink, grpc_sink: GrpcSink
) -> None:
    sinks = ["--forward", f"traces={http_sink.url}", "--forward", f"traces={grpc_sink.url}"]
    collector = collect("--rules", "cicd", *sinks)
    over_http, over_grpc = request(query(), task(1, "train")), request(task(2, "deploy", "failure"))
    assert post(collector, over_http) == 200
    assert call(collector, over_grpc) is grpc.StatusCode.OK
    assert http_sink.bodies("traces") == grpc_sink.bodies("traces") == [over_http, over_grpc]
    (facts,) = eventually(collector.facts)
    assert (facts["key"], facts["model"], facts["namespace"]) == (KEY, "churn", "")
    stages = {stage["name"]: stage for stage in facts["stages"]}
    assert {name: stage["outcome"] for name, stage in stages.items()} == {"train": "ok", "deploy": "error"}
    assert stages["train"]["launch"] == "ci"


def test_a_span_that_is_sent_again_changes_nothing(collect: Start) -> None:
    collector = collect("--rules", "cicd")
    body = request(task(1, "train"))
    assert post(collector, body) == 200
    a_day_later = str(START + 86_400 * 10**9)
    facts = eventually(lambda: collector.facts("--at", a_day_later))
    in_json = payloads.request(payloads.task("train", "success", 1), resource=PIPELINE)
    assert post(collector, body) == 200
    assert call(collector, body) is grpc.StatusCode.OK
    assert collector.post("traces", in_json, "application/json") == 200
    assert collector.facts("--at", a_day_later) == facts
    assert len(facts[0]["stages"]) == 1


def test_without_rules_spans_of_others_are_only_forwarded(collect: Start, http_sink: HttpSink) -> None:
    collector = collect("--forward", f"traces={http_sink.url}")
    body = request(task(1, "train"))
    assert post(collector, body) == 200
    assert http_sink.bodies("traces") == [body]
    assert collector.facts() == []


def test_a_span_that_lacks_the_key_is_set_aside_and_its_sender_sees_success(
    collect: Start, http_sink: HttpSink
) -> None:
    collector = collect("--rules", "cicd", "--forward", f"traces={http_sink.url}")
    body = request(task(1, "train"), vcs=False)
    for _ in range(2):
        assert post(collector, body) == 200
        assert collector.answer == b""
    assert http_sink.bodies("traces") == [body, body]
    assert collector.facts() == []
    assert eventually(lambda: collector.total("cycletrace_record_rejected_total")) == 1
    reason = "cicd, rule 5 (a task): the attribute vcs.repository.name is missing"
    assert any(reason in line for line in eventually(lambda: collector.output))


def test_a_token_makes_no_records_of_another_namespace(collect: Start, tmp_path: Path, http_sink: HttpSink) -> None:
    tokens = tmp_path / "tokens.toml"
    team = f"Bearer {add_token(tokens, 'team', '--namespace', 'churn')}"
    collector = collect("--rules", "cicd", "--tokens", str(tokens), "--forward", f"traces={http_sink.url}")
    for namespace, status, code in (
        ("churn", 200, grpc.StatusCode.OK),
        ("fraud", 403, grpc.StatusCode.PERMISSION_DENIED),
        ("", 403, grpc.StatusCode.PERMISSION_DENIED),
    ):
        body = request(task(1, "train"), namespace=namespace)
        assert post(collector, body, team) == status
        assert call(collector, body, team) is code
    assert post(collector, request(query()), team) == 200
    assert [facts["namespace"] for facts in eventually(collector.facts)] == ["churn"]
    assert len(http_sink.received) == 3


def test_rules_stand_in_the_options_file_too(collect: Start, tmp_path: Path) -> None:
    own, config = tmp_path / "own.toml", tmp_path / "collect.toml"
    own.write_text('[[rule]]\nwhere = { "cicd.pipeline.task.name" = "*train*" }\ncycle = "own@1"\nmark = "trained"\n')
    config.write_text(f"rules = {json.dumps([str(own), 'cicd'])}")
    collector = collect("--config", str(config))
    assert post(collector, request(task(1, "train"), task(2, "test"))) == 200
    facts = {one["key"]: one for one in eventually(collector.facts, lambda facts: len(facts) == 2)}
    assert facts["own@1"]["marks"]["trained"] == START + 10 * MINUTE
    assert [stage["name"] for stage in facts[KEY]["stages"]] == ["test"]
    assert any(line.split() == ["rules", "7", "for", "spans", "of", "other", "programs"] for line in collector.output)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory. Name a file, or one of airflow, cicd."),
        (
            '[[rule]]\nname = "x"\nwhere = { a = true }',
            "rule 1 (x): expected exactly one of stage, wait, mark, ignore.",
        ),
    ],
)
def test_rules_that_cannot_be_used_are_an_invalid_option(tmp_path: Path, content: str | None, sentence: str) -> None:
    file = tmp_path / "own.toml"
    if content is not None:
        file.write_text(content)
    result = refused_here("--store", str(tmp_path / "store.db"), "--rules", str(file))
    assert result.returncode == 2
    assert sentence in result.stderr
    assert str(file) in result.stderr
