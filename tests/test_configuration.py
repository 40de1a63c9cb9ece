"""The configuration: what is refused and how it is said."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from varbench.errors import InputError
from varbench.experiment.configuration import (
    class_index,
    complete,
    in_order,
    no_key_twice,
    read_classes,
)
from varbench.registry import METHODS, resolve

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
    assert config["attacks"]["pgd_8"]["steps"] == 20
    assert config["metrics"]["k"] == 20
    again = copy.deepcopy(config)
    complete(again, SCHEMA)
    assert again == config


@pytest.mark.parametrize(
    ("guide", "rest", "message"),
    [
        ({"recommender": "vbpq"}, {}, "guide.recommender: unknown recommender 'vbpq'; did you"),
        ({"recommender": "mf"}, {}, "guide.recommender: 'mf' sees no images"),
        ({"recommender": "amr"}, {}, "guide.recommender: 'amr' starts from another"),
        ({"recommender": "vbpr"}, {"grid": {"recommenders": ["amr"]}}, None),
        (
            {"recommender": "vbpr", "seed": "white_box"},
            {"grid": {"recommenders": ["amr"]}},
            "guide.recommender: a white_box guide is the victim itself, and 'vbpr' is not among",
        ),
        (
            {"recommender": "vbpr", "seed": "white_box"},
            {"recommender_seeds": 3},
            "guide.seed: a white_box guide is one training, and recommender_seeds: 3 makes several",
        ),
        (
            {"recommender": "vbpr", "seed": "white_box", "users": 0.5},
            {},
            "guide.users: a white_box",
        ),
    ],
)
def test_who_can_guide_an_attack(config, guide, rest, message):
    config["recommenders"]["mf"] = {"method": "bpr_mf"}
    config["attacks"]["insa"] = {"method": "insa", "epsilon": 8, "guide": guide}
    config.update(rest)
    if message is None:
        complete(config, SCHEMA)
        return
    with pytest.raises(InputError) as raised:
        complete(config, SCHEMA)
    assert str(raised.value).startswith(f"attacks.insa.{message}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("threats", [["evasion"], [], ["cold_start", "evasion"]])
def test_threats_need_the_clean_cells_of_poisoning(config, threats):
    config["threats"] = threats
    with pytest.raises(InputError, match=r"threats: .* will not do; give a list of poisoning"):
        complete(config, SCHEMA)


def test_attacks_are_completed_with_their_defaults(config):
    config["attacks"] = {
        "none": {"method": "none"},
        "insa": {"method": "insa", "epsilon": 8, "guide": {"recommender": "vbpr"}},
        "sign": {"method": "wb_sign", "epsilon": 8, "guide": {"recommender": "vbpr", "users": 0.5}},
        "cw": {"method": "carlini_wagner", "abort_every": None},
        "expa": {"method": "expa", "epsilon": 8},
    }
    config["ablation"] = {}
    complete(config, SCHEMA)
    attacks = config["attacks"]
    assert attacks["insa"]["guide"] == {"recommender": "vbpr", "seed": "surrogate", "users": 1}
    assert attacks["insa"]["objective"] == "exp"
    assert attacks["sign"]["guide"]["users"] == 0.5
    assert attacks["cw"]["storage"] == "bits8"
    assert attacks["cw"]["abort_every"] is attacks["expa"]["learning_rate"] is None
    assert attacks["expa"]["form"] == "dvbpr"


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
    if overlay.name != "presets.yaml":  # laid over others, whose results it shares
        assert both["results"] != "results", "an overlay writes to a folder of its own"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("recomenders", {}, r"config: unknown key 'recomenders'; did you mean 'recommenders'\?"),
        (
            "extractor/image_size",
            "original",
            r"extractor\.image_size: 'original' will not do; give one side",
        ),
        ("extractor/image_size", "native", r"image_size: native .*, and defenses\.T is trained"),
        ("training_images/image_size", 64, r"training_images\.image_size: is for a folder's"),
        (
            "training_images",
            {"folder": "a", "catalogue": "b"},
            r"a folder or a catalogue, not both",
        ),
        ("defenses/AT/processes", 3, r"defenses\.AT\.batch_size: 64 .* equally by 3 processes"),
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
        ("attacks/pgd_4/epsilon", -4, r"attacks\.pgd_4\.epsilon: -4 is less than"),
        (
            "attacks/pgd_4/epsilon",
            float("nan"),
            r"attacks\.pgd_4\.epsilon: nan will not do",
        ),
        ("defenses/AT/epsilon", 300, r"defenses\.AT\.epsilon: 300 is greater than"),
        ("defenses/T/learning_rate", float("inf"), r"defenses\.T\.learning_rate: inf will not do"),
        (
            "recommenders/vbpr/epochs",
            10.0,
            r"recommenders\.vbpr\.epochs: 10\.0 will not do",
        ),
        ("seeds", [0], r"seeds: is now two keys: runs, .* and recommender_seeds"),
        ("extractor/std", [0.2, 0, 0.2], r"extractor\.std\.1: 0 is less than or equal"),
        ("training_images/catalogue", "mini_man", r"training_images\.catalogue: .*'mini_men'\?"),
        ("grid/datasets", ["mini_man"], r"grid\.datasets: unknown 'mini_man'; did you mean"),
        ("grid/defenses", ["TA"], r"grid\.defenses: unknown 'TA'; did you mean"),
        ("grid/recommenders", ["vpbr"], r"grid\.recommenders: unknown 'vpbr'; did you mean"),
        (
            "attacks/pgd_4/epsilon",
            "four",
            r"attacks\.pgd_4\.epsilon: 'four' will not do",
        ),
        ("grid/attacks", ["pgd_4"], r"grid\.attacks: lacks 'none', the clean baseline"),
        ("attacks/none", None, r"exactly one attack of method 'none' is needed"),
        ("attacks/x;reboot", {"method": "none"}, r"attacks: 'x;reboot' will not do"),
        ("results", "a; reboot", r"results: 'a; reboot' will not do; give a path of letters"),
        ("results", "a\n", r"results: 'a\\n' will not do"),
        ("results", "-a", r"results: '-a' will not do"),
        ("results", "..", r"results: '\.\.' will not do"),
        ("ablation/protocols", ["as_publishd"], r"protocols: unknown .*mean 'as_published'"),
        ("grid/attacks", ["none"], r"grid\.attacks: names no attack beside 'none'; add one"),
        ("ablation/attacks", ["none"], r"ablation\.attacks: names no attack beside 'none'"),
        ("device", "cpu\n", r"device: 'cpu\\n' will not do"),
        *(
            (f"datasets/{name}", {}, r"datasets: .* will not do; give a name of letters, digits")
            for name in ("a b", "a'", "$(reboot)", "a\n", "a\nb", "..", "-a", "é", "{x}", "")
        ),
        (
            "perceptual/weights",
            "a\nb",
            r"perceptual\.weights: 'a\\nb' will not do; give a path without braces",
        ),
        ("perceptual/weights", "", r"perceptual\.weights: '' will not do"),
        ("extractor/classes", "-rf", r"extractor\.classes: '-rf' will not do"),
        (
            "defenses/T",
            {"method": "pretrained", "weights": "{x}"},
            r"T\.weights: '\{x\}' will not do",
        ),
        ("undefended", "Z", r"undefended: unknown defense 'Z'"),
        ("training_images/catalogue", "mini_men", r"labels are the predictions of 'T', which must"),
        (
            "datasets/mini_men/stands_for",
            "amazon_women",
            r"mini_men stands for amazon_women already",
        ),
        ("recommenders/amr/factors", 8, r"amr\.factors: 8, and 'vbpr', where it starts, has 32"),
        ("recommenders/vbpr", {"method": "bpr_mf"}, r"'vbpr' learns nothing from images to start"),
        (
            "metrics/k",
            151,
            r"metrics\.k: 151 is longer than the stored .*: 150\)",
        ),
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
    nothing_runs = [("attack", "none"), ("attack", "ceiling")]
    assert (kind, method) in nothing_runs or callable(resolve(kind, method))
    assert method in yaml.safe_load(SCHEMA.read_text())["$defs"][kind]


def test_a_method_without_a_schema_is_one_line(config, monkeypatch):
    monkeypatch.setitem(METHODS["attack"], "own", "varbench.attacks.own:own")
    config["attacks"]["own_4"] = {"method": "own"}
    message = rf"^attacks\.own_4\.method: {re.escape(str(SCHEMA))} has no \$defs\.attack\.own; "
    with pytest.raises(InputError, match=message):
        complete(config, SCHEMA)


def test_axes_are_in_the_order_of_the_registry_whatever_the_files(config):
    complete(config, SCHEMA)
    paper = ["fgsm_4", "fgsm_8", "pgd_4", "pgd_8", "cw"]
    for section in ("attacks", "defenses", "recommenders"):
        config[section] = dict(sorted(config[section].items()))
    assert in_order(config, "attacks") == ["none", "noise_8", *paper, "insa_8", "ceiling"]
    assert in_order(config, "defenses") == ["T", "AT", "FAT"]
    assert in_order(config, "recommenders") == ["vbpr", "amr"]
    config["grid"]["attacks"] = ["cw", "none"]
    assert in_order(config, "attacks") == ["cw", "none"]


def test_a_class_file_in_another_encoding_is_named(config, tmp_path):
    (tmp_path / "classes.txt").write_bytes("Schuh für dich\n".encode("utf-16"))
    config["extractor"]["classes"] = str(tmp_path / "classes.txt")
    complete(config, SCHEMA)
    with pytest.raises(InputError, match=r"extractor\.classes: .*classes\.txt: .*save it as UTF-8"):
        read_classes(config, BASE)


@pytest.mark.parametrize("inner", ["attacks:\n  b: 2", "x: {a: {c: 1, c: 2}}"])
def test_a_key_that_is_there_twice_is_named(tmp_path, inner):
    path = tmp_path / "mine.yaml"
    path.write_text(f"attacks: &all\n  a: {{<<: *all}}\n{inner}\n")
    with pytest.raises(InputError, match=r"mine\.yaml: line 3: '(attacks|c)' is there twice"):
        no_key_twice([path])
    path.write_text("attacks: &all {a: 1}\nothers: {<<: *all, a: [1, 1]}\n")
    no_key_twice([path])


@pytest.mark.parametrize("overlay", ["paper", "clothing", "boardgames"])
def test_an_overlay_keeps_the_papers_batches_and_steps(config, overlay):
    update_config(config, yaml.safe_load((BASE / "config" / f"{overlay}.yaml").read_text()))
    assert {r["batch_size"] for r in config["recommenders"].values()} == {512}
    assert {config["attacks"][name]["steps"] for name in ("pgd_4", "pgd_8")} == {10}


def test_every_key_of_the_schema_says_something():
    """An unquoted comma in a description would make a key without a value of its second half."""

    def silent(part, path):
        for key, below in part.items() if isinstance(part, dict) else enumerate(part):
            if isinstance(below, dict | list):
                yield from silent(below, f"{path}.{key}")
            elif below is None and key not in ("default", "const") and isinstance(key, str):
                yield f"{path}.{key}"

    assert not list(silent(yaml.safe_load(SCHEMA.read_text()), "schema"))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("attacks/pgd_16", {"method": "pgd"}, "attacks.pgd_16: 'epsilon' is missing; give it"),
        ("attacks", ["pgd"], "attacks: ['pgd'] will not do; give a block of keys"),
        ("runs", "five", "runs: 'five' will not do; give a whole number"),
        ("datasets", {}, "datasets: is empty; give at least one"),
        ("metrics/correction", "hoIm", "metrics.correction: unknown value 'hoIm'; did you mean"),
        (
            "protocol/preset",
            "as_publishd",
            "unknown value 'as_publishd'; did you mean 'as_published'",
        ),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(config, path, value, message):
    change(config, path, value)
    with pytest.raises(InputError, match=re.escape(message)):
        complete(config, SCHEMA)
