"""``cycletrace stage`` and ``wait``: begin a stage or a wait, and end it later with another command."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure
from cycletrace._internal.cli.recording import facts_here, print_recorded, recorder_and_cycle
from cycletrace._internal.cli.run import add_stage_options, spec_of
from cycletrace.conventions import OK, REASONS, STAGE_OUTCOMES, begun_stage_id, begun_wait_id

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef


def add_commands(commands: Any) -> None:
    """Add the subcommands."""
    stage = options.add_group(
        commands,
        "stage",
        "begin and end a stage with separate commands",
        "Begin and end a stage with separate commands. Its id is computed from cycle, name and attempt, so repeating "
        "either is harmless.",
    )
    for name, run, description in (
        ("begin", run_stage_begin, "Begin a stage. In a terminal, the actor is a person unless --by is given."),
        ("end", run_stage_end, "End a stage. Repeat the options given at its beginning: the ones given here count."),
    ):
        action = options.add_command(stage, name, run, f"{name} a stage", description)
        action.add_argument("name", metavar="NAME", help="the stage's name")
        if name == "end":
            action.add_argument("--outcome", choices=STAGE_OUTCOMES, default=OK, help="how it ended (default: ok)")
            _add_began(action)
        add_stage_options(action)
        options.add_at(action, f"when it {'began' if name == 'begin' else 'ended'}: a time with a zone (default: now)")

    wait = options.add_group(
        commands,
        "wait",
        "begin and end a wait with separate commands",
        "Begin and end a wait of the cycle or of a stage with separate commands. Its id is computed from cycle, "
        "stage, reason and number, so repeating either is harmless.",
    )
    for name, run in (("begin", run_wait_begin), ("end", run_wait_end)):
        action = options.add_command(wait, name, run, f"{name} a wait")
        action.add_argument("reason", choices=REASONS, metavar="REASON", help=", ".join(REASONS))
        if name == "end":
            _add_began(action)
        action.add_argument("--stage", metavar="NAME", help="the stage that is waiting (default: the whole cycle)")
        action.add_argument(
            "--number", type=int, default=1, metavar="N", help="number among waits with that reason (default: 1)"
        )
        options.add_at(action, f"when it {'began' if name == 'begin' else 'ended'}: a time with a zone (default: now)")
        options.add_cycle(action)
        options.add_directory(action)


def _add_began(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--began", metavar="TIME", type=options.past_instant, help="when it began, if recorded elsewhere"
    )


def run_stage_begin(args: argparse.Namespace) -> int:
    """Record that the stage began."""
    from cycletrace._internal.sdk import detached

    state, cycle = recorder_and_cycle(args)
    stage = begun_stage_id(cycle.cycle_id, args.name, args.attempt or 1)
    detached.begin_stage(state, cycle, spec_of(args, args.name, _by(args)), stage, args.at)
    return print_recorded(state, f"{cycle.key}: {args.name} began.")


def run_stage_end(args: argparse.Namespace) -> int:
    """Record the finished run."""
    from cycletrace._internal.sdk import detached

    state, cycle = recorder_and_cycle(args)
    stage = begun_stage_id(cycle.cycle_id, args.name, args.attempt or 1)
    facts = facts_here(args, cycle)
    known = next((run for run in facts["stages"] if run["id"] == stage), None) if facts is not None else None
    if known is not None and known["outcome"] not in {None, "lost"}:
        print(f"{cycle.key}: {args.name} had already ended.")
        return 0
    start = args.began if args.began is not None else known["start"] if known is not None else None
    if start is None:
        raise Failure(
            f"stage {args.name!r} of {cycle.key} was not begun here. Give its start with --began TIME, "
            f"or begin it: cycletrace stage begin {args.name}"
        )
    detached.end_stage(state, cycle, spec_of(args, args.name, _by(args)), stage, start, args.outcome, args.at)
    return print_recorded(state, f"{cycle.key}: {args.name} ended, {args.outcome}.")


def _by(args: argparse.Namespace) -> str | None:
    """Return the actor: as given, else a person if run in a terminal."""
    return args.by or ("person" if sys.stdin.isatty() else None)


def run_wait_begin(args: argparse.Namespace) -> int:
    """Record that the wait began."""
    from cycletrace._internal.sdk import detached

    state, cycle = recorder_and_cycle(args)
    stage, wait = _stage_and_wait(args, cycle)
    detached.begin_wait(state, cycle, args.reason, wait, stage, args.at)
    return print_recorded(state, f"{cycle.key}: waiting for {args.reason}.")


def run_wait_end(args: argparse.Namespace) -> int:
    """Record the finished wait."""
    from cycletrace._internal.sdk import detached

    state, cycle = recorder_and_cycle(args)
    stage, wait = _stage_and_wait(args, cycle)
    facts = facts_here(args, cycle)
    known = next((each for each in facts["waits"] if each["id"] == wait), None) if facts is not None else None
    if known is not None and known["end"] is not None and not (facts and facts["flags"].get("unclosed_waits")):
        print(f"{cycle.key}: the wait for {args.reason} had already ended.")
        return 0
    start = args.began if args.began is not None else known["start"] if known is not None else None
    if start is None:
        raise Failure(
            f"no wait for {args.reason} was begun here for {cycle.key}. Give its start with --began TIME, "
            f"or begin one: cycletrace wait begin {args.reason}"
        )
    detached.end_wait(state, cycle, args.reason, wait, stage, start, args.at)
    return print_recorded(state, f"{cycle.key}: no longer waiting for {args.reason}.")


def _stage_and_wait(args: argparse.Namespace, cycle: CycleRef) -> tuple[str | None, str]:
    """Return the id of the waiting stage, if any, and that of the wait."""
    stage = begun_stage_id(cycle.cycle_id, args.stage, 1) if args.stage else None
    return stage, begun_wait_id(cycle.cycle_id, stage or "", args.reason, args.number)
