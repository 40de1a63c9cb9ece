"""FGSM and PGD by their equations and on a linear model."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from attacked import assert_same, linear_model, run, small_net, some_images
from varbench.attacks.fgsm import fgsm
from varbench.attacks.pgd import pgd

# FGSM and PGD by their equations, one image at a time.


def plain_gradient(net: nn.Module, x: Tensor, target: int) -> Tensor:
    x = x.clone().requires_grad_()
    loss = -torch.log_softmax(net(x[None])[0], 0)[target]
    return torch.autograd.grad(loss, x)[0]


@pytest.mark.parametrize("epsilon", [0.5, 4, 80])
def test_fgsm_is_its_equation(epsilon: float) -> None:
    net, (images, targets) = small_net(), some_images()
    attacked = run(fgsm, net, images, targets, epsilon=epsilon)
    for x, target, got in zip(images, targets.tolist(), attacked.images, strict=True):
        step = torch.sign(plain_gradient(net, x, target))
        expected = torch.clip(x - epsilon / 255 * step, 0, 1)
        assert_same(got, expected)


@pytest.mark.parametrize("epsilon", [0.5, 4, 80])
@pytest.mark.parametrize("step_size", [None, 1.5])
@pytest.mark.parametrize("random_start", [False, True])
def test_pgd_is_its_equations(epsilon: float, step_size: float | None, random_start: bool) -> None:
    net, (images, targets) = small_net(), some_images()
    seeds = [7, 7, 2**62, 0, 5, 6, 11]
    attacked = pgd(
        net,
        images,
        targets,
        seeds=seeds,
        batch_size=4,
        epsilon=epsilon,
        steps=6,
        step_size=step_size,
        random_start=random_start,
    )
    radius = epsilon / 255
    step = radius / 6 if step_size is None else step_size / 255
    for clean, target, seed, got in zip(
        images, targets.tolist(), seeds, attacked.images, strict=True
    ):
        x = clean
        if random_start:
            generator = torch.Generator().manual_seed(seed)
            x = x + radius * (2 * torch.rand(clean.shape, generator=generator) - 1)
            x = torch.clip(x, 0, 1)
        for _ in range(6):
            x = x - step * torch.sign(plain_gradient(net, x, target))
            in_ball = torch.maximum(torch.minimum(x, clean + radius), clean - radius)
            x = torch.clip(in_ball, 0, 1)
        assert_same(got, x)


def test_a_random_start_fills_the_ball_and_belongs_to_the_seed() -> None:
    # With a step that cannot be seen, what is left is the start.
    images, targets = torch.full((3, 3, 40, 40), 0.5), torch.zeros(3, dtype=torch.int64)
    model = linear_model(torch.ones(2, 3 * 40 * 40))
    attacked = pgd(
        model, images, targets, seeds=[5, 6, 5], batch_size=2, epsilon=51, steps=1, step_size=1e-9
    )
    start = (attacked.images - images) / (51 / 255)
    assert torch.equal(start[0], start[2])
    assert not torch.equal(start[0], start[1])
    # Uniform on [-1, 1]: mean 0, mean square 1/3, each within five standard errors.
    assert start[0].abs().max() > 0.99
    assert start[0].abs().max() <= 1 + 1e-5
    assert abs(start[0].mean()) < 5 * (1 / 3 / 4800) ** 0.5
    assert abs(start[0].square().mean() - 1 / 3) < 5 * (4 / 45 / 4800) ** 0.5


@settings(deadline=None, max_examples=40)
@given(
    attack=st.sampled_from([fgsm, pgd]),
    epsilon=st.floats(1e-3, 255),
    seed=st.integers(0, 2**63 - 1),
)
def test_the_perturbation_stays_in_the_ball_and_the_image_in_range(
    attack: Any, epsilon: float, seed: int
) -> None:
    images, targets = some_images(4, seed % 1000)
    attacked = attack(small_net(), images, targets, seeds=[seed] * 4, batch_size=3, epsilon=epsilon)
    assert (attacked.images - images).abs().max() <= epsilon / 255 + 1e-6
    assert attacked.images.min() >= 0
    assert attacked.images.max() <= 1


# Two classes and a linear model: the cross-entropy falls with (w_target - w_other) . x, whose
# maximum over ball and box is at the corner that the signs of w_target - w_other point to.


def best_corner(images: Tensor, direction: Tensor, epsilon: float) -> Tensor:
    low = (images - epsilon / 255).clamp(0, 1)
    high = (images + epsilon / 255).clamp(0, 1)
    return torch.where(direction.view(images.shape[1:]) > 0, high, low)


@pytest.mark.parametrize(
    ("attack", "parameters"),
    # From the far side of the ball it takes 12 steps of epsilon / 6 to reach the corner.
    [(fgsm, {}), (pgd, {"steps": 12}), (pgd, {"steps": 6, "random_start": False})],
)
@pytest.mark.parametrize("target", [0, 1])
def test_the_optimum_of_a_linear_model_is_reached(
    attack: Any, parameters: Any, target: int
) -> None:
    images, _ = some_images()
    weights = torch.randn(2, 3 * 6 * 6, generator=torch.Generator().manual_seed(4)) / 10
    attacked = run(
        attack, linear_model(weights), images, torch.full((7,), target), epsilon=8, **parameters
    )
    expected = best_corner(images, weights[target] - weights[1 - target], 8)
    assert torch.allclose(attacked.images, expected, atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(
    epsilons=st.tuples(st.floats(0.1, 64), st.floats(0.1, 64)).map(sorted),
    seed=st.integers(0, 1000),
)
def test_a_larger_epsilon_has_no_larger_loss_on_a_linear_model(
    epsilons: list[float], seed: int
) -> None:
    images, _ = some_images(3, seed)
    targets = torch.tensor([0, 1, 1])
    model = linear_model(
        torch.randn(2, 3 * 6 * 6, generator=torch.Generator().manual_seed(seed)) / 10
    )

    def losses(attack: Any, epsilon: float, **parameters: Any) -> Tensor:
        attacked = run(attack, model, images, targets, epsilon=epsilon, **parameters)
        return nn.functional.cross_entropy(model(attacked.images), targets, reduction="none")

    clean = nn.functional.cross_entropy(model(images), targets, reduction="none")
    for attack, parameters in ((fgsm, {}), (pgd, {"steps": 12})):
        small, large = (losses(attack, epsilon, **parameters) for epsilon in epsilons)
        assert (large <= small + 1e-5).all()
        assert (small < clean).all()
