"""Shared code of the commands that read: which facts, as of when, from which store."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cycletrace.cli import options
from cycletrace.cli.failure import Failure

if TYPE_CHECKING:
    from cycletrace.flow import Facts, Rules
    from cycletrace.store import Snapshot, Store

REFOLD_AT_ONCE = 1000
"""Cycles folded in one transaction."""

FIRST_CYCLE = """\
There is no cycle here yet. To get a first one:

  cycletrace demo                                  the whole cycle of a real model
  cycletrace run --stage train -- python train.py  any command as a stage
  from cycletrace import stage                     and @stage above a function

Then run this command again."""
"""Printed if the store is empty."""


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the options that select: ``--model``, ``--cycle``, ``--namespace``, ``--at``, ``--store``, ``--dir``."""
    parser.add_argument("--model", metavar="NAME", help="only cycles of this model")
    parser.add_argument("--cycle", metavar="KEY", help="only the cycle with this key, alias or id")
    parser.add_argument("--namespace", metavar="NAME", help="only cycles of this team")
    options.add_at(parser, "the state as of then: a time with a zone (default: now)")
    parser.add_argument("--store", type=Path, metavar="FILE", help="the store to read, such as a running collector's")
    options.add_directory(parser)


@contextmanager
def chosen_store(args: argparse.Namespace) -> Generator[Snapshot, None, None]:
    """Read the store that was chosen; by default this machine's, with all that its journals hold.

    Raises:
        Failure: if it cannot be read.
    """
    from cycletrace.store import StoreError, open_reader

    try:
        if getattr(args, "store", None) is not None:
            opened = open_reader(args.store)
        else:
            opened = ingested(options.own_directory(args))
        with opened as store, store.read() as snapshot:
            yield snapshot
    except StoreError as error:
        raise Failure(str(error)) from None


def selected_facts(args: argparse.Namespace, snapshot: Snapshot, at: int) -> Iterator[Facts]:
    """Return the facts that were asked for, by cycle id."""
    return snapshot.facts(at, model=args.model, cycle=args.cycle, namespace=args.namespace, rules=rules())


def nothing_found(args: argparse.Namespace) -> str:
    """Return the message for an empty result: that nothing matches, else how to record a first cycle."""
    asked = {"with the key": args.cycle, "of the model": args.model, "of the team": args.namespace}
    criteria = [f" {what} {value!r}" for what, value in asked.items() if value is not None]
    if args.at is not None:
        criteria.append(", as of that time")
    return f"There is no cycle here{''.join(criteria)}." if criteria else FIRST_CYCLE


def is_selected(args: argparse.Namespace, facts: Facts) -> bool:
    """Return whether facts match the selected model, cycle and team."""
    return (
        args.model in {None, facts["model"]}
        and args.namespace in {None, facts["namespace"]}
        and args.cycle in {None, facts["key"], facts["cycle_id"]}
    )


def as_of(args: argparse.Namespace) -> int:
    """Return the selected instant in UTC nanoseconds, by default now."""
    return time.time_ns() if args.at is None else int(args.at)


def rules() -> Rules:
    """Return the team's rules, from the environment."""
    from cycletrace.flow import RULES

    names = os.environ.get("CYCLETRACE_PRODUCTION", "")
    production = frozenset(name.strip().casefold() for name in names.split(",") if name.strip())
    return RULES._replace(production=production) if production else RULES


def facts_of_cycle(directory: Path, cycle_id: str) -> Facts | None:
    """Return what this machine knows of one cycle now.

    Raises:
        Failure: where the store cannot be read.
    """
    from cycletrace.store import StoreError

    try:
        with ingested(directory) as store, store.read() as snapshot:
            return next(snapshot.facts(time.time_ns(), cycle=cycle_id, rules=rules()), None)
    except StoreError as error:
        raise Failure(str(error)) from None


def ingested(directory: Path) -> Store:
    """Open this machine's store, with what its journals hold, and with the ends of what died.

    Raises:
        StoreError: where it cannot be used.
    """
    from cycletrace.emit.orphans import close_orphans
    from cycletrace.store import FILE, ingest, open_store

    close_orphans(directory)
    store = open_store(directory / FILE)
    ingest(store, directory)
    refold(store)
    return store


def refold(store: Store) -> None:
    """Fold all that is due, unless a collector does.

    Raises:
        StoreError: where the store cannot be written.
    """
    while True:
        with store.write() as tx:
            if tx.has_collector() or not tx.refold(time.time_ns(), REFOLD_AT_ONCE, rules()):
                return
