"""How fast a deployed model is taken into use, by the mechanism that does it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace.conventions import ACTIVATION, PARTS
from cycletrace.report.columns import NULL, Table
from cycletrace.report.quantiles import P50, P85, Quantile, quantile
from cycletrace.report.sums import Bools, Int64s


@dataclass(frozen=True)
class ActivationRow:
    """The activations by one mechanism, ``None`` where no stage told it."""

    mechanism: str | None
    n: int
    p50: Quantile
    p85: Quantile


@dataclass(frozen=True)
class Activation:
    """``deployed`` to ``in_use``, over the n finished cycles where both are known and in order."""

    population: str
    n: int
    unknown: int
    """Finished cycles without a known activation."""
    p50: Quantile
    p85: Quantile
    by_mechanism: list[ActivationRow]


def activation(table: Table, finished: Bools) -> Activation:
    """How fast these cycles were taken into use."""
    lengths = table.cycles.parts[:, PARTS.index(ACTIVATION)]
    known = finished & (lengths != NULL)
    mechanism = table.cycles.mechanism
    rows = [
        _row(None if code < 0 else table.mechanisms[code], lengths[known & (mechanism == code)])
        for code in np.unique(mechanism[known])
    ]
    rows.sort(key=lambda row: (-row.n, row.mechanism or ""))
    n = int(np.count_nonzero(known))
    return Activation(
        population="cycles finished in the window whose deployed and in_use are known",
        n=n,
        unknown=int(np.count_nonzero(finished)) - n,
        p50=quantile(lengths[known], P50),
        p85=quantile(lengths[known], P85),
        by_mechanism=rows,
    )


def _row(mechanism: str | None, lengths: Int64s) -> ActivationRow:
    return ActivationRow(mechanism, len(lengths), quantile(lengths, P50), quantile(lengths, P85))
