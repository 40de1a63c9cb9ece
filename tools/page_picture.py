#!/usr/bin/env python3
"""Take the README's picture of the page, docs/page.png, from results/report/index.html.

It needs Chromium and Playwright, as the page's tests do.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

BASE = Path(__file__).parents[1]
PAGE = BASE / "results" / "report" / "index.html"
VIEW = {"width": 1280, "height": 860}


def main() -> None:
    """Write the picture anew."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no Chromium here: apt-get install chromium")
    with sync_playwright() as driver:
        # Root, as which containers run, has no sandbox of the browser's own.
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=VIEW, color_scheme="light")
        page.goto(PAGE.as_uri())
        page.wait_for_selector("html[data-ready=yes]")
        page.screenshot(path=BASE / "docs" / "page.png")
        browser.close()


if __name__ == "__main__":
    main()
