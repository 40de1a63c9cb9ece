"""What makes an attack's numbers doubtful, in words: signs that it is weaker than it could be."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from varbench.metrics.proportions import wilson

Key = tuple[str, str, str]  # dataset, defense, attack
Flags = dict[Key, list[str]]


def flags(examined: Iterable[tuple[Mapping[str, str], Mapping[str, Any]]]) -> Flags:
    """Return the flags of attacks that were examined.

    examined : of each its dataset, defense and attack, and `attacks.indicators.Indicators` as a
        dictionary
    """
    return {
        (names["dataset"], names["defense"], names["attack"]): list(_said(found))
        for names, found in examined
    }


def _said(found: Mapping[str, Any]) -> Iterable[str]:
    for where, of in (("clean", found["clean"]), ("attacked", found["attacked"])):
        for what, said in (("zero", "zero"), ("not_finite", "not finite")):
            if of[what] > 0:
                yield f"gradients are {said} at {of[what]:.0%} of the {where} images looked at"
    falling, recheck = found["falling"], found["recheck"]
    if falling and falling["still"]:
        yield f"the loss was still falling: a tenth more steps gain {falling['gain']:.1%}"
    if recheck:
        count = recheck["images"]
        succeeded = np.arange(count) < round(recheck["before"] * count)
        _, _, high = wilson(succeeded[None].astype(float))
        if recheck["after"] > high:
            yield (
                f"ten times the steps succeed on {recheck['after']:.0%} of {count} images, "
                f"these on {recheck['before']:.0%}"
            )


def of_transfers(
    images: Mapping[tuple[str, str], pd.DataFrame], transfers: Mapping[str, str]
) -> Flags:
    """Return the flags of attacks that succeed less than the same one made for another network.

    images : of each dataset and defense, the images of all attacks: attack, success
    transfers : for each attack that is crafted on another network, the same one crafted on its own
    """
    found: Flags = {}
    for network, table in images.items():
        rates = table.groupby("attack")["success"].mean()
        for transferred, own in transfers.items():
            if rates.get(transferred, 0) > rates.get(own, 1):
                said = f"{transferred}, made for another network, succeeds on more images"
                found.setdefault((*network, own), []).append(said)
    return found


def merged(*several: Mapping[Key, Sequence[str]]) -> Flags:
    """Return all flags together."""
    result: Flags = {}
    for found in several:
        for key, said in found.items():
            result.setdefault(key, []).extend(said)
    return result
