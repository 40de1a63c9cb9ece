"""What users were shown before and after an attack, for users chosen by a stated rule."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varbench.reporting.page.archives import Archives
from varbench.reporting.page.frames import Tables, strongest
from varbench.reporting.page.gallery import write_thumbnails
from varbench.reporting.page.options import Options
from varbench.storage import read_table

RULE = (
    "Chosen under the undefended network and its strongest attack, by the change of the number of "
    "attacked items in the user's top {k}, in the first run: the user of the largest change, the "
    "one in the middle of all, and the first whom nothing changed; of equals the first."
)


def users_lists(
    folder: Path, tables: Tables, archives: Archives, options: Options
) -> dict[str, Any]:
    """Pick users of each dataset, threat and recommender; write small pictures of their lists.

    Returns rule and cells: dataset, threat, recommender, attack, and users, each with id, kind
    (largest, median or none), change, and for each defense its lists before and after.
    """
    changes = tables["changes"]
    bare = changes[changes["defense"] == options.undefended]
    cells = []
    for row in strongest(bare, options, ["dataset", "threat", "recommender"]).to_dict("records"):
        names = {k: row[k] for k in ("dataset", "threat", "recommender")}
        before, after = (
            {
                defense: {**names, "defense": defense, "attack": attack}
                for defense in options.axes["defenses"]
            }
            for attack in (options.clean, row["attack"])
        )
        change = archives.hits(after[options.undefended]) - archives.hits(
            before[options.undefended]
        )
        catalogue = archives.catalogue_of(row["dataset"])
        ids = read_table(catalogue / "users.parquet", ["id"])["id"]
        lists = {d: (archives.lists(before[d]), archives.lists(after[d])) for d in before}
        users: list[dict[str, Any]] = [
            {
                "id": str(ids[user]),
                "kind": kind,
                "change": float(change[user]),
                "lists": {
                    defense: {"before": kept(b[user]), "after": kept(a[user])}
                    for defense, (b, a) in lists.items()
                },
            }
            for kind, user in chosen(change).items()
        ]
        cells.append({**names, "attack": row["attack"], "users": users})
        every = {
            i for u in users for both in u["lists"].values() for one in both.values() for i in one
        }
        write_thumbnails(folder, row["dataset"], sorted(every), archives)
    return {"rule": RULE.format(k=options.k), "cells": cells}


def chosen(change: NDArray[np.float64]) -> dict[str, int]:
    """Return the users, by kind, whom a page shows; ``change`` is (users,)."""
    users = {"largest": int(change.argmax())}
    users["median"] = int(np.argsort(change, kind="stable")[len(change) // 2])
    unmoved = np.flatnonzero(change == 0)
    if len(unmoved):
        users["none"] = int(unmoved[0])
    return {kind: user for kind, user in users.items() if kind != "median" or user not in
            [users["largest"], users.get("none")]}  # fmt: skip


def kept(items: NDArray[np.int32]) -> list[int]:
    """Return a list without its padding."""
    return [int(item) for item in items if item >= 0]


def example(gallery: pd.DataFrame, tables: Tables, options: Options) -> list[dict[str, Any]]:
    """Choose the attacked item of Figure 1 for each dataset, threat and recommender.

    Under the undefended network's strongest attack, the item whose mean rank improved most among
    those whose image fooled the network, or among all where none did.

    Returns dataset, threat, recommender, attack and item.
    """
    if "item_ranks" not in tables:
        return []
    keys = ["dataset", "threat", "recommender"]
    changes = tables["changes"]
    bare = strongest(changes[changes["defense"] == options.undefended], options, keys)
    succeeded = gallery["success"].fillna(value=False).astype(bool)
    fooled = gallery.loc[succeeded, ["dataset", "defense", "attack", "item"]]
    ranks = tables["item_ranks"].merge(bare[[*keys, "attack", "defense"]])
    ranks = ranks.merge(fooled.assign(fooled=1), how="left")
    ranks["gain"] = ranks["mean_rank_before"] - ranks["mean_rank_after"]
    best = ranks.sort_values(["fooled", "gain"], ascending=[True, False], na_position="last")
    best = best.drop_duplicates(keys)
    found = best[[*keys, "attack", "item"]].to_dict("records")
    return [{str(name): value for name, value in one.items()} for one in found]
