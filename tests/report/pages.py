"""Pages to look at: of a year of three teams, of names that try to break out, of hardly anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.report.histories import DAY, HOUR, NOW, Team, demo, history

from cycletrace._internal.flow import Facts
from cycletrace._internal.report import build, build_cycle
from cycletrace._internal.report.page import Page, cycle_page, report_page
from cycletrace._internal.report.picked import Picked

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "\x1b[31mred\x1b[0m",
    "&amp;",
    "\u05d0\u05d1\u05d2 \u202eevil",
    "\U0001f469\u200d\U0001f52c model",
    "x" * 300,
]


def page_of(facts: Sequence[Facts], window: str = "200d", target: str = "deployment:15m") -> Page:
    picked = Picked("idea")
    report = build(picked.noting(facts), as_of=NOW, window=window, target=target)
    return report_page(report, picked.cycles())


def year(window: str = "365d", target: str = "deployment:15m") -> Page:
    """400 cycles over a year, in three teams, with every kind of end."""
    facts = history(400, span=365 * DAY)
    for one in facts:
        one["namespace"] = {"fraud": "risk", "digits": "vision"}.get(one["model"] or "", "growth")
    return page_of(facts, window, target)


def hostile() -> Page:
    teams = []
    for place, name in enumerate(HOSTILE):
        team = Team(f"{name}{place}", NOW - 2 * DAY - place * HOUR, model=name, domain=name)
        team.stage(name, HOUR, kind="train", person=name, actor="human")
        team.wait("human", HOUR, team.stage(f"{name} again", HOUR, kind="evaluate"))
        if place % 2:
            team.mark("in_use")
        teams.append(team.facts())
        teams[-1]["namespace"] = name
    return page_of(teams)


PAGES: dict[str, Callable[[], Page]] = {
    "empty": lambda: page_of([]),
    "demo": lambda: page_of(demo()),
    "year": year,
    "hostile": hostile,
    "cycle": lambda: cycle_page(build_cycle(demo()[0])),
}
