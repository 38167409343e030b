"""Shared code of the commands that read: which facts, as of when, from which store."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cycletrace._internal.cli import options
from cycletrace._internal.cli.counting import counted
from cycletrace._internal.cli.failure import Failure
from cycletrace.conventions import OPEN

if TYPE_CHECKING:
    from cycletrace._internal.flow import Facts
    from cycletrace._internal.store import Snapshot

FIRST_CYCLE = """\
There is no cycle here yet. To get a first one:

  cycletrace demo                                  the whole cycle of a real model
  cycletrace run --stage train -- python train.py  any command as a stage
  from cycletrace import stage                     and @stage above a function

Then run this command again."""
"""Printed if the store is empty."""
MOST_NAMES = 10
"""How many names are listed if there is none that was asked for."""

JAEGER_URL = "CYCLETRACE_JAEGER_URL"


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the options that select cycles and instant: ``--model``, ``--domain``, ``--cycle``, ..., ``--dir``."""
    parser.add_argument("--model", metavar="NAME", help="only cycles of this model")
    parser.add_argument("--domain", metavar="NAME", help="only cycles of this domain")
    parser.add_argument("--cycle", metavar="KEY", help="only the cycle with this key, alias or id")
    parser.add_argument("--namespace", metavar="NAME", help="only cycles of this team")
    parser.add_argument(
        "--at", metavar="TIME", type=options.instant, help="the state as of then: a time with a zone (default: now)"
    )
    options.add_store(parser)
    options.add_directory(parser)


@contextmanager
def chosen_store(args: argparse.Namespace) -> Generator[Snapshot, None, None]:
    """Read the store that was chosen; by default this machine's, with all that its journals hold.

    Raises:
        Failure: if it cannot be read.
    """
    from cycletrace._internal import local
    from cycletrace._internal.store import StoreError

    store = getattr(args, "store", None)
    reads_journals = store is None or args.dir is not None
    try:
        directory = options.own_directory(args) if reads_journals else None
        with local.snapshot(store, directory, partial(counted, noun="journals")) as snapshot:
            yield snapshot
    except StoreError as error:
        raise Failure(str(error)) from None


def selected_facts(args: argparse.Namespace, snapshot: Snapshot, at: int) -> Iterator[Facts]:
    """Return the facts that were asked for, by cycle id."""
    from cycletrace._internal.local import rules_of

    rules = rules_of(snapshot)
    found = snapshot.facts(at, model=args.model, cycle=args.cycle, namespace=args.namespace, rules=rules)
    return (facts for facts in found if args.domain in {None, facts["domain"]})


def open_facts(args: argparse.Namespace, snapshot: Snapshot, at: int) -> Iterator[Facts]:
    """Return the facts of the open cycles that were asked for; if as of now, lengths may be those of a moment ago."""
    from cycletrace._internal.local import rules_of

    if args.at is not None or args.cycle is not None:
        return (facts for facts in selected_facts(args, snapshot, at) if facts["outcome"] == OPEN)
    return (facts for facts in snapshot.open_facts(at, rules_of(snapshot)) if is_selected(args, facts))


def selection(args: argparse.Namespace) -> dict[str, str]:
    """Return what cycles are selected by, for headings."""
    chosen = {
        "team": args.namespace,
        "model": args.model,
        "domain": args.domain,
        "store": args.store and str(args.store),
    }
    return {word: str(value) for word, value in chosen.items() if value is not None}


def nothing_yet(args: argparse.Namespace) -> str:
    """Return the message for a store without any cycle."""
    return FIRST_CYCLE if args.at is None else "There was no cycle here yet at that time."


def is_filtered(args: argparse.Namespace) -> bool:
    """Return whether only some cycles were asked for."""
    return not {args.cycle, args.model, args.domain, args.namespace} <= {None}


def print_no_match(args: argparse.Namespace, snapshot: Snapshot) -> int:
    """Print on stderr that the filters match nothing, and what there is. Return the exit code."""
    from difflib import get_close_matches

    from cycletrace._internal.local import rules_of

    asked = (
        ("key", "with the key", args.cycle),
        ("model", "of the model", args.model),
        ("domain", "of the domain", args.domain),
        ("namespace", "of the namespace", args.namespace),
    )
    filters = "".join(f" {words} {value!r}" for _, words, value in asked if value is not None)
    print(f"There is no cycle here{filters}{', as of that time' if args.at is not None else ''}.", file=sys.stderr)
    cycles = list(snapshot.facts(as_of(args), rules=rules_of(snapshot)))
    for field, _, value in asked:
        known = {str(facts[field] or "") for facts in cycles}  # type: ignore[literal-required]
        if value is not None and value not in known and known:
            nearest = get_close_matches(value, known, n=MOST_NAMES, cutoff=0)
            more = f", and {len(known) - len(nearest)} more" if len(known) > len(nearest) else ""
            print(f"Known {field}s: {', '.join(map(repr, nearest))}{more}.", file=sys.stderr)
    return 1


def is_selected(args: argparse.Namespace, facts: Facts) -> bool:
    """Return whether facts match the selected model, cycle and team."""
    return (
        args.model in {None, facts["model"]}
        and args.domain in {None, facts["domain"]}
        and args.namespace in {None, facts["namespace"]}
        and args.cycle in {None, facts["key"], facts["cycle_id"]}
    )


def as_of(args: argparse.Namespace) -> int:
    """Return the selected instant in UTC nanoseconds, by default now."""
    return time.time_ns() if args.at is None else int(args.at)


def later_records(args: argparse.Namespace, snapshot: Snapshot, now: int) -> int:
    """Return how many records are dated later than now; 0 if another instant was selected."""
    return snapshot.count_later(now) if args.at is None else 0


def facts_of_cycle(directory: Path, cycle_id: str) -> Facts | None:
    """Return what this machine knows of one cycle now.

    Raises:
        Failure: where the store cannot be read.
    """
    from cycletrace._internal import local
    from cycletrace._internal.store import StoreError

    try:
        with local.snapshot(directory=directory) as snapshot:
            return next(snapshot.facts(time.time_ns(), cycle=cycle_id, rules=local.rules_of(snapshot)), None)
    except StoreError as error:
        raise Failure(str(error)) from None


def trace_links() -> Callable[[str], str | None]:
    """Return a function from a cycle's id to the URL of its trace at ``CYCLETRACE_JAEGER_URL``; if unset, to ``None``.

    Raises:
        Failure: if the variable is not a URL.
    """
    base = os.environ.get(JAEGER_URL, "").rstrip("/")
    if base and not base.startswith(("http://", "https://")):
        raise Failure(f"{JAEGER_URL} must be a URL such as http://127.0.0.1:16686, got {base!r}")
    return lambda cycle_id: f"{base}/trace/{cycle_id}" if base else None
