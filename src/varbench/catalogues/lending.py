"""The most that any image attack could reach: attacked items with target items' own features."""

import numpy as np
from numpy.typing import NDArray


def lenders(
    members: NDArray[np.int64], popularity: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Return for each of ``count`` attacked items the target item whose features it borrows.

    The target category's items by their training interactions, the most popular first (of equals
    the one with the lower number), and from the first again when all have lent.

    members : items of the target category, at least one
    popularity : (items,) training interactions of every item
    """
    order = members[np.lexsort((members, -popularity[members]))]
    chosen: NDArray[np.int64] = np.resize(order, count)
    return chosen
