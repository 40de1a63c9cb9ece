"""The whole grid, run small through Snakemake, and what runs again after a change."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

import grid
from varbench.workflow.sources import listing

AFTER_TABLES = {"render_tables": 1, "draw_figures": 1, "compare_published": 1}
AFTER_CELLS = {"aggregate_cells": 1, **AFTER_TABLES}
AFTER_IMAGES = {"aggregate_images": 1, **AFTER_TABLES}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the checkout in which the tiny grid has run."""
    checkout = grid.copy_checkout(tmp_path_factory.mktemp("finished"))
    grid.snakemake(checkout, "all")
    return checkout


@pytest.fixture
def checkout(finished):
    """The finished copy; whatever a test edits in it is put back."""
    kept = {
        path: path.read_bytes()
        for part in ("src", "workflow", "tests", "config.yaml", "rules")
        for path in [finished / part, *(finished / part).rglob("*")]
        if path.is_file() and "__pycache__" not in path.parts
    }
    yield finished
    for path, content in kept.items():
        if path.read_bytes() != content:
            path.write_bytes(content)


def edit(checkout: Path, key: str, value: object) -> None:
    path = checkout / "tests" / "tiny.yaml"
    config = yaml.safe_load(path.read_text())
    *parents, last = key.split("/")
    block = config
    for parent in parents:
        block = block.setdefault(parent, {})
    block[last] = value
    path.write_text(yaml.safe_dump(config, sort_keys=False))


def append(checkout: Path, file: str) -> None:
    with (checkout / file).open("a") as source:
        source.write("\n# edited\n")


def test_tables_have_a_row_for_every_cell(finished):
    tables = finished / "results" / "tables"
    chr_table = pd.read_csv(tables / "table1.csv")
    keys = ["dataset", "defense", "attack", "recommender", "seed"]
    assert len(chr_table) == 1 * 2 * 3 * 2
    assert not chr_table.duplicated(keys).any()
    columns = ["chr_at_10_low", "chr_at_10", "chr_at_10_high"]
    assert (chr_table[columns].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    images = pd.read_csv(tables / "table2.csv")
    assert len(images) == 1 * 2 * 2
    assert images["success_rate"].between(0, 1).all()
    assert images["lpips"].isna().all()  # the stand-in never stands under that name
    # Five iterations of C&W may find nothing and leave images as they are; PGD moves every one.
    assert (images["perceptual_stand_in"] >= 0).all()
    assert (images.loc[images["attack"] == "pgd_8", "perceptual_stand_in"] > 0).all()
    assert images["perceptual_label"].str.contains("not LPIPS").all()
    accuracy = pd.read_csv(tables / "accuracy.csv")
    assert accuracy["auc"].between(0, 1).all()
    for name in ("table1", "table2", "accuracy"):
        for suffix in ("md", "tex", "html"):
            assert (tables / f"{name}.{suffix}").stat().st_size > 200


def test_changes_are_those_of_table_1_against_the_same_defenses_clean_cell(finished):
    tables = finished / "results" / "tables"
    keys = ["dataset", "defense", "recommender", "seed"]
    hit_ratios = pd.read_csv(tables / "table1.csv")
    clean = hit_ratios[hit_ratios["attack"] == "none"].set_index(keys)["chr_at_10"]
    attacked = hit_ratios[hit_ratios["attack"] != "none"].set_index([*keys, "attack"])["chr_at_10"]
    changes = pd.read_csv(tables / "changes.csv").set_index([*keys, "attack"])
    assert len(changes) == len(attacked)
    expected = attacked - clean.reindex(attacked.index.droplevel("attack")).to_numpy()
    pd.testing.assert_series_equal(
        changes["change"].sort_index(), expected.sort_index(), check_names=False
    )
    assert (changes["baseline_defense"] == changes.index.get_level_values("defense")).all()
    assert (changes["change_low"] <= changes["change"]).all()
    assert (changes["change"] <= changes["change_high"]).all()
    assert changes["p_value"].between(0, 1).all()
    assert (changes["p_adjusted"] >= changes["p_value"] - 1e-12).all()


def test_attacked_images_are_stored_within_epsilon(finished):
    for path in (finished / "results" / "attacks").glob("*/*/pgd_8/outcome.parquet"):
        outcome = pd.read_parquet(path)
        assert (outcome["l_inf"] * 255 <= 8 + 1e-6).all()
        assert (outcome["l_inf"] > 0).all()
    for path in (finished / "results" / "attacks").glob("*/*/none/outcome.parquet"):
        assert (pd.read_parquet(path)["l_inf"] == 0).all()


def test_nothing_runs_again_without_a_change(checkout):
    assert grid.planned(checkout) == set()


def test_an_attacks_parameter_reruns_its_cells_only(checkout):
    edit(checkout, "attacks/pgd_8/steps", 3)
    jobs = grid.planned(checkout)
    of_cells = {job for job in jobs if dict(job[1])}
    assert {dict(wildcards).get("attack") for _, wildcards in of_cells} == {"pgd_8"}
    assert grid.rules(jobs) == {
        "attack_images": 2,
        "measure_images": 2,
        "train_recommender": 2,
        "continue_recommender": 2,
        "evaluate_cell": 4,
        **AFTER_CELLS,
        **AFTER_IMAGES,
    }


def test_a_recommenders_parameter_reruns_that_recommender_only(checkout):
    edit(checkout, "recommenders/amr/adversarial_weight", 0.5)
    jobs = grid.planned(checkout)
    assert grid.rules(jobs) == {
        "continue_recommender": 6,
        "evaluate_cell": 6,
        **AFTER_CELLS,
    }


def test_a_defenses_parameter_reruns_that_defense_only(checkout):
    edit(checkout, "defenses/FAT/replays", 1)
    jobs = grid.planned(checkout)
    named = {dict(wildcards)["defense"] for _, wildcards in jobs if "defense" in dict(wildcards)}
    assert named == {"FAT"}
    assert grid.rules(jobs) == {
        "train_extractor": 1,
        "extract_features": 1,
        "attack_images": 3,
        "measure_images": 2,
        "train_recommender": 3,
        "continue_recommender": 3,
        "evaluate_cell": 6,
        "aggregate_extractors": 1,
        **AFTER_CELLS,
        **AFTER_IMAGES,
    }


def test_k_of_the_metric_reruns_the_evaluation_only(checkout):
    edit(checkout, "metrics/k", 5)
    assert grid.rules(grid.planned(checkout)) == {
        "evaluate_cell": 12,
        "rank_references": 1,
        **AFTER_CELLS,
    }


def test_a_number_of_the_rendering_renders_again_only(checkout):
    edit(checkout, "tables/chr_digits", 2)
    assert grid.rules(grid.planned(checkout)) == {"render_tables": 1}


@pytest.mark.parametrize("method", ["pgd", "expa"])
def test_a_new_attack_runs_its_cells_only(checkout, method):
    edit(checkout, "attacks/new_16", {"method": method, "epsilon": 16})
    jobs = grid.planned(checkout)
    assert {dict(w)["attack"] for _, w in jobs if "attack" in dict(w)} == {"new_16"}
    assert grid.rules(jobs)["attack_images"] == 2
    assert grid.rules(jobs)["evaluate_cell"] == 4
    assert "train_extractor" not in grid.rules(jobs)
    # Only an attack that aims at an item depends on who took what.
    assert grid.rules(jobs).get("select_target_item", 0) == (method == "expa")


def test_another_seed_runs_new_recommenders_only(checkout):
    edit(checkout, "seeds", [0, 1])
    assert grid.rules(grid.planned(checkout)) == {
        "train_recommender": 6,
        "continue_recommender": 6,
        "evaluate_cell": 12,
        **AFTER_CELLS,
    }


def test_an_attacks_source_reruns_that_attack_only(checkout):
    append(checkout, "src/varbench/attacks/pgd.py")
    jobs = grid.planned(checkout)
    assert {dict(w)["attack"] for _, w in jobs if "attack" in dict(w)} == {"pgd_8"}
    assert grid.rules(jobs)["attack_images"] == 2


def test_a_metrics_source_reruns_the_evaluation_only(checkout):
    append(checkout, "src/varbench/metrics/category.py")
    assert grid.rules(grid.planned(checkout)) == {"evaluate_cell": 12, **AFTER_CELLS}


def test_registering_a_method_reruns_nothing(checkout):
    append(checkout, "src/varbench/registry.py")
    assert grid.planned(checkout) == set()


def test_an_unrelated_key_reruns_nothing(checkout):
    edit(checkout, "device", "cpu")
    edit(checkout, "catalogues/spare", {"source": {"method": "folder", "path": "nowhere"}})
    assert grid.planned(checkout) == set()


def test_a_protocol_switch_reruns_its_stage_only(checkout):
    edit(checkout, "protocol/D8_regulariser", "as_published")
    assert grid.rules(grid.planned(checkout)) == {
        "train_recommender": 6,
        "continue_recommender": 6,
        "evaluate_cell": 12,
        **AFTER_CELLS,
    }
    for switch in ("D6_counted_items", "D15_baseline"):
        edit(checkout, "protocol", {switch: "as_published"})
        assert grid.rules(grid.planned(checkout)) == AFTER_CELLS
    edit(checkout, "protocol", {"D2_saving": "as_published"})
    attacks = {dict(w).get("attack") for rule, w in grid.planned(checkout) if w}
    assert attacks == {"pgd_8", "cw"}


def test_under_d4_only_attacked_rows_come_from_the_defended_network(checkout):
    edit(checkout, "protocol/D4_rest_features", "as_published")
    rest = {}
    for attack in ("none", "pgd_8"):
        model = f"results/cells/mini_men/FAT/{attack}/vbpr/0/model.safetensors"
        printed = grid.snakemake(checkout, model, "--dry-run", "--printshellcmds", "--force").stdout
        command = re.search(r"train_recommender\.py .*", printed)[0]
        rest[attack] = re.search(r"--clean \S*/(\w+)/features\.npy", command)[1]
        assert f"/FAT/{attack}/features.npy" in re.search(r"--features (\S+)", command)[1]
    assert rest == {"none": "FAT", "pgd_8": "T"}


def test_an_added_image_is_noticed(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(b"1")
    before = listing(tmp_path / "images")
    os.utime(tmp_path / "images" / "a.jpg", (1, 1))
    assert listing(tmp_path / "images") == before
    (tmp_path / "images" / "b.jpg").write_bytes(b"2")
    assert listing(tmp_path / "images") != before
    assert listing(tmp_path / "nowhere") == listing(tmp_path / "neither")


def test_the_published_numbers_stand_beside_ours(finished):
    tables = finished / "results" / "tables"
    published = pd.read_csv(tables / "published.csv")
    ours = pd.read_csv(tables / "table1.csv")
    row = published.query("defense == 'FAT' and attack == 'pgd_8' and recommender == 'amr'")
    cell = ours.query("defense == 'FAT' and attack == 'pgd_8' and recommender == 'amr'")
    assert row["ours"].item() == pytest.approx(cell["chr_at_10"].item())
    claims = pd.read_csv(tables / "claims.csv")
    decided = {name: set(rows["claim"]) for name, rows in claims.groupby("tables")}
    assert set(decided) == {"the paper's", "ours, corrected"}
    assert decided["the paper's"] == decided["ours, corrected"]


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


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("attacks/pgd_8/epsilon", 300, "configuration: attacks.pgd_8.epsilon: 300 is greater"),
        ("attacks/pgd_8/epsilom", 4, "did you mean 'epsilon'?"),
        ("datasets/mini_men/target_category", "sandal", "are the same"),
    ],
)
def test_a_bad_configuration_stops_before_any_job(checkout, key, value, message):
    edit(checkout, key, value)
    done = grid.snakemake(checkout, "all", check=False)
    assert done.returncode
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_category_without_images_is_named(tmp_path):
    classes = pd.DataFrame({"item": [0, 1], "class": [3, 4], "probability": 1.0})
    classes.to_parquet(tmp_path / "classes.parquet")
    done = subprocess.run(
        [
            *(sys.executable, grid.BASE / "workflow" / "scripts" / "select_attacked.py"),
            *("--dataset", "shop", "--source-class", "7", "--target-class", "4"),
            *("--classes", tmp_path / "classes.parquet", "--output", tmp_path / "out.parquet"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: datasets.shop.source_category: the undefended network")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.parquet").exists()


def test_an_ablation_shares_what_its_switches_do_not_reach(checkout):
    edit(
        checkout, "ablation", {"defenses": ["FAT"], "attacks": ["pgd_8"], "recommenders": ["vbpr"]}
    )
    finished_cells = grid.planned(checkout, "ablation")
    assert not {w for rule, w in finished_cells if dict(w).get("attack") == "cw"}
    grid.snakemake(checkout, "ablation")
    assert grid.planned(checkout, "ablation") == set()

    table = pd.read_csv(checkout / "results" / "tables" / "ablation.csv")
    assert len(table) == table["protocol"].nunique() * 2
    table1 = pd.read_csv(checkout / "results" / "tables" / "table1.csv")
    cells = table1.query("defense == 'FAT' and recommender == 'vbpr'").set_index("attack")
    corrected = table[table["protocol"] == "corrected"].set_index("attack")
    for attack in ("none", "pgd_8"):
        assert corrected.loc[attack, "chr_at_10"] == cells.loc[attack, "chr_at_10"]
    change = corrected.loc["pgd_8", "chr_at_10"] - corrected.loc["none", "chr_at_10"]
    assert corrected.loc["pgd_8", "chr_change"] == pytest.approx(change)
    published = table[table["protocol"] == "as_published"]
    assert (published["difference"] == 0).all()
    attacked = table[table["attack"] == "pgd_8"].set_index("protocol")
    # Epsilon 8 of the normalised image is at most 2 grey levels: the stated 8 moves features more.
    stated = attacked.loc["as_published, D1_epsilon_space corrected", "feature_loss"]
    assert stated > attacked.loc["as_published", "feature_loss"]
    claims = pd.read_csv(checkout / "results" / "tables" / "ablation_claims.csv")
    assert claims["tables"].nunique() == table["protocol"].nunique()
    assert claims["holds"].isna().all()  # one attack decides nothing
    assert claims["evidence"].str.startswith("no value").all()
    for suffix in ("md", "tex", "html"):
        text = (checkout / "results" / "tables" / f"ablation.{suffix}").read_text()
        assert "corrected" in text
