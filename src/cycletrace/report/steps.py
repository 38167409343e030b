"""Manual steps: which runs they are, how long they waited to be taken up, and which owned time was theirs.

Source: the design, section 2: a stage done by a person, or a deployment stage launched from a terminal or notebook.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from cycletrace.conventions import DEPLOYMENT_KINDS, HUMAN, MANUAL_LAUNCHES, UNEXPLAINED
from cycletrace.flow import Facts, Owner, StageFacts, is_manual

WORK_HUMAN = f"work.{HUMAN}"
WAIT_HUMAN = f"wait.{HUMAN}"


def manual_ns(facts: Facts) -> int:
    """How much of a cycle's time (ns) was owned by the work of manual steps.

    An owner is known by its stage's name; where runs of that name differ in launch, what the manual ones cover counts.
    """
    covered: dict[str | None, list[tuple[int, int]]] = {}
    for stage in facts["stages"]:
        if stage["launch"] in MANUAL_LAUNCHES and stage["actor"] != HUMAN and is_manual(stage):
            covered.setdefault(stage["name"], []).append(_interval(stage))
    length = 0
    for owner in facts["owners"]:
        if owner["activity"] == WORK_HUMAN:
            length += owner["end"] - owner["start"]
        elif owner["stage"] in covered and owner["kind"] in DEPLOYMENT_KINDS and not _is_wait(owner):
            length += _covered_ns(owner, covered[owner["stage"]])
    return length


def _covered_ns(owner: Owner, intervals: list[tuple[int, int]]) -> int:
    """How much of what an owner owns these intervals cover."""
    length, begun = 0, owner["start"]
    for start, end in sorted(intervals):
        begin, finish = max(start, begun), min(end, owner["end"])
        if begin < finish:
            length += finish - begin
            begun = finish
    return length


def _is_wait(owner: Owner) -> bool:
    return not owner["activity"].startswith("work.")


def _interval(stage: StageFacts) -> tuple[int, int]:
    end = stage["end"]
    return stage["start"], (1 << 62) if end is None else end


def taken_up_ns(facts: Facts) -> dict[str, int]:
    """How long each manual run stood waiting for its person (ns), by the id of the run.

    How long the cycle stood still before it (see :func:`stood_still_ns`), and its own waits for a person.
    """
    own = _own_waits_ns(facts)
    return {run: stood + own.get(run, 0) for run, stood in stood_still_ns(facts).items()}


def stood_still_ns(facts: Facts) -> dict[str, int]:
    """How long the cycle stood still directly before each manual run (ns), by the id of the run.

    The stretch before its start that nothing owned but a wait of the cycle for a person, or nothing at all, back to
    the latest end of another run.
    """
    manual = [stage for stage in facts["stages"] if is_manual(stage)]
    if not manual:
        return {}
    owners = facts["owners"]
    starts = [owner["start"] for owner in owners]
    ends = sorted(run["end"] for run in facts["stages"] if run["end"] is not None and run["start"] <= run["end"])
    stood = {}
    for stage in manual:
        start = stage["start"]
        # A run that ends where this one starts may be this one itself, of no length: it bounds nothing.
        position = bisect_right(ends, start) - (stage["end"] == start)
        earliest = ends[position - 1] if position > 0 else None
        index = bisect_left(starts, start) - 1
        begin = start
        while index >= 0 and owners[index]["end"] >= begin and _stands_still(owners[index]):
            begin = owners[index]["start"]
            if earliest is not None and begin <= earliest:
                begin = earliest
                break
            index -= 1
        stood[stage["id"]] = start - begin
    return stood


def _stands_still(owner: Owner) -> bool:
    return owner["activity"] == UNEXPLAINED or (owner["activity"] == WAIT_HUMAN and owner["stage"] is None)


def _own_waits_ns(facts: Facts) -> dict[str, int]:
    """How long runs stood still for a person in waits of their own, by the id of the run. What overlaps counts once."""
    own = [wait for wait in facts["waits"] if wait["reason"] == HUMAN and wait["stage"] is not None]
    if not own:
        return {}
    started, time = facts["marks"]["started"], facts["cycle_time_ns"]
    now = None if started is None or time is None else started + time
    ends = {run["id"]: now if run["end"] is None else run["end"] for run in facts["stages"]}
    lengths: dict[str, int] = {}
    reached: dict[str, int] = {}
    for wait in own:  # by start
        run = wait["stage"]
        assert run is not None
        bound = ends[run]
        end = bound if wait["end"] is None else wait["end"] if bound is None else min(wait["end"], bound)
        begin = max(wait["start"], reached.get(run, wait["start"]))
        if end is not None and begin < end:
            lengths[run] = lengths.get(run, 0) + end - begin
            reached[run] = end
    return lengths
