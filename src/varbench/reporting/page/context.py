"""All that a page shows, as one object of JSON."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from varbench.reporting.glossary import PROTOCOLS, meanings
from varbench.reporting.labels import METHODS
from varbench.reporting.page import chart_rows, footnotes, theme
from varbench.reporting.page.answers import answers
from varbench.reporting.page.charts import PICTURES
from varbench.reporting.page.frames import (
    Tables,
    columns_and_rows,
    columnwise,
    every_threat,
    shown,
    strongest,
)
from varbench.reporting.page.gallery import AMPLIFICATION, ranks
from varbench.reporting.page.leaderboard import leaderboard
from varbench.reporting.page.lists import example
from varbench.reporting.page.options import AXES, Options

# In the order of the configuration, and as they are.
IN_ORDER = ("table2", "changes", "published", "ablation", "extractors")
AS_THEY_ARE = ("published_agreement", "claims", "ablation_claims", "cost")


def context(
    tables: Tables,
    options: Options,
    *,
    gallery: pd.DataFrame,
    lists: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the page's scripts read.

    tables : by name, with training (the networks' logs) and categories beside those of files
    gallery : a row an attacked image, of `gallery.facts`
    lists : of `lists.users_lists`
    """
    present = {n: columns_and_rows(shown(tables[n], options)) for n in IN_ORDER if n in tables}
    present |= {n: columns_and_rows(tables[n]) for n in AS_THEY_ARE if n in tables}
    if "accuracy" in tables:
        # Rankings that see no images have no defense, and a recommender that is none of the axis.
        blind = tables["accuracy"]["defense"].isna()
        seeing = shown(tables["accuracy"][~blind], options)
        present["accuracy"] = columns_and_rows(pd.concat([seeing, tables["accuracy"][blind]]))
    by_k = None
    if "chr_by_k" in tables:
        by_k = columnwise(shown(chart_rows.some_k(tables["chr_by_k"]), options), digits=4)
    return {
        "options": {
            "title": options.title,
            "axes": options.axes,
            "labels": {axis: options.names(axis) for axis in AXES},
            "controls": options.controls,
            "meanings": _meanings(options),
            "attacked": _attacked(tables),
            "runs": options.runs,
            "k": options.k,
            "confidence": options.confidence,
            "clean": options.clean,
            "undefended": options.undefended,
            "strongest": _strongest(tables, options),
            "protocol": options.protocol,
            "datasets": options.datasets,
            "amplification": AMPLIFICATION,
        },
        "answers": answers(tables, options),
        "leaderboard": columns_and_rows(leaderboard(tables, options)),
        "table1": columns_and_rows(shown(every_threat(tables, options), options)),
        "chr_by_k": by_k,
        "tables": present,
        "pictures": pictures(tables, options),
        "themes": {scheme: theme.config(scheme) for scheme in theme.COLOURS},
        "gallery": {"images": columnwise(gallery, 4), "ranks": ranks(gallery, tables)},
        "lists": dict(lists),
        "examples": example(gallery, tables, options),
        "provenance": dict(provenance),
        "configuration": options.configuration,
    }


def _meanings(options: Options) -> list[tuple[str, str]]:
    """Return what a newcomer must be told: names as shown, and what they mean."""
    known = meanings(options.axes, options.attacks)
    methods = {name: METHODS[options.attacks[name]["method"]] for name in options.axes["attacks"]}
    found = [
        (methods[name] if axis == "attack" else options.names(axis)[name], meaning)
        for axis, name, meaning in known
    ]
    # Such as "as_published, D8_regulariser corrected".
    return [*found, ("Protocol", PROTOCOLS[options.protocol.partition(",")[0]])]


def _attacked(tables: Tables) -> dict[str, int]:
    """Return how many images are attacked of each dataset."""
    if "images" not in tables["table2"]:
        return {}
    counts = tables["table2"].groupby("dataset")["images"].max()
    return {str(name): int(count) for name, count in counts.dropna().items()}


def pictures(tables: Tables, options: Options) -> list[dict[str, Any]]:
    """Return name, title, reading, switches, rows and specification of each picture with rows."""
    import altair as alt

    found = []
    doubts = "".join(f" {doubt}." for doubt in footnotes.lines(tables, options))
    for name, picture in PICTURES.items():
        rows = picture.rows(tables, options)
        if rows.empty:
            continue
        layers = alt.layer(*picture.marks(options), data=alt.NamedData(name="rows"))
        spec = layers.to_dict()
        fit = {"type": "fit-x", "contains": "padding"}
        spec.update(width="container", height=picture.height or _height(rows), autosize=fit)
        found.append(
            {
                "name": name,
                "title": picture.title,
                "reading": picture.reading
                + (_correlation(tables) if name == "success" else "")
                + (doubts if "dataset" in picture.switches else ""),
                "switches": list(picture.switches),
                "rows": columnwise(rows.reset_index(drop=True)),
                "spec": spec,
            }
        )
    return found


def _correlation(tables: Tables) -> str:
    """Return what decides the paper's claim 4a on our tables: the correlation of SR and FL."""
    if "claims" not in tables:
        return ""
    claims = tables["claims"].dropna(subset=["evidence", "holds"])
    ours = claims[(claims["claim"] == "4a") & claims["tables"].str.startswith("ours")]
    return "".join(f" On these tables: {evidence}." for evidence in ours["evidence"][:1])


def _strongest(tables: Tables, options: Options) -> str:
    """Return the attack that a reader sees first: that which raises CHR most without a defense."""
    changes = tables["changes"]
    bare = strongest(changes[changes["defense"] == options.undefended], options, ["defense"])
    return str(bare["attack"].iloc[0]) if len(bare) else options.attacked[0]


def _height(rows: pd.DataFrame) -> int:
    """Return the height in pixels of the largest dataset's categories."""
    return 17 * int(rows.groupby("dataset")["category"].size().max())
