"""The page as readers see it: in Chromium, at three widths, in both themes, by keyboard, checked by axe-core."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.report.histories import demo, history
from tests.report.pages import PAGES, page_of, year

from cycletrace._internal.report import build_cycle
from cycletrace._internal.report.html import render
from cycletrace._internal.report.page import Page

pytestmark = pytest.mark.browser

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]

NOT_IN_A_BOX_THAT_SCROLLS = """
() => [...document.querySelectorAll('text, p, td, th, li, h1, h2, h3, a, summary')]
  .filter(each => !each.closest('.scroll, nav, .skip, .definitions') && each.checkVisibility())
  .filter(each => {
    const box = each.getBoundingClientRect()
    return box.width && (box.left < -1 || box.right > document.documentElement.clientWidth + 1)
  })
  .map(each => each.textContent)
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, Path]:
    found = PAGES[request.param]()
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(render(found), encoding="utf-8")
    return found, file


def opened(browser: Any, file: Path, width: int = 1100, theme: str = "light") -> Any:
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    tab.faults = []
    tab.on("console", lambda message: tab.faults.append(message.text))
    tab.on("pageerror", lambda error: tab.faults.append(str(error)))
    tab.on("request", lambda made: tab.faults.append(made.url) if made.url not in {file.as_uri(), "data:,"} else None)
    tab.goto(file.as_uri())
    return tab


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 760, 1400])
def test_nothing_is_cut_off_and_nothing_leaves(browser: Any, page: tuple[Page, Path], width: int, theme: str) -> None:
    tab = opened(browser, page[1], width, theme)
    try:
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate(NOT_IN_A_BOX_THAT_SCROLLS) == []
        assert tab.faults == []
    finally:
        tab.close()


def test_every_chart_shows_a_mark_for_each_row_of_its_data(browser: Any, page: tuple[Page, Path]) -> None:
    tab = opened(browser, page[1])
    try:
        for part in page[0].parts:
            for figure in part.figures:
                rows = len(figure.data.rows)
                assert tab.locator(f"#{figure.name} svg.chart .mark").count() == rows
                assert tab.locator(f"#{figure.name} tbody tr").count() == rows
    finally:
        tab.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, page: tuple[Page, Path], theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab = opened(browser, page[1], theme=theme)
    try:
        for folded in tab.locator("details").all()[:30]:
            folded.evaluate("each => { each.open = true }")
        found = Axe().run(tab).response["violations"]
        serious = [fault for fault in found if fault["impact"] in {"serious", "critical"}]
        assert [(fault["id"], [node["html"][:200] for node in fault["nodes"][:3]]) for fault in serious] == []
    finally:
        tab.close()


def test_the_keyboard_reaches_a_cycle_and_opens_it(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(page_of(history(20), "all")), encoding="utf-8")
    tab = opened(browser, file)
    try:
        for _ in range(40):
            tab.keyboard.press("Tab")
            target = tab.evaluate("document.activeElement.getAttribute('href')")
            if target and target.startswith("#cycle-"):
                break
        assert target.startswith("#cycle-")
        folded = tab.locator(target)
        assert not folded.is_visible()
        tab.keyboard.press("Enter")
        folded.wait_for(state="visible")
    finally:
        tab.close()


def test_a_table_is_sorted_by_the_column_whose_heading_is_pressed(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(year()), encoding="utf-8")
    tab = opened(browser, file)

    def column(place: int) -> list[str]:
        cells: list[str] = tab.locator(f"#groups table >> nth=0 >> tbody td:nth-child({place})").all_inner_texts()
        return cells

    try:
        team, finished = (
            tab.locator("#groups table >> nth=0 >> th button", has_text=each) for each in ("team", "finished")
        )
        team.press("Enter")
        assert column(1) == ["growth", "risk", "vision"]
        team.press("Enter")
        assert column(1) == ["vision", "risk", "growth"]
        finished.click()
        counts = [int(text) for text in column(2)]
        assert counts == sorted(counts, reverse=True)
        assert len(set(counts)) > 1
        finished.click()
        assert [int(text) for text in column(2)] == counts[::-1]
        assert tab.locator("#groups table >> nth=0 >> th[aria-sort=ascending]").inner_text() == "finished"
        assert tab.faults == []
    finally:
        tab.close()


def test_a_notebook_frame_shows_the_page(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "notebook.html"
    file.write_text(f"<!DOCTYPE html><title>notebook</title>{build_cycle(demo()[0])._repr_html_()}", encoding="utf-8")
    tab = opened(browser, file)
    try:
        frame = tab.frame_locator("iframe")
        assert frame.locator("svg.chart").count() == 1
        assert frame.locator("h1").inner_text() == "digits@1"
        assert tab.faults == []
    finally:
        tab.close()
