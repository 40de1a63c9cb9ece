"""The axes of the experiment, said once: what tells one cell, or one image, from another.

Tables carry these columns in this order; the paths in rules/common.smk have them as wildcards.
"""

from collections.abc import Mapping

# Which catalogue a recommender learns from, and which one it ranks (docs/threats.md).
POISONING, EVASION, COLD_START = "poisoning", "evasion", "cold_start"
THREATS = (POISONING, EVASION, COLD_START)

# A cell is one training of a recommender, or one ranking by it. Runs repeat everything that is
# random after the catalogue; seeds repeat the recommender alone, on the networks of a run.
CELL = ("threat", "dataset", "defense", "attack", "recommender", "run", "seed")
REPEATED = ("run", "seed")
# What a row of a table stands for: the repetitions are summed up in it.
ROW = tuple(axis for axis in CELL if axis not in REPEATED)
# The same where the threat is known: in the paper, an ablation, a table of one threat.
WITHIN_THREAT = tuple(axis for axis in ROW if axis != "threat")
# The attacked images of a network.
IMAGES = ("dataset", "defense", "attack", "run")
# The run of what is the same in all runs: a network that is loaded, and what depends on it alone.
SHARED = "shared"

Names = Mapping[str, str]


def computed(cell: Names, clean: str) -> dict[str, str]:
    """Return the names of the cell that is computed in place of ``cell``.

    Where nothing is attacked, evasion's ranking is poisoning's, by the same model.
    """
    if cell["threat"] == EVASION and cell["attack"] == clean:
        return {**cell, "threat": POISONING}
    return dict(cell)


def trained(cell: Names, clean: str) -> dict[str, str]:
    """Return the names of the training whose model ranks in ``cell``.

    Poisoning trains on the attacked catalogue; evasion ranks with the clean cell's model; under
    cold start one training, without the attacked items' interactions, serves all attacks.
    """
    if cell["threat"] == POISONING:
        return dict(cell)
    threat = COLD_START if cell["threat"] == COLD_START else POISONING
    return {**cell, "threat": threat, "attack": clean}


def baseline(cell: Names, clean: str, of: Names | None = None) -> dict[str, str]:
    """Return the names of the clean cell that a cell's change is taken from.

    of : defense and recommender of the clean cell, if not the cell's own (D15)
    """
    return computed({**cell, "attack": clean, **(of or {})}, clean)
