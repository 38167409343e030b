#!/usr/bin/env python3
"""Generate the Grafana dashboards, ``*.json`` in this folder; with ``--check``, only check that they are up to date.

Names of metrics and labels come from the collector, so that a dashboard never queries what is not exported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from grafana_foundation_sdk.builders import bargauge, prometheus, stat, tempo, text, timeseries
from grafana_foundation_sdk.builders import common as parts
from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableOption, VariableRefresh
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.tempo import SearchTableType

from cycletrace import conventions as c
from cycletrace._internal.collector.exposition import label_name as label
from cycletrace._internal.collector.exposition import metric_name
from cycletrace._internal.collector.instruments import instrument

FOLDER = Path(__file__).parent
RANGE = "$__range"
PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${prometheus}")
TEMPO = DataSourceRef(type_val="tempo", uid="${tempo}")
JAEGER = DataSourceRef(type_val="jaeger", uid="${jaeger}")


def metric(name: str) -> str:
    """Return the name of a metric in Prometheus."""
    return metric_name(instrument(name))


MODEL, DOMAIN, TEAM = label(c.MODEL_NAME), label(c.MODEL_DOMAIN), label(c.SERVICE_NAMESPACE)
WINDOW, SCOPE = label(c.HEADLINE_WINDOW), label(c.HEADLINE_SCOPE)
PART, ACTIVITY = label(c.PART), label(c.ACTIVITY)
REASON, MANUAL, STAGE = label(c.WAIT_REASON), label(c.STAGE_MANUAL), label(c.STAGE_NAME)
OUTCOME, ACTOR = label(c.CYCLE_OUTCOME), label(c.ACTOR_TYPE)
STAGE_OUTCOME, KIND = label(c.STAGE_OUTCOME), label(c.STAGE_KIND)

CYCLE = metric(c.CYCLE_DURATION)
PARTS = metric(c.PART_DURATION)
STAGES = metric(c.STAGE_DURATION)
WAITS = metric(c.WAIT_DURATION)
ACTIVITIES = metric(c.CYCLE_ACTIVITY)
COMPLETED = metric(c.CYCLE_COMPLETED)
ROLLED_BACK = metric(c.CYCLE_ROLLED_BACK)
LATE = metric(c.RECORD_LATE)
REJECTED = metric(c.RECORD_REJECTED)
OPEN = metric(c.CYCLE_OPEN)
OLDEST = metric(c.CYCLE_OLDEST_AGE)
ACTIVE = metric(c.STAGE_ACTIVE)
MEDIAN = metric(c.HEADLINE_MEDIAN)
ATTAINMENT = metric(c.HEADLINE_ATTAINMENT)
N = metric(c.HEADLINE_N)

REQUESTS, FORWARDED = metric(c.COLLECTOR_REQUESTS), metric(c.COLLECTOR_FORWARDED)
RECORDS = metric(c.COLLECTOR_RECORDS)
COMMITS, COMMIT_TIME = metric(c.COLLECTOR_COMMITS), metric(c.COLLECTOR_COMMIT_TIME)
QUEUE, DUE, OUTBOX = metric(c.COLLECTOR_QUEUE), metric(c.COLLECTOR_DUE), metric(c.COLLECTOR_OUTBOX)
IN_FLIGHT, READY = metric(c.COLLECTOR_IN_FLIGHT), metric(c.COLLECTOR_READY)
SIGNAL, RESULT = label(c.COLLECTOR_SIGNAL), label(c.COLLECTOR_RESULT)
RATE = "$__rate_interval"

TEAMS = f'{TEAM}=~"$team"'
OF_DOMAIN = f'{TEAMS},{DOMAIN}=~"$domain"'
OF_MODEL = f'{TEAMS},{MODEL}="$model"'


class Shown(NamedTuple):
    """One panel: its title, appearance and queries."""

    title: str
    kind: str
    """``stat`` ``bars`` (a bar each, now) ``line`` (over time)."""
    unit: str
    queries: tuple[tuple[str, str], ...]
    """Expression and legend."""
    description: str = ""
    width: int = 6
    height: int = 7


def by(names: str, metric: str, where: str) -> str:
    """Return the increase of a counter in the time range shown."""
    return f"sum by ({names}) (increase({metric}{{{where}}}[{RANGE}]))"


def mean(names: str, histogram: str, where: str) -> str:
    """Return the mean of the values that a histogram observed in the time range shown."""
    return f"{by(names, f'{histogram}_sum', where)} / ({by(names, f'{histogram}_count', where)} > 0)"


def per_cycle(metric: str, names: str, where: str) -> str:
    """Return the increase of a counter per closed cycle."""
    total = f"scalar(sum(increase({CYCLE}_count{{{where}}}[{RANGE}])))"
    return f"{by(names, metric, where)} / {total}"


def unattributed(where: str) -> str:
    """Return the time in no part per closed cycle."""
    in_parts = f'sum(increase({PARTS}_sum{{{where},{PART}!="{c.ACTIVATION}"}}[{RANGE}]))'
    time, n = (f"sum(increase({CYCLE}_{what}{{{where}}}[{RANGE}]))" for what in ("sum", "count"))
    return f"clamp_min({time} - {in_parts}, 0) / ({n} > 0)"


def manual_share(where: str) -> str:
    """Return the share of manual steps."""
    manual = f'sum(increase({STAGES}_count{{{where},{MANUAL}="true"}}[{RANGE}])) or vector(0)'
    return f"({manual}) / sum(increase({STAGES}_count{{{where}}}[{RANGE}]))"


def headline(scope: str, where: str = "") -> str:
    """Return the selector of the headline metrics of one scope."""
    return f'{SCOPE}="{scope}",{where}{WINDOW}="$window"'


BY_TEAM = headline("namespace", f"{TEAMS},")

HEADLINE = (
    Shown(
        "Median cycle time",
        "stat",
        "s",
        ((f"{MEDIAN}{{{BY_TEAM}}}", f"{{{{{TEAM}}}}}"),),
        "From the idea to the first prediction for a consumer, computed by the report's own code.",
    ),
    Shown(
        "Within the target",
        "stat",
        "percentunit",
        ((f"{ATTAINMENT}{{{BY_TEAM}}}", f"{{{{{TEAM}}}}}"),),
        "Share of cycles that met the target, counting open and failed ones, as in the report.",
    ),
    Shown("Cycles", "stat", "none", ((f"{N}{{{BY_TEAM}}}", f"{{{{{TEAM}}}}}"),), "In each median."),
    Shown(
        "Median cycle time",
        "line",
        "s",
        ((f"{MEDIAN}{{{BY_TEAM}}}", f"{{{{{TEAM}}}}}"), (f"{MEDIAN}{{{headline('all')}}}", "all teams")),
        "Each point covers the window before it.",
    ),
)

OVERVIEW = (
    *HEADLINE,
    Shown(
        "Mean time by part",
        "bars",
        "s",
        (
            (per_cycle(f"{PARTS}_sum", PART, f'{OF_DOMAIN},{PART}!="{c.ACTIVATION}"'), f"{{{{{PART}}}}}"),
            (unattributed(OF_DOMAIN), "unattributed"),
        ),
        "Of cycles that closed in the time shown. The parts add up to the cycle time; what is in none is unattributed.",
        8,
    ),
    Shown(
        "Where a cycle's time goes, mean",
        "bars",
        "s",
        ((per_cycle(ACTIVITIES, ACTIVITY, OF_DOMAIN), f"{{{{{ACTIVITY}}}}}"),),
        "Every instant of a cycle has one owner, so this adds up to the cycle time.",
        8,
    ),
    Shown(
        "Waits by reason",
        "bars",
        "s",
        ((by(REASON, f"{WAITS}_sum", OF_DOMAIN), f"{{{{{REASON}}}}}"),),
        "All waiting of cycles that closed in the time shown.",
        8,
    ),
    Shown(
        "Manual share of steps",
        "stat",
        "percentunit",
        ((manual_share(OF_DOMAIN), "manual"),),
        "Stages done by a person, or deployed from a terminal or a notebook.",
    ),
    Shown(
        "Activation, mean",
        "stat",
        "s",
        ((mean("", PARTS, f'{OF_DOMAIN},{PART}="{c.ACTIVATION}"'), "activation"),),
        "How fast a deployed model is taken into use.",
    ),
    Shown(
        "Closed cycles by outcome",
        "bars",
        "none",
        ((by(OUTCOME, COMPLETED, OF_DOMAIN), f"{{{{{OUTCOME}}}}}"),),
        width=12,
    ),
    Shown(
        "Training by domain, mean",
        "bars",
        "s",
        ((mean(DOMAIN, PARTS, f'{OF_DOMAIN},{PART}="{c.TRAINING}"'), f"{{{{{DOMAIN}}}}}"),),
        "Training times of different domains do not compare.",
        8,
    ),
    Shown("Open cycles", "line", "none", ((f"sum by ({MODEL}) ({OPEN}{{{OF_DOMAIN}}})", f"{{{{{MODEL}}}}}"),), width=8),
    Shown(
        "Oldest open cycle",
        "bars",
        "s",
        ((f"max by ({MODEL}) ({OLDEST}{{{OF_DOMAIN}}})", f"{{{{{MODEL}}}}}"),),
        width=8,
    ),
    Shown(
        "Stages at work", "line", "none", ((f"sum by ({KIND}) ({ACTIVE}{{{OF_DOMAIN}}})", f"{{{{{KIND}}}}}"),), width=8
    ),
    Shown(
        "Rolled back",
        "stat",
        "none",
        ((f"sum(increase({ROLLED_BACK}{{{OF_DOMAIN}}}[{RANGE}]))", "rolled back"),),
        width=8,
    ),
    Shown(
        "Records late, rejected",
        "stat",
        "none",
        ((f"sum({LATE})", "late"), (f"sum({REJECTED})", "rejected")),
        "Late: arrived after its cycle was counted, and is in the facts. Rejected: could not be used.",
        8,
    ),
)

ONE_MODEL = (
    Shown(
        "Mean cycle time",
        "stat",
        "s",
        ((mean("", CYCLE, OF_MODEL), "mean"),),
        "Of cycles that closed in the time shown.",
    ),
    Shown(
        "Median cycle time, 30 days",
        "stat",
        "s",
        ((f'{MEDIAN}{{{SCOPE}="model",{OF_MODEL},{WINDOW}="30d"}}', f"{{{{{TEAM}}}}}"),),
        "From the idea to the first prediction for a consumer, computed by the report's own code.",
    ),
    Shown(
        "Within the target, 30 days",
        "stat",
        "percentunit",
        ((f'{ATTAINMENT}{{{SCOPE}="model",{OF_MODEL},{WINDOW}="30d"}}', f"{{{{{TEAM}}}}}"),),
        "Share of cycles that met the target, counting open and failed ones, as in the report.",
    ),
    Shown("Manual share of steps", "stat", "percentunit", ((manual_share(OF_MODEL), "manual"),)),
    Shown(
        "Mean time by part",
        "bars",
        "s",
        ((mean(PART, PARTS, OF_MODEL), f"{{{{{PART}}}}}"),),
        "Activation lies inside deployment.",
        8,
    ),
    Shown(
        "Where a cycle's time goes, mean",
        "bars",
        "s",
        ((per_cycle(ACTIVITIES, ACTIVITY, OF_MODEL), f"{{{{{ACTIVITY}}}}}"),),
        width=8,
    ),
    Shown("Waits by reason, mean", "bars", "s", ((mean(REASON, WAITS, OF_MODEL), f"{{{{{REASON}}}}}"),), width=8),
    Shown("Stages, mean", "bars", "s", ((mean(STAGE, STAGES, OF_MODEL), f"{{{{{STAGE}}}}}"),), width=8),
    Shown(
        "Stages by outcome",
        "bars",
        "none",
        ((by(STAGE_OUTCOME, f"{STAGES}_count", OF_MODEL), f"{{{{{STAGE_OUTCOME}}}}}"),),
        width=8,
    ),
    Shown("Who works", "bars", "s", ((by(ACTOR, f"{STAGES}_sum", OF_MODEL), f"{{{{{ACTOR}}}}}"),), width=8),
    Shown(
        "Closed cycles by outcome", "bars", "none", ((by(OUTCOME, COMPLETED, OF_MODEL), f"{{{{{OUTCOME}}}}}"),), width=8
    ),
    Shown("Open cycles", "line", "none", ((f"sum({OPEN}{{{OF_MODEL}}})", "open"),), width=8),
    Shown("Oldest open cycle", "line", "s", ((f"max({OLDEST}{{{OF_MODEL}}})", "age"),), width=8),
)


def rates(counter: str) -> tuple[tuple[str, str]]:
    """Return the query of how often requests had which result."""
    return ((f"sum by ({SIGNAL}, {RESULT}) (rate({counter}[{RATE}]))", f"{{{{{SIGNAL}}}}} {{{{{RESULT}}}}}"),)


COLLECTOR = (
    Shown("Ready", "stat", "none", ((f"min({READY})", "ready"),), "0: the store cannot be written."),
    Shown("Requests that wait for a commit", "stat", "none", ((f"sum({QUEUE})", "queue"),)),
    Shown("Cycles to be computed", "stat", "none", ((f"sum({DUE})", "due"),)),
    Shown("Derived spans that wait for backends", "stat", "none", ((f"sum({OUTBOX})", "outbox"),)),
    Shown("Requests by result", "line", "reqps", rates(REQUESTS), width=12),
    Shown("Forwarded by result", "line", "reqps", rates(FORWARDED), width=12),
    Shown("cycletrace records", "line", "cps", ((f"sum(rate({RECORDS}[{RATE}]))", "committed"),), width=8),
    Shown(
        "Time of a commit, mean",
        "line",
        "s",
        ((f"sum(rate({COMMIT_TIME}[{RATE}])) / (sum(rate({COMMITS}[{RATE}])) > 0)", "mean"),),
        width=8,
    ),
    Shown("Memory of requests in progress", "line", "bytes", ((f"sum({IN_FLIGHT})", "in flight"),), width=8),
    Shown(
        "Records late, rejected",
        "stat",
        "none",
        ((f"sum({LATE})", "late"), (f"sum({REJECTED})", "rejected")),
        "Late: arrived after its cycle was counted, and is in the facts. Rejected: could not be used.",
        24,
        5,
    ),
)


def panel(shown: Shown) -> Any:
    """Return the builder of a panel."""
    made: Any
    if shown.kind == "line":
        made = timeseries.Panel().fill_opacity(10).span_nulls(True).min(0)
    else:
        reduce = parts.ReduceDataOptions().calcs(["lastNotNull"])
        if shown.kind == "bars":
            made = bargauge.Panel().orientation(common.VizOrientation(common.VizOrientation.HORIZONTAL)).min(0)
        else:
            made = stat.Panel().graph_mode(common.BigValueGraphMode(common.BigValueGraphMode.NONE))
        made = made.reduce_options(reduce)
    made = made.title(shown.title).unit(shown.unit).span(shown.width).height(shown.height).datasource(PROMETHEUS)
    if shown.description:
        made = made.description(shown.description)
    for expression, legend in shown.queries:
        query = prometheus.Dataquery().expr(expression).legend_format(legend).datasource(PROMETHEUS)
        made = made.with_target(
            query.range() if shown.kind == "line" else query.instant().format(PromQueryFormat.TIME_SERIES)
        )
    return made


def source(name: str, kind: str) -> Any:
    """Return the variable that selects a data source."""
    return grafana.DatasourceVariable(name).type(kind).label(name.capitalize())


def choice(name: str, metric: str, name_of_label: str, *, many: bool) -> Any:
    """Return a variable with the values of a label."""
    query = grafana.QueryVariable(name).query(f"label_values({metric}, {name_of_label})").datasource(PROMETHEUS)
    query = query.label(name.capitalize()).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    # Not ".+": what has no team or domain belongs to all of them.
    return query.multi(True).include_all(True).all_value(".*") if many else query


def page(uid: str, title: str, description: str, since: str = "now-30d") -> Any:
    """Return the builder of a dashboard without its panels."""
    begun = grafana.Dashboard(title).uid(uid).description(description).tags(["cycletrace"]).timezone("utc")
    return begun.time(since, "now").refresh("1m").readonly()


def overview() -> Any:
    """Return the dashboard of all models."""
    made = page("cycletrace-overview", "Cycle time", "How long it takes to get a model from an idea into use.")
    window = grafana.CustomVariable("window").label("Window").values("7d,30d,90d")
    window = window.current(VariableOption(selected=True, text="30d", value="30d"))
    made = made.with_variable(source("prometheus", "prometheus")).with_variable(window)
    made = made.with_variable(choice("team", COMPLETED, TEAM, many=True))
    made = made.with_variable(choice("domain", COMPLETED, DOMAIN, many=True))
    return with_panels(made, map(panel, OVERVIEW))


def one_model() -> Any:
    """Return the dashboard of one model."""
    made = page("cycletrace-model", "Cycle time of one model", "Where the time of a model's cycles goes.")
    made = made.with_variable(source("prometheus", "prometheus"))
    made = made.with_variable(choice("team", COMPLETED, TEAM, many=True))
    made = made.with_variable(choice("model", COMPLETED, MODEL, many=False))
    return with_panels(made, map(panel, ONE_MODEL))


def collector() -> Any:
    """Return the dashboard of the collector itself."""
    made = page(
        "cycletrace-collector", "cycletrace collector", "What the collector does, and whether it keeps up.", "now-6h"
    )
    return with_panels(made.with_variable(source("prometheus", "prometheus")), map(panel, COLLECTOR))


def with_panels(made: Any, panels: Iterable[Any]) -> Any:
    """Return the dashboard with these panels, numbered, so that links to them stay."""
    for number, each in enumerate(panels, start=1):
        made = made.with_panel(each.id(number))
    return made


class JaegerQuery:
    """A query for a trace in Jaeger by its id, for which the SDK has no builder."""

    def __init__(self, ref_id: str, query: str) -> None:
        self.ref_id = ref_id
        self._query = query

    def build(self) -> JaegerQuery:
        """Return itself, which is complete."""
        return self

    def to_json(self) -> dict[str, object]:
        """Return the query as Grafana stores it."""
        return {"refId": self.ref_id, "query": self._query, "datasource": JAEGER.to_json()}


FIGURES = (
    c.CYCLE_OUTCOME,
    c.CYCLE_DURATION,
    *(c.part_attribute(part) for part in c.PARTS),
    *(c.activity_attribute(activity) for activity in c.ACTIVITIES),
    c.CYCLE_WITHIN_TARGET,
    c.CYCLE_MANUAL_STEPS,
)
TRACEQL = (
    f'{{ name = "{c.COMPLETE_SPAN}" && span.{c.CYCLE_KEY} = "$key" }}'
    f" | select({', '.join(f'span.{name}' for name in FIGURES)})"
)
HELP = """\
`cycletrace open KEY` prints a link that ends with the id of the cycle's trace: put it into **Trace**. The id is made
from the key, so this shows open cycles, too. Put the key into **Key** for the figures of a cycle that has closed."""


def one_cycle() -> Any:
    """Return the dashboard of one cycle. No metric has its key as a label, so it queries traces."""
    description = "The trace of one cycle, and its figures once it has closed."
    made = page("cycletrace-cycle", "One cycle", description, since="now-1y")
    made = made.with_variable(source("jaeger", "jaeger")).with_variable(source("tempo", "tempo"))
    made = made.with_variable(grafana.TextBoxVariable("trace").label("Trace"))
    made = made.with_variable(grafana.TextBoxVariable("key").label("Key"))
    figures = tempo.TempoQuery().ref_id("A").query_type("traceql").query(TRACEQL).limit(20).datasource(TEMPO)
    figures = figures.table_type(SearchTableType.SPANS)  # a table of traces would lack the figures
    table = grafana.Panel().type("table").title("Figures (Tempo)").datasource(TEMPO).with_target(figures)
    trace = grafana.Panel().type("traces").title("Trace (Jaeger)").datasource(JAEGER)
    trace = trace.with_target(JaegerQuery("A", "$trace"))
    which = text.Panel().title("Which cycle").content(HELP)
    return with_panels(made, [which.span(24).height(4), table.span(24).height(6), trace.span(24).height(18)])


DASHBOARDS = {"overview": overview, "model": one_model, "cycle": one_cycle, "collector": collector}


def generated() -> dict[Path, str]:
    """Return the content of each file."""
    encoder = JSONEncoder(sort_keys=True, indent=1)
    return {FOLDER / f"{name}.json": encoder.encode(make().build()) + "\n" for name, make in DASHBOARDS.items()}


def main(arguments: list[str]) -> int:
    """Write the files, or check them."""
    files = generated()
    old = [path for path, content in files.items() if not path.is_file() or path.read_text("utf-8") != content]
    if arguments == ["--check"]:
        for path in old:
            print(f"{path} is out of date: run python {Path(__file__).name}")
        return 1 if old else 0
    for path, content in files.items():
        path.write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
