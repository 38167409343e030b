"""``cycletrace facts``: print everything known about each cycle."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cycletrace._internal.cli import facts_csv, options, reading
from cycletrace._internal.cli.failure import Failure

if TYPE_CHECKING:
    from cycletrace._internal.store import Snapshot


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    parser = options.add_command(
        commands,
        "facts",
        run,
        "print everything known about each cycle, as JSON Lines",
        "Print the facts of each cycle, one JSON object per line, instants and durations in nanoseconds. "
        "Every figure of the report is computed from them.",
    )
    parser.add_argument("--csv", action="store_true", help="print a table: one row for each cycle, without its stages")
    reading.add_selection(parser)
    collected = parser.add_mutually_exclusive_group()
    collected.add_argument("--as-observed", action="store_true", help="print facts as a collector counted them")
    collected.add_argument("--revisions", action="store_true", help="print facts that changed after that")


def _asked_for(args: argparse.Namespace, snapshot: Snapshot) -> Iterator[Mapping[str, Any]]:
    if args.as_observed:
        return (facts for facts in snapshot.all_observed() if reading.is_selected(args, facts))
    if args.revisions:
        return (
            each for each in snapshot.revisions() if each["facts"] is None or reading.is_selected(args, each["facts"])
        )
    return reading.selected_facts(args, snapshot, reading.as_of(args))


def _print(args: argparse.Namespace, snapshot: Snapshot) -> bool:
    found = False
    for each in _asked_for(args, snapshot):
        print(json.dumps(each, separators=(",", ":")))
        found = True
    return found


def run(args: argparse.Namespace) -> int:
    """Print the facts."""
    if args.csv and args.revisions:
        raise Failure("--revisions has more than one row can hold: leave out --csv.")
    with reading.chosen_store(args) as snapshot:
        found = facts_csv.write(_asked_for(args, snapshot), sys.stdout) if args.csv else _print(args, snapshot)
        if found or any(reading.selected_facts(args, snapshot, reading.as_of(args))):
            return 0
        if reading.is_filtered(args):
            return reading.print_no_match(args, snapshot)
    print(reading.nothing_yet(args), file=sys.stderr)
    return 0
