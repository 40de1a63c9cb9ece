"""The contract of every attack; FGSM and PGD by their equations and on a linear model."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from varbench.attacks.apgd import apgd
from varbench.attacks.carlini_wagner import carlini_wagner
from varbench.attacks.common import Attacked, batches
from varbench.attacks.ddn import ddn
from varbench.attacks.fgsm import fgsm
from varbench.attacks.mi_fgsm import mi_fgsm
from varbench.attacks.pgd import pgd
from varbench.errors import InputError

CLASSES = 4
ATTACKS = {
    "fgsm": (fgsm, {"epsilon": 8}),
    "pgd": (pgd, {"epsilon": 8, "steps": 5}),
    "mi_fgsm": (mi_fgsm, {"epsilon": 8, "steps": 5}),
    "apgd": (apgd, {"epsilon": 8, "steps": 8}),
    "ddn": (ddn, {"steps": 8}),
    "carlini_wagner": (
        carlini_wagner,
        {"iterations": 8, "binary_search_steps": 2, "abort_every": 4, "learning_rate": 0.05},
    ),
}
every_attack = pytest.mark.parametrize(("attack", "parameters"), ATTACKS.values(), ids=ATTACKS)


def small_net() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        net = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.Softplus(),
            nn.Flatten(),
            nn.Linear(8 * 6 * 6, CLASSES),
        )
    return net.eval()


def some_images(count: int = 7, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return images (count, 3, 6, 6), some of their pixels at 0 and at 1, and targets."""
    generator = torch.Generator().manual_seed(seed)
    images = (torch.rand(count, 3, 6, 6, generator=generator) * 1.4 - 0.2).clamp(0, 1)
    return images, torch.randint(CLASSES, (count,), generator=generator)


def linear_model(weights: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda x: x.flatten(1) @ weights.T


def run(
    attack: Callable[..., Attacked],
    model: Callable[[Tensor], Tensor],
    images: Tensor,
    targets: Tensor,
    **parameters: Any,
) -> Attacked:
    parameters = {"seeds": range(len(images)), "batch_size": 3} | parameters
    return attack(model, images, targets, **parameters)


def assert_same(first: Tensor, second: Tensor) -> None:
    """Assert that images agree but for a stray pixel.

    A gradient of about zero may take either sign when a batch of another size rounds differently.
    """
    assert ((first - second).abs() > 1e-5).float().mean() < 0.01


# The contract.


@every_attack
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_result_is_images_and_counts_and_arguments_stay_as_they_were(
    attack: Any, parameters: Any, layout: torch.memory_format
) -> None:
    net = small_net()
    net[1].train()  # a mode of its own inside a network in the other one
    images, targets = some_images()
    images = images.to(memory_format=layout)
    images_before, targets_before = images.clone(), targets.clone()
    attacked = run(attack, net, images, targets, **parameters)
    assert attacked.images.shape == images.shape
    assert attacked.images.dtype == torch.float32
    assert not attacked.images.requires_grad
    assert attacked.images.min() >= 0
    assert attacked.images.max() <= 1
    assert attacked.iterations.shape == (len(images),)
    assert attacked.iterations.dtype == torch.int64
    assert torch.equal(images, images_before)
    assert torch.equal(targets, targets_before)
    assert not images.requires_grad
    assert all(p.requires_grad and p.grad is None for p in net.parameters())
    assert [m.training for m in net] == [False, True, False, False, False]


@every_attack
def test_iterations_are_what_the_model_computed(attack: Any, parameters: Any) -> None:
    net, seen = small_net(), []

    def counting(x: Tensor) -> Tensor:
        seen.append(len(x))
        return net(x)

    attacked = run(attack, counting, *some_images(), **parameters)
    assert seen.pop(0) == 1  # the check of the targets
    assert attacked.iterations.sum() == sum(seen)


@pytest.mark.parametrize(
    ("attack", "iterations", "parameters"),
    [(fgsm, 1, {"epsilon": 4}), (pgd, 10, {"epsilon": 4})],
)
def test_iterations_of_the_fixed_length_attacks(
    attack: Any, iterations: int, parameters: Any
) -> None:
    attacked = run(attack, small_net(), *some_images(), **parameters)
    assert attacked.iterations.tolist() == [iterations] * 7


@every_attack
def test_no_images_give_no_images(attack: Any, parameters: Any) -> None:
    attacked = run(attack, small_net(), *some_images(0), **parameters)
    assert attacked.images.shape == (0, 3, 6, 6)
    assert attacked.iterations.shape == (0,)


@every_attack
def test_works_where_gradients_are_off_and_where_they_are_views(
    attack: Any, parameters: Any
) -> None:
    # The gradient of a sum is one number expanded over the image: writing into it would fail.
    def sums(x: Tensor) -> Tensor:
        return torch.stack([x.sum((1, 2, 3)), -x.sum((1, 2, 3))], 1)

    images, targets = some_images()
    with torch.no_grad():
        attacked = run(attack, sums, images, targets % 2, **parameters)
    assert attacked.images.shape == images.shape


@every_attack
@settings(deadline=None, max_examples=10)
@given(batch_size=st.integers(1, 9), order=st.permutations(range(7)))
def test_an_image_is_attacked_alike_in_any_batch(
    attack: Any, parameters: Any, batch_size: int, order: list[int]
) -> None:
    net, (images, targets) = small_net(), some_images()
    expected = run(attack, net, images, targets, **parameters)
    got = attack(
        net, images[order], targets[order], seeds=order, batch_size=batch_size, **parameters
    )
    assert_same(got.images, expected.images[order])
    assert torch.equal(got.iterations, expected.iterations[order])


@every_attack
def test_same_seeds_same_images(attack: Any, parameters: Any) -> None:
    net, data = small_net(), some_images()
    torch.manual_seed(1)
    first = run(attack, net, *data, **parameters)
    torch.manual_seed(2)
    assert torch.equal(run(attack, net, *data, **parameters).images, first.images)


# Bad arguments.


@every_attack
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.uint8])
def test_only_float32_images_are_taken(attack: Any, parameters: Any, dtype: torch.dtype) -> None:
    images, targets = some_images()
    with pytest.raises(ValueError, match="float32"):
        run(attack, small_net(), images.to(dtype), targets, **parameters)


@every_attack
@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan, math.inf])
def test_images_outside_the_unit_range_are_refused(
    attack: Any, parameters: Any, value: float
) -> None:
    images, targets = some_images()
    images[2, 1, 0, 3] = value
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        run(attack, small_net(), images, targets, **parameters)


@every_attack
def test_arguments_that_do_not_match_are_refused(attack: Any, parameters: Any) -> None:
    images, targets = some_images()
    for changed, named in [
        ({"targets": targets[:-1]}, "targets"),
        ({"targets": targets.int()}, "targets"),
        ({"seeds": [1, 2]}, "seeds"),
        ({"images": images[0]}, "images"),
    ]:
        arguments: dict[str, Any] = {"images": images, "targets": targets, **changed}
        with pytest.raises(ValueError, match=named) as caught:
            run(attack, small_net(), **arguments, **parameters)
        assert not isinstance(caught.value, InputError)


@every_attack
@pytest.mark.parametrize("target", [-1, CLASSES])
def test_a_target_that_is_no_class_is_an_input_error(
    attack: Any, parameters: Any, target: int
) -> None:
    images, targets = some_images()
    targets[4] = target
    with pytest.raises(InputError, match=f"target category: {target} .* 0 to 3"):
        run(attack, small_net(), images, targets, **parameters)


@pytest.mark.parametrize(
    ("attack", "key", "values"),
    [
        (carlini_wagner, "batch_size", [0, -1, 2.5, "3"]),
        (fgsm, "epsilon", [0, -1, 255.5, math.nan, "8", None]),
        (pgd, "epsilon", [0, -1, 255.5, math.inf, "8"]),
        (pgd, "steps", [0, -3, 1.5]),
        (pgd, "step_size", [0, -1, 256]),
        (carlini_wagner, "confidence", [-1, math.inf]),
        (carlini_wagner, "learning_rate", [0, -1, math.nan]),
        (carlini_wagner, "iterations", [0, 10.0]),
        (carlini_wagner, "binary_search_steps", [0, None]),
        (carlini_wagner, "initial_constant", [0, -1e-2]),
        (carlini_wagner, "abort_every", [-1, 1, 2.5]),
    ],
)
def test_a_bad_parameter_is_an_input_error_that_names_it(
    attack: Any, key: str, values: list[Any]
) -> None:
    required = {} if attack is carlini_wagner else {"epsilon": 8}
    for value in values:
        with pytest.raises(InputError) as caught:
            run(attack, small_net(), *some_images(), **required | {key: value})
        message = str(caught.value)
        assert message.startswith(f"{key}: {value!r} is not a")
        assert "\n" not in message


def test_batches_cover_every_row_once() -> None:
    for count in range(8):
        rows = [row for cut in batches(count, 3) for row in range(count)[cut]]
        assert rows == list(range(count))


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
