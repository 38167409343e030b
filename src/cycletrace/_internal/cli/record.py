"""``cycletrace start``, ``mark``, ``served``, ``alias`` and ``close``: record something about a cycle."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure
from cycletrace._internal.cli.recording import facts_here, note, print_recorded, recorder, recorder_and_cycle
from cycletrace.conventions import (
    DECLARED_OUTCOMES,
    DEPLOYED,
    ENVIRONMENT,
    IN_USE,
    MARKS,
    MECHANISMS,
    STARTED,
    TRIGGERS,
    key_of,
)

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef


def add_commands(commands: Any) -> None:
    """Add the subcommands."""
    start = options.add_command(
        commands,
        "start",
        run_start,
        "begin a cycle that all work in this directory joins",
        "Begin a cycle in this directory; in a git worktree, in the whole of it. Every process that starts there or "
        "below joins it, until `cycletrace close`, unless it names another cycle. The cycle is stored in "
        ".cycletrace/cycle, which git ignores.",
    )
    start.add_argument("model", type=options.some_text, metavar="MODEL", help="the model's name")
    start.add_argument(
        "--version", type=options.some_text, help="its version, if it already has one; the key is then MODEL@VERSION"
    )
    start.add_argument("--key", type=options.some_text, help="the key, if it is not MODEL@VERSION")
    start.add_argument(
        "--idea", metavar="REF", help="where the idea is written down, such as an issue; becomes an alias"
    )
    start.add_argument("--domain", help="models to compare its training with (default: only itself)")
    start.add_argument("--trigger", choices=TRIGGERS, help="why the cycle began (default: idea)")
    start.add_argument("--environment", metavar="NAME", help="where its stages take effect (default: production)")
    options.add_at(start, "when the idea came up: a time with a zone, or git:REVISION (default: now)")
    start.add_argument("--force", action="store_true", help="replace the cycle already begun in this directory")
    options.add_directory(start)

    mark = options.add_command(
        commands,
        "mark",
        run_mark,
        "declare that a cycle reached a mark",
        "Declare that a cycle reached a mark. A declared mark takes precedence over a derived one; the earliest "
        "declaration counts.",
    )
    mark.add_argument("name", choices=MARKS, metavar="NAME", help=", ".join(MARKS))
    options.add_at(mark, "when it was reached: a time with a zone, or git:REVISION (default: now)")
    mark.add_argument("--environment", metavar="NAME", help="where it was reached (default: production)")
    mark.add_argument("--mechanism", choices=MECHANISMS, help="how clients switch to the model")
    options.add_cycle(mark)
    options.add_directory(mark)

    served = options.add_command(
        commands,
        "served",
        run_served,
        "record that a version served its first prediction",
        "Record that a consumer got a prediction from this version: the mark in_use. The earliest record counts. "
        "Python serving code calls cycletrace.served() instead.",
    )
    served.add_argument("model", nargs="?", type=options.some_text, metavar="MODEL", help="the model's name")
    served.add_argument("version", nargs="?", type=options.some_text, metavar="VERSION", help="its version")
    served.add_argument("--mechanism", choices=MECHANISMS, help="how clients switch to the model")
    served.add_argument("--environment", metavar="NAME", help="where it serves (default: production)")
    options.add_at(served, "when it was served: a time with a zone (default: now)")
    options.add_cycle(served)
    options.add_directory(served)

    alias = options.add_command(
        commands,
        "alias",
        run_alias,
        "add another key for a cycle",
        "Add another key for a cycle, such as a registry version (churn@7), a git revision or a tracker's run id. "
        "Everything recorded under that key then belongs to this cycle. A key names one cycle for good, so a "
        "registry's alias that moves from version to version cannot be one.",
    )
    alias.add_argument("key", type=options.some_text, metavar="KEY", help="the other key")
    options.add_cycle(alias)
    options.add_directory(alias)

    close = options.add_command(
        commands,
        "close",
        run_close,
        "declare how a cycle ended, and stop joining it here",
        "Declare how a cycle ended. A model that is in use needs no outcome. With or without one, if `start` began "
        "this cycle here, processes no longer join it.",
    )
    close.add_argument(
        "outcome", nargs="?", choices=DECLARED_OUTCOMES, metavar="OUTCOME", help=", ".join(DECLARED_OUTCOMES)
    )
    options.add_at(close, "when it ended: a time with a zone (default: now)")
    options.add_cycle(close)
    options.add_directory(close)


def run_start(args: argparse.Namespace) -> int:
    """Begin a cycle in this worktree."""
    from cycletrace._internal.sdk import marks
    from cycletrace._internal.sdk.blocks import identify
    from cycletrace._internal.sdk.worktree import FILE, FOLDER, UnsafeError, write_cycle

    state = recorder(args)
    top = _worktree()
    path = top / FOLDER / FILE
    if os.path.lexists(path) and not args.force:
        raise Failure(f"a cycle has already begun here ({path}). End it with `cycletrace close`, or pass --force.")
    cycle = identify(
        args.model,
        args.version,
        key=args.key,
        domain=args.domain,
        trigger=args.trigger,
        environment=args.environment,
    )
    if cycle is None:
        raise Failure("the cycle could not begin, for the reason above.")
    try:
        write_cycle(top, cycle.to_text())
    except UnsafeError as error:
        raise Failure(f"{error}. Remove it, or begin the cycle in another directory.") from None
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.") from None
    marks.mark(cycle, STARTED, args.at)
    owner = _other_owner(args, cycle, args.idea) if args.idea else None
    if args.idea and owner is None:
        marks.alias(cycle, args.idea)
    code = print_recorded(state, f"{cycle.key} began. All work below {top} joins it.")
    if owner is not None:
        note(f"{args.idea} already is a key of {owner}, so it does not become one of {cycle.key}.")
    return code


def _worktree() -> Path:
    """Return the root of the current git worktree, else the working directory."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


def run_mark(args: argparse.Namespace) -> int:
    """Record a mark."""
    from cycletrace._internal.sdk import marks

    state, cycle = recorder_and_cycle(args)
    marks.mark(cycle, args.name, args.at, environment=args.environment, mechanism=args.mechanism)
    uncounted = _uncounted(args, cycle, args.name)
    return print_recorded(state, f"{cycle.key}: {uncounted or args.name}.")


def _uncounted(args: argparse.Namespace, cycle: CycleRef, mark: str) -> str:
    """Return why a mark does not count, or an empty text."""
    from cycletrace._internal.local import rules
    from cycletrace._internal.sdk.settings import resource_attributes

    environment = args.environment or cycle.environment or resource_attributes().get(ENVIRONMENT)
    here = rules()
    if mark not in {DEPLOYED, IN_USE} or here.is_production(environment):
        return ""
    return (
        f"recorded, but it does not count as {mark}, since {environment} is not production "
        f"by the settings here: {', '.join(sorted(here.production))}"
    )


def run_served(args: argparse.Namespace) -> int:
    """Record the first use."""
    from cycletrace._internal.sdk import marks

    if args.model is not None and args.version is None:
        raise Failure(f"{args.model!r} needs a version: cycletrace served {args.model} VERSION, or --cycle KEY.")
    if args.model is not None:
        args.cycle = key_of(args.model, args.version)
    state, cycle = recorder_and_cycle(args)
    marks.mark(cycle, IN_USE, args.at, environment=args.environment, mechanism=args.mechanism)
    uncounted = _uncounted(args, cycle, IN_USE)
    code = print_recorded(state, f"{cycle.key}: {uncounted or 'in use'}.")
    facts = facts_here(args, cycle)
    if facts is not None and facts["cycle_id"] != cycle.cycle_id:
        note(f"{cycle.key} is an alias of {facts['key']}, to which this belongs.")
    if facts is not None and not facts["stages"]:
        note(
            f"no stage of {cycle.key} was recorded on this machine. If that is unexpected, check model, version and "
            f"namespace (CYCLETRACE_NAMESPACE, here {cycle.namespace!r})."
        )
    return code


def run_alias(args: argparse.Namespace) -> int:
    """Record another key of the cycle."""
    from cycletrace._internal.sdk import marks

    state, cycle = recorder_and_cycle(args)
    owner = _other_owner(args, cycle, args.key)
    if owner is not None:
        note(
            f"{args.key} already is a key of {owner}, and stays one: nothing was recorded. A key names one cycle for "
            "good, so a registry's alias that moves from version to version cannot be a key."
        )
        return 1
    marks.alias(cycle, args.key)
    return print_recorded(state, f"{args.key} is an alias of {cycle.key}.")


def _other_owner(args: argparse.Namespace, cycle: CycleRef, key: str) -> str | None:
    """Return the key of the other cycle that a key is known to be an alias of on this machine, or ``None``."""
    from cycletrace._internal.sdk.cycles import from_key

    named = from_key(key, cycle.namespace)
    facts = facts_here(args, named)
    if facts is None or facts["cycle_id"] == named.cycle_id:
        return None
    ours = facts_here(args, cycle)
    if facts["cycle_id"] == (cycle.cycle_id if ours is None else ours["cycle_id"]):
        return None
    return facts["key"] or facts["cycle_id"]


def run_close(args: argparse.Namespace) -> int:
    """Record the outcome, and stop joining the cycle in this worktree."""
    from cycletrace._internal.sdk import marks

    state, cycle = recorder_and_cycle(args)
    if args.outcome is not None:
        marks.close(cycle, args.outcome, args.at)
    if not _let_go(cycle) and args.outcome is None:
        raise Failure(
            f"an outcome is needed, one of {', '.join(DECLARED_OUTCOMES)}: cycletrace close {DECLARED_OUTCOMES[0]}"
        )
    return print_recorded(state, f"{cycle.key}: {args.outcome or 'no longer joined here'}.")


def _let_go(cycle: CycleRef) -> bool:
    """Remove the worktree's cycle if it is this one, and return whether it was.

    Raises:
        Failure: if its file cannot be removed.
    """
    from cycletrace._internal.sdk.cycles import from_text
    from cycletrace._internal.sdk.worktree import find_cycle, remove_cycle

    found = find_cycle()
    if found is None:
        return False
    path, line = found
    try:
        if from_text(line, cycle.namespace).cycle_id != cycle.cycle_id:
            return False
        remove_cycle(path, cycle.cycle_id)
    except ValueError:  # it names no cycle, which was logged
        return False
    except OSError as error:
        raise Failure(f"{path} cannot be removed: {error.strerror}.") from None
    return True
