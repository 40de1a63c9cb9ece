"""Names that a file system, a program or an eye takes for the same."""

from unicodedata import normalize

DIFFERENCES = "case, Unicode form, blanks around it, leading zeros or a '.0' behind it"


def alike(name: str) -> str:
    """Return what names have in common that have `DIFFERENCES` only."""
    folded = normalize("NFC", normalize("NFC", name).casefold()).strip()
    whole = folded.removesuffix(".0")  # as programs write ids that they take for decimals
    return whole.lstrip("0") if whole.isdecimal() else folded
