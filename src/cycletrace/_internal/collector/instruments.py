"""The metrics that the collector tells: names, units, kinds. Source: the design, section 4."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from cycletrace import conventions as words

SCOPE: Final = "cycletrace.collector"
"""The instrumentation scope of all that the collector writes itself."""

Labels = tuple[tuple[str, str | bool], ...]
"""Attributes of one series, sorted by name."""


class Kind(Enum):
    """How a metric's values add up."""

    HISTOGRAM = "histogram"
    COUNTER = "counter"
    GAUGE = "gauge"


class Instrument(NamedTuple):
    """One metric. Values of a unit of seconds are kept in integer nanoseconds, so that sums are exact."""

    name: str
    kind: Kind
    unit: str
    description: str

    @property
    def is_time(self) -> bool:
        """Whether values are lengths of time."""
        return self.unit == "s"


_MINUTE, _HOUR, _DAY = 60, 3600, 86400

BOUNDS: Final = (
    *(1, 5, 15),
    *(1 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(1 * _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR),
    *(1 * _DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 60 * _DAY, 90 * _DAY),
)
"""Upper bounds of a histogram's buckets, in seconds; a value belongs to the first that is not below it."""

CYCLE_DURATION = Instrument(words.CYCLE_DURATION, Kind.HISTOGRAM, "s", "Cycle time of closed cycles")
PART_DURATION = Instrument(words.PART_DURATION, Kind.HISTOGRAM, "s", "Length of a part of closed cycles")
STAGE_DURATION = Instrument(words.STAGE_DURATION, Kind.HISTOGRAM, "s", "Length of the stages of closed cycles")
WAIT_DURATION = Instrument(words.WAIT_DURATION, Kind.HISTOGRAM, "s", "Length of the waits of closed cycles")
CYCLE_ACTIVITY = Instrument(words.CYCLE_ACTIVITY, Kind.COUNTER, "s", "What the time of closed cycles went into")
CYCLE_COMPLETED = Instrument(words.CYCLE_COMPLETED, Kind.COUNTER, "{cycle}", "Closed cycles")
CYCLE_ROLLED_BACK = Instrument(
    words.CYCLE_ROLLED_BACK, Kind.COUNTER, "{cycle}", "Cycles rolled back, also after they were counted as completed"
)
CYCLE_OPEN = Instrument(words.CYCLE_OPEN, Kind.GAUGE, "{cycle}", "Open cycles")
CYCLE_OLDEST_AGE = Instrument(words.CYCLE_OLDEST_AGE, Kind.GAUGE, "s", "Time since the oldest open cycle started")
STAGE_ACTIVE = Instrument(words.STAGE_ACTIVE, Kind.GAUGE, "{stage}", "Stages that run now")
HEADLINE_MEDIAN = Instrument(words.HEADLINE_MEDIAN, Kind.GAUGE, "s", "Median cycle time, as the report has it")
HEADLINE_ATTAINMENT = Instrument(
    words.HEADLINE_ATTAINMENT, Kind.GAUGE, "1", "Share of cycles within the target, as the report has it"
)
HEADLINE_N = Instrument(words.HEADLINE_N, Kind.GAUGE, "{cycle}", "Cycles that the median is of, as the report has it")
RECORD_LATE = Instrument(
    words.RECORD_LATE, Kind.COUNTER, "{record}", "Records that came after their cycle had been counted"
)
RECORD_REJECTED = Instrument(
    words.RECORD_REJECTED, Kind.COUNTER, "{record}", "Records of cycletrace that could not be taken"
)

CUMULATIVE: Final = (
    CYCLE_DURATION,
    PART_DURATION,
    STAGE_DURATION,
    WAIT_DURATION,
    CYCLE_ACTIVITY,
    CYCLE_COMPLETED,
    CYCLE_ROLLED_BACK,
    RECORD_LATE,
    RECORD_REJECTED,
)
"""Metrics whose state is kept."""
