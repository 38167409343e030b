"""The examples of ``docs/concepts.md``: the facts computed from its records match its tables.

Expected values were worked out by hand. Times are written as in the page, ``HH:MM`` of one day; lengths are minutes.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tests.docs.pages import page, section, table, tables, words
from tests.flow.build import alias, beat, close, mark, of, retraction, stage, wait

from cycletrace._internal.flow import End, Record, facts_of, is_counted, is_manual
from cycletrace.conventions import ACTIVITIES, KINDS, MARKS, PART_OF_KIND, PARTS

MINUTE = 60 * 1_000_000_000
DAY = 20_000 * 24 * 60 * MINUTE
"""Midnight of some day, UTC."""

ORIGIN = of("c" * 32, key="churn@7", model="churn", version="7")
IMPLICIT = ORIGIN._replace(implicit=True)


def instant(clock: str) -> int:
    hours, minutes = clock.split(":")
    return DAY + (int(hours) * 60 + int(minutes)) * MINUTE


def clock(at: int | None) -> str | None:
    if at is None:
        return None
    minutes, rest = divmod(at - DAY, MINUTE)
    assert rest == 0
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def minutes(length: int | None) -> int | None:
    if length is None:
        return None
    assert length % MINUTE == 0
    return length // MINUTE


def records_of(heading: str) -> list[Record]:
    """Return the records in the table under a heading. The n-th run of a name has the id ``name n``."""
    found: list[Record] = []
    runs: Counter[str] = Counter()
    for row in table(section(page("concepts.md"), heading), "record"):
        (name,) = words(row["name"])
        start, end = instant(row["from"]), instant(row["to"]) if row["to"] else None
        inside = f"{words(row['inside'])[0]} 1" if row["inside"] else None
        notes, said = row["notes"], words(row["notes"])
        if row["record"] in ("stage", "begin"):
            runs[name] += 1
            found.append(
                stage(
                    name,
                    start,
                    end,
                    "error" if said == ["error"] else "ok",
                    origin=IMPLICIT if notes == "in no cycle" else ORIGIN,
                    id=f"{name} {runs[name]}",
                    kind=said[0] if notes.startswith("kind") else None,
                    actor="human" if "by a person" in notes else "automation",
                    launch=said[0] if notes.startswith("launched by") else "other",
                    parent=inside,
                    lease=int(notes.split()[1]) if notes.startswith("lease") else None,
                    is_begin=row["record"] == "begin",
                )
            )
        elif row["record"] == "end":
            found.append(End(ORIGIN, f"end {row['from']}", start, name, outcome="error" if said == ["error"] else "ok"))
        elif row["record"] == "wait":
            is_summed = notes == "summed"
            found.append(wait(name, start, end, stage=inside, id=f"wait {name}", origin=ORIGIN, is_summed=is_summed))
        elif row["record"] == "retraction":
            found.append(retraction(f"mark {name}", start, origin=ORIGIN))
        elif row["record"] == "heartbeat":
            found.append(beat(f"{name} 1", start, int(notes.split()[1]), origin=ORIGIN))
        elif row["record"] == "mark":
            found.append(mark(name, start, id=f"mark {name}", origin=ORIGIN))
        else:
            assert row["record"] == "close"
            found.append(close(name, start, origin=ORIGIN))
    return found


def facts_in_minutes(heading: str, asked: str) -> dict[str, Any]:
    """Return the facts of the cycle under a heading, in clock times and minutes."""
    (facts,) = facts_of(records_of(heading), instant(asked))
    activity = facts["activity_ns"]
    return {
        **{name: value for name, value in facts.items() if not name.endswith("_ns")},
        "marks": {name: clock(facts["marks"][name]) for name in MARKS},
        "cycle_time": minutes(facts["cycle_time_ns"]),
        "parts": {name: minutes(facts["parts_ns"][name]) for name in PARTS},
        "activity": None if activity is None else {name: minutes(length) for name, length in activity.items()},
        **{
            name: [{**one, "start": clock(one["start"]), "end": clock(one["end"])} for one in facts[name]]
            for name in ("owners", "stages", "waits")
        },
    }


def run(name: str, start: str, end: str | None, **other: Any) -> dict[str, Any]:
    """Return a run in the facts; by default the first of its name, by automation, successful."""
    return {
        "id": f"{name} {other.get('attempt', 1)}",
        "name": name,
        "kind": name,
        "part": PART_OF_KIND.get(other.get("kind", name)),
        "attempt": 1,
        "outcome": "ok",
        "actor": "automation",
        "person": None,
        "launch": "other",
        "environment": None,
        "parent": None,
        "mechanism": None,
        "start": start,
        "end": end,
        **other,
    }


def owner(name: str | None, activity: str, start: str, end: str, kind: str | None = None) -> dict[str, Any]:
    return {"stage": name, "kind": kind or name, "activity": activity, "start": start, "end": end}


def expected(
    outcome: str,
    cycle_time: int,
    *,
    marks: tuple[str | None, ...],
    derived: str,
    parts: tuple[int | None, ...],
    activity: dict[str, int],
    owners: list[dict[str, Any]],
    stages: list[dict[str, Any]],
    waits: list[dict[str, Any]],
    flags: dict[str, int] | None = None,
    implicit: bool = False,
) -> dict[str, Any]:
    """Facts in full. Activities that are not named are expected to be zero."""
    return {
        "cycle_id": "c" * 32,
        "key": "churn@7",
        "namespace": "",
        "model": "churn",
        "domain": "churn",
        "version": "7",
        "trigger": "idea",
        "implicit": implicit,
        "outcome": outcome,
        "marks": dict(zip(MARKS, marks, strict=True)),
        "derived": derived.split(),
        "cycle_time": cycle_time,
        "parts": dict(zip(PARTS, parts, strict=True)),
        "activity": {**dict.fromkeys(ACTIVITIES, 0), **activity},
        "owners": owners,
        "stages": stages,
        "waits": waits,
        "flags": flags or {},
    }


WORK, UNEXPLAINED = "work.automation", "unexplained"

BY_HAND = expected(
    "in_use",
    255,
    marks=("09:00", "11:00", "12:00", "13:05", "13:15"),
    derived="started trained selected deployed",
    parts=(120, 60, 75, 10),
    activity={
        "work.automation": 160,
        "work.human": 10,
        "wait.human": 30,
        "wait.data": 15,
        "wait.compute": 20,
        "unexplained": 20,
    },
    owners=[
        owner("data", WORK, "09:00", "09:05"),
        owner("data", "wait.data", "09:05", "09:20"),
        owner("data", WORK, "09:20", "09:30"),
        owner("train", "wait.compute", "09:30", "09:50"),
        owner("fit", WORK, "09:50", "10:50", kind="train"),
        owner("train", WORK, "10:50", "11:00"),
        owner("evaluate", WORK, "11:00", "11:20"),
        owner(None, "wait.human", "11:20", "11:50"),
        owner("select", "work.human", "11:50", "12:00"),
        owner("test", WORK, "12:00", "12:20"),
        owner(None, UNEXPLAINED, "12:20", "12:30"),
        owner("test", WORK, "12:30", "12:40"),
        owner("package", WORK, "12:40", "12:55"),
        owner("deploy", WORK, "12:55", "13:05"),
        owner(None, UNEXPLAINED, "13:05", "13:15"),
    ],
    stages=[
        run("data", "09:00", "09:30"),
        run("train", "09:30", "11:00"),
        run("fit", "09:50", "10:50", kind="train", parent="train 1"),
        run("evaluate", "11:00", "11:20"),
        run("select", "11:50", "12:00", actor="human"),
        run("test", "12:00", "12:20", outcome="error"),
        run("test", "12:30", "12:50", attempt=2),
        run("package", "12:40", "12:55"),
        run("deploy", "12:55", "13:05"),
    ],
    waits=[
        {"id": "wait data", "reason": "data", "stage": "data 1", "start": "09:05", "end": "09:20"},
        {"id": "wait compute", "reason": "compute", "stage": "train 1", "start": "09:30", "end": "09:50"},
        {"id": "wait human", "reason": "human", "stage": None, "start": "11:20", "end": "11:50"},
    ],
)

WAITS = expected(
    "open",
    250,
    marks=("09:00", "10:00", "13:10", None, None),
    derived="started trained selected",
    parts=(60, 190, None, None),
    activity={"work.automation": 40, "work.human": 10, "wait.human": 180, "wait.compute": 20},
    owners=[
        owner("train", "wait.compute", "09:00", "09:20"),
        owner("fit", WORK, "09:20", "10:00", kind="train"),
        owner(None, "wait.human", "10:00", "13:00"),
        owner("select", "work.human", "13:00", "13:10"),
    ],
    stages=[
        run("train", "09:00", "10:00"),
        run("fit", "09:20", "10:00", kind="train", parent="train 1"),
        run("evaluate", "11:00", "12:00"),
        run("select", "13:00", "13:10", actor="human"),
    ],
    waits=[
        {"id": "wait compute", "reason": "compute", "stage": "train 1", "start": "09:00", "end": "09:40"},
        {"id": "wait human", "reason": "human", "stage": None, "start": "10:00", "end": "13:00"},
    ],
)

RETRIES = expected(
    "in_use",
    165,
    marks=("09:00", "10:00", "10:10", "10:50", "11:45"),
    derived="started trained selected deployed in_use",
    parts=(60, 10, 95, 55),
    activity={"work.automation": 145, "unexplained": 20},
    owners=[
        owner("train", WORK, "09:00", "10:00"),
        owner("select", WORK, "10:00", "10:10"),
        owner("deploy", WORK, "10:10", "10:20"),
        owner(None, UNEXPLAINED, "10:20", "10:30"),
        owner("train", WORK, "10:30", "11:30"),
        owner(None, UNEXPLAINED, "11:30", "11:40"),
        owner("activate", WORK, "11:40", "11:45"),
    ],
    stages=[
        run("train", "09:00", "10:00"),
        run("select", "10:00", "10:10"),
        run("deploy", "10:10", "10:20", outcome="error"),
        run("train", "10:30", "11:30", attempt=2),
        run("deploy", "10:40", "10:50", attempt=2),
        run("activate", "11:40", "11:45"),
    ],
    waits=[],
)

RUNNING = expected(
    "open",
    62,
    marks=("09:00", None, None, None, None),
    derived="started",
    parts=(None, None, None, None),
    activity={"work.automation": 62},
    owners=[owner("train", WORK, "09:00", "10:02")],
    stages=[run("train", "09:00", None, outcome=None)],
    waits=[],
)

LOST = expected(
    "open",
    70,
    marks=("09:00", None, None, None, None),
    derived="started",
    parts=(None, None, None, None),
    activity={"work.automation": 60, "unexplained": 10},
    owners=[owner("train", WORK, "09:00", "10:00"), owner(None, UNEXPLAINED, "10:00", "10:10")],
    stages=[run("train", "09:00", "10:00", outcome="lost")],
    waits=[],
)

RERUN = expected(
    "in_use",
    252,
    marks=("10:00", None, "10:00", "14:10", "14:12"),
    derived="started selected deployed",
    parts=(None, None, 252, 2),
    activity={"work.automation": 20, "unexplained": 232},
    owners=[
        owner("deploy", WORK, "10:00", "10:10"),
        owner(None, UNEXPLAINED, "10:10", "14:00"),
        owner("deploy", WORK, "14:00", "14:10"),
        owner(None, UNEXPLAINED, "14:10", "14:12"),
    ],
    stages=[run("deploy", "10:00", "10:10", outcome="error"), run("deploy", "14:00", "14:10", attempt=2)],
    waits=[],
)

MISTAKEN = expected(
    "in_use",
    65,
    marks=("09:00", "10:00", "10:00", None, "10:05"),
    derived="started trained selected",
    parts=(60, 0, 5, None),
    activity={"work.automation": 60, "unexplained": 5},
    owners=[owner("train", WORK, "09:00", "10:00"), owner(None, UNEXPLAINED, "10:00", "10:05")],
    stages=[run("train", "09:00", "10:00")],
    waits=[],
)

TAKEN_BACK = expected(
    "open",
    120,
    marks=("09:00", "10:00", None, None, None),
    derived="started trained",
    parts=(60, None, None, None),
    activity={"work.automation": 60, "unexplained": 60},
    owners=[owner("train", WORK, "09:00", "10:00"), owner(None, UNEXPLAINED, "10:00", "11:00")],
    stages=[run("train", "09:00", "10:00")],
    waits=[],
)

SUMMED = expected(
    "open",
    60,
    marks=("09:00", "10:00", None, None, None),
    derived="started trained",
    parts=(60, None, None, None),
    activity={"work.automation": 35, "wait.data": 25},
    owners=[owner("train", "wait.data", "09:00", "09:25"), owner("train", WORK, "09:25", "10:00")],
    stages=[run("train", "09:00", "10:00")],
    waits=[{"id": "wait data", "reason": "data", "stage": "train 1", "start": "09:00", "end": "09:25"}],
)

TEST_RUN = expected(
    "open",
    20,
    marks=("09:00", None, None, None, None),
    derived="started",
    parts=(None, None, None, None),
    activity={"work.automation": 20},
    owners=[owner("test", WORK, "09:00", "09:20")],
    stages=[run("test", "09:00", "09:20")],
    waits=[],
    implicit=True,
)

LAPTOP = expected(
    "in_use",
    132,
    marks=("09:00", "10:00", "10:40", "11:10", "11:12"),
    derived="started trained selected deployed in_use",
    parts=(60, 40, 32, 2),
    activity={"work.automation": 92, "work.human": 10, "unexplained": 30},
    owners=[
        owner("train", WORK, "09:00", "10:00"),
        owner(None, UNEXPLAINED, "10:00", "10:30"),
        owner("select", "work.human", "10:30", "10:40"),
        owner("test", WORK, "10:40", "11:00"),
        owner("deploy", WORK, "11:00", "11:10"),
        owner("activate", WORK, "11:10", "11:12"),
    ],
    stages=[
        run("train", "09:00", "10:00"),
        run("select", "10:30", "10:40", actor="human"),
        run("test", "10:40", "11:00", launch="ci"),
        run("deploy", "11:00", "11:10", launch="terminal"),
        run("activate", "11:10", "11:12", launch="ci"),
    ],
    waits=[],
)

OPEN = expected(
    "open",
    110,
    marks=("09:00", "10:00", "10:30", None, None),
    derived="started trained selected",
    parts=(60, 30, None, None),
    activity={"work.automation": 70, "wait.human": 10, "unexplained": 30},
    owners=[
        owner("train", WORK, "09:00", "10:00"),
        owner(None, UNEXPLAINED, "10:00", "10:30"),
        owner("test", WORK, "10:30", "10:40"),
        owner(None, "wait.human", "10:40", "10:50"),
    ],
    stages=[run("train", "09:00", "10:00"), run("test", "10:30", "10:40", outcome="error")],
    waits=[{"id": "wait human", "reason": "human", "stage": None, "start": "10:40", "end": None}],
)

FAILED = {
    **OPEN,
    "outcome": "failed",
    "cycle_time": 120,
    "activity": {**OPEN["activity"], "wait.human": 20},
    "owners": [*OPEN["owners"][:-1], owner(None, "wait.human", "10:40", "11:00")],
    "waits": [{**OPEN["waits"][0], "end": "11:00"}],
    "flags": {"unclosed_waits": 1},
}

EXAMPLES = [
    ("A cycle by hand", "18:00", BY_HAND),
    ("A wait can own the time of a stage that ran in parallel", "13:10", WAITS),
    ("Later training does not move `trained`, and a retry counts", "18:00", RETRIES),
    ("A stage that dies", "10:02", RUNNING),
    ("A stage that dies", "10:10", LOST),
    ("A job that runs twice", "20:00", RERUN),
    ("A mistake is taken back", "10:20", MISTAKEN),
    ("A mistake is taken back", "11:00", TAKEN_BACK),
    ("Waiting batch by batch", "10:00", SUMMED),
    ("A test run is not a cycle", "18:00", TEST_RUN),
    ("A laptop is not automation", "18:00", LAPTOP),
    ("Open and failed cycles count", "10:50", OPEN),
    ("Open and failed cycles count", "12:00", FAILED),
]
LAST_ASKED = {heading: facts for heading, _, facts in EXAMPLES}


@pytest.mark.parametrize(("heading", "asked", "facts"), EXAMPLES)
def test_the_facts_in_full_are_those_worked_out_by_hand(heading: str, asked: str, facts: dict[str, Any]) -> None:
    assert f"valuated at {asked}" in section(page("concepts.md"), heading)
    assert facts_in_minutes(heading, asked) == facts
    assert sum(facts["activity"].values()) == facts["cycle_time"]


def test_every_example_of_the_page_is_here() -> None:
    text = page("concepts.md")
    with_records = sum(1 for rows in tables(text) if "record" in rows[0])
    assert with_records == len(LAST_ASKED)


@pytest.mark.parametrize("heading", LAST_ASKED)
def test_the_tables_of_an_example_match_its_facts(heading: str) -> None:
    facts = LAST_ASKED[heading]
    found = {next(iter(rows[0])): rows for rows in tables(section(page("concepts.md"), heading))}
    assert found.keys() & {"mark", "part", "owner", "activity"}
    if "mark" in found:
        shown = {words(row["mark"])[0]: row["at"] or None for row in found["mark"]}
        assert shown == facts["marks"]
        declared = [words(row["mark"])[0] for row in found["mark"] if row["because"] == "declared"]
        assert [name for name in shown if shown[name] and name not in declared] == facts["derived"]
    if "part" in found:
        ends = {"training": ("started", "trained"), "selection": ("trained", "selected")}
        ends |= {"deployment": ("selected", "in_use"), "activation": ("deployed", "in_use")}
        for row in found["part"]:
            part = row["part"]
            assert row["minutes"] == ("null" if facts["parts"][part] is None else str(facts["parts"][part]))
            if row["from"]:
                assert (row["from"], row["to"]) == tuple(facts["marks"][name] for name in ends[part])
        assert [row["part"] for row in found["part"]] == list(PARTS)
    if "owner" in found:
        shown_owners = [
            (words(row["owner"])[0] if words(row["owner"]) else None, words(row["activity"])[0], row["from"], row["to"])
            for row in found["owner"]
        ]
        assert shown_owners == [(one["stage"], one["activity"], one["start"], one["end"]) for one in facts["owners"]]
        for row in found["owner"]:
            assert instant(row["to"]) - instant(row["from"]) == int(row["minutes"]) * MINUTE
    if "activity" in found:
        shown_activities = {words(row["activity"])[0]: int(row["minutes"]) for row in found["activity"]}
        assert shown_activities == {name: facts["activity"][name] for name in shown_activities}
        assert sum(shown_activities.values()) == facts["cycle_time"]
        for row in found["activity"]:
            if "+" in row["from"]:
                assert sum(map(int, row["from"].split("+"))) == int(row["minutes"])


def test_the_manual_steps_of_the_laptop_example() -> None:
    heading = "A laptop is not automation"
    (facts,) = facts_of(records_of(heading), instant("18:00"))
    manual = [one["name"] for one in facts["stages"] if is_manual(one)]
    (sentence,) = (line for line in section(page("concepts.md"), heading).splitlines() if "Manual steps:" in line)
    assert words(sentence.partition("Manual steps:")[2].partition(".")[0]) == manual == ["select", "deploy"]


def test_which_examples_count() -> None:
    counted = {
        heading: [is_counted(facts) for facts in facts_of(records_of(heading), instant(asked))]
        for heading, asked, _ in EXAMPLES
    }
    assert [heading for heading, is_in in counted.items() if is_in != [True]] == ["A test run is not a cycle"]


def test_a_run_that_arrives_late_replaces_the_loss() -> None:
    heading = "A stage that dies"
    late = stage("train", instant("09:00"), instant("10:30"), origin=ORIGIN, id="train 1")
    (facts,) = facts_of([*records_of(heading), late], instant("12:00"))
    assert [(one["outcome"], clock(one["end"])) for one in facts["stages"]] == [("ok", "10:30")]


def test_order_and_repetition_of_the_records_change_nothing() -> None:
    records = records_of("A cycle by hand")
    at = instant("18:00")
    assert facts_of([*records[::-1], *records], at) == facts_of(records, at)


def test_what_carries_an_alias_belongs_to_the_cycle_that_claimed_it() -> None:
    other = of("d" * 32, key="churn@7")
    records = [
        alias("d" * 32, instant("09:00"), origin=of("c" * 32, key="issue-1", model="churn")),
        stage("train", instant("09:10"), instant("09:20"), origin=other),
    ]
    (facts,) = facts_of(records, instant("12:00"))
    assert (facts["key"], [one["name"] for one in facts["stages"]]) == ("issue-1", ["train"])


def test_the_table_of_kinds_is_that_of_the_conventions() -> None:
    rows = table(section(page("concepts.md"), "Words"), "part")
    of_part = {kind: row["part"] for row in rows for kind in words(row["kinds"])}
    assert of_part == {kind: PART_OF_KIND.get(kind, "any") for kind in KINDS}


def test_the_table_of_marks_has_every_mark() -> None:
    rows = table(section(page("concepts.md"), "Marks"), "mark")
    assert sorted(words(row["mark"])[0] for row in rows) == sorted(MARKS)
