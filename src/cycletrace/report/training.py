"""From idea to trained model, within each domain only: training times of different domains are never pooled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace.conventions import MARKS, PARTS, TRAINED, TRAINING
from cycletrace.report.columns import NULL, Codes, Table
from cycletrace.report.populations import within
from cycletrace.report.quantiles import P50, P85, Quantile, quantile
from cycletrace.report.sums import Bools
from cycletrace.report.windows import Window


@dataclass(frozen=True)
class ModelRow:
    """The training part of one model, to be compared with those of its domain."""

    model: str | None
    p50: Quantile
    p85: Quantile


@dataclass(frozen=True)
class DomainRow:
    """The training part of one domain, and of its models where there are several."""

    domain: str | None
    p50: Quantile
    p85: Quantile
    models: list[ModelRow]


@dataclass(frozen=True)
class Training:
    """The training part of the n cycles that were trained in the window, whatever became of them."""

    population: str
    n: int
    domains: list[DomainRow]


def training(table: Table, main: Bools, window: Window) -> Training:
    """The training part of the cycles of ``main`` that reached ``trained`` in the window, by domain."""
    cycles = table.cycles
    lengths = cycles.parts[:, PARTS.index(TRAINING)]
    known = main & (lengths != NULL) & within(cycles.marks[:, MARKS.index(TRAINED)], window.begin, window.end)
    order = np.flatnonzero(known)
    order = order[np.lexsort((cycles.model[order], cycles.domain[order]))]
    domains = []
    for rows in _groups(order, cycles.domain):
        models = [
            ModelRow(table.models[int(cycles.model[of_model[0]])], *_quantiles(table, of_model))
            for of_model in _groups(rows, cycles.model)
        ]
        models.sort(key=lambda row: (-row.p50.n, row.model or ""))
        domain = table.domains[int(cycles.domain[rows[0]])]
        domains.append(DomainRow(domain, *_quantiles(table, rows), models if len(models) > 1 else []))
    domains.sort(key=lambda row: (-row.p50.n, row.domain or ""))
    return Training("cycles trained in the window, whatever became of them", len(order), domains)


Indexes = np.typing.NDArray[np.intp]


def _groups(rows: Indexes, codes: Codes) -> list[Indexes]:
    """Rows that are in order of their codes, cut where the code changes."""
    if not len(rows):
        return []
    return np.split(rows, np.flatnonzero(np.diff(codes[rows])) + 1)


def _quantiles(table: Table, rows: Indexes) -> tuple[Quantile, Quantile]:
    lengths = table.cycles.parts[rows, PARTS.index(TRAINING)]
    return quantile(lengths, P50), quantile(lengths, P85)
