"""The page as a reader has it: in a real browser, from disk."""

import json
import shutil

import pandas as pd
import pytest

import page_results
from browser import VIEWS, chromium, opened, viewed, violations
from made_pages import make_page
from page_reader import as_first, cells_of, page, table, three

__all__ = ["as_first", "chromium", "page", "three"]


def test_what_was_found_at_a_glance_is_said_for_every_cell(page):
    rows = page.locator("#glance tbody tr")
    assert rows.count() == 2 * 3 * 2
    assert page.locator("#glance th[rowspan='6']").count() == 2
    first = rows.first.inner_text().split("\t")
    assert first[0].strip().split("\n") == ["Mini Men", "sandal → running shoe, 6 images"]
    assert first[1:3] == ["Poisoning", "VBPR"]
    terms = page.locator(".meanings dt").all_text_contents()
    assert terms == ["Poisoning", "Evasion", "Cold start", "T", "AT", "FAT", "FGSM", "PGD", "C&W",
                     "VBPR", "AMR", "Protocol"]  # fmt: skip


def test_the_switches_reach_words_leaderboard_accuracy_and_lists(page, three):
    before = {host: page.locator(f"#{host}").inner_text() for host in
              ("cards", "leaderboard", "accuracy", "figure1", "users")}  # fmt: skip
    page.locator("#switches select[data-axis=dataset]").select_option("mini_women")
    after = {host: page.locator(f"#{host}").inner_text() for host in before}
    assert [host for host in before if before[host] == after[host]] == []
    changes = table(three, "changes").query(
        "dataset == 'mini_women' and threat == 'poisoning' and recommender == 'vbpr'"
    )
    worst = changes.sort_values("change").groupby("defense").tail(1)
    for (defense, change, *_), own in zip(
        cells_of(page, "leaderboard"), worst.to_dict("records"), strict=True
    ):
        assert defense == own["defense"]
        assert change.replace("\N{MINUS SIGN}", "-").startswith(f"{own['change']:+.3f}")


def test_pictures_draw_the_rows_that_the_switches_choose(page, three):
    page.evaluate("VB.pictures.forEach(picture => { picture.seen = true })")

    def drawn(name):
        return page.evaluate(
            """async name => { const picture = VB.pictures.find(one => one.name === name);
                await picture.draw(); return picture.view.data("rows") }""",
            name,
        )

    for dataset in page_results.DATASETS:
        page.locator("#switches select[data-axis=dataset]").select_option(dataset)
        own = table(three, "changes").query(
            f"dataset == '{dataset}' and threat == 'poisoning' and recommender == 'vbpr'"
        )
        rows = pd.DataFrame(drawn("chr"))
        assert len(rows) == len(own) == 9
        assert rows["change"].tolist() == pytest.approx(own["change"].tolist(), rel=1e-5)
    page.locator("#switches select[data-axis=attack]").select_option("cw")
    assert {row["attack"] for row in drawn("ranks")} == {"cw"}
    assert "mini_men rho 0.96" in page.locator("[data-picture=success] figcaption").inner_text()
    names = page.evaluate("VB.pictures.map(picture => picture.name)")
    for name in names:
        assert len(drawn(name)), name
        marks = page.locator(f"[data-picture={name}] .chart svg [role=graphics-symbol]")
        assert marks.count() > 0, name


def test_the_gallery_filters_sorts_and_opens_full_screen(page):
    count = page.locator("#images > p")
    page.select_option("#gallery-defense", "FAT")
    page.select_option("#gallery-attack", "cw")
    assert count.inner_text().startswith("12 of 108")
    page.select_option("#gallery-sort", "distance")
    distances = page.evaluate(
        "VB.gallery.found.map(i => VB.images.table.columns.distance.values[i])"
    )
    assert distances == sorted(distances, reverse=True)
    first = page.locator("#images .tile").first
    first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".pswp--open .slide .facts")
    titles = set()
    for _ in range(3):
        visible = page.locator(".pswp__item[aria-hidden=false] .slide-title")
        titles.add(visible.inner_text())
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(600)
    assert len(titles) == 3
    page.keyboard.press("Escape")
    page.wait_for_selector(".pswp", state="detached")
    page.select_option("#gallery-defense", "")
    page.select_option("#gallery-attack", "")
    page.select_option("#gallery-sort", "")


def test_pictures_of_the_gallery_are_there(page, three):
    broken = page.evaluate(
        """async () => { const all = [];
            for (let i = 0; i < VB.images.table.length; i += 1) {
              const row = VB.images.row(i);
              all.push(VB.attackedImage("images", row), VB.attackedImage("thumbs", row),
                VB.attackedImage("thumbs", row, "_difference"),
                VB.attackedImage("images", row, "_difference"),
                VB.cleanImage("images", row.dataset, row.item)); }
            return [...new Set(all)]; }"""
    )
    assert len(broken) == 108 * 4 + 12
    assert [name for name in broken if not (three / "report" / name).is_file()] == []


def test_a_page_without_its_folders_says_that_pictures_are_missing(three, tmp_path, chromium):
    shutil.copy(three / "report" / "index.html", tmp_path)
    for folder, said in ((three / "report", False), (tmp_path, True)):
        page = chromium.new_page()
        page.goto((folder / "index.html").as_uri())
        page.wait_for_selector("html[data-ready=yes]")
        picture = page.locator("#figure1 img").first
        picture.scroll_into_view_if_needed()
        picture.evaluate("image => image.decode().catch(() => null)")
        assert ("copy or open that whole folder" in page.locator("#missing").inner_text()) == said
        page.close()


def test_an_item_s_name_that_is_html_stays_text(page):
    page.fill("#gallery-text", page_results.HOSTILE)
    assert page.locator("#images .tile").count() == 18
    # Not inner_text: it is empty for what is not yet laid out.
    assert page.locator("#images .tile .id").first.text_content() == page_results.HOSTILE
    page.fill("#gallery-text", "")
    # A dialog would be reported when the page is closed.
    assert page.evaluate("document.scripts.length") == page.evaluate(
        "document.querySelectorAll('body > script').length"
    )


def test_the_configuration_is_saved_as_it_was(page):
    page.locator("#record summary", has_text="Configuration").click()
    with page.expect_download() as download:
        page.locator("#record button", has_text="run again").click()
    assert json.loads(download.value.path().read_text()) == {"seed": 7}


@pytest.mark.parametrize(("scheme", "width"), VIEWS)
def test_an_automatic_checker_finds_nothing_against_wcag_aa(three, chromium, scheme, width):
    with opened(chromium, three / "report" / "index.html", **viewed(scheme, width)) as page:
        page.wait_for_selector("html[data-ready=yes]")
        page.evaluate("VB.pictures.forEach(picture => { picture.seen = true; picture.draw() })")
        page.wait_for_selector("[data-picture=spread] svg")
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        page.evaluate(
            "document.querySelectorAll('.chart details').forEach(o => { o.open = false })"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []
        page.locator("#images .tile").first.press("Enter")
        page.wait_for_selector(".pswp--open .slide .facts")
        page.wait_for_timeout(600)  # it fades in, and half faded has less contrast
        assert violations(page) == []


HTML = "<i>R&D</i>"


def test_one_threat_one_run_and_one_dataset_need_no_switches(tmp_path, chromium):
    options = page_results.write(tmp_path, threats=1, runs=1, datasets=1)
    options["labels"] = {"mini_men": HTML, "AT": HTML.upper()}
    done = make_page(tmp_path, options, tmp_path / "report")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report" / "index.html").stat().st_size < 5_000_000
    with opened(chromium, tmp_path / "report" / "index.html") as page:
        page.wait_for_selector("html[data-ready=yes]")
        shown = page.locator("#switches select:visible")
        assert [one.get_attribute("data-axis") for one in shown.all()] == ["recommender", "attack"]
        assert "users only: one run" in page.locator("#cards").inner_text()
        assert len(cells_of(page, "table1")) == 8
        heads = page.locator("#table1 .tabulator-col-title").all_text_contents()
        assert HTML in heads
        assert HTML.upper() in heads
        assert page.locator("main i").count() == 0
