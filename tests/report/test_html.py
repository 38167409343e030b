"""The report as a page: whole, without a network, and nothing in a name is markup."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from tests.report.histories import DAY, HOUR, NOW, Team, demo, history
from tests.report.pages import HOSTILE, page_of

from cycletrace._internal.report import build, build_cycle
from cycletrace._internal.report.charts.chart import Dot, Rect
from cycletrace._internal.report.document import Name
from cycletrace._internal.report.html import render
from cycletrace._internal.report.page import cycle_page
from cycletrace._internal.report.picked import CLOSED, LATEST, OPEN, SLOWEST, Picked

VOID = {"meta", "link", "img", "br", "hr"}


class Outline(HTMLParser):
    """Checks that every element is closed where it must be, and collects ids, links and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)

    def _note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 60, 400])
def test_a_page_is_whole(n: int) -> None:
    outline = Outline(render(page_of(history(n))))
    assert len(outline.ids) == len(set(outline.ids))
    inner = {link[1:] for link in outline.links if link.startswith("#")}
    assert inner <= set(outline.ids)
    assert {link for link in outline.links if not link.startswith("#")} == {"data:,"}


def test_nothing_loads_and_nothing_runs_but_what_the_policy_names() -> None:
    html = render(page_of(history(60)))
    outline = Outline(html)
    assert not outline.tags & {"img", "iframe", "object", "embed", "form"}
    assert not outline.attributes & {"style", "src", "srcset", "action"}
    assert not [name for name in outline.attributes if name.startswith("on")]
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert f"; {tag}-src 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}';" in policy
    assert "unsafe" not in policy
    assert "url(" not in html.replace("url(#hatch)", "")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_shown_as_text(name: str) -> None:
    teams = []
    for place in range(3):
        team = Team(f"{name}{place}", NOW - DAY - place * HOUR, model=f"{name}{place}", domain=name)
        team.stage(name, HOUR, kind="train", person=name, actor="human")
        team.wait("human", HOUR)
        if place:
            team.mark("in_use")
        teams.append(team.facts())
    for facts in teams:
        facts["namespace"] = f"{name} {facts['key']}"
    harmless = Outline(render(page_of(history(60))))
    for page in (page_of(teams), cycle_page(build_cycle(teams[0]))):
        html = render(page)
        outline = Outline(html)
        assert outline.tags <= harmless.tags
        assert outline.attributes <= harmless.attributes
        assert "\x1b" not in html
        assert "\u202e" not in html
        shown = name.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
        assert shown[:15] in outline.text


def test_every_chart_has_a_mark_for_each_row_of_its_data() -> None:
    page = page_of(history(400))
    figures = [figure for part in (*page.parts, *page.cycles) for figure in part.figures]
    assert {"points", "medians", "mean", "stages", "incidence"} <= {figure.name for figure in figures}
    for figure in figures:
        marks = figure.chart.marks
        drawn = [mark for mark in marks if isinstance(mark, Dot) or (isinstance(mark, Rect) and mark.is_data)]
        assert len(drawn) == len(figure.data.rows), figure.name
        for mark in drawn:
            places = (mark.x, mark.y) if isinstance(mark, Dot) else (mark.left, mark.right, mark.bottom, mark.top)
            assert all(-1e-9 <= place <= 1 + 1e-9 for place in places), figure.name


def test_a_point_leads_to_its_cycle() -> None:
    page = page_of(history(60))
    (points,) = (figure for part in page.parts for figure in part.figures if figure.name == "points")
    anchors = {part.anchor for part in page.cycles}
    targets = [mark.target for mark in points.chart.marks if isinstance(mark, Dot)]
    assert set(targets) == anchors
    assert len(targets) == len(anchors)


def test_an_open_cycle_leads_to_its_part_of_the_page() -> None:
    page = page_of(history(60))
    (part,) = (part for part in page.parts if part.anchor == "open")
    anchors = {part.anchor for part in page.cycles}
    names = [row[0] for section in part.sections for block in section.blocks for row in getattr(block, "rows", ())]
    linked = [name.anchor for name in names if isinstance(name, Name)]
    assert len(linked) > 3
    assert set(linked) <= anchors
    assert f'<a href="#{linked[0]}"><bdi class="name">' in render(page)


def test_a_few_cycles_have_no_interval_and_no_empty_chart() -> None:
    page = page_of(demo())
    html = render(page)
    assert "95 %: " not in html[html.index('<div class="cards">') : html.index("Deployment within")]
    assert all(figure.data.rows for part in page.parts for figure in part.figures)
    empty = page_of([])
    assert not [figure for part in empty.parts for figure in part.figures]


def test_a_page_of_a_thousand_cycles_is_smaller_than_two_megabytes() -> None:
    assert len(render(page_of(history(1000), "all")).encode()) < 2_000_000


def test_thinning_is_stated() -> None:
    facts = [facts for seed in range(4) for facts in history(1000, seed)]
    html = render(page_of(facts, "all"))
    assert "A random sample of 1,500 of " in html
    assert len(html.encode()) < 2_500_000


def test_the_cycles_one_by_one_are_the_latest_the_slowest_the_open_and_the_failed() -> None:
    facts = history(2000)
    picked = Picked("idea")
    assert list(picked.noting(facts)) == facts
    shown = picked.cycles()
    assert len({cycle.cycle_id for cycle in shown}) == len(shown) <= LATEST + SLOWEST + OPEN + CLOSED
    ended = sorted((cycle.ended or 0 for cycle in shown if cycle.outcome != "open"), reverse=True)
    assert len(ended) > LATEST
    slowest = max(
        (each for each in facts if each["outcome"] in {"in_use", "deployed"} and each["trigger"] == "idea"),
        key=lambda each: each["cycle_time_ns"] or 0,
    )
    assert slowest["cycle_id"] in {cycle.cycle_id for cycle in shown}
    reversed_picked = Picked("idea")
    assert len(list(reversed_picked.noting(facts[::-1]))) == len(facts)
    assert reversed_picked.cycles() == shown


def test_a_notebook_shows_the_page_in_a_frame() -> None:
    report = build(history(20), as_of=NOW)
    framed = report._repr_html_()
    assert framed.startswith("<iframe ")
    assert 'sandbox="allow-scripts"' in framed, "a frame without the origin of the notebook"
    assert "&lt;!DOCTYPE html&gt;" in framed
    assert build_cycle(demo()[0])._repr_html_().startswith("<iframe ")


def test_the_summary_names_the_stage_that_made_cycles_faster() -> None:
    teams = []
    for place in range(40):
        is_before = place < 20
        team = Team(f"m@{place}", NOW - (150 - 3 * place if is_before else 80 - 3 * (place - 20)) * DAY)
        team.stage("train", HOUR + place)
        team.wait("human", 20 * HOUR if is_before else HOUR)
        team.stage("activate", HOUR)
        teams.append(team.facts())
    page = page_of(teams, "90d")
    (card,) = (card for card in page.parts[0].cards if card.title == "Against the window before")
    html = render(page)
    assert card.value != "Not conclusive"
    assert "-19\u00a0h" in html
    assert "faster than in the window before. Of the mean, most by (wait for human): -19\u00a0h" in html
    assert "faster since 2026-" in html
    assert "a lasting change; the mean changed most by (wait for human) -19\u00a0h." in html
    alone = render(page_of(teams[20:], "90d"))
    assert "Not conclusive" in alone
