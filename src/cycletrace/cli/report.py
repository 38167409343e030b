"""``cycletrace report``: the one number, and where the time went."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import timezone, tzinfo
from typing import TYPE_CHECKING, Any

from cycletrace.cli import reading
from cycletrace.cli.failure import Failure
from cycletrace.cli.jaeger import trace_links
from cycletrace.conventions import IDEA, TRIGGERS

if TYPE_CHECKING:
    from cycletrace.flow import Facts
    from cycletrace.report.layout import Linked


NOTHING_COUNTS = """\
Nothing counts in a figure yet: no run is of a cycle that somebody named, and none selected a model.
`with cycle("churn", "7"):` around the work names one. The latest run:"""
"""What to say where all cycles are implicit."""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "report",
        help="the one number, and where the time went",
        description="Show how long it takes to get a model from an idea into use, and where the time goes: of all "
        "cycles, or of one with --cycle. Each figure names the population that it is about.",
    )
    parser.add_argument(
        "--target",
        default="deployment:15m",
        metavar="PART:TIME",
        help="the aim, such as cycle:2h (default: deployment:15m)",
    )
    parser.add_argument(
        "--window", default="90d", metavar="W", help="which cycles: 90d, 12w, FROM..TO, all (default: 90d)"
    )
    parser.add_argument("--timezone", metavar="ZONE", help="where days begin, such as Europe/Berlin (default: UTC)")
    parser.add_argument("--trigger", choices=TRIGGERS, default=IDEA, help="what began the cycles (default: idea)")
    parser.add_argument("--json", action="store_true", help="the same figures as one JSON object")
    reading.add_selection(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the report."""
    try:
        from cycletrace import report
    except ImportError as error:
        raise Failure(f"the report needs {error.name}: pip install 'cycletrace[report]'") from None

    from cycletrace.flow import parse_target

    at, trace = reading.as_of(args), trace_links()
    try:
        target = parse_target(args.target)
        zone = report.parse_zone(args.timezone) if args.timezone else timezone.utc
        report.parse_window(args.window, at, zone)
    except ValueError as error:
        raise Failure(str(error)) from None
    with reading.store_of(args) as store:
        latest: list[Facts] = []
        facts = _noting(reading.selected_facts(args, store, at), latest)
        if args.cycle is not None:
            return _one(args, report, facts, zone, trace)
        whole = report.report(facts, as_of=at, window=args.window, target=target, zone=zone, trigger=args.trigger)
    if args.json:
        found = report.to_json(whole)
        found["work"]["open"] = [_linked(cycle, trace) for cycle in found["work"]["open"]]
        print(json.dumps(found))
    elif not whole.counts.known:
        print(reading.nothing_found(args))
    else:
        from rich.console import Console

        if whole.counts.implicit_left_out < whole.counts.known:
            report.render(whole, Console(), trace)
        else:
            print(NOTHING_COUNTS)
            report.render_cycle(report.cycle_report(latest[0]), Console(), trace, zone=zone)
    return 0


def _noting(facts: Iterable[Facts], latest: list[Facts]) -> Iterator[Facts]:
    """The facts, of which the latest to start comes to be the one element of the list."""
    for each in facts:
        if not latest or (each["marks"]["started"] or 0) >= (latest[0]["marks"]["started"] or 0):
            latest[:] = [each]
        yield each


def _one(args: argparse.Namespace, report: Any, facts: Iterable[Facts], zone: tzinfo, trace: Linked) -> int:
    found = list(facts)
    if not found:
        print(f"{reading.nothing_found(args)} `cycletrace status` lists the open ones.", file=sys.stderr)
        return 1
    from rich.console import Console

    for each in found:
        cycle = report.cycle_report(each)
        if args.json:
            print(json.dumps(_linked(report.to_json(cycle), trace)))
        else:
            report.render_cycle(cycle, Console(), trace, zone=zone)
    return 0


def _linked(cycle: dict[str, Any], trace: Linked) -> dict[str, Any]:
    """A cycle as JSON, with the link to its trace."""
    return {**cycle, "trace": trace(cycle["cycle_id"])}
