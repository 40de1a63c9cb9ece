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
# How a page is looked at: a desktop and a phone, light and dark.
VIEWS = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 390)]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


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


def viewed(scheme: str, width: int) -> dict[str, Any]:
    """Return how `opened` shows a page as one of `VIEWS`, to be looked at by `violations`."""
    # The checker is a script from outside, which the page's own policy forbids.
    viewport = {"width": width, "height": 900}
    return {"color_scheme": scheme, "viewport": viewport, "bypass_csp": True}


def violations(page: Any) -> list[tuple[str, str]]:
    """Return what axe-core finds against WCAG 2.2, A and AA: rule and first element; or skip."""
    checker = pytest.importorskip("axe_playwright_python.sync_playwright")
    rules = {"runOnly": {"type": "tag", "values": WCAG}}
    found = checker.Axe().run(page, options=rules).response["violations"]
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in found]


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
