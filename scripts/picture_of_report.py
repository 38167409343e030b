"""Make the picture of the report's page that the documentation shows, from a seeded history.

Run it in an environment with the ``dev`` extra, where Chromium is installed: ``python scripts/picture_of_report.py``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import sync_playwright  # noqa: E402
from tests.report.pages import year  # noqa: E402
from tests.report.test_browser import CHROMIUM, FLAGS  # noqa: E402

from cycletrace._internal.report.html import render  # noqa: E402

PICTURE = ROOT / "docs" / "report.png"


def main() -> None:
    """Write the picture of the top of the page."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "report.html"
        file.write_text(render(year("180d", "deployment:1d")), encoding="utf-8")
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = chromium.new_page(viewport={"width": 1080, "height": 1180}, color_scheme="light")
        tab.goto(file.as_uri())
        tab.screenshot(path=PICTURE)
        chromium.close()
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
