"""The report on a single cycle."""

from __future__ import annotations

from dataclasses import dataclass

from cycletrace.conventions import ACTIVITIES, DEPLOYMENT, MARKS, OPEN, SELECTION, TRAINING
from cycletrace.flow import Facts, Standing, is_manual, standing
from cycletrace.report.accounting import NOT_TOLD_APART, share_of
from cycletrace.report.steps import manual_ns, taken_up_ns

FLAGS = {
    "negative_intervals": (
        "1 stage or wait ends before it starts: it is listed, but counts nowhere",
        "{n} stages or waits end before they start: they are listed, but count nowhere",
    ),
    "marks_out_of_order": (
        "1 mark precedes one that it should follow, by more than clocks may differ",
        "{n} marks precede one that they should follow, by more than clocks may differ",
    ),
    "skewed": (
        "1 mark was moved by no more than clocks may differ, so that the marks are in order",
        "{n} marks were moved by no more than clocks may differ, so that the marks are in order",
    ),
    "parts_left_out": (
        "1 part is not given, since its marks are in the wrong order",
        "{n} parts are not given, since their marks are in the wrong order",
    ),
    "unclosed_waits": (
        "1 wait was never closed: it lasts to the end of what it held up",
        "{n} waits were never closed: they last to the end of what they held up",
    ),
}
"""What the flags of the facts mean: of one, of several."""


@dataclass(frozen=True)
class Piece:
    """A named length of the cycle, and its share of the cycle time."""

    name: str
    length_ns: int | None
    share: float | None


@dataclass(frozen=True)
class Stretch:
    """What owned a stretch of the cycle; ``stage`` is ``None`` for a wait of the cycle, and where nothing is known."""

    start: int
    end: int
    activity: str
    stage: str | None
    kind: str | None


@dataclass(frozen=True)
class Run:
    """A run of a stage. ``length_ns`` is ``None`` while it runs, negative where it ends before it starts."""

    id: str
    parent: str | None
    """The id of the run that it names as the one that contains it."""
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
    """What all runs of this name owned of the cycle time."""
    is_manual: bool
    taken_up_ns: int | None
    """Of a manual step: how long it waited to be taken up."""


@dataclass(frozen=True)
class Wait:
    """A wait; ``stage`` is the name of the stage that stood still, ``None`` for the cycle as a whole."""

    reason: str
    stage: str | None
    start: int
    length_ns: int | None


@dataclass(frozen=True)
class CycleReport:
    """Everything about one cycle. Lengths are ns, instants UTC ns.

    ``parts`` add up to the cycle time (what they leave is ``not told apart``), and so do ``activities`` and the
    stretches of ``timeline``.
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
    """The end of what is counted: of an open cycle the instant of the facts."""
    cycle_time_ns: int | None
    marks: dict[str, int | None]
    derived: list[str]
    parts: list[Piece]
    activation_ns: int | None
    activities: list[Piece]
    """Those that own any time, the longest first."""
    timeline: list[Stretch]
    stages: list[Run]
    waits: list[Wait]
    manual_ns: int
    """What the work of manual steps owned."""
    standing: Standing | None
    """Of an open cycle."""
    flags: dict[str, int]
    notes: list[str]
    """The flags in words."""


def cycle_report(facts: Facts) -> CycleReport:
    """The report on one cycle, from its facts."""
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
        marks={mark: facts["marks"][mark] for mark in MARKS},
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
            Wait(
                wait["reason"],
                names[wait["stage"]] if wait["stage"] is not None else None,
                wait["start"],
                None if wait["end"] is None else wait["end"] - wait["start"],
            )
            for wait in facts["waits"]
        ],
        manual_ns=manual_ns(facts),
        standing=standing(facts) if facts["outcome"] == OPEN else None,
        flags=facts["flags"],
        notes=_notes(facts),
    )


def _parts(facts: Facts) -> list[Piece]:
    parts, time = facts["parts_ns"], facts["cycle_time_ns"]
    lengths = {TRAINING: parts["training"], SELECTION: parts["selection"], DEPLOYMENT: parts["deployment"]}
    pieces = [
        Piece(part, length, None if length is None or not time else share_of(length, time))
        for part, length in lengths.items()
    ]
    if time is not None:
        rest = time - sum(length or 0 for length in lengths.values())
        if rest > 0:
            pieces.append(Piece(NOT_TOLD_APART, rest, share_of(rest, time)))
    return pieces


def _activities(facts: Facts) -> list[Piece]:
    activity, time = facts["activity_ns"], facts["cycle_time_ns"]
    if activity is None or not time:
        return []
    pieces = [Piece(name, activity[name], share_of(activity[name], time)) for name in ACTIVITIES if activity[name]]
    return sorted(pieces, key=lambda piece: -(piece.length_ns or 0))


def _runs(facts: Facts) -> list[Run]:
    taken_up = taken_up_ns(facts)
    owned: dict[str, int] = {}
    for owner in facts["owners"]:
        if owner["stage"] is not None:
            owned[owner["stage"]] = owned.get(owner["stage"], 0) + owner["end"] - owner["start"]
    return [
        Run(
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
    for flag, count in facts["flags"].items():
        one, several = FLAGS[flag]
        notes.append(one if count == 1 else several.format(n=count))
    return notes
