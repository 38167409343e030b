"""Gauges, which are computed at each export: what is open now, and the report's headline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timezone
from typing import NamedTuple

import numpy as np

from cycletrace._internal.collector.instruments import (
    Headline,
    HeadlineFigures,
    Labels,
    OpenCycles,
    cycle_labels,
    declared,
    sorted_labels,
)
from cycletrace._internal.collector.series import OVERFLOWING, Metric, Point
from cycletrace._internal.flow import Facts, Targets, is_counted
from cycletrace._internal.report.attainment import attainment
from cycletrace._internal.report.columns import ColumnsBuilder
from cycletrace._internal.report.populations import populations
from cycletrace._internal.report.quantiles import P50, quantile
from cycletrace._internal.report.windows import parse_window
from cycletrace._internal.store import Snapshot
from cycletrace.conventions import HEADLINE_SCOPE, HEADLINE_WINDOW, IDEA, MODEL_NAME, SERVICE_NAMESPACE

WINDOWS = ("7d", "30d", "90d")


class _Reading(NamedTuple):
    """A value that an open cycle adds to a metric."""

    metric: str
    labels: Labels
    value: int | None


class OpenGauges:
    """The gauges of open cycles. Remembers them, so that only those folded anew are read. For one thread at a time."""

    def __init__(self, limit: int) -> None:
        """Begin without cycles. ``limit`` bounds the label sets of each gauge, including the overflow one."""
        self._limit = limit
        self._cycles: dict[str, tuple[int, list[_Reading]]] = {}
        """By id: the instant of the fold, and what the cycle adds."""
        self._known: dict[str, dict[Labels, None]] = defaultdict(dict)

    def metrics(self, snapshot: Snapshot, now: int) -> Iterator[Metric]:
        """Yield the gauges as of an instant (UTC nanoseconds).

        A label set goes on at zero when nothing is left of it; those beyond the limit are combined.
        """
        self._update(snapshot)
        values: dict[str, dict[Labels, list[int | None]]] = defaultdict(lambda: defaultdict(list))
        for _, readings in self._cycles.values():
            for metric, labels, value in readings:
                values[metric][labels].append(value)
        for instrument, source in declared(OpenCycles):
            known, found = self._known[instrument.name], values[instrument.name]
            beyond: list[int | None] = []
            for labels, some in found.items():
                if labels not in known and len(known) < self._limit - 1:
                    known[labels] = None
                if labels not in known:
                    beyond += some
            by_labels = [(labels, found.get(labels, [])) for labels in sorted(known, key=repr)]
            if beyond:
                by_labels.append((OVERFLOWING, beyond))
            points = [Point(labels, instrument.in_unit(source.combine(some, now))) for labels, some in by_labels]
            yield Metric(instrument, points)

    def _update(self, snapshot: Snapshot) -> None:
        kept: dict[str, tuple[int, list[_Reading]]] = {}
        for cycle_id, folded in snapshot.open_cycles().items():
            known = self._cycles.get(cycle_id)
            if known is not None and folded in {known[0], None}:  # None: it will be folded anew, and stays until then
                kept[cycle_id] = known
            elif folded is not None and (facts := snapshot.kept_facts(cycle_id)) is not None:
                kept[cycle_id] = folded, list(_readings(facts))
        self._cycles = kept


def _readings(facts: Facts) -> Iterator[_Reading]:
    """Yield what an open cycle adds to the gauges: nothing where it counts in no population."""
    if is_counted(facts):
        for instrument, source in declared(OpenCycles):
            for values, value in source.values(facts):
                yield _Reading(instrument.name, cycle_labels(instrument, facts, values), value)


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
