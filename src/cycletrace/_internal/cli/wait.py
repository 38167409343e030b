"""``cycletrace wait``: begin a wait, and end it later with another command."""

from __future__ import annotations

import argparse
from typing import Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure
from cycletrace._internal.cli.reading import facts_of_cycle
from cycletrace.conventions import REASONS, begun_stage_id, begun_wait_id


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "wait",
        help="begin and end a wait with separate commands",
        description="Begin and end a wait of the cycle or of a stage with separate commands. Its id is computed from "
        "cycle, stage, reason and number, so repeating either is harmless.",
    )
    actions = parser.add_subparsers(metavar="begin|end", required=True)
    for name, run in (("begin", run_begin), ("end", run_end)):
        action = actions.add_parser(name, help=f"{name} a wait")
        action.add_argument("reason", choices=REASONS, help="what it is waiting for")
        action.add_argument("--stage", metavar="NAME", help="the stage that is waiting (default: the whole cycle)")
        action.add_argument(
            "--number", type=int, default=1, metavar="N", help="number among waits with that reason (default: 1)"
        )
        options.add_at(action, "when: a time with a zone (default: now)")
        options.add_cycle(action)
        options.add_directory(action)
        action.set_defaults(run=run)
        if name == "end":
            action.add_argument("--began", metavar="TIME", type=options.instant, help="when, if recorded elsewhere")


def run_begin(args: argparse.Namespace) -> int:
    """Record that the wait began."""
    from cycletrace._internal.sdk import detached

    state, cycle, stage, wait = _what(args)
    detached.begin_wait(state, cycle, args.reason, wait, stage, args.at)
    return options.recorded(state, f"{cycle.key}: waiting for {args.reason}.")


def run_end(args: argparse.Namespace) -> int:
    """Record the finished wait."""
    from cycletrace._internal.sdk import detached

    state, cycle, stage, wait = _what(args)
    facts = facts_of_cycle(options.own_directory(args), cycle.cycle_id)
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
    return options.recorded(state, f"{cycle.key}: no longer waiting for {args.reason}.")


def _what(args: argparse.Namespace) -> tuple[Any, Any, str | None, str]:
    """Return the runtime, the cycle, the stage's id and the wait's id."""
    state = options.emitting(args)
    cycle = options.named_cycle(args, state)
    stage = begun_stage_id(cycle.cycle_id, args.stage, 1) if args.stage else None
    return state, cycle, stage, begun_wait_id(cycle.cycle_id, stage or "", args.reason, args.number)
