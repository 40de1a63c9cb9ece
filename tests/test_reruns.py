"""What runs again after a change, by dry runs over the finished small grid."""

import os
import re
import shutil

import pytest

import grid

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
        "train_recommender": 2,
        "continue_recommender": 2,
        "evaluate_cell": 4,
        "draw_examples": 1,
        **AFTER_CELLS,
        **AFTER_IMAGES,
    }


def test_a_recommenders_parameter_reruns_that_recommender_only(checkout):
    grid.edit(checkout, "recommenders/amr/adversarial_weight", 0.5)
    jobs = grid.planned(checkout)
    assert grid.rules(jobs) == {
        "continue_recommender": 6,
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
        "train_recommender": 3,
        "continue_recommender": 3,
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
        "train_recommender": 6,
        "continue_recommender": 6,
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


def test_a_protocol_switch_reruns_its_stage_only(checkout):
    grid.edit(checkout, "protocol/D8_regulariser", "as_published")
    assert grid.rules(grid.planned(checkout)) == {
        "train_recommender": 6,
        "continue_recommender": 6,
        "evaluate_cell": 12,
        **AFTER_CELLS,
    }
    for switch in ("D6_counted_items", "D7_divisor", "D15_baseline"):
        grid.edit(checkout, "protocol", {switch: "as_published"})
        assert grid.rules(grid.planned(checkout)) == AFTER_CELLS
    for switch in ("D5_attacked_items", "D13_success_rate"):
        grid.edit(checkout, "protocol", {switch: "as_published"})
        assert grid.rules(grid.planned(checkout)) == AFTER_IMAGES
    grid.edit(checkout, "protocol", {"D2_saving": "as_published"})
    jobs = grid.planned(checkout)
    assert {dict(w)["attack"] for _, w in jobs if "attack" in dict(w)} == {"pgd_8", "cw"}
    assert grid.rules(jobs)["measure_images"] == 2
    assert "extract_features" not in grid.rules(jobs)


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
