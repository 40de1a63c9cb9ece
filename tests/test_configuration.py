"""The configuration: what is refused and how it is said."""

import copy
from pathlib import Path

import pytest
import yaml

from varbench.errors import InputError
from varbench.registry import METHODS, resolve
from varbench.workflow.configuration import class_index, complete, in_order, read_classes

BASE = Path(__file__).parents[1]
SCHEMA = BASE / "resources" / "config.schema.yaml"


@pytest.fixture
def config():
    return yaml.safe_load((BASE / "config.yaml").read_text())


def change(config, path, value):
    *parents, last = path.split("/")
    for key in parents:
        config = config.setdefault(key, {})
    config[last] = value


def test_the_embedded_experiment_is_valid_and_completed_once(config):
    complete(config, SCHEMA)
    assert config["attacks"]["pgd_8"]["steps"] == 10
    assert config["metrics"]["k"] == 20
    again = copy.deepcopy(config)
    complete(again, SCHEMA)
    assert again == config


def overlaid(config, overlay):
    """Lay one configuration over another key by key, as Snakemake does."""
    both = dict(config)
    for key, value in overlay.items():
        mappings = isinstance(value, dict) and isinstance(both.get(key), dict)
        both[key] = overlaid(both[key], value) if mappings else value
    return both


@pytest.mark.parametrize("overlay", sorted((BASE / "config").glob("*.yaml")), ids=lambda p: p.name)
def test_overlays_fit_the_embedded_experiment(config, overlay):
    both = overlaid(config, yaml.safe_load(overlay.read_text()))
    complete(both, SCHEMA)
    assert both["results"] != "results", "an overlay writes to a folder of its own"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("recomenders", {}, r"config: unknown key 'recomenders'; did you mean 'recommenders'\?"),
        ("extractor/image_size", "original", r"extractor\.image_size: 'original' is not valid"),
        ("extractor/image_size", "native", r"image_size: native .*, and defenses\.T is trained"),
        ("attacks/pgd_4/epsilonn", 4, r"attacks\.pgd_4: unknown key 'epsilonn'; did you mean"),
        ("attacks/pgd_4/method", "pdg", r"attacks\.pgd_4\.method: unknown attack .* 'pgd'\?"),
        ("defenses/AT/method", "adversarail", r"defenses\.AT\.method: .* mean 'adversarial'\?"),
        ("recommenders/amr/method", "arm", r"recommenders\.amr\.method: .* mean 'amr'\?"),
        ("recommenders/amr/starts_from", "bpr", r"recommenders\.amr\.starts_from: unknown 'bpr'"),
        ("recommenders/vbpr/starts_from", "amr", r"'amr' must itself start from nothing"),
        ("datasets/mini_men/catalogue", "mini_man", r"unknown catalogue 'mini_man'; did you mean"),
        ("grid/attacks", ["none", "pgd4"], r"grid\.attacks: unknown 'pgd4'; did you mean 'pgd_4'"),
        ("attacks/pgd_4/epsilon", 0, r"attacks\.pgd_4\.epsilon: 0 is less than or equal"),
        ("attacks/pgd_4/epsilon", 256, r"attacks\.pgd_4\.epsilon: 256 is greater than"),
        ("attacks/pgd_4/epsilon", "four", r"attacks\.pgd_4\.epsilon: 'four' is not of type"),
        ("attacks/none", None, r"exactly one attack of method 'none' is needed"),
        ("attacks/x;reboot", {"method": "none"}, r"attacks: 'x;reboot' does not match"),
        ("results", "a; reboot", r"results: 'a; reboot' does not match"),
        ("undefended", "Z", r"undefended: unknown defense 'Z'"),
        ("metrics/k", 151, r"metrics\.k: longer than the stored lists"),
    ],
)
def test_faults_are_named(config, path, value, message):
    change(config, path, value)
    with pytest.raises(InputError, match=message) as raised:
        complete(config, SCHEMA)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("source_category", "running shoe", "source_category and target_category are the same"),
        ("source_category", "sandle", r"unknown category 'sandle'; did you mean 'sandal'\?"),
        ("target_category", 999, r"datasets\.mini_men\.target_category: 999 is not a class index"),
    ],
)
def test_categories_are_checked(config, path, value, message):
    config["datasets"]["mini_men"][path] = value
    complete(config, SCHEMA)
    with pytest.raises(InputError, match=message):
        read_classes(config, BASE)


def test_null_removes_an_entry(config):
    config["attacks"]["cw"] = None
    complete(config, SCHEMA)
    assert "cw" not in config["attacks"]


def test_categories_by_name_and_index():
    assert class_index("b", ["a", "b"]) == class_index(1, ["a", "b"]) == 1
    with pytest.raises(InputError, match="several classes"):
        class_index("a", ["a", "a"])


def test_class_list_of_imagenet_is_torchvisions():
    from torchvision.models import ResNet50_Weights

    names = (BASE / "resources" / "classes_imagenet1k.txt").read_text().splitlines()
    assert names == ResNet50_Weights.IMAGENET1K_V1.meta["categories"]


@pytest.mark.parametrize(
    ("kind", "method"), [(kind, method) for kind, methods in METHODS.items() for method in methods]
)
def test_every_registered_method_exists_and_has_its_schema(kind, method):
    assert callable(resolve(kind, method))
    assert method in yaml.safe_load(SCHEMA.read_text())["$defs"][kind]


def test_axes_are_in_the_order_of_the_registry_whatever_the_files(config):
    complete(config, SCHEMA)
    paper = ["none", "fgsm_4", "fgsm_8", "pgd_4", "pgd_8", "cw"]
    for section in ("attacks", "defenses", "recommenders"):
        config[section] = dict(sorted(config[section].items()))
    assert in_order(config, "attacks") == paper
    assert in_order(config, "defenses") == ["T", "AT", "FAT"]
    assert in_order(config, "recommenders") == ["vbpr", "amr"]
    config["grid"]["attacks"] = ["cw", "none"]
    assert in_order(config, "attacks") == ["cw", "none"]
