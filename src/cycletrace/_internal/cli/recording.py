"""Shared code of the commands that record: where to, about which cycle, and what became of the record."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, cast

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure
from cycletrace._internal.cli.reading import facts_of_cycle

if TYPE_CHECKING:
    from cycletrace._internal.flow import Facts
    from cycletrace._internal.journal.documents import Record
    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runtime import Runtime


def recorder(args: argparse.Namespace) -> Runtime:
    """Return the recorder, which writes to the chosen directory and delivers nothing before :func:`print_recorded`.

    Raises:
        Failure: if cycletrace is disabled.
    """
    from cycletrace._internal.sdk.runtime import runtime

    options.state_directory(args)
    state = runtime()
    if state is None:
        raise Failure("CYCLETRACE_DISABLED is set, so nothing is recorded. Unset it and try again.")
    state.ensure_worker().hold()  # else it could take what no journal can, before print_recorded sees it
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
        Failure: if it could neither be written to a journal nor delivered.
    """
    try:
        if state.writer.pending:
            _deliver_pending(state)
            what += f" It was delivered, but not kept on this machine: {state.settings.directory} is not writable."
    finally:
        state.ensure_worker().release()
    print(what)
    return 0


def _deliver_pending(state: Runtime) -> None:
    """Send what no journal could take straight to the endpoint.

    Raises:
        Failure: if it does not accept all of it.
    """
    from cycletrace._internal.delivery.destination import SIGNALS, find
    from cycletrace._internal.delivery.encode import Item, encode, signal_of
    from cycletrace._internal.delivery.transport import open_sender
    from cycletrace._internal.journal.documents import parse

    documents = [cast("Record", parse(line)) for line in state.writer.pending]
    state.writer.pending.clear()  # what is said to be unrecorded must not be delivered at exit after all
    unrecorded = f"the journal in {state.settings.directory} is not writable, so this was not recorded"
    destination = find(state.settings.endpoint) or {}
    for signal in {signal_of(document) for document in documents}:
        if signal not in destination:
            raise Failure(f"{unrecorded}.")
        items = [Item(document, state.writer.resource) for document in documents if signal_of(document) == signal]
        endpoint = destination[signal]
        with open_sender(endpoint, SIGNALS[signal]) as send:
            result = send(encode(signal, items), endpoint.timeout)
        if not result.is_success or result.rejected:
            raise Failure(f"{unrecorded}. {endpoint.url} did not accept it either: {result.summary}")


def note(text: str) -> None:
    """Print what a person should know beside what was recorded."""
    print(f"cycletrace: {text}", file=sys.stderr)


def facts_here(args: argparse.Namespace, cycle: CycleRef) -> Facts | None:
    """Return what this machine knows of a cycle; ``None`` also if its store cannot be read, since recording goes on."""
    try:
        return facts_of_cycle(options.own_directory(args), cycle.cycle_id)
    except Failure:
        return None
