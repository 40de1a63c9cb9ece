"""Published layouts of robust networks, and files that nobody should trust."""

import argparse
import os
import sys
import types
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import cells
from varbench.errors import InputError
from varbench.extractors.checkpoints import read_checkpoint
from varbench.extractors.networks import build, load_weights

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


@pytest.fixture(scope="module")
def weights():
    return build("resnet50", 1000, seed=1).network.state_dict()


def prefixed(weights, prefix):
    return {prefix + name: tensor for name, tensor in weights.items()}


def optimiser():
    parameter = torch.nn.Parameter(torch.ones(2))
    adam = torch.optim.SGD([parameter], 0.1, momentum=0.9)
    parameter.sum().backward()
    adam.step()
    return adam.state_dict()


@pytest.fixture
def foreign_arguments(monkeypatch):
    """The class that MadryLab's library keeps arguments in, only while the file is written."""
    module = types.ModuleType("cox.utils")
    module.Parameters = type("Parameters", (), {"__module__": "cox.utils"})
    monkeypatch.setitem(sys.modules, "cox", types.ModuleType("cox"))
    monkeypatch.setitem(sys.modules, "cox.utils", module)
    arguments = module.Parameters()
    arguments.params = {"eps": 4.0, "nested": [1, "two"]}
    return arguments


def layouts(weights, arguments):
    normaliser = {"normalizer.new_mean": MEAN, "normalizer.new_std": STD}
    robustness = {
        **prefixed(normaliser, "module."),
        **prefixed(weights, "module.model."),
        **prefixed(prefixed(normaliser, "module.attacker."), ""),
        **prefixed(weights, "module.attacker.model."),
    }
    return {
        "torchvision": weights,
        "robustness": {
            "model": robustness,
            "optimizer": optimiser(),
            "schedule": {"last_epoch": 3, "lr_lambdas": [None]},
            "epoch": 90,
            "nat_prec1": np.float64(62.42),
            "args": arguments,
        },
        "robustbench": prefixed(weights, "model.") | {"mean": MEAN, "std": STD},
        "robustbench, data parallel": prefixed(prefixed(weights, "model."), "module.")
        | {"module.normalize.mean": MEAN, "module.normalize.std": STD},
        "free": {
            "epoch": 23,
            "arch": "resnet50",
            "state_dict": prefixed(weights, "module."),
            "best_prec1": torch.tensor(59.9),
            "optimizer": optimiser(),
            "args": argparse.Namespace(lr=0.1),
        },
    }


LAYOUTS = ["torchvision", "robustness", "robustbench", "robustbench, data parallel", "free"]


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_published_layouts(weights, foreign_arguments, tmp_path, layout, zipped):
    path = tmp_path / "weights.pt"
    content = layouts(weights, foreign_arguments)[layout]
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    sys.modules.pop("cox.utils")  # who reads the file has no such library
    read = read_checkpoint(path)
    assert set(read) == set(weights)
    assert all(torch.equal(read[name], weights[name]) for name in weights)
    load_weights(build("resnet50", 1000, seed=2), read)


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_file_runs_nothing_and_names_what_was_refused(tmp_path, zipped):
    path, mark = tmp_path / "evil.pt", tmp_path / "ran"
    content = {"state_dict": {"conv1.weight": torch.ones(1)}, "args": Malicious(mark)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        InputError, match=r"evil\.pt: refused, it asks for posix\.system; nothing was run; where"
    ):
        read_checkpoint(path)
    assert not mark.exists()


# Other instructions that name what they want; none is what torch.save writes.
@pytest.mark.parametrize(
    "instructions",
    [
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x05touch\x85R.",  # STACK_GLOBAL
        b"(S'x'\niposix\nsystem\n.",  # INST
        b"cposix\nsystem\n(S'x'\ntR.",
        b"\x80\x02c__builtin__\neval\nX\x01\x00\x00\x00a\x85R.",
        b"\x80\x02ctorch\nload\n.",
    ],
)
def test_whatever_instruction_asks_it_is_named_and_torchs_advice_is_not_given(
    tmp_path, instructions, recwarn
):
    path = tmp_path / "evil.pt"
    torch.save({"w": torch.ones(1)}, tmp_path / "good.pt")
    with zipfile.ZipFile(tmp_path / "good.pt") as good, zipfile.ZipFile(path, "w") as evil:
        for name in good.namelist():
            evil.writestr(name, instructions if name.endswith("data.pkl") else good.read(name))
    with pytest.raises(
        InputError, match=r"refused, it asks for (posix\.system|\S*eval|torch\.load);"
    ):
        read_checkpoint(path)
    assert not recwarn.list


def test_types_as_dill_names_them_are_harmless(tmp_path):
    """MadryLab saves with dill: a type beside the weights is fetched by a function of dill's."""
    fetched = b"cdill._dill\n_load_type\nX\x08\x00\x00\x00CodeType\x85R"
    torch.save({"model": {"module.model.w": torch.ones(1)}, "epoch": 7}, tmp_path / "plain.pt")
    path = tmp_path / "dill.pt"
    with zipfile.ZipFile(tmp_path / "plain.pt") as plain, zipfile.ZipFile(path, "w") as dilled:
        for name in plain.namelist():
            data = plain.read(name)
            if name.endswith("data.pkl"):
                assert data.count(b"K\x07") == 1
                data = data.replace(b"K\x07", fetched)
            dilled.writestr(name, data)
    assert read_checkpoint(path)["w"].item() == 1


class Foreign:
    pass


def test_a_class_that_is_not_known_is_refused_by_name(tmp_path):
    torch.save({"model": {"w": torch.ones(1)}, "args": Foreign()}, tmp_path / "other.pt")
    with pytest.raises(InputError, match=r"refused, it asks for \S*Foreign; nothing"):
        read_checkpoint(tmp_path / "other.pt")


def test_weights_of_another_architecture_are_listed(weights, tmp_path):
    torch.save({"state_dict": prefixed(weights, "module.")}, tmp_path / "resnet50.pth.tar")
    read = read_checkpoint(tmp_path / "resnet50.pth.tar")
    with pytest.raises(InputError, match=r"198 left over .*of another shape"):
        load_weights(build("resnet18", 1000), read)


def test_a_file_that_does_not_fit_is_named_with_what_would(tmp_path):
    torch.save(build("squeezenet1_1", 10).network.state_dict(), tmp_path / "squeeze.pt")
    network = {"architecture": "resnet18", "classes": 10}
    done = cells.run(
        "load_extractor",
        {"network": network, "image_size": 64},
        checkpoint=tmp_path / "squeeze.pt",
        weights=tmp_path / "out.safetensors",
        training_log=tmp_path / "out.csv",
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path}/squeeze.pt: weights do not fit")
    assert done.stderr.endswith("of extractor.architecture, resnet18, for 10 classes\n")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize(
    "changed",
    [
        lambda w: w.to_sparse(),
        lambda w: w.to("meta"),
        lambda w: w.to(torch.int32),
        lambda w: w.to(torch.complex64),
    ],
)
def test_numbers_of_another_kind_are_refused(changed):
    extractor = build("squeezenet1_1", 10)
    weights = dict(extractor.network.state_dict())
    weights["classifier.1.bias"] = changed(weights["classifier.1.bias"])
    with pytest.raises(InputError, match=r"1 of another kind \(classifier\.1\.bias "):
        load_weights(extractor, weights)


@pytest.mark.parametrize("keep", [0, 10, 1000, 5000, -100])
def test_a_truncated_file(weights, tmp_path, keep):
    path = tmp_path / "cut.pt"
    torch.save(weights, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"cut\.pt: damaged, or no file of weights"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull fetches"),
        (b"\n<!DOCTYPE html><html>not found</html>", "a web page"),
        (b"hello", "damaged, or no file of weights"),
    ],
)
def test_what_came_in_place_of_a_file_is_named(tmp_path, data, said):
    (tmp_path / "got.pt").write_bytes(data)
    with pytest.raises(InputError, match=said):
        read_checkpoint(tmp_path / "got.pt")


@settings(max_examples=100, deadline=None)
@given(
    zipped=st.booleans(),
    flips=st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_any_damage_is_one_clear_error_or_harmless(tmp_path_factory, zipped, flips):
    path = tmp_path_factory.mktemp("damaged") / "weights.pt"
    content = {"model": {"module.model.w": torch.ones(2)}, "best": np.float64(1)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    data = bytearray(path.read_bytes())
    for where, value in flips:
        data[where % len(data)] = value
    path.write_bytes(data)
    message = f"{path}: "
    try:
        read_checkpoint(path)
    except InputError as error:
        message = str(error)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


def test_only_what_wrappers_add_is_dropped(tmp_path):
    names = ("mean", "std", "normalize.mean", "attacker.w", "mean_pool.w", "stdlib", "w")
    torch.save({f"module.{name}": torch.ones(1) for name in names}, tmp_path / "weights.pt")
    assert set(read_checkpoint(tmp_path / "weights.pt")) == {"mean_pool.w", "stdlib", "w"}


@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        {},
        {"state_dict": {}},
        {"a": 1},
        {"model": {"a": 1}},
        {1: torch.ones(1)},
        {b"a": torch.ones(1)},
    ],
)
def test_no_state_dict(tmp_path, content):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(InputError, match="holds no state dict"):
        read_checkpoint(tmp_path / "other.pt")
