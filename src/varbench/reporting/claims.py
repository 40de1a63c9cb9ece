"""The paper's claims, each decided from Tables 1 and 2: the paper's own or ours.

A claim that says several things is split (4a, 4b), since one may hold without the other. What
"near", "strictly" and "sharply" are taken to mean stands in the statement beside the verdict.
"""

from collections.abc import Callable, Collection, Sequence
from itertools import combinations, product

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from varbench.reporting.layout import mean_over_runs

CLEAN, UNDEFENDED, DEFENDED = "none", ("T",), ("AT", "FAT")
ATTACKS = ("fgsm_4", "fgsm_8", "pgd_4", "pgd_8", "cw")

Place = tuple[str, str]  # dataset, defense
Grid = dict[Place, dict[str, float]]  # of a measure, by attack
Decision = tuple[bool, str]  # whether a claim holds, and the numbers


def claims(
    table1: pd.DataFrame,
    table2: pd.DataFrame,
    *,
    women: str = "amazon_women",
    men: str = "amazon_men",
    k: int = 20,
) -> pd.DataFrame:
    """Decide the paper's claims from Table 1 and Table 2.

    women, men : the datasets for the claims that name one; all others are decided on all datasets
        of the tables at once, always over the paper's five attacks

    Returns claim, statement, holds (a nullable boolean, empty where a cell that the claim needs
    has no value) and evidence (the numbers as text, or the first missing cell).
    """
    cells = _Cells(table1, table2, k)
    rows: list[tuple[str, str, bool | None, str]] = []
    for claim, (statement, decide) in _CLAIMS.items():
        try:
            rows.append((claim, statement, *decide(cells, women, men)))
        except _MissingCellError as missing:
            rows.append((claim, statement, None, str(missing)))
    decided = pd.DataFrame(rows, columns=["claim", "statement", "holds", "evidence"])
    return decided.astype({"holds": "boolean"})


class _MissingCellError(LookupError):
    """A claim needs a cell that has no value."""


class _Cells:
    """Both tables, handed out as grids in which no cell is missing."""

    def __init__(self, table1: pd.DataFrame, table2: pd.DataFrame, k: int) -> None:
        keys = ["dataset", "defense", "attack"]
        self.datasets = list(pd.concat([table1["dataset"], table2["dataset"]]).unique())
        self._tables = {
            measure: table2.set_index(keys)[measure].to_dict()
            for measure in ("success_rate", "feature_loss", "lpips")
        }
        means = mean_over_runs(table1, ["recommender", *keys], [f"chr_at_{k}"])
        for recommender, ratios in means.groupby("recommender"):
            self._tables[f"CHR of {recommender}"] = ratios.set_index(keys)[f"chr_at_{k}"].to_dict()

    def grid(
        self,
        measure: str,
        datasets: Sequence[str],
        defenses: Sequence[str],
        attacks: Sequence[str] = ATTACKS,
    ) -> Grid:
        """Return a measure of Table 2, or "CHR of" a recommender, for these names."""
        values = self._tables.get(measure, {})
        for cell in product(datasets, defenses, attacks):
            if np.isnan(values.get(cell, np.nan)):
                raise _MissingCellError(f"no value: {measure}, {' '.join(cell)}")
        return {
            place: {attack: values[*place, attack] for attack in attacks}
            for place in product(datasets, defenses)
        }

    def change(self, recommender: str, datasets: Sequence[str], defenses: Sequence[str]) -> Grid:
        """Return CHR's change relative to the same extractor's clean cell: 1 is +100 %."""
        ratios = self.grid(f"CHR of {recommender}", datasets, defenses, (CLEAN, *ATTACKS))
        return {
            place: {attack: _relative(row[attack], row[CLEAN]) for attack in ATTACKS}
            for place, row in ratios.items()
        }


def _relative(value: float, base: float) -> float:
    if value == base:
        return 0.0
    return value / base - 1 if base else np.inf


def _pgd_8_changes_most(cells: _Cells, _women: str, _men: str) -> Decision:
    change = cells.change("vbpr", cells.datasets, UNDEFENDED)
    most = [max(row, key=lambda attack: abs(row[attack])) for row in change.values()]
    return set(most) == {"pgd_8"}, _listed(change, "+.1%")


def _pgd_8_by_230_percent(cells: _Cells, women: str, _men: str) -> Decision:
    change = cells.change("vbpr", [women], UNDEFENDED)[women, "T"]["pgd_8"]
    return change >= 2.3, f"{women} {change:+.1%}"


def _every_attack_raises_defended_vbpr(cells: _Cells, _women: str, _men: str) -> Decision:
    change = cells.change("vbpr", cells.datasets, DEFENDED)
    raised = [value > 0 for row in change.values() for value in row.values()]
    means = {a: float(np.mean([row[a] for row in change.values()])) for a in ATTACKS}
    listed = ", ".join(f"{attack} {mean:+.2%}" for attack, mean in means.items())
    numbers = _listed(change, "+.1%")
    return all(raised), f"{_share(raised)} raise it; on average {listed}; {numbers}"


def _most_do_not_raise_defended_amr(cells: _Cells, _women: str, _men: str) -> Decision:
    change = cells.change("amr", cells.datasets, DEFENDED)
    kept = {place: [value <= 0 for value in row.values()] for place, row in change.items()}
    every = [one for row in kept.values() for one in row]
    listed = ", ".join(f"{' '.join(place)} {_share(row)}" for place, row in kept.items())
    numbers = _listed(change, "+.1%")
    return sum(every) >= 0.75 * len(every), f"{_share(every)} do not: {listed}; {numbers}"


def _loss_rises_with_success(cells: _Cells, _women: str, _men: str) -> Decision:
    correlations = {}
    for dataset in cells.datasets:
        loss, rate = (
            [
                v
                for row in cells.grid(measure, [dataset], UNDEFENDED + DEFENDED).values()
                for v in row.values()
            ]
            for measure in ("feature_loss", "success_rate")
        )
        constant = len(set(loss)) == 1 or len(set(rate)) == 1
        correlations[dataset] = (0.0, 1.0) if constant else spearmanr(loss, rate)
    listed = "; ".join(f"{d} rho {rho:.2f} (p = {p:.0e})" for d, (rho, p) in correlations.items())
    return all(rho > 0 and p < 0.05 for rho, p in correlations.values()), listed


def _loss_rises_strictly_with_success(cells: _Cells, _women: str, _men: str) -> Decision:
    loss = cells.grid("feature_loss", cells.datasets, UNDEFENDED + DEFENDED)
    rate = cells.grid("success_rate", cells.datasets, UNDEFENDED + DEFENDED)
    against = {
        (*place, one, other): (rate[place][other] - rate[place][one])
        * (loss[place][other] - loss[place][one])
        <= 0
        for place in loss
        for one, other in combinations(ATTACKS, 2)
        if rate[place][one] != rate[place][other]
    }
    listed = ", ".join(
        f"{d} {f} {one}/{other} (SR {rate[d, f][one]:.4g}/{rate[d, f][other]:.4g}, "
        f"FL {loss[d, f][one]:.3g}/{loss[d, f][other]:.3g})"
        for (d, f, one, other), no in against.items()
        if no
    )
    return not any(against.values()), (
        f"against it {_share(against.values())} pairs of different SR: {listed or 'none'}"
    )


def _success_at_most(share: float) -> Callable[[_Cells, str, str], Decision]:
    """Return the decision whether every defended SR is lower than T's, and at most this share."""

    def decide(cells: _Cells, _women: str, _men: str) -> Decision:
        bare = cells.grid("success_rate", cells.datasets, UNDEFENDED)
        defended = cells.grid("success_rate", cells.datasets, DEFENDED)
        low, others = [], []
        for (dataset, defense), row in defended.items():
            for attack, rate in row.items():
                before = bare[dataset, "T"][attack]
                low.append(rate < before and rate <= share * before)
                if not low[-1]:
                    others.append(f"{dataset} {defense} {attack} {rate:.2%} of {before:.2%}")
        numbers = _listed(bare | defended, ".2%")
        return all(low), f"{_share(low)} are; not: {', '.join(others) or 'none'}; {numbers}"

    return decide


def _pgd_4_has_lowest_lpips(cells: _Cells, _women: str, _men: str) -> Decision:
    lpips = cells.grid("lpips", cells.datasets, UNDEFENDED)
    lowest = [min(row, key=lambda attack: row[attack]) for row in lpips.values()]
    return set(lowest) == {"pgd_4"}, _listed(lpips, ".6f")


def _pgd_4_succeeds(cells: _Cells, _women: str, _men: str) -> Decision:
    rates = cells.grid("success_rate", cells.datasets, UNDEFENDED, ["pgd_4"])
    return all(row["pgd_4"] >= 0.95 for row in rates.values()), _listed(rates, ".2%")


def _fgsm_8_on_women_has_highest_lpips(cells: _Cells, women: str, _men: str) -> Decision:
    own = cells.grid("lpips", [women], UNDEFENDED)[women, "T"]["fgsm_8"]
    others = cells.grid("lpips", cells.datasets, UNDEFENDED)
    highest = max(value for row in others.values() for value in row.values())
    return own == highest, f"{women} fgsm_8 {own:.6f}; highest {highest:.6f}"


def _lpips_rises(low: float, high: float) -> Callable[[_Cells, str, str], Decision]:
    """Return the decision whether Men's LPIPS rises from T to AT by a share between the two."""

    def decide(cells: _Cells, _women: str, men: str) -> Decision:
        lpips = cells.grid("lpips", [men], ("T", "AT"), ["fgsm_8"])
        rise = _relative(lpips[men, "AT"]["fgsm_8"], lpips[men, "T"]["fgsm_8"])
        return low < rise < high, f"{men} {rise:+.1%}"

    return decide


def _listed(grid: Grid, form: str) -> str:
    return "; ".join(
        f"{' '.join(place)} "
        + ", ".join(f"{attack} {value:{form}}" for attack, value in row.items())
        for place, row in grid.items()
    )


def _share(flags: Collection[bool]) -> str:
    return f"{sum(flags)} of {len(flags)}"


_CLAIMS: dict[str, tuple[str, Callable[[_Cells, str, str], Decision]]] = {
    "1a": ("Undefended VBPR: PGD 8 changes CHR most, on each dataset", _pgd_8_changes_most),
    "1b": ("Undefended VBPR, Women: PGD 8 raises CHR by 230 % or more", _pgd_8_by_230_percent),
    "2": ("Defended VBPR: every attack raises CHR", _every_attack_raises_defended_vbpr),
    "3": (
        "Defended AMR: 75 % of the attacks or more do not raise CHR",
        _most_do_not_raise_defended_amr,
    ),
    "4a": (
        "FL rises with SR: rank correlation above 0 with p < 0.05, on each dataset",
        _loss_rises_with_success,
    ),
    "4b": (
        "Strictly: of two attacks on an extractor, the one with the higher SR has the higher FL",
        _loss_rises_strictly_with_success,
    ),
    "5a": ("SR is lower under AT and FAT than under T, for each attack", _success_at_most(1)),
    "5b": ("Sharply: at most half of it", _success_at_most(0.5)),
    "6a": ("Undefended: PGD 4 has the lowest LPIPS, on each dataset", _pgd_4_has_lowest_lpips),
    "6b": ("And a near-100 % SR: 95 % or more, on each dataset", _pgd_4_succeeds),
    "6c": (
        "Undefended: FGSM 8 on Women has the highest LPIPS",
        _fgsm_8_on_women_has_highest_lpips,
    ),
    "7a": ("Men, FGSM 8: LPIPS is higher under AT than under T", _lpips_rises(0, np.inf)),
    "7b": ("By 34 %, to the nearest percent", _lpips_rises(0.335, 0.345)),
}
