"""``cycletrace facts``: print everything known about each cycle."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cycletrace.cli import reading

if TYPE_CHECKING:
    from cycletrace.store import Store


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "facts",
        help="print everything known about each cycle, as JSON Lines",
        description="Print the facts of each cycle, one JSON object per line, instants and durations in nanoseconds. "
        "Every figure of the report is computed from them.",
    )
    reading.add_selection(parser)
    collected = parser.add_mutually_exclusive_group()
    collected.add_argument("--as-observed", action="store_true", help="as a collector counted them in its metrics")
    collected.add_argument("--revisions", action="store_true", help="facts that changed after a collector counted them")
    parser.set_defaults(run=run)


def _selected(args: argparse.Namespace, store: Store) -> Iterator[Mapping[str, Any]]:
    from cycletrace.store.observed import as_observed, revisions

    if args.as_observed:
        return (facts for facts in as_observed(store) if reading.is_selected(args, facts))
    if args.revisions:
        return iter(revisions(store))
    return reading.selected_facts(args, store, reading.as_of(args))


def run(args: argparse.Namespace) -> int:
    """Print the facts."""
    found = False
    with reading.store_of(args) as store:
        for each in _selected(args, store):
            print(json.dumps(each, separators=(",", ":")))
            found = True
    if args.as_observed or args.revisions:
        return 0
    if not found:
        print(reading.nothing_found(args), file=sys.stderr)
    return 0 if found or args.cycle is None else 1
