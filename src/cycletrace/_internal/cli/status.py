"""``cycletrace status``: list open cycles, and what is not delivered yet."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cycletrace._internal.cli import options, reading
from cycletrace._internal.cli.counting import counted
from cycletrace._internal.flow.domain import is_over
from cycletrace._internal.flow.status import FAILURES, status
from cycletrace.conventions import MARKS

MOST_LISTED = 100
"""How many open cycles are printed, the oldest."""

if TYPE_CHECKING:
    from cycletrace._internal.flow import Facts
    from cycletrace._internal.store.maintenance import Losses


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    parser = options.add_command(
        commands,
        "status",
        run,
        "list open cycles, and what is not delivered yet",
        "List the open cycles, what each is doing and for how long, and what this machine has not "
        "delivered yet, and why.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    reading.add_selection(parser)


def run(args: argparse.Namespace) -> int:
    """Show the status."""
    at, trace = reading.as_of(args), reading.trace_links()
    with reading.chosen_store(args) as snapshot:
        found = (facts for facts in reading.open_facts(args, snapshot, at) if not is_over(facts))
        cycles = [{**_line(facts, at), "trace": trace(facts["cycle_id"])} for facts in counted(found, "cycles")]
        known = bool(cycles) or any(reading.selected_facts(args, snapshot, at))
        if not known and reading.is_filtered(args):
            return reading.print_no_match(args, snapshot)
        losses, later = snapshot.losses(), reading.later_records(args, snapshot, at)
    # What is delivered is of this machine: it says nothing about the store of a collector.
    delivery = _delivery(options.state_directory(args)) if args.store is None else None
    whole = {"open": cycles, "delivery": delivery, "records": {**losses._asdict(), "later": later}}
    if args.json:
        print(json.dumps(whole))
    else:
        print(f"{len(cycles)} open:" if cycles else "No open cycles." if known else reading.nothing_yet(args))
        _print_cycles(cycles)
        if delivery is not None:
            _print_delivery(delivery)
        _print_losses(losses)
        if later:
            print(f"Store: {later} records are dated later than now. Each counts once its time has come.")
    return 0


def _line(facts: Facts, at: int) -> dict[str, Any]:
    """Return an open cycle's last mark, what it is doing, and for how long."""
    marks = facts["marks"]
    reached = [name for name, instant in zip(MARKS, marks.values(), strict=True) if instant is not None]
    current = status(facts)
    return {
        "key": facts["key"],
        "cycle_id": facts["cycle_id"],
        "namespace": facts["namespace"],
        "implicit": facts["implicit"],
        "reached": reached[-1] if reached else None,
        "state": current.outcome or current.state,
        "what": current.what,
        "for_ns": None if current.since is None else at - current.since,
        "age_ns": None if marks["started"] is None else at - marks["started"],
    }


def _delivery(directory: Path) -> dict[str, Any]:
    """Return the state of delivery; bytes are ``None`` if no endpoint is set."""
    from cycletrace._internal.delivery import progress
    from cycletrace._internal.delivery.destination import find
    from cycletrace._internal.delivery.shipper import Shipper
    from cycletrace._internal.journal.bound import dropped
    from cycletrace._internal.sdk import settings

    destination = find(settings.read().endpoint)
    known = progress.load(directory)
    return {
        "endpoint": {signal: target.url for signal, target in destination.items()} if destination else None,
        "undelivered_bytes": Shipper(directory, destination).undelivered() if destination else None,
        "problems": known.problem,
        "unsupported": known.unsupported,
        "rejected_records": known.rejected,
        "dropped_records": dropped(directory),
    }


def _print_cycles(cycles: list[dict[str, Any]]) -> None:
    cycles = sorted(cycles, key=lambda cycle: cycle["age_ns"] or 0, reverse=True)
    for cycle in cycles[:MOST_LISTED]:
        name = options.printable(cycle["key"] or cycle["cycle_id"])
        team = f" ({options.printable(cycle['namespace'])})" if cycle["namespace"] else ""
        age = f", {_length(cycle['age_ns'])} old" if cycle["age_ns"] is not None else ""
        print(f"  {name}{team}: {cycle['reached'] or 'not started'}; {options.printable(_doing(cycle))}{age}")
        if cycle["trace"] is not None:
            print(f"    {cycle['trace']}")
    if len(cycles) > MOST_LISTED:
        print(f"  and {len(cycles) - MOST_LISTED:,} that are younger; --json prints all.")


def _doing(cycle: dict[str, Any]) -> str:
    if cycle["what"] is None:
        return "nothing yet"
    state, what, lasting = cycle["state"], cycle["what"], _length(cycle["for_ns"])
    if state in FAILURES:
        return f"{what} {FAILURES[state]} {lasting} ago"
    return f"{state} {'for ' if state == 'waiting' else ''}{what} for {lasting}"


def _print_delivery(delivery: dict[str, Any]) -> None:
    if delivery["endpoint"] is None:
        print("Delivery: no endpoint is set; everything stays on this machine.")
    elif delivery["undelivered_bytes"]:
        print(f"Delivery: {delivery['undelivered_bytes']:,} bytes not delivered yet (run `cycletrace flush`).")
    else:
        print(f"Delivery: everything was delivered to {', '.join(dict.fromkeys(delivery['endpoint'].values()))}.")
    for signal, answer in delivery["problems"].items():
        print(f"  {signal}: {answer}")
    for signal, url in delivery["unsupported"].items():
        print(f"  {url} does not accept {signal}.")
    if delivery["rejected_records"]:
        print(f"  {delivery['rejected_records']} records were rejected by the endpoint.")
    if delivery["dropped_records"]:
        print(f"  {delivery['dropped_records']} records were dropped because the journal was full.")


def _print_losses(losses: Losses) -> None:
    if losses.damaged:
        print(f"Journal: {losses.damaged} records were damaged and are not counted.")
    for reason, count in losses.rejected.items():
        print(f"Store: {count} records were rejected: {reason}.")


_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def _length(nanoseconds: int) -> str:
    """Return a duration in its two largest units: ``3 d 4 h``, ``4 min 12 s``, ``0.3 s``."""
    seconds = nanoseconds / 1e9
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    parts: list[str] = []
    for unit, size in _UNITS:
        count, whole = divmod(whole, size)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 "))
