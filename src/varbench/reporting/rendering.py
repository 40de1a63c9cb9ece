"""A table as Markdown, LaTeX and HTML: one content, three forms of writing it down."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from tabulate import tabulate

from varbench.reporting import templates

MISSING = "\N{EN DASH}"

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "\N{EN DASH}": r"\textendash{}",
    "ε": r"$\epsilon$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "·": r"$\cdot$",
    "\N{UPWARDS ARROW}": r"$\uparrow$",
    "\N{DOWNWARDS ARROW}": r"$\downarrow$",
    "\N{ALMOST EQUAL TO}": r"$\approx$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


@dataclass(frozen=True)
class Cell:
    """What a table shows at one place: a number, perhaps with its interval, perhaps in bold.

    ``mark`` is a character behind it, ``notes`` the numbers of footnotes, from 1.
    """

    text: str = MISSING
    interval: tuple[str, str] | None = None
    bold: bool = False
    mark: str = ""
    notes: tuple[int, ...] = ()

    @property
    def numbers(self) -> str:
        """The footnotes' numbers as they are shown."""
        return ", ".join(map(str, self.notes))


@dataclass(frozen=True)
class Table:
    """A table ready to be written.

    ``cells`` holds a `Cell` at every place. Its index and its columns are MultiIndexes of two
    levels or more, the outermost first, that hold labels as a reader sees them; equal neighbours
    on an outer level share one heading. The index's names head the levels of the rows. ``name``
    becomes the LaTeX label and the HTML id. ``footnotes`` stand below it, numbered from 1.
    """

    name: str
    caption: str
    cells: pd.DataFrame
    footnotes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heading:
    """A heading, the first row or column (from 1) that it stands over, and how many.

    A ``span`` of 0 marks a place that the heading before it covers already.
    """

    text: str
    first: int
    span: int


def to_markdown(table: Table) -> str:
    """Return the caption and a pipe table, with intervals in brackets after their values."""
    content = _content(table)
    header = [escape_markdown(stub) for stub in content["stubs"]]
    header += [" · ".join(map(escape_markdown, column)) for column in table.cells.columns]
    lines = [
        [escape_markdown(heading.text) if heading.span else "" for heading in headings]
        + [_markdown_cell(cell) for cell in cells]
        for group in content["groups"]
        for headings, cells in group
    ]
    aligned = ["left"] * content["depth"] + ["right"] * content["width"]
    body = tabulate(lines, header, tablefmt="pipe", disable_numparse=True, colalign=aligned)
    notes = [f"{n}. {escape_markdown(note)}" for n, note in enumerate(table.footnotes, start=1)]
    below = "\n" + "\n".join(notes) + "\n" if notes else ""
    return f"{escape_markdown(table.caption)}\n\n{body}\n{below}"


def to_latex(table: Table) -> str:
    """Return a ``table`` environment with intervals beneath their values; it needs booktabs."""
    return _LATEX_TABLE.render(_content(table)).lstrip()


def to_html(table: Table) -> str:
    """Return a ``<table>`` element, to be placed in a page."""
    return _HTML_TABLE.render(_content(table))


def to_page(table: Table) -> str:
    """Return an HTML page of a table that needs no other file."""
    element = Markup(to_html(table))  # escaped by its own template
    return _HTML_PAGE.render(name=table.name, css=Markup(templates.CSS), table=element)


# How a table is written, by the file's suffix.
FORMS: dict[str, Callable[[Table], str]] = {
    "md": to_markdown,
    "tex": to_latex,
    "html": to_page,
}


def escape_latex(text: str) -> str:
    """Return ``text`` on one line, with every character meaning itself to LaTeX."""
    text = "".join(_LATEX.get(character, character) for character in " ".join(text.split()))
    text = re.sub("-(?=-)", "-{}", text)  # two hyphens would be a dash
    # \\ at the end of a row takes a bracket that starts the next one for its argument.
    return "{[}" + text[1:] if text.startswith("[") else text


def escape_markdown(text: str) -> str:
    """Return ``text`` on one line, with every character meaning itself in a Markdown table."""
    text = re.sub(r"([\\`*_\[\]<>|~$])", r"\\\1", " ".join(text.split()))
    return re.sub(r"&(?=#?\w+;)", "&amp;", text)


def _markdown_cell(cell: Cell) -> str:
    parts = [f"**{cell.text}**" if cell.bold else cell.text]
    if cell.interval:
        parts.append(f"[{cell.interval[0]}, {cell.interval[1]}]")
    if cell.mark:
        parts.append(cell.mark)
    if cell.notes:
        parts.append(f"({cell.numbers})")
    return " ".join(parts)


def _content(table: Table) -> dict[str, Any]:
    """Return what the templates are filled with; ``groups`` are rows under one outer heading."""
    columns = _headings(table.cells.columns)
    headings = _headings(table.cells.index)
    rows = zip(headings, table.cells.to_numpy().tolist(), strict=True)
    return {
        "name": table.name,
        "caption": table.caption,
        "stubs": list(table.cells.index.names),
        "depth": table.cells.index.nlevels,
        "width": table.cells.shape[1],
        "header": [[h for h in level if h.span] for level in zip(*columns, strict=True)],
        "footnotes": table.footnotes,
        "groups": [list(run) for _, run in groupby(rows, key=lambda row: row[0][0].first)],
    }


def _headings(index: "pd.Index[Any]") -> list[list[Heading]]:
    """Return for each row or column its heading on every level."""
    labels = [tuple(map(str, label)) for label in index]
    headings: list[list[Heading]] = [[] for _ in labels]
    for level in range(index.nlevels):
        first = 0
        for prefix, run in groupby(label[: level + 1] for label in labels):
            span = len(list(run))
            for offset in range(span):
                headings[first + offset].append(
                    Heading(prefix[-1], first + 1, 0 if offset else span)
                )
            first += span
    return headings


_latex = Environment(
    block_start_string="<%",
    block_end_string="%>",
    variable_start_string="<<",
    variable_end_string=">>",
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,
    undefined=StrictUndefined,
)
_latex.filters["tex"] = escape_latex
_LATEX_TABLE = _latex.from_string(templates.LATEX)
_html = Environment(
    trim_blocks=True, lstrip_blocks=True, autoescape=True, undefined=StrictUndefined
)
_HTML_TABLE = _html.from_string(templates.HTML)
_HTML_PAGE = _html.from_string(templates.PAGE)
