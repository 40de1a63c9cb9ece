"""Files of weights in the layouts that people have, and the normalisation they bring along."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import cells
from varbench.errors import InputError
from varbench.extractors import layouts
from varbench.extractors.networks import build
from varbench.extractors.pretrained import load

NETWORK = {"architecture": "squeezenet1_1", "classes": 3}
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
HALF = torch.full((3,), 0.5)


@pytest.fixture(scope="module")
def weights():
    return dict(build(**NETWORK, seed=1).network.state_dict())


@pytest.fixture(scope="module")
def others():
    return dict(build(**NETWORK, seed=2).network.state_dict())


def prefixed(weights, prefix):
    return {prefix + name: tensor for name, tensor in weights.items()}


def loaded(path: Path, **options):
    network = build(**NETWORK, seed=9)
    load(network, path, **options)
    return network.network.state_dict()


def equal(one, other) -> bool:
    return all(torch.equal(one[name], other[name]) for name in other)


@pytest.fixture
def saved(tmp_path):
    def save(content) -> Path:
        torch.save(content, tmp_path / "weights.pt")
        return tmp_path / "weights.pt"

    return save


ONE_NETWORK = {
    "compiled": lambda w: prefixed(w, "_orig_mod."),
    "compiled, then parallel": lambda w: prefixed(w, "module._orig_mod."),
    "parallel, then compiled": lambda w: {"model": prefixed(w, "_orig_mod.module.")},
    "a part of it compiled": lambda w: {
        n.replace("features.", "features._orig_mod."): t for n, t in w.items()
    },
    "Lightning": lambda w: {
        "epoch": 1,
        "state_dict": prefixed(w, "net."),
        "optimizer_states": [{"state": {0: {"momentum_buffer": torch.ones(2)}}}],
        "hyper_parameters": {"lr": 0.1},
    },
    "a backbone in an attribute": lambda w: prefixed(w, "student.backbone."),
    "ema": lambda w: {"ema": w, "step": 3},
    "three dictionaries deep": lambda w: {"a": {"b": {"model_state_dict": w}}},
    "averaged": lambda w: {"n_averaged": torch.tensor(7), **prefixed(w, "module.")},
    "normalised by a first module": lambda w: {
        "0.mean": MEAN.view(1, 3, 1, 1), "0.std": STD.view(1, 3, 1, 1), **prefixed(w, "1."),
    },
    "in a list": lambda w: [w, {"epoch": 3}],
    "by number, in a list of models": lambda w: {0: {"models": [w]}},
    "an epoch among the tensors": lambda w: {**w, "epoch": 5},
    "the same network under two names": lambda w: {**prefixed(w, "a."), **prefixed(w, "b.")},
    "beside an older one of another shape": lambda w: {
        "old": {n: t[..., :1] for n, t in w.items()}, "new": w,
    },
}  # fmt: skip


@pytest.mark.parametrize("layout", ONE_NETWORK)
def test_the_only_network_that_fits_is_found(weights, saved, layout):
    assert equal(loaded(saved(ONE_NETWORK[layout](weights))), weights)


def test_safetensors_are_read_whatever_their_name(weights, tmp_path):
    save_file(weights, tmp_path / "model.bin")
    assert equal(loaded(tmp_path / "model.bin"), weights)


@pytest.mark.parametrize(
    ("hold", "keys"),
    [
        (lambda one, other: {"state_dict": one, "state_dict_ema": other}, "state_dict"),
        (lambda one, other: {"models": {"net": one, "ema": other}}, "models.net"),
        (lambda one, other: {**prefixed(one, "net."), **prefixed(other, "teacher.net.")}, "net"),
        (lambda one, other: {"w": {**prefixed(one, "a."), **prefixed(other, "b.")}}, "w.a"),
        (lambda one, other: {**one, **prefixed(other, "ema.")}, None),
    ],
)
def test_of_several_networks_weights_key_chooses(weights, others, saved, hold, keys):
    path = saved(hold(weights, others))
    with pytest.raises(InputError, match=r"weights\.pt: several networks in it fit: .*weights_key"):
        loaded(path)
    if keys is not None:
        assert equal(loaded(path, weights_key=keys), weights)
    else:
        assert equal(loaded(path, weights_key="ema"), others)
    with pytest.raises(InputError, match=r"holds none at weights_key 'nett'; there are "):
        loaded(path, weights_key="nett")


def test_what_may_be_a_part_of_the_network_is_not_left_out_silently(weights, saved):
    path = saved({**prefixed(weights, "net."), "denoiser.weight": torch.ones(2)})
    with pytest.raises(InputError, match=r"more than the network: denoiser\.weight; .*key: net "):
        loaded(path)
    assert equal(loaded(path, weights_key="net"), weights)


def test_a_program_is_named_with_how_to_save_its_weights(tmp_path):
    layer = torch.nn.Linear(2, 2)
    torch.jit.trace(layer, torch.ones(1, 2)).save(tmp_path / "scripted.pt")
    with pytest.raises(InputError, match=r"torch\.jit\.load\('scripted\.pt'\)\.state_dict\(\)"):
        loaded(tmp_path / "scripted.pt")
    exported = torch.export.export(layer, (torch.ones(1, 2),))
    torch.export.save(exported, tmp_path / "exported.pt2")
    with pytest.raises(InputError, match=r"torch\.export\.load\('exported\.pt2'\)"):
        loaded(tmp_path / "exported.pt2")


def test_a_whole_pickled_network_is_refused_with_what_to_save(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "whole.pt")
    with pytest.raises(InputError, match=r"nothing was run; .* save the network's state_dict\(\)"):
        loaded(tmp_path / "whole.pt")


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ("normalizer.new_mean", "normalizer.new_std"),
        ("module.normalize.mean", "module.normalize.std"),
        ("mean", "std"),
        ("mu", "sigma"),
        ("norm._mean", "norm._std"),
        ("preprocess.image_mean", "preprocess.image_std"),
        ("normMean", "normStd"),
        ("0.means", "0.sds"),
        ("scaling_layer.shift", "scaling_layer.scale"),
        ("normalizer.loc", "normalizer.scale"),
        ("avg", "sd"),
    ],
)
def test_a_files_own_normalisation_must_be_the_configured_one(weights, saved, mean, std):
    """In [0, 1] and in 255ths, whatever the shape."""
    for shape, scale in (((3,), 1), ((1, 3, 1, 1), 1), ((3, 1, 1), 255)):
        numbers = {mean: (scale * MEAN).view(shape), std: (scale * STD).view(shape)}
        assert equal(loaded(saved({"model": {**prefixed(weights, "m."), **numbers}})), weights)
        other = {mean: (scale * HALF).view(shape), std: (scale * STD).view(shape)}
        path = saved({"model": {**prefixed(weights, "m."), **other}})
        with pytest.raises(InputError) as raised:
            loaded(path)
        for part in (
            f"{path}: its network normalises images with ",
            f"(model.{mean}) and the configuration with mean [0.485, 0.456, 0.406], std [0.229",
            "put the lines 'mean: [0.5, 0.5, 0.5]' and 'std: [0.229, 0.224, 0.225]' under",
        ):
            assert part in str(raised.value)
        network = build(**NETWORK, mean=HALF.tolist(), std=STD.tolist())
        load(network, path)
        assert equal(network.network.state_dict(), weights)


@pytest.mark.parametrize(
    ("mean", "std", "stored"),
    [
        ("mean", "var", lambda std: std**2),
        ("norm.mean", "norm.variance", lambda std: std.view(1, 3, 1, 1) ** 2),
        ("mean", "inv_std", lambda std: 1 / std),
        ("mean", "stdInverse", lambda std: 1 / std),
        ("mean", "std", lambda std: (255 * std).round().long()),
        ("mean", "std", lambda std: std.half()),
    ],
)
def test_deviations_are_read_as_they_are_stored(weights, saved, mean, std, stored):
    """As variances, inverted, as whole 255ths, in half precision."""
    scale = 1 if stored(STD).dtype.is_floating_point else 255
    numbers = {mean: scale * HALF, std: stored(HALF)}
    with pytest.raises(InputError, match=r"std \[(0\.5, 0\.5, 0\.5|0\.50196\d, .*)\] \(") as raised:
        loaded(saved(prefixed(weights, "m.") | numbers))
    assert "'mean: [0.5, 0.5, 0.5]'" in str(raised.value)
    network = build(**NETWORK, mean=HALF.tolist(), std=STD.tolist())
    load(network, saved(prefixed(weights, "m.") | {mean: scale * HALF, std: stored(STD)}))


def test_what_is_under_a_normaliser_and_unknown_is_named(weights, saved):
    path = saved(prefixed(weights, "m.") | {"normalizer.a": HALF, "normalizer.b": HALF})
    with pytest.raises(InputError, match=r"holds more than the network: normalizer\.a, normaliz"):
        loaded(path)


def test_one_number_for_all_channels_is_a_normalisation_among_settings_alone(weights, saved):
    assert equal(loaded(saved({"model": weights, "loss": {"mean": 0.5, "std": 0.5}})), weights)
    with pytest.raises(InputError, match=r"mean \[0\.5, 0\.5, 0\.5\], .* \(args\.mean\)"):
        loaded(saved({"model": weights, "args": {"mean": 0.5, "std": 0.5, "lr": 0.1}}))


def test_other_numbers_are_no_normalisation(weights, saved):
    beside = {"loss_mean": torch.tensor(3.0), "sigma": torch.tensor(0.25), "mean": [1, 2, "x"]}
    beside |= {"logit_scale": torch.tensor(14.3), "opt": {"shift": torch.ones(3)}}
    assert equal(loaded(saved({"model": weights, **beside})), weights)
    recorded = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    with pytest.raises(InputError, match=r"normalises .* \(config\.mean\)"):
        loaded(saved({"model": weights, "config": recorded}))


@pytest.mark.parametrize("architecture", ["squeezenet1_1", "resnet18", "densenet121"])
def test_another_number_of_classes_is_said_as_such(saved, architecture):
    path = saved(build(architecture, 5).network.state_dict())
    with pytest.raises(
        InputError, match=r"weights\.pt: its network has 5 outputs and .* 4 classes"
    ):
        load(build(architecture, 4), path)


def test_torchvisions_side_outputs_are_left_out(saved):
    from torchvision.models import googlenet

    whole = googlenet(num_classes=3, aux_logits=True, init_weights=False)
    network = build("googlenet", 3)
    load(network, saved(whole.state_dict()))
    assert torch.equal(network.network.fc.weight, whole.fc.weight)


def test_nothing_that_resembles_the_network(saved):
    with pytest.raises(InputError, match=r"names are others; there are encoder\.w, 1 in all; it s"):
        loaded(saved({"encoder.w": torch.ones(2)}))
    with pytest.raises(InputError, match=r"holds no state dict .*; its keys: epoch, lr"):
        loaded(saved({"epoch": 1, "lr": 0.1}))


def test_state_dicts_are_found_by_their_dotted_keys():
    one = torch.ones(1)
    content = {"a": {"w": one, "b": {"w": one}}, "n": 1, 5: {"w": one}, "c": [{"w": one}]}
    found = layouts.state_dicts(content)
    assert found == {place: {"w": one} for place in ("a", "a.b", "5", "c.0")}
    assert layouts.state_dicts([one, {"w": one}]) == {"1": {"w": one}}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_named(weights, saved, bad):
    broken = {n: t.clone() for n, t in weights.items()}
    broken["classifier.1.bias"][1] = bad
    with pytest.raises(InputError, match=r"no finite numbers: classifier\.1\.bias; its training"):
        loaded(saved(broken))


def test_the_command_names_a_size_that_the_network_takes(tmp_path, weights):
    torch.save(weights, tmp_path / "w.pt")

    def done(size):
        return cells.run(
            "load_extractor",
            {"network": NETWORK, "image_size": size},
            checkpoint=tmp_path / "w.pt",
            weights=tmp_path / "out.safetensors",
            training_log=tmp_path / "out.csv",
        )

    assert done(16).stderr.startswith("error: extractor.image_size: squeezenet1_1 takes no images")
    assert done(16).stderr.count("\n") == 1
    assert done(None).returncode == done(64).returncode == 0
