"""What recommenders start from, what cannot be trained, and models as they are stored."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from recommending import SMALL, drawn_features, drawn_matrix, problem, stored, train
from varbench.errors import InputError
from varbench.recommenders import learnt
from varbench.recommenders.ranking import dot_product_scores
from varbench.recommenders.state import PARAMETERS, from_tensors, initial, shapes

# What cannot be trained


@pytest.mark.parametrize("features", [drawn_features(39), np.ones(40, np.float32)])
def test_features_that_do_not_fit(features):
    with pytest.raises(InputError, match=r"features: shape .* \(40, D\)"):
        train("vbpr", drawn_matrix(), features, epochs=1)


def test_features_that_are_not_finite():
    features = drawn_features()
    features[17, 3] = np.nan
    with pytest.raises(InputError, match="features: row 17"):
        train("vbpr", drawn_matrix(), features, epochs=1)


@pytest.mark.parametrize("method", ["vbpr", "amr"])
def test_divergence_stops_with_the_epoch(method):
    start = initial(shapes(30, 40, 12, 64), seed=0)
    with pytest.raises(InputError, match=r"epoch 0; lower the learning rates"):
        train(
            method, drawn_matrix(), drawn_features(), start=start, epochs=2,
            batch_size=32, learning_rate_users=1e30, learning_rate_embedding=1e30,
        )  # fmt: skip


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("prefix", ["", "accumulator."])
@pytest.mark.parametrize("role", ["start", "resume"])
def test_states_that_do_not_fit_name_the_tensor(name, prefix, role):
    tensors = initial(shapes(30, 40, 12, 6), seed=0).tensors()
    tensors[prefix + name] = tensors[prefix + name][:-1]
    state = {role: from_tensors(tensors)}
    with pytest.raises(InputError, match=rf"state: {prefix}{name} has shape"):
        train("vbpr", drawn_matrix(), drawn_features(), epochs=1, **SMALL, **state)
    del tensors[prefix + name]
    with pytest.raises(InputError, match=f"lacks the tensor {prefix}{name}"):
        from_tensors(tensors)


def test_state_that_is_not_finite_names_the_tensor():
    start = initial(shapes(30, 40, 12, 6), seed=0)
    start.embedding[2, 2] = math.inf
    with pytest.raises(InputError, match="embedding holds values that are not finite"):
        train("vbpr", drawn_matrix(), drawn_features(), epochs=1, start=start, **SMALL)


def test_initial_values():
    state = initial(shapes(3000, 40, 12, 6), seed=0)
    assert not state.item_bias.any()
    for name in PARAMETERS:
        assert getattr(state, name).abs().max() <= 0.02
        assert (state.accumulators[name] == 0.1).all()
    theory = stats.truncnorm(-2, 2, scale=0.01)
    for name in ("user_factors", "user_visual_factors"):
        assert stats.kstest(getattr(state, name).flatten().numpy(), theory.cdf).pvalue > 0.01
    correlation = np.corrcoef(state.user_factors.flatten(), state.user_visual_factors.flatten())
    assert abs(correlation[0, 1]) < 0.03


# What is stored


def test_a_stored_model_scores_by_the_equation():
    state, features, *_ = problem(torch.float32)
    model = stored(state, scale=4.0)
    scores = dot_product_scores(learnt.ranking_factors(model, 4 * features.numpy()))(0, 5)
    p, q, rho, embedding, bias = (getattr(state, name).double() for name in PARAMETERS)
    expected = p @ q.T + rho @ (embedding @ features.double().T) + bias.T
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [*learnt.FACTORS, learnt.SCALE])
def test_a_stored_model_that_lacks_something_is_named(name):
    model = stored(problem(torch.float32)[0])
    learnt.check(model, users=5, items=7, features=11)
    del model[name]
    with pytest.raises(InputError, match=f"lacks the tensor {name}"):
        learnt.check(model, users=5, items=7, features=11)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"users": 6}, "user_factors has 5 rows where 6 are expected"),
        ({"items": 6}, "item_factors has 7 rows where 6 are expected"),
        ({"features": 12}, "its features had 11 values, these have 12"),
    ],
)
def test_a_stored_model_of_other_data_is_named(changed, message):
    model = stored(problem(torch.float32)[0])
    with pytest.raises(InputError, match=message):
        learnt.check(model, **{"users": 5, "items": 7, "features": 11} | changed)
