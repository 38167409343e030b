"""Rules about one cycle that every reader of facts shares: which steps are manual, what counts, what is finished.

Source: the specification, rules 1.3, 2.34, 2.35, 2.36 and 2.37.
"""

from __future__ import annotations

from cycletrace import conventions as c
from cycletrace._internal.flow.facts import Facts, StageFacts
from cycletrace._internal.flow.targets import CYCLE, CycleTarget


def is_manual(stage: StageFacts) -> bool:
    """Return whether a run is a manual step: done by a person, or deploying from a terminal or a notebook."""
    return stage["actor"] == c.HUMAN or (stage["kind"] in c.DEPLOYMENT_KINDS and stage["launch"] in c.MANUAL_LAUNCHES)


def is_counted(facts: Facts) -> bool:
    """Return whether a cycle counts in a population.

    An implicit one does once it is deployed or in use, or once ``selected`` was declared or made by a successful
    ``select``. A ``selected`` that was derived from the start of a test, say, makes no run of a test suite a cycle.
    """
    marks = facts["marks"]
    if not facts["implicit"] or marks["deployed"] is not None or marks["in_use"] is not None:
        return True
    if marks["selected"] is None:
        return False
    return c.SELECTED not in facts["derived"] or any(
        stage["kind"] == "select"
        and stage["outcome"] in c.SUCCESSES
        and stage["end"] is not None
        and stage["start"] <= stage["end"]
        for stage in facts["stages"]
    )


def is_over(facts: Facts) -> bool:
    """Return whether a cycle is an open implicit one that counts nowhere and in which no stage runs.

    Nobody will close it, so it lasts to its latest instant, and is not work in progress.
    """
    return (
        facts["implicit"]
        and facts["outcome"] == c.OPEN
        and all(stage["end"] is not None for stage in facts["stages"])
        and not is_counted(facts)
    )


def finish(facts: Facts) -> int | None:
    """Return the instant (UTC ns) at which a cycle finished, ``None`` if it did not.

    A cycle finishes when it is ``in_use``; one whose outcome is ``deployed`` finished when it was deployed.
    """
    marks = facts["marks"]
    return marks["deployed"] if facts["outcome"] == c.DEPLOYED else marks["in_use"]


def hands_free(facts: Facts) -> bool | None:
    """Return whether no manual step began from ``selected`` on and before the finish.

    ``None`` where ``selected`` is unknown or the cycle did not finish.
    """
    selected, finished = facts["marks"]["selected"], finish(facts)
    if selected is None or finished is None:
        return None
    return not any(selected <= stage["start"] < finished and is_manual(stage) for stage in facts["stages"])


def met_target(facts: Facts, target: CycleTarget) -> bool:
    """Return whether a cycle reached the end of the target's part in time."""
    if target.part != CYCLE:
        length = facts["parts_ns"][target.part]  # type: ignore[literal-required]
    else:
        length = facts["cycle_time_ns"] if finish(facts) is not None else None
    return length is not None and length <= target.within_ns
