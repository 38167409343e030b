"""Cycle times in Prometheus, scraped and by OTLP: the same samples, and exactly what the facts say."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.backends import prometheus as prometheus_
from tests.backends.collector import Collector
from tests.backends.jaeger import Jaeger
from tests.backends.programs import eventually, free_ports, running
from tests.backends.prometheus import Labels, Prometheus
from tests.backends.sending import Sender, base_now

from cycletrace import conventions as c
from cycletrace._internal.collector.exposition import metric_name
from cycletrace._internal.collector.instruments import BOUNDS, Kind, cumulative

pytestmark = pytest.mark.backends

COUNT = 154
NAMES = {
    "cycletrace_cycle_duration_seconds",
    "cycletrace_cycle_part_duration_seconds",
    "cycletrace_stage_duration_seconds",
    "cycletrace_wait_duration_seconds",
    "cycletrace_cycle_activity_seconds_total",
    "cycletrace_cycle_completed_total",
    "cycletrace_cycle_rolled_back_total",
    "cycletrace_cycle_open",
    "cycletrace_cycle_oldest_age_seconds",
    "cycletrace_cycle_idle_seconds",
    "cycletrace_stage_active",
    "cycletrace_stage_oldest_age_seconds",
    "cycletrace_headline_median_seconds",
    "cycletrace_headline_attainment_ratio",
    "cycletrace_headline_n",
    "cycletrace_record_late_total",
    "cycletrace_record_rejected_total",
    "cycletrace_collector_requests_total",
    "cycletrace_collector_forwarded_total",
    "cycletrace_collector_records_total",
    "cycletrace_collector_commits_total",
    "cycletrace_collector_commit_time_seconds_total",
    "cycletrace_collector_queue",
    "cycletrace_collector_in_flight_bytes",
    "cycletrace_collector_due",
    "cycletrace_collector_outbox",
    "cycletrace_collector_ready",
    "cycletrace_collector_in_charge",
}
OF_PROCESS = "cycletrace_collector_"
"""Begins the names of what the collector measures of itself, anew in each process."""
AGE = "cycletrace_cycle_oldest_age_seconds"
AGES = {AGE, "cycletrace_cycle_idle_seconds", "cycletrace_stage_oldest_age_seconds"}
"""They grow between two readings."""
MANY_MODELS = """
import sys
import cycletrace as ct
for number in range(int(sys.argv[1])):
    with ct.cycle(f"model{number}", version="1"):
        with ct.stage("train"):
            pass
        ct.mark("in_use")
"""


class Loaded(NamedTuple):
    """A collector that got the load, scraped by one Prometheus and sending to another."""

    collector: Collector
    scraping: Prometheus
    receiving: Prometheus
    sender: Sender


@pytest.fixture(scope="module")
def loaded(jaeger: Jaeger, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    folder, scraping, receiving = (tmp_path_factory.mktemp(name) for name in ("collector", "scraping", "receiving"))
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    with prometheus_.started(receiving, nobody) as by_otlp:
        collector = Collector(
            folder,
            *("--forward", f"traces={jaeger.http}", "--metrics-to", by_otlp.otlp),
            *("--grace", "1s", "--interval", "1s"),
        )
        with running(collector.program), prometheus_.started(scraping, collector.scraped) as by_scrape:
            sender = Sender(folder / "state", collector.http)
            found = Loaded(collector, by_scrape, by_otlp, sender)
            sender.command("stage", "begin", "train", "--cycle", "model1@running")
            for half in (0, COUNT // 2):  # what a rate grows by is seen from the second sample on
                sender.record(base_now(), half, COUNT // 2)
                sender.flush()
                wait_until_exported(found)
            yield found


def observed(loaded: Loaded) -> list[dict[str, Any]]:
    """The facts that were exported."""
    return loaded.collector.facts("--as-observed")


def wait_until_exported(loaded: Loaded) -> None:
    """Wait until both have the counts of all closed cycles."""
    closed = sum(facts["outcome"] != c.OPEN for facts in loaded.collector.facts())

    def look() -> bool:
        return all(
            sum(one.samples("cycletrace_cycle_completed_total").values()) == closed
            for one in (loaded.scraping, loaded.receiving)
        )

    eventually(look, f"{closed} cycles are exported")


def test_names_and_units_are_those_that_prometheus_makes(loaded: Loaded) -> None:
    for one in (loaded.scraping, loaded.receiving):
        names = {item["metric"]["__name__"] for item in one.query('{__name__=~"cycletrace_cycle.+|cycletrace_.+"}')}
        ours = {name for name in names if ":" not in name}
        assert {re.sub("_(bucket|sum|count)$", "", name) for name in ours} == NAMES


def test_the_same_samples_come_both_ways(loaded: Loaded) -> None:
    def samples(one: Prometheus) -> dict[str, dict[Labels, float]]:
        names = {item["metric"]["__name__"] for item in one.query('{__name__=~"cycletrace_.+"}')}
        return {name: one.samples(name) for name in names if ":" not in name and name not in AGES}

    def look() -> dict[str, dict[Labels, float]] | None:
        scraped = samples(loaded.scraping)
        return scraped if scraped == samples(loaded.receiving) else None

    # Each gets a new headline in its turn.
    assert len(eventually(look, "the same samples in both")) > len(NAMES)
    ages, received = loaded.scraping.samples(AGE), loaded.receiving.samples(AGE)
    assert ages.keys() == received.keys()
    assert all(abs(age - received[labels]) < 30 for labels, age in ages.items())


def test_histograms_are_the_sums_over_the_exported_facts(loaded: Loaded) -> None:
    whole: dict[str, list[int]] = {name: [] for name in NAMES if "duration" in name}
    for facts in observed(loaded):
        assert facts["cycle_time_ns"] is not None
        whole["cycletrace_cycle_duration_seconds"].append(facts["cycle_time_ns"])
        whole["cycletrace_cycle_part_duration_seconds"] += [v for v in facts["parts_ns"].values() if v is not None]
        for name, pieces in (("stage", facts["stages"]), ("wait", facts["waits"])):
            whole[f"cycletrace_{name}_duration_seconds"] += [p["end"] - p["start"] for p in pieces if p["end"]]
    for name, lengths in whole.items():
        assert lengths
        for one in (loaded.scraping, loaded.receiving):
            assert sum(one.samples(f"{name}_count").values()) == len(lengths)
            assert sum(one.samples(f"{name}_sum").values()) == pytest.approx(sum(lengths) / 1e9, abs=1e-6)
            buckets: Counter[float] = Counter()
            for labels, value in one.samples(f"{name}_bucket").items():
                buckets[float(dict(labels)["le"])] += int(value)
            assert buckets == {
                bound: sum(length <= bound * 1e9 for length in lengths) for bound in (*BOUNDS, float("inf"))
            }


def test_activities_of_a_model_add_up_to_its_cycle_time(loaded: Loaded) -> None:
    model = {"cycletrace_model_name": "model2"}
    activities = sum(loaded.scraping.samples("cycletrace_cycle_activity_seconds_total", **model).values())
    time = sum(loaded.scraping.samples("cycletrace_cycle_duration_seconds_sum", **model).values())
    observed_times = [facts["cycle_time_ns"] for facts in observed(loaded) if facts["model"] == "model2"]
    assert activities == pytest.approx(sum(observed_times) / 1e9, abs=1e-6)
    assert time == pytest.approx(activities, abs=1e-6)


def has_headline(one: Prometheus, window: str, wanted: dict[str, float]) -> bool:
    exposed = {
        name: list(
            one.samples(
                f"cycletrace_headline_{name}", cycletrace_headline_window=window, cycletrace_scope="all"
            ).values()
        )
        for name in wanted
    }
    return exposed == {name: [pytest.approx(value)] for name, value in wanted.items()}


def test_the_headline_is_the_reports(loaded: Loaded) -> None:
    numbers = []
    for window in ("7d", "30d", "90d"):
        report = json.loads(loaded.collector.command("report", "--json", "--window", window))
        numbers.append(report["headline"]["median"]["n"])
        wanted = {
            "median_seconds": report["headline"]["median"]["value_ns"] / 1e9,
            "attainment_ratio": report["attainment"]["value"],
            "n": report["headline"]["median"]["n"],
        }
        for one in (loaded.scraping, loaded.receiving):
            # It is computed every now and then, so that it takes a small part of a core.
            look = partial(has_headline, one, window, wanted)
            eventually(look, f"the report's headline of {window}: {wanted}")
    assert numbers[0] < numbers[1] == numbers[2]


def test_exemplars_lead_to_the_trace(loaded: Loaded, jaeger: Jaeger) -> None:
    cycles = {facts["cycle_id"] for facts in observed(loaded)}
    for one in (loaded.scraping, loaded.receiving):
        exemplars = one.exemplars("cycletrace_cycle_duration_seconds_bucket")
        assert exemplars
        assert {exemplar["trace_id"] for exemplar in exemplars} <= cycles
        trace = jaeger.trace(exemplars[0]["trace_id"])
        (root,) = [span for span in trace if span.span_id == exemplars[0]["span_id"]]
        assert root.name.startswith("cycle ")


def test_the_rules_have_answers(loaded: Loaded) -> None:
    def look(one: Prometheus) -> list[dict[str, Any]] | None:
        found = one.rules()
        return found if all(rule["health"] == "ok" for rule in found) else None

    for one in (loaded.scraping, loaded.receiving):
        rules = eventually(partial(look, one), "all rules are evaluated")
        recorded = [rule["name"] for rule in rules if rule["type"] == "recording"]
        assert len(recorded) == 3
        for name in recorded:
            eventually(partial(one.query, name), name)
        # The alert on the target joins by all labels, however samples came.
        found = one.query('cycletrace_headline_attainment_ratio{cycletrace_scope="all"} and cycletrace_headline_n')
        assert len(found) == 3


def test_counters_never_go_back_over_restarts_and_repetitions(loaded: Loaded) -> None:
    collector = loaded.collector
    before = {name: collector.metrics()[name] for name in collector.metrics() if "_count" in name or "_total" in name}
    starts = loaded.receiving.query("cycletrace_cycle_completed_total")
    for stop in (collector.program.end, collector.program.kill):
        stop()
        collector.program.start()
    loaded.sender.send_again()
    loaded.sender.record(base_now(), COUNT, 77)
    loaded.sender.flush()
    wait_until_exported(loaded)
    after = collector.metrics()
    late = "cycletrace_record_late_total"
    assert all(after[name] >= value for name, value in before.items() if not name.startswith(OF_PROCESS))
    assert after[late] == before[late]  # what comes again is nothing new
    assert len(loaded.receiving.query("cycletrace_cycle_completed_total")) >= len(starts)
    counters = [
        metric_name(instrument) + ("_count" if instrument.kind is Kind.HISTOGRAM else "") for instrument in cumulative()
    ]
    for one in (loaded.scraping, loaded.receiving):
        assert {name: one.resets(name) for name in counters} == dict.fromkeys(counters, 0.0)
    test_histograms_are_the_sums_over_the_exported_facts(loaded)


@pytest.mark.parametrize(
    ("features", "seen"),
    [(prometheus_.FEATURES, True), ("exemplar-storage", False)],
    ids=["with-zero-ingestion", "without"],
)
def test_a_label_set_that_first_appears_while_prometheus_is_away(tmp_path: Path, features: str, seen: bool) -> None:
    """Its first value counts in a rate only where Prometheus is told since when it grew from 0, either way."""
    scraping, receiving = tmp_path / "scraping", tmp_path / "receiving"
    for folder in (scraping, receiving):
        folder.mkdir()
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    with prometheus_.started(receiving, nobody, features=features) as by_otlp:
        collector = Collector(tmp_path, "--grace", "1s", "--metrics-to", by_otlp.otlp, "--interval", "1s")
        with (
            running(collector.program),
            prometheus_.started(scraping, collector.scraped, features=features) as by_scrape,
        ):
            both = (by_scrape, by_otlp)
            for one in both:
                eventually(partial(one.query, "cycletrace_record_rejected_total"), "a first sample")
                one.program.end()
            sender = Sender(tmp_path / "state", collector.http)
            begin, end = (datetime.fromtimestamp(time.time() - ago, timezone.utc).isoformat() for ago in (36_060, 60))
            sender.command("wait", "begin", "human", "--cycle", "churn@7", "--at", begin)
            sender.command("wait", "end", "human", "--cycle", "churn@7", "--at", end)
            sender.command("mark", "in_use", "--cycle", "churn@7")
            sender.flush()
            waited = "cycletrace_wait_duration_seconds_sum"

            def is_counted() -> bool:
                return any(name.startswith(waited) and value for name, value in collector.metrics().items())

            eventually(is_counted, "the wait is counted")
            for one in both:
                one.program.start()
                eventually(partial(one.query, f"count_over_time({waited}[1m]) > 3"), "some samples")
                (found,) = one.query(f"increase({waited}[5m])")
                assert (float(found["value"][1]) > 35_000) is seen


def test_five_thousand_models_run_into_the_limit_which_is_logged(tmp_path: Path) -> None:
    models, limit = 5000, 2000
    collector = Collector(tmp_path, "--grace", "1s")
    with running(collector.program), prometheus_.started(tmp_path, collector.scraped, "10s") as prometheus:
        sender = Sender(tmp_path / "state", collector.http)
        sender.run("-c", MANY_MODELS, str(models))
        sender.flush()
        name = "cycletrace_cycle_completed_total"
        eventually(lambda: sum(prometheus.samples(name).values()) == models, "all cycles are exported", 120)
        found = prometheus.samples(name)
        assert len(found) == limit
        assert found[frozenset({("otel_metric_overflow", "true")})] == models - (limit - 1)
        assert sum(prometheus.samples("cycletrace_cycle_duration_seconds_count").values()) == models
        sentence = f"{c.CYCLE_COMPLETED} has reached the limit of {limit} label sets"
        logged = [line for line in collector.program.said().splitlines() if sentence in line]
        assert len(logged) == 1
