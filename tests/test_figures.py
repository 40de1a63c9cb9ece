import io
from itertools import product

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from varbench.reporting import figures

AXES = [["men", "women"], ["T", "AT", "FAT"], ["none", "fgsm_4", "pgd_8", "cw"], ["vbpr", "amr"]]


@pytest.fixture
def table1():
    table = pd.DataFrame(product(*AXES), columns=["dataset", "defense", "attack", "recommender"])
    # Each dataset on a scale of its own: a panel must not hide what another one would show.
    values = np.random.default_rng(0).random(len(table)) * (1 + 20 * (table["dataset"] == "women"))
    return table.assign(
        seed=0, chr_at_5=values, chr_at_5_low=values * 0.9, chr_at_5_high=values * 1.2
    )


@pytest.fixture
def table2():
    table = pd.DataFrame(
        product(AXES[0], AXES[1], AXES[2][1:]), columns=["dataset", "defense", "attack"]
    )
    random = np.random.default_rng(1)
    table["feature_loss"] = 10 ** -random.uniform(1, 6, len(table))
    table["success_rate"] = random.random(len(table))
    table.loc[3, ["feature_loss", "success_rate"]] = 0.0
    return table


def inside(panel, x, y):
    (left, right), (low, high) = panel.get_xlim(), panel.get_ylim()
    return left < x < right and low < y < high


def test_every_ratio_and_its_interval_is_drawn_inside_its_panel(table1):
    figure = figures.chr_figure(table1, k=5)
    figures.encoded(figure, "png")
    panels = {panel.get_title("left"): panel for panel in figure.axes}
    assert len(panels) == 4
    for (dataset, recommender), group in table1.groupby(["dataset", "recommender"]):
        panel = panels[f"{dataset}, {recommender.upper()}"]
        assert len(panel.containers) == 3
        attacked = group[group["attack"] != "none"]
        for container, defense in zip(panel.containers, AXES[1], strict=True):
            points, _, (bars,) = container
            own = attacked[attacked["defense"] == defense].set_index("attack")
            np.testing.assert_allclose(
                points.get_ydata().astype(float), own["chr_at_5"][AXES[2][1:]]
            )
            np.testing.assert_array_equal(np.round(points.get_xdata().astype(float)), [0, 1, 2])
            ends = np.array([segment[:, 1] for segment in bars.get_segments()])
            np.testing.assert_allclose(ends, own[["chr_at_5_low", "chr_at_5_high"]])
            for x, (low, high) in zip(points.get_xdata(), ends, strict=True):
                assert inside(panel, x, low)
                assert inside(panel, x, high)
        dashed = [line.get_ydata()[0] for line in panel.lines if line.is_dashed()]
        clean = group[group["attack"] == "none"].set_index("defense")["chr_at_5"]
        np.testing.assert_allclose(dashed, clean[AXES[1]])


def test_a_figure_without_intervals_or_with_missing_cells_is_drawn(table1):
    bare = table1.assign(chr_at_5_low=np.nan, chr_at_5_high=np.nan)
    some = bare[~((bare["defense"] == "AT") & (bare["attack"].isin(["none", "cw"])))]
    assert figures.encoded(figures.chr_figure(some, k=5), "png")


def test_every_attack_is_a_point_inside_its_panel(table2):
    figure = figures.success_figure(table2)
    figures.encoded(figure, "png")
    for panel in figure.axes:
        group = table2[table2["dataset"] == panel.get_title("left")]
        points = [(*line.get_xdata(), *line.get_ydata()) for line in panel.lines]
        assert points == list(zip(group["feature_loss"], group["success_rate"], strict=True))
        assert all(inside(panel, *point) for point in points)
        # A decade of loss is a visible step, however small the losses.
        decade = panel.transData.transform([(1e-5, 0), (1e-4, 0)])
        assert decade[1, 0] - decade[0, 0] > 0.08 * panel.bbox.width
        looks = {(line.get_color(), line.get_marker()) for line in panel.lines}
        assert len(looks) == len(group)


def shown(panel):
    (image,) = panel.get_images()
    return np.asarray(image.get_array())


def test_examples_show_images_and_amplified_differences():
    random = np.random.default_rng(0)
    clean = random.integers(0, 256, (2, 6, 5, 3), dtype=np.uint8)
    change = random.integers(-4, 5, clean.shape)
    attacked = {"same": clean, "moved": (clean + change).clip(0, 255).astype(np.uint8)}
    notes = {"moved": ["shoe 0.9", "boot 0.8"]}
    figure = figures.examples_figure(clean, attacked, amplification=10, notes=notes)
    panels = np.array(figure.axes).reshape(4, 3)
    assert [panel.get_title() for panel in panels[0]] == ["Clean", "same", "moved"]
    for item in range(2):
        above, below = panels[2 * item], panels[2 * item + 1]
        for panel, images in zip(above, [clean, *attacked.values()], strict=True):
            np.testing.assert_array_equal(shown(panel), images[item])
        assert (shown(below[1]) == 128).all()
        moved = attacked["moved"][item].astype(int) - clean[item]
        np.testing.assert_array_equal(shown(below[2]), 128 + 10 * moved)
        assert above[2].get_xlabel() == notes["moved"][item]
    strong = figures.examples_figure(clean, {"inverse": 255 - clean}, amplification=200)
    extreme = shown(strong.axes[3])
    np.testing.assert_array_equal(extreme, np.where(clean[0] < 128, 255, 0))


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_files_are_whole_and_the_same_again(table2, form):
    before = dict(mpl.rcParams)
    one, two = (figures.encoded(figures.success_figure(table2), form) for _ in range(2))
    assert one == two
    assert dict(mpl.rcParams) == before
    if form == "png":
        assert min(Image.open(io.BytesIO(one)).size) > 400
    else:
        assert one.startswith(b"%PDF")
        assert b"%%EOF" in one[-10:]
        assert b"CreationDate" not in one


@pytest.mark.parametrize("label", ["$x_{$", "5 $ & 6 $", "\\", "a\nb", "%s {x}"])
def test_any_label_is_drawn(table1, table2, label):
    labels = dict.fromkeys(["men", "T", "pgd_8", "vbpr"], label)
    image = np.zeros((1, 4, 4, 3), np.uint8)
    for figure in (
        figures.chr_figure(table1, k=5, labels=labels),
        figures.success_figure(table2, labels=labels),
        figures.examples_figure(image, {label: image}),
    ):
        assert figures.encoded(figure, "png")
