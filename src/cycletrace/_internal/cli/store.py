"""``cycletrace store``: maintain the store."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure

if TYPE_CHECKING:
    from cycletrace._internal.store import Store

DAY = 86_400_000_000_000


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    actions = options.add_group(
        commands,
        "store",
        "maintain the store: info, check, backup, prune",
        "Maintain the store of this machine or of a collector, even while it is in use.",
    )
    _add(actions, "info", run_info, "show what the store contains").add_argument(
        "--json", action="store_true", help="print one JSON object"
    )
    _add(actions, "check", run_check, "check that the store is intact and its facts match its records")
    _add(actions, "backup", run_backup, "copy the whole store to a new file").add_argument(
        "file", type=Path, metavar="FILE", help="the new file"
    )
    _add(actions, "prune", run_prune, "remove the records of inactive cycles; their facts stay").add_argument(
        "--older-than", type=_days, required=True, metavar="DAYS", help="cycles inactive for this long, such as 400d"
    )


def _add(actions: Any, name: str, run: Any, help_text: str) -> argparse.ArgumentParser:
    action = options.add_command(actions, name, run, help_text)
    action.add_argument("--store", type=Path, metavar="FILE", help="the store (default: in the state directory)")
    options.add_directory(action)
    return action


def run_info(args: argparse.Namespace) -> int:
    """Show what it holds."""
    from cycletrace._internal.store import info

    with _opened(args, is_writing=False) as store:
        found = info(store)
    losses = found["losses"]._asdict()
    if args.json:
        print(json.dumps({**found, "losses": losses}))
    else:
        for name, value in found.items():
            if name != "losses":
                print(f"{name}: {value}")
        print(f"damaged journal lines: {losses['damaged']}")
        for reason, count in losses["rejected"].items():
            print(f"rejected records: {count}: {reason}")
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Check it."""
    from cycletrace._internal import local

    with _opened(args, is_writing=False) as store, store.read() as snapshot:
        problems = 0
        for problem in snapshot.problems(local.rules()):
            print(problem)
            problems += 1
    print("The store is intact." if not problems else f"{problems} problems.")
    return 1 if problems else 0


def run_backup(args: argparse.Namespace) -> int:
    """Copy it."""
    from cycletrace._internal.store import backup

    with _opened(args, is_writing=False) as store:
        backup(store, args.file)
    print(f"The store was copied to {args.file}.")
    return 0


def run_prune(args: argparse.Namespace) -> int:
    """Remove the records of old cycles."""
    from cycletrace._internal import local
    from cycletrace._internal.store import prune

    with _opened(args, is_writing=True) as store:
        local.refold(store)  # what stays of a pruned cycle is its facts, so they must be those of this version
        pruned = prune(store, time.time_ns() - args.older_than)
    print(f"{pruned['records']} records of {pruned['cycles']} cycles were removed; the facts of these cycles remain.")
    return 0


@contextmanager
def _opened(args: argparse.Namespace, *, is_writing: bool) -> Generator[Store, None, None]:
    from cycletrace._internal.store import FILE, StoreError, open_reader, open_store

    path = args.store or options.own_directory(args) / FILE
    try:
        # Do not create a store only to prune it.
        with open_store(path) if is_writing and path.exists() else open_reader(path) as store:
            yield store
    except StoreError as error:
        raise Failure(str(error)) from None


def _days(text: str) -> int:
    days = text.removesuffix("d")
    if not days.isdigit():
        raise argparse.ArgumentTypeError(f"must be a number of days such as 400d, got {text!r}")
    return int(days) * DAY
