"""The manual steps of one cycle: their waiting time until taken up, and the time that their work owned."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from cycletrace import conventions as c
from cycletrace._internal.flow import Facts, Owner, StageFacts, is_manual

_WORK_HUMAN = f"work.{c.HUMAN}"
_WAIT_HUMAN = f"wait.{c.HUMAN}"


def manual_ns(facts: Facts) -> int:
    """Return how much of a cycle's time (ns) the work of manual steps owned.

    An owner is known by the name of its stage only. Where runs of that name differ in launch, the time counts that
    the manual ones cover.
    """
    covered: dict[str | None, list[tuple[int, int]]] = {}
    for stage in facts["stages"]:
        if stage["actor"] != c.HUMAN and is_manual(stage):
            covered.setdefault(stage["name"], []).append(_interval(stage))
    length = 0
    for owner in facts["owners"]:
        if owner["activity"] == _WORK_HUMAN:
            length += owner["end"] - owner["start"]
        elif owner["stage"] in covered and owner["kind"] in c.DEPLOYMENT_KINDS and _is_work(owner):
            length += _covered_ns(owner, covered[owner["stage"]])
    return length


def _covered_ns(owner: Owner, intervals: list[tuple[int, int]]) -> int:
    """Return how much of an owner's stretch these intervals cover."""
    length, begun = 0, owner["start"]
    for start, end in sorted(intervals):
        begin, finish = max(start, begun), min(end, owner["end"])
        if begin < finish:
            length += finish - begin
            begun = finish
    return length


def _is_work(owner: Owner) -> bool:
    return owner["activity"].startswith("work.")


def _interval(stage: StageFacts) -> tuple[int, int]:
    end = stage["end"]
    return stage["start"], (1 << 62) if end is None else end


def taken_up_ns(facts: Facts) -> dict[str, int]:
    """Return how long each manual run waited for its person (ns), by the id of the run.

    That is how long the cycle stood still before it (:func:`stood_still_ns`), and its own waits for a person.
    """
    own = _own_waits_ns(facts)
    return {run: stood + own.get(run, 0) for run, stood in stood_still_ns(facts).items()}


def stood_still_ns(facts: Facts) -> dict[str, int]:
    """Return how long the cycle stood still directly before each manual run (ns), by the id of the run.

    That is the stretch before its start which is unexplained or a wait of the cycle for a person, back to the latest
    end of another run.
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
        # A run that ends where this one starts may be this one itself, of length 0: it bounds nothing.
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
    return owner["activity"] == c.UNEXPLAINED or (owner["activity"] == _WAIT_HUMAN and owner["stage"] is None)


def _own_waits_ns(facts: Facts) -> dict[str, int]:
    """Return how long runs waited for a person in waits of their own, by the id of the run; overlaps count once."""
    own = [wait for wait in facts["waits"] if wait["reason"] == c.HUMAN and wait["stage"] is not None]
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
