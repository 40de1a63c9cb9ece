"""What a person reads on the terminal without opening logs: counts, warnings, where results are."""

import pandas as pd
import pytest

import cells
from varbench.experiment import plan
from varbench.experiment.settings import Settings
from varbench.storage import read_table, write_table


def select(folder, classes, told=None):
    """Run the command that lists the attacked items; class 1 is pushed towards class 2."""
    items = pd.DataFrame({"item": range(len(classes)), "class": classes})
    write_table(folder / "classes.parquet", items)
    taken = pd.DataFrame({"item": [0, 1, 1], "held_out": False})
    write_table(folder / "interactions.parquet", taken)
    options = {
        "dataset": "shop",
        "source_class": 1,
        "target_class": 2,
        "categories": {"source": "sandal", "target": "running shoe"},
        "budget": {"items": "all", "choose": "least_popular"},
        "seed": 0,
    }
    return cells.run(
        "select_attacked",
        options | (told or {}),
        predicted_classes=folder / "classes.parquet",
        interactions=folder / "interactions.parquet",
        attacked=folder / "attacked.parquet",
    )


FEW = "warning: datasets.shop: 4 attacked images say little; fewer than 10"
ABSENT = (
    "warning: datasets.shop.target_category: no image of the catalogue is seen as 'running shoe'"
)
ALL = "warning: datasets.shop: every item is attacked, so no attack can raise CHR"


@pytest.mark.parametrize(
    ("classes", "warnings"),
    [
        ([1] * 12 + [2] * 3, []),
        ([1] * 4 + [2] * 3, [FEW]),
        ([1] * 12 + [0], [ABSENT]),
        ([1] * 12, [ABSENT, ALL]),
        ([1] * 4, [ABSENT, FEW, ALL]),
    ],
)
def test_it_is_said_how_many_are_attacked_and_what_is_odd_about_them(tmp_path, classes, warnings):
    done = select(tmp_path, classes)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    odd = [line for line in lines if line.startswith("warning")]
    count = classes.count(1)
    assert [line for line in lines if line not in odd] == [
        f"shop: {count} of the {count} items seen as 'sandal' are attacked and pushed towards "
        "'running shoe'"
    ]
    assert odd == warnings
    assert read_table(tmp_path / "attacked.parquet")["item"].tolist() == list(range(count))


def test_a_source_category_without_images_is_named(tmp_path):
    done = select(tmp_path, [0, 2, 2])
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: datasets.shop.source_category: the undefended network sees no image as 'sandal'"
    )
    assert not (tmp_path / "attacked.parquet").exists()


def test_the_end_says_where_what_is_there_lies(tmp_path):
    def said():
        return Settings.where_results_are(None, str(tmp_path))

    assert said() == f"results in {tmp_path}"
    (tmp_path / "tables").mkdir()
    assert said() == f"tables in {tmp_path}/tables"
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").touch()
    assert said().startswith(f"report in {tmp_path}/report/index.html, tables in ")


@pytest.mark.parametrize(("minutes", "shown"), [(0.4, "0.40"), (1440, "24.00")])
def test_a_plan_is_in_minutes_until_it_takes_a_day(minutes, shown):
    rows = pd.DataFrame({"rule": ["a", "total"], "CPU minutes": minutes, "GPU minutes": 0.0})
    header, *lines = plan.as_text(rows).splitlines()
    assert ("CPU hours" in header) == (minutes >= 1440)
    assert lines[1].split()[:2] == ["total", shown]
