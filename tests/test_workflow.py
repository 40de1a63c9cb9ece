"""The whole grid, run small through Snakemake: what it gives, and what stops it."""

import pandas as pd
import pytest

import grid

CELL = ["dataset", "defense", "attack", "recommender"]
TABLE1 = {"poisoning": "table1", "evasion": "table1_evasion", "cold_start": "table1_cold_start"}


@pytest.fixture(scope="module")
def tables(finished):
    """Every CSV file of the finished grid, by name."""
    found = (finished / "results" / "tables").glob("*.csv")
    return {path.stem: pd.read_csv(path, keep_default_na=False, na_values=[""]) for path in found}


@pytest.mark.parametrize("threat", TABLE1)
def test_tables_have_a_row_for_every_cell(tables, threat):
    table = tables[TABLE1[threat]]
    assert len(table) == 1 * 2 * 3 * 2
    assert not table.duplicated(CELL).any()
    columns = ["chr_at_10_low", "chr_at_10", "chr_at_10_high"]
    assert (table[columns].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert (table["runs"] == 2).all()
    runs = tables["runs"].query("threat == @threat")
    assert len(runs) == 2 * len(table)
    means = runs.groupby(CELL)["chr_at_10"].mean()
    expected = table.set_index(CELL)["chr_at_10"]
    pd.testing.assert_series_equal(means.sort_index(), expected.sort_index())


def test_evasions_clean_cell_is_poisonings(tables):
    clean = [
        tables[TABLE1[threat]].query("attack == 'none'").set_index(CELL)["chr_at_10"]
        for threat in ("poisoning", "evasion")
    ]
    pd.testing.assert_series_equal(*clean)


def test_images_and_accuracy_are_there(tables):
    images = tables["table2"]
    assert len(images) == 1 * 2 * 2
    assert (images["runs"] == 2).all()
    assert images["success_rate"].between(0, 1).all()
    assert images["lpips"].isna().all()  # the stand-in never stands under that name
    # Five iterations of C&W may find nothing and leave images as they are; PGD moves every one.
    assert (images["perceptual_stand_in"] >= 0).all()
    assert (images.loc[images["attack"] == "pgd_8", "perceptual_stand_in"] > 0).all()
    assert images["perceptual_label"].str.contains("not LPIPS").all()
    assert tables["accuracy"]["auc"].between(0, 1).all()
    assert set(tables["accuracy"]["threat"].dropna()) == set(TABLE1)
    assert tables["extractors"].groupby("defense")["run"].nunique().eq(2).all()


def test_tables_are_rendered(finished):
    tables = finished / "results" / "tables"
    for name in ("table2", "accuracy", "promotion", *TABLE1.values()):
        for suffix in ("md", "tex", "html"):
            assert (tables / f"{name}.{suffix}").stat().st_size > 200


def test_changes_are_those_of_table_1_against_the_same_defenses_clean_cell(tables):
    keys = ["threat", "dataset", "defense", "recommender"]
    hit_ratios = pd.concat(tables[name].assign(threat=threat) for threat, name in TABLE1.items())
    clean = hit_ratios[hit_ratios["attack"] == "none"].set_index(keys)["chr_at_10"]
    attacked = hit_ratios[hit_ratios["attack"] != "none"].set_index([*keys, "attack"])["chr_at_10"]
    changes = tables["changes"].set_index([*keys, "attack"])
    assert len(changes) == len(attacked) == 3 * 1 * 2 * 2 * 2
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
    paths = [*(finished / "results" / "attacks").glob("*/*/pgd_8/*/outcome.parquet")]
    assert len(paths) == 4
    for path in paths:
        outcome = pd.read_parquet(path)
        assert (outcome["l_inf"] * 255 <= 8 + 1e-6).all()
        assert (outcome["l_inf"] > 0).all()


def test_the_published_numbers_stand_beside_ours(tables):
    published, ours = tables["published"], tables["table1"]
    row = published.query("defense == 'FAT' and attack == 'pgd_8' and recommender == 'amr'")
    cell = ours.query("defense == 'FAT' and attack == 'pgd_8' and recommender == 'amr'")
    assert row["ours"].item() == pytest.approx(cell["chr_at_10"].item())
    claims = tables["claims"]
    decided = {name: set(rows["claim"]) for name, rows in claims.groupby("tables")}
    assert set(decided) == {"the paper's", "ours, corrected"}
    assert decided["the paper's"] == decided["ours, corrected"]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("attacks/pgd_8/epsilon", 300, "configuration: attacks.pgd_8.epsilon: 300 is greater"),
        ("attacks/pgd_8/epsilom", 4, "did you mean 'epsilon'?"),
        ("datasets/mini_men/target_category", "sandal", "are the same"),
    ],
)
def test_a_bad_configuration_stops_before_any_job(checkout, key, value, message):
    grid.edit(checkout, key, value)
    done = grid.snakemake(checkout, "all", check=False)
    assert done.returncode
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_ablation_shares_what_its_switches_do_not_reach(checkout):
    grid.edit(
        checkout, "ablation", {"defenses": ["FAT"], "attacks": ["pgd_8"], "recommenders": ["vbpr"]}
    )
    finished_cells = grid.planned(checkout, "ablation")
    assert not {w for rule, w in finished_cells if dict(w).get("attack") == "cw"}
    grid.snakemake(checkout, "ablation")
    assert grid.planned(checkout, "ablation") == set()

    table = pd.read_csv(checkout / "results" / "tables" / "ablation.csv")
    assert len(table) == table["protocol"].nunique() * 2 * table["run"].nunique()
    # Means over runs, as table 1 has them.
    table = table.groupby(["protocol", "attack"], sort=False).mean(numeric_only=True).reset_index()
    table1 = pd.read_csv(checkout / "results" / "tables" / "table1.csv")
    cells = table1.query("defense == 'FAT' and recommender == 'vbpr'").set_index("attack")
    corrected = table[table["protocol"] == "corrected"].set_index("attack")
    for attack in ("none", "pgd_8"):
        ratio = cells.loc[attack, "chr_at_10"]
        assert corrected.loc[attack, "chr_at_10"] == pytest.approx(ratio)
    change = corrected.loc["pgd_8", "chr_at_10"] - corrected.loc["none", "chr_at_10"]
    assert corrected.loc["pgd_8", "chr_change"] == pytest.approx(change)
    published = table[table["protocol"] == "as_published"]
    assert (published["difference"] == 0).all()
    attacked = table[table["attack"] == "pgd_8"].set_index("protocol")
    # Epsilon 8 of the normalised image is at most 2 grey levels: the stated 8 moves features more.
    stated = attacked.loc["as_published, D1_epsilon_space corrected", "feature_loss"]
    assert stated > attacked.loc["as_published", "feature_loss"]
    # Each of these switches decides whether a number is there, and none of them moves a hit ratio.
    for switch, number in {
        "D5_attacked_items": "source_share",
        "D7_divisor": "category_share",
        "D13_success_rate": "success_rate_not_target",
    }.items():
        there = attacked[number].notna()
        assert set(there.index[there]) == {"corrected", f"as_published, {switch} corrected"}
        assert attacked.loc[f"as_published, {switch} corrected", "difference"] == 0
    assert attacked["p_value"].between(0, 1).all()
    claims = pd.read_csv(checkout / "results" / "tables" / "ablation_claims.csv")
    paper = claims["tables"] == "the paper's"
    assert claims.loc[paper, "holds"].notna().all()
    assert claims.loc[~paper, "tables"].nunique() == table["protocol"].nunique()
    assert claims.loc[~paper, "holds"].isna().all()  # one attack decides nothing
    assert claims.loc[~paper, "evidence"].str.startswith("no value").all()
    for suffix in ("md", "tex", "html"):
        text = (checkout / "results" / "tables" / f"ablation.{suffix}").read_text()
        assert "corrected" in text
