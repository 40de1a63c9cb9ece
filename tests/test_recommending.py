"""What a training is given within the experiment, and what it leaves, without files."""

import gc
import weakref

import numpy as np
import pandas as pd
import pytest
import torch

from varbench.experiment import recommending
from varbench.recommenders.learnt import SCALE
from varbench.recommenders.state import PARAMETERS, from_tensors

CPU = torch.device("cpu")
BLOCK = {"method": "vbpr", "epochs": 4, "factors": 3, "batch_size": 8, "feature_scale": "clean"}
USERS, ITEMS = 12, 20
ATTACKED = np.array([4, 7, 11])


@pytest.fixture
def data():
    """Interactions of every user, clean features, and larger ones of the attacked items."""
    random = np.random.default_rng(0)
    others = np.setdiff1d(np.arange(ITEMS), ATTACKED)
    of_others = [random.choice(others, 4, replace=False) for _ in range(USERS)]
    chosen = [np.append(some, random.choice(ATTACKED)) for some in of_others]
    table = pd.DataFrame({"user": np.repeat(range(USERS), 5), "item": np.concatenate(chosen)})
    table["held_out"] = [True, *[False] * 4] * USERS
    return table, random.random((ITEMS, 5), np.float32), 3 * random.random((3, 5), np.float32)


class Keep:
    """Keeps what is reached, as a file would: a copy of its own."""

    def __init__(self):
        self.all = []

    def __call__(self, reached):
        def copied(value):
            if isinstance(value, dict):
                return {name: copied(each) for name, each in value.items()}
            if isinstance(value, list):
                return [copied(each) for each in value]
            return value.clone() if isinstance(value, torch.Tensor) else value

        self.all.append(copied(reached()))


def learner(data, attacked=True, reached=None, keep=None, **options):
    interactions, clean, features = data
    options = {"recommender": BLOCK, "seed": 1, **options}
    return recommending.learner(
        interactions, clean, ATTACKED, features if attacked else None,
        reached=reached, keep=keep or Keep(), **options,
    )  # fmt: skip


def trained(*learners, block=BLOCK):
    found = list(recommending.train(iter(learners), block, CPU))
    assert [place for place, _, _ in found] == list(range(len(learners)))
    return [one.learnt(state) for _, one, state in found]


@pytest.mark.parametrize("scale", ["clean", "attacked"])
def test_features_are_divided_by_the_largest_of_the_matrix_that_is_named(data, scale):
    _, clean, attacked = data
    found = learner(data, recommender={**BLOCK, "feature_scale": scale})
    expected = clean.copy()
    expected[ATTACKED] = attacked
    largest = {"clean": clean, "attacked": expected}[scale].max()
    assert found.scale == pytest.approx(largest)
    np.testing.assert_allclose(found.training.features, expected / largest, rtol=1e-6)
    assert (data[1] == clean).all()  # the caller's stays as it was


def test_clean_features_where_nothing_is_attacked(data):
    found = learner(data, attacked=False)
    np.testing.assert_allclose(found.training.features * found.scale, data[1], rtol=1e-6)


def test_nothing_is_learnt_of_items_that_nobody_knows_yet(data):
    one = learner(data, leave_out_attacked=True)
    assert one.training.interactions[:, ATTACKED].nnz == 0
    (model,) = trained(one)
    known = np.setdiff1d(np.arange(ITEMS), ATTACKED)
    assert (model["item_factors"][ATTACKED] == 0).all()
    assert (model["item_factors"][known] != 0).any(dim=1).all()
    assert (trained(learner(data))[0]["item_factors"][ATTACKED] != 0).any()


def test_nothing_is_learnt_of_users_that_are_left_out(data):
    one = learner(data, share_of_users=0.5)
    (model,) = trained(one)
    kept = one.training.interactions.getnnz(axis=1) > 0
    assert kept.sum() == USERS / 2
    for name in ("user_factors", "user_visual_factors"):
        assert ((model[name] != 0).any(dim=1).numpy() == kept).all()


def test_a_model_says_what_its_features_were_divided_by(data):
    one = learner(data)
    (model,) = trained(one)
    assert model[SCALE].item() == pytest.approx(one.scale)
    assert set(PARAMETERS) < set(model)


def test_half_of_the_epochs_are_kept_and_all_are_logged(data):
    one = learner(data)
    trained(one)
    assert int(one.halfway["epoch"]) == BLOCK["epochs"] // 2
    assert [row["epoch"] for row in one.epochs] == list(range(BLOCK["epochs"]))
    shorter = {**BLOCK, "epochs": 2}
    (model,) = trained(learner(data, recommender=shorter), block=shorter)
    assert torch.equal(one.halfway["embedding"], model["embedding"])


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_an_interrupted_training_ends_as_one_that_was_not(data, epochs):
    whole = Keep()
    one = learner(data, keep=whole)
    (expected,) = trained(one)
    again = learner(data, reached=whole.all[epochs - 1])
    (model,) = trained(again)
    assert all(torch.equal(model[name], expected[name]) for name in expected)
    assert len(again.epochs) == BLOCK["epochs"]
    assert all(torch.equal(again.halfway[name], one.halfway[name]) for name in one.halfway)


def test_no_training_is_kept_longer_than_until_the_next_is_there(data):
    made, alive = [], []

    def learners():
        for seed in range(4):
            gc.collect()
            alive.append([one() is not None for one in made])
            one = learner(data, seed=seed)
            made.append(weakref.ref(one))
            yield one
            del one

    for _ in recommending.train(learners(), BLOCK, CPU):
        pass
    assert all(not any(before[:-1]) for before in alive)


def test_halfway_counts_from_the_start(data):
    first = learner(data)
    trained(first)
    later = learner(data, start=from_tensors(first.halfway))
    (model,) = trained(later)
    assert int(later.halfway["epoch"]) == BLOCK["epochs"]
    assert int(model["epoch"]) == BLOCK["epochs"] * 3 // 2


def test_trainings_that_cannot_be_stacked_are_trained_in_turn(data, monkeypatch):
    """As on a GPU: seeds together, one of fewer interactions by itself, each as if alone."""
    monkeypatch.setattr(recommending, "STACKED", {"cpu"})
    options = [{"seed": 1}, {"seed": 2, "leave_out_attacked": True}, {"seed": 3}]
    found = list(recommending.train((learner(data, **of) for of in options), BLOCK, CPU))
    assert [place for place, _, _ in found] == [0, 2, 1]
    monkeypatch.undo()
    for place, one, state in found:
        (alone,) = trained(learner(data, **options[place]))
        model = one.learnt(state)
        assert all(torch.equal(model[name], alone[name]) for name in alone)
