"""What runs again after a change, by dry runs over the finished small grid."""

import os
import re
import shutil

import pytest
import torch
import yaml
from safetensors.torch import load_file

import grid
from varbench.experiment.protocol import SWITCHES

AFTER_TABLES = {"render_tables": 1, "draw_figures": 1, "compare_published": 1}
AFTER_CELLS = {"aggregate_cells": 1, **AFTER_TABLES}
AFTER_IMAGES = {"aggregate_images": 1, **AFTER_TABLES}


def test_nothing_runs_again_without_a_change(checkout):
    assert grid.planned(checkout) == set()


def test_an_attacks_parameter_reruns_its_cells_only(checkout):
    grid.edit(checkout, "attacks/pgd_8/steps", 3)
    jobs = grid.planned(checkout)
    assert {dict(w)["attack"] for _, w in jobs if "attack" in dict(w)} == {"pgd_8"}
    assert grid.rules(jobs) == {
        "attack_images": 2,
        "measure_images": 2,
        "train_recommender": 4,
        "evaluate_cell": 4,
        "draw_examples": 1,
        **AFTER_CELLS,
        **AFTER_IMAGES,
    }


def test_a_recommenders_parameter_reruns_that_recommender_only(checkout):
    grid.edit(checkout, "recommenders/amr/adversarial_weight", 0.5)
    jobs = grid.planned(checkout)
    assert grid.rules(jobs) == {
        "train_recommender": 6,
        "evaluate_cell": 6,
        **AFTER_CELLS,
    }


def test_a_defenses_parameter_reruns_that_defense_only(checkout):
    grid.edit(checkout, "defenses/FAT/replays", 1)
    jobs = grid.planned(checkout)
    named = {dict(wildcards)["defense"] for _, wildcards in jobs if "defense" in dict(wildcards)}
    assert named == {"FAT"}
    assert grid.rules(jobs) == {
        "train_extractor": 1,
        "extract_features": 1,
        "attack_images": 2,
        "measure_images": 1,
        "train_recommender": 6,
        "evaluate_cell": 6,
        "aggregate_extractors": 1,
        **AFTER_CELLS,
        **AFTER_IMAGES,
    }


def test_k_of_the_metric_reruns_the_evaluation_only(checkout):
    grid.edit(checkout, "metrics/k", 5)
    assert grid.rules(grid.planned(checkout)) == {
        "evaluate_cell": 12,
        "rank_references": 1,
        **AFTER_CELLS,
    }


def test_a_number_of_the_rendering_renders_again_only(checkout):
    grid.edit(checkout, "tables/chr_digits", 2)
    assert grid.rules(grid.planned(checkout)) == {"render_tables": 1}


@pytest.mark.parametrize("method", ["pgd", "expa"])
def test_a_new_attack_runs_its_cells_only(checkout, method):
    grid.edit(checkout, "attacks/new_16", {"method": method, "epsilon": 16})
    jobs = grid.planned(checkout)
    assert {dict(w)["attack"] for _, w in jobs if "attack" in dict(w)} == {"new_16"}
    assert grid.rules(jobs)["attack_images"] == 2
    assert grid.rules(jobs)["evaluate_cell"] == 4
    assert "train_extractor" not in grid.rules(jobs)
    # Only an attack that aims at an item depends on who took what.
    assert grid.rules(jobs).get("select_target_item", 0) == (method == "expa")


def test_another_seed_runs_new_recommenders_only(checkout):
    grid.edit(checkout, "seeds", [0, 1])
    assert grid.rules(grid.planned(checkout)) == {
        "train_recommender": 12,
        "evaluate_cell": 12,
        **AFTER_CELLS,
    }


def test_an_attacks_source_reruns_that_attack_only(checkout):
    grid.append(checkout, "src/varbench/attacks/pgd.py")
    jobs = grid.planned(checkout)
    assert {dict(w)["attack"] for _, w in jobs if "attack" in dict(w)} == {"pgd_8"}
    assert grid.rules(jobs)["attack_images"] == 2


def test_a_metrics_source_reruns_the_evaluation_only(checkout):
    grid.append(checkout, "src/varbench/metrics/category.py")
    assert grid.rules(grid.planned(checkout)) == {"evaluate_cell": 12, **AFTER_CELLS}


def test_registering_a_method_reruns_nothing(checkout):
    grid.append(checkout, "src/varbench/registry.py")
    assert grid.planned(checkout) == set()


def test_an_unrelated_key_reruns_nothing(checkout):
    grid.edit(checkout, "device", "cpu")
    grid.edit(checkout, "catalogues/spare", {"source": {"method": "folder", "path": "nowhere"}})
    assert grid.planned(checkout) == set()


# What the tables need after a switch: attacks made again, recommenders trained, cells evaluated.
REACHES = {
    "D1_epsilon_space": ({"pgd_8"}, 4, 4),
    "D2_saving": ({"pgd_8", "cw"}, 8, 8),
    "D3_clipping": ({"pgd_8"}, 4, 4),
    "D4_rest_features": (set(), 4, 4),  # attacked cells under FAT
    "D5_attacked_items": (set(), 0, 0),
    "D6_counted_items": (set(), 0, 0),
    "D7_divisor": (set(), 0, 0),
    "D8_regulariser": (set(), 12, 12),
    "D9_feature_scale": (set(), 12, 12),
    "D10_amr_start": (set(), 6, 6),
    "D11_user_factors": (set(), 12, 12),
    "D12_split": ({"pgd_8", "cw"}, 12, 12),
    "D13_success_rate": (set(), 0, 0),
    "D14_cw_variable": ({"cw"}, 4, 4),
    "D15_baseline": (set(), 0, 0),
    "D17_amr_optimiser": (set(), 6, 6),
}
OF_IMAGES = ("D5_attacked_items", "D13_success_rate")


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_protocol_switch_reruns_its_stages_only(checkout, switch):
    grid.edit(checkout, "protocol", {switch: "as_published"})
    jobs = grid.planned(checkout)
    count = grid.rules(jobs)
    attacks, trained, evaluated = REACHES[switch]
    assert {dict(w)["attack"] for rule, w in jobs if rule == "attack_images"} == attacks
    assert count.get("train_recommender", 0) == trained
    assert count.get("evaluate_cell", 0) == evaluated
    assert "train_extractor" not in count
    assert count.get("extract_features", 0) == (2 if switch == "D12_split" else 0)
    assert count.get("measure_images", 0) == (2 if attacks else 0)
    if switch in OF_IMAGES:
        assert count == AFTER_IMAGES
    elif trained == 0:
        assert count == AFTER_CELLS


def test_a_loaded_network_gives_way_to_a_trained_one(finished, tmp_path):
    """Snakemake looks for changes only where it knows every output of the rule that is wanted."""
    checkout = tmp_path / "loaded"
    shutil.copytree(finished, checkout, symlinks=True)
    weights = load_file(checkout / "results" / "extractors" / "FAT.safetensors")
    torch.save(weights, checkout / "FAT.pt")
    trained = yaml.safe_load((checkout / "config.yaml").read_text())["defenses"]["FAT"]
    tiny = yaml.safe_load((checkout / "tests/tiny.yaml").read_text())["defenses"]["FAT"]
    loaded = dict.fromkeys([*trained, *tiny]) | {"method": "pretrained", "weights": "FAT.pt"}
    grid.edit(checkout, "defenses/FAT", loaded)
    grid.snakemake(checkout, "results/extractors/FAT.safetensors")
    grid.edit(checkout, "defenses/FAT", tiny)
    assert grid.rules(grid.planned(checkout))["train_extractor"] == 1


def test_under_d4_only_attacked_rows_come_from_the_defended_network(checkout):
    grid.edit(checkout, "protocol/D4_rest_features", "as_published")
    rest = {}
    for attack in ("none", "pgd_8"):
        model = f"results/cells/mini_men/FAT/{attack}/vbpr/0/model.safetensors"
        printed = grid.snakemake(checkout, model, "--dry-run", "--printshellcmds", "--force").stdout
        command = re.search(r"train_recommender\.py .*", printed)[0]
        rest[attack] = re.search(r"--clean \S*/(\w+)/features\.npy", command)[1]
        attacked = re.findall(r"--features \S*/FAT/(\w+)/features\.npy", command)
        assert attacked == ([] if attack == "none" else [attack])
    assert rest == {"none": "FAT", "pgd_8": "T"}


def test_touching_every_file_reruns_nothing(finished, tmp_path):
    checkout = tmp_path / "touched"
    shutil.copytree(finished, checkout, symlinks=True)
    for n, path in enumerate(sorted(checkout.rglob("*"), reverse=True)):
        os.utime(path, (2_000_000_000 + n, 2_000_000_000 + n))
    assert grid.planned(checkout) == set()


def test_a_fresh_clone_over_existing_results_reruns_nothing(finished, tmp_path):
    clone = grid.copy_checkout(tmp_path / "clone", finished)
    for part in ("results", ".snakemake"):
        shutil.copytree(finished / part, clone / part)
    assert grid.planned(clone) == set()
