"""The flow of work: cycles that finish each week, open cycles and their age, and Little's law as a check.

Source: J. D. C. Little, "A proof for the queuing formula L = lambda W", Operations Research 9 (1961) 383-387; on using
it over a finite window: Little, "Little's law as viewed on its 50th anniversary", Operations Research 59 (2011)
536-549.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import tzinfo
from fractions import Fraction

import numpy as np

from cycletrace import conventions as c
from cycletrace._internal.flow import Facts, Status, finish, is_counted, status
from cycletrace._internal.report.columns import NULL, Columns
from cycletrace._internal.report.populations import STALE_NS, Populations, end_of_interval, within
from cycletrace._internal.report.quantiles import P50, P85, Quantile, quantile
from cycletrace._internal.report.sums import count, total
from cycletrace._internal.report.windows import Window, mondays

MOST_OPEN = 1000
"""The largest number of open cycles that are listed, the oldest ones."""

_WEEK_NS = 7 * 86400 * 10**9


@dataclass(frozen=True)
class Week:
    """The week that begins on Monday ``begins`` (ISO date), and how many cycles finished in it.

    ``is_whole`` is false if the window or the present cuts the week short.
    """

    begins: str
    finished: int
    is_whole: bool


@dataclass(frozen=True)
class OpenCycle:
    """An open cycle. ``age_ns`` is ``None`` if its start is unknown."""

    cycle_id: str
    key: str | None
    model: str | None
    age_ns: int | None
    is_stale: bool
    compared: str | None
    """Its age against the finished cycles, if there are enough: ``below p50``, ``above p50`` or ``above p85``."""
    standing: Status


@dataclass(frozen=True)
class Little:
    """Work in progress against throughput times cycle time; by Little's law they are equal in the long run.

    ``in_progress`` is the mean number of cycles in progress in the window, ``closed_per_week`` how many closed
    (finished or not), ``mean_ns`` the mean length of these, ``expected`` the product of the two. ``deviation`` is
    ``expected`` against ``in_progress``, as a share of it; it comes from cycles that began before the window or are
    still open.
    """

    in_progress: float
    closed_per_week: float
    mean_ns: int | None
    expected: float
    deviation: float | None


@dataclass(frozen=True)
class FlowOfWork:
    """The flow of work in a window. ``weeks`` runs from the first to the last week with a finished cycle."""

    population: str
    n: int
    per_week: float | None
    weeks: list[Week]
    open: list[OpenCycle]
    """The oldest first, stale ones last; at most :data:`MOST_OPEN`."""
    open_not_listed: int
    little: Little | None


def open_cycle(facts: Facts, as_of: int) -> OpenCycle | None:
    """Return the open cycle of these facts, ``None`` if the cycle is closed or does not count."""
    if facts["outcome"] != c.OPEN or finish(facts) is not None or not is_counted(facts):
        return None
    known = [instant for stage in facts["stages"] for instant in (stage["start"], stage["end"]) if instant is not None]
    known += [instant for wait in facts["waits"] for instant in (wait["start"], wait["end"]) if instant is not None]
    marks = facts["marks"]
    reached = marks["started"], marks["trained"], marks["selected"], marks["deployed"], marks["in_use"]
    known += [instant for instant in reached if instant is not None]
    is_stale = as_of - max(known, default=0) >= STALE_NS
    time = facts["cycle_time_ns"]
    return OpenCycle(facts["cycle_id"], facts["key"], facts["model"], time, is_stale, None, status(facts))


def flow_of_work(
    columns: Columns, chosen: Populations, open_cycles: list[OpenCycle], window: Window, as_of: int, zone: tzinfo
) -> FlowOfWork:
    """Return the flow of work in a window; ``open_cycles`` are those of the report's trigger."""
    finishes = columns.cycles.finish[chosen.finished]
    begin, end = _bounds(columns, chosen, window, as_of)
    is_timed = begin is not None and end > begin
    times = columns.cycles.time[chosen.measured]
    p50, p85 = quantile(times, P50), quantile(times, P85)
    ordered = sorted(open_cycles, key=lambda cycle: (cycle.is_stale, -(cycle.age_ns or 0), cycle.cycle_id))
    return FlowOfWork(
        population="cycles finished in the window; open ones as of now",
        n=len(finishes),
        per_week=len(finishes) * _WEEK_NS / (end - begin) if is_timed and begin is not None else None,
        weeks=_weeks(finishes, begin, end, zone),
        open=[_compared(cycle, p50, p85) for cycle in ordered[:MOST_OPEN]],
        open_not_listed=max(0, len(ordered) - MOST_OPEN),
        little=_little(columns, chosen, begin, end, as_of) if is_timed and begin is not None else None,
    )


def _bounds(columns: Columns, chosen: Populations, window: Window, as_of: int) -> tuple[int | None, int]:
    """Return the part of the window that has passed; a window without a beginning begins at the first start."""
    end = min(window.end, as_of + 1)
    if window.begin is not None:
        return window.begin, end
    started = columns.cycles.marks[chosen.all_of_trigger, c.MARKS.index(c.STARTED)]
    started = started[started != NULL]
    return (int(np.min(started)) if len(started) else None), end


def _weeks(finishes: np.typing.NDArray[np.int64], begin: int | None, end: int, zone: tzinfo) -> list[Week]:
    if not len(finishes):
        return []
    weeks = mondays(int(np.min(finishes)), int(np.max(finishes)), zone)
    edges = np.array([instant for _, instant in weeks], dtype=np.int64)
    finished = np.diff(np.searchsorted(np.sort(finishes), edges))
    return [
        Week(day.isoformat(), int(n), (begin is None or begin <= starts) and ends <= end)
        for (day, starts), (_, ends), n in zip(weeks, weeks[1:], finished, strict=False)
    ]


def _compared(cycle: OpenCycle, p50: Quantile, p85: Quantile) -> OpenCycle:
    if cycle.age_ns is None or p50.low_ns is None or p50.value_ns is None or p85.value_ns is None:
        return cycle
    is_above_p85, is_above_p50 = cycle.age_ns > p85.value_ns, cycle.age_ns > p50.value_ns
    return replace(cycle, compared="above p85" if is_above_p85 else "above p50" if is_above_p50 else "below p50")


def _little(columns: Columns, chosen: Populations, begin: int, end: int, as_of: int) -> Little:
    cycles = columns.cycles
    started, closed = cycles.marks[:, c.MARKS.index(c.STARTED)], end_of_interval(cycles)
    timed = chosen.all_of_trigger & ~chosen.stale & (closed != NULL)
    is_open = timed & chosen.is_open
    ends = np.where(is_open, min(as_of, end), np.minimum(closed, end))
    lengths = ends - np.maximum(started, begin)
    in_progress = total(lengths[timed & (lengths > 0)])
    done = timed & ~is_open & within(closed, begin, end)
    n, time = count(done), total(cycles.time[done])
    window = end - begin
    return Little(
        in_progress=in_progress / window,
        closed_per_week=n * _WEEK_NS / window,
        mean_ns=round(Fraction(time, n)) if n else None,
        expected=time / window,
        deviation=(time - in_progress) / in_progress if in_progress else None,
    )
