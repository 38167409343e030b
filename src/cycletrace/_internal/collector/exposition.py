"""Metrics as Prometheus reads them: its text format 0.0.4, and OpenMetrics 1.0, which has exemplars.

Sources: https://prometheus.io/docs/instrumenting/exposition_formats/,
https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md,
https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/ (names)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import accumulate

from cycletrace._internal.collector.instruments import BOUNDS, Instrument, Kind, Labels
from cycletrace._internal.collector.series import Exemplar, Metric, Point

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_UNITS = {"s": "seconds", "1": "ratio", "By": "bytes"}
"""The units that become part of a name. Annotations like ``{cycle}`` do not."""
_NOT_IN_NAME = re.compile(r"[^a-zA-Z0-9_]")


def accepted(accept: str) -> str:
    """Return the content type, :data:`TEXT` or :data:`OPENMETRICS`, that an ``Accept`` header prefers."""
    weights = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for choice in accept.split(","):
        media, *parameters = (word.strip().lower() for word in choice.split(";"))
        given = {name: value for name, _, value in (parameter.partition("=") for parameter in parameters)}
        if media in weights and given.get("version", "1.0.0") in ("1.0.0", "0.0.4"):
            weights[media] = max(weights[media], _weight(given.get("q", "1")))
    is_open = weights["application/openmetrics-text"] >= max(weights["text/plain"], 0.001)
    return OPENMETRICS if is_open else TEXT


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


@cache
def label_name(attribute: str) -> str:
    """Return the name of an attribute as a label in Prometheus."""
    return _NOT_IN_NAME.sub("_", attribute)


def metric_name(instrument: Instrument) -> str:
    """Return the name of a metric in Prometheus, with its unit and, of a counter, ``_total``."""
    return f"{_family_name(instrument)}_total" if instrument.kind is Kind.COUNTER else _family_name(instrument)


def _family_name(instrument: Instrument) -> str:
    name = _NOT_IN_NAME.sub("_", instrument.name)
    unit = _UNITS.get(instrument.unit)
    return f"{name}_{unit}" if unit else name


def render(metrics: Iterable[Metric], content_type: str) -> str:
    """Return all metrics as text in the format of this content type."""
    is_open = content_type == OPENMETRICS
    lines: list[str] = []
    for instrument, points in metrics:
        sample = metric_name(instrument)
        family = _family_name(instrument) if is_open else sample
        lines.append(f"# TYPE {family} {instrument.kind.value}")
        if is_open and instrument.unit in _UNITS:
            lines.append(f"# UNIT {family} {_UNITS[instrument.unit]}")
        lines.append(f"# HELP {family} {_escaped(instrument.help)}")
        for point in points:
            if instrument.kind is Kind.HISTOGRAM:
                lines.extend(_histogram(sample, point, is_open))
            else:
                exemplar = _exemplar(point.exemplars.get(0)) if is_open and instrument.kind is Kind.COUNTER else ""
                lines.append(f"{sample}{_labels(point.labels)} {_number(point.value)}{exemplar}")
            if is_open and point.start is not None:  # so that a rate counts the first value, too
                lines.append(f"{family}_created{_labels(point.labels)} {point.start / 1e9:.3f}")
    if is_open:
        lines.append("# EOF")
    return "\n".join(lines) + "\n"


def _histogram(name: str, point: Point, is_open: bool) -> Iterator[str]:
    own = _pairs(point.labels)
    before = f"{name}_bucket{{{own}," if own else f"{name}_bucket{{"
    for index, (bound, count) in enumerate(zip(_BOUNDS, accumulate(point.buckets), strict=True)):
        exemplar = _exemplar(point.exemplars.get(index)) if is_open else ""
        yield f'{before}le="{bound}"}} {count}{exemplar}'
    yield f"{name}_sum{_labels(point.labels)} {_number(point.value)}"
    yield f"{name}_count{_labels(point.labels)} {point.number}"


def _exemplar(exemplar: Exemplar | None) -> str:
    if exemplar is None:
        return ""
    ids = _labels((("trace_id", exemplar.trace_id), ("span_id", exemplar.span_id)))
    return f" # {ids} {_number(exemplar.value)} {exemplar.at / 1e9:.3f}"


def _labels(labels: Labels) -> str:
    return f"{{{_pairs(labels)}}}" if labels else ""


def _pairs(labels: Labels) -> str:
    return ",".join(
        f'{label_name(name)}="{_escaped(str(value).lower() if isinstance(value, bool) else value, quoted=True)}"'
        for name, value in labels
    )


def _escaped(text: str, *, quoted: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quoted else text


def _number(value: float) -> str:
    return repr(value)


_BOUNDS = (*(_number(float(bound)) for bound in BOUNDS), "+Inf")
