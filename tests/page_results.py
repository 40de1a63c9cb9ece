"""Results of an experiment that never ran, in the layout of real ones, to build a page from.

Numbers are drawn; what belongs together agrees (a change is the attacked cell less the clean one).
"""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from varbench.image_archive import write_images
from varbench.storage import write_array, write_table

HOSTILE = "<script>alert(1)</script>"
DATASETS = ["mini_men", "mini_women"]
DEFENSES = ["T", "AT", "FAT"]
ATTACKS = {
    "none": {"method": "none"},
    "fgsm_8": {"method": "fgsm", "epsilon": 8},
    "pgd_8": {"method": "pgd", "epsilon": 8},
    "cw": {"method": "carlini_wagner"},
}
RECOMMENDERS = ["vbpr", "amr"]
THREATS = ["poisoning", "evasion", "cold_start"]
USERS, ITEMS, SOURCE, K, LENGTH, SIDE = 40, 60, 6, 20, 24, 32
CATEGORIES = ["sandal", "running shoe", "jersey", "brassiere", "T-shirt", "jean"]
CELL = ["dataset", "defense", "attack", "recommender"]
# How far an attack raises CHR of the undefended network, and what a defense leaves of it.
PUSH = {"none": 0.0, "fgsm_8": 0.2, "pgd_8": 0.8, "cw": 0.3}
LEFT = {"T": 1.0, "AT": 0.0, "FAT": 0.25}


def write(folder: Path, *, threats: int = 3, runs: int = 3, datasets: int = 2) -> dict[str, Any]:
    """Write the results and return the options of the page."""
    axes = {
        "threats": THREATS[:threats],
        "datasets": DATASETS[:datasets],
        "defenses": DEFENSES,
        "attacks": list(ATTACKS),
        "recommenders": RECOMMENDERS,
    }
    random = np.random.default_rng(7)
    _catalogues(folder, axes, random)
    _tables(folder / "tables", axes, runs, random)
    return {
        "title": "Embedded experiment",
        "axes": axes,
        "runs": runs,
        "k": K,
        "confidence": 0.95,
        "clean": "none",
        "undefended": "T",
        "attacks": ATTACKS,
        "labels": {"mini_men": "Mini Men", "mini_women": "Mini Women"},
        "protocol": "corrected",
        "datasets": {
            name: {
                "catalogue": name,
                "source_category": CATEGORIES[2 * number],
                "target_category": CATEGORIES[2 * number + 1],
                "stands_for": f"amazon_{name.removeprefix('mini_')}",
            }
            for number, name in enumerate(axes["datasets"])
        },
        "classes": CATEGORIES,
        "network_run": {"T": "0", "AT": "0", "FAT": "0"},
        "attack_run": {d: dict.fromkeys(list(ATTACKS)[1:], "0") for d in DEFENSES},
    }


def _catalogues(folder: Path, axes: dict[str, list[str]], random: np.random.Generator) -> None:
    for number, name in enumerate(axes["datasets"]):
        source = CATEGORIES[2 * number]
        labels = [source] * SOURCE + list(random.choice(CATEGORIES, ITEMS - SOURCE))
        ids = [HOSTILE, *(f"item-{item:03d}" for item in range(1, ITEMS))]
        catalogue = folder / "catalogues" / name
        items = pd.DataFrame({"item": range(ITEMS), "id": ids, "label": labels})
        write_table(catalogue / "items.parquet", items)
        users = pd.DataFrame({"user": range(USERS), "id": [f"user-{u:03d}" for u in range(USERS)]})
        write_table(catalogue / "users.parquet", users)
        pairs = np.unique(random.integers(0, [USERS, ITEMS], (300, 2)), axis=0)
        seen = pd.DataFrame(pairs, columns=["user", "item"]).assign(held_out=False)
        write_table(catalogue / "interactions.parquet", seen)
        ramp = np.linspace(40, 215, SIDE)
        clean = [
            np.clip(
                ramp[:, None, None] * random.uniform(0.4, 1, 3)
                + ramp[None, :, None] * random.uniform(0, 0.4, 3),
                0,
                255,
            ).astype(np.uint8)
            for _ in range(ITEMS)
        ]
        write_images(catalogue / "images.zip", enumerate(clean))
        attacked = pd.DataFrame({"item": range(SOURCE)})
        write_table(folder / "datasets" / name / "attacked.parquet", attacked)
        for defense, attack in product(axes["defenses"], axes["attacks"][1:]):
            _attack(folder / "attacks" / name / defense / attack / "0", clean, defense, random)
        for threat, defense, attack, recommender in product(
            *(axes[a] for a in ("threats", "defenses", "attacks", "recommenders"))
        ):
            if (threat, attack) != ("evasion", "none"):
                where = Path(threat, name, defense, attack, recommender, "0", "0")
                _cell(folder / "cells" / where, PUSH[attack] * LEFT[defense], random)
    for number, defense in enumerate(axes["defenses"]):
        epochs = 5
        log = {
            "epoch": range(epochs),
            "loss": np.linspace(2, 0.5, epochs),
            "clean_accuracy": np.linspace(0.3, 0.95 - 0.05 * number, epochs),
            "robust_accuracy": np.linspace(0.1, 0.8 if number else 0.15, epochs),
            "seconds": 4.0,
        }
        write_table(folder / "extractors" / defense / "0.csv", pd.DataFrame(log))


def _attack(
    folder: Path, clean: list[np.ndarray], defense: str, random: np.random.Generator
) -> None:
    changed = {
        item: np.clip(clean[item] + random.integers(-8, 9, clean[item].shape), 0, 255)
        for item in range(SOURCE)
    }
    images = ((item, pixels.astype(np.uint8)) for item, pixels in changed.items())
    write_images(folder / "images.zip", images)
    after = random.random(SOURCE) < (0.9 if defense == "T" else 0.1)
    outcome = {
        "item": range(SOURCE),
        "class_before": 0,
        "class_after": after.astype(int),
        "probability_before": random.uniform(0.6, 1, SOURCE),
        "probability_after": random.uniform(0.4, 1, SOURCE),
        "target_probability_before": random.uniform(0, 0.1, SOURCE),
        "target_probability_after": random.uniform(0, 1, SOURCE),
        "success": after,
        "l_inf": 8 / 255,
        "l_2": random.uniform(0.5, 1.5, SOURCE),
        "feature_loss": random.uniform(0, 0.1, SOURCE),
    }
    write_table(folder / "outcome.parquet", pd.DataFrame(outcome))
    visual = {
        "item": range(SOURCE),
        "distance": random.uniform(0, 0.02, SOURCE),
        "distance_label": "LPIPS (vgg)",
        "is_lpips": True,
    }
    write_table(folder / "distances.parquet", pd.DataFrame(visual))


def _cell(folder: Path, push: float, random: np.random.Generator) -> None:
    lists = np.stack([random.permutation(ITEMS)[:LENGTH] for _ in range(USERS)]).astype(np.int32)
    for row in np.flatnonzero(random.random(USERS) < push):
        lists[row, :SOURCE] = range(SOURCE)
        lists[row, SOURCE:] = random.permutation(np.arange(SOURCE, ITEMS))[: LENGTH - SOURCE]
    write_array(folder / "lists.npy", lists)
    hits = (lists[:, :K] < SOURCE).sum(axis=1)
    write_table(
        folder / "users.parquet", pd.DataFrame({"user": range(USERS), "category_hits": hits})
    )


def _tables(
    folder: Path, axes: dict[str, list[str]], runs: int, random: np.random.Generator
) -> None:
    cells = pd.DataFrame(
        product(*(axes[a] for a in ("threats", "datasets", "defenses", "attacks", "recommenders"))),
        columns=["threat", *CELL],
    )
    key = ["threat", "dataset", "defense", "recommender"]
    start = cells.groupby(key, sort=False)["attack"].transform(lambda _: random.uniform(0.3, 0.6))
    push = cells["attack"].map(PUSH) * cells["defense"].map(LEFT)
    change = push * random.uniform(0.8, 1.2, len(cells)) + random.normal(0, 0.005, len(cells))
    change[cells["attack"] == "none"] = 0
    chr_, clean = start + change, cells["attack"] == "none"
    verdict = pd.Series(np.where(change > 0.02, "raised", "not separable"))
    table1 = cells.assign(
        runs=runs,
        users=USERS,
        chr_at_20=chr_,
        chr_at_20_low=chr_ - 0.02,
        chr_at_20_high=chr_ + 0.02,
        chr_at_20_sd=0.01 if runs > 1 else np.nan,
        reach_at_20=(chr_ / 3).clip(0, 1),
        top_users_share=0.2,
        random_chr_at_20=K * SOURCE / ITEMS / 10,
        verdict=verdict.where(~clean),
        most_effective=chr_ == chr_.where(~clean).groupby([cells[k] for k in key]).transform("max"),
    )
    names = {"poisoning": "table1", "evasion": "table1_evasion", "cold_start": "table1_cold_start"}
    for threat in axes["threats"]:
        own = table1[table1["threat"] == threat].drop(columns="threat")
        write_table(folder / f"{names[threat]}.csv", own)
    runs_table = pd.concat(
        cells.assign(run=run, seed=0, chr_at_20=chr_ + random.normal(0, 0.01, len(cells)))
        for run in range(runs)
    )
    runs_table["chr_at_20_low"] = runs_table["chr_at_20"] - 0.02
    runs_table["chr_at_20_high"] = runs_table["chr_at_20"] + 0.02
    write_table(folder / "runs.csv", runs_table.assign(users=USERS))
    changes = cells.assign(
        baseline_defense=cells["defense"],
        runs=runs,
        change=change,
        change_low=change - 0.02,
        change_high=change + 0.02,
        change_sd=0.01 if runs > 1 else np.nan,
        p_value=np.where(change > 0.02, 0.001, 0.6),
        p_adjusted=np.where(change > 0.02, 0.004, 0.7),
        test="runs" if runs > 1 else "users only: one run",
        effect_size=change / 0.1,
        verdict=verdict,
        equivalent=np.abs(change) < 0.005,
        margin=0.02,
        reach_change=change / 3,
        reach_p_value=0.2,
        mean_rank_change=-40 * change,
        items_up=0.5 + push.clip(0, 0.5),
        items_up_p_value=0.1,
    )
    write_table(folder / "changes.csv", changes[~clean])
    measured = ["hr", "ndcg", "category_ndcg", "category_share", "coverage", "gini", "novelty"]
    accuracy = cells.assign(runs=runs, auc=0.7, popularity_at_20=12.0)
    for name in measured:
        accuracy[f"{name}_at_20"] = random.uniform(0.1, 0.9, len(cells))
    references = pd.DataFrame(
        [
            {"dataset": d, "recommender": r}
            for d in axes["datasets"]
            for r in ("popularity", "random")
        ]
    ).assign(hr_at_20=0.2, ndcg_at_20=0.1, auc=0.5, runs=runs)
    write_table(folder / "accuracy.csv", pd.concat([accuracy, references]))
    items = cells.merge(pd.DataFrame({"item": range(SOURCE)}), how="cross")
    shift = items.merge(changes, on=["threat", *CELL])["change"].to_numpy()
    before = random.uniform(10, 50, len(items))
    items = items.assign(
        mean_rank_before=before,
        mean_rank_after=(before - 20 * shift).clip(1),
        median_rank_before=before,
        median_rank_after=(before - 20 * shift).clip(1),
    )
    attacked = (items["attack"] != "none").to_numpy()
    ranks = items.assign(lists_before=5, lists_after=(5 + 20 * shift).round())
    write_table(folder / "item_ranks.csv", ranks[attacked])
    promotion = items.assign(
        popularity=items["item"] + 1,
        tercile=items["item"].map(lambda item: ("tail", "middle", "head")[item // 2]),
        hr_before=0.2,
        hr_after=(0.2 + shift / 2).clip(0, 1),
        prediction_shift=shift,
    )
    write_table(folder / "promotion.csv", promotion[attacked])
    _of_images(folder, axes, runs, random)
    k = pd.DataFrame({"k": range(1, LENGTH + 1)})
    by_k = table1[["threat", *CELL, "chr_at_20"]].merge(k, how="cross")
    by_k["chr"] = by_k["chr_at_20"] * by_k["k"] / K
    write_table(folder / "chr_by_k.csv", by_k.drop(columns="chr_at_20"))
    _of_the_paper(folder, table1, random)


def _of_images(
    folder: Path, axes: dict[str, list[str]], runs: int, random: np.random.Generator
) -> None:
    images = pd.DataFrame(
        product(*(axes[a] for a in ("datasets", "defenses", "attacks"))), columns=CELL[:3]
    ).query("attack != 'none'")
    success = (images["attack"].map(PUSH) * images["defense"].map(LEFT)).to_numpy()
    table2 = images.assign(
        runs=runs,
        images=SOURCE,
        success_rate=success,
        success_rate_low=(success - 0.1).clip(0),
        success_rate_high=(success + 0.1).clip(0, 1),
        success_rate_float=success,
        success_rate_not_target=success,
        source_share=1 - success,
        feature_loss=0.001 + success / 10,
        feature_loss_low=0.0009 + success / 10,
        feature_loss_high=0.0012 + success / 10,
        feature_loss_relative=success,
        lpips=0.001 + random.uniform(0, 0.004, len(images)),
        perceptual_stand_in=np.nan,
        perceptual_label="LPIPS (vgg)",
        flags=np.where((images["defense"] == "FAT") & (images["attack"] == "cw"),
                       "gradients vanish on 3 images; more steps still help", ""),
    )  # fmt: skip
    table2 = table2.assign(lpips_low=table2["lpips"] * 0.9, lpips_high=table2["lpips"] * 1.1)
    write_table(folder / "table2.csv", table2)
    extractors = pd.DataFrame(
        product(axes["datasets"], axes["defenses"], range(runs)),
        columns=["catalogue", "defense", "run"],
    )
    hardened = extractors["defense"] != "T"
    extractors = extractors.assign(
        items=ITEMS, labelled=ITEMS, accuracy=0.9, mean_probability=0.8, classes=6,
        clean_accuracy=np.where(hardened, 0.85, 0.95),
        robust_accuracy_8=np.where(hardened, 0.6, 0.02),
        agreement=np.where(hardened, 0.9, 1.0),
        flags=np.where(extractors["defense"] == "FAT", "stronger attacks succeed more", ""),
    )  # fmt: skip
    write_table(folder / "extractors.csv", extractors)


def _of_the_paper(folder: Path, table1: pd.DataFrame, random: np.random.Generator) -> None:
    own = table1[table1["threat"] == "poisoning"]
    published = own[CELL].assign(measure="chr", ours=own["chr_at_20"])
    published["published"] = published["ours"] + random.normal(0, 0.05, len(published))
    published = published.assign(change_ours=0.1, change_published=0.2, same_sign=True)
    write_table(folder / "published.csv", published)
    agreement = {"measure": ["chr"], "cells": [len(own)], "same_sign": [0.9], "spearman": [0.8]}
    write_table(folder / "published_agreement.csv", pd.DataFrame(agreement))
    claims = {
        "claim": ["1", "4a", "1", "4a"],
        "statement": ["PGD (8) changes most", "Loss rises with success"] * 2,
        "holds": [True, False, True, False],
        "evidence": ["both datasets", "rho 0.1", "both", "mini_men rho 0.96"],
        "tables": ["the paper's", "the paper's", "ours", "ours"],
        "threat": [None, None, "poisoning", "poisoning"],
    }
    write_table(folder / "claims.csv", pd.DataFrame(claims))
    protocols = own[own["attack"] == "pgd_8"][CELL]
    ablation = pd.concat(
        protocols.assign(protocol=p, chr_at_20=0.5 + n / 10, chr_change=n / 10, difference=-n / 10)
        for n, p in enumerate(["corrected", "as_published"])
    )
    write_table(folder / "ablation.csv", ablation)


def folders(folder: Path) -> dict[str, str]:
    """Return the patterns of the folders that `write` filled."""
    cell = "{threat}/{dataset}/{defense}/{attack}/{recommender}/{run}/{seed}"
    return {
        "catalogue": f"{folder}/catalogues/{{catalogue}}",
        "dataset": f"{folder}/datasets/{{dataset}}",
        "attack": f"{folder}/attacks/{{dataset}}/{{defense}}/{{attack}}/{{run}}",
        "cell": f"{folder}/cells/{cell}",
        "training": f"{folder}/extractors/{{defense}}/{{run}}.csv",
    }
