"""Gradients in half precision, and images that are judged in full precision all the same."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity, cross_entropy

import cells
from varbench.attacks.carlini_wagner import carlini_wagner
from varbench.attacks.common import confirmed
from varbench.attacks.ddn import ddn
from varbench.attacks.pgd import pgd
from varbench.extractors.networks import build, for_inference
from varbench.images import to_bytes
from varbench.precisions import PRECISIONS
from varbench.storage import read_table

IMAGES = torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(0))
TARGETS = torch.arange(6) % 5


def network(precision):
    torch.manual_seed(3)
    built = build("resnet18", 5, seed=1)
    with torch.no_grad():
        for _ in range(3):  # batch norms with statistics of their own
            built.train()(torch.rand(8, 3, 64, 64))
    fast = for_inference(built)
    fast.gradient_dtype = PRECISIONS[precision]
    return fast


def gradient(model, what):
    x = IMAGES.clone().requires_grad_()
    loss = what(model, x)
    return loss.detach(), torch.autograd.grad(loss, x)[0]


@pytest.mark.parametrize(
    "what",
    [
        lambda model, x: cross_entropy(model(x), TARGETS, reduction="sum"),
        lambda model, x: model.features_and_logits(x)[0].square().sum(),
    ],
)
def test_only_passes_for_a_gradient_are_in_half_precision(what):
    full, half = network("fp32"), network("bf16")
    with torch.no_grad():
        for ours, expected in zip(
            half.features_and_logits(IMAGES), full.features_and_logits(IMAGES), strict=True
        ):
            assert torch.equal(ours, expected)
        assert torch.equal(half(IMAGES), full(IMAGES))
        assert torch.equal(half(IMAGES.clone().requires_grad_()), full(IMAGES))
    (loss, ours), (expected_loss, expected) = gradient(half, what), gradient(full, what)
    assert ours.dtype == loss.dtype == torch.float32
    assert not torch.equal(ours, expected)
    assert loss.item() == pytest.approx(expected_loss.item(), rel=0.02)
    assert cosine_similarity(ours.flatten(1), expected.flatten(1)).min() > 0.9


def test_pgd_is_about_as_strong():
    given = {"seeds": range(6), "batch_size": 6, "epsilon": 2.0, "steps": 10}
    losses = {}
    for precision in PRECISIONS.keys() - {"fp16"}:
        model = network(precision)
        with torch.no_grad():
            made = pgd(model, IMAGES, TARGETS, **given).images
            losses[precision] = cross_entropy(network("fp32")(made), TARGETS).item()
    with torch.no_grad():
        clean = cross_entropy(network("fp32")(IMAGES), TARGETS).item()
    assert losses["bf16"] - losses["fp32"] < 0.02 * (clean - losses["fp32"])


class Shifted:
    """Two classes apart by a plane; passes for a gradient claim what is not yet beyond it."""

    def __init__(self, dtype):
        self.gradient_dtype = dtype

    def __call__(self, images):
        margin = images.mean(dim=(1, 2, 3)) - 0.6 + (0.05 if images.requires_grad else 0)
        return torch.stack([-margin, margin], dim=1) * 20


SEARCHES = [
    (ddn, {"steps": 60}),
    (
        carlini_wagner,
        {
            "iterations": 60,
            "binary_search_steps": 4,
            "learning_rate": 0.02,
            "initial_constant": 1.0,
        },
    ),
]


def test_confidence_is_that_of_full_precision():
    clean = torch.full((2, 3, 8, 8), 0.5)
    targets = torch.ones(2, dtype=torch.int64)
    model = Shifted(torch.bfloat16)
    given = {"seeds": range(2), "batch_size": 2, **SEARCHES[1][1]}
    made = carlini_wagner(model, clean, targets, confidence=1.0, **given).images
    logits = model(made)
    assert ((logits[:, 1] - logits[:, 0]) > 1).all()


@pytest.mark.parametrize(("search", "parameters"), SEARCHES)
def test_searches_end_beyond_the_boundary_of_full_precision(search, parameters):
    clean = torch.full((3, 3, 8, 8), 0.5)
    targets = torch.ones(3, dtype=torch.int64)
    reached = {}
    for name in ("fp32", "bf16"):
        model = Shifted(PRECISIONS[name])
        made = search(model, clean, targets, seeds=range(3), batch_size=3, **parameters).images
        reached[name] = (model(made).argmax(1) == targets).float().mean().item()
    assert reached == {"fp32": 0.0, "bf16": 1.0}  # the first believes what it is told


def test_no_pass_more_where_nothing_is_claimed_or_precision_is_full():
    def refused(_):
        raise AssertionError("a pass")

    none, some = torch.zeros(6, dtype=torch.bool), torch.tensor([True] * 6)
    refused.gradient_dtype = torch.bfloat16
    assert not confirmed(refused, IMAGES, TARGETS, none).any()
    refused.gradient_dtype = torch.float32
    assert confirmed(refused, IMAGES, TARGETS, some).all()


def test_the_command_takes_gradients_in_the_precision_that_is_asked_for(tmp_path):
    plain = build("resnet18", 5, seed=1)
    pixels = to_bytes(IMAGES)
    found = {}
    for precision in ("fp32", "bf16"):
        attack = {"method": "pgd", "epsilon": 8, "steps": 3, "precision": precision}
        found[precision] = cells.attack_images(
            tmp_path, plain, pixels, [0, 3], {"attack": attack}, precision
        )
        assert read_table(tmp_path / "search.parquet")["iterations"].tolist() == [3, 3]
    moved = {name: np.array(images, int) - pixels[[0, 3]] for name, images in found.items()}
    agree = (moved["fp32"] == moved["bf16"]).mean()
    assert 0.5 < agree < 1
