"""The board as readers see it: live, at three widths, in both themes, by keyboard, checked by axe-core."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.board.process import Served
from tests.collector.process import eventually
from tests.report.histories import DAY, HOUR, MINUTE, Team
from tests.report.test_browser import CHROMIUM, FLAGS, NOT_IN_A_BOX_THAT_SCROLLS

from cycletrace._internal.flow import Record
from cycletrace._internal.store import FILE, open_store

pytestmark = pytest.mark.browser

Serve = Callable[..., Served]
LIVE = "document.getElementById('live').textContent"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def put(state: Path, records: list[Record]) -> None:
    state.mkdir(mode=0o700, exist_ok=True)
    with open_store(state / FILE) as store, store.write() as tx:
        tx.add(records, time.time_ns())


def a_month() -> list[Record]:
    """Forty finished cycles of two teams, the last of them some hours ago."""
    records: list[Record] = []
    for number in range(40):
        name, team = (("churn", "growth"), ("digits", "vision"))[number % 2]
        one = Team(f"{name}@{number}", time.time_ns() - 30 * DAY + number * 17 * HOUR, namespace=team)
        one.stage("train", 3 * HOUR + number * MINUTE)
        one.wait("human", 2 * HOUR)
        one.stage("approve", MINUTE, actor="human", person="ann", launch="terminal")
        one.stage("deploy", 5 * MINUTE)
        one.mark("in_use")
        records += one.records
    return records


def begun(key: str) -> list[Record]:
    one = Team(key, time.time_ns() - MINUTE, namespace="growth")
    one.running("train")
    return one.records


@pytest.fixture
def board(serve: Serve, tmp_path: Path) -> Served:
    put(tmp_path / "state", a_month())
    return serve()


def opened(browser: Any, board: Served, path: str = "/", width: int = 1100, theme: str = "light", **more: Any) -> Any:
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme, **more)
    tab.faults = []
    tab.on("console", lambda message: tab.faults.append(message.text))
    tab.on("pageerror", lambda error: tab.faults.append(str(error)))
    tab.on(
        "request",
        lambda made: None if made.url.startswith((f"{board.url}/", "data:,")) else tab.faults.append(made.url),
    )
    tab.goto(f"{board.url}{path}")
    if more.get("java_script_enabled", True):
        until(tab, f"{LIVE} === 'Live'")
    return tab


def until(tab: Any, condition: str) -> None:
    """Wait until a JavaScript expression is true. The policy of the page forbids ``wait_for_function``."""
    assert eventually(lambda: tab.evaluate(condition)), condition


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 760, 1400])
def test_nothing_is_cut_off_and_nothing_leaves(browser: Any, board: Served, width: int, theme: str) -> None:
    tab = opened(browser, board, width=width, theme=theme)
    try:
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate(NOT_IN_A_BOX_THAT_SCROLLS) == []
        assert tab.faults == []
    finally:
        tab.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/?cycle=churn@38", "/?model=churm"])
def test_axe_finds_nothing_serious(browser: Any, board: Served, path: str, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab = browser.new_page(color_scheme=theme)
    try:
        tab.goto(f"{board.url}{path}")
        found = Axe().run(tab).response["violations"]
        serious = [fault for fault in found if fault["impact"] in {"serious", "critical"}]
        assert [(fault["id"], [node["html"][:200] for node in fault["nodes"][:3]]) for fault in serious] == []
    finally:
        tab.close()


def test_a_new_stage_appears_and_all_else_stays_as_it_was(browser: Any, board: Served) -> None:
    tab = opened(browser, board)
    try:
        tab.evaluate("window.isTheSame = true")
        data = tab.locator("#cycles details").nth(3)
        key = data.locator("bdi").first.inner_text()
        data.locator("summary").click()
        tab.locator("input[name=window]").fill("12w")
        link = tab.locator("svg.chart a[href^='#cycle-']").nth(5)
        link.focus()
        target = link.get_attribute("href")
        tab.evaluate("window.scrollTo(0, 700)")
        put(board.state, begun("uplift@1"))
        until(tab, "document.querySelector('#open')?.textContent.includes('uplift@1')")
        assert tab.evaluate("window.isTheSame"), "nothing was reloaded"
        assert tab.evaluate("document.activeElement.getAttribute('href')") == target
        assert tab.locator("#cycles details[open] > summary bdi").all_inner_texts() == [key]
        assert tab.locator("input[name=window]").input_value() == "12w"
        assert tab.evaluate("window.scrollY") > 300
        assert tab.locator("select[name=model] option").all_inner_texts() == ["all models", "churn", "digits", "uplift"]
        assert tab.faults == []
    finally:
        tab.close()


def test_what_is_shown_after_a_change_is_what_is_served(browser: Any, board: Served) -> None:
    """Replacing what changed makes the same page as loading it."""
    tab, fresh = opened(browser, board), None
    try:
        put(board.state, begun("uplift@1"))
        until(tab, "document.querySelector('#open')?.textContent.includes('uplift@1')")
        shown = "document.querySelector('main').outerHTML"
        fresh = opened(browser, board)
        assert eventually(lambda: tab.evaluate(shown) == fresh.evaluate(shown))
    finally:
        tab.close()
        if fresh is not None:
            fresh.close()


def test_it_is_used_by_keyboard_alone(browser: Any, board: Served) -> None:
    tab = opened(browser, board)
    try:
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.textContent") == "Skip to the report"
        tab.keyboard.press("Tab")
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.name") == "model"
        tab.keyboard.type("digits")
        tab.locator("form button").focus()
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/?*model=digits*")
        assert "model digits" in tab.locator("#summary > p").first.inner_text()
        assert tab.locator("select[name=model]").input_value() == "digits"
    finally:
        tab.close()


def test_without_scripts_it_is_the_same_page(browser: Any, board: Served) -> None:
    tab = opened(browser, board, java_script_enabled=False)
    try:
        assert tab.locator("#summary h1").is_visible()
        put(board.state, begun("uplift@1"))
        assert eventually(lambda: tab.reload() and "uplift@1" in tab.locator("main").inner_text())
    finally:
        tab.close()


def test_it_reports_that_the_board_is_gone_and_keeps_the_page(browser: Any, board: Served) -> None:
    tab = opened(browser, board)
    try:
        board.stop()
        until(tab, f"{LIVE}.startsWith('Not live since')")
        assert "does not respond" in tab.evaluate(LIVE)
        assert tab.locator("#summary h1").is_visible()
    finally:
        tab.close()
