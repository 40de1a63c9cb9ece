"""Numbers that people write over the embedded configuration: as text, in other units, too large."""

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from snakemake.cli import parse_config

from overlays import completed, refused
from varbench.errors import InputError
from varbench.experiment.advice import warnings
from varbench.experiment.candidates import check_candidates
from varbench.experiment.scalars import advice, scalar

# Text that is a number


def test_lists_and_blocks_of_the_command_line_hold_numbers():
    line = [
        "metrics={k: 10, source_share: false}",
        "attacks={cw: null, fgsm_4: null, pgd_8: {step_size: 1.5, steps: 3, random_start: true}}",
        "extractor={image_size: 32, mean: [0.5, .5, 0.25]}",
        "defenses={AT: {step_size: null, learning_rate: 1.0e-3}}",
        "datasets={mini_men: {source_category: 9}}",
    ]
    config = completed(parse_config(line))
    assert config["metrics"]["k"] == 10
    assert config["metrics"]["source_share"] is False
    assert "cw" not in config["attacks"]
    pgd = config["attacks"]["pgd_8"]
    assert (pgd["step_size"], pgd["steps"], pgd["random_start"]) == (1.5, 3, True)
    assert config["extractor"]["mean"] == [0.5, 0.5, 0.25]
    assert config["extractor"]["image_size"] == 32
    assert config["defenses"]["AT"]["learning_rate"] == 0.001
    assert config["defenses"]["AT"]["step_size"] is None


@pytest.mark.parametrize("word", ["no", "No", "off", "False", "FALSE"])
def test_truth_is_read_in_all_of_yamls_words(word):
    assert yaml.safe_load(word) is False
    assert (
        completed(parse_config([f"tables={{intervals: {word}}}"]))["tables"]["intervals"] is False
    )
    assert completed('tables: {labels: {T: "no"}}')["tables"]["labels"] == {"T": "no"}


@pytest.mark.parametrize("null", ["null", "~", "Null"])
def test_a_null_that_means_nothing_of_its_own_asks_for_the_default(null):
    usual = completed()
    config = completed(f"ablation: {null}\nmetrics: {{k: {null}, examined_images: {null}}}")
    assert config["ablation"]["attacks"] is None
    assert config["metrics"]["k"] == usual["metrics"]["k"] == 20
    assert config["metrics"]["examined_images"] == 32
    assert completed(parse_config([f"metrics={{k: {null}}}"]))["metrics"]["k"] == 20
    # Where null means something it stays.
    assert completed("defenses: {AT: {step_size: null}}")["defenses"]["AT"]["step_size"] is None
    assert refused("attacks: null").endswith("'attacks' is missing; give it")


def test_text_stays_text_where_text_belongs():
    training = "training_images: {folder: images, image_size: 64}"
    config = completed('tables: {labels: {T: "12"}}', "extractor: {image_size: native}", training)
    assert config["tables"]["labels"] == {"T": "12"}
    assert config["extractor"]["image_size"] == "native"
    assert refused("metrics: {k: '10.5'}") == "metrics.k: 10.5 will not do; give a whole number"
    assert "'ten' will not do; give a whole number" in refused("metrics: {k: ten}")
    assert "'224x224' will not do; give one side" in refused("extractor: {image_size: 224x224}")


@given(st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_scalar_is_what_yaml_makes_of_it(number):
    text = yaml.safe_dump(number).splitlines()[0]
    assert scalar(text) == yaml.safe_load(text) == number


@pytest.mark.parametrize("text", ["1e-3", "1E3", "-2e+4", "5e05", "1.5e3", ".5e2", "3.e1"])
def test_what_yaml_takes_for_text_is_said_as_it_should_be_written(text):
    assert isinstance(yaml.safe_load(text), str)
    message = refused(f"defenses: {{T: {{learning_rate: {text}}}}}")
    start = f"defenses.T.learning_rate: {text!r} is text to YAML; write "
    assert message.startswith(start)
    assert yaml.safe_load(message.removeprefix(start)) == float(text)


def test_fractions_of_255_are_said_in_255ths():
    assert refused("attacks: {fgsm_8: {epsilon: 8/255}}").endswith(
        ": '8/255' is text; in 255ths that is 8"
    )
    assert advice("e5") is advice(".e5") is advice("text") is None


# Units


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ("attacks: {fgsm_8: {epsilon: 0.03}}", r"attacks.fgsm_8.epsilon: 0.03 of 255 .* write 8"),
        ("attacks: {pgd_8: {epsilon: 0.0313}}", r"attacks.pgd_8.epsilon: 0.0313 .* write 8"),
        ("attacks: {pgd_8: {epsilon: 0.49}}", r"it is in 255ths"),
        ("attacks: {pgd_8: {epsilon: 0.001}}", r"it is in 255ths"),
        ("attacks: {pgd_8: {step_size: 0.0078}}", r"step_size: 20 steps of 0.0078 .* write 2"),
        ("attacks: {pgd_8: {step_size: 0.3}}", r"do not come as far as epsilon, 8"),
        ("defenses: {AT: {epsilon: 0.0157}}", r"defenses.AT.epsilon: 0.0157 .* write 4"),
        ("defenses: {FAT: {epsilon: 0.0157}}", r"defenses.FAT.epsilon: 0.0157"),
        ("defenses: {AT: {step_size: 0.01}}", r"defenses.AT.step_size: 2 steps of 0.01"),
    ],
)  # fmt: skip
def test_radii_in_another_unit_are_named_with_what_was_meant(overlay, message):
    with pytest.raises(InputError, match=message):
        completed(overlay)


def test_a_normalisation_in_255ths_is_named_in_our_unit():
    message = refused("extractor: {mean: [123.675, 116.28, 103.53], std: [58.4, 57.1, 57.4]}")
    assert message.startswith("extractor.mean: [123.675, 116.28, 103.53] is in 255ths")
    assert message.endswith("write [0.485, 0.456, 0.406]")
    assert refused("extractor: {std: [58.395, 57.12, 57.375]}").endswith("[0.229, 0.224, 0.225]")
    assert completed("extractor: {mean: [0, 0, 0], std: [1, 1, 1]}")


SMALL = """
attacks:
  fgsm_4: {epsilon: 1, stands_for: null}
  fgsm_8: {epsilon: 0.5, stands_for: null}
"""


def test_small_radii_and_steps_that_do_something_are_warned_of():
    assert list(warnings(completed())) == []
    said = list(warnings(completed(SMALL)))
    assert [line.partition(":")[0] for line in said] == [
        "attacks.fgsm_4.epsilon", "attacks.fgsm_8.epsilon",
    ]  # fmt: skip
    assert "write 255" in said[0]
    (said,) = warnings(completed("attacks: {pgd_4: {step_size: 0.4, steps: 40}}"))
    assert said.startswith("attacks.pgd_4.step_size: 0.4 is in 255ths")
    assert list(warnings(completed("recommenders: {amr: {epsilon: 0.1}}"))) == [], "of features"


def test_torchvisions_inception_is_for_images_normalised_otherwise():
    inception = "extractor: {architecture: inception_v3}\ndefenses: {T: null, P: {method: "
    inception += "pretrained, weights: w}, AT: {starts_from: null}, FAT: {starts_from: null}}\n"
    inception += "undefended: P\n"
    (said,) = warnings(completed(inception))
    assert said.startswith("extractor.mean: torchvision's weights of inception_v3")
    halves = {"extractor": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    assert list(warnings(completed(inception, halves))) == []


# Lists as long as the catalogue


@pytest.mark.parametrize(("k", "items"), [(20, 20), (20, 24), (500, 30), (20, 10)])
def test_lists_that_hold_every_item_of_a_generated_catalogue(k, items):
    sizes = {"metrics": {"k": k, "list_length": 1000}}
    sizes["catalogues"] = {"mini_men": {"source": {"items": items}}}
    message = refused(sizes)
    assert message.startswith(
        f"metrics.k: lists of {k} hold every candidate of catalogues.mini_men"
    )


def test_shorter_lists_will_do():
    assert completed("catalogues: {mini_men: {source: {items: 25}}}")["metrics"]["k"] == 20


def test_lists_are_compared_with_the_candidates_of_each_user():
    known = np.array([4, 4, 9])
    assert check_candidates(known, 30, 20, "shop") == 0
    assert check_candidates(known, 30, 21, "shop") == 1
    with pytest.raises(InputError, match=r"shop: metrics\.k: lists of 26 .* more than 26 to rank"):
        check_candidates(known, 30, 26, "shop")
