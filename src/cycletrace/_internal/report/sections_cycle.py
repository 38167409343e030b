"""The report on a single cycle as a document: the number, the parts, and where time went, owner by owner."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timezone, tzinfo

from cycletrace import conventions as c
from cycletrace._internal.report.cycle_report import CycleReport, StageRun, Stretch
from cycletrace._internal.report.document import (
    TIME_OF_DAY,
    TO_THE_SECOND,
    Axis,
    Block,
    Column,
    Content,
    Count,
    Document,
    Duration,
    Instant,
    Link,
    Name,
    Note,
    Paragraph,
    Percent,
    Section,
    Strip,
    Tone,
    Toned,
    Value,
    bar,
    join,
    quiet,
    strong,
    table,
)
from cycletrace._internal.report.sections import Linked, no_link
from cycletrace._internal.report.sections_practice import more_rows, standing_text
from cycletrace._internal.report.sections_time import activity_tone
from cycletrace._internal.report.sums import share_of
from cycletrace._internal.report.windows import local

_OWNERS = 24
_RUNS = 40
_WAITS = 20
_DEPTH = 4
"""How deep the nesting of stages is shown."""

_LAUNCHES = {c.TERMINAL: "from a terminal", c.NOTEBOOK: "from a notebook", "ci": "in CI", "scheduler": "by a scheduler"}
_BOUNDS = {
    c.TRAINING: (c.STARTED, (c.TRAINED,)),
    c.SELECTION: (c.TRAINED, (c.SELECTED,)),
    c.DEPLOYMENT: (c.SELECTED, (c.IN_USE, c.DEPLOYED)),
    c.ACTIVATION: (c.DEPLOYED, (c.IN_USE,)),
}
"""The mark at which each part begins, and the marks at the first known of which it ends."""


def cycle_document(report: CycleReport, linked: Linked = no_link, zone: tzinfo = timezone.utc) -> Document:
    """Return the report on one cycle as a document, with a link to its trace; times are those of a time zone."""
    sections = [
        _headline(report, linked, zone),
        _timeline(report),
        _activities(report),
        _stages(report),
        _waits(report),
        Section("Notes", "", tuple(Note(f"{sentence}.") for sentence in report.notes)) if report.notes else None,
    ]
    return tuple(section for section in sections if section is not None)


def _headline(report: CycleReport, linked: Linked, zone: tzinfo) -> Section:
    time = "no cycle time" if report.cycle_time_ns is None else Duration(report.cycle_time_ns)
    outcome = report.outcome.replace("_", " ")
    blocks: list[Block] = [Paragraph((strong(outcome, "  ", time), quiet("  ", *_span(report, zone))))]
    if report.standing is not None:
        stands = standing_text(report.standing)
        if report.standing.since is not None and report.ended is not None:
            lasting = Duration(report.ended - report.standing.since)
            stands += (" for ", lasting) if report.standing.outcome is None else (" ", lasting, " ago")
        blocks.append(Paragraph(stands))
    if report.cycle_time_ns is None:
        missing = "its start is unknown" if report.started is None else "it starts after its end"
        blocks.append(Note(f"There is no cycle time: {missing}."))
    url = linked(report.cycle_id)
    if url is not None:
        blocks.append(Link("trace", url))
    key = report.cycle_id if report.key is None else report.key
    return Section(Name(key), _about(report), (*blocks, _parts(report, zone)))


def _about(report: CycleReport) -> Content:
    about: list[tuple[Value, ...]] = []
    if report.model is not None:
        about.append(("model ", Name(report.model, 30)))
    if report.version is not None:
        about.append(("version ", Name(report.version, 20)))
    if report.domain is not None and report.domain != report.model:
        about.append(("domain ", Name(report.domain, 20)))
    if report.namespace:
        about.append(("of ", Name(report.namespace, 20)))
    if report.trigger != c.IDEA:
        about.append(("trigger ", Name(report.trigger, 20)))
    if report.implicit:
        about.append(("implicit",))
    return join(about)


def _span(report: CycleReport, zone: tzinfo) -> tuple[Value, ...]:
    if report.started is None or report.ended is None:
        return ()
    return Instant(report.started, zone, TO_THE_SECOND), " to ", _clock(report.ended, report, zone), f" {zone}"


def _clock(instant: int, report: CycleReport, zone: tzinfo) -> Instant:
    """Return the time of day, with the date if that is not the day on which the cycle started."""
    is_same_day = report.started is not None and local(instant, zone).date() == local(report.started, zone).date()
    return Instant(instant, zone, TIME_OF_DAY if is_same_day else TO_THE_SECOND)


def _parts(report: CycleReport, zone: tzinfo) -> Block:
    rows: list[list[Content]] = []
    for piece in report.parts:
        length = "unknown" if piece.length_ns is None else Duration(piece.length_ns)
        share = "" if piece.share is None else Percent(piece.share)
        rows.append([piece.name, length, share, _course(piece.name, report), _reached(piece.name, report, zone)])
    if report.activation_ns is not None:
        activation = quiet("of which activation"), quiet(Duration(report.activation_ns))
        rows.append([*activation, "", _course(c.ACTIVATION, report), ""])
    return table([Column(), Column(), Column(), Column(_axis(report)), Column("", Tone.QUIET)], rows)


def _end(part: str, report: CycleReport) -> str | None:
    """Return the mark at which a part of the cycle ended, ``None`` if it is unknown."""
    _, ends = _BOUNDS.get(part, ("", ()))
    return next((mark for mark in ends if report.marks[mark] is not None), None)


def _reached(part: str, report: CycleReport, zone: tzinfo) -> Content:
    """Return the mark at which a part ended, and its instant."""
    mark = _end(part, report)
    instant = None if mark is None else report.marks[mark]
    if mark is None or instant is None:
        return ""
    return f"{mark.replace('_', ' ')} ", _clock(instant, report, zone)


def _course(part: str, report: CycleReport) -> Content:
    """Return where a part lies within the cycle, nothing if it is unknown or lies outside."""
    mark = _end(part, report)
    if mark is None:
        return ""
    begin, end = report.marks[_BOUNDS[part][0]], report.marks[mark]
    return "" if begin is None or end is None else _strip([(begin, end)], report, Tone.WORK)


def _strip(stretches: Iterable[tuple[int, int]], report: CycleReport, tone: Tone) -> Content:
    """Return where stretches (UTC ns) lie within the cycle."""
    start, time = report.started, report.cycle_time_ns
    if start is None or not time:
        return ""
    spans = [((begin - start) / time, (end - start) / time) for begin, end in stretches]
    return Strip(tuple((begin, end) for begin, end in spans if 0 <= begin < end <= 1), tone)


def _axis(report: CycleReport) -> Axis:
    return Axis(Duration(0), Duration(report.cycle_time_ns))


def _timeline(report: CycleReport) -> Section | None:
    if not report.timeline or report.started is None or not report.cycle_time_ns:
        return None
    owned: dict[tuple[str, str | None], list[Stretch]] = {}
    for stretch in report.timeline:
        owned.setdefault((stretch.activity, stretch.stage), []).append(stretch)
    longest = sorted(owned.values(), key=_length, reverse=True)
    shown, others = longest[:_OWNERS], longest[_OWNERS:]
    shown.sort(key=lambda stretches: (stretches[0].activity == c.UNEXPLAINED, stretches[0].start))
    rows = [
        _owner_row(_owner(stretches[0]), stretches, report, activity_tone(stretches[0].activity)) for stretches in shown
    ]
    if others:
        name = quiet(Count(len(others)), " others")
        rows.append(_owner_row(name, [one for stretches in others for one in stretches], report, Tone.QUIET))
    columns = [Column("owner"), Column("owned"), Column("share"), Column(_axis(report))]
    return Section("Where the time went", "every instant has one owner, so this adds up", (table(columns, rows),))


def _length(stretches: Iterable[Stretch]) -> int:
    return sum(stretch.end - stretch.start for stretch in stretches)


def _owner_row(name: Content, stretches: list[Stretch], report: CycleReport, tone: Tone) -> list[Content]:
    length = _length(stretches)
    strip = _strip(((stretch.start, stretch.end) for stretch in stretches), report, tone)
    return [name, Duration(length), Percent(share_of(length, report.cycle_time_ns or 0)), strip]


def _owner(stretch: Stretch) -> Content:
    """Return the owner of a stretch, in words."""
    if stretch.activity == c.UNEXPLAINED:
        return quiet(c.UNEXPLAINED)
    kind, _, detail = stretch.activity.partition(".")
    if stretch.stage is None:
        return f"{kind} for {detail}"
    if kind == "wait":
        return f"wait for {detail} in ", Name(stretch.stage, 20)
    return Name(stretch.stage, 32), " by hand" if detail == c.HUMAN else ""


def _activities(report: CycleReport) -> Section | None:
    if not report.activities:
        return None
    rows: list[list[Content]] = [
        [piece.name, Duration(piece.length_ns), Percent(piece.share), bar(piece.share, activity_tone(piece.name))]
        for piece in report.activities
    ]
    blocks: list[Block] = [table([Column()] * 4, rows)]
    if report.manual_ns:
        blocks.append(Note(("Manual steps own ", Duration(report.manual_ns), " of it.")))
    return Section("By activity", "", tuple(blocks))


def _stages(report: CycleReport) -> Section | None:
    if not report.stages:
        return None
    manual = sum(run.is_manual for run in report.stages)
    by_hand = Count(manual, "manual step") if manual else "no manual step"
    columns = [Column("stage"), Column("took"), Column("outcome"), Column("by"), Column("", Tone.QUIET)]
    rows = [_run_row(run, depth) for run, depth in _nested(report.stages)[:_RUNS]]
    rows += more_rows(len(report.stages) - _RUNS, 5)
    return Section("Stages", (Count(len(report.stages), "run"), ", ", by_hand), (table(columns, rows),))


def _nested(runs: list[StageRun]) -> list[tuple[StageRun, int]]:
    """Return each run below the one that contains it, with its depth; runs that contain each other come last."""
    known = {run.id for run in runs}
    inside: dict[str | None, list[StageRun]] = {}
    for run in runs:
        inside.setdefault(run.parent if run.parent in known else None, []).append(run)
    found: list[tuple[StageRun, int]] = []
    left = [(run, 0) for run in reversed(inside.pop(None, []))]
    while left:
        run, depth = left.pop()
        found.append((run, depth))
        left += [(child, depth + 1) for child in reversed(inside.pop(run.id, []))]
    return found + [(run, 0) for looping in inside.values() for run in looping]


def _run_row(run: StageRun, depth: int) -> list[Content]:
    outcome: Content = run.outcome or "running"
    if run.outcome is not None and run.outcome not in c.SUCCESSES:
        outcome = Toned((run.outcome,), Tone.BAD)
    person = run.actor if run.person is None else Name(run.person, 16)
    return [Name(run.name, 32, min(depth, _DEPTH)), Duration(run.length_ns), outcome, person, _details(run)]


def _details(run: StageRun) -> Content:
    details: list[tuple[Value, ...]] = []
    if run.kind not in (run.name, c.OTHER):
        details.append((f"kind {run.kind}",))
    if run.attempt > 1:
        details.append(("attempt ", Count(run.attempt)))
    if run.is_manual:
        details.append(("by hand",))
    if run.taken_up_ns:
        details.append(("taken up after ", Duration(run.taken_up_ns)))
    if run.launch in _LAUNCHES:
        details.append((_LAUNCHES[run.launch],))
    if run.mechanism is not None:
        details.append(("by ", Name(run.mechanism, 20)))
    if run.environment is not None:
        details.append(("in ", Name(run.environment, 20)))
    return join(details) or ""


def _waits(report: CycleReport) -> Section | None:
    if not report.waits:
        return None
    rows: list[list[Content]] = [
        [
            wait.reason,
            "still waiting" if wait.length_ns is None else Duration(wait.length_ns),
            "the cycle" if wait.stage is None else Name(wait.stage, 32),
        ]
        for wait in report.waits[:_WAITS]
    ]
    rows += more_rows(len(report.waits) - _WAITS, 3)
    return Section("Waits", "", (table([Column("for"), Column("took"), Column("of")], rows),))
