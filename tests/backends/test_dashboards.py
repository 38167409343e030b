"""Grafana's dashboards: up to date, and every panel answered by the running backends."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.backends.programs import ROOT, get_json
from tests.backends.test_prometheus import Loaded, loaded

from cycletrace import conventions as c

__all__ = ["loaded"]  # the fixture

CHOSEN = {
    "$__range": "1h",
    "$__rate_interval": "5m",
    "$window": "30d",
    "$team": ".*",
    "$domain": ".*",
    "$model": "model2",
}
"""What Grafana puts for the variables."""


def dashboards() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((ROOT / "dashboards").glob("*.json")):
        yield path.stem, json.loads(path.read_text(encoding="utf-8"))


def targets(kind: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Dashboard, panel and query of all that asks this kind of data source."""
    return [
        (name, panel["title"], target)
        for name, dashboard in dashboards()
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
        if target["datasource"]["type"] == kind
    ]


def filled(expression: str) -> str:
    for variable, value in CHOSEN.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression, expression
    return expression


def test_the_files_are_what_the_code_writes() -> None:
    pytest.importorskip("grafana_foundation_sdk", reason="it needs Python 3.11")
    script = str(ROOT / "dashboards" / "generate.py")
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_there_is_a_dashboard_of_all_of_one_model_of_one_cycle_and_of_the_collector() -> None:
    assert [name for name, _ in dashboards()] == ["collector", "cycle", "model", "overview"]
    assert len(targets("prometheus")) > 35
    assert len(targets("jaeger")) == len(targets("tempo")) == 1


@pytest.mark.backends
@pytest.mark.parametrize(
    ("name", "title", "expression"),
    [(name, title, target["expr"]) for name, title, target in targets("prometheus")],
    ids=lambda value: value if len(value) < 40 else "",
)
def test_every_panel_has_an_answer(name: str, title: str, expression: str, loaded: Loaded) -> None:
    for prometheus in (loaded.scraping, loaded.receiving):
        found = prometheus.query(filled(expression))
        assert found, (name, title)
        assert not any(math.isnan(float(item["value"][1])) for item in found)


@pytest.mark.backends
def test_the_choices_have_values(loaded: Loaded) -> None:
    asked = {
        match[2]
        for _, dashboard in dashboards()
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query" and (match := re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]))
    }
    assert asked == {"cycletrace_model_name", "cycletrace_model_domain", "service_namespace"}
    for label in asked - {"service_namespace"}:  # the load is of no team
        assert get_json(f"{loaded.scraping.url}/api/v1/label/{label}/values")["data"]


@pytest.mark.backends
def test_the_bars_that_add_up_do(loaded: Loaded) -> None:
    """Where a cycle's time goes: the bars of a model sum to its mean cycle time."""
    panels = {title: target["expr"] for name, title, target in targets("prometheus") if name == "model"}

    def total(title: str) -> float:
        return sum(float(item["value"][1]) for item in loaded.scraping.query(filled(panels[title])))

    assert total("Where a cycle's time goes, mean") == pytest.approx(total("Mean cycle time"), rel=0.02)


@pytest.mark.backends
def test_the_trace_of_one_cycle_is_found_as_grafana_asks_jaeger(loaded: Loaded, jaeger: Any) -> None:
    ((_, _, target),) = targets("jaeger")
    closed = next(facts for facts in loaded.collector.facts() if facts["outcome"] == c.IN_USE)
    trace_id = target["query"].replace("$trace", closed["cycle_id"])
    (found,) = get_json(f"{jaeger.url}/api/traces/{trace_id}")["data"]
    assert len(found["spans"]) > len(closed["stages"])
