"""Names that a file system, a program or an eye takes for the same."""

from unicodedata import normalize


def alike(name: str) -> str:
    """Return what names have in common that differ in case, Unicode form or leading zeros only."""
    folded = normalize("NFC", normalize("NFC", name).casefold())
    return folded.lstrip("0") if folded.isdecimal() else folded
