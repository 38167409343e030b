"""The reports as they are seen."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.report.histories import DAY, HOUR, MINUTE, NOW, Team, demo, history

from cycletrace.flow import Facts
from cycletrace.report import cycle_report, render, render_cycle, report


def seen(facts: list[Facts], width: int = 80, window: str = "90d") -> str:
    out = io.StringIO()
    render(report(facts, as_of=NOW, window=window), Console(file=out, width=width))
    return out.getvalue()


def seen_one(facts: Facts, width: int = 80) -> str:
    out = io.StringIO()
    render_cycle(cycle_report(facts), Console(file=out, width=width))
    return out.getvalue()


def test_nothing_yet_says_what_to_do() -> None:
    text = seen([])
    assert "No cycle yet" in text
    assert "cycletrace demo" in text
    assert "from cycletrace import stage" in text


def test_three_cycles_of_a_demo() -> None:
    text = seen(demo())
    assert re.search(r"Median cycle time +21\.9 s +1 finished", text)
    assert "finished 1, open 1, abandoned 1" in text
    joined = " ".join(text.split())
    assert "The median stands without an interval: one at 95 % takes 6 finished cycles, there is 1." in joined
    assert "of those alone that got there, it would be 100 %" in joined
    assert "p85" not in text[: text.index("Automate next")]


@pytest.mark.parametrize("width", [80, 120])
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


def test_a_cycle_shows_where_its_time_went() -> None:
    text = seen_one(demo()[0])
    assert re.search(r"in use +21\.9 s", text)
    rows = [re.sub(r" [█▌]+$", "", line).split() for line in text.splitlines() if line.strip().startswith("+")]
    assert rows[0][:3] == ["+0", "s", "prepare"]
    assert ["wait", "for", "human"] in [row[2:5] for row in rows]
    assert "approve by hand" in text


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
    assert "shorter stretches" in text


def test_nothing_in_the_window_points_to_all() -> None:
    team = Team("m@1", NOW - 200 * DAY)
    team.stage("train", HOUR)
    team.stage("activate", MINUTE)
    joined = " ".join(seen([team.facts()]).split())
    assert "No cycle finished in this window, so there is no median. --window all looks at all times." in joined
    assert "1 finished" in seen([team.facts()], window="all")
