"""A study with people: can they tell an attacked image from its clean one?

Two-alternative forced choice: a pair is shown side by side, and the participant says which of the
two was changed; who sees nothing is right half of the time. Catch trials show a change that nobody
overlooks: who fails them did not look.
"""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varbench.errors import InputError
from varbench.image_archive import ImageArchive, encode
from varbench.reporting.page import build
from varbench.reporting.page.archives import Archives
from varbench.reporting.page.options import Options
from varbench.storage import write_text

SECONDS = 6  # that a pair takes, for the consent's estimate
CONSENT = Path(__file__).with_name("consent.txt")

Pixels = NDArray[np.uint8]


def trials(
    archives: Archives, options: Options, *, per_cell: int, catch: int, seed: int
) -> list[dict[str, Any]]:
    """Draw the pairs of a study.

    per_cell : pairs of each dataset, defense and attack, of different items (all, if it has fewer)
    catch : pairs whose changed image is the clean one with inverted colours

    Returns dataset, defense, attack and item (of catch trials attack is "catch" and defense empty),
    clean and attacked, each a link that holds the image without loss.
    """
    found: list[dict[str, Any]] = []
    for number, dataset in enumerate(options.axes["datasets"]):
        items = archives.attacked(dataset)
        clean = ImageArchive(archives.catalogue_of(dataset) / "images.zip")
        for defense in options.axes["defenses"]:
            for attack in options.pictured(defense):
                random = np.random.default_rng([seed, len(found)])
                drawn = sorted(random.permutation(items)[:per_cell].tolist())
                archive = ImageArchive(archives.attack_of(dataset, defense, attack) / "images.zip")
                names = {"dataset": dataset, "defense": defense, "attack": attack}
                found += [
                    {**names, "item": item, "clean": _url(before), "attacked": _url(after)}
                    for item, before, after in zip(
                        drawn, clean.read(drawn), archive.read(drawn), strict=True
                    )
                ]
        share = len(range(number, catch, len(options.axes["datasets"])))
        shown = [items[i % len(items)] for i in range(share)]
        names = {"dataset": dataset, "defense": "", "attack": "catch"}
        found += [
            {**names, "item": item, "clean": _url(pixels), "attacked": _url(255 - pixels)}
            for item, pixels in zip(shown, clean.read(shown), strict=True)
        ]
    return found


def write_study(path: Path, pairs: Sequence[dict[str, Any]], title: str, consent: str) -> None:
    """Write a study as one file that needs no other, whole or not at all.

    consent : a text; {trials} and {minutes} are filled in
    """
    digest = hashlib.sha256(repr(list(pairs)).encode()).hexdigest()[:16]
    minutes = max(1, round(len(pairs) * SECONDS / 60))
    try:
        text = consent.format(trials=len(pairs), minutes=minutes)
    except (KeyError, IndexError, ValueError) as error:
        raise InputError(f"the consent text: only {{trials}} and {{minutes}}: {error}") from None
    # The file's lines are its own; a reader's window breaks them elsewhere.
    text = "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
    context = {"title": title, "study": digest, "consent": text, "trials": list(pairs)}
    write_text(
        path,
        build.render("study.html.j2", context, (), ("study.js",), (), ("page.css", "study.css")),
    )


def _url(pixels: Pixels) -> str:
    return f"data:image/png;base64,{base64.b64encode(encode(pixels)).decode()}"
