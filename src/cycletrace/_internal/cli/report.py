"""``cycletrace report``: show the cycle time, and where the time went."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import timezone, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cycletrace._internal.cli import options, reading
from cycletrace._internal.cli.counting import counted
from cycletrace._internal.cli.failure import Failure, require
from cycletrace.conventions import IDEA, TRIGGERS

if TYPE_CHECKING:
    from cycletrace._internal.flow import Facts
    from cycletrace._internal.report import Report
    from cycletrace._internal.report.document import Document
    from cycletrace._internal.report.page import Page
    from cycletrace._internal.report.sections import Linked


SECTIONS = ("time", "automate", "waits", "manual", "tests", "activation", "training", "open", "trend")
GROUPINGS = ("team", "model", "domain", "month")
NOTHING_COUNTS = """\
No figures yet: no run belongs to a named cycle, and none selected a model.
Put `with cycle("churn", "7"):` around the work to name one. The latest run:"""
"""Printed if all cycles are implicit."""


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    parser = options.add_command(
        commands,
        "report",
        run,
        "show the cycle time, and where the time went",
        "Show how long it takes to get a model from idea to production, and where the time goes, for all "
        "cycles or, with --cycle, for one. Each figure names the population that it covers.",
    )
    parser.add_argument(
        "--target",
        metavar="PART:TIME",
        help="the target, such as cycle:2h (default: that of the store, else deployment:15m)",
    )
    parser.add_argument(
        "--window", default="90d", metavar="W", help="which cycles: 90d, 12w, 6m, 1y, FROM..TO, all (default: 90d)"
    )
    parser.add_argument("--timezone", metavar="ZONE", help="time zone of dates, such as Europe/Berlin (default: UTC)")
    parser.add_argument(
        "--trigger",
        choices=(*TRIGGERS, "all"),
        default=IDEA,
        help="only cycles with this trigger, or all (default: idea)",
    )
    parser.add_argument(
        "sections",
        nargs="*",
        type=options.one_of(SECTIONS),
        metavar="SECTION",
        help=f"print these sections instead of a summary: {', '.join(SECTIONS)}",
    )
    parser.add_argument("--full", action="store_true", help="print all sections")
    parser.add_argument("--by", choices=GROUPINGS, help="print the figures of each of these, side by side")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print the same figures as one JSON object")
    forms.add_argument("--markdown", action="store_true", help="print Markdown, for a pull request or a CI summary")
    forms.add_argument("--html", type=Path, metavar="FILE", help="write one page that works offline, with charts")
    reading.add_selection(parser)


def run(args: argparse.Namespace) -> int:
    """Show the report."""
    require("the report", ("numpy", "rich"), "report")
    from cycletrace._internal import report
    from cycletrace._internal.flow import parse_target
    from cycletrace._internal.report.page import report_page
    from cycletrace._internal.report.picked import Picked

    _check_form(args)
    at, trace = reading.as_of(args), reading.trace_links()
    try:
        target = parse_target(args.target) if args.target else None
        zone = report.parse_zone(args.timezone) if args.timezone else timezone.utc
        report.parse_window(args.window, at, zone)
    except ValueError as error:
        raise Failure(str(error)) from None
    with reading.chosen_store(args) as snapshot:
        facts = counted(reading.selected_facts(args, snapshot, at), "cycles")
        if args.cycle is not None:
            cycles = list(facts)
            return _cycles(args, cycles, zone, trace) if cycles else reading.print_no_match(args, snapshot)
        target = target or snapshot.settings().targets.of(args.namespace, args.model)
        latest: list[Facts] = []
        picked = Picked(args.trigger)
        if args.html is not None:
            facts = picked.noting(facts)
        whole = report.build(
            _noting(facts, latest),
            as_of=at,
            window=args.window,
            target=target,
            zone=zone,
            trigger=args.trigger,
            selection=reading.selection(args),
            later_records=reading.later_records(args, snapshot, at),
        )
        if not whole.counts.known and reading.is_filtered(args):
            return reading.print_no_match(args, snapshot)
    if args.json:
        figures = report.to_json(whole)
        figures["work"]["open"] = [_linked(cycle, trace) for cycle in figures["work"]["open"]]
        print(json.dumps(figures))
    elif not whole.counts.known:
        print(reading.nothing_yet(args))
    elif whole.counts.implicit_left_out < whole.counts.known:
        if args.html is not None:
            _write(args.html, report_page(whole, picked.cycles(), trace))
        else:
            _show(args, _chosen(args, whole, trace))
    else:
        print(NOTHING_COUNTS)
        _cycles(args, latest, zone, trace)
    return 0


def _check_form(args: argparse.Namespace) -> None:
    """Check that sections are chosen only where some can be left out.

    Raises:
        Failure: if not.
    """
    is_choosing = args.sections or args.by or args.full
    whole = "as a page" if args.html else "as JSON" if args.json else "on a cycle" if args.cycle is not None else None
    if is_choosing and whole is not None:
        raise Failure(f"The report {whole} always has all sections: leave out SECTION, --by and --full.")


def _chosen(args: argparse.Namespace, whole: Report, trace: Linked) -> Document:
    """Return what was asked for: by default a summary."""
    from cycletrace._internal.report.sections import report_document
    from cycletrace._internal.report.summary import brief, short_document, summary_document

    names = [*args.sections, *([args.by] if args.by else [])]
    if args.full:
        return report_document(whole, trace)
    if names:
        return brief(whole, trace, names)
    return short_document(whole, trace) if args.markdown else summary_document(whole)


def _noting(facts: Iterable[Facts], latest: list[Facts]) -> Iterator[Facts]:
    """Yield the facts unchanged, and leave those of the cycle that started last in the list."""
    for each in facts:
        if not latest or (each["marks"]["started"] or 0) >= (latest[0]["marks"]["started"] or 0):
            latest[:] = [each]
        yield each


def _cycles(args: argparse.Namespace, cycles: Sequence[Facts], zone: tzinfo, trace: Linked) -> int:
    from cycletrace._internal import report
    from cycletrace._internal.report.page import cycle_page

    if args.html is not None:
        if len(cycles) > 1:
            raise Failure(f"{len(cycles)} cycles have this key. Choose one team with --namespace.")
        _write(args.html, cycle_page(report.build_cycle(cycles[0]), trace, zone))
        return 0
    for facts in cycles:
        cycle = report.build_cycle(facts)
        if args.json:
            print(json.dumps(_linked(report.to_json(cycle), trace)))
        else:
            _show(args, report.cycle_document(cycle, trace, zone))
    return 0


def _write(file: Path, page: Page) -> None:
    """Write a page to a file and print where it is.

    Raises:
        Failure: if it cannot be written.
    """
    from cycletrace._internal.report.html import render

    try:
        file.write_text(render(page), encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}. Choose another file.") from None
    print(f"The report is in {file}. Open it in a browser.")


def _show(args: argparse.Namespace, document: Document) -> None:
    if args.markdown:
        from cycletrace._internal.report import markdown

        print(markdown.render(document), end="")
        return
    from rich.console import Console

    from cycletrace._internal.report.terminal import render

    console = Console()
    with console.capture() as shown:  # rich would handle a closed pipe in its own way
        render(document, console)
    print(shown.get(), end="")


def _linked(cycle: dict[str, Any], trace: Linked) -> dict[str, Any]:
    """Return a cycle as JSON values, with the link to its trace."""
    return {**cycle, "trace": trace(cycle["cycle_id"])}
