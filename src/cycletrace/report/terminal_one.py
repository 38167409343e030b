"""The report on a single cycle, on a terminal: the number, the parts, and where time went, owner by owner."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timezone, tzinfo
from math import ceil

from rich.console import Console

from cycletrace.conventions import (
    DEPLOYED,
    DEPLOYMENT,
    IDEA,
    IN_USE,
    OTHER,
    SELECTED,
    SELECTION,
    SUCCESSES,
    TRAINED,
    TRAINING,
    UNEXPLAINED,
)
from cycletrace.report import words
from cycletrace.report.accounting import share_of
from cycletrace.report.layout import QUIET, STRONG, Column, Linked, Page, Part, activity_style, no_link
from cycletrace.report.one import CycleReport, Piece, Run, Stretch
from cycletrace.report.sections import standing_words

_OWNERS = 24
_RUNS = 40
_WAITS = 20
_DEPTH = 4
"""How deep stages are shown to be nested."""
_LANE = 12
"""Characters in which the course of the cycle is drawn, at least."""
_BESIDE_LANE = 45
"""Characters that stand beside it."""

_LAUNCHED = {"terminal": "from a terminal", "notebook": "from a notebook", "ci": "in CI", "scheduler": "by a scheduler"}

_PARTS = {TRAINING: ("█", "blue"), SELECTION: ("▓", "magenta"), DEPLOYMENT: ("▒", "green")}
"""How each part is drawn: told apart by its colour, and without colours by its shade."""
_NO_PART = ("░", "bright_black")
_ENDS = {TRAINING: (TRAINED,), SELECTION: (SELECTED,), DEPLOYMENT: (IN_USE, DEPLOYED)}


def render_cycle(report: CycleReport, console: Console, linked: Linked = no_link, zone: tzinfo = timezone.utc) -> None:
    """Write the report on one cycle on a terminal, or on anything else that a console writes on."""
    page = Page(console)
    _headline(page, report, zone)
    link = linked(report.cycle_id)
    if link is not None:
        page.link(link)
    _parts(page, report, zone)
    _timeline(page, report)
    _activities(page, report)
    _stages(page, report)
    _waits(page, report)
    if report.notes:
        page.heading("To be known")
        page.blank()
        for sentence in report.notes:
            page.line(("· ", QUIET), f"{sentence}.", hanging=2)
    page.blank()


def _headline(page: Page, report: CycleReport, zone: tzinfo) -> None:
    page.heading(words.name(report.key if report.key is not None else report.cycle_id), _about(report))
    page.blank()
    time = words.duration(report.cycle_time_ns) if report.cycle_time_ns is not None else "no cycle time"
    page.line((f"{report.outcome.replace('_', ' ')}  ", STRONG), (time, STRONG), (f"  {_span(report, zone)}", QUIET))
    if report.standing is not None:
        since = ""
        if report.standing.since is not None and report.ended is not None:
            since = f" for {words.duration(report.ended - report.standing.since)}"
        page.line(f"{standing_words(report.standing.state, report.standing.what)}{since}")
    if report.cycle_time_ns is None:
        missing = "no start is known" if report.started is None else "it starts after its end"
        page.note(f"There is no cycle time, since {missing}.")


def _about(report: CycleReport) -> str:
    model = report.model
    found = [f"model {words.name(model, 30)}"] if model is not None else []
    if report.version is not None:
        found.append(f"version {words.name(report.version, 20)}")
    if report.domain is not None and report.domain != model:
        found.append(f"domain {words.name(report.domain, 20)}")
    if report.namespace:
        found.append(f"of {words.name(report.namespace, 20)}")
    if report.trigger != IDEA:
        found.append(f"trigger {words.name(report.trigger, 20)}")
    if report.implicit:
        found.append("implicit")
    return ", ".join(found)


def _span(report: CycleReport, zone: tzinfo) -> str:
    if report.started is None or report.ended is None:
        return ""
    return f"{words.moment_to_second(report.started, zone)} to {_clock(report.ended, report, zone)} {zone}"


def _clock(instant: int, report: CycleReport, zone: tzinfo) -> str:
    """The wall-clock time, with the date where that is not the day on which the cycle started."""
    moment = words.moment_to_second(instant, zone)
    is_same_day = report.started is not None and moment[:10] == words.moment_to_second(report.started, zone)[:10]
    return moment[11:] if is_same_day else moment


def _parts(page: Page, report: CycleReport, zone: tzinfo) -> None:
    page.blank()
    total = report.cycle_time_ns
    shown = [piece for piece in report.parts if piece.length_ns is not None]
    if total and sum(piece.length_ns or 0 for piece in shown) == total:
        room = page.width - 4
        lengths = _apportion([piece.length_ns or 0 for piece in shown], room)
        drawn = [_PARTS.get(piece.name, _NO_PART) for piece in shown]
        page.line(*((shade * length, style) for (shade, style), length in zip(drawn, lengths, strict=True)))
    rows = [_part_row(piece, _reached(piece.name, report, zone)) for piece in report.parts]
    if report.activation_ns is not None:
        rows.append(["", ("  of it activation", QUIET), (words.duration(report.activation_ns), QUIET), "", ""])
    columns = [Column("", is_picture=True, width=1), Column("", is_name=True, width=17), Column("", width=11)]
    page.table([*columns, Column("", width=6), Column("", is_name=True, is_quiet=True)], rows)


def _part_row(piece: Piece, reached: str) -> list[Part]:
    if piece.length_ns is None:
        return ["", (piece.name, QUIET), ("not known", QUIET), "", reached]
    drawn = _PARTS.get(piece.name, _NO_PART)
    return [drawn, piece.name, words.duration(piece.length_ns), words.percent(piece.share), reached]


def _reached(part: str, report: CycleReport, zone: tzinfo) -> str:
    """The mark at which a part ends, and when it was reached."""
    for mark in _ENDS.get(part, ()):
        instant = report.marks[mark]
        if instant is not None:
            return f"{mark.replace('_', ' ')} {_clock(instant, report, zone)}"
    return ""


def _apportion(lengths: list[int], room: int) -> list[int]:
    """So many characters for each length that they fill the room; every length that is not nothing has one."""
    total, found, reached, used = sum(lengths), [], 0, 0
    for length in lengths:
        reached += length
        found.append(max(1 if length else 0, reached * room // total - used))
        used += found[-1]
    longest = found.index(max(found))
    found[longest] = max(1, found[longest] - max(0, sum(found) - room))
    return found


def _timeline(page: Page, report: CycleReport) -> None:
    if not report.timeline or report.started is None or not report.cycle_time_ns:
        return
    page.heading("Where the time went", "every instant has one owner, so this adds up")
    page.blank()
    owned: dict[tuple[str, str | None], list[Stretch]] = {}
    for stretch in report.timeline:
        owned.setdefault((stretch.activity, stretch.stage), []).append(stretch)
    longest = sorted(owned.values(), key=_length, reverse=True)
    few, others = longest[:_OWNERS], longest[_OWNERS:]
    few.sort(key=lambda stretches: (stretches[0].activity == UNEXPLAINED, stretches[0].start))
    rows = [(_owner(stretches[0]), activity_style(stretches[0].activity), stretches) for stretches in few]
    if others:
        rows.append(((f"{len(others):,} others", QUIET), QUIET, [stretch for one in others for stretch in one]))
    room, end = max(_LANE, page.width - _BESIDE_LANE), words.duration(report.cycle_time_ns)
    columns = [
        Column("owner", is_name=True, width=20),
        Column("owned", width=11),
        Column("share", width=6),
        Column(f"+0 s{end:>{room - 4}}", is_picture=True),
    ]
    table: list[list[Part]] = []
    for owner, style, stretches in rows:
        share = share_of(_length(stretches), report.cycle_time_ns)
        lane = page.lane(_shares(stretches, report.started, report.cycle_time_ns, room), style)
        table.append([owner, words.duration(_length(stretches)), words.percent(share), lane])
    page.table(columns, table)


def _length(stretches: Iterable[Stretch]) -> int:
    return sum(stretch.end - stretch.start for stretch in stretches)


def _shares(stretches: Iterable[Stretch], start: int, length: int, cells: int) -> list[float]:
    """Of each of so many equal pieces of the cycle, the share that these stretches own."""
    shares = [0.0] * cells
    for stretch in stretches:
        begin, end = (stretch.start - start) * cells / length, (stretch.end - start) * cells / length
        for cell in range(int(begin), min(ceil(end), cells)):
            shares[cell] += min(end, cell + 1) - max(begin, cell)
    return shares


def _owner(stretch: Stretch) -> Part:
    """What owned a stretch, in words."""
    if stretch.activity == UNEXPLAINED:
        return (UNEXPLAINED, QUIET)
    what, _, detail = stretch.activity.partition(".")
    if what == "wait":
        return f"wait for {detail}" + (f" in {words.name(stretch.stage, 20)}" if stretch.stage is not None else "")
    return words.name(stretch.stage, 32) + (" by hand" if detail == "human" else "")


def _activities(page: Page, report: CycleReport) -> None:
    if not report.activities:
        return
    page.heading("By activity")
    page.blank()
    page.table(
        [Column("", is_name=True, width=20), Column("", width=11), Column("", width=6), Column("", is_picture=True)],
        [
            [
                piece.name,
                words.duration(piece.length_ns),
                words.percent(piece.share),
                page.bar(piece.share, activity_style(piece.name)),
            ]
            for piece in report.activities
        ],
    )
    if report.manual_ns:
        page.note(f"Manual steps own {words.duration(report.manual_ns)} of it.")


def _stages(page: Page, report: CycleReport) -> None:
    if not report.stages:
        return
    manual = sum(run.is_manual for run in report.stages)
    by_hand = words.count(manual, "manual step") if manual else "no manual step"
    page.heading("Stages", f"{words.count(len(report.stages), 'run')}, {by_hand}")
    page.blank()
    columns = [
        Column("stage", is_name=True, width=22),
        Column("took", width=11),
        Column("outcome", is_name=True, width=8),
        Column("by", is_name=True, width=10),
        Column("", is_name=True, is_quiet=True),
    ]
    page.table(columns, [_run_row(run, depth) for run, depth in _nested(report.stages)[:_RUNS]])
    if len(report.stages) > _RUNS:
        page.note(f"and {len(report.stages) - _RUNS:,} more")


def _nested(runs: list[Run]) -> list[tuple[Run, int]]:
    """Each run below the one that contains it, with its depth; else by start. A looping chain contains nothing."""
    known = {run.id for run in runs}
    inside: dict[str | None, list[Run]] = {}
    for run in runs:
        inside.setdefault(run.parent if run.parent in known else None, []).append(run)
    found: list[tuple[Run, int]] = []
    left = [(run, 0) for run in reversed(inside.pop(None, []))]
    while left:
        run, depth = left.pop()
        found.append((run, depth))
        left += [(child, depth + 1) for child in reversed(inside.pop(run.id, []))]
    return found + [(run, 0) for looping in inside.values() for run in looping]


def _run_row(run: Run, depth: int) -> list[Part]:
    beside = []
    if run.kind not in (run.name, OTHER):
        beside.append(f"kind {run.kind}")
    if run.attempt > 1:
        beside.append(f"attempt {run.attempt:,}")
    if run.is_manual:
        beside.append("by hand" + (f", taken up after {words.duration(run.taken_up_ns)}" if run.taken_up_ns else ""))
    if run.launch in _LAUNCHED:
        beside.append(_LAUNCHED[run.launch])
    if run.mechanism is not None:
        beside.append(f"by {words.name(run.mechanism, 20)}")
    if run.environment is not None:
        beside.append(f"in {words.name(run.environment, 20)}")
    outcome: Part = run.outcome or "running"
    if run.outcome is not None and run.outcome not in SUCCESSES:
        outcome = (run.outcome, "red")
    return [
        "  " * min(depth, _DEPTH) + words.name(run.name, 32),
        words.duration(run.length_ns),
        outcome,
        run.actor if run.person is None else words.name(run.person, 16),
        ", ".join(beside),
    ]


def _waits(page: Page, report: CycleReport) -> None:
    if not report.waits:
        return
    page.heading("Waits")
    page.blank()
    columns = [Column("for", is_name=True, width=14), Column("took", width=11), Column("of", is_name=True)]
    page.table(
        columns,
        [
            [
                wait.reason,
                words.duration(wait.length_ns) if wait.length_ns is not None else "lasts",
                words.name(wait.stage, 32) if wait.stage is not None else "the cycle",
            ]
            for wait in report.waits[:_WAITS]
        ],
    )
    if len(report.waits) > _WAITS:
        page.note(f"and {len(report.waits) - _WAITS:,} more")
