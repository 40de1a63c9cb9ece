"""The toolboxes' models, wrapped as each wants them; imported only when a row needs them."""

import sys
import types
from typing import Any

import numpy as np
from torch import Tensor, nn

from subjects import Subject


def foolbox_model(network: nn.Module) -> Any:
    import foolbox

    return foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")


def art_classifier(subject: Subject) -> Any:
    from art.estimators.classification import PyTorchClassifier

    return PyTorchClassifier(
        model=subject.plain,
        loss=nn.CrossEntropyLoss(),
        input_shape=tuple(subject.images.shape[1:]),
        nb_classes=subject.plain.classes,
        clip_values=(0.0, 1.0),
        device_type="cpu",
    )


def one_hot(subject: Subject) -> Any:
    """Return the targets as ART wants them."""
    return np.eye(subject.plain.classes, dtype=np.float32)[subject.targets.numpy()]


def adversarial_library() -> Any:
    """Return adversarial-library's attacks. They import visdom, which plots, for a type."""
    if "visdom" not in sys.modules:
        sys.modules["visdom"] = types.ModuleType("visdom")
        sys.modules["visdom"].Visdom = object  # type: ignore[attr-defined]
    from adv_lib import attacks

    return attacks


def judge(subject: Subject, images: Tensor) -> Any:
    """Return which images (N,) the plain network takes for their targets."""
    import torch

    with torch.no_grad():
        return subject.plain(images).argmax(1) == subject.targets
