"""The first job on a folder of photographs: what it writes, and every bad input it names."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from varbench.errors import InputError
from varbench.image_archive import ImageArchive

SCRIPT = Path(__file__).parents[1] / "workflow" / "scripts" / "prepare_catalogue.py"
OUTPUTS = {
    "user-ids": "users.parquet",
    "item-ids": "items.parquet",
    "interactions": "interactions.parquet",
    "image-archive": "images.zip",
    "summary": "summary.json",
}


@pytest.fixture
def shop(tmp_path):
    """8 items, 12 users, each with 4 interactions one second apart, the first of them twice."""
    folder = tmp_path / "shop"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    items = [f"shoe {n}" for n in range(8)]
    for item in items:
        pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{item}.png")
    pd.DataFrame({"item": items, "category": "sandal"}).to_csv(folder / "items.csv", index=False)
    rows = [
        (f"user {u}", items[(u + n) % 8], 5, 1000 * u + n)
        for u in range(12)
        for n in (0, 1, 2, 3, 0)
    ]
    log = pd.DataFrame(rows, columns=["user", "item", "rating", "timestamp"])
    log.to_csv(folder / "interactions.tsv", sep="\t", index=False)
    return folder


def prepare(shop, *, source: dict[str, object] | None = None, **changed: object) -> Path:
    target = shop.parent / "out"
    options = {
        "name": "shop",
        "source": {"method": "folder", "path": str(shop), **(source or {})},
        "core_users": 2,
        "core_items": 2,
        "min_users": 10,
        "image_size": 32,
        "seed": 0,
        **changed,
    }
    paths = {name: target / file for name, file in OUTPUTS.items()}
    spec = importlib.util.spec_from_file_location("prepare", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    before = sys.argv
    sys.argv = [
        "prepare_catalogue.py",
        f"--options={json.dumps(options)}",
        *(f"--{name}={path}" for name, path in paths.items()),
    ]
    try:
        module.main()
    finally:
        sys.argv = before
    return target


def summary_of(target: Path) -> dict[str, dict[str, dict[str, int]]]:
    return json.loads((target / "summary.json").read_text())


def test_a_folder_is_numbered_split_and_packed(shop):
    target = prepare(shop)
    table = pd.read_parquet(target / "interactions.parquet")
    items = pd.read_parquet(target / "items.parquet")
    assert items["id"].tolist() == [f"shoe {n}" for n in range(8)]
    assert set(items["label"]) == {"sandal"}
    assert len(table) == 12 * 4
    assert table.groupby("user")["held_out"].sum().eq(1).all()
    last = table.loc[table.groupby("user")["timestamp"].idxmax()]
    assert last["held_out"].all()
    summary = summary_of(target)
    assert summary["dropped"] == {"repeated": {"users": 0, "items": 0, "interactions": 12}}
    assert summary["kept"] == {"users": 12, "items": 8, "interactions": 48}
    images = ImageArchive(target / "images.zip")
    assert [image.shape for image in images.read(images.items)] == [(32, 32, 3)] * 8


def test_photographs_that_fit_are_stored_as_they_came(shop):
    for path in (shop / "images").iterdir():
        Image.new("RGB", (32, 32), "red").save(path)
    target = prepare(shop)
    stored = ImageArchive(target / "images.zip").read([0])[0]
    assert (stored == [255, 0, 0]).all()


def test_a_damaged_image_stops_the_run_or_is_dropped(shop, caplog):
    path = shop / "images" / "shoe 3.png"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"shoe 3\.png: not a readable image.*drop_unreadable"):
        prepare(shop)
    assert not (shop.parent / "out").exists()
    target = prepare(shop, drop_unreadable=True)
    assert "shoe 3" in caplog.text
    assert "shoe 3" not in pd.read_parquet(target / "items.parquet")["id"].tolist()
    assert summary_of(target)["dropped"]["unreadable_image"]["items"] == 1


def test_too_few_users_are_an_error(shop):
    with pytest.raises(
        InputError, match=r"12 users are left of 12, and 50 .*; lower min_users \(50\)"
    ):
        prepare(shop, min_users=50)


def test_native_size(shop):
    target = prepare(shop, image_size=None)
    images = ImageArchive(target / "images.zip")
    assert [image.shape for image in images.read(images.items)] == [(40, 50, 3)] * 8


def test_an_image_too_small_for_a_network_is_named(shop):
    Image.new("RGB", (300, 31)).save(shop / "images" / "shoe 3.png")
    with pytest.raises(InputError, match=r"shoe 3\.png: 300 x 31 pixels are too few .* 32 are"):
        prepare(shop, image_size=None)
    prepare(shop)  # scaled up


def test_an_unknown_item_is_named_by_row(shop):
    log = shop / "interactions.tsv"
    log.write_text(log.read_text() + "user 1\tghost\t5\t7\n")
    with pytest.raises(InputError, match=r"interactions\.tsv row 62: an unknown item"):
        prepare(shop)


def test_an_item_without_an_image_is_named_or_dropped(shop, caplog):
    (shop / "images" / "shoe 3.png").rename(shop / "images" / "shoe 3.heic")
    (shop / "images" / ".#lock.png").symlink_to("nowhere")
    with pytest.raises(
        InputError, match=r"items\.csv row 5: item 'shoe 3' .*shoe 3\.heic is there.*drop_unreada"
    ):
        prepare(shop)
    assert not (shop.parent / "out").exists()
    target = prepare(shop, drop_unreadable=True)
    assert "shoe 3" in caplog.text
    assert summary_of(target)["dropped"]["no_image"] == {
        "users": 0,
        "items": 1,
        "interactions": 8 + 2,  # of eight users, two of whom came to it twice
    }
    assert len(ImageArchive(target / "images.zip").items) == 7


def test_an_item_that_is_not_listed_is_dropped_if_asked_for(shop):
    log = shop / "interactions.tsv"
    log.write_text(log.read_text() + "user 1\tghost\t5\t7\n")
    target = prepare(shop, drop_unreadable=True)
    assert summary_of(target)["dropped"]["unlisted_item"]["interactions"] == 1


@pytest.mark.parametrize("suffix", ["gif", "bmp", "jfif", "jpe", "webp"])
def test_formats_of_photographs(shop, suffix):
    form = {"jfif": "JPEG", "jpe": "JPEG"}.get(suffix, suffix.upper())
    path = shop / "images" / "shoe 3.png"
    Image.new("RGB", (40, 40), "red").save(path.with_suffix(f".{suffix}"), form)
    path.unlink()
    stored = ImageArchive(prepare(shop) / "images.zip").read([3])[0]
    assert (abs(stored.astype(int) - [255, 0, 0]) < 3).all()


def test_a_shop_as_it_is_downloaded(shop):
    """Compressed, with columns and dates of its own, images in sub-folders, no ratings."""
    for path in [*(shop / "images").iterdir()]:
        (shop / "images" / path.stem[-1]).mkdir()
        path.rename(shop / "images" / path.stem[-1] / path.name)
    plain = prepare(shop)
    expected = pd.read_parquet(plain / "interactions.parquet")[["user", "item", "held_out"]]
    log = pd.read_csv(shop / "interactions.tsv", sep="\t")
    log["t_dat"] = pd.to_datetime(log["timestamp"], unit="s")
    renamed = log.rename(columns={"user": "customer_id", "item": "article_id"})
    renamed[["t_dat", "customer_id", "article_id"]].to_csv(shop / "log.csv.gz", index=False)
    listed = (shop / "items.csv").read_text().replace("item,category", "article_id,product_group")
    (shop / "articles.csv").write_text(listed)
    columns = {
        "user": "customer_id",
        "item": "article_id",
        "timestamp": "t_dat",
        "category": "product_group",
    }
    source = {"items": "articles.csv", "interactions": "log.csv.gz", "columns": columns}
    target = prepare(shop, source=source)
    found = pd.read_parquet(target / "interactions.parquet")
    assert found[["user", "item", "held_out"]].equals(expected)
    assert set(pd.read_parquet(target / "items.parquet")["label"]) == {"sandal"}


def test_what_was_dropped_is_said(shop, capsys):
    prepare(shop)
    said = capsys.readouterr().out
    assert "shop: read 12 users, 8 items, 60 interactions; kept 12 users" in said
    assert "dropped: 12 interactions repeated by the same user" in said
    prepare(shop, core_users=4, core_items=2, min_rating=5, expected={"users": 13})
    assert "warning: shop: 12 users are left where 13 are expected" in capsys.readouterr().out
