"""Names of networks and classes that people give, and what they probably meant."""

import codecs

import pytest

from overlays import BASE, refused
from varbench.errors import InputError
from varbench.experiment.architectures import check_architecture
from varbench.experiment.classes import read_names

ARCHITECTURES = BASE / "resources" / "architectures.txt"


def test_the_listed_architectures_are_torchvisions_classifiers():
    from torchvision import models

    classifiers = models.list_models(module=models)
    listed = ARCHITECTURES.read_text().split()
    assert listed == [name for name in classifiers if not name.startswith("vit_")]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("resnet-50", "did you mean 'resnet50'"),
        ("ResNet_50", "did you mean 'resnet50'"),
        ("VGG-16", "did you mean 'vgg16'"),
        ("EfficientNet-B0", "did you mean 'efficientnet_b0'"),
        ("resnet81", "did you mean 'resnet"),
        ("shufflenet", "did you mean 'shufflenet_v2"),
        ("vit_b_16", "no maps whose average is its features"),
        ("", "known: alexnet"),
    ],
)
def test_a_misspelt_architecture_is_named_before_any_job(name, meant):
    message = refused({"extractor": {"architecture": name}})
    assert message.startswith(f"extractor.architecture: no classifier {name!r}")
    assert meant in message
    check_architecture("resnet50", ARCHITECTURES)


@pytest.mark.parametrize(
    "data",
    [
        b"sandal\nrunning shoe\n",
        codecs.BOM_UTF8 + b"sandal\nrunning shoe",
        b"sandal\r\nrunning shoe\r\n\r\n",
        b"sandal\rrunning shoe\r",
        b"sandal  \n\trunning shoe\n\n  \n",
    ],
)
def test_classes_are_read_whatever_the_editor(tmp_path, data):
    (tmp_path / "classes.txt").write_bytes(data)
    assert read_names(tmp_path / "classes.txt") == ["sandal", "running shoe"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"sandal\n\nshoe\n", r"classes\.txt: line 2 is blank"),
        (b"\nsandal\n", r"line 1 is blank"),
        (b"", "empty; give one class name a line"),
        (codecs.BOM_UTF8 + b"\r\n\r\n", "empty"),
        (b'{"0": ["n01440764", "tench"]}', "looks like JSON"),
        ("Schuh für\n".encode("latin-1"), "save it as UTF-8"),
        ("sandal\n".encode("utf-16"), "save it as UTF-8"),
    ],
)
def test_a_class_file_that_is_none_is_named(tmp_path, data, message):
    (tmp_path / "classes.txt").write_bytes(data)
    with pytest.raises(InputError, match=message) as raised:
        read_names(tmp_path / "classes.txt")
    assert str(raised.value).startswith("extractor.classes: ")
