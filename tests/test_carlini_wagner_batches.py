"""C&W's active set: an image has one result in any batch, and after any stop."""

from copy import deepcopy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from searches import UNEVEN, distances, linear_model, margins, run, small_net, some_images
from varbench.attacks.common import Attacked


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
