"""What strangers put into paths, ids and folders: nothing is run, and no disk is a surprise.

docs/inputs.md lists these and others, test_fuzz.py draws them at random.
"""

import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

import grid
from cells import evaluate, write_inputs
from varbench.extractors.networks import build
from varbench.storage import read_table

SCRIPTS = grid.BASE / "workflow" / "scripts"
# What Snakemake itself takes: no braces, its wildcards.
NASTY = 'it\'s "a" $(touch pwned); `touch pwned` && touch pwned | x > pwned *'
ITEMS = 12


def shop(folder: Path, ids: list[str]) -> None:
    """A folder of photographs that 60 users bought five of each."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for item in ids:
        pixels = rng.integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{item}.png")
    pd.DataFrame({"item": ids}).to_csv(folder / f"{NASTY[:20]}.csv", index=False)
    rows = [(f"u {u}", ids[(u + n) % len(ids)], 1, n) for u in range(60) for n in range(5)]
    table = pd.DataFrame(rows, columns=["user", "item", "rating", "timestamp"])
    table.to_csv(folder / "interactions.tsv", sep="\t", index=False)


def test_shell_characters_in_paths_and_ids_run_nothing(tmp_path):
    checkout = grid.copy_checkout(tmp_path / NASTY / "checkout")
    outside = checkout.parent
    ids = sorted(f"$(touch pwned) '{n}' \"; {{x}} `touch pwned`" for n in range(ITEMS))
    shop(outside / NASTY, ids)
    weights = build("shufflenet_v2_x0_5", ITEMS, seed=1).network.state_dict()
    weights["fc.bias"][3] = 100  # every image is of class 3
    torch.save(weights, outside / f"{NASTY}.pt")
    backbone = build("squeezenet1_1", 1000, seed=1).network.state_dict()
    torch.save(backbone, outside / f"{NASTY}2.pt")
    (outside / f"{NASTY}.txt").write_text("\n".join(f"class '{n}" for n in range(ITEMS)))
    config = yaml.safe_load((checkout / "config.yaml").read_text())
    config |= {
        "catalogues": {
            "shop": {
                "source": {"method": "folder", "path": f"../{NASTY}", "items": f"{NASTY[:20]}.csv"}
            }
        },
        "datasets": {
            "d": {"catalogue": "shop", "source_category": "class '3", "target_category": 4}
        },
        "extractor": {
            "architecture": "shufflenet_v2_x0_5",
            "image_size": 32,
            "classes": f"../{NASTY}.txt",
        },
        "defenses": {"T": {"method": "pretrained", "weights": f"../{NASTY}.pt"}},
        "attacks": {"none": {"method": "none"}, "pgd": {"method": "pgd", "epsilon": 4, "steps": 2}},
        "perceptual": {"network": "squeeze", "weights": f"../{NASTY}2.pt"},
        "ablation": {},
        "runs": 1,
    }
    (checkout / "config.yaml").write_text(yaml.safe_dump(config))
    overlay = f"../{NASTY}.yaml"
    (checkout / overlay).write_text("seed: 3\n")
    targets = ["results/tables/table2.csv", "results/tables/extractors.csv"]
    grid.snakemake(checkout, *targets, configfile=overlay)
    assert read_table(checkout / "results/catalogues/shop/items.parquet")["id"].tolist() == ids
    table = read_table(checkout / targets[0])
    assert table["attack"].tolist() == ["pgd"]
    assert (table["images"] == ITEMS).all()
    assert not [*tmp_path.rglob("pwned"), *grid.BASE.glob("pwned")]


@pytest.mark.parametrize("k", [-1, 0, 4])
def test_a_list_length_that_the_lists_do_not_have_is_one_line(tmp_path, k):
    done = evaluate(write_inputs(tmp_path), tmp_path / "out", 1, k=k)
    assert done.returncode == 1
    assert done.stderr == f"error: k {k}: lists are of 3 items; give at most that\n"


@pytest.fixture
def mount():
    """Mount another file system, perhaps read-only, or skip."""
    mounted = []

    def at(folder: Path, options: str) -> Path:
        folder.mkdir()
        line = ["mount", "-t", "tmpfs", "-o", f"size=4M,{options}", "tmpfs", str(folder)]
        done = subprocess.run(line, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no file system to mount: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield at
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def test_results_on_another_file_system(mount, tmp_path):
    """Files are renamed into place, which does not cross file systems."""
    disk = mount(tmp_path / "disk", "rw")
    (tmp_path / "results").symlink_to(disk)
    done = evaluate(write_inputs(tmp_path), tmp_path / "results" / "cell", 1)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (disk / "cell" / "1").iterdir()) == [
        "digest.txt",
        "items.parquet",
        "lists.npy",
        "users.parquet",
    ]


def test_a_read_only_results_folder_is_named_by_the_command(mount, tmp_path):
    disk = mount(tmp_path / "disk", "ro")
    done = evaluate(write_inputs(tmp_path), disk, 1)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"error: {disk}/")
    assert done.stderr.endswith(": Read-only file system\n")


def test_a_read_only_results_folder_stops_the_workflow(mount, tmp_path):
    checkout = grid.copy_checkout(tmp_path / "checkout")
    mount(checkout / "results", "ro")
    done = grid.snakemake(checkout, "results/training/images.zip", check=False)
    assert done.returncode
    assert "Read-only file system" in done.stdout + done.stderr
    assert os.listdir(checkout / "results") == []  # noqa: PTH208
