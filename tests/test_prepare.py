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
    with pytest.raises(InputError, match=r"12 users are left of 12, and 50 .*; lower core_users"):
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
