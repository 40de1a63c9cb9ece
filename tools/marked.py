"""Parts of pages that a command writes: what is between two marks, `begin` and `end`."""

import re
import sys
from pathlib import Path

BASE = Path(__file__).parents[1]


def with_part(page: str, name: str, text: str) -> str:
    """Return a page with this text between the marks of that name.

    Raises ValueError where the page does not have exactly one such part.
    """
    mark = re.escape(name)
    place = re.compile(rf"(<!-- {mark}: begin.*? -->\n).*?(<!-- {mark}: end -->)", re.DOTALL)
    written, count = place.subn(lambda found: found[1] + text + found[2], page)
    if count != 1:
        raise ValueError(f"{name}: the page has {count} such parts, not one")
    return written


def put(page: Path, name: str, text: str) -> None:
    """Write the part; with --check on the command line only say whether it would change."""
    before = page.read_text(encoding="utf-8")
    try:
        after = with_part(before, name, text)
    except ValueError as error:
        sys.exit(f"{page.relative_to(BASE)}: {error}")
    if "--check" not in sys.argv[1:]:
        page.write_text(after, encoding="utf-8")
    elif before != after:
        sys.exit(f"{page.relative_to(BASE)}: {name} is out of date; run python {sys.argv[0]}")
