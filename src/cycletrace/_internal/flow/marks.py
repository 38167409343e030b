"""When a cycle reached each mark: declared by somebody, or derived from its stages.

Source: the specification, rules 2.12, 2.13, 2.14, 2.15 and 2.16.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from cycletrace._internal.flow.facts import Marks
from cycletrace._internal.flow.records import Mark, Stage, Wait
from cycletrace._internal.flow.rules import Rules
from cycletrace.conventions import (
    DEPLOYED,
    DEPLOYMENT_KINDS,
    IN_USE,
    MARKS,
    SELECTED,
    STARTED,
    SUCCESSES,
    TRAINED,
)


class MarkResult(NamedTuple):
    """The marks of a cycle and what was wrong with their order."""

    marks: Marks
    derived: list[str]
    """Those that nobody declared, in order."""
    skewed: int
    """How many were lifted, since clocks differ."""
    out_of_order: int
    """How many precede an earlier one by more than clocks may differ."""
    after_bound: int
    """How many have a successful stage of their kind, and yet were not made by one, since all ended too late."""


def is_negative(interval: Stage | Wait) -> bool:
    """Return whether it ends before it starts, and so makes no mark, owner or ``started``."""
    return interval.end is not None and interval.end < interval.start


def resolve_marks(stages: Iterable[Stage], waits: Iterable[Wait], declared: Iterable[Mark], rules: Rules) -> MarkResult:
    """Return all five marks. "By" and "at or after" allow for the tolerance, and so does their order."""
    stages = [stage for stage in stages if not is_negative(stage)]
    waits = [wait for wait in waits if not is_negative(wait) and not wait.is_summed]
    done = _done(stages, rules)
    after_bound = 0
    instants = _declared(declared, rules)
    in_use = instants.get(IN_USE)
    if in_use is None:
        in_use = min((end for _, end in done["activate"]), default=None)
    deployed = instants.get(DEPLOYED)
    if deployed is None:
        deployed = _deployed(done["deploy"], in_use, rules)
        after_bound += deployed is None and bool(done["deploy"])
    bound = in_use if deployed is None else deployed
    selected = instants.get(SELECTED)
    if selected is None:
        selected = _latest_end(done["select"], bound, rules)
        after_bound += selected is None and bool(done["select"])
    trained = instants.get(TRAINED)
    if trained is None:
        trained = _latest_end(done["train"], bound if selected is None else selected, rules)
        after_bound += trained is None and bool(done["train"])
    if selected is None and (trained is not None or bound is not None):
        selected = _deployment_begins(stages, trained, bound, rules)
        if selected is None and bound is not None:
            selected = trained
    started = instants.get(STARTED)
    if started is None:
        intervals: list[Stage | Wait] = [*stages, *waits]
        started = min((interval.start for interval in intervals), default=None)
    marks: Marks = {
        "started": started,
        "trained": trained,
        "selected": selected,
        "deployed": deployed,
        "in_use": in_use,
    }
    derived = [name for name in MARKS if marks[name] is not None and name not in instants]
    return MarkResult(marks, derived, *_lift(marks, rules.tolerance), after_bound)


def _declared(declared: Iterable[Mark], rules: Rules) -> dict[str, int]:
    """Return the earliest declaration of each mark. Outside production there is neither ``deployed`` nor ``in_use``."""
    instants: dict[str, int] = {}
    for mark in declared:
        if mark.name in (DEPLOYED, IN_USE) and not rules.is_production(mark.environment):
            continue
        instants[mark.name] = min(mark.at, instants.get(mark.name, mark.at))
    return instants


Run = tuple[Stage, int]
"""A successful stage with its end."""


def _done(stages: Iterable[Stage], rules: Rules) -> dict[str, list[Run]]:
    """Return the successful stages by kind. Outside production nothing is deployed or activated."""
    done: dict[str, list[Run]] = defaultdict(list)
    for stage in stages:
        if stage.end is None or stage.outcome not in SUCCESSES:
            continue
        if stage.kind in ("deploy", "activate") and not rules.is_production(stage.environment):
            continue
        done[stage.kind].append((stage, stage.end))
    return done


def _by(instant: int, bound: int | None, rules: Rules) -> bool:
    return bound is None or instant <= bound + rules.tolerance


def _latest_end(done: Iterable[Run], bound: int | None, rules: Rules) -> int | None:
    """Return the latest end of a successful stage that ended by the bound."""
    return max((end for _, end in done if _by(end, bound, rules)), default=None)


def _deployed(done: Iterable[Run], in_use: int | None, rules: Rules) -> int | None:
    """Return the latest end of a successful deploy that ended by ``in_use``, else of one that began by it.

    It is no later than ``in_use``.
    """
    latest = _latest_end(done, in_use, rules)
    if latest is None:
        latest = max((end for stage, end in done if _by(stage.start, in_use, rules)), default=None)
    return latest if latest is None or in_use is None else min(latest, in_use)


def _deployment_begins(stages: Iterable[Stage], trained: int | None, bound: int | None, rules: Rules) -> int | None:
    """Return the earliest start of a deployment stage, of any outcome, at or after ``trained`` and by the bound."""
    return min(
        (
            stage.start
            for stage in stages
            if stage.kind in DEPLOYMENT_KINDS
            and (trained is None or stage.start >= trained - rules.tolerance)
            and _by(stage.start, bound, rules)
        ),
        default=None,
    )


def _lift(marks: Marks, tolerance: int) -> tuple[int, int]:
    """Lift, in order, each mark that precedes the latest before it by no more than the tolerance.

    Returns how many were lifted and how many precede by more.
    """
    skewed = out_of_order = 0
    latest: int | None = None
    for name in MARKS:
        instant = marks[name]
        if instant is None:
            continue
        if latest is not None and instant < latest:
            if latest - instant <= tolerance:
                marks[name] = latest
                skewed += 1
            else:
                out_of_order += 1
        latest = instant if latest is None else max(latest, instant)
    return skewed, out_of_order
