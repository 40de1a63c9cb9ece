"""What an ablation says of its cells, on values written by hand."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

import cells
import grid
from varbench.experiment.ablation import Ablation
from varbench.experiment.configuration import complete
from varbench.experiment.grid import Grid
from varbench.reporting import rendering
from varbench.reporting.ablation import ablation_table
from varbench.storage import read_table, write_table

USERS, IMAGES = 30, 4
SWITCHED = {
    "counted": "attacked",
    "baseline": "same_defense",
    "source_share": True,
    "success_rate_not_target": True,
    "category_share": True,
}


@pytest.fixture
def hits(tmp_path):
    """Users of three cells, and the images of FAT's attack."""
    random = np.random.default_rng(0)
    hits = {}
    for defense, attack in (("T", "none"), ("FAT", "none"), ("FAT", "pgd")):
        users = pd.DataFrame(
            {
                "category_hits": random.integers(0, 5, USERS),
                "category_hits_seen": random.integers(0, 5, USERS),
                "category_share": random.random(USERS),
                "category_share_seen": random.random(USERS),
            }
        )
        hits[defense, attack] = users
        write_table(tmp_path / f"{defense}-{attack}" / "users.parquet", users)
    outcome = pd.DataFrame(
        {
            "item": range(IMAGES),
            "success": [True, True, True, False],
            "success_float": [True, True, True, False],
            "in_target_before": [True, False, False, False],
            "in_source_before": [False, True, True, False],
            "feature_loss": [1.0, 2.0, 3.0, 4.0],
        }
    )
    write_table(tmp_path / "attack-pgd" / "outcome.parquet", outcome)
    distances = pd.DataFrame({"item": range(IMAGES), "distance": [0.1, 0.2, 0.3, 0.4]})
    distances["distance_label"] = "LPIPS (vgg)"
    # In another order than the outcomes: images are matched by item.
    write_table(tmp_path / "attack-pgd" / "distances.parquet", distances[::-1])
    return hits


def aggregate(folder, attacks=("none", "pgd"), **protocols):
    """Run the command on variants that differ in what they measure; rows by protocol and attack."""
    names = {"dataset": {"d": "d"}, "attack": {a: a for a in attacks}}
    variants = {
        name: {**names, "recommender": {"vbpr": "vbpr"}, "metrics": SWITCHED | metrics}
        for name, metrics in protocols.items()
    }
    of_images = {"dataset": "d", "defense": "FAT", "attack": "pgd", "run": "0"}
    done = cells.run(
        "aggregate_ablation",
        {
            "names": {"defense": ["FAT"]},
            "variants": variants,
            "repeats": [{"run": "0", "seed": "0"}],
            "images": [of_images | {"crafted": of_images}],
            "cell": str(folder / "{defense}-{attack}"),
            "attack": str(folder / "attack-{attack}"),
            **{"k": 20, "clean": "none", "last_listed": {"defense": "T", "recommender": "vbpr"}},
        },
        ablation=folder / "ablation.csv",
    )
    assert done.returncode == 0, done.stderr
    return read_table(folder / "ablation.csv").set_index(["protocol", "attack"])


@pytest.mark.parametrize("counted", ["attacked", "seen"])
def test_changes_are_tested_against_each_protocols_clean_cell(tmp_path, hits, counted):
    table = aggregate(
        tmp_path,
        as_published={"baseline": "last_listed", "counted": counted},
        corrected={"counted": counted},
    )
    column = {"attacked": "category_hits", "seen": "category_hits_seen"}[counted]
    after = hits["FAT", "pgd"][column]
    for protocol, defense in (("as_published", "T"), ("corrected", "FAT")):
        expected = stats.ttest_rel(after, hits[defense, "none"][column]).pvalue
        assert table.loc[(protocol, "pgd"), "p_value"] == pytest.approx(expected)
        change = after.mean() - hits["FAT", "none"][column].mean()
        assert table.loc[(protocol, "pgd"), "chr_change"] == pytest.approx(change)
        assert pd.isna(table.loc[(protocol, "none"), "p_value"])
        share = {"attacked": "category_share", "seen": "category_share_seen"}[counted]
        expected = hits["FAT", "pgd"][share].mean()
        assert table.loc[(protocol, "pgd"), "category_share"] == pytest.approx(expected)


def test_a_ceiling_has_a_change_and_no_images(tmp_path, hits):
    write_table(tmp_path / "FAT-ceiling" / "users.parquet", hits["T", "none"])
    table = aggregate(tmp_path, attacks=("none", "pgd", "ceiling"), corrected={})
    row = table.loc[("corrected", "ceiling")]
    change = hits["T", "none"]["category_hits"].mean() - hits["FAT", "none"]["category_hits"].mean()
    assert row["chr_change"] == pytest.approx(change)
    assert row[["success_rate", "feature_loss", "perceptual_distance"]].isna().all()
    assert table.loc[("corrected", "pgd"), "success_rate"] == 0.75


@pytest.mark.usefixtures("hits")
def test_images_are_those_of_the_attack(tmp_path):
    row = aggregate(tmp_path, as_published={}).loc[("as_published", "pgd")]
    assert row["success_rate"] == 3 / 4
    assert row["success_rate_not_target"] == 2 / 3
    assert row["source_share"] == 1 / 2
    assert row["feature_loss"] == 2.5
    assert row["perceptual_distance"] == pytest.approx(0.25)


@pytest.mark.parametrize("number", ["source_share", "success_rate_not_target", "category_share"])
@pytest.mark.usefixtures("hits")
def test_a_number_that_a_protocol_does_not_say_is_empty(tmp_path, number):
    table = aggregate(tmp_path, as_published={number: False}, corrected={})
    said = table.xs("pgd", level="attack").notna().drop(columns="recommender")
    assert not said.loc["as_published", number]
    assert said.loc["corrected"].all()
    assert said.drop(columns=number).loc["as_published"].all()


@pytest.mark.usefixtures("hits")
def test_the_rendering_shows_what_each_protocol_says(tmp_path):
    aggregate(tmp_path, as_published={"success_rate_not_target": False}, corrected={})
    ablation = read_table(tmp_path / "ablation.csv")
    table = ablation_table(ablation, k=20, labels={"pgd": "PGD"}, digits=3).cells
    assert table.index.tolist() == [
        ("d", "FAT", "VBPR", "PGD", protocol) for protocol in ("as_published", "corrected")
    ]
    row = ablation.query("protocol == 'corrected' and attack == 'pgd'").iloc[0]
    shown = {name: cell.text for name, cell in table.iloc[1].items()}
    assert shown["CHR@20", "value"] == f"{row['chr_at_20']:.3f}"
    assert shown["CHR@20", "change"] == f"{row['chr_change']:+.3f}"
    assert shown["CHR@20", "difference"] == "+0.000"
    assert shown["CHR@20", "p"] == f"{row['p_value']:.2g}"
    assert shown["Images", "SR (%)"] == "75.00"
    assert shown["Images", "SR, new (%)"] == "66.67"
    assert shown["Images", "in source (%)"] == "50.00"
    assert table.iloc[0]["Images", "SR, new (%)"].text == rendering.MISSING
    for form in rendering.FORMS.values():
        assert "66.67" in form(ablation_table(ablation, k=20))


def test_a_ceiling_has_cells_in_an_ablation_and_no_images():
    config = yaml.safe_load((grid.BASE / "config.yaml").read_text())
    config["ablation"] = {"attacks": ["pgd_8", "ceiling"]}
    complete(config, grid.BASE / "resources" / "config.schema.yaml")
    corrected = deepcopy(config)
    whole = Grid.of(config)
    found = Ablation.of(config, corrected, whole.names, whole.clean)
    methods = {
        names["attack"]: config["attacks"][names["attack"]]["method"] for names in found.cells()
    }
    assert "ceiling" in methods.values()
    images = {names["attack"] for names in found.runs_of_attacks(whole)}
    assert {methods[name] for name in images} == {"pgd"}
