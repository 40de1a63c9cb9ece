"""The axes and the tables of an experiment that never ran.

Numbers are drawn; what belongs together agrees (a change is the attacked cell less the clean one).
"""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from varbench.storage import write_table

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
CELL = ["dataset", "defense", "attack", "recommender"]
# How far an attack raises CHR of the undefended network, and what a defense leaves of it.
PUSH = {"none": 0.0, "fgsm_8": 0.2, "pgd_8": 0.8, "cw": 0.3}
LEFT = {"T": 1.0, "AT": 0.0, "FAT": 0.25}


def write_tables(
    folder: Path, axes: dict[str, list[str]], runs: int, random: np.random.Generator
) -> None:
    """Write every table of these axes."""
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
