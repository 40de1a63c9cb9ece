"""C&W by its equations one image and one constant at a time, and on linear models."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import LinearConstraint, minimize
from torch import Tensor

from searches import Model, distances, linear_model, margins, run, small_net, some_images

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
