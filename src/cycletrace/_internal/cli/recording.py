"""Shared code of the commands that record: where to, about which cycle, and what became of the record."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runtime import Runtime


def recorder(args: argparse.Namespace) -> Runtime:
    """Return the recorder, which writes to the chosen directory.

    Raises:
        Failure: if cycletrace is disabled.
    """
    from cycletrace._internal.sdk.runtime import runtime

    options.state_directory(args)
    state = runtime()
    if state is None:
        raise Failure("CYCLETRACE_DISABLED is set, so nothing is recorded. Unset it and try again.")
    return state


def recorder_and_cycle(args: argparse.Namespace) -> tuple[Runtime, CycleRef]:
    """Return the recorder, and the cycle that a command applies to.

    Raises:
        Failure: if cycletrace is disabled, or there is no cycle.
    """
    from cycletrace._internal.sdk.cycles import from_key

    state = recorder(args)
    if args.cycle is not None:
        try:
            return state, from_key(args.cycle, state.settings.namespace)
        except ValueError as error:
            raise Failure(f"--cycle: {error}") from None
    if state.inherited is None:
        raise Failure("there is no current cycle. Name one with --cycle KEY, or begin one: cycletrace start MODEL")
    return state, state.inherited.cycle


def print_recorded(state: Runtime, what: str) -> int:
    """Print what was recorded, and return the exit code.

    Raises:
        Failure: if it could not be written to a journal.
    """
    if state.writer.pending:
        raise Failure(f"the journal in {state.settings.directory} is not writable, so this was not recorded.")
    print(what)
    return 0
