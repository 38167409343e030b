"""The rules of time accounting a second time: slow, obvious, and written from the design, not from the code.

Every step is a plain loop over all records, stages or instants; nothing is sorted to be fast and nothing is
remembered. It shares with the code the plain input values and the vocabulary, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.flow.reference_owners import pieces_of, sweep

from cycletrace._internal.flow.facts import Facts, Marks, Owner, Parts, StageFacts, WaitFacts
from cycletrace._internal.flow.records import Alias, Close, End, Heartbeat, Mark, Record, Retraction, Stage, Wait
from cycletrace._internal.flow.rules import RULES, SECOND, Rules
from cycletrace.conventions import ACTIVITIES, DEPLOYMENT_KINDS, MARKS, PART_OF_KIND, SUCCESSES, WORDS


def facts_of(records: Iterable[Record], at: int, rules: Rules = RULES) -> list[Facts]:
    """The facts of all cycles in these records at an instant, by cycle id."""
    known = [known for record in records for known in cut_at(record, at)]
    # First the aliases, since they decide which records are of the same cycle.
    known = [record for record in known if not (isinstance(record, Alias) and is_retracted(record, known))]
    cycles: dict[str, list[Record]] = {}
    for record in known:
        if isinstance(record, Alias) or not is_retracted(record, known):
            cycles.setdefault(cycle_of(record.origin.cycle_id, known), []).append(record)
    return [
        facts(cycle_id, cycles[cycle_id], at, rules)
        for cycle_id in sorted(cycles)
        if not all(isinstance(record, Retraction) for record in cycles[cycle_id])
    ]


# --- rule 2: facts at T ------------------------------------------------------------------------------


def cut_at(record: Record, at: int) -> list[Record]:
    """What was known of a record: what begins later is not there yet, what ends later has not ended."""
    if start_of(record) > at:
        return []
    if isinstance(record, (Stage, Wait)) and record.end is not None and record.end > at:
        ongoing = record._replace(end=None)
        return [ongoing._replace(outcome=None) if isinstance(ongoing, Stage) else ongoing]
    return [record]


def start_of(record: Record) -> int:
    """The instant at which a record starts."""
    return record.start if isinstance(record, (Stage, Wait)) else record.at


def instants_of(record: Record) -> list[int]:
    """Every instant in a record."""
    if not isinstance(record, (Stage, Wait)):
        return [record.at]
    return [record.start] if record.end is None else [record.start, record.end]


# --- rule 1: whose record it is, and what is one record -------------------------------------------------


def cycle_of(cycle_id: str, records: list[Record]) -> str:
    """The cycle to which what carries this id belongs."""
    path = [cycle_id]
    while True:
        claims = [
            (record.at, record.origin.cycle_id)
            for record in records
            if isinstance(record, Alias) and record.alias_id == path[-1]
        ]
        if not claims:
            return path[-1]
        claimant = min(claims)[1]
        if claimant in path:
            return min(path[path.index(claimant) :])
        path.append(claimant)


def is_retracted(record: Record, records: list[Record]) -> bool:
    """Whether a record of the same cycle retracts it."""
    ids: list[str | None] = []
    if isinstance(record, Heartbeat):
        ids = [record.stage]
    elif isinstance(record, Wait):
        ids = [record.id, record.stage]
    elif not isinstance(record, Retraction):
        ids = [record.id]
    return any(
        isinstance(one, Retraction)
        and one.target in ids
        and cycle_of(one.origin.cycle_id, records) == cycle_of(record.origin.cycle_id, records)
        for one in records
    )


def is_better_stage(one: Stage, other: Stage) -> bool:
    """Whether of two records of one stage the first one wins."""

    def rank(stage: Stage) -> int:
        if stage.end is None:
            return 0
        return 1 if stage.outcome == "lost" else 2

    if rank(one) != rank(other):
        return rank(one) > rank(other)
    return is_better_interval(one, other)


def is_better_interval(one: Stage | Wait, other: Stage | Wait) -> bool:
    """Whether of two records of one stage or wait the first one wins, where both have ended or neither."""
    if one.end is None or other.end is None:
        if (one.end is None) != (other.end is None):
            return other.end is None
        if one.start != other.start:
            return one.start < other.start
    else:
        if one.end != other.end:
            return one.end > other.end
        if one.start != other.start:
            return one.start > other.start
    return repr(one) > repr(other)  # the design asks only that it be settled; the text settles it


def stages_of(records: list[Record]) -> list[Stage]:
    winners: dict[str, Stage] = {}
    for record in records:
        if isinstance(record, Stage) and (record.id not in winners or is_better_stage(record, winners[record.id])):
            winners[record.id] = record
    return sorted(winners.values(), key=lambda stage: (stage.start, stage.id))


def waits_of(records: list[Record]) -> list[Wait]:
    winners: dict[str, Wait] = {}
    for record in records:
        if isinstance(record, Wait) and (record.id not in winners or is_better_interval(record, winners[record.id])):
            winners[record.id] = record
    return sorted(winners.values(), key=lambda wait: (wait.start, wait.id))


def paired(records: list[Record], rules: Rules) -> tuple[list[Record], int]:
    """The records, with a run or a wait for each begin that an end ended, and how many ends found none."""
    ends: dict[str, End] = {}
    for record in records:
        if isinstance(record, End) and (
            record.id not in ends or (record.at, repr(record)) > (ends[record.id].at, repr(ends[record.id]))
        ):
            ends[record.id] = record
    stages = stages_of(records)
    begun_stages = stages_of([one for one in records if isinstance(one, Stage) and one.is_begin])
    open_stages = [
        begin
        for begin in begun_stages
        for merged in stages
        if merged.id == begin.id and (merged.end is None or merged.outcome == "lost")
    ]
    attempts = {stage.id: attempt_of(stage, stages) for stage in stages}
    ended = {wait.id for wait in waits_of(records) if wait.end is not None}
    begun_waits = waits_of([one for one in records if isinstance(one, Wait) and one.is_begin])
    open_waits = [begin for begin in begun_waits if begin.id not in ended]

    def is_meant(begin: Stage | Wait, end: End) -> bool:
        if isinstance(begin, Wait):
            return end.is_wait and begin.reason == end.name and end.environment is None and end.attempt is None
        return (
            not end.is_wait
            and begin.name == end.name
            and end.environment in {None, begin.environment}
            and end.attempt in {None, attempts[begin.id]}
        )

    opened: list[Stage | Wait] = [*open_stages, *open_waits]
    made: list[Record] = []
    unmatched = sorted(ends.values(), key=lambda end: (end.at, end.id))
    for is_second_pass in (False, True):
        for end in list(unmatched):
            found = [
                begin
                for begin in opened
                if is_meant(begin, end)
                and (end.at < begin.start <= end.at + rules.tolerance if is_second_pass else begin.start <= end.at)
            ]
            if not found:
                continue
            nearest = (min if is_second_pass else max)(begin.start for begin in found)
            begin = max((begin for begin in found if begin.start == nearest), key=lambda begin: begin.id)
            opened.remove(begin)
            unmatched.remove(end)
            closed = begin._replace(end=max(end.at, begin.start))
            if isinstance(closed, Stage):
                closed = closed._replace(outcome=end.outcome, mechanism=end.mechanism or closed.mechanism)
            made.append(closed)
    return [*records, *made], len(unmatched)


def field(name: str, records: list[Record]) -> str | None:
    """A field of the cycle: from the latest-starting record that has it, ties the greatest text."""
    said = [(start_of(record), getattr(record.origin, name)) for record in records if getattr(record.origin, name)]
    return max(said)[1] if said else None


# --- rule 9: nothing negative ---------------------------------------------------------------------------


def is_negative(interval: Stage | Wait) -> bool:
    return interval.end is not None and interval.end < interval.start


# --- section 2: marks -----------------------------------------------------------------------------------


def said_mark(name: str, records: list[Record], rules: Rules) -> int | None:
    said = [
        record.at
        for record in records
        if isinstance(record, Mark)
        and record.name == name
        and (name not in {"deployed", "in_use"} or is_production(record.environment, rules))
    ]
    return min(said) if said else None


def is_production(environment: str | None, rules: Rules) -> bool:
    return environment is None or environment == "" or environment.casefold() in rules.production


def is_by(instant: int, bound: int | None, rules: Rules) -> bool:
    return bound is None or instant <= bound + rules.tolerance


def is_from(instant: int, bound: int | None, rules: Rules) -> bool:
    return bound is None or instant >= bound - rules.tolerance


def successes(kind: str, stages: list[Stage]) -> list[tuple[Stage, int]]:
    """Successful runs of a kind with their ends."""
    return [
        (stage, stage.end)
        for stage in stages
        if stage.kind == kind and stage.end is not None and not is_negative(stage) and stage.outcome in SUCCESSES
    ]


def first_known(*instants: int | None) -> int | None:
    known = [instant for instant in instants if instant is not None]
    return known[0] if known else None


def marks_of(records: list[Record], left_out: set[str], rules: Rules) -> tuple[Marks, list[str], int]:
    """The marks before any lifting, the names of the derived ones, and how many stages came too late to make one.

    Waits that are left out make no mark.
    """
    stages, waits = stages_of(records), waits_of(records)
    said = {name: said_mark(name, records, rules) for name in MARKS}
    after_bound = 0
    marks = Marks(started=None, trained=None, selected=None, deployed=None, in_use=None)

    marks["in_use"] = said["in_use"]
    if marks["in_use"] is None:
        ends = [end for stage, end in successes("activate", stages) if is_production(stage.environment, rules)]
        marks["in_use"] = min(ends) if ends else None

    marks["deployed"] = said["deployed"]
    if marks["deployed"] is None:
        deploys = [one for one in successes("deploy", stages) if is_production(one[0].environment, rules)]
        ends = [end for _, end in deploys if is_by(end, marks["in_use"], rules)]
        if not ends:
            ends = [end for stage, end in deploys if is_by(stage.start, marks["in_use"], rules)]
        if ends:
            marks["deployed"] = max(ends) if marks["in_use"] is None else min(max(ends), marks["in_use"])
        elif deploys:
            after_bound += 1

    bound = first_known(marks["deployed"], marks["in_use"])
    made_by_select = None
    if said["selected"] is None:
        ends = [end for _, end in successes("select", stages) if is_by(end, bound, rules)]
        made_by_select = max(ends) if ends else None
        after_bound += not ends and bool(successes("select", stages))
    marks["selected"] = first_known(said["selected"], made_by_select)

    marks["trained"] = said["trained"]
    if marks["trained"] is None:
        by = first_known(marks["selected"], bound)
        ends = [end for _, end in successes("train", stages) if is_by(end, by, rules)]
        marks["trained"] = max(ends) if ends else None
        after_bound += not ends and bool(successes("train", stages))

    if marks["selected"] is None and first_known(marks["trained"], bound) is not None:
        starts = [
            stage.start
            for stage in stages
            if stage.kind in DEPLOYMENT_KINDS
            and not is_negative(stage)
            and is_from(stage.start, marks["trained"], rules)
            and is_by(stage.start, bound, rules)
        ]
        if starts:
            marks["selected"] = min(starts)
        elif bound is not None:
            marks["selected"] = marks["trained"]

    marks["started"] = said["started"]
    if marks["started"] is None:
        starts = [stage.start for stage in stages if not is_negative(stage)]
        known = {stage.id for stage in stages}
        starts += [
            wait.start
            for wait in waits
            if not is_negative(wait) and wait.id not in left_out and not (wait.is_summed and wait.stage in known)
        ]
        marks["started"] = min(starts) if starts else None

    return marks, [name for name in MARKS if marks[name] is not None and said[name] is None], after_bound


def lifted(marks: Marks, rules: Rules) -> tuple[Marks, int, int]:
    """The marks after lifting, how many were lifted, and how many stand out of order."""
    instants = [marks[name] for name in MARKS]
    skewed = out_of_order = 0
    for place, instant in enumerate(instants):
        before = [earlier for earlier in instants[:place] if earlier is not None]
        if instant is None or not before or instant >= max(before):
            continue
        if max(before) - instant <= rules.tolerance:
            instants[place] = max(before)
            skewed += 1
        else:
            out_of_order += 1
    started, trained, selected, deployed, in_use = instants
    result = Marks(started=started, trained=trained, selected=selected, deployed=deployed, in_use=in_use)
    return result, skewed, out_of_order


# --- rules 3, 4 and 5: outcome, interval, parts -------------------------------------------------------------


def outcome_of(marks: Marks, records: list[Record], at: int, rules: Rules) -> str:
    words = [(record.at, WORDS.index(record.outcome)) for record in records if isinstance(record, Close)]
    if marks["in_use"] is not None:
        words.append((marks["in_use"], WORDS.index("in_use")))
    if words:
        return WORDS[max(words)[1]]
    latest = max(instant for record in records for instant in instants_of(record))
    return "deployed" if marks["deployed"] is not None and at - latest >= rules.settle else "open"


def end_of(marks: Marks, outcome: str, records: list[Record], at: int) -> int:
    if marks["in_use"] is not None:
        return marks["in_use"]
    if outcome == "open":
        return at
    if outcome == "deployed" and marks["deployed"] is not None:
        return marks["deployed"]
    return max(record.at for record in records if isinstance(record, Close))


def parts_of(marks: Marks, outcome: str) -> tuple[Parts, int]:
    """The parts, and how many of them have both marks but in the wrong order."""
    deployment_end = marks["deployed"] if outcome == "deployed" and marks["in_use"] is None else marks["in_use"]
    bounds = {
        "training": (marks["started"], marks["trained"]),
        "selection": (marks["trained"], marks["selected"]),
        "deployment": (marks["selected"], deployment_end),
        "activation": (marks["deployed"], marks["in_use"]),
    }
    lengths: dict[str, int | None] = {}
    left_out = 0
    for part, (start, end) in bounds.items():
        lengths[part] = None
        if start is None or end is None:
            continue
        is_wrong = end < start
        if part == "activation" and marks["selected"] is not None and start < marks["selected"]:
            is_wrong = True
        if is_wrong:
            left_out += 1
        else:
            lengths[part] = end - start
    return Parts(**lengths), left_out  # type: ignore[typeddict-item]


# --- rule 6: running, lost ----------------------------------------------------------------------------------


def settled_stage(stage: Stage, records: list[Record], outcome: str, at: int) -> Stage:
    """The stage, lost where it is."""
    if stage.end is not None:
        return stage
    beats = [record for record in records if isinstance(record, Heartbeat) and record.stage == stage.id]
    words = [stage.start]
    words += [beat.at for beat in beats]
    words += [instant for wait in waits_of(records) if wait.stage == stage.id for instant in instants_of(wait)]
    last_word = max(words)
    starts = [record for record in records if isinstance(record, Stage) and record.id == stage.id]
    leases = [start.lease for start in starts if start.lease is not None]
    leases += [beat.lease for beat in beats if beat.lease is not None]
    is_silent = bool(leases) and at > last_word + max(leases) * SECOND
    if outcome != "open" or is_silent:
        return stage._replace(end=last_word, outcome="lost")
    return stage


def settled_wait(wait: Wait, stages: list[Stage], outcome: str, end: int) -> Wait:
    """The wait, ended where its stage or its cycle has, and the cycle's where its stage is unknown."""
    for stage in stages:
        if stage.id == wait.stage:
            return wait._replace(end=stage.end) if wait.end is None else wait
    wait = wait._replace(stage=None, is_summed=False)
    return wait._replace(end=end) if wait.end is None and outcome != "open" else wait


# --- the facts -------------------------------------------------------------------------------------------------


def part_of(stage: Stage, marks: Marks) -> str | None:
    if stage.kind in PART_OF_KIND:
        return PART_OF_KIND[stage.kind]
    opens = {
        "started": "training",
        "trained": "selection",
        "selected": "deployment",
        "deployed": "deployment",
        "in_use": None,
    }
    part = None
    for name in MARKS:
        instant = marks[name]
        if instant is not None and instant <= stage.start:
            part = opens[name]
    return part


def attempt_of(stage: Stage, stages: list[Stage]) -> int:
    if stage.attempt is not None:
        return stage.attempt
    return 1 + sum(one.name == stage.name and (one.start, one.id) < (stage.start, stage.id) for one in stages)


def facts(cycle_id: str, records: list[Record], at: int, rules: Rules) -> Facts:
    """The facts of one cycle, of whose records, cut at the instant, there is at least one."""
    records, unmatched_ends = paired(records, rules)
    negative: set[str] = set()
    while True:
        unlifted, derived, after_bound = marks_of(records, negative, rules)
        marks, skewed, out_of_order = lifted(unlifted, rules)
        outcome = outcome_of(marks, records, at, rules)
        end = end_of(marks, outcome, records, at)
        stages = [settled_stage(stage, records, outcome, at) for stage in stages_of(records)]
        unsettled = waits_of(records)
        waits = [settled_wait(wait, stages, outcome, end) for wait in unsettled]
        found = {wait.id for wait in waits if is_negative(wait)}
        if found <= negative:
            break
        negative |= found  # what is negative by the end that it is given makes no mark
    parts, left_out = parts_of(marks, outcome)
    started = marks["started"]
    implicit = all(record.origin.implicit for record in records)
    is_running = any(stage.end is None for stage in stages)
    if implicit and outcome == "open" and not is_running and not is_chosen(marks, derived, stages):
        end = max(instant for record in records for instant in instants_of(record))
    cycle_time = end - started if started is not None and started <= end else None
    owners: list[Owner] = []
    activity: dict[str, int] | None = None
    if started is not None and cycle_time is not None:
        owners = sweep(pieces_of(stages, waits), started, end)
        activity = {
            name: sum(owner["end"] - owner["start"] for owner in owners if owner["activity"] == name)
            for name in ACTIVITIES
        }
    flags = {
        "after_bound": after_bound,
        "unmatched_ends": unmatched_ends,
        "negative_intervals": sum(is_negative(one) for one in stages) + sum(is_negative(one) for one in waits),
        "marks_out_of_order": out_of_order,
        "skewed": skewed,
        "parts_left_out": left_out,
        "unclosed_waits": sum(
            before.end is None and after.end is not None for before, after in zip(unsettled, waits, strict=True)
        ),
    }
    model = field("model", records)
    return Facts(
        cycle_id=cycle_id,
        key=field("key", [record for record in records if record.origin.cycle_id == cycle_id]),
        namespace=field("namespace", records) or "",
        model=model,
        domain=field("domain", records) or model,
        version=field("version", records),
        trigger=field("trigger", records) or "idea",
        implicit=implicit,
        outcome=outcome,
        marks=marks,
        derived=derived,
        cycle_time_ns=cycle_time,
        parts_ns=parts,
        activity_ns=activity,
        owners=owners,
        stages=[stage_facts(stage, stages, marks) for stage in stages],
        waits=[
            WaitFacts(id=wait.id, reason=wait.reason, stage=wait.stage, start=wait.start, end=wait.end)
            for wait in waits
        ],
        flags={name: count for name, count in flags.items() if count},
    )


def is_chosen(marks: Marks, derived: list[str], stages: list[Stage]) -> bool:
    """Whether an implicit cycle counts in a population."""
    if marks["deployed"] is not None or marks["in_use"] is not None:
        return True
    is_declared = marks["selected"] is not None and "selected" not in derived
    return is_declared or (marks["selected"] is not None and len(successes("select", stages)) > 0)


def stage_facts(stage: Stage, stages: list[Stage], marks: Marks) -> StageFacts:
    return StageFacts(
        id=stage.id,
        name=stage.name,
        kind=stage.kind,
        part=part_of(stage, marks),
        attempt=attempt_of(stage, stages),
        outcome=stage.outcome,
        actor=stage.actor,
        person=stage.person,
        launch=stage.launch,
        environment=stage.environment,
        parent=stage.parent,
        mechanism=stage.mechanism,
        start=stage.start,
        end=stage.end,
    )
