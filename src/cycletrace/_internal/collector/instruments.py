"""Every metric that the collector exports, each declared once.

A declaration holds a metric's name, kind, unit, help and labels, and where its values come from. Whatever stores,
exposes, exports or documents metrics goes by this table, so that adding a metric is adding a declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import ClassVar, Final, NamedTuple, TypeVar

from cycletrace import conventions as c
from cycletrace._internal.flow import Facts, is_manual
from cycletrace._internal.flow.rules import SECOND

SCOPE: Final = "cycletrace.collector"
"""The instrumentation scope of all that the collector writes itself."""
MAX_LABEL: Final = 255
"""Characters of a label's value that are kept, so that a hostile name costs no more than any other."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

BOUNDS: Final = (
    *(1, 5, 15),
    *(1 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(1 * _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR),
    *(1 * _DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 60 * _DAY, 90 * _DAY),
)
"""Upper bounds of a histogram's buckets, in seconds; a value belongs to the first that is not below it."""

Labels = tuple[tuple[str, str | bool], ...]
"""Attributes of one series, sorted by name."""
LabelValues = tuple[str | bool, ...]
"""Values of the labels that an instrument declares, in their order."""


class Kind(Enum):
    """How a metric's values add up."""

    HISTOGRAM = "histogram"
    COUNTER = "counter"
    GAUGE = "gauge"


CYCLE_LABELS: Final = (c.SERVICE_NAMESPACE, c.MODEL_NAME, c.MODEL_DOMAIN)


@dataclass(frozen=True)
class ClosedCycles:
    """Values that each cycle adds once, when it is complete: of its facts, and whether it met the target."""

    labels: ClassVar[tuple[str, ...]] = CYCLE_LABELS
    values: Callable[[Facts, bool], Iterable[tuple[LabelValues, int]]]


@dataclass(frozen=True)
class OpenCycles:
    """Values of the cycles that are open: read from each whenever it is folded, and combined at each export."""

    labels: ClassVar[tuple[str, ...]] = CYCLE_LABELS
    values: Callable[[Facts], Iterable[tuple[LabelValues, int | None]]]
    combine: Callable[[Sequence[int | None], int], int]
    """Of the values with the same labels, and the instant of the export."""


class HeadlineFigures(NamedTuple):
    """The headline of a report on one window; ``None`` is unknown."""

    median_ns: int | None
    attainment: float | None
    n: int


@dataclass(frozen=True)
class Headline:
    """One of the figures of the report's headline, for each window, of all cycles, each namespace and each model."""

    labels: ClassVar[tuple[str, ...]] = (
        c.HEADLINE_WINDOW,
        c.HEADLINE_SCOPE,
        c.SERVICE_NAMESPACE,
        c.MODEL_NAME,
    )
    value: Callable[[HeadlineFigures], float | None]


@dataclass(frozen=True)
class Records:
    """Records, which the store counts."""

    labels: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True)
class Process:
    """What the collector measures of itself, in its process."""

    labels: ClassVar[tuple[str, ...]] = ()


Source = ClosedCycles | OpenCycles | Headline | Records | Process
S = TypeVar("S", bound=Source)


class Instrument(NamedTuple):
    """One metric. Values in seconds are kept as integer nanoseconds, so that sums are exact."""

    name: str
    kind: Kind
    unit: str
    help: str
    source: Source
    labels: tuple[str, ...] = ()
    """Attributes besides those that all metrics of the source have."""

    def in_unit(self, value: float) -> float:
        """Return a value that is kept, in the unit of the metric."""
        return value / SECOND if self.unit == "s" else value


class Observation(NamedTuple):
    """A value for one series, as it is kept."""

    instrument: Instrument
    labels: Labels
    value: int


# --- values ---------------------------------------------------------------------------------------


def _cycle_time(facts: Facts, _: bool) -> Iterator[tuple[LabelValues, int]]:
    if facts["cycle_time_ns"] is not None:
        yield (facts["outcome"], facts["trigger"]), facts["cycle_time_ns"]


def _parts(facts: Facts, _: bool) -> Iterator[tuple[LabelValues, int]]:
    for part in c.PARTS:
        length = facts["parts_ns"][part]
        if length is not None:
            yield (part,), length


def _stages(facts: Facts, _: bool) -> Iterator[tuple[LabelValues, int]]:
    for stage in facts["stages"]:
        if stage["end"] is not None and stage["end"] >= stage["start"]:
            values = stage["name"], stage["kind"], stage["actor"], is_manual(stage), stage["outcome"] or ""
            yield values, stage["end"] - stage["start"]


def _waits(facts: Facts, _: bool) -> Iterator[tuple[LabelValues, int]]:
    for wait in facts["waits"]:
        if wait["end"] is not None and wait["end"] >= wait["start"]:
            yield (wait["reason"],), wait["end"] - wait["start"]


def _activities(facts: Facts, _: bool) -> Iterator[tuple[LabelValues, int]]:
    for activity, length in (facts["activity_ns"] or {}).items():
        yield (activity,), length


def _completed(facts: Facts, within_target: bool) -> Iterator[tuple[LabelValues, int]]:
    yield (facts["outcome"], facts["trigger"], within_target), 1


def _rolled_back(facts: Facts, _: bool) -> Iterator[tuple[LabelValues, int]]:
    yield (), int(facts["outcome"] == c.ROLLED_BACK)


def _one(_: Facts) -> Iterator[tuple[LabelValues, int]]:
    yield (), 1


def _started(facts: Facts) -> Iterator[tuple[LabelValues, int | None]]:
    yield (), facts["marks"][c.STARTED]


def _running(facts: Facts) -> Iterator[tuple[LabelValues, int]]:
    for stage in facts["stages"]:
        if stage["end"] is None:
            yield (stage["name"], stage["kind"], stage["actor"]), 1


def _running_since(facts: Facts) -> Iterator[tuple[LabelValues, int]]:
    for stage in facts["stages"]:
        if stage["end"] is None:
            yield (stage["name"], stage["kind"], stage["actor"]), stage["start"]


def _idle_since(facts: Facts) -> Iterator[tuple[LabelValues, int]]:
    """Yield the latest instant of a cycle in which nothing runs. One that is deployed waits for nothing but its use."""
    if facts["marks"][c.DEPLOYED] is None and all(stage["end"] is not None for stage in facts["stages"]):
        instants = [*facts["marks"].values(), *(stage["end"] for stage in facts["stages"])]
        instants += [wait["start"] if wait["end"] is None else wait["end"] for wait in facts["waits"]]
        known = [instant for instant in instants if isinstance(instant, int)]
        if known:
            yield (), max(known)


def _count(values: Sequence[int | None], _: int) -> int:
    return len(values)


def _oldest(started: Sequence[int | None], now: int) -> int:
    return max((now - instant for instant in started if instant is not None and instant < now), default=0)


# --- the table ------------------------------------------------------------------------------------

INSTRUMENTS: tuple[Instrument, ...] = (
    Instrument(
        c.CYCLE_DURATION,
        Kind.HISTOGRAM,
        "s",
        "Cycle time of closed cycles that have one",
        ClosedCycles(_cycle_time),
        (c.CYCLE_OUTCOME, c.CYCLE_TRIGGER),
    ),
    Instrument(c.PART_DURATION, Kind.HISTOGRAM, "s", "Parts of closed cycles", ClosedCycles(_parts), (c.PART,)),
    Instrument(
        c.STAGE_DURATION,
        Kind.HISTOGRAM,
        "s",
        "Stages of closed cycles",
        ClosedCycles(_stages),
        (c.STAGE_NAME, c.STAGE_KIND, c.ACTOR_TYPE, c.STAGE_MANUAL, c.STAGE_OUTCOME),
    ),
    Instrument(c.WAIT_DURATION, Kind.HISTOGRAM, "s", "Waits of closed cycles", ClosedCycles(_waits), (c.WAIT_REASON,)),
    Instrument(
        c.CYCLE_ACTIVITY,
        Kind.COUNTER,
        "s",
        "Time by activity; all activities add up to the cycle times",
        ClosedCycles(_activities),
        (c.ACTIVITY,),
    ),
    Instrument(
        c.CYCLE_COMPLETED,
        Kind.COUNTER,
        "{cycle}",
        "Closed cycles",
        ClosedCycles(_completed),
        (c.CYCLE_OUTCOME, c.CYCLE_TRIGGER, c.CYCLE_WITHIN_TARGET),
    ),
    Instrument(
        c.CYCLE_ROLLED_BACK,
        Kind.COUNTER,
        "{cycle}",
        "Cycles that were rolled back, even after their export",
        ClosedCycles(_rolled_back),
    ),
    Instrument(c.CYCLE_OPEN, Kind.GAUGE, "{cycle}", "Open cycles", OpenCycles(_one, _count)),
    Instrument(
        c.CYCLE_OLDEST_AGE,
        Kind.GAUGE,
        "s",
        "Time since the oldest open cycle started, 0 without one",
        OpenCycles(_started, _oldest),
    ),
    Instrument(
        c.CYCLE_IDLE,
        Kind.GAUGE,
        "s",
        "Time since the last activity of the undeployed cycle that has been idle longest, 0 without one",
        OpenCycles(_idle_since, _oldest),
    ),
    Instrument(
        c.STAGE_ACTIVE,
        Kind.GAUGE,
        "{stage}",
        "Running stages",
        OpenCycles(_running, _count),
        (c.STAGE_NAME, c.STAGE_KIND, c.ACTOR_TYPE),
    ),
    Instrument(
        c.STAGE_OLDEST_AGE,
        Kind.GAUGE,
        "s",
        "Time since the stage that has been running longest started, 0 without one",
        OpenCycles(_running_since, _oldest),
        (c.STAGE_NAME, c.STAGE_KIND, c.ACTOR_TYPE),
    ),
    Instrument(
        c.HEADLINE_MEDIAN,
        Kind.GAUGE,
        "s",
        "Median cycle time, as in the report",
        Headline(lambda figures: figures.median_ns),
    ),
    Instrument(
        c.HEADLINE_ATTAINMENT,
        Kind.GAUGE,
        "1",
        "Share of cycles within the target, from 0 to 1, including open and failed ones",
        Headline(lambda figures: figures.attainment),
    ),
    Instrument(
        c.HEADLINE_N, Kind.GAUGE, "{cycle}", "Number of cycles in the median", Headline(lambda figures: figures.n)
    ),
    Instrument(
        c.RECORD_LATE,
        Kind.COUNTER,
        "{record}",
        "Records that arrived after the export of their cycle",
        Records(),
    ),
    Instrument(
        c.RECORD_REJECTED,
        Kind.COUNTER,
        "{record}",
        "cycletrace records that were rejected, and spans that a rule means and cannot use",
        Records(),
    ),
    Instrument(
        c.COLLECTOR_REQUESTS,
        Kind.COUNTER,
        "{request}",
        "Requests that were answered",
        Process(),
        (c.COLLECTOR_SIGNAL, c.COLLECTOR_RESULT),
    ),
    Instrument(
        c.COLLECTOR_FORWARDED,
        Kind.COUNTER,
        "{request}",
        "Requests that were sent to a backend",
        Process(),
        (c.COLLECTOR_SIGNAL, c.COLLECTOR_RESULT),
    ),
    Instrument(
        c.COLLECTOR_RECORDS,
        Kind.COUNTER,
        "{record}",
        "cycletrace records in the commits, including repeated ones",
        Process(),
    ),
    Instrument(c.COLLECTOR_COMMITS, Kind.COUNTER, "{commit}", "Commits of records to the store", Process()),
    Instrument(c.COLLECTOR_COMMIT_TIME, Kind.COUNTER, "s", "Time that these commits took", Process()),
    Instrument(c.COLLECTOR_QUEUE, Kind.GAUGE, "{request}", "Requests that wait for a commit", Process()),
    Instrument(c.COLLECTOR_IN_FLIGHT, Kind.GAUGE, "By", "Memory reserved for requests in progress", Process()),
    Instrument(c.COLLECTOR_DUE, Kind.GAUGE, "{cycle}", "Cycles whose facts are yet to be computed", Process()),
    Instrument(
        c.COLLECTOR_OUTBOX, Kind.GAUGE, "{request}", "Derived spans of cycles that wait for backends", Process()
    ),
    Instrument(
        c.COLLECTOR_READY,
        Kind.GAUGE,
        "{ready}",
        "1 while requests are accepted, 0 while the store cannot be written",
        Process(),
    ),
    Instrument(
        c.COLLECTOR_IN_CHARGE,
        Kind.GAUGE,
        "{collector}",
        "1 while it folds and counts cycles, 0 while another collector of its store does",
        Process(),
    ),
)


def instrument(name: str) -> Instrument:
    """Return the declaration of the metric with this name."""
    return next(one for one in INSTRUMENTS if one.name == name)


def cumulative() -> Iterator[Instrument]:
    """Yield the metrics whose state is kept in the store: counters and histograms of cycles and records."""
    return (one for one in INSTRUMENTS if one.kind is not Kind.GAUGE and not isinstance(one.source, Process))


def declared(source: type[S]) -> Iterator[tuple[Instrument, S]]:
    """Yield the metrics with this kind of source, each with its source."""
    for one in INSTRUMENTS:
        if isinstance(one.source, source):
            yield one, one.source


def sorted_labels(labels: Mapping[str, str | bool]) -> Labels:
    """Return labels in order, without empty ones, and with long values cut."""
    return tuple(
        sorted(
            (name, value[:MAX_LABEL] if isinstance(value, str) else value)
            for name, value in labels.items()
            if value != ""
        )
    )


def cycle_labels(instrument: Instrument, facts: Facts, values: LabelValues = ()) -> Labels:
    """Return the labels of a cycle's series: those that all of its series have, and the instrument's own."""
    names = (*CYCLE_LABELS, *instrument.labels)
    common = (facts["namespace"], facts["model"] or "", facts["domain"] or "")
    return _labels(names, (*common, *values))


@lru_cache(maxsize=4096)
def _labels(names: tuple[str, ...], values: LabelValues) -> Labels:
    """Return these labels, which most cycles share with others."""
    return sorted_labels(dict(zip(names, values, strict=True)))


def observations(facts: Facts, within_target: bool) -> Iterator[Observation]:
    """Yield what a closed cycle adds to the metrics; ``within_target``: it met the target."""
    for one, source in declared(ClosedCycles):
        for values, value in source.values(facts, within_target):
            yield Observation(one, cycle_labels(one, facts, values), value)
