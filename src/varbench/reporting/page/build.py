"""Writes the page's folder, whole or not at all."""

import base64
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from varbench.errors import InputError

HERE = Path(__file__).parent
LIBRARIES = (
    *("vega.min.js", "vega-lite.min.js", "vega-embed.min.js"),
    *("tabulator.min.js", "photoswipe.umd.min.js"),
)
LIBRARY_STYLES = ("tabulator_simple.min.css", "photoswipe.css")
OWN_STYLES = ("page.css", "tables.css", "gallery.css")
OWN = (
    *("core.js", "export.js", "grids.js", "answers.js", "tables.js", "charts.js"),
    *("images.js", "gallery.js", "lists.js", "provenance.js", "main.js"),
)

_templates = Environment(
    loader=PackageLoader("varbench.reporting.page"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)


PARTS = {"index.html", "images", "thumbs", "licences"}


@contextmanager
def folder_replacing(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of ``folder`` when the block succeeds.

    A folder that holds something else than a page is left alone: InputError says so.
    """
    # A workflow takes the page itself away before it is made again.
    if folder.exists() and not {path.name for path in folder.iterdir()} <= PARTS:
        raise InputError(f"{folder}: holds other files than a page; name another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        new, old = Path(temporary) / "new", Path(temporary) / "old"
        new.mkdir()
        yield new
        if folder.exists():
            folder.replace(old)
        new.replace(folder)


def write_page(folder: Path, context: Mapping[str, Any]) -> None:
    """Write index.html into ``folder``, which needs no file beside it but pictures.

    ``context`` is JSON of what the scripts show.
    """
    (folder / "index.html").write_text(
        render("index.html.j2", context, LIBRARIES, OWN, LIBRARY_STYLES, OWN_STYLES),
        encoding="utf-8",
    )
    licences = folder / "licences"
    licences.mkdir(exist_ok=True)
    for path in sorted((HERE / "vendor").glob("*.LICENSE")):
        shutil.copy(path, licences / f"{path.name}.txt")


def render(
    template: str,
    context: Mapping[str, Any],
    libraries: tuple[str, ...],
    own: tuple[str, ...],
    library_styles: tuple[str, ...],
    own_styles: tuple[str, ...],
) -> str:
    """Fill in a template: scripts and styles inline, each script allowed by its digest alone."""
    scripts = [_read("vendor", name) for name in libraries] + [_read("scripts", n) for n in own]
    styles = [_read("vendor", name) for name in library_styles]
    styles += [_read("styles", name) for name in own_styles]
    return _templates.get_template(template).render(
        context=context,
        policy=policy(scripts),
        scripts=[Markup(script) for script in scripts],  # our own files, not what others say
        styles=[Markup(style) for style in styles],
        data=Markup(escaped_json(context)),
    )


def policy(scripts: list[str]) -> str:
    """Return a content security policy: these scripts, pictures beside the page, no network."""
    digests = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; "
        "img-src 'self' file: data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
    )


def escaped_json(value: Any) -> str:
    r"""Return JSON that no HTML parser reads as more than text: ``<`` becomes ``\u003c``."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _read(part: str, name: str) -> str:
    text = (HERE / part / name).read_text(encoding="utf-8")
    if "</script" in text:
        raise ValueError(f"{name} would end its own element")
    return text
