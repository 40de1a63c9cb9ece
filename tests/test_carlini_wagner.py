"""C&W by its equations one image and one constant at a time, on linear models, and in any batch."""

import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, minimize
from torch import Tensor, nn

from varbench.attacks.carlini_wagner import carlini_wagner
from varbench.attacks.common import Attacked
from varbench.images import to_bytes, to_unit

CLASSES = 4
Model = Callable[[Tensor], Tensor]


def small_net() -> Model:
    """Return a network whose logits are, to the last bit, the same in a batch of any size.

    The loss has a kink where an image enters the target class: a matrix product that rounds
    differently in another batch can put one iterate on the other side of it, and the rest of that
    image's search goes another way. Products and sums along rows do not round differently.
    """
    generator = torch.Generator().manual_seed(5)
    first = torch.randn(32, 192, generator=generator) / 5
    second = torch.randn(CLASSES, 32, generator=generator)

    def logits(x: Tensor) -> Tensor:
        hidden = ((x.flatten(1) - 0.5)[:, None, :] * first).sum(-1)  # (N, 32)
        return (nn.functional.softplus(hidden)[:, None, :] * second).sum(-1)

    middle = logits(torch.full((1, 3, 8, 8), 0.5))
    return lambda x: logits(x) - middle


def some_images(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = (torch.rand(count, 3, 8, 8, generator=generator) * 1.2 - 0.1).clamp(0, 1)
    images = (images * 255).round() / 255  # as every stored image is
    return images, torch.randint(CLASSES, (count,), generator=generator)


def linear_model(classes: int, seed: int = 0) -> tuple[Tensor, Model]:
    weights = torch.randn(classes, 192, generator=torch.Generator().manual_seed(seed))
    return weights, lambda x: x.flatten(1) @ weights.T


def run(model: Model, images: Tensor, targets: Tensor, **parameters: Any) -> Attacked:
    parameters = {"seeds": range(len(images)), "batch_size": 4} | parameters
    return carlini_wagner(model, images, targets, **parameters)


def distances(attacked: Attacked, images: Tensor) -> Tensor:
    return (attacked.images - images).flatten(1).norm(dim=1)


def margins(model: Model, images: Tensor, targets: Tensor) -> Tensor:
    """Return how far the target's logit is above all others (N,)."""
    logits = model(images).detach()
    is_target = nn.functional.one_hot(targets, logits.shape[1]) > 0
    return logits[is_target] - logits.masked_fill(is_target, -math.inf).amax(1)


# The equations, one image and one constant at a time.


def plain_carlini_wagner(
    model: Model,
    clean: Tensor,
    target: int,
    *,
    confidence: float,
    learning_rate: float,
    iterations: int,
    binary_search_steps: int,
    initial_constant: float,
    abort_every: int | None,
    restart: bool,
    storage: str,
) -> tuple[Tensor, int]:
    best, best_l2, used = clean, math.inf, 0
    abort_every = max(2, iterations // 10) if abort_every is None else abort_every
    constant, low, high = initial_constant, 0.0, math.inf
    w, adam = clean, None
    for _ in range(binary_search_steps):
        if restart or adam is None:
            w = torch.arctanh((2 * clean - 1) * 0.999999).requires_grad_()
            adam = torch.optim.Adam([w], lr=learning_rate)
        success, losses = False, []
        for _ in range(iterations):
            x = 0.5 * (w.tanh() + 1)
            q = (x * 255).round() / 255 if storage == "bits8" else x
            logits = model(x[None] + (q - x)[None].detach())[0]
            others = torch.cat([logits[:target], logits[target + 1 :]])
            f = torch.clamp(others.max() - logits[target] + confidence, min=0)
            l2 = torch.sum((x - clean) ** 2)
            loss = l2 + constant * f
            adam.zero_grad()
            loss.backward()
            adam.step()
            losses.append(loss.item())
            if logits[target] - others.max() > confidence:
                success = True
                distance = torch.sum((q - clean) ** 2).item()
                if distance < best_l2:
                    best, best_l2 = q.detach(), distance
            if abort_every and len(losses) % abort_every == 0:
                compared_with = losses[max(0, len(losses) - 1 - abort_every)]
                if losses[-1] >= 0.9999 * compared_with:
                    break
                if not restart and len(losses) < iterations:
                    success = False  # found by the constant before, perhaps
        used += len(losses)
        if success:
            high = constant
        else:
            low = constant
        constant = (low + high) / 2 if high < math.inf else constant * 10
    return best, used


@pytest.mark.parametrize("storage", ["float", "bits8"])
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"abort_every": None},
        {"abort_every": 0, "iterations": 7},
        {"abort_every": 7},  # does not divide the iterations
        {"confidence": 1.5, "initial_constant": 1.0},
        {"binary_search_steps": 1, "initial_constant": 10.0},
        {"binary_search_steps": 7, "initial_constant": 1.0},  # down, and up again
        {"restart": False, "initial_constant": 1.0},
        {"restart": False, "abort_every": 7},
        {"restart": False, "initial_constant": 10.0, "abort_every": 0},
    ],
)
def test_it_is_its_equations(changed: dict[str, Any], storage: str) -> None:
    parameters = {
        "storage": storage,
        "confidence": 0.0,
        "learning_rate": 2e-2,
        "iterations": 40,
        "binary_search_steps": 4,
        "initial_constant": 1e-2,
        "abort_every": 10,
        "restart": True,
    } | changed
    net, (images, targets) = small_net(), some_images(6)
    attacked = run(net, images, targets, **parameters)
    plain = [
        plain_carlini_wagner(net, x, target, **parameters)
        for x, target in zip(images, targets.tolist(), strict=True)
    ]
    assert attacked.iterations.tolist() == [used for _, used in plain]
    torch.testing.assert_close(
        attacked.images, torch.stack([x for x, _ in plain]), atol=2e-5, rtol=0
    )
    moved = distances(attacked, images) > 0.01
    assert moved.any()


# Linear models, on which the smallest perturbation is known.


@pytest.mark.parametrize("parameters", [{}, {"abort_every": 50}])
def test_distance_to_a_linear_boundary(parameters: dict[str, Any]) -> None:
    weights, model = linear_model(2)
    images = some_images(9, seed=1)[0] * 0.4 + 0.3  # so that [0, 1] does not bind
    targets = model(images).argmin(1)
    attacked = run(model, images, targets, learning_rate=1e-2, iterations=400, **parameters)
    normal = weights[0] - weights[1]
    smallest = (images.flatten(1) @ normal).abs() / normal.norm()
    assert (model(attacked.images).argmax(1) == targets).all()
    ratio = distances(attacked, images) / smallest
    assert (ratio >= 1 - 1e-4).all()
    assert (ratio <= 1.25).all()


def test_distance_to_the_target_among_several_classes_within_the_range() -> None:
    weights, model = linear_model(5, seed=2)
    images, _ = some_images(6, seed=2)
    images = images.clamp(0.02, 0.98)  # at 0 and 1 the tanh variable has next to no gradient
    targets = model(images).argsort(1)[:, 2]
    attacked = run(model, images, targets, learning_rate=2e-2, iterations=500)
    assert (model(attacked.images).argmax(1) == targets).all()
    for x, target, distance in zip(
        images.flatten(1).double().numpy(), targets, distances(attacked, images), strict=True
    ):
        others = np.delete(weights.numpy(), target, axis=0).astype(float)
        leads = weights[target].numpy() - others  # (4, 192), each . x must be positive
        solved = minimize(
            lambda y, x=x: ((y - x) ** 2).sum(),
            x,
            jac=lambda y, x=x: 2 * (y - x),
            bounds=[(0, 1)] * 192,
            constraints=LinearConstraint(leads, lb=0),
            method="SLSQP",
        )
        assert solved.success
        assert 1 - 1e-3 <= distance / solved.fun**0.5 <= 1.25


@pytest.mark.parametrize("restart", [True, False])
def test_resumed_anywhere_it_ends_the_same(restart: bool) -> None:
    net, (images, targets) = small_net(), some_images(5)
    parameters = {"batch_size": 2, "iterations": 6, "binary_search_steps": 3, "abort_every": 2}
    parameters |= {"learning_rate": 0.05, "initial_constant": 1.0, "restart": restart}
    states: list[dict[str, Tensor]] = []
    expected = run(
        net,
        images,
        targets,
        **parameters,
        checkpoint=lambda reached: states.append(deepcopy(reached())),
    )
    assert len(states) > 20
    assert len({int(state["waiting"].numel()) for state in states}) > 2  # the batch was refilled
    for state in states:
        resumed = run(net, images, targets, **parameters, resume=state)
        assert torch.equal(resumed.images, expected.images)
        assert torch.equal(resumed.iterations, expected.iterations)


def test_confidence_is_the_margin_that_is_reached() -> None:
    net, (images, _) = small_net(), some_images(6)
    targets = net(images).argsort(1)[:, -2]
    before = torch.zeros(6)
    for confidence in (0.0, 0.5, 1.0):
        attacked = run(
            net,
            images,
            targets,
            confidence=confidence,
            learning_rate=2e-2,
            iterations=150,
            initial_constant=1.0,
        )
        assert (margins(net, attacked.images, targets) > confidence - 1e-4).all()
        assert (distances(attacked, images) > before).all()
        before = distances(attacked, images)


# The active set.

UNEVEN = {"learning_rate": 2e-2, "iterations": 30, "binary_search_steps": 3, "abort_every": 5}


@pytest.fixture(scope="module")
def alone() -> list[Attacked]:
    net, (images, targets) = small_net(), some_images(10)
    return [run(net, images[[i]], targets[[i]], **UNEVEN) for i in range(10)]


@settings(deadline=None, max_examples=25)
@given(batch_size=st.integers(1, 12), order=st.permutations(range(10)), count=st.integers(1, 10))
def test_an_image_has_the_same_result_alone_and_among_others(
    alone: list[Attacked], batch_size: int, order: list[int], count: int
) -> None:
    net, (images, targets) = small_net(), some_images(10)
    rows = order[:count]
    together = run(net, images[rows], targets[rows], batch_size=batch_size, **UNEVEN)
    for i, image, used in zip(rows, together.images, together.iterations, strict=True):
        torch.testing.assert_close(image, alone[i].images[0], atol=2e-5, rtol=0)
        assert used == alone[i].iterations[0]


def test_the_batch_stays_full_while_images_wait() -> None:
    net, (images, targets) = small_net(), some_images(10)
    sizes: list[int] = []

    def counting(x: Tensor) -> Tensor:
        sizes.append(len(x))
        return net(x)

    attacked = run(counting, images, targets, batch_size=3, **UNEVEN)
    assert len(set(attacked.iterations.tolist())) > 2  # images do leave at different times
    del sizes[0]  # the check of the targets
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == attacked.iterations.sum()
    # What is left when nobody waits any more is at most two images' longest searches.
    assert sum(size < 3 for size in sizes) <= 2 * attacked.iterations.max()
    assert sum(size == 3 for size in sizes) > len(sizes) / 2


def test_without_abort_every_image_uses_all_its_iterations() -> None:
    net, (images, targets) = small_net(), some_images(5)
    attacked = run(net, images, targets, **UNEVEN | {"abort_every": 0})
    assert attacked.iterations.tolist() == [90] * 5


@pytest.mark.parametrize(("iterations", "every"), [(30, 3), (25, 2), (4, 2)])
def test_a_tenth_of_the_iterations_is_how_often_it_looks_for_an_end(
    iterations: int, every: int
) -> None:
    net, data = small_net(), some_images(6)
    parameters = UNEVEN | {"iterations": iterations}
    named = run(net, *data, **parameters | {"abort_every": every})
    default = run(net, *data, **parameters | {"abort_every": None})
    assert torch.equal(default.images, named.images)
    assert torch.equal(default.iterations, named.iterations)


def test_abort_saves_iterations_and_hardly_costs_distance() -> None:
    _, model = linear_model(2)
    images, _ = some_images(8, seed=3)
    targets = model(images).argmin(1)
    parameters = {"learning_rate": 2e-2, "iterations": 400, "initial_constant": 1.0}
    patient = run(model, images, targets, abort_every=0, **parameters)
    aborted = run(model, images, targets, abort_every=40, **parameters)
    assert (aborted.iterations <= patient.iterations).all()
    assert aborted.iterations.sum() < 0.8 * patient.iterations.sum()
    assert (model(aborted.images).argmax(1) == targets).all()
    assert (distances(aborted, images) <= 1.25 * distances(patient, images)).all()


@pytest.mark.parametrize("first", [0.01, 1.0])
def test_going_on_finds_smaller_perturbations_with_fewer_iterations(first: float) -> None:
    net, (images, _) = small_net(), some_images(8, seed=3)
    targets = net(images).argsort(1)[:, -2]
    parameters = {"learning_rate": 2e-2, "iterations": 60, "initial_constant": first}
    again = run(net, images, targets, **parameters)
    on = run(net, images, targets, restart=False, **parameters)
    assert (margins(net, on.images, targets) > 0).all()
    assert on.iterations.sum() <= again.iterations.sum()
    assert distances(on, images).mean() <= distances(again, images).mean()


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
