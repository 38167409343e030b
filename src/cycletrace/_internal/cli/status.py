"""``cycletrace status``: list open cycles, and what is not delivered yet."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cycletrace._internal.cli import options, reading
from cycletrace._internal.flow.status import status
from cycletrace.conventions import MARKS, OPEN

if TYPE_CHECKING:
    from cycletrace._internal.flow import Facts


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
    parser.add_argument("--json", action="store_true", help="one JSON object")
    reading.add_selection(parser)


def run(args: argparse.Namespace) -> int:
    """Show the status."""
    at, trace = reading.as_of(args), reading.trace_links()
    with reading.chosen_store(args) as snapshot:
        known, cycles = 0, []
        for facts in reading.selected_facts(args, snapshot, at):
            known += 1
            if facts["outcome"] == OPEN:
                cycles.append({**_line(facts, at), "trace": trace(facts["cycle_id"])})
        losses = snapshot.losses()
    whole = {"open": cycles, "delivery": _delivery(options.state_directory(args)), "records": losses._asdict()}
    if args.json:
        print(json.dumps(whole))
    else:
        print(f"{len(cycles)} open:" if cycles else "No open cycles." if known else reading.nothing_found(args))
        _print(whole)
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
        "state": current.state,
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


def _print(whole: dict[str, Any]) -> None:
    for cycle in sorted(whole["open"], key=lambda cycle: cycle["age_ns"] or 0, reverse=True):
        name = _safe(cycle["key"] or cycle["cycle_id"])
        team = f" ({_safe(cycle['namespace'])})" if cycle["namespace"] else ""
        doing = _safe(_doing(cycle["state"], cycle["what"]))
        lasting = f" for {_length(cycle['for_ns'])}" if cycle["for_ns"] is not None else ""
        age = f", {_length(cycle['age_ns'])} old" if cycle["age_ns"] is not None else ""
        print(f"  {name}{team}: {cycle['reached'] or 'not started'}; {doing}{lasting}{age}")
        if cycle["trace"] is not None:
            print(f"    {cycle['trace']}")
    delivery = whole["delivery"]
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
    records = whole["records"]
    if records["damaged"]:
        print(f"Journal: {records['damaged']} records were damaged and are not counted.")
    for reason, count in records["rejected"].items():
        print(f"Store: {count} records were rejected: {reason}.")


def _doing(state: str, what: str | None) -> str:
    if what is None:
        return "nothing yet"
    return f"{state} for {what}" if state == "waiting" else f"{state} {what}"


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


def _safe(text: str) -> str:
    """Return the user's text as one printable line of limited length."""
    sound = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return sound if len(sound) <= 80 else sound[:79] + "\N{HORIZONTAL ELLIPSIS}"
