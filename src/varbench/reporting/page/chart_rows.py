"""The rows of each picture, picked and joined from the tables."""

import pandas as pd

from varbench.reporting.page.frames import CELL, Tables, shown
from varbench.reporting.page.options import Options

ROLES = ["source", "target", "other"]
ROLE_COLOURS = ["#1F83C4", "#D65A0A", "#8A9097"]
KEYS = ["threat", *CELL]


def _of(
    tables: Tables, name: str, options: Options, columns: list[str], keys: list[str] = KEYS
) -> pd.DataFrame:
    """Return columns of a table's rows, none where the table was not made."""
    if name not in tables:
        return pd.DataFrame(columns=[*keys, *columns])
    return shown(tables[name], options).reindex(columns=[*keys, *columns])


def _attacked(rows: pd.DataFrame, options: Options) -> pd.DataFrame:
    return rows[rows["attack"] != options.clean]


def changes(tables: Tables, options: Options) -> pd.DataFrame:
    """Return change, its bounds, p_adjusted and verdict of each attacked cell."""
    columns = ["change", "change_low", "change_high", "p_adjusted", "verdict"]
    rows = _attacked(_of(tables, "changes", options, columns), options)
    return rows.dropna(subset=["change"])


def images(tables: Tables, options: Options) -> pd.DataFrame:
    """Return success_rate and feature_loss of each network's attacks that aim at a class."""
    columns = ["success_rate", "feature_loss"]
    rows = _attacked(_of(tables, "table2", options, columns, CELL[:3]), options)
    return rows.dropna(subset=columns)


def trade_off(tables: Tables, options: Options) -> pd.DataFrame:
    """Return change, its bounds and distance_x100 of each attacked cell."""
    distances = _of(tables, "table2", options, ["lpips", "perceptual_stand_in"], CELL[:3])
    distances["distance_x100"] = 100 * distances["lpips"].fillna(distances["perceptual_stand_in"])
    both = changes(tables, options).merge(distances, on=CELL[:3])
    wanted = ["change", "change_low", "change_high", "distance_x100"]
    return both[[*KEYS, *wanted]].dropna(subset=["change", "distance_x100"])


def some_k(table: pd.DataFrame) -> pd.DataFrame:
    """Keep every K up to 20 and every tenth beyond: a line needs no more."""
    return table[(table["k"] <= 20) | (table["k"] % 10 == 0)]


def by_k(tables: Tables, options: Options) -> pd.DataFrame:
    """Return k and chr under each attack, each with its clean cell's beside it (``images``)."""
    rows = some_k(_of(tables, "chr_by_k", options, ["k", "chr"])).dropna(subset=["chr"])
    is_clean = rows["attack"] == options.clean
    clean = rows[is_clean].drop(columns="attack")
    beside = clean.merge(pd.DataFrame({"attack": options.attacked}), how="cross")
    return pd.concat([rows[~is_clean].assign(images="attacked"), beside.assign(images="clean")])


def ranks(tables: Tables, options: Options) -> pd.DataFrame:
    """Return item, mean_rank_before and mean_rank_after."""
    columns = ["item", "mean_rank_before", "mean_rank_after"]
    return _attacked(_of(tables, "item_ranks", options, columns), options).dropna(subset=columns)


def promotion(tables: Tables, options: Options) -> pd.DataFrame:
    """Return item, tercile and prediction_shift."""
    columns = ["item", "tercile", "prediction_shift"]
    return _attacked(_of(tables, "promotion", options, columns), options).dropna(subset=columns)


def training(tables: Tables, options: Options) -> pd.DataFrame:
    """Return epoch (from 1) and accuracy on clean and attacked images of each network."""
    log = tables.get("training")
    if log is None or log.empty:
        return pd.DataFrame(columns=["defense", "epoch", "images", "accuracy"])
    names = {"clean_accuracy": "clean", "robust_accuracy": "attacked"}
    present = [name for name in names if name in log]
    rows = shown(log, options).melt(["defense", "epoch"], present, "images", "accuracy")
    return rows.assign(images=rows["images"].map(names), epoch=rows["epoch"] + 1)


def categories(tables: Tables, options: Options) -> pd.DataFrame:
    """Return category, items, interactions and role (source, target or other) of each dataset."""
    columns = ["category", "items", "interactions", "role"]
    return _of(tables, "categories", options, columns, ["dataset"])


def runs(tables: Tables, options: Options) -> pd.DataFrame:
    """Return run, seed and CHR with its interval over users."""
    value = f"chr_at_{options.k}"
    columns = ["run", "seed", value, f"{value}_low", f"{value}_high"]
    return _of(tables, "runs", options, columns).dropna(subset=[value])
