"""Time a page in headless Chromium: until it is usable, and its gallery with 10,000 images.

The page's own images are repeated until there are as many. Prints milliseconds: from the navigation
until the answer, the tables and the switches are there (the other sections follow one by one); how
many the page's own thread computed until all was there, which other work on the machine hardly
changes; the longest of filters, sorts and searches; the longest pause while scrolling through.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

# From the navigation on, as the page's own clock has it.
USABLE = """{ const look = () => {
  if (document.querySelector("html[data-usable=yes] #table1 .tabulator-row"))
    window.usable = performance.now();
  else requestAnimationFrame(look);
}; look(); }"""
REPEAT = """wanted => {
  const ranks = Object.values(VB.data.gallery.ranks).map(columns => ({ columns }));
  const pages = [VB.data.gallery.images, ...ranks];
  const length = VB.data.gallery.images.length;
  for (const { columns } of pages)
    for (const column of Object.values(columns))
      column.values = Array.from({ length: wanted }, (_, i) => column.values[i % length]);
  VB.data.gallery.images.length = wanted;
  VB.gallery.apply();
}"""
FILTERS = """() => {
  const took = [];
  const timed = (change) => { const start = performance.now(); change(); VB.gallery.apply();
    document.body.offsetHeight; took.push(performance.now() - start); };
  for (const sort of ["gain", "distance", "l_2", ""]) timed(() => { VB.gallery.sort = sort; });
  for (const text of ["a", "item", ""]) timed(() => { VB.gallery.filter.text = text; });
  for (const outcome of ["1", "0", ""]) timed(() => { VB.gallery.filter.outcome = outcome; });
  return took;
}"""
SCROLL = """async () => {
  const pauses = [];
  new PerformanceObserver(list => pauses.push(...list.getEntries().map(entry => entry.duration)))
    .observe({ type: "longtask" });
  document.getElementById("gallery").scrollIntoView();
  for (let i = 0; i < 60; i += 1) {
    scrollBy(0, 700);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  return [0, ...pauses];
}"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--page", type=Path, required=True, help="index.html")
    options.add_argument("--images", type=int, default=10_000)
    given = options.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no Chromium here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(300_000)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.add_init_script(USABLE)
        page.goto(given.page.resolve().as_uri())
        page.wait_for_selector("html[data-ready=yes]")
        usable = page.evaluate("usable")
        metrics = session.send("Performance.getMetrics")["metrics"]
        computed = 1000 * {one["name"]: one["value"] for one in metrics}["TaskDuration"]
        page.evaluate(REPEAT, given.images)
        filters, pauses = page.evaluate(FILTERS), page.evaluate(SCROLL)
        browser.close()
    result = {"usable_ms": usable, "computed_ms": computed}
    result |= {"filter_ms": max(filters), "pause_ms": max(pauses)}
    print(json.dumps({name: round(value) for name, value in result.items()}))


if __name__ == "__main__":
    main()
