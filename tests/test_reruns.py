"""What runs again after a change: in one process, and in real dry runs over the finished grid."""

import os
import re
import shutil
from copy import deepcopy

import pytest
import torch
import yaml
from safetensors.torch import load_file
from snakemake.utils import update_config

import grid
import leaves
from invalidation import Workflows, rerun
from varbench.axes import THREATS

AFTER_TABLES = {
    "render_tables": 1,
    "draw_figures": 1,
    "compare_published": 1,
    "draw_examples": 1,
    "aggregate_costs": 1,
    "record_provenance": 1,
    "make_page": 1,
}
AFTER_CELLS = {"aggregate_cells": 1, **AFTER_TABLES}
AFTER_IMAGES = {"aggregate_images": 1, **AFTER_TABLES}


def tiny():
    """The configuration of the finished grid."""
    config = yaml.safe_load((grid.BASE / "config.yaml").read_text())
    update_config(config, yaml.safe_load((grid.BASE / "tests" / "tiny.yaml").read_text()))
    return leaves.valid(config)


@pytest.fixture(scope="module")
def after(tmp_path_factory):
    """What runs again, by rule and wildcards, after keys of the tiny configuration were set."""
    monkeypatch = pytest.MonkeyPatch()
    workflows = Workflows(tmp_path_factory.mktemp("workflow") / "checkout", monkeypatch)
    before = workflows.jobs(tiny(), "all")

    def change(**values):
        config = tiny()
        for key, value in values.items():
            *parents, last = key.split("__")
            leaves.at(config, parents)[last] = value
        config = leaves.valid(config)
        assert config is not None
        return rerun(before, workflows.jobs(config, "all"))

    yield change
    monkeypatch.undo()


def values(jobs, name):
    """The values of one wildcard among jobs."""
    return {dict(wildcards)[name] for _, wildcards in jobs if name in dict(wildcards)}


def test_nothing_runs_again_without_a_change(after):
    assert after() == set()


def test_an_attacks_parameter_reruns_its_cells_only(after):
    jobs = after(attacks__pgd_8__steps=3)
    assert values(jobs, "attack") == {"pgd_8"}
    assert grid.rules(jobs) == {
        "attack_images": 4,  # two networks in two runs
        "read_images": 4,
        "measure_images": 4,
        "examine_attack": 2,  # of the first run
        "train_recommender": 4,  # under poisoning
        "evaluate_cell": 12,
        **AFTER_CELLS,
        **AFTER_IMAGES,
    }


def test_a_recommenders_parameter_reruns_that_recommender_only(after):
    jobs = after(recommenders__amr__adversarial_weight=0.5)
    assert values(jobs, "recommender") == {"amr"}
    assert grid.rules(jobs) == {"train_recommender": 8, "evaluate_cell": 16, **AFTER_CELLS}


def test_a_defenses_parameter_reruns_that_defense_only(after):
    jobs = after(defenses__FAT__replays=1)
    assert values(jobs, "defense") == {"FAT"}
    assert {"select_attacked", "prepare_catalogue"} & {rule for rule, _ in jobs} == set()
    assert grid.rules(jobs)["train_extractor"] == 2


def test_k_of_the_metric_reruns_the_evaluation_only(after):
    assert grid.rules(after(metrics__k=5)) == {
        "evaluate_cell": 32,
        "rank_references": 1,
        **AFTER_CELLS,
    }


def test_the_rendering_is_not_the_numbers(after):
    # What shows a run's costs, its provenance and the tables' digits is made again, no table is.
    shown = {"render_tables", "aggregate_costs", "record_provenance", "make_page"}
    assert {rule for rule, _ in after(tables__chr_digits=2)} == shown


@pytest.mark.parametrize("method", ["pgd", "expa"])
def test_a_new_attack_runs_its_cells_only(after, method):
    jobs = after(attacks__new_16={"method": method, "epsilon": 16})
    assert values(jobs, "attack") == {"new_16"}
    count = grid.rules(jobs)
    assert (count["attack_images"], count["evaluate_cell"]) == (4, 12)
    assert "train_extractor" not in count
    # Only an attack that aims at an item depends on who took what.
    assert count.get("select_target_item", 0) == (method == "expa")


def test_a_control_borrows_features_and_makes_no_images(after):
    count = grid.rules(after(attacks__best={"method": "ceiling"}))
    assert (count["borrow_features"], count["evaluate_cell"]) == (4, 12)
    assert {"attack_images", "read_images", "measure_images", "aggregate_images"}.isdisjoint(count)


def test_a_run_more_computes_the_new_runs_networks_and_images(after):
    jobs = after(runs=3)
    assert values(jobs, "run") == {"2"}
    count = grid.rules(jobs)
    assert (count["train_extractor"], count["extract_features"]) == (2, 2)
    assert count["attack_images"] == count["read_images"] == count["measure_images"] == 4
    # A cell's job has all runs; it leaves alone what is there (test_cells.py).
    assert (count["train_recommender"], count["evaluate_cell"]) == (16, 32)
    once = {"prepare_catalogue", "draw_training_images", "select_attacked", "rank_references"}
    assert once.isdisjoint(count)


def test_another_recommenders_seed_trains_recommenders_only(after):
    jobs = after(recommender_seeds=2)
    assert grid.rules(jobs) == {"train_recommender": 16, "evaluate_cell": 32, **AFTER_CELLS}


def test_a_threat_more_runs_its_own_jobs_only(tmp_path, monkeypatch):
    workflows = Workflows(tmp_path / "checkout", monkeypatch)
    config = tiny()
    for threat, own in {
        "evasion": {"evaluate_cell": 8},
        "cold_start": {"train_recommender": 4, "evaluate_cell": 12},
    }.items():
        config["threats"] = [name for name in THREATS if name != threat]
        fewer = workflows.jobs(config, "all")
        jobs = rerun(fewer, workflows.jobs(tiny(), "all"))
        assert values(jobs, "threat") == {threat}
        assert grid.rules(jobs) == {**own, **AFTER_CELLS}


def test_fewer_threats_aggregate_only(after):
    assert grid.rules(after(threats=["poisoning"])) == AFTER_CELLS


def test_fewer_runs_compute_no_network_and_no_image(after):
    """Jobs of cells run, and find that all is there."""
    cells = {"train_recommender", "evaluate_cell"}
    rules = {rule for rule, _ in after(runs=1)}
    assert rules <= {*cells, *AFTER_CELLS, *AFTER_IMAGES, "aggregate_extractors"}


def test_an_unrelated_key_reruns_nothing(after):
    unused = {"source": {"method": "folder", "path": "nowhere"}}
    assert after(device="cpu", threads__attack=2) == set()
    # The page shows the whole configuration.
    assert grid.rules(after(catalogues__spare=unused)) == {"make_page": 1}


# Over results that are there: what is computed in one process is what Snakemake finds.


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"attacks__pgd_8__steps": 3},
        {
            "datasets__mini_men__target_category": "sandal",
            "datasets__mini_men__source_category": "running shoe",
        },
        {"catalogues__mini_men__core_users": 2, "catalogues__mini_men__core_items": 3},
        {"training_images__validation": 0.3},
        {"runs": 3, "metrics__confidence": 0.9},
    ],
    ids=lambda changed: ", ".join(changed) or "nothing",
)  # fmt: skip
def test_real_dry_runs_agree(checkout, after, changed):
    for key, value in changed.items():
        grid.edit(checkout, key.replace("__", "/"), value)
    assert grid.planned(checkout) == after(**deepcopy(changed))


def test_a_run_more_leaves_the_first_ones_as_they_are(finished, tmp_path):
    checkout = tmp_path / "more"
    shutil.copytree(finished, checkout, symlinks=True)
    smaller = {"defenses": ["T"], "attacks": ["none", "pgd_8"], "recommenders": ["vbpr"]}
    grid.edit(checkout, "grid", smaller)
    results = checkout / "results"

    def files(*parts):
        return [path for part in parts for path in (results / part).rglob("*") if path.is_file()]

    content = {path: path.read_bytes() for path in files("cells", "models")}
    # Snakemake touches what a job is said to make; networks and images have a job for each run.
    times = {path: path.stat().st_mtime_ns for path in files("attacks", "extractors")}
    grid.edit(checkout, "runs", 3)
    done = grid.snakemake(checkout, "all")
    assert {path: path.read_bytes() for path in content} == content
    assert {path: path.stat().st_mtime_ns for path in times} == times
    log = checkout / "results/logs/train_recommender/poisoning/mini_men/T/pgd_8/vbpr.log"
    assert log.read_text().count(" is there") == 2
    new = checkout / "results/models/poisoning/mini_men/T/pgd_8/vbpr/2/0/model.safetensors"
    assert new.exists()
    assert "Traceback" not in done.stderr
    assert grid.planned(checkout) == set()


def test_an_attacks_source_reruns_that_attack_only(checkout):
    grid.append(checkout, "src/varbench/attacks/pgd.py")
    jobs = grid.planned(checkout)
    assert values(jobs, "attack") == {"pgd_8"}
    assert grid.rules(jobs)["attack_images"] == 4


def test_sources_that_name_things_rerun_nothing(checkout):
    grid.append(checkout, "src/varbench/registry.py")
    grid.append(checkout, "src/varbench/axes.py")
    grid.append(checkout, "src/varbench/experiment/grid.py")
    assert grid.planned(checkout) == set()


def test_a_loaded_network_gives_way_to_a_trained_one(finished, tmp_path):
    """Snakemake looks for changes only where it knows every output of the rule that is wanted."""
    checkout = tmp_path / "loaded"
    shutil.copytree(finished, checkout, symlinks=True)
    network = "results/extractors/FAT/shared.safetensors"
    torch.save(load_file(checkout / network.replace("shared", "0")), checkout / "FAT.pt")
    trained = yaml.safe_load((checkout / "config.yaml").read_text())["defenses"]["FAT"]
    tiny = yaml.safe_load((checkout / "tests/tiny.yaml").read_text())["defenses"]["FAT"]
    loaded = dict.fromkeys([*trained, *tiny]) | {"method": "pretrained", "weights": "FAT.pt"}
    grid.edit(checkout, "defenses/FAT", loaded)
    grid.snakemake(checkout, network)
    assert "train_extractor" not in grid.rules(grid.planned(checkout))
    grid.edit(checkout, "defenses/FAT", tiny)
    assert grid.planned(checkout) == set()  # its own files are still there


def test_under_d4_only_attacked_rows_come_from_the_defended_network(checkout):
    grid.edit(checkout, "protocol/D4_rest_features", "as_published")
    rest = {}
    for attack in ("none", "pgd_8"):
        model = f"results/models/poisoning/mini_men/FAT/{attack}/vbpr/0/0/model.safetensors"
        printed = grid.snakemake(checkout, model, "--dry-run", "--printshellcmds", "--force").stdout
        command = re.search(r"train_recommender\.py .*", printed)[0]
        rest[attack] = re.search(r"--clean-features \S*/(\w+)/0/features\.npy", command)[1]
        attacked = re.findall(r"/FAT/(\w+)/0/attacked_features\.npy", command)
        assert attacked == (["pgd_8"] if attack == "pgd_8" else [])
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
