"""What this machine knows of stages and waits that were begun by commands: which are open, which have ended."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, NamedTuple

from cycletrace._internal.cli import options
from cycletrace.conventions import LOST

if TYPE_CHECKING:
    from cycletrace._internal.flow import End, Facts, Stage, Wait
    from cycletrace._internal.flow.ends import Begun
    from cycletrace._internal.sdk.cycles import CycleRef

_EVER = 2**62
"""Later than every instant: what is recorded for later counts, too."""


class Known(NamedTuple):
    """What is known here of one cycle. Without anything known, all is empty."""

    facts: Facts | None = None
    stages: dict[str, Stage] = {}  # noqa: RUF012 - never changed
    """The begins of stages that commands recorded, by the id of the stage."""
    waits: dict[str, Wait] = {}  # noqa: RUF012 - never changed
    begins: tuple[Begun, ...] = ()
    """All of these stages and waits, as ends see them."""
    open_ids: frozenset[str] = frozenset()
    """Those that nothing ended."""
    tolerance: int = 0
    """By how much clocks may differ, nanoseconds."""

    def find(self, end: End, among: frozenset[str] | None = None) -> str | None:
        """Return the id of the open stage or wait that this ends, if any. ``among``: only one of these."""
        from cycletrace._internal.flow.ends import pair_ends

        ids = self.open_ids if among is None else self.open_ids & among
        begins = [begin for begin in self.begins if begin.id in ids and (begin.id in self.waits) is end.is_wait]
        return next(iter(pair_ends([end], begins, self.tolerance)), None)

    def like(self, end: End) -> list[Begun]:
        """Return every begin that this could end if it were open, and the end late enough."""
        return [
            begin
            for begin in self.begins
            if begin.name == end.name
            and (begin.id in self.waits) is end.is_wait
            and end.environment in {None, begin.environment}
            and end.attempt in {None, begin.attempt}
        ]


def known_here(args: argparse.Namespace, cycle: CycleRef) -> Known:
    """Return what this machine knows of a cycle; nothing if its store cannot be read, since recording goes on."""
    from cycletrace._internal import local
    from cycletrace._internal.cli.failure import Failure
    from cycletrace._internal.flow import Stage, Wait
    from cycletrace._internal.flow.ends import Begun
    from cycletrace._internal.flow.merge import attempts_of, merge
    from cycletrace._internal.store import StoreError

    now = time.time_ns()
    try:
        with local.snapshot(directory=options.own_directory(args)) as snapshot:
            rules = local.rules_of(snapshot)
            facts = next(snapshot.facts(now, cycle=cycle.cycle_id, rules=rules), None)
            cycle_id = cycle.cycle_id if facts is None else facts["cycle_id"]
            records = snapshot.records_of(cycle_id, now)
    except (Failure, StoreError):
        return Known()
    state = merge(cycle_id, records, _EVER, rules)
    attempts = attempts_of(state.stages)
    whole: dict[str, Stage | Wait] = {stage.id: stage for stage in state.stages}
    whole.update({wait.id: wait for wait in state.waits})
    stages: dict[str, Stage] = {}
    waits: dict[str, Wait] = {}
    for record in records:
        if not isinstance(record, (Stage, Wait)) or not record.is_begin or record.id not in whole:
            continue  # what is not there was retracted
        if isinstance(record, Stage):
            stages[record.id] = min(record, stages.get(record.id, record), key=lambda one: one.start)
        else:
            waits[record.id] = record
    return Known(
        facts,
        stages,
        waits,
        (
            *(Begun(one.start, one.id, one.name, one.environment, attempts[one.id]) for one in stages.values()),
            *(Begun(one.start, one.id, one.reason) for one in waits.values()),
        ),
        frozenset(
            one.id for one in whole.values() if one.end is None or (isinstance(one, Stage) and one.outcome == LOST)
        ),
        rules.tolerance,
    )
