"""The report's headline as gauges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timezone
from typing import NamedTuple

import numpy as np

from cycletrace._internal.collector.beside import Beside
from cycletrace._internal.collector.instruments import Headline, HeadlineFigures, declared, sorted_labels
from cycletrace._internal.collector.series import Metric, Point
from cycletrace._internal.flow import Facts, Targets
from cycletrace._internal.report.attainment import attainment
from cycletrace._internal.report.columns import ColumnsBuilder
from cycletrace._internal.report.populations import populations
from cycletrace._internal.report.quantiles import P50, quantile
from cycletrace._internal.report.windows import parse_window
from cycletrace._internal.store import Snapshot
from cycletrace.conventions import HEADLINE_SCOPE, HEADLINE_WINDOW, IDEA, MODEL_NAME, SERVICE_NAMESPACE

WINDOWS = ("7d", "30d", "90d")

SHARE = 0.05
"""Of one core's time that computing it may take: in a large store it is computed less often."""


def headline(snapshot: Snapshot, now: int, beside: Beside, limit: int) -> list[Metric]:
    """Return the report's headline as of an instant (UTC nanoseconds), with so many label sets of each metric."""
    return headline_gauges(beside.until_closed(snapshot.facts(now)), now, snapshot.settings().targets, limit)


def headline_gauges(facts: Iterable[Facts], as_of: int, targets: Targets, limit: int) -> list[Metric]:
    """Return the report's headline for each window and scope, by the report's own code.

    Unknown figures are left out. The scopes are all cycles, each namespace, and each model in a namespace; of these as
    many as label sets are allowed, those with most cycles first.
    """
    builder = ColumnsBuilder()
    rows: dict[_Scope, list[int]] = {_ALL: []}
    row = 0
    for cycle in facts:
        if not builder.add(cycle, has_details=False):
            continue
        namespace, model = cycle["namespace"], cycle["model"]
        for scope in (_ALL, _Scope("namespace", namespace), _Scope("model", namespace, model)):
            rows.setdefault(scope, []).append(row)
        row += 1
    columns = builder.columns()
    largest = sorted(rows, key=lambda scope: (scope != _ALL, -len(rows[scope]), repr(scope)))
    points: dict[str, list[Point]] = defaultdict(list)
    for name in WINDOWS:
        window = parse_window(name, as_of, timezone.utc)
        chosen = populations(columns, window, as_of, IDEA)
        for scope in largest[: limit // len(WINDOWS)]:
            is_of_scope = np.zeros(row, dtype=np.bool_)
            is_of_scope[rows[scope]] = True
            median = quantile(columns.cycles.time[chosen.measured & is_of_scope], P50)
            target = targets.of(scope.namespace, scope.model)
            attained = attainment(columns, chosen.all_of_trigger & is_of_scope, window, as_of, target).value
            figures = HeadlineFigures(median.value_ns, None if attained is None else float(attained), median.n)
            labels = sorted_labels({**scope.labels(), HEADLINE_WINDOW: name})
            for instrument, source in declared(Headline):
                value = source.value(figures)
                if value is not None:
                    points[instrument.name].append(Point(labels, instrument.in_unit(value)))
    return [Metric(instrument, points[instrument.name]) for instrument, _ in declared(Headline)]


class _Scope(NamedTuple):
    """The cycles that a headline is about."""

    kind: str
    namespace: str | None = None
    model: str | None = None

    def labels(self) -> dict[str, str | bool]:
        """Return the labels. In Prometheus an empty label is an absent one, so the kind distinguishes scopes."""
        return {HEADLINE_SCOPE: self.kind, SERVICE_NAMESPACE: self.namespace or "", MODEL_NAME: self.model or ""}


_ALL = _Scope("all")
