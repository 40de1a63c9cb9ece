"""Hits of attacked items in users' lists, small enough to add up by hand."""

import numpy as np

from varbench.reporting.cells import Cell

ATTACKS = ("none", "noise", "fgsm", "pgd")


def cell(attack="none", defense="T", threat="evasion", recommender="vbpr"):
    return Cell(threat, "men", defense, attack, recommender)


def grid(runs=3, seeds=1, users=400):
    """Hits of four attacks: noise does nothing, FGSM and PGD add as much to everybody's chance."""
    random = np.random.default_rng(0)
    chance = {"none": 0.3, "noise": 0.3, "fgsm": 1.3, "pgd": 1.31}
    taste = random.gamma(1, 1, users)
    return {
        cell(attack): random.poisson(chance[attack] * taste, (runs, seeds, users))
        for attack in ATTACKS
    }
