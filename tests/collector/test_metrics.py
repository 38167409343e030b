"""Metrics add up exactly, survive restarts, stay within their limit, and read the same in every format."""

from __future__ import annotations

import asyncio
import logging
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from cycletrace import conventions as c
from cycletrace._internal.collector import instruments
from cycletrace._internal.collector.completion import (
    Completion,
    apply_refolds,
    begin_record_counters,
    count_records,
    observe_closed,
)
from cycletrace._internal.collector.exposition import OPENMETRICS, TEXT, accepted, render
from cycletrace._internal.collector.instruments import (
    BOUNDS,
    ClosedCycles,
    Headline,
    Instrument,
    Kind,
    Observation,
    OpenCycles,
    Process,
    Records,
    instrument,
    observations,
    sorted_labels,
)
from cycletrace._internal.collector.metrics_export import MetricReader
from cycletrace._internal.collector.metrics_request import encode
from cycletrace._internal.collector.series import (
    OVERFLOWING,
    Accumulator,
    Exemplar,
    Metric,
    Point,
    cumulative_metrics,
    from_rows,
    to_rows,
)
from cycletrace._internal.collector.vitals import Vitals
from cycletrace._internal.flow import (
    Close,
    Mark,
    Record,
    RecordOrigin,
    Stage,
    Wait,
    facts_of,
)
from cycletrace._internal.flow.rules import SECOND
from cycletrace._internal.store import open_store

parse_text: Any = parser.text_string_to_metric_families
parse_openmetrics: Any = openmetrics_parser.text_string_to_metric_families

CYCLE_DURATION = instrument(c.CYCLE_DURATION)
CYCLE_ACTIVITY = instrument(c.CYCLE_ACTIVITY)
CYCLE_COMPLETED = instrument(c.CYCLE_COMPLETED)
MODEL = sorted_labels({c.MODEL_NAME: "churn", c.CYCLE_OUTCOME: "in_use"})
CYCLE = c.cycle_id("", "churn@7")
ROOT = c.root_span_id(CYCLE)


def seconds(value: int) -> Observation:
    return Observation(CYCLE_DURATION, MODEL, value)


def test_sums_are_exact_whatever_the_order() -> None:
    values = [1, 10**18 + 7, 3 * SECOND, 10**19 + 1]
    forwards, backwards = Accumulator(2000), Accumulator(2000)
    forwards.add(map(seconds, values), 5)
    backwards.add(map(seconds, reversed(values)), 5)
    forwards.keep()
    backwards.keep()
    assert forwards.series == backwards.series
    (series,) = forwards.series.values()
    assert series.total == sum(values)
    assert (series.number, sum(series.buckets)) == (4, 4)


@pytest.mark.parametrize(("value", "bucket"), [(0, 0), (SECOND, 0), (SECOND + 1, 1), (900 * SECOND, 5), (10**17, 19)])
def test_a_value_on_a_bound_belongs_below_it(value: int, bucket: int) -> None:
    accumulator = Accumulator(2000)
    accumulator.add([seconds(value)], 5)
    (series,) = accumulator.changed.values()
    assert series.buckets.index(1) == bucket


def test_bounds_go_from_a_second_to_ninety_days() -> None:
    assert (BOUNDS[0], BOUNDS[-1]) == (1, 90 * 86400)
    assert all(low < high for low, high in pairwise(BOUNDS))


def test_nobody_sees_what_is_not_durable() -> None:
    accumulator = Accumulator(2000)
    accumulator.add([seconds(1)], 5)
    assert accumulator.series == {}
    accumulator.drop()
    accumulator.keep()
    assert accumulator.series == {}


def test_a_series_goes_on_after_a_restart_with_its_start() -> None:
    accumulator = Accumulator(2000)
    accumulator.add([seconds(10**19)], 5, (CYCLE, ROOT))
    accumulator.keep()
    again = Accumulator(2000, from_rows(list(to_rows(accumulator.series))))
    assert again.series == accumulator.series
    again.add([seconds(1)], 9, ("0" * 31 + "1", ROOT))
    again.keep()
    (series,) = again.series.values()
    assert (series.start, series.total) == (5, 10**19 + 1)
    assert series.exemplars == {
        0: Exemplar(1, 9, "0" * 31 + "1", ROOT),
        len(BOUNDS): Exemplar(10**19, 5, CYCLE, ROOT),
    }


def test_series_can_begin_at_zero() -> None:
    accumulator = Accumulator(2000)
    accumulator.begin([seconds(7)], 5)
    accumulator.begin([seconds(7)], 6)
    accumulator.keep()
    (series,) = accumulator.series.values()
    assert (series.start, series.total, series.number, sum(series.buckets)) == (5, 0, 0, 0)


def test_beyond_the_limit_one_set_takes_the_rest_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    accumulator = Accumulator(10)
    with caplog.at_level(logging.WARNING, "cycletrace.collector"):
        for number in range(25):
            labels = sorted_labels({c.MODEL_NAME: f"m{number}"})
            accumulator.begin([Observation(CYCLE_COMPLETED, labels, 1)], 1)
            accumulator.add([Observation(CYCLE_COMPLETED, labels, 1)], 1)
            if number % 2:
                accumulator.keep()
    accumulator.add([Observation(CYCLE_ACTIVITY, MODEL, 1)], 1)
    accumulator.keep()
    of_one = {labels: series for (name, labels), series in accumulator.series.items() if name == CYCLE_COMPLETED.name}
    assert len(of_one) == 10
    assert of_one[OVERFLOWING].total == 25 - 9
    assert (CYCLE_ACTIVITY.name, MODEL) in accumulator.series, "each metric has its own limit"
    assert len(caplog.records) == 1


def some_facts() -> list[Record]:
    origin = RecordOrigin(CYCLE, "churn@7", "team", "churn", "risk")
    minute = 60 * SECOND
    return [
        Stage(origin, "a", "fit", "train", 1, 10 * minute, "ok"),
        Wait(origin, "w", "compute", 2 * minute, 3 * minute, "a"),
        Stage(origin, "b", "select", "select", 11 * minute, 12 * minute, "ok", actor="human", person="x"),
        Stage(origin, "c", "push", "deploy", 13 * minute, 14 * minute, "ok", launch="terminal"),
        Stage(origin, "n", "odd", "other", 14 * minute, 13 * minute, "ok"),
        Mark(origin, "in_use", 20 * minute),
        Close(origin, "rolled_back", 30 * minute),
    ]


def test_observations_are_sums_of_the_facts() -> None:
    (facts,) = facts_of(some_facts(), 10**18)
    seen = list(observations(facts, within_target=True))

    def total(name: str, **wanted_labels: str | bool) -> int:
        wanted = {c.PREFIX + key.replace("__", "."): value for key, value in wanted_labels.items()}
        return sum(
            value
            for observed, labels, value in seen
            if observed.name == name and wanted.items() <= dict(labels).items()
        )

    assert total(c.CYCLE_DURATION) == facts["cycle_time_ns"]
    assert total(c.CYCLE_ACTIVITY) == facts["cycle_time_ns"]
    assert facts["activity_ns"] is not None
    for activity, length in facts["activity_ns"].items():
        assert total(c.CYCLE_ACTIVITY, activity=activity) == length
    for part in c.PARTS:
        assert total(c.PART_DURATION, part=part) == (facts["parts_ns"][part] or 0)
    assert total(c.WAIT_DURATION, wait__reason="compute") == 60 * SECOND
    assert total(c.STAGE_DURATION, stage__manual=True) == 2 * 60 * SECOND
    assert total(c.STAGE_DURATION, stage__name="odd") == 0, "what ends before it starts has no length"
    assert total(c.CYCLE_COMPLETED, cycle__outcome="rolled_back", cycle__within_target=True) == 1
    assert total(c.CYCLE_ROLLED_BACK) == 1
    for observation in seen:
        names = dict(observation.labels)
        assert names[c.SERVICE_NAMESPACE] == "team"
        assert names[c.MODEL_NAME] == "churn"
        assert names[c.MODEL_DOMAIN] == "risk"
        assert not {CYCLE, "churn@7", "x"} & set(map(str, names.values())), "no ids, keys or people"


def metrics() -> Accumulator:
    accumulator = Accumulator(2000)
    odd = sorted_labels({c.MODEL_NAME: 'a "quoted"\\\nname', c.CYCLE_WITHIN_TARGET: True})
    accumulator.add([seconds(1500 * SECOND // 1000), seconds(100 * 86400 * SECOND)], 5 * SECOND, (CYCLE, ROOT))
    accumulator.add([Observation(CYCLE_COMPLETED, odd, 1)], 5 * SECOND, (CYCLE, ROOT))
    accumulator.begin([Observation(CYCLE_ACTIVITY, MODEL, 1)], 5 * SECOND)
    accumulator.keep()
    return accumulator


def exported() -> list[Metric]:
    return [
        *cumulative_metrics(metrics().series),
        Metric(instrument(c.CYCLE_OPEN), [Point(MODEL, 3)]),
        Metric(instrument(c.HEADLINE_ATTAINMENT), [Point((), 0.5)]),
    ]


def test_both_text_formats_parse_and_have_the_same_samples() -> None:
    text = render(exported(), TEXT)
    opened = render(exported(), OPENMETRICS)

    def samples(families: Any) -> dict[tuple[str, Any], float]:
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }

    of_both, created = samples(parse_text(text)), samples(parse_openmetrics(opened))
    of_open = {key: created.pop(key) for key in of_both}
    assert of_open == of_both
    assert len(created) == 3
    assert set(created.values()) == {5.0}, "since when each cumulative series has counted"
    assert all(name.endswith("_created") for name, _ in created)
    found = {name: value for (name, _), value in samples(parse_text(text)).items()}
    assert found["cycletrace_cycle_duration_seconds_sum"] == 1.5 + 100 * 86400
    assert found["cycletrace_cycle_duration_seconds_count"] == 2
    assert found["cycletrace_cycle_completed_total"] == 1
    assert found["cycletrace_cycle_activity_seconds_total"] == 0
    assert found["cycletrace_cycle_open"] == 3
    assert found["cycletrace_headline_attainment_ratio"] == 0.5
    assert " # {" not in text
    exemplars = {
        (sample.name, sample.labels.get("le")): sample.exemplar
        for family in parse_openmetrics(opened)
        for sample in family.samples
        if sample.exemplar
    }
    assert set(exemplars) == {
        ("cycletrace_cycle_duration_seconds_bucket", "5.0"),
        ("cycletrace_cycle_duration_seconds_bucket", "+Inf"),
        ("cycletrace_cycle_completed_total", None),
    }
    exemplar = exemplars["cycletrace_cycle_duration_seconds_bucket", "5.0"]
    assert exemplar.labels == {"trace_id": CYCLE, "span_id": ROOT}
    assert (exemplar.value, float(exemplar.timestamp)) == (1.5, 5.0)


def test_odd_names_are_escaped() -> None:
    sample, _ = next(
        family.samples
        for family in parse_openmetrics(render(exported(), OPENMETRICS))
        if family.name == "cycletrace_cycle_completed"
    )
    assert sample.labels == {
        "cycletrace_model_name": 'a "quoted"\\\nname',
        "cycletrace_cycle_within_target": "true",
    }


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html", TEXT),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", OPENMETRICS),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1", OPENMETRICS),
        ("application/openmetrics-text;version=1.0.0;q=0.2,text/plain;version=0.0.4;q=0.3", TEXT),
        ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.4", OPENMETRICS),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        (";;,,q=", TEXT),
    ],
)
def test_the_format_is_negotiated(accept: str, expected: str) -> None:
    assert accepted(accept) == expected


def test_otlp_exports_the_same() -> None:
    request = ExportMetricsServiceRequest.FromString(encode({"store-1": exported()}, 9 * SECOND))
    (resource,) = request.resource_metrics
    attributes = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
    assert attributes == {"service.name": "cycletrace-collector", "service.instance.id": "store-1"}
    by_name = {metric.name: metric for metric in resource.scope_metrics[0].metrics}
    histogram = by_name[c.CYCLE_DURATION].histogram
    assert histogram.aggregation_temporality == 2
    (point,) = histogram.data_points
    assert (point.start_time_unix_nano, point.time_unix_nano) == (5 * SECOND, 9 * SECOND)
    assert (point.count, point.sum, list(point.explicit_bounds)) == (2, 1.5 + 100 * 86400, list(BOUNDS))
    assert len(point.bucket_counts) == len(BOUNDS) + 1
    assert {exemplar.trace_id.hex() for exemplar in point.exemplars} == {CYCLE}
    counter = by_name[c.CYCLE_COMPLETED].sum
    assert (counter.is_monotonic, counter.aggregation_temporality) == (True, 2)
    assert counter.data_points[0].as_int == 1
    flags = {attribute.key: attribute.value for attribute in counter.data_points[0].attributes}
    assert flags[c.CYCLE_WITHIN_TARGET].bool_value is True
    assert by_name[c.CYCLE_ACTIVITY].sum.data_points[0].as_double == 0.0
    assert by_name[c.CYCLE_OPEN].gauge.data_points[0].as_int == 3
    assert by_name[c.CYCLE_OPEN].gauge.data_points[0].start_time_unix_nano == 0
    assert c.STAGE_DURATION not in by_name, "a metric without series is not exported"
    assert by_name[c.CYCLE_DURATION].unit == "s"


NEW = (
    Instrument(
        "cycletrace.test.steps", Kind.COUNTER, "{step}", "Steps", ClosedCycles(lambda *_: [(("x",), 7)]), ("l",)
    ),
    Instrument("cycletrace.test.length", Kind.HISTOGRAM, "s", "Length", ClosedCycles(lambda *_: [((), 7 * SECOND)])),
    Instrument("cycletrace.test.idle", Kind.GAUGE, "s", "Idle", OpenCycles(lambda _: [((), 1)], lambda *_: 7 * SECOND)),
    Instrument("cycletrace.test.share", Kind.GAUGE, "1", "Share", Headline(lambda _: 7.0)),
    Instrument("cycletrace.test.seen", Kind.COUNTER, "{record}", "Seen", Records()),
)


@pytest.mark.parametrize("new", NEW, ids=lambda one: type(one.source).__name__ + one.kind.name)
def test_a_declaration_is_all_that_a_new_metric_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, new: Instrument
) -> None:
    monkeypatch.setattr(instruments, "INSTRUMENTS", (*instruments.INSTRUMENTS, new))
    accumulator, completion = Accumulator(2000), Completion(grace=0)
    begin_record_counters(accumulator, 1)
    closed = c.cycle_id("", "churn@8")
    with open_store(tmp_path / "store.db") as store:
        with store.write() as tx:
            tx.add([Stage(RecordOrigin(CYCLE, "churn@7", "", "churn"), "a", "fit", "train", 1)], 2)
            tx.add([Close(RecordOrigin(closed, "churn@8", "", "churn"), "failed", 3)], 3)
            apply_refolds(tx, accumulator, tx.refold(5, 100), 5)
            if isinstance(new.source, Records):
                count_records(accumulator, new.name, 7, 5)
            observe_closed(tx, accumulator, completion, 5, 100)
        accumulator.keep()
        vitals = Vitals()
        reader = MetricReader(store, accumulator, 2000, "store-1", vitals, lambda: True)
        text = asyncio.run(reader.text(TEXT))
        request = ExportMetricsServiceRequest.FromString(asyncio.run(reader.request()).body)
        reader.close()
    samples = [
        sample for family in parse_text(text) for sample in family.samples if sample.name.startswith("cycletrace_test_")
    ]
    assert 7.0 in {sample.value for sample in samples}
    assert all(sample.labels.get("l", "x") == "x" for sample in samples)
    (metric,) = (one for one in request.resource_metrics[0].scope_metrics[0].metrics if one.name == new.name)
    assert (metric.unit, metric.description) == (new.unit, new.help)
    data = getattr(metric, {Kind.COUNTER: "sum", Kind.GAUGE: "gauge", Kind.HISTOGRAM: "histogram"}[new.kind])
    point = data.data_points[0]
    assert 7.0 in ([point.sum] if new.kind is Kind.HISTOGRAM else [point.as_int, point.as_double])


def test_gauges_are_computed_and_all_else_is_kept() -> None:
    for one in instruments.INSTRUMENTS:
        if not isinstance(one.source, Process):
            assert (one.kind is Kind.GAUGE) == isinstance(one.source, (OpenCycles, Headline))
