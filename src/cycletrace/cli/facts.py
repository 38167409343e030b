"""``cycletrace facts``: all that is known of each cycle, to the nanosecond."""

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
        help="all that is known of each cycle, as JSON Lines",
        description="Print the facts of each cycle, one JSON object a line, instants and lengths in nanoseconds. Every "
        "figure of the report is made from them.",
    )
    reading.add_selection(parser)
    told = parser.add_mutually_exclusive_group()
    told.add_argument("--as-observed", action="store_true", help="as a collector counted them in its metrics")
    told.add_argument("--revisions", action="store_true", help="what changed since a collector counted them")
    parser.set_defaults(run=run)


def _told(args: argparse.Namespace, store: Store) -> Iterator[Mapping[str, Any]]:
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
        for each in _told(args, store):
            print(json.dumps(each, separators=(",", ":")))
            found = True
    if args.as_observed or args.revisions:
        return 0
    if not found:
        print(reading.nothing_found(args), file=sys.stderr)
    return 0 if found or args.cycle is None else 1
