"""The answer first: what the numbers and their tests say, in words."""

from typing import Any

import pandas as pd

from varbench.reporting.page.frames import Tables, every_threat, shown, without_controls
from varbench.reporting.page.options import Options

# What is said of a defense, from best to worst.
STOPS, UNCLEAR, REDUCES, FAILS = "stops it", "cannot tell", "reduces it", "does not stop it"


def answers(tables: Tables, options: Options) -> list[dict[str, Any]]:
    """Return what was found for each dataset, threat and recommender.

    Each has dataset, threat, recommender, pushes ("yes", "no" or "cannot tell"), attack (a sentence
    on the undefended network), defenses (name, verdict, a sentence) and note (what intervals are).
    """
    changes = without_controls(shown(tables["changes"], options), options)
    changes = changes.dropna(subset=["change"])
    ratios = _clean_ratios(tables, options)
    found = []
    groups = changes.groupby(["dataset", "threat", "recommender"], sort=False)
    for (dataset, threat, recommender), cells in groups:
        of = {name: cells[cells["defense"] == name] for name in options.axes["defenses"]}
        bare = of[options.undefended]
        if bare.empty:
            continue
        clean = {d: ratios.get((dataset, threat, recommender, d)) for d in of}
        pushes, sentence = _attack(bare, clean[options.undefended], options)
        defenses = [
            {"defense": name, **_defense(own, bare, pushes, clean[name], options)}
            for name, own in of.items()
            if name != options.undefended and len(own)
        ]
        found.append(
            {
                "dataset": dataset,
                "threat": threat,
                "recommender": recommender,
                "pushes": pushes,
                "attack": sentence,
                "defenses": defenses,
                "note": _note(cells, options),
            }
        )
    datasets = options.axes["datasets"]
    return sorted(found, key=lambda one: datasets.index(one["dataset"]))


def _clean_ratios(tables: Tables, options: Options) -> dict[Any, float]:
    """Return CHR of each clean cell, by dataset, threat, recommender and defense."""
    table = every_threat(tables, options)
    clean = table[table["attack"] == options.clean]
    keys = ["dataset", "threat", "recommender", "defense"]
    ratios: dict[Any, float] = clean.set_index(keys)[f"chr_at_{options.k}"].to_dict()
    return ratios


def _worst(cells: pd.DataFrame) -> "pd.Series[Any]":
    return cells.iloc[int(cells["change"].to_numpy().argmax())]


def _number(value: float, sign: str = "") -> str:
    return f"{value:{sign}.3f}".replace("-", "\N{MINUS SIGN}")


def _change(row: "pd.Series[Any]") -> str:
    between = f"[{_number(row['change_low'], '+')}, {_number(row['change_high'], '+')}]"
    return f"{_number(row['change'], '+')} {between}"


def _attack(cells: pd.DataFrame, clean: float | None, options: Options) -> tuple[str, str]:
    raised = cells[cells["verdict"] == "raised"]
    worst = _worst(cells if raised.empty else raised)
    attack = options.names("attack")[worst["attack"]]
    measure = f"CHR@{options.k}"
    if clean == options.k:
        return "cannot tell", f"Clean {measure} is {options.k} already: nothing can raise it."
    start = "" if clean is None else f" from {_number(clean)} to {_number(clean + worst['change'])}"
    if len(raised):
        return "yes", (
            f"{attack} pushes the category: it raises {measure}{start}, {_change(worst)}. "
            f"{len(raised)} of {len(cells)} attacks {'is' if len(raised) == 1 else 'are'} shown to "
            "raise it."
        )
    if worst["verdict"] == "lowered":
        return "no", f"Every attack lowers {measure}; the least by {_change(worst)} ({attack})."
    if cells["equivalent"].eq(True).all():
        return "no", (
            f"No attack moves {measure}: all changes lie within \N{PLUS-MINUS SIGN}"
            f"{_number(worst['margin'])}; the largest is {_change(worst)} ({attack})."
        )
    return "cannot tell", (
        f"No attack can be told from none: the largest change of {measure} is {_change(worst)} "
        f"({attack}), which the test, corrected for all cells, does not separate from zero. More "
        "runs or users would decide it."
    )


def _defense(
    cells: pd.DataFrame, bare: pd.DataFrame, pushes: str, clean: float | None, options: Options
) -> dict[str, str]:
    if clean == options.k:
        return {"verdict": UNCLEAR, "sentence": "without an attack all of every list is counted."}
    worst, unhindered = _worst(cells), _worst(bare)
    attack = options.names("attack")[worst["attack"]]
    raised = int((cells["verdict"] == "raised").sum())
    what = f"its worst case is {attack}, {_change(worst)}"
    if raised:
        smaller = worst["change_high"] < unhindered["change_low"]
        verdict = REDUCES if pushes == "yes" and smaller else FAILS
        return {
            "verdict": verdict,
            "sentence": f"{raised} of {len(cells)} attacks still "
            f"{'raises' if raised == 1 else 'raise'} CHR; {what}.",
        }
    bounded = cells["equivalent"].eq(True) | (cells["verdict"] == "lowered")
    if bounded.all():
        return {"verdict": STOPS, "sentence": f"no attack raises CHR; {what}."}
    left = int((~bounded).sum())
    return {
        "verdict": UNCLEAR,
        "sentence": (
            f"no attack is shown to raise CHR, but {left} of {len(cells)} "
            f"{'is' if left == 1 else 'are'} not separable from none without being shown equal to "
            f"it; {what}."
        ),
    }


def _note(cells: pd.DataFrame, options: Options) -> str:
    tests = ", ".join(cells["test"].dropna().unique())
    runs = int(cells["runs"].max())
    return (
        f"In brackets: {100 * options.confidence:g} % intervals. "
        f"Tested over {tests} ({runs} run{'s' if runs > 1 else ''}), p values adjusted for the "
        "number of cells."
    )
