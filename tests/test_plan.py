"""The target `plan` counts the jobs that Snakemake itself would run."""

import re
from pathlib import Path

import pytest

import grid

# What the configurations of photographs and board games read, beside the checkout.
PHOTOGRAPHS = (
    *(
        f"{shop}/{file}"
        for shop in ("clothing", "boardgames", "fashion")
        for file in ("items.csv", "interactions.tsv", "images/1.jpg")
    ),
    "weights/squeezenet1_1.pt",
)
CONFIGURATIONS = {
    "embedded": [],
    "photographs": ["config/clothing.yaml"],
    "board games": ["config/boardgames.yaml"],
    "hardened": ["config/hardened.yaml"],
    "paper": ["config/paper.yaml"],
    "paper, both protocols": ["config/paper.yaml", "config/presets.yaml"],
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout with its overlays, and empty files in place of the photographs."""
    folder = tmp_path_factory.mktemp("plan")
    for name in PHOTOGRAPHS:
        path = folder / "shared" / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    checkout = grid.copy_checkout(folder / "checkout")
    for defense in ("AT", "FAT"):
        weights = checkout / f"results/hardened/extractors/{defense}/0.safetensors"
        weights.parent.mkdir(parents=True)
        weights.touch()
    (checkout / "config").mkdir()
    for overlay in (grid.BASE / "config").glob("*.yaml"):
        (checkout / "config" / overlay.name).write_bytes(overlay.read_bytes())
    return checkout


def counted(text: str) -> dict[str, int]:
    """Return the first number behind each rule's name in a table."""
    rows = re.findall(r"^ *(\w+) +(\d+)\b", text, re.MULTILINE)
    return {rule: int(count) for rule, count in rows}


@pytest.mark.parametrize("overlays", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_the_plan_counts_the_jobs_of_a_dry_run(checkout: Path, overlays: list[str]):
    done = grid.snakemake(checkout, "all", "--dry-run", "--quiet", "rules", configfile=overlays)
    dry = counted((done.stdout + done.stderr).split("total")[0])
    assert dry["evaluate_cell"] >= 50
    planned = grid.snakemake(checkout, "plan", configfile=overlays).stdout.split("total")[0]
    assert counted(planned) == dry
