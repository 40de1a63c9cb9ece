"""Names in tables: whatever they are, each form shows them as they are."""

# ruff: noqa: RUF001 (the dash and the multiplication sign are what is tested)
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shown_tables import DATASETS, Grid, read_latex, table1
from varbench.errors import InputError
from varbench.reporting import rendering
from varbench.reporting.chr_table import chr_table
from varbench.reporting.labels import attack_labels
from varbench.reporting.layout import Style
from varbench.reporting.visual_table import visual_table

__all__ = ["table1"]

HOSTILE = ["a_b & <script>alert('x')</script>", "50 % #1 | **~^$ \\ {x}", "[12] `c`\nd", "é 猫 ε×–"]


def test_hostile_names_come_back_from_html(table1):
    labels = dict(zip([*DATASETS, "T", "cw"], HOSTILE, strict=True))
    table = chr_table(table1, Style(k=5, labels=labels))
    page = rendering.to_page(table)
    parsed = Grid(page)
    assert "script" not in parsed.tags
    assert "b" not in parsed.tags
    (grid,) = parsed.tables
    assert set(labels.values()) <= set(grid.values())


def test_hostile_names_leave_latex_whole(table1):
    labels = dict(zip(["men", "T", "vbpr", "cw"], HOSTILE, strict=True))
    text = rendering.to_latex(
        chr_table(table1.assign(verdict=""), Style(k=5, intervals=False, labels=labels))
    )
    shown = read_latex(text, 2)
    assert len(shown) == len(table1)
    assert r"a\_b \& \textless{}script\textgreater{}" in text
    assert unbalanced(text) == 0
    for line in text.splitlines():
        assert not re.match(r"\s*\[", line)


def unbalanced(latex):
    bare = re.sub(r"\\[{}\\]", "", latex)
    return bare.count("{") - bare.count("}")


def latex_to_text(latex):
    """Undo the escapes: what LaTeX prints."""
    commands = {
        r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^",
        r"\textless{}": "<", r"\textgreater{}": ">", r"\textbar{}": "|", r"$\epsilon$": "ε",
        r"$\times$": "×", r"$\cdot$": "·", "{[}": "[", r"\textendash{}": "–",
        "-{}": "-",
        **{f"\\{character}": character for character in "&%$#_{}"},
    }  # fmt: skip
    pattern = "|".join(re.escape(command) for command in commands)
    bare = re.sub(pattern, "", latex)
    assert not set(bare) & set("\\&%$#_{}~^<>|"), bare  # nothing special is left
    return re.sub(pattern, lambda match: commands[match[0]], latex)


pieces = st.sampled_from([*"ab \\&%$#_{}~^<>|[]`*\n\t\"'–ε×·!-", "&amp;", "&#38;", "<b>"])
names = st.lists(pieces).map("".join)


@given(names)
def test_latex_prints_the_name(text):
    assert latex_to_text(rendering.escape_latex(text)) == " ".join(text.split())


@settings(deadline=None)
@given(names, names)
def test_markdown_shows_the_name_in_one_cell(one, other):
    markdown_it = pytest.importorskip("markdown_it", reason="no Markdown parser installed")
    parser = markdown_it.MarkdownIt("commonmark").enable("table")
    cells = [rendering.escape_markdown(text) for text in (one, other)]
    tokens = parser.parse(f"| a | b |\n|---|---|\n| {cells[0]} | {cells[1]} |\n")
    shown = [token for token in tokens if token.type == "inline"][2:]
    assert len(shown) == 2
    for token, text in zip(shown, (one, other), strict=True):
        assert {child.type for child in token.children} <= {"text", "text_special"}
        assert "".join(child.content for child in token.children) == " ".join(text.split())


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["x", "y", "a"])))
def test_names_that_would_read_the_same_are_refused(labels):
    shown = [labels.get(name, name) for name in "abc"]
    frame = pd.DataFrame(
        {
            "dataset": list("abc"),
            "defense": "T",
            "attack": "fgsm",
            "success_rate": 0.5,
            "lpips": 0.1,
        }
    )
    if len(set(shown)) < 3:
        with pytest.raises(InputError, match=r"tables\.labels"):
            visual_table(frame, Style(labels=labels), measures=["success_rate"])
    else:
        cells = visual_table(frame, Style(labels=labels), measures=["success_rate"]).cells
        assert [row[0] for row in cells.index] == shown


def test_attack_labels():
    attacks = {
        "none": {"method": "none"},
        "fgsm_4": {"method": "fgsm", "epsilon": 4},
        "pgd_half": {"method": "pgd", "epsilon": 0.5},
        "pgd_8": {"method": "pgd", "epsilon": 8, "steps": 10},
        "pgd_8_long": {"method": "pgd", "epsilon": 8.0, "steps": 100},
        "cw": {"method": "carlini_wagner"},
        "own": {"method": "blur", "epsilon": 2},
    }
    assert attack_labels(attacks) == {
        "none": "No-Attack",
        "fgsm_4": "FGSM (ε = 4)",
        "pgd_half": "PGD (ε = 0.5)",
        "pgd_8": "PGD (ε = 8), pgd_8",
        "pgd_8_long": "PGD (ε = 8), pgd_8_long",
        "cw": "C&W",
        "own": "blur (ε = 2)",
    }
