"""Small interactions and features, trainings on them, and the equations they are held to."""

from dataclasses import fields
from functools import partial

import numpy as np
import pytest
import torch
from scipy import sparse
from torch.nn.functional import logsigmoid, normalize

from varbench.recommenders import learnt
from varbench.recommenders.batch import Batch, Rows
from varbench.recommenders.differences import differences
from varbench.recommenders.stack import Training
from varbench.recommenders.state import PARAMETERS, State, shapes
from varbench.registry import METHODS, resolve

CPU = torch.device("cpu")


def drawn_matrix(users=30, items=40, share=0.2, seed=0):
    known = np.random.default_rng(seed).random((users, items)) < share
    return sparse.csr_matrix(known.astype(np.float32))


def drawn_features(items=40, width=12, seed=0):
    return np.random.default_rng(seed).random((items, width), np.float32)


def problem(dtype=torch.float64, seed=0, users=5, items=7, factors=4, width=11, triplets=40):
    """A state, features and triplets in which every user and item comes up many times."""
    generator = torch.Generator().manual_seed(seed)
    draw = partial(torch.randn, generator=generator, dtype=dtype)
    expected = shapes(users, items, width, factors)
    state = State(
        0,
        **{name: draw(*shape) for name, shape in expected.items()},
        accumulators={name: torch.zeros(shape, dtype=dtype) for name, shape in expected.items()},
    )
    u = torch.randint(users, (triplets,), generator=generator)
    i = torch.randint(items, (triplets,), generator=generator)
    j = (i + torch.randint(1, items, (triplets,), generator=generator)) % items
    features = draw(items, width) / 3
    images = differences(features, i, j)
    batch = Batch(Rows.of(u), Rows.of(torch.cat([i, j])), images)
    return state, features, (u, i, j), batch


def bpr(parameters, features, u, i, j):
    """Eq. 1 without regularisation, by Eq. 2 for each item."""
    p, q, rho, embedding, bias = parameters

    def x(item):
        visual = rho[u] * (features[item] @ embedding.T)
        return (p[u] * q[item]).sum(1) + visual.sum(1) + bias[item, 0]

    return -logsigmoid(x(i) - x(j)).sum()


def adversary(parameters, features, u, i, j, epsilon):
    """Delta by its definition: (items, D)."""
    features = features.detach().requires_grad_()
    loss = bpr([tensor.detach() for tensor in parameters], features, u, i, j)
    (gradient,) = torch.autograd.grad(loss, features)
    return epsilon * normalize(gradient, dim=1, eps=1e-30)


def leaves(state):
    return [getattr(state, name).clone().requires_grad_() for name in PARAMETERS]


OWN = {field.name for field in fields(Training)}


def train(method, interactions, features, **options):
    """One training by itself."""
    own = {name: options.pop(name) for name in OWN & options.keys()}
    training = Training(interactions, features, **{"seed": 0, "log": [].append} | own)
    (state,) = resolve("recommender", method)([training], **{"device": CPU} | options)
    return state


RATES = {"learning_rate_users": 0.5, "learning_rate_items": 0.4, "learning_rate_embedding": 0.3}
WEIGHTS = {
    "regularisation_users": 0.02,
    "regularisation_items": 0.03,
    "regularisation_embedding": 0.05,
}
SMALL = {"factors": 6, "batch_size": 32, **RATES, **WEIGHTS}


def equal(one, other):
    one, other = one.tensors(), other.tensors()
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


STARTS_FROM = {"amr": "vbpr"}


def start_of(method, interactions, features, **options):
    """The options that give a recommender its start, where it needs one."""
    needed = STARTS_FROM.get(method)
    return {"start": train(needed, interactions, features, **options)} if needed else {}


@pytest.fixture(params=sorted(METHODS["recommender"]))
def method(request):
    return request.param


def stored(state, scale=1.0):
    """The model as its file holds it."""
    arrays = {name: tensor.numpy() for name, tensor in state.learnt().items()}
    return arrays | {learnt.SCALE: np.array([scale], np.float32)}
