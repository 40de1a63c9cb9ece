"""What ``snakemake --report`` shows of a run: which outputs, where, and what is said of them.

Of a table its HTML is shown, of a picture its SVG; of tables that are not rendered the CSV.
"""

from pathlib import Path
from typing import Any

from varbench.reporting.labels import THREATS
from varbench.reporting.page.pictures import PICTURES
from varbench.reporting.tables import TABLES

CAPTIONS = Path(__file__).parent / "captions"
RENDERED = {
    "table1": "Table 1: category hit ratio",
    "table2": "Table 2: attacked images",
    "accuracy": "Accuracy",
    "beyond_accuracy": "What lists show",
    "promotion": "Promoted items",
    "ablation": "Ablation",
}
NUMBERS = {
    "changes": "Changes against the clean cell",
    "extractors": "Networks",
    "published": "Beside the paper's numbers",
    "published_agreement": "Agreement with the paper",
    "claims": "The paper's claims",
    "ablation_claims": "The paper's claims under each protocol",
    "cost": "Cost",
}
# Of the recommenders' lists, and of what comes before them.
OF_IMAGES = ("success", "training", "categories")


def entry(path: str) -> dict[str, Any] | None:
    """Return the arguments of Snakemake's ``report`` for an output; None if it is not shown.

    path : as a rule names it; a wildcard in it may stand in what is returned
    """
    file = Path(path)
    place = file.parent.name, file.suffix
    if file.parts[-2:] == ("report", "index.html"):
        return _with_caption("page", "Page", None, {"page": "Everything on one page"})
    if place == ("tables", ".html"):
        name, threat = _threat_of(file.stem)
        of_all = name not in TABLES or TABLES[name].threats == "none"
        where = "All threats" if of_all else THREATS[threat]
        return _with_caption(f"tables/{name}", "Tables", where, {"table": RENDERED[name]})
    if place == ("tables", ".csv") and file.stem in NUMBERS:
        return _with_caption(f"tables/{file.stem}", "Numbers", None, {"table": NUMBERS[file.stem]})
    if place == ("figures", ".svg") and file.stem in PICTURES:
        of = "Images and networks" if file.stem in OF_IMAGES else "Recommenders"
        return _with_caption(f"figures/{file.stem}", "Figures", of, {"figure": PICTURES[file.stem]})
    if place == ("figures", ".svg"):
        dataset = file.stem.removeprefix("images_")
        label = {"figure": f"One attacked item, {dataset}"}
        return _with_caption("figures/images", "Figures", "Examples", label)
    return None


def _with_caption(
    caption: str, category: str, subcategory: str | None, labels: dict[str, str]
) -> dict[str, Any]:
    return {
        "caption": str(CAPTIONS / f"{caption}.rst"),
        "category": category,
        "subcategory": subcategory,
        "labels": labels,
    }


def _threat_of(name: str) -> tuple[str, str]:
    """Return what `tables.suffixed` made a rendered table's name of."""
    for threat in THREATS:
        if name.endswith(f"_{threat}"):
            return name.removesuffix(f"_{threat}"), threat
    return name, "poisoning"
