"""From idea to trained model, within each domain only: training times of different domains are never pooled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace import conventions as c
from cycletrace._internal.report.columns import NULL, Columns
from cycletrace._internal.report.populations import within
from cycletrace._internal.report.quantiles import P50, P85, Quantile, quantile
from cycletrace._internal.report.sums import Bools, Codes
from cycletrace._internal.report.windows import Window


@dataclass(frozen=True)
class ModelRow:
    """The training part of one model, to be compared with other models of its domain."""

    model: str | None
    p50: Quantile
    p85: Quantile


@dataclass(frozen=True)
class DomainRow:
    """The training part of one domain, and of each of its models if it has several."""

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


def training(columns: Columns, of_trigger: Bools, window: Window) -> Training:
    """Return the training part, by domain, of those of these cycles that reached ``trained`` in the window."""
    cycles = columns.cycles
    lengths = cycles.parts[:, c.PARTS.index(c.TRAINING)]
    is_in_window = within(cycles.marks[:, c.MARKS.index(c.TRAINED)], window.begin, window.end)
    order = np.flatnonzero(of_trigger & (lengths != NULL) & is_in_window)
    order = order[np.lexsort((cycles.model[order], cycles.domain[order]))]
    domains = []
    for rows in _groups(order, cycles.domain):
        models = [
            ModelRow(columns.models[int(cycles.model[of_model[0]])], *_quantiles(columns, of_model))
            for of_model in _groups(rows, cycles.model)
        ]
        models.sort(key=lambda row: (-row.p50.n, row.model or ""))
        domain = columns.domains[int(cycles.domain[rows[0]])]
        domains.append(DomainRow(domain, *_quantiles(columns, rows), models if len(models) > 1 else []))
    domains.sort(key=lambda row: (-row.p50.n, row.domain or ""))
    return Training("cycles trained in the window, whatever became of them", len(order), domains)


Indexes = np.typing.NDArray[np.intp]


def _groups(rows: Indexes, codes: Codes) -> list[Indexes]:
    """Return the rows, which are in order of their codes, cut where the code changes."""
    if not len(rows):
        return []
    return np.split(rows, np.flatnonzero(np.diff(codes[rows])) + 1)


def _quantiles(columns: Columns, rows: Indexes) -> tuple[Quantile, Quantile]:
    lengths = columns.cycles.parts[rows, c.PARTS.index(c.TRAINING)]
    return quantile(lengths, P50), quantile(lengths, P85)
