"""A real browser for tests of pages: the system's Chromium, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
# A page that asks for much on a machine that does much else is no failure.
PATIENCE = 120_000  # ms


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Start the browser, or skip."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with playwright.sync_playwright() as driver:
        # Root, as which containers run, has no sandbox of the browser's own.
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, file: Path, **context: Any) -> Iterator[Any]:
    """Yield a page that shows ``file``; then hold it to what every page must keep.

    Nothing is said on the console, no script fails, and nothing outside the file's folder is asked
    for.
    """
    said: list[str] = []
    asked: list[str] = []
    made = browser.new_context(**context)
    made.set_default_timeout(PATIENCE)
    page = made.new_page()
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    # A picture that a page no longer shows when it comes is aborted; that is no failure.
    page.on(
        "requestfailed",
        lambda request: (
            request.failure != "net::ERR_ABORTED"
            and said.append(f"not there: {request.url} {request.failure}")
        ),
    )
    page.goto(file.as_uri())
    yield page
    said, asked = list(said), list(asked)  # what closing the page makes it say is not its own
    made.close()
    inside = (file.parent.as_uri(), "data:", "blob:")
    assert said == [], said[:5]  # shown, since pytest looks into tests alone
    assert [url for url in asked if not url.startswith(inside)] == []
