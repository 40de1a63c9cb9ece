"""Products with differences of features, whichever way they are done."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recommending import problem
from varbench.recommenders.bpr_mf import step
from varbench.recommenders.differences import ByItems, ByTriplets, differences

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
    torch.testing.assert_close(ours.project(embedding), matrix @ embedding.mT)
    torch.testing.assert_close(ours.weigh(values), values.mT @ matrix)


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
