"""A stack of trainings gives each what it gets alone, bit for bit."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from recommending import CPU, SMALL, drawn_features, drawn_matrix, equal, method, start_of
from varbench.recommenders.stack import Training, stacks
from varbench.recommenders.state import from_tensors, initial, shapes
from varbench.registry import resolve

__all__ = ["method"]


def several(method, item_bias, logs, count=3):
    """Trainings that differ in all that a stack lets them differ in, and their options."""
    options = {"epochs": 4, "item_bias": item_bias, **SMALL}
    trainings = []
    for seed in range(count):
        order = np.random.default_rng(seed).permutation(40)
        interactions = drawn_matrix()[:, order]
        features = drawn_features(seed=seed)
        start = start_of(method, interactions, features, seed=seed, **options)
        log = logs.setdefault(seed, [])
        trainings.append(Training(interactions, features, seed, log.append, **start))
    return trainings, options


def untimed(logs):
    return {s: [{**row, "seconds": None} for row in log] for s, log in logs.items()}


@pytest.mark.parametrize("item_bias", [False, True])
@pytest.mark.parametrize("user_factors", ["separate", "shared"])
@pytest.mark.parametrize("batch_size", [32, 64])  # fewer triplets than the 40 items, and more
def test_a_stack_is_its_trainings_one_by_one(method, item_bias, user_factors, batch_size):
    logs, stacked_logs = {}, {}
    trainings, options = several(method, item_bias, logs)
    options |= {"user_factors": user_factors, "batch_size": batch_size}
    recommender = partial(resolve("recommender", method), device=CPU, **options)
    alone = [recommender([training])[0] for training in trainings]
    trainings = [replace(t, log=stacked_logs.setdefault(t.seed, []).append) for t in trainings]
    together = recommender(trainings)
    assert not equal(*alone[:2])
    assert all(equal(*pair) for pair in zip(alone, together, strict=True))
    assert untimed(logs) == untimed(stacked_logs)


def test_a_stack_goes_on_from_the_states_it_had_reached(method):
    trainings, options = several(method, False, {})
    recommender = partial(resolve("recommender", method), device=CPU, **options)
    half = (trainings[0].start.epoch if trainings[0].start else 0) + 2
    kept = {}

    def keeper(seed):
        def keep(state):
            if state.epoch == half:
                kept[seed] = from_tensors(
                    {name: tensor.clone() for name, tensor in state.tensors().items()}
                )

        return keep

    whole = recommender([replace(t, checkpoint=keeper(t.seed)) for t in trainings])
    resumed = recommender([replace(t, resume=kept[t.seed]) for t in trainings])
    assert all(equal(*pair) for pair in zip(whole, resumed, strict=True))


def test_stacks_are_of_trainings_that_have_as_far_to_go():
    fresh, other = drawn_matrix(), drawn_matrix(seed=1)
    features = drawn_features()
    reached = replace(initial(shapes(30, 40, 12, 6), seed=0), epoch=5)
    plain = [Training(fresh, features, seed, print) for seed in range(3)]
    resumed = replace(plain[0], resume=reached)
    fewer = Training(other, features, 0, print)
    wider = Training(fresh, drawn_features(width=13), 0, print)
    assert other.nnz != fresh.nnz
    found = stacks([plain[0], resumed, plain[1], fewer, wider, plain[2]])
    assert found == [[0, 2, 5], [1], [3], [4]]
