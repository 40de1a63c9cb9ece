"""The names of networks, checked without importing torchvision, which takes seconds."""

from functools import cache
from pathlib import Path

from varbench.errors import InputError
from varbench.experiment.references import hint


def check_architecture(name: str, listing: Path) -> None:
    """Raise InputError, with a suggestion, if ``name`` is none of the file ``listing``'s lines."""
    known = _names(listing)
    if name in known:
        return
    squeezed = {_squeeze(each): each for each in known}
    close = squeezed.get(_squeeze(name))
    meant = f"; did you mean {close!r}?" if close else hint(name.lower(), known)
    if name.startswith("vit_"):
        meant = ": it has no maps whose average is its features; give a convolutional one or swin_t"
    raise InputError(
        f"extractor.architecture: no classifier {name!r} of torchvision will do{meant}"
    )


def _squeeze(name: str) -> str:
    """Return a name without what people write differently."""
    return "".join(c for c in name.lower() if c.isalnum())


@cache
def _names(listing: Path) -> list[str]:
    return listing.read_text(encoding="utf-8").split()
