"""What the grid knows of a configuration: networks to measure, controls, the blind."""

import pytest

from overlays import BASE, VALID, completed
from varbench.experiment.grid import Grid
from varbench.experiment.page_options import page_options
from varbench.experiment.settings import Settings

TRAINING = ["epochs", "batch_size", "learning_rate", "weight_decay"]
OF_METHODS = {
    "T": [],
    "AT": ["starts_from", "epsilon", "steps"],
    "FAT": ["starts_from", "epsilon", "replays"],
}
LOADED = {
    "defenses": {
        name: {"method": "pretrained", "weights": "T.pt"} | dict.fromkeys([*TRAINING, *others])
        for name, others in OF_METHODS.items()
    }
}


def test_loaded_networks_are_measured_on_the_catalogue_that_is_named():
    named = "training_images: {catalogue: mini_men}"
    networks = [{"defense": name, "run": "shared"} for name in ("T", "AT", "FAT")]
    assert Grid.of(completed(LOADED, named)).measured_networks == networks
    assert Grid.of(completed(LOADED)).measured_networks == []
    folder = "training_images: {folder: images}"
    assert Grid.of(completed(LOADED, folder)).measured_networks == []
    assert len(Grid.of(completed()).measured_networks) == 3 * VALID["runs"]


def test_recommenders_that_see_no_image_and_controls_are_known():
    added = "recommenders: {mf: {method: bpr_mf, epochs: 3}}"
    assert Grid.of(completed(added)).as_options()["blind"] == ["mf"]
    assert Grid.of(completed(added, "grid: {recommenders: [vbpr]}")).as_options()["blind"] == []
    assert Grid.of(completed()).as_options()["controls"] == ["noise_8", "ceiling"]


@pytest.mark.parametrize(("chosen", "first"), [(["FAT", "T"], "T"), (["FAT", "AT"], "FAT")])
def test_the_page_of_a_grid_without_the_undefended_network_begins_with_another(chosen, first):
    config = completed({"grid": {"defenses": chosen}})
    grid = Grid.of(config)
    assert page_options(grid, Settings(grid, BASE))["undefended"] == first
