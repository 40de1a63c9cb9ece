"""A page of results that never ran, and those results as the page's parts read them."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import grid
import page_results
from varbench.reporting.page import frames
from varbench.reporting.page.options import Options

NO_FACTS = pd.DataFrame(columns=["dataset", "defense", "attack", "item", "success"])


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    options = Options.read(page_results.write(folder))
    return folder, options, frames.read_tables(sorted((folder / "tables").glob("*.csv")))


def make_page(folder: Path, options: dict, output: Path) -> subprocess.CompletedProcess[str]:
    """Run the command on results of `page_results`; it makes the page in the folder ``output``."""
    line = [
        *(sys.executable, grid.BASE / "workflow" / "scripts" / "make_page.py"),
        *("--options", json.dumps({"page": options, "folders": page_results.folders(folder)})),
        *("--tables", *sorted((folder / "tables").glob("*.csv"))),
        *("--page", output / "index.html"),
    ]
    return subprocess.run([str(word) for word in line], capture_output=True, text=True)
