"""Jobs of SLURM, as ``sacct --parsable2`` prints them.

Source: https://slurm.schedmd.com/sacct.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cycletrace import conventions as c
from cycletrace._internal import instants
from cycletrace._internal.flow import Record, Stage
from cycletrace._internal.importers.found import Found, Item, Problem, SourceError
from cycletrace._internal.importers.ids import Job, queue_wait
from cycletrace._internal.importers.jobs import Choices, origin_of_job
from cycletrace._internal.kinds import kind_of

SYSTEM = "slurm"
KEY = "{model}@{job}"
"""The default key: each job is a cycle, and each array."""
FIELDS = ("model", "job", "name", "user", "partition", "comment")
"""What a key may be made of."""
NEEDED = ("JobID", "JobName", "Submit", "Start", "End", "State")
"""Columns that there must be."""
OUTCOMES = {
    "COMPLETED": c.OK,
    "FAILED": c.ERROR,
    "OUT_OF_MEMORY": c.ERROR,
    "BOOT_FAIL": c.ERROR,
    "TIMEOUT": c.TIMEOUT,
    "DEADLINE": c.TIMEOUT,
    "CANCELLED": c.CANCELLED,
    "PREEMPTED": c.CANCELLED,
    "REQUEUED": c.CANCELLED,
    "REVOKED": c.CANCELLED,
    "NODE_FAIL": c.LOST,
}
"""By state of a job that has ended."""
RUNNING = ("RUNNING", "COMPLETING", "SUSPENDED", "RESIZING")
PENDING = ("PENDING", "CONFIGURING")
_NEVER = frozenset({"", "Unknown", "None", "N/A"})

Row = Mapping[str, str]


def read(lines: Iterable[str], choices: Choices) -> Iterator[Found]:
    """Yield the jobs of a table, given its lines.

    Steps of jobs, and tasks of arrays that have not been split off yet, are left out.

    Raises:
        SourceError: if its first line does not name the columns.
    """
    rows = iter(lines)
    columns = next(rows, "").strip().split("|")
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise SourceError(f"line 1 must name the columns, as sacct --parsable2 does, and lacks {', '.join(missing)}.")
    jobs: dict[str, list[Row]] = {}
    for number, line in enumerate(rows, 2):
        if not line.strip():
            continue
        cells = line.rstrip("\r\n").split("|")
        if len(cells) != len(columns):
            yield Problem(f"line {number}", f"it has {len(cells)} cells, and there are {len(columns)} columns")
            continue
        row = dict(zip(columns, map(str.strip, cells), strict=True))
        if not re.search(r"[.\[]", row["JobID"]):
            jobs.setdefault(row["JobID"], []).append(row)
    for job, attempts in jobs.items():
        try:
            item = _item(job, attempts, choices)
        except ValueError as error:
            yield Problem(f"job {job}", str(error))
        else:
            if item is not None:
                yield item


def _item(job: str, rows: Sequence[Row], choices: Choices) -> Item | None:
    """Return a job with the records of its attempts, or ``None`` if it was submitted too long ago.

    Raises:
        ValueError: if a cell is wrong.
    """
    rows = sorted(rows, key=lambda row: (_instant(row, "Submit") or 0, _instant(row, "Start") or choices.now))
    submitted = _instant(rows[0], "Submit")
    if choices.since is not None and submitted is not None and submitted < choices.since:
        return None
    # If the accounting shows only the last attempt, it still says how many there were before.
    restarts = rows[-1].get("Restarts", "")
    first = max(1, int(restarts) + 2 - len(rows)) if restarts.isdecimal() else 1
    records: list[Record] = []
    ended: int | None = None
    for attempt, row in enumerate(rows, first):
        records += _records(row, _job(job, attempt, row, choices), ended, choices)
        ended = _instant(row, "End")
    return Item(f"job {job}", job, tuple(records))


def _job(job: str, attempt: int, row: Row, choices: Choices) -> Job:
    whole = re.split("[_+]", job)[0]
    values = (whole, row["JobName"], row.get("User"), row.get("Partition"), row.get("Comment"))
    origin = origin_of_job(choices, row["JobName"], dict(zip(FIELDS[1:], values, strict=True)))
    return Job(origin, SYSTEM, job, attempt)


def _records(row: Row, job: Job, ended_before: int | None, choices: Choices) -> tuple[Record, ...]:
    """Return the waits and the run of an attempt. ``ended_before`` is when the attempt before it ended."""
    state = row["State"].partition(" ")[0].rstrip("+")  # CANCELLED by 1000
    if state not in {*OUTCOMES, *RUNNING, *PENDING}:
        raise ValueError(
            f"State must be one of {', '.join((*OUTCOMES, *RUNNING, *PENDING))}, got {row['State'][:60]!r}"
        )
    start = None if state in PENDING else _instant(row, "Start")
    end = _instant(row, "End") if state in OUTCOMES else None
    if state in OUTCOMES and end is None:
        raise ValueError(f"End must not be empty, since State is {state}")
    over = end if start is None else start
    submitted = max(filter(None, (_instant(row, "Submit"), ended_before)), default=None)
    eligible = _instant(row, "Eligible") if "Eligible" in row else submitted
    if eligible is not None and eligible > choices.now:  # it is to begin then
        eligible = None
    waits = queue_wait(job, submitted, min(filter(None, (eligible, over)), default=None), "schedule")
    if eligible is not None:
        waits += queue_wait(job, max(eligible, submitted or eligible), over)
    if start is None:
        return waits
    stage = Stage(
        job.origin,
        job.stage_id,
        row["JobName"],
        kind_of(row["JobName"], choices.kinds),
        start,
        None if end is None else max(start, end),
        OUTCOMES.get(state),
        attempt=job.attempt if "_" in job.id else None,  # tasks of an array run beside each other
        launch="scheduler",
    )
    return (*waits, stage)


def _instant(row: Row, column: str) -> int | None:
    """Return an instant in UTC nanoseconds; ``None`` if there is none yet.

    Raises:
        ValueError: if the cell holds something else.
    """
    text = row.get(column, "")
    if text in _NEVER:
        return None
    zone = re.fullmatch(r"(.+[+-]\d\d)(\d\d)", text)  # as %z writes it
    try:
        if text.isdecimal() and len(text) <= 10:
            return instants.check(int(text) * 10**9, text)
        return instants.parse(f"{zone[1]}:{zone[2]}" if zone else text)
    except ValueError as error:
        raise ValueError(f"{column} {error}. Set SLURM_TIME_FORMAT=%FT%T%z for sacct") from None
