"""The reports on a terminal."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.report.histories import DAY, HOUR, MINUTE, NOW, Team, demo, history

from cycletrace._internal.flow import Facts, Stage
from cycletrace._internal.report import build, build_cycle, cycle_document, report_document
from cycletrace._internal.report.document import (
    Block,
    Column,
    Count,
    Duration,
    Name,
    Paragraph,
    Percent,
    Section,
    Spark,
    Strip,
    table,
)
from cycletrace._internal.report.terminal import render


def shown(facts: list[Facts], width: int = 80, window: str = "90d") -> str:
    out = io.StringIO()
    render(report_document(build(facts, as_of=NOW, window=window)), Console(file=out, width=width))
    return out.getvalue()


def shown_cycle(facts: Facts, width: int = 80) -> str:
    out = io.StringIO()
    render(cycle_document(build_cycle(facts)), Console(file=out, width=width))
    return out.getvalue()


def test_three_cycles_of_a_demo() -> None:
    text = shown(demo())
    assert re.search(r"Median cycle time +21\.9 s +1 finished", text)
    assert "1 finished, 1 open, 1 abandoned" in text
    joined = " ".join(text.split())
    assert "The median has no interval: at 95 % that takes 6 finished cycles, and there is 1." in joined
    assert "counts failed and open cycles too; among finished cycles alone: 100 %" in joined
    assert "p85" not in text[: text.index("Automate next")]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("facts", [demo(), history(400)], ids=["demo", "history"])
def test_no_line_is_wider_than_the_terminal(facts: list[Facts], width: int) -> None:
    for line in shown(facts, width).splitlines():
        assert cell_len(line) <= width, line
        assert line == line.rstrip()
    for one in facts[:30]:
        for line in shown_cycle(one, width).splitlines():
            assert cell_len(line) <= width, line


def test_where_there_is_no_room_optional_columns_go_before_a_word_breaks() -> None:
    columns = [Column("team"), Column("open", is_optional=True), Column("95 %"), Column("hands-free", is_optional=True)]
    block = table(columns, [["simulated-vision", Count(12), "1 h 10 min to 2 h 14 min", Percent(0.5)]])

    def lines(width: int) -> list[str]:
        out = io.StringIO()
        render((Section("", "", (block,)),), Console(file=out, width=width))
        return [line.strip() for line in out.getvalue().splitlines() if line.strip()]

    assert lines(70)[0].split() == ["team", "open", "95", "%", "hands-free"]
    assert lines(44)[0].split() == ["team", "open", "95", "%"]
    assert lines(37)[0].split() == ["team", "95", "%"]
    assert "simulated-vision" in lines(37)[1]
    assert "simulated-vision" not in lines(20)[1], "there is nothing left to leave out"


def test_the_headline_comes_first() -> None:
    lines = [line for line in shown(history(400)).splitlines() if line.strip()]
    assert lines[0].startswith("From idea into use")
    assert "Median cycle time" in lines[2]
    assert "Deployment within 15 min" in lines[3]


def test_only_a_terminal_gets_control_codes() -> None:
    assert "\x1b" not in shown(history(100))
    coloured = io.StringIO()
    document = report_document(build(history(100), as_of=NOW))
    render(document, Console(file=coloured, width=80, force_terminal=True))
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
def test_odd_names_neither_break_the_layout_nor_inject_anything(name: str) -> None:
    for text in (shown([odd(name)]), shown_cycle(odd(name))):
        text.encode("utf-8")
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert max(cell_len(line) for line in text.splitlines()) <= 80
    if name == "[red]x[/red]":
        assert name in shown([odd(name)])


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_that_takes_ascii_only_gets_ascii_only(encoding: str) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding)
    render(report_document(build([*history(100), odd("🚀é")], as_of=NOW)), Console(file=out, width=80))
    render(cycle_document(build_cycle(odd("🚀é"))), Console(file=out, width=80))
    out.flush()
    assert raw.getvalue().decode("ascii")


def owners(text: str) -> list[str]:
    """Return the rows of the table of owners."""
    return text.partition("\n  owner ")[2].partition("\n\n")[0].splitlines()[1:]


def test_a_single_cycle_shows_where_its_time_went() -> None:
    text = shown_cycle(demo()[0])
    assert re.search(r"in use +21\.9 s", text)
    assert re.search(r"trained +\d\d:\d\d:\d\d", text)
    lines = owners(text)
    named = [line[2:20].strip() for line in lines]
    assert named[0] == "prepare"
    assert {"wait for human", "approve by hand"} <= set(named)
    course = lines[named.index("train")].partition("%")[2]
    assert re.fullmatch(r" +[▁▂▃▄▅▆▇]?█+[▁▂▃▄▅▆▇]?", course)  # its stretch begins and ends within a character


def test_a_stage_is_listed_below_the_stage_that_contains_it() -> None:
    team = Team("m@1", NOW - DAY)
    outer = team.running("train")
    team.stage("fit", HOUR, "train", parent=outer)
    team.records = [
        record._replace(end=team.t, outcome="ok") if isinstance(record, Stage) and record.id == outer else record
        for record in team.records
    ]
    team.stage("evaluate", MINUTE)
    rows = shown_cycle(team.facts()).partition("\n  stage ")[2].splitlines()[1:4]
    assert [row.split("1 h")[0].split("1 min")[0].rstrip() for row in rows] == ["  train", "    fit", "  evaluate"]


def test_stages_that_contain_each_other_are_all_listed() -> None:
    team = Team("m@1", NOW - DAY)
    one = team.stage("chicken", MINUTE, "train")
    other = team.stage("egg", MINUTE, "train", parent=one)
    team.records = [
        record._replace(parent=other) if isinstance(record, Stage) and record.id == one else record
        for record in team.records
    ]
    text = shown_cycle(team.facts()).partition("\n  stage ")[2]
    assert "chicken" in text
    assert "egg" in text


def test_an_open_cycle_shows_where_it_stands() -> None:
    text = shown_cycle(demo()[2])
    assert "idle after evaluate for 3 min 30 s" in text


def test_a_cycle_without_a_start_has_no_cycle_time() -> None:
    team = Team("m@1", NOW - DAY)
    team.mark("in_use")
    assert "There is no cycle time: its start is unknown." in shown_cycle(team.facts())


def test_the_report_on_a_cycle_of_thousands_of_stretches_is_short_and_complete() -> None:
    team = Team("m@1", NOW - 10 * DAY)
    for number in range(3000):
        team.stage(f"step {number}", MINUTE if number % 100 else HOUR, kind="other")
    text = shown_cycle(team.facts())
    assert len(text.splitlines()) < 130
    lines = owners(text)
    assert lines[-1].split()[:2] == ["2,977", "others"]
    assert any("step 100" in line for line in lines)  # an hour, where others took a minute


def test_an_empty_window_hints_at_all_times() -> None:
    team = Team("m@1", NOW - 200 * DAY)
    team.stage("train", HOUR)
    team.stage("activate", MINUTE)
    joined = " ".join(shown([team.facts()]).split())
    assert "No cycle finished in this window, so there is no median. --window all covers all times." in joined
    assert "1 finished" in shown([team.facts()], window="all")


def rendered(*blocks: Block, width: int = 60) -> list[str]:
    out = io.StringIO()
    render((Section("Title", "about", blocks),), Console(file=out, width=width))
    return out.getvalue().splitlines()[3:-1]


def test_a_strip_covers_the_characters_of_its_spans() -> None:
    lines = rendered(table([Column(), Column()], [["half", Strip(((0.0, 0.5),))], ["dot", Strip(((0.91, 0.911),))]]))
    assert lines == ["  half                  █████", "  dot                            ▁"]


def test_a_spark_is_as_high_as_its_largest_count() -> None:
    assert rendered(Paragraph(Spark((0, 1, 2, 4)))) == ["   ▂▄█"]


def test_numbers_are_aligned_at_the_right_and_texts_at_the_left() -> None:
    lines = rendered(table([Column("a"), Column("b")], [[Name("x"), Duration(10**9)], [Name("long"), "unknown"]]))
    assert lines == [
        "  a                               b",
        "  x                           1.0 s",
        "  long                      unknown",
    ]
