"""What every recommender must pass."""

import math

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from scipy import sparse, stats

from recommending import SMALL, drawn_features, drawn_matrix, equal, method, start_of, stored, train
from varbench.metrics import accuracy
from varbench.recommenders import learnt
from varbench.recommenders.ranking import dot_product_scores, rank
from varbench.recommenders.state import from_tensors

__all__ = ["method"]


CHECKERBOARD = {
    "factors": 8,
    "batch_size": 64,
    "learning_rate_users": 0.1,
    "learning_rate_items": 0.1,
    "learning_rate_embedding": 0.1,
    "regularisation_users": 0.001,
    "regularisation_items": 0.001,
}


def checkerboard(size=40):
    """Users like the items of their own parity; each one's own item is held out."""
    users, items = np.indices((size, size))
    liked = ((users + items) % 2 == 0) & (users != items)
    return sparse.csr_matrix(liked.astype(np.float32)), np.arange(size)


def held_out_auc(state, features, train, held_out):
    model = learnt.ranking_factors(stored(state), features)
    ranking = rank(dot_product_scores(model), train, held_out, np.empty(0, np.int64), length=1)
    return np.nanmean(accuracy.auc(ranking.held_out_rank, ranking.candidates))


def trained(method, interactions, features, epochs=40, **options):
    options = CHECKERBOARD | options
    start = start_of(method, interactions, features, epochs=epochs, **options)
    return train(method, interactions, features, epochs=epochs, **start, **options)


def test_learns_from_interactions(method):
    interactions, held_out = checkerboard()
    features = drawn_features(40)  # which say nothing
    assert (
        held_out_auc(trained(method, interactions, features), features, interactions, held_out)
        > 0.99
    )


@pytest.mark.parametrize("method", ["vbpr", "amr"])
def test_learns_from_images(method):
    interactions, held_out = checkerboard()
    features = drawn_features(40)
    features[:, 0] = np.arange(40) % 2
    seen = interactions.tolil()
    seen[:, 30:] = 0  # a quarter of the items is new: only their images tell them apart
    state = trained(method, seen.tocsr(), features)
    held_out[:30] = -1
    assert held_out_auc(state, features, interactions, held_out) > 0.99


@pytest.mark.parametrize("item_bias", [False, True])
def test_bpr_mf_is_vbpr_on_blank_images(item_bias):
    interactions, options = drawn_matrix(), {"epochs": 3, "item_bias": item_bias, **SMALL}
    blank = train("vbpr", interactions, np.zeros((40, 12), np.float32), **options)
    own = train("bpr_mf", interactions, drawn_features(), **options)
    for name in ("user_factors", "item_factors", "item_bias"):
        assert torch.equal(getattr(own, name), getattr(blank, name))
    assert not learnt.ranking_factors(stored(own), drawn_features())["item_visual_factors"].any()


def test_biases_alone_rank_by_popularity(method):
    """Without anything to tell users apart, what is left to learn is how often items are taken."""
    taken = np.arange(40) < np.arange(5, 39, 0.5)[:, None]  # item i by fewer and fewer users
    taken[0] = np.arange(40) == 39
    interactions = sparse.csr_matrix(taken.astype(np.float32))
    rates = {"learning_rate_users": 1e-9, "learning_rate_embedding": 1e-9}
    options = {"item_bias": True, "epochs": 60, **rates, "regularisation_items": 0.01}
    state = trained(method, interactions, drawn_features(40), **options)
    factors = learnt.ranking_factors(stored(state), drawn_features(40))
    scores = dot_product_scores(factors)(0, len(taken))
    popularity = interactions.sum(axis=0).A1
    assert all(stats.spearmanr(row, popularity).statistic > 0.95 for row in scores)


def test_the_log_says_how_far_each_term_moves_the_scores(method):
    interactions, features, log = drawn_matrix(), drawn_features(), []
    state = trained(method, interactions, features, epochs=3, log=log.append)
    model = stored(state)
    terms = {
        "spread_factors": model["user_factors"] @ model["item_factors"].T,
        "spread_visual": model["user_visual_factors"] @ (features @ model["embedding"].T).T,
    }
    for name, scores in terms.items():
        assert log[-1][name] == pytest.approx(scores.std(axis=1).mean(), rel=1e-4)


def test_loss_falls(method):
    interactions, _ = checkerboard()
    log = []
    trained(method, interactions, drawn_features(40), log=log.append)
    losses = [row["loss"] for row in log]
    assert losses[0] == pytest.approx(math.log(2), abs=0.02)
    assert losses[-1] < 0.1
    assert all(row["seconds"] > 0 for row in log)


def test_same_seed_same_result(method):
    interactions, features = drawn_matrix(), drawn_features()
    one, same, other = (
        trained(method, interactions, features, epochs=2, seed=seed) for seed in (5, 5, 6)
    )
    assert equal(one, same)
    assert not equal(one, other)


def test_interrupted_anywhere_ends_the_same(method):
    interactions, features = drawn_matrix(), drawn_features()
    start = start_of(method, interactions, features, epochs=2, **SMALL)
    options = {"epochs": 4, **start, **SMALL}
    files, log = [], []
    whole = train(
        method, interactions, features, checkpoint=lambda s: files.append(save(s.tensors())),
        log=log.append, **options,
    )  # fmt: skip
    assert len(files) == 4
    assert equal(whole, from_tensors(load(files[-1])))
    for file in files:
        resumed, later = from_tensors(load(file)), []
        ended = train(method, interactions, features, resume=resumed, log=later.append, **options)
        assert equal(whole, ended)
        assert [r["loss"] for r in later] == [r["loss"] for r in log if r["epoch"] >= resumed.epoch]


def test_start_is_left_as_it_is(method):
    interactions, features = drawn_matrix(), drawn_features()
    start = train("vbpr", interactions, features, epochs=1, **SMALL)
    before = save(start.tensors())
    ended = train(method, interactions, features, start=start, epochs=2, **SMALL)
    assert save(start.tensors()) == before
    assert (start.epoch, ended.epoch) == (1, 3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_gpu_agrees_with_cpu(method):
    interactions, features = drawn_matrix(), drawn_features()
    start = start_of(method, interactions, features, epochs=2, **SMALL)
    options = {"epochs": 2, **start, **SMALL}
    states = [
        train(method, interactions, features, device=torch.device(device), **options)
        for device in ("cpu", "cuda")
    ]
    torch.testing.assert_close(states[0].tensors(), states[1].tensors(), rtol=1e-3, atol=1e-4)
