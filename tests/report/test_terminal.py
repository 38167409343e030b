"""The reports as they are seen."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.report.histories import DAY, HOUR, MINUTE, NOW, Team, demo, history

from cycletrace.flow import Facts, Stage
from cycletrace.report import cycle_report, render, render_cycle, report


def seen(facts: list[Facts], width: int = 80, window: str = "90d") -> str:
    out = io.StringIO()
    render(report(facts, as_of=NOW, window=window), Console(file=out, width=width))
    return out.getvalue()


def seen_one(facts: Facts, width: int = 80) -> str:
    out = io.StringIO()
    render_cycle(cycle_report(facts), Console(file=out, width=width))
    return out.getvalue()


def test_three_cycles_of_a_demo() -> None:
    text = seen(demo())
    assert re.search(r"Median cycle time +21\.9 s +1 finished", text)
    assert "finished 1, open 1, abandoned 1" in text
    joined = " ".join(text.split())
    assert "The median stands without an interval: one at 95 % takes 6 finished cycles, there is 1." in joined
    assert "of those alone that got there, it would be 100 %" in joined
    assert "p85" not in text[: text.index("Automate next")]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("facts", [demo(), history(400)], ids=["demo", "history"])
def test_no_line_is_wider_than_the_terminal(facts: list[Facts], width: int) -> None:
    for line in seen(facts, width).splitlines():
        assert cell_len(line) <= width, line
        assert line == line.rstrip()
    for one in facts[:30]:
        for line in seen_one(one, width).splitlines():
            assert cell_len(line) <= width, line


def test_the_headline_comes_first() -> None:
    lines = [line for line in seen(history(400)).splitlines() if line.strip()]
    assert lines[0].startswith("From idea into use")
    assert "Median cycle time" in lines[2]
    assert "Deployment in 15 min" in lines[3]


def test_what_is_written_to_no_terminal_holds_no_codes() -> None:
    assert "\x1b" not in seen(history(100))
    coloured = io.StringIO()
    render(report(history(100), as_of=NOW), Console(file=coloured, width=80, force_terminal=True))
    assert "\x1b[" in coloured.getvalue()


def odd(name: str) -> Facts:
    team = Team(name, NOW - DAY, model=name, domain=name, version=name)
    team.stage(name, HOUR, kind="train")
    team.stage("approve", MINUTE, actor="human", person=name)
    team.stage("activate", MINUTE, mechanism=name, environment="production")
    return team.facts()


ODD = [
    "[red]x[/red]",
    "[/]",
    "a\x1b[2Jb",
    "line\nbreak",
    "\u202eright",
    "🚀" * 50,
    "\ud800",
    "",
    " ",
    "漢字" * 40,
    "k" * 10_000,
]


@pytest.mark.parametrize("name", ODD, ids=range(len(ODD)))
def test_odd_names_break_nothing_and_inject_nothing(name: str) -> None:
    for text in (seen([odd(name)]), seen_one(odd(name))):
        text.encode("utf-8")
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert max(cell_len(line) for line in text.splitlines()) <= 80
    if name == "[red]x[/red]":
        assert name in seen([odd(name)])


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_where_only_ascii_can_be_written_only_ascii_is(encoding: str) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding)
    render(report([*history(100), odd("🚀é")], as_of=NOW), Console(file=out, width=80))
    render_cycle(cycle_report(odd("🚀é")), Console(file=out, width=80))
    out.flush()
    assert raw.getvalue().decode("ascii")


def owners(text: str) -> list[str]:
    """The lines of the table that says who owned the time."""
    return text.partition("\n  owner ")[2].partition("\n\n")[0].splitlines()[1:]


def test_a_cycle_shows_where_its_time_went() -> None:
    text = seen_one(demo()[0])
    assert re.search(r"in use +21\.9 s", text)
    assert re.search(r"trained +\d\d:\d\d:\d\d", text)
    lines = owners(text)
    named = [line[2:20].strip() for line in lines]
    assert named[0] == "prepare"
    assert {"wait for human", "approve by hand"} <= set(named)
    course = lines[named.index("train")].partition("%")[2]
    assert re.fullmatch(r" +[▁▂▃▄▅▆▇]?█+[▁▂▃▄▅▆▇]?", course)  # it began under way, and took a stretch of its own


def test_a_stage_stands_below_the_one_that_contains_it() -> None:
    team = Team("m@1", NOW - DAY)
    outer = team.running("train")
    team.stage("fit", HOUR, "train", parent=outer)
    team.records = [
        record._replace(end=team.t, outcome="ok") if isinstance(record, Stage) and record.id == outer else record
        for record in team.records
    ]
    team.stage("evaluate", MINUTE)
    rows = seen_one(team.facts()).partition("\n  stage ")[2].splitlines()[1:4]
    assert [row.split("1 h")[0].split("1 min")[0].rstrip() for row in rows] == ["  train", "    fit", "  evaluate"]


def test_stages_that_name_each_other_are_all_shown() -> None:
    team = Team("m@1", NOW - DAY)
    one = team.stage("chicken", MINUTE, "train")
    other = team.stage("egg", MINUTE, "train", parent=one)
    team.records = [
        record._replace(parent=other) if isinstance(record, Stage) and record.id == one else record
        for record in team.records
    ]
    text = seen_one(team.facts()).partition("\n  stage ")[2]
    assert "chicken" in text
    assert "egg" in text


def test_an_open_cycle_says_where_it_stands() -> None:
    text = seen_one(demo()[2])
    assert "idle after evaluate for 3 min 30 s" in text


def test_a_cycle_without_a_start_says_so() -> None:
    team = Team("m@1", NOW - DAY)
    team.mark("in_use")
    assert "There is no cycle time, since no start is known." in seen_one(team.facts())


def test_a_cycle_of_very_many_stretches_stays_short_and_whole() -> None:
    team = Team("m@1", NOW - 10 * DAY)
    for number in range(3000):
        team.stage(f"step {number}", MINUTE if number % 100 else HOUR, kind="other")
    text = seen_one(team.facts())
    assert len(text.splitlines()) < 130
    lines = owners(text)
    assert lines[-1].split()[:2] == ["2,977", "others"]
    assert any("step 100" in line for line in lines)  # an hour, where others took a minute


def test_nothing_in_the_window_points_to_all() -> None:
    team = Team("m@1", NOW - 200 * DAY)
    team.stage("train", HOUR)
    team.stage("activate", MINUTE)
    joined = " ".join(seen([team.facts()]).split())
    assert "No cycle finished in this window, so there is no median. --window all looks at all times." in joined
    assert "1 finished" in seen([team.facts()], window="all")
