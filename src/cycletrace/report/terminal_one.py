"""The report on a single cycle, on a terminal: the number, the parts, and where time went, stretch by stretch."""

from __future__ import annotations

from datetime import timezone, tzinfo

from rich.console import Console

from cycletrace.conventions import DEPLOYMENT, IDEA, OTHER, SELECTION, SUCCESSES, TRAINING, UNEXPLAINED
from cycletrace.report import words
from cycletrace.report.layout import QUIET, STRONG, Column, Linked, Page, Part, activity_style, no_link
from cycletrace.report.one import CycleReport, Piece, Run, Stretch
from cycletrace.report.sections import standing_words

_STRETCHES = 24
_RUNS = 40
_WAITS = 20

_PARTS = {TRAINING: ("█", "blue"), SELECTION: ("▓", "magenta"), DEPLOYMENT: ("▒", "green")}
"""How each part is drawn: told apart by its colour, and without colours by its shade."""
_NO_PART = ("░", "bright_black")


def render_cycle(report: CycleReport, console: Console, linked: Linked = no_link, zone: tzinfo = timezone.utc) -> None:
    """Write the report on one cycle on a terminal, or on anything else that a console writes on."""
    page = Page(console)
    _headline(page, report, zone)
    link = linked(report.cycle_id)
    if link is not None:
        page.link(link)
    _parts(page, report)
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
    begin, end = words.moment_to_second(report.started, zone), words.moment_to_second(report.ended, zone)
    if begin[:10] == end[:10]:
        end = end[11:]
    return f"{begin} to {end} {zone}"


def _parts(page: Page, report: CycleReport) -> None:
    page.blank()
    total = report.cycle_time_ns
    shown = [piece for piece in report.parts if piece.length_ns is not None]
    if total and sum(piece.length_ns or 0 for piece in shown) == total:
        room = page.width - 4
        lengths = _apportion([piece.length_ns or 0 for piece in shown], room)
        drawn = [_PARTS.get(piece.name, _NO_PART) for piece in shown]
        page.line(*((shade * length, style) for (shade, style), length in zip(drawn, lengths, strict=True)))
    rows = [_part_row(piece) for piece in report.parts]
    if report.activation_ns is not None:
        rows.append(["", ("  of it activation", QUIET), (words.duration(report.activation_ns), QUIET), ""])
    columns = [Column("", is_name=True, width=1), Column("", is_name=True, width=16), Column("", width=11)]
    page.table([*columns, Column("", width=6)], rows)


def _part_row(piece: Piece) -> list[Part]:
    if piece.length_ns is None:
        return ["", (piece.name, QUIET), ("not known", QUIET), ""]
    drawn = _PARTS.get(piece.name, _NO_PART)
    return [drawn, piece.name, words.duration(piece.length_ns), words.percent(piece.share)]


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
    page.heading("Where the time went", "who owned it, from the start to the end")
    page.blank()
    room = max(12, page.width - 2 - 11 - 11 - 26 - 6)
    rows: list[list[Part]] = []
    for stretches in _folded(report.timeline):
        first, last = stretches[0], stretches[-1]
        single = first if len(stretches) == 1 else None
        style = activity_style(single.activity) if single is not None else QUIET
        begin = (first.start - report.started) / report.cycle_time_ns
        end = (last.end - report.started) / report.cycle_time_ns
        rows.append(
            [
                (f"+{words.duration(first.start - report.started)}", QUIET),
                _owner(single) if single is not None else (f"{len(stretches):,} shorter stretches", QUIET),
                words.duration(last.end - first.start),
                page.stretch(begin, end, room, style),
            ]
        )
    columns = [Column("from"), Column("", is_name=True, width=20), Column("for", width=11), Column("", is_name=True)]
    page.table(columns, rows)


def _folded(timeline: list[Stretch]) -> list[list[Stretch]]:
    """The timeline in so many rows at most: the longest stretches alone, neighbours of the others together."""
    if len(timeline) <= _STRETCHES:
        return [[stretch] for stretch in timeline]
    by_length = sorted(range(len(timeline)), key=lambda index: timeline[index].start - timeline[index].end)
    alone = set(by_length[: _STRETCHES // 2])
    rows: list[list[Stretch]] = []
    for index, stretch in enumerate(timeline):
        if index in alone or not rows or index - 1 in alone:
            rows.append([stretch])
        else:
            rows[-1].append(stretch)
    return rows


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
        [Column("", is_name=True, width=18), Column("", width=11), Column("", width=6), Column("", is_name=True)],
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
    page.heading("Stages", words.count(manual, "manual step") if manual else "no manual step")
    page.blank()
    columns = [
        Column("stage", is_name=True, width=14),
        Column("run", width=3),
        Column("took", width=11),
        Column("outcome", is_name=True, width=8),
        Column("by", is_name=True, width=10),
        Column("from", is_name=True, width=8),
        Column("", is_name=True, is_quiet=True),
    ]
    page.table(columns, [_run_row(run) for run in report.stages[:_RUNS]])
    if len(report.stages) > _RUNS:
        page.note(f"and {len(report.stages) - _RUNS:,} more")


def _run_row(run: Run) -> list[Part]:
    by = run.actor if run.person is None else words.name(run.person, 24)
    beside = []
    if run.kind not in (run.name, OTHER):
        beside.append(run.kind)
    if run.is_manual:
        waited = f", waited {words.duration(run.taken_up_ns)}" if run.taken_up_ns else ""
        beside.append(f"manual{waited}")
    if run.mechanism is not None:
        beside.append(f"by {words.name(run.mechanism, 20)}")
    if run.environment is not None:
        beside.append(f"in {words.name(run.environment, 20)}")
    outcome: Part = run.outcome or "running"
    if run.outcome is not None and run.outcome not in SUCCESSES:
        outcome = (run.outcome, "red")
    return [
        words.name(run.name, 32),
        f"{run.attempt:,}",
        words.duration(run.length_ns),
        outcome,
        by,
        run.launch,
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
