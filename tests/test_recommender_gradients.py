"""Gradients against automatic differentiation of the equations, Adagrad against torch's."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recommending import adversary, bpr, leaves, problem
from varbench.recommenders import adagrad, amr, vbpr
from varbench.recommenders.batch import Rows
from varbench.recommenders.state import PARAMETERS

# Gradients, against automatic differentiation of the equations with features as wide as they are


def dense(state, batch, gradients):
    """Gradients by parameter, as automatic differentiation gives them."""
    items = torch.cat([gradients.item, -gradients.item])
    by_row = [(batch.users, gradients.user), (batch.items, items)]
    by_row.append((batch.users, gradients.user_visual))
    result = []
    for name, (rows, values) in zip(PARAMETERS, by_row, strict=False):
        whole = torch.zeros_like(getattr(state, name))
        whole[rows.distinct] = rows.sum(values)
        result.append(whole)
    bias = torch.zeros_like(state.item_bias)
    values = torch.cat([gradients.item_bias, -gradients.item_bias])
    bias[batch.items.distinct] = batch.items.sum(values)
    return [*result, gradients.embedding, bias]


TOLERANCES = {torch.float64: 1e-11, torch.float32: 2e-5}


# Fewer and more than triplets: features are multiplied another way (``differences``).
ITEMS = pytest.mark.parametrize("items", [7, 60])


@ITEMS
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_gradients_of_vbpr(dtype, items):
    state, features, uij, batch = problem(dtype, items=items)
    gradients, losses = vbpr.step(state, batch)
    parameters = leaves(state)
    loss = bpr(parameters, features, *uij)
    torch.testing.assert_close(losses, {"loss": loss.detach()})
    for ours, theirs in zip(
        dense(state, batch, gradients), torch.autograd.grad(loss, parameters), strict=True
    ):
        assert (ours - theirs).norm() <= TOLERANCES[dtype] * theirs.norm()


@ITEMS
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(("weight", "epsilon"), [(0.1, 1.0), (2.0, 0.3), (1.0, 5.0)])
def test_gradients_of_amr(dtype, weight, epsilon, items):
    state, features, uij, batch = problem(dtype, items=items)
    gradients, losses = amr.step(state, batch, weight=weight, epsilon=epsilon)
    parameters = leaves(state)
    delta = adversary(parameters, features, *uij, epsilon)
    clean = bpr(parameters, features, *uij)
    moved = bpr(parameters, features + delta, *uij)
    expected = {"loss": clean.detach(), "adversarial_loss": moved.detach()}
    torch.testing.assert_close(losses, expected)
    for ours, theirs in zip(
        dense(state, batch, gradients),
        torch.autograd.grad(clean + weight * moved, parameters),
        strict=True,
    ):
        assert (ours - theirs).norm() <= TOLERANCES[dtype] * theirs.norm()


def pull(state, batch):
    terms = vbpr.evaluate(state, batch)
    return vbpr.slope(terms.margin)[:, None] * terms.user_visual


def test_perturbation_is_the_one_of_the_definition():
    state, features, (u, i, j), batch = problem()
    delta = adversary(leaves(state), features, u, i, j, 0.7)
    assert delta.norm(dim=1) == pytest.approx(0.7)
    ours = amr.perturbation(state, batch, pull(state, batch), 0.7)
    torch.testing.assert_close(ours.coordinates @ state.embedding, delta[i] - delta[j])
    torch.testing.assert_close(ours.visual, (delta[i] - delta[j]) @ state.embedding.T)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.floats(0.01, 10))
def test_perturbation_raises_the_loss_as_much_as_its_length_promises(seed, epsilon):
    state, features, uij, batch = problem(seed=seed)
    _, losses = amr.step(state, batch, weight=0.1, epsilon=epsilon)
    features.requires_grad_()
    (gradient,) = torch.autograd.grad(bpr(leaves(state), features, *uij), features)
    # The loss is convex in the features, so it lies above its tangent.
    promised = losses["loss"] + epsilon * gradient.norm(dim=1).sum()
    assert losses["adversarial_loss"] >= promised * (1 - 1e-12)


def test_items_without_a_gradient_are_not_moved():
    state, _, _, batch = problem()
    state.user_visual_factors.zero_()
    gradients, losses = amr.step(state, batch, weight=0.5, epsilon=1.0)
    assert losses["adversarial_loss"] == losses["loss"]
    assert all(gradient.isfinite().all() for gradient in vars(gradients).values())
    assert not gradients.embedding.any()


# Adagrad


@pytest.mark.parametrize("start", [0.0, 0.1])
def test_adagrad_is_torchs(start):
    generator = torch.Generator().manual_seed(0)
    ours = torch.randn(6, 3, generator=generator)
    by_row = ours.clone()
    theirs = ours.clone().requires_grad_()
    optimiser = torch.optim.Adagrad([theirs], 0.3, initial_accumulator_value=start, eps=1e-10)
    accumulators = [torch.full((6, 3), start) for _ in range(2)]
    for _ in range(5):
        ids = torch.randint(5, (8,), generator=generator)  # duplicates; row 5 never comes up
        values = torch.randn(8, 3, generator=generator)
        values[0] = 0
        (theirs[ids] * values).sum().backward()
        rows = Rows.of(ids)
        adagrad.update(ours, accumulators[0], theirs.grad, 0.3)
        adagrad.update_rows(by_row, accumulators[1], rows.distinct, rows.sum(values), 0.3)
        optimiser.step()
        optimiser.zero_grad()
        for mine in (ours, by_row):
            torch.testing.assert_close(mine, theirs.detach(), rtol=1e-5, atol=1e-6)
