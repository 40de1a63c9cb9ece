"""The command that measures how far the eye sees an attack's images from the clean ones."""

import numpy as np
import pytest
import torch
import torchvision

import cells
from varbench.image_archive import write_images
from varbench.images import to_unit
from varbench.metrics.perceptual import distances, lpips_model
from varbench.metrics.stand_in import stand_in_distances
from varbench.storage import read_table

ITEMS = [3, 4, 8, 9, 11]
SIZES = [(32, 40), (40, 32), (32, 40), (64, 64), (32, 40)]


@pytest.fixture
def images(tmp_path):
    """A catalogue's images, and an attack on some of the items."""
    random = np.random.default_rng(0)
    clean = [random.integers(0, 256, (*size, 3), np.uint8) for size in SIZES]
    attacked = [
        np.clip(image + random.integers(-30, 31, image.shape), 0, 255).astype(np.uint8)
        for image in clean
    ]
    others = [random.integers(0, 256, (32, 32, 3), np.uint8) for _ in range(2)]
    catalogue = [*zip([0, *ITEMS, 12], [others[0], *clean, others[1]], strict=True)]
    write_images(tmp_path / "clean.zip", catalogue)
    write_images(tmp_path / "images.zip", zip(ITEMS, attacked, strict=True))
    return clean, attacked


@pytest.mark.parametrize("kind", ["LPIPS", "stand-in"])
def test_each_image_is_measured_as_if_alone(tmp_path, images, kind):
    files = {}
    if kind == "LPIPS":
        torch.manual_seed(1)
        backbone = torchvision.models.squeezenet1_1(weights=None).state_dict()
        torch.save(backbone, tmp_path / "squeeze.pt")
        model = lpips_model("squeeze", backbone)
        files["backbone"] = tmp_path / "squeeze.pt"
    done = cells.run(
        "measure_images",
        {"network": "squeeze"} if kind == "LPIPS" else {},
        image_archive=tmp_path / "clean.zip",
        attacked_images=tmp_path / "images.zip",
        distances=tmp_path / "distances.parquet",
        device="cpu",
        **files,
    )
    assert done.returncode == 0, done.stderr

    table = read_table(tmp_path / "distances.parquet")
    assert table["item"].tolist() == ITEMS
    assert table["is_lpips"].eq(kind == "LPIPS").all()
    assert table["distance_label"].str.contains("not LPIPS").eq(kind != "LPIPS").all()
    for distance, before, after in zip(table["distance"], *images, strict=True):
        if kind == "LPIPS":
            alone = distances(model, to_unit([before]), [to_unit([after])]).item()
        else:
            alone = stand_in_distances([before], [[after]]).item()
        assert distance == pytest.approx(alone, rel=1e-4)
        assert distance > 0


@pytest.mark.parametrize("untouched", [len(ITEMS), len(ITEMS) - 1])
def test_an_attack_of_which_nothing_is_left_is_said(tmp_path, images, untouched):
    """Such as one that storing as whole numbers undoes; one image that changed is enough."""
    clean, attacked = images
    stored = [*clean[:untouched], *attacked[untouched:]]
    write_images(tmp_path / "images.zip", zip(ITEMS, stored, strict=True))
    done = cells.run(
        "measure_images",
        {},
        image_archive=tmp_path / "clean.zip",
        attacked_images=tmp_path / "images.zip",
        distances=tmp_path / "distances.parquet",
        device="cpu",
    )
    assert done.returncode == 0, done.stderr
    said = "images.zip: all stored images equal the clean ones" in done.stdout
    assert said == (untouched == len(ITEMS))
