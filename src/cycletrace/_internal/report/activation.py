"""The activation of deployed models, by the mechanism that takes them into use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace import conventions as c
from cycletrace._internal.report.columns import NULL, Columns
from cycletrace._internal.report.quantiles import P50, P85, Quantile, quantile
from cycletrace._internal.report.sums import Bools, Int64s, count


@dataclass(frozen=True)
class ActivationRow:
    """The activations by one mechanism, ``None`` where no stage stated it."""

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


def activation(columns: Columns, finished: Bools) -> Activation:
    """Return how fast these cycles were taken into use."""
    lengths = columns.cycles.parts[:, c.PARTS.index(c.ACTIVATION)]
    known = finished & (lengths != NULL)
    mechanism = columns.cycles.mechanism
    rows = [
        _row(None if code < 0 else columns.mechanisms[code], lengths[known & (mechanism == code)])
        for code in np.unique(mechanism[known])
    ]
    rows.sort(key=lambda row: (-row.n, row.mechanism or ""))
    n = count(known)
    return Activation(
        population="cycles finished in the window whose deployed and in_use are known",
        n=n,
        unknown=count(finished) - n,
        p50=quantile(lengths[known], P50),
        p85=quantile(lengths[known], P85),
        by_mechanism=rows,
    )


def _row(mechanism: str | None, lengths: Int64s) -> ActivationRow:
    return ActivationRow(mechanism, len(lengths), quantile(lengths, P50), quantile(lengths, P85))
