"""Shared code of the commands that read: which facts, as of when, from which store."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure

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

JAEGER_URL = "CYCLETRACE_JAEGER_URL"


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the options that select: ``--model``, ``--cycle``, ``--namespace``, ``--at``, ``--store``, ``--dir``."""
    parser.add_argument("--model", metavar="NAME", help="only cycles of this model")
    parser.add_argument("--cycle", metavar="KEY", help="only the cycle with this key, alias or id")
    parser.add_argument("--namespace", metavar="NAME", help="only cycles of this team")
    parser.add_argument(
        "--at", metavar="TIME", type=options.instant, help="the state as of then: a time with a zone (default: now)"
    )
    parser.add_argument("--store", type=Path, metavar="FILE", help="the store to read, such as a running collector's")
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
    try:
        with local.snapshot(store, None if store is not None else options.own_directory(args)) as snapshot:
            yield snapshot
    except StoreError as error:
        raise Failure(str(error)) from None


def selected_facts(args: argparse.Namespace, snapshot: Snapshot, at: int) -> Iterator[Facts]:
    """Return the facts that were asked for, by cycle id."""
    from cycletrace._internal.local import rules

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


def facts_of_cycle(directory: Path, cycle_id: str) -> Facts | None:
    """Return what this machine knows of one cycle now.

    Raises:
        Failure: where the store cannot be read.
    """
    from cycletrace._internal import local
    from cycletrace._internal.store import StoreError

    try:
        with local.snapshot(directory=directory) as snapshot:
            return next(snapshot.facts(time.time_ns(), cycle=cycle_id, rules=local.rules()), None)
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
