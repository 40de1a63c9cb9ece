"""Defenses in order of what the best known attack does to them."""

import pandas as pd

from varbench.reporting.page.frames import Tables, positions, shown, strongest
from varbench.reporting.page.options import Options


def leaderboard(tables: Tables, options: Options) -> pd.DataFrame:
    """Return a row for each dataset, threat, recommender and defense, the best defense first.

    Joined from the tables: the clean cell's accuracy, the network's, the best known attack's change
    of CHR, the largest success rate, cost_seconds to train (of the training logs), doubts.
    """
    keys = ["dataset", "threat", "defense", "recommender"]
    board = strongest(tables["changes"], options, keys)
    wanted = ["change", "change_low", "change_high", "verdict", "equivalent"]
    board = board[[*keys, "attack", *wanted]]
    table2 = shown(tables["table2"], options)
    success = table2.groupby(["dataset", "defense"])["success_rate"].max()
    board = board.join(success.rename("success_rate"), on=["dataset", "defense"])
    if "accuracy" in tables:
        clean = tables["accuracy"]
        clean = clean[clean["attack"] == options.clean].set_index(keys)
        measured = [f"hr_at_{options.k}", f"ndcg_at_{options.k}", "auc"]
        board = board.join(clean[[name for name in measured if name in clean]], on=keys)
    board["doubts"] = _doubts(tables, board, options)
    networks = _networks(tables, options)
    board = board.join(networks, on=["dataset", "defense"]) if len(networks) else board
    if "training" in tables:
        seconds = tables["training"].groupby("defense")["seconds"].sum()
        board = board.join(seconds.rename("cost_seconds"), on="defense")
    places = positions(board, options).assign(change=board["change"])
    order = ["dataset", "threat", "recommender", "change"]
    return board.loc[places.sort_values(order, kind="stable").index]


def _networks(tables: Tables, options: Options) -> pd.DataFrame:
    """Return the networks' accuracies, means over runs, by dataset and defense."""
    table = tables.get("extractors")
    if table is None or "clean_accuracy" not in table:
        return pd.DataFrame()
    measured = [
        name
        for name in map(str, table)
        if name == "clean_accuracy" or name.startswith("robust_accuracy")
    ]
    of = {spec["catalogue"]: name for name, spec in options.datasets.items()}
    table = table.assign(dataset=table["catalogue"].map(of)).dropna(subset="dataset")
    return table.groupby(["dataset", "defense"])[measured].mean()


def _doubts(tables: Tables, board: pd.DataFrame, options: Options) -> list[str]:
    """Return what the attacks' evaluation makes doubtful about each row's defense."""
    table2, extractors = tables["table2"], tables.get("extractors", pd.DataFrame())
    names = options.names("attack")
    doubts = []
    for row in board.to_dict("records"):
        own = table2[(table2["dataset"] == row["dataset"]) & (table2["defense"] == row["defense"])]
        found = [
            f"{names.get(attack, attack)}: {flags}"
            for attack, flags in own.reindex(columns=["attack", "flags"]).dropna().to_numpy()
            if flags
        ]
        if "flags" in extractors:
            catalogue = options.datasets[row["dataset"]]["catalogue"]
            network = extractors[
                (extractors["catalogue"] == catalogue) & (extractors["defense"] == row["defense"])
            ]
            found += [flag for flag in network["flags"].dropna().unique() if flag]
        doubts.append("; ".join(found))
    return doubts
