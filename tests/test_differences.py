"""Products with differences of features, whichever way they are done."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.profiler import ProfilerActivity, profile

from recommending import problem
from varbench.recommenders.bpr_mf import step
from varbench.recommenders.differences import ByItems, ByTriplets, differences, multiply

WAYS = pytest.mark.parametrize("way", [ByTriplets, ByItems])


@WAYS
@settings(deadline=None, max_examples=60)
@given(
    trainings=st.integers(1, 3),
    items=st.integers(1, 9),
    triplets=st.integers(1, 12),
    data=st.data(),
)
def test_the_products_are_those_with_the_matrix(way, trainings, items, triplets, data):
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    features, embedding, values = (
        torch.randn(trainings, *shape, generator=generator, dtype=torch.float64)
        for shape in ((items, 5), (3, 5), (triplets, 3))
    )
    positives, negatives = (
        torch.randint(items, (trainings, triplets), generator=generator) for _ in range(2)
    )
    rows = torch.arange(trainings)[:, None]
    matrix = features[rows, positives] - features[rows, negatives]
    ours = way(features, positives + items * rows, negatives + items * rows)
    projected = ours.project(embedding.requires_grad_())
    torch.testing.assert_close(projected, matrix @ embedding.mT)
    (gradient,) = torch.autograd.grad(projected, embedding, values)
    torch.testing.assert_close(gradient, values.mT @ matrix)


def mean_error(found, exact):
    return float((found.double() - exact).abs().mean() / exact.abs().mean())


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 6e-3)])
@pytest.mark.parametrize("stack", [(), (3,)])
@pytest.mark.parametrize("factors", [2, 40])  # of which the second is enough for oneDNN
def test_products_are_as_exact_as_their_precision(factors, stack, dtype, tolerance):
    generator = torch.Generator().manual_seed(0)
    rows, embedding, pull = (
        torch.randn(*stack, *shape, generator=generator)
        for shape in ((300, 200), (factors, 200), (300, factors))
    )
    product = multiply(rows.to(dtype), embedding.requires_grad_())
    (gradient,) = torch.autograd.grad(product, embedding, pull)
    assert product.dtype == gradient.dtype == torch.float32
    product, embedding = product.detach(), embedding.detach()
    for s in range(len(rows) if stack else 0):  # each training gets what it gets alone
        assert torch.equal(product[s], multiply(rows[s : s + 1].to(dtype), embedding[s : s + 1])[0])
    rows, embedding, pull = rows.double(), embedding.double(), pull.double()
    assert mean_error(product, rows @ embedding.mT) < tolerance
    assert mean_error(gradient, pull.mT @ rows) < tolerance


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch has no oneDNN here")
@pytest.mark.parametrize(("factors", "expected"), [(2, False), (40, True)])
def test_large_products_go_to_onednn(factors, expected):
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        multiply(torch.rand(300, 200), torch.rand(factors, 200))
    found = any(event.key == "mkldnn::_linear_pointwise" for event in seen.key_averages())
    assert found == expected


def test_large_products_are_differentiable_by_rows_and_take_other_types():
    rows, embedding = torch.rand(300, 200, requires_grad=True), torch.rand(40, 200)
    multiply(rows, embedding).sum().backward()
    torch.testing.assert_close(rows.grad, embedding.sum(0).expand(300, 200), rtol=1e-4, atol=1e-4)
    double = embedding.double()
    torch.testing.assert_close(
        multiply(rows.detach(), double), rows.detach().double() @ double.mT, rtol=1e-4, atol=1e-4
    )


def test_rows_that_changed_before_the_way_back_are_an_error():
    rows, embedding = torch.rand(300, 200), torch.rand(40, 200, requires_grad=True)
    product = multiply(rows, embedding)
    rows.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.sum().backward()


@pytest.mark.parametrize(("items", "way"), [(39, ByItems), (40, ByTriplets)])
def test_fewer_items_than_triplets_are_multiplied_each_once(items, way):
    _, features, (_, i, j), _ = problem(items=items, triplets=40)
    assert isinstance(differences(features, i, j), way)


def test_a_recommender_without_images_builds_no_matrix():
    state, _, _, batch = problem(items=60)
    step(state, batch)
    assert "matrix" not in vars(batch.images)
    batch.images.project(state.embedding)
    assert "matrix" in vars(batch.images)
