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
    from cycletrace._internal.store import Store, StoreSettings

DAY = 86_400_000_000_000


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    actions = options.add_group(
        commands,
        "store",
        "maintain the store: info, check, backup, prune, settings",
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
    chosen = _add(actions, "settings", run_settings, "show or change the settings of everyone who reads the store")
    chosen.add_argument(
        "--production", metavar="NAMES", help="names of production environments, with * for any text: live,prod*"
    )
    chosen.add_argument("--tolerance", metavar="TIME", type=_length, help="by how much clocks may differ, such as 1s")
    chosen.add_argument(
        "--settle", metavar="TIME", type=_length, help="when a deployed cycle without a known use counts, such as 72h"
    )
    chosen.add_argument(
        "--target",
        metavar="[SCOPE=]PART:TIME",
        action="append",
        default=[],
        help="a target; with a SCOPE, that of MODEL, NAMESPACE/ or NAMESPACE/MODEL; SCOPE= removes it. May be repeated",
    )
    chosen.add_argument("--json", action="store_true", help="print one JSON object")


def _add(actions: Any, name: str, run: Any, help_text: str) -> argparse.ArgumentParser:
    action = options.add_command(actions, name, run, help_text)
    action.add_argument(
        "--store",
        type=options.location,
        metavar="STORE",
        help="a file, or the postgresql:// URL of a database (default: the store in the state directory)",
    )
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
        for problem in snapshot.problems(local.rules_of(snapshot)):
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


def run_settings(args: argparse.Namespace) -> int:
    """Show the settings, changed first where options say so."""
    from cycletrace._internal import local
    from cycletrace._internal.flow.targets import target_text

    is_writing = bool(args.production or args.target or args.tolerance is not None or args.settle is not None)
    if is_writing:
        with _opened(args, is_writing=True, may_create=True) as store:
            with store.write() as tx:
                before = tx.settings()
                settings = _changed(before, args)
                tx.save_settings(settings)
                if settings.rules != before.rules:
                    tx.refold_all()
            local.refold(store)
    else:
        with _opened(args, is_writing=False) as store, store.read() as snapshot:
            settings = snapshot.settings()
    rules, targets = settings
    shown: dict[str, Any] = {
        "production": sorted(rules.production),
        "tolerance_seconds": rules.tolerance / 10**9,
        "settle_seconds": rules.settle / 10**9,
        "targets": {"": target_text(targets.default)}
        | {_scope_text(*scope): target_text(target) for scope, target in targets.others.items()},
    }
    if args.json:
        print(json.dumps(shown))
        return 0
    print(f"production: {', '.join(shown['production'])}")
    print(f"tolerance: {shown['tolerance_seconds']:g} s")
    print(f"settle: {shown['settle_seconds'] / 3600:g} h")
    for scope, target in shown["targets"].items():
        print(f"target of {scope or 'all others'}: {target}")
    return 0


def _changed(settings: StoreSettings, args: argparse.Namespace) -> StoreSettings:
    """Return the settings with what the options change.

    Raises:
        Failure: if a target cannot be read.
    """
    from cycletrace._internal.flow import parse_production, parse_target

    rules, targets = settings
    if args.production:
        rules = rules._replace(production=parse_production(args.production))
    rules = rules._replace(
        tolerance=rules.tolerance if args.tolerance is None else args.tolerance,
        settle=rules.settle if args.settle is None else args.settle,
    )
    others = dict(targets.others)
    for text in args.target:
        scope, is_scoped, target = text.rpartition("=")
        try:
            if not is_scoped:
                targets = targets._replace(default=parse_target(target))
            elif target:
                others[_scope(scope)] = parse_target(target)
            else:
                others.pop(_scope(scope), None)
        except ValueError as error:
            raise Failure(f"--target: {error}") from None
    return settings._replace(rules=rules, targets=targets._replace(others=others))


def _scope(text: str) -> tuple[str | None, str | None]:
    namespace, is_of_one, model = text.rpartition("/")
    return namespace if is_of_one else None, model or None


def _scope_text(namespace: str | None, model: str | None) -> str:
    return (model or "") if namespace is None else f"{namespace}/{model or ''}"


@contextmanager
def _opened(args: argparse.Namespace, *, is_writing: bool, may_create: bool = False) -> Generator[Store, None, None]:
    from cycletrace._internal.store import FILE, DatabaseUrl, StoreError, open_reader, open_store

    location = args.store or options.own_directory(args) / FILE
    is_there = isinstance(location, DatabaseUrl) or location.exists()
    try:
        # Do not create a store only to prune it.
        with open_store(location) if is_writing and (may_create or is_there) else open_reader(location) as store:
            yield store
    except StoreError as error:
        raise Failure(str(error)) from None


def _length(text: str) -> int:
    from cycletrace._internal.flow import parse_length

    try:
        return parse_length(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _days(text: str) -> int:
    days = text.removesuffix("d")
    if not days.isdigit():
        raise argparse.ArgumentTypeError(f"must be a number of days such as 400d, got {text!r}")
    return int(days) * DAY
