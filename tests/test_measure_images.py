"""The command that measures all attacks on a network's images together."""

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision

import cells
from varbench.image_archive import write_images
from varbench.images import to_unit
from varbench.metrics.perceptual import distances, lpips_model
from varbench.metrics.stand_in import stand_in_distances
from varbench.storage import read_table, write_array, write_table

ITEMS = [3, 4, 8, 9, 11]
SIZES = [(32, 40), (40, 32), (32, 40), (64, 64), (32, 40)]
CATALOGUE, WIDTH = 12, 6


@pytest.fixture
def images(tmp_path):
    """A catalogue's images and features, and two attacks on some of the items."""
    random = np.random.default_rng(0)
    clean = [random.integers(0, 256, (*size, 3), np.uint8) for size in SIZES]
    features = random.normal(size=(CATALOGUE, WIDTH)).astype(np.float32)
    write_images(tmp_path / "clean.zip", zip(ITEMS, clean, strict=True))
    write_array(tmp_path / "clean.npy", features)
    attacked = {}
    for step, name in ((3, "weak"), (30, "strong")):
        attacked[name] = [
            np.clip(image + random.integers(-step, step + 1, image.shape), 0, 255).astype(np.uint8)
            for image in clean
        ]
        folder = tmp_path / name
        write_images(folder / "images.zip", zip(ITEMS, attacked[name], strict=True))
        write_array(folder / "features.npy", features[ITEMS] + np.float32(step))
        outcome = pd.DataFrame(
            {"item": ITEMS, "class_before": [1, 1, 2, 2, 0], "success": step > 3}
        )
        write_table(folder / "outcome.parquet", outcome)
    return clean, attacked


def measure(folder, backbone):
    return cells.run(
        "measure_images",
        perceptual="squeeze",
        backbone=backbone,
        source_class=1,
        target_class=2,
        attacks=["weak", "strong"],
        attack=folder / "{attack}",
        clean_images=folder / "clean.zip",
        clean_features=folder / "clean.npy",
        output=folder / "visual.parquet",
        device="cpu",
    )


@pytest.mark.parametrize("kind", ["LPIPS", "stand-in"])
def test_each_image_of_each_attack_is_measured_as_if_alone(tmp_path, images, kind):
    clean, attacked = images
    if kind == "LPIPS":
        torch.manual_seed(1)
        backbone = torchvision.models.squeezenet1_1(weights=None).state_dict()
        torch.save(backbone, tmp_path / "squeeze.pt")
        model = lpips_model("squeeze", backbone)
        done = measure(tmp_path, tmp_path / "squeeze.pt")
    else:
        done = measure(tmp_path, "stand-in")
    assert done.returncode == 0, done.stderr

    table = read_table(tmp_path / "visual.parquet")
    assert table["item"].tolist() == ITEMS * 2
    assert table["is_lpips"].eq(kind == "LPIPS").all()
    for step, name in ((3, "weak"), (30, "strong")):
        rows = table[table["attack"] == name]
        assert rows["success"].eq(step > 3).all()
        assert rows["in_source_before"].tolist() == [True, True, False, False, False]
        assert rows["in_target_before"].tolist() == [False, False, True, True, False]
        assert rows["feature_loss"].to_numpy() == pytest.approx(step**2, rel=1e-5)
        for distance, before, after in zip(rows["distance"], clean, attacked[name], strict=True):
            if kind == "LPIPS":
                alone = distances(model, to_unit([before]), [to_unit([after])]).item()
            else:
                alone = stand_in_distances([before], [[after]]).item()
            assert distance == pytest.approx(alone, rel=1e-4)


@pytest.mark.usefixtures("images")
def test_attacks_on_other_items_are_refused(tmp_path):
    outcome = read_table(tmp_path / "strong" / "outcome.parquet")
    write_table(tmp_path / "strong" / "outcome.parquet", outcome[::-1].reset_index(drop=True))
    done = measure(tmp_path, "stand-in")
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {tmp_path}/strong: other items than in {tmp_path}/weak; "
        "delete both and run again\n"
    )
    assert not (tmp_path / "visual.parquet").exists()
