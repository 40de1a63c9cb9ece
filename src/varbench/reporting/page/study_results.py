"""What a study's answers say: how often people find the attacked image, cell by cell."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from scipy import stats

from varbench.errors import InputError
from varbench.storage import reading

CELL = ["dataset", "defense", "attack"]
ANSWER = {"dataset", "defense", "attack", "item", "attacked_side", "answer", "milliseconds"}
SIDES = {"left", "right"}


def read_answers(paths: Sequence[Path]) -> pd.DataFrame:
    """Return a row an answer: participant, the pair's names, correct and milliseconds.

    Raises InputError where a file is none of a study, where files are of different studies, or
    where a participant occurs twice.
    """
    parts: list[pd.DataFrame] = []
    studies: dict[str, Path] = {}
    participants: dict[str, Path] = {}
    for path in paths:
        with reading(path):
            saved: Any = json.loads(path.read_text(encoding="utf-8"))
        study, participant, answers = _checked(path, saved)
        studies.setdefault(study, path)
        if len(studies) > 1:
            raise InputError(f"{path}: of another study than {next(iter(studies.values()))}")
        if participant in participants:
            raise InputError(f"{path}: the same participant as {participants[participant]}")
        participants[participant] = path
        own = pd.DataFrame(answers, columns=sorted(ANSWER))
        correct = own["answer"] == own["attacked_side"]
        parts.append(own.assign(participant=participant, correct=correct))
    if not parts:
        raise InputError("no files of answers were given")
    return pd.concat(parts, ignore_index=True)


def _checked(path: Path, saved: Any) -> tuple[str, str, list[dict[str, Any]]]:
    """Return what a file holds, if it is what the study's page saves."""
    if not isinstance(saved, dict) or not {"study", "participant", "answers"} <= set(saved):
        raise InputError(f"{path}: not a file that the study's page saved")
    for number, answer in enumerate(saved["answers"], start=1):
        if not isinstance(answer, dict) or not set(answer) >= ANSWER:
            raise InputError(f"{path}: answer {number} lacks something; leave this file out")
        if not {answer["attacked_side"], answer["answer"]} <= SIDES:
            raise InputError(f"{path}: answer {number}: a side is neither left nor right")
    return str(saved["study"]), str(saved["participant"]), saved["answers"]


def detection(
    answers: pd.DataFrame,
    *,
    table2: pd.DataFrame | None = None,
    catch_share: float = 0.8,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return how often people found the attacked image in each cell.

    answers : of `read_answers`
    table2 : whose lpips (else perceptual_stand_in) and perceptual_label are put beside
    catch_share : who is right in fewer of the catch trials is left out
    confidence : of the Wilson intervals (Wilson, JASA 22, 1927)

    Returns dataset, defense, attack, participants, trials, detected (share), detected_low,
    detected_high, p_value (two-sided binomial test against 1/2; it takes answers as independent),
    above_chance (the interval lies above 1/2), left_out (participants), distance, distance_label
    and distance_spearman, the rank correlation of detected and distance over all cells.
    """
    catch = answers[answers["attack"] == "catch"]
    share = catch.groupby("participant")["correct"].mean()
    out = set(share[share < catch_share].index)
    kept = answers[(answers["attack"] != "catch") & ~answers["participant"].isin(list(out))]
    rows = []
    for names, own in kept.groupby(CELL, sort=False):
        test = stats.binomtest(int(own["correct"].sum()), len(own), 0.5)
        low, high = test.proportion_ci(confidence, method="wilson")
        rows.append(
            {
                **dict(zip(CELL, names, strict=True)),
                "participants": own["participant"].nunique(),
                "trials": len(own),
                "detected": float(own["correct"].mean()),
                "detected_low": float(low),
                "detected_high": float(high),
                "p_value": float(test.pvalue),
                "above_chance": bool(low > 0.5),
                "left_out": len(out),
            }
        )
    if not rows:
        raise InputError("no answers are left: every participant failed the catch trials")
    return _with_distance(pd.DataFrame(rows), table2)


def _with_distance(found: pd.DataFrame, table2: pd.DataFrame | None) -> pd.DataFrame:
    if table2 is None:
        table2 = pd.DataFrame(columns=[*CELL, "lpips", "perceptual_stand_in", "perceptual_label"])
    distances = table2[CELL].assign(
        distance=table2["lpips"].astype(float).fillna(table2["perceptual_stand_in"].astype(float)),
        distance_label=table2["perceptual_label"],
    )
    found = found.merge(distances, on=CELL, how="left")
    both = found[["detected", "distance"]].dropna()
    varied = len(both) > 2 and bool((both.max() > both.min()).all())
    ranks = both.rank()
    rho = ranks["detected"].corr(ranks["distance"]) if varied else float("nan")
    return found.assign(distance_spearman=rho)
