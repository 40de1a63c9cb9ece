"""What an earlier version of this project has left in a folder of results.

Its files lie at places where nothing looks any more: results of the present layout are made anew
beside them.
"""

from itertools import chain
from pathlib import Path

from varbench.axes import THREATS

# Files and folders that were there before results had a run; and the features of attacked images,
# when they had the name of a whole catalogue's.
PLACES = (
    "visual",
    "extractors/*.safetensors",
    "features/*/*/features.npy",
    "attacks/*/*/*/images.zip",
    "attacks/*/*/*/*/features.npy",
)
SHOWN = 4


def left(results: Path) -> list[Path]:
    """Return what is of a former layout, sorted; of cells, the folders named after datasets.

    results : the folder of results, which need not exist
    """
    cells = (path for path in results.glob("cells/*") if path.name not in THREATS)
    return sorted(chain(cells, *(results.glob(place) for place in PLACES)))


def notice(results: Path) -> str:
    """Return one line for the user that names what is left; empty where nothing is."""
    found = [str(path.relative_to(results)) for path in left(results)]
    if not found:
        return ""
    more = len(found) - SHOWN
    named = ", ".join(found[:SHOWN]) + (f" and {more} more" if more > 0 else "")
    return (
        f"{results}: of an earlier version of varbench, and not used any more: {named}. "
        "Results are made anew; these may be deleted"
    )
