"""Titles of the pictures that charts.py defines, and how to read each, for who does not draw them.

How to read one is a file that ``snakemake --report`` shows beside it, too.
"""

from pathlib import Path

CAPTIONS = Path(__file__).parents[1] / "captions" / "figures"
PICTURES = {
    "chr": "What each attack changes",
    "success": "Success against feature loss",
    "trade_off": "The attacker's trade-off",
    "chr_by_k": "Lists of other lengths",
    "ranks": "Rank of the attacked items",
    "promotion": "Who is promoted",
    "training": "How the networks were trained",
    "categories": "Popularity of categories",
    "spread": "Between runs",
}


def reading(name: str) -> str:
    """Return the line that says what to see in a picture."""
    return " ".join((CAPTIONS / f"{name}.rst").read_text(encoding="utf-8").split())
