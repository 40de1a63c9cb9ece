"""What C&W returns of images that need nothing or cannot be moved, and what is stored."""

import math

import pytest
import torch
from torch import Tensor

from searches import UNEVEN, distances, linear_model, margins, run, small_net, some_images
from varbench.images import to_bytes, to_unit

# Images without an adversarial point, or that need none.


@pytest.mark.parametrize("target_logit", [-1000.0, math.nan])
def test_an_image_that_cannot_be_moved_comes_back_as_it_was(target_logit: float) -> None:
    net, (images, _) = small_net(), some_images(5)

    def model(x: Tensor) -> Tensor:
        return torch.cat([net(x)[:, :2], torch.full((len(x), 1), target_logit)], 1)

    attacked = run(model, images, torch.tensor([2, 0, 2, 1, 2]), **UNEVEN)
    assert torch.equal(attacked.images[::2], images[::2])
    assert (attacked.iterations <= 90).all()
    if not math.isnan(target_logit):  # its neighbours are attacked none the less
        assert (net(attacked.images)[[1, 3], :2].argmax(1) == torch.tensor([0, 1])).all()


def test_an_image_already_in_the_target_class_hardly_changes() -> None:
    net, (images, _) = small_net(), some_images(5)
    attacked = run(net, images, net(images).argmax(1), **UNEVEN)
    assert (attacked.images - images).abs().max() < 1e-6


# Storage: a perturbation that is smaller than rounding is none.


def test_what_it_returns_is_what_is_stored() -> None:
    net, (images, targets) = small_net(), some_images(6)
    attacked = run(net, images, targets, learning_rate=2e-2, iterations=60, initial_constant=1.0)
    assert torch.equal(to_unit(to_bytes(attacked.images)), attacked.images)
    assert (margins(net, attacked.images, targets) > 0).all()


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_where_less_than_half_a_grey_level_is_enough_rounding_is_survived(share: float) -> None:
    weights, _ = linear_model(1, seed=5)
    images = ((some_images(6, seed=4)[0] * 0.5 + 0.25) * 255).round() / 255
    normal = weights[0]
    # Lacking in logit what a step of `share` grey levels along the normal gains.
    lacking = share / 255 * 192**0.5 * normal.norm()
    offsets = images.flatten(1) @ normal

    def model(x: Tensor) -> Tensor:
        rows = (x.flatten(1)[:, None] - images.flatten(1)).square().sum(-1).argmin(1)
        gained = x.flatten(1) @ normal - offsets[rows]
        return torch.stack([lacking.expand(len(x)), gained], 1)

    targets = torch.ones(6, dtype=torch.int64)
    found = {
        storage: run(
            model,
            images,
            targets,
            storage=storage,
            learning_rate=5e-3,
            iterations=200,
            binary_search_steps=6,
        )
        for storage in ("float", "bits8")
    }
    assert (model(found["float"].images)[:, 1] > lacking).all()
    stored = to_unit(to_bytes(found["bits8"].images))
    assert (model(stored)[:, 1] > lacking).all()
    # The least of all images of whole grey levels: those pixels that gain most, a level each.
    gains = normal.abs().sort(descending=True).values / 255
    pixels = int((gains.cumsum(0) <= lacking).sum()) + 1
    least = pixels**0.5 / 255
    assert (distances(found["bits8"], images) >= least * (1 - 1e-5)).all()
    assert (distances(found["bits8"], images) <= 1.15 * least).all()
