"""The report on a single cycle."""

from __future__ import annotations

from dataclasses import dataclass

from cycletrace import conventions as c
from cycletrace._internal.flow import Facts, Status, is_manual, status
from cycletrace._internal.report.accounting import UNATTRIBUTED
from cycletrace._internal.report.steps import manual_ns, taken_up_ns
from cycletrace._internal.report.sums import share_of

FLAGS = {
    "negative_intervals": (
        "1 stage or wait ends before it starts: it is listed but not counted",
        "{n} stages or waits end before they start: they are listed but not counted",
    ),
    "marks_out_of_order": (
        "1 mark precedes the mark before it by more than clocks may differ",
        "{n} marks precede the mark before them by more than clocks may differ",
    ),
    "skewed": (
        "1 mark was moved, by no more than clocks may differ, to put the marks in order",
        "{n} marks were moved, by no more than clocks may differ, to put the marks in order",
    ),
    "parts_left_out": (
        "1 part is left out because its marks are in the wrong order",
        "{n} parts are left out because their marks are in the wrong order",
    ),
    "after_bound": (
        "1 mark is not taken from its stage, which succeeded too late: clocks differ, or the order is wrong",
        "{n} marks are not taken from their stages, which succeeded too late: clocks differ, or the order is wrong",
    ),
    "unmatched_ends": (
        "1 end has no begin, so it is not counted",
        "{n} ends have no begin, so they are not counted",
    ),
    "unclosed_waits": (
        "1 wait was never closed: it lasts until its stage or the cycle ends",
        "{n} waits were never closed: they last until their stage or the cycle ends",
    ),
}
"""Texts for the flags of the facts, in the singular and in the plural."""


@dataclass(frozen=True)
class Slice:
    """A named part of the cycle time, and its share."""

    name: str
    length_ns: int | None
    share: float | None


@dataclass(frozen=True)
class Stretch:
    """A stretch of the cycle and its owner; ``stage`` is ``None`` for waits of the cycle and unexplained time."""

    start: int
    end: int
    activity: str
    stage: str | None
    kind: str | None


@dataclass(frozen=True)
class StageRun:
    """One run of a stage. ``length_ns`` is ``None`` while it runs, negative if it ends before it starts."""

    id: str
    parent: str | None
    """The id of the run that contains it."""
    name: str
    kind: str
    part: str | None
    attempt: int
    outcome: str | None
    actor: str
    person: str | None
    launch: str
    environment: str | None
    mechanism: str | None
    start: int
    length_ns: int | None
    owned_ns: int
    """The time that all runs of this name owned."""
    is_manual: bool
    taken_up_ns: int | None
    """The time for which a manual step waited to be taken up."""


@dataclass(frozen=True)
class StageWait:
    """One wait; ``stage`` is the name of the stage that stood still, ``None`` for the cycle as a whole."""

    reason: str
    stage: str | None
    start: int
    length_ns: int | None


@dataclass(frozen=True)
class CycleReport:
    """Everything about one cycle. Lengths are ns, instants UTC ns.

    ``parts``, ``activities`` and the stretches of ``timeline`` each add up to the cycle time; time in no part is the
    part ``unattributed``.
    """

    cycle_id: str
    key: str | None
    namespace: str
    model: str | None
    domain: str | None
    version: str | None
    trigger: str
    implicit: bool
    outcome: str
    started: int | None
    ended: int | None
    """The end of the cycle time: for an open cycle, the instant of the facts."""
    cycle_time_ns: int | None
    marks: dict[str, int | None]
    derived: list[str]
    parts: list[Slice]
    activation_ns: int | None
    activities: list[Slice]
    """Those that own any time, the longest first."""
    timeline: list[Stretch]
    stages: list[StageRun]
    waits: list[StageWait]
    manual_ns: int
    """The time that the work of manual steps owned."""
    standing: Status | None
    """Where an open cycle stands."""
    flags: dict[str, int]
    notes: list[str]
    """The flags in words."""

    def _repr_html_(self) -> str:
        """Return the page of this cycle in a frame, as notebooks show it."""
        from cycletrace._internal.report import html, page

        return html.in_frame(html.render(page.cycle_page(self)))


def build_cycle(facts: Facts) -> CycleReport:
    """Return the report on one cycle, from its facts."""
    time, started = facts["cycle_time_ns"], facts["marks"]["started"]
    names = {stage["id"]: stage["name"] for stage in facts["stages"]}
    return CycleReport(
        cycle_id=facts["cycle_id"],
        key=facts["key"],
        namespace=facts["namespace"],
        model=facts["model"],
        domain=facts["domain"],
        version=facts["version"],
        trigger=facts["trigger"],
        implicit=facts["implicit"],
        outcome=facts["outcome"],
        started=started,
        ended=started + time if started is not None and time is not None else None,
        cycle_time_ns=time,
        marks={mark: facts["marks"][mark] for mark in c.MARKS},
        derived=facts["derived"],
        parts=_parts(facts),
        activation_ns=facts["parts_ns"]["activation"],
        activities=_activities(facts),
        timeline=[
            Stretch(owner["start"], owner["end"], owner["activity"], owner["stage"], owner["kind"])
            for owner in facts["owners"]
        ],
        stages=_runs(facts),
        waits=[
            StageWait(
                wait["reason"],
                names[wait["stage"]] if wait["stage"] is not None else None,
                wait["start"],
                None if wait["end"] is None else wait["end"] - wait["start"],
            )
            for wait in facts["waits"]
        ],
        manual_ns=manual_ns(facts),
        standing=status(facts) if facts["outcome"] == c.OPEN else None,
        flags=facts["flags"],
        notes=_notes(facts),
    )


def _parts(facts: Facts) -> list[Slice]:
    parts, time = facts["parts_ns"], facts["cycle_time_ns"]
    lengths = {c.TRAINING: parts["training"], c.SELECTION: parts["selection"], c.DEPLOYMENT: parts["deployment"]}
    slices = [
        Slice(part, length, None if length is None or not time else share_of(length, time))
        for part, length in lengths.items()
    ]
    if time is not None:
        rest = time - sum(length or 0 for length in lengths.values())
        if rest > 0:
            slices.append(Slice(UNATTRIBUTED, rest, share_of(rest, time)))
    return slices


def _activities(facts: Facts) -> list[Slice]:
    activity, time = facts["activity_ns"], facts["cycle_time_ns"]
    if activity is None or not time:
        return []
    slices = [Slice(name, activity[name], share_of(activity[name], time)) for name in c.ACTIVITIES if activity[name]]
    return sorted(slices, key=lambda piece: -(piece.length_ns or 0))


def _runs(facts: Facts) -> list[StageRun]:
    taken_up = taken_up_ns(facts)
    owned: dict[str, int] = {}
    for owner in facts["owners"]:
        if owner["stage"] is not None:
            owned[owner["stage"]] = owned.get(owner["stage"], 0) + owner["end"] - owner["start"]
    return [
        StageRun(
            id=stage["id"],
            parent=stage["parent"],
            name=stage["name"],
            kind=stage["kind"],
            part=stage["part"],
            attempt=stage["attempt"],
            outcome=stage["outcome"],
            actor=stage["actor"],
            person=stage["person"],
            launch=stage["launch"],
            environment=stage["environment"],
            mechanism=stage["mechanism"],
            start=stage["start"],
            length_ns=None if stage["end"] is None else stage["end"] - stage["start"],
            owned_ns=owned.get(stage["name"], 0),
            is_manual=is_manual(stage),
            taken_up_ns=taken_up.get(stage["id"]),
        )
        for stage in facts["stages"]
    ]


def _notes(facts: Facts) -> list[str]:
    notes = []
    for flag, n in facts["flags"].items():
        singular, plural = FLAGS[flag]
        notes.append(singular if n == 1 else plural.format(n=n))
    return notes
