"""EXPA by its equations, and on linear features with known optima."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear
from torch import nn

from varbench.attacks.expa import expa
from varbench.attacks.noise import noise
from varbench.errors import InputError

PIXELS = 3 * 6 * 6


class SmallNet(nn.Module):
    """Features are averages of a map, as an extractor's; images may have any size."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.map = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Softplus(), nn.Conv2d(8, 16, 3))
            self.head = nn.Linear(16, 4)
        self.eval().requires_grad_(False)

    def features_and_logits(self, x):
        features = self.map(x).square().mean(dim=(2, 3))
        return features, self.head(features)

    def forward(self, x):
        return self.features_and_logits(x)[1]


class Linear:
    """Features are a matrix times the pixels."""

    def __init__(self, matrix):
        self.matrix = matrix

    def features_and_logits(self, x):
        features = x.flatten(1) @ self.matrix.T
        return features, features[:, :2]

    def __call__(self, x):
        return self.features_and_logits(x)[1]


def some_images(count=6, seed=0):
    """Return images, some of their pixels at 0 and at 1, and references from other images."""
    generator = torch.Generator().manual_seed(seed)
    images = (torch.rand(count, 3, 6, 6, generator=generator) * 1.4 - 0.2).clamp(0, 1)
    others = torch.rand(count, 3, 9, 7, generator=generator)
    return images, SmallNet().features_and_logits(others)[0]


def run(model, images, references, **parameters):
    options = {"seeds": range(len(images)), "batch_size": 4, "steps": 40, "learning_rate": 0.005}
    targets = torch.zeros(len(images), dtype=torch.int64)
    return expa(model, images, targets, references=references, **options | parameters)


def distances(model, images, references):
    return (model.features_and_logits(images)[0] - references).norm(dim=1)


def plain_expa(net, clean, reference, epsilon, steps, learning_rate, power=2, start=None):
    """Adam as in its paper (Kingma and Ba, Algorithm 1), for one image."""
    x = clean if start is None else start
    m, v = torch.zeros_like(clean), torch.zeros_like(clean)
    best, best_loss = x, math.inf
    for t in range(1, steps + 1):
        tried = x.clone().requires_grad_()
        loss = (net.features_and_logits(tried[None])[0][0] - reference).norm() ** power
        (g,) = torch.autograd.grad(loss, tried)
        if loss.item() < best_loss:
            best, best_loss = x, loss.item()
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        x = x - learning_rate * m_hat / (v_hat.sqrt() + 1e-8)
        x = torch.minimum(torch.maximum(x, clean - epsilon), clean + epsilon).clamp(0, 1)
    return best


def test_expa_is_its_equations():
    net, (images, references) = SmallNet(), some_images()
    found = run(net, images, references, epsilon=6, steps=12)
    expected = [
        plain_expa(net, image, reference, 6 / 255, 12, 0.005)
        for image, reference in zip(images, references, strict=True)
    ]
    torch.testing.assert_close(found.images, torch.stack(expected), rtol=0, atol=1e-4)
    assert found.iterations.tolist() == [12] * 6


def test_the_other_form_starts_at_random_and_minimises_the_distance_itself():
    net, (images, references) = SmallNet(), some_images()
    options = {"epsilon": 6, "steps": 6, "form": "vbpr"}
    found = run(net, images, references, **options, learning_rate=None).images
    targets = torch.zeros(6, dtype=torch.int64)
    start = noise(net, images, targets, seeds=range(6), batch_size=6, epsilon=6).images
    expected = [
        plain_expa(net, image, reference, 6 / 255, 6, 1e-2, 1, begun)
        for image, reference, begun in zip(images, references, start, strict=True)
    ]
    assert ((found - torch.stack(expected)).abs() > 1e-3).float().mean() < 0.01
    assert torch.equal(run(net, images, references, **options, learning_rate=0.01).images, found)
    other = run(net, images, references, **options, learning_rate=0.01, seeds=range(6, 12)).images
    assert not torch.equal(other, found)


def test_the_first_form_is_the_default_with_its_own_rate():
    net, (images, references) = SmallNet(), some_images()
    found = run(net, images, references, epsilon=6, steps=6, learning_rate=None).images
    named = run(
        net, images, references, epsilon=6, steps=6, learning_rate=1e-3, form="dvbpr"
    ).images
    assert torch.equal(found, named)
    with pytest.raises(InputError, match="form: 'amr' is unknown; known: dvbpr, vbpr"):
        run(net, images, references, epsilon=6, form="amr")


def test_the_nearest_pixels_of_the_ball_are_found_where_features_are_pixels():
    images, _ = some_images()
    scale = torch.linspace(0.5, 2, PIXELS)
    wanted = torch.rand(6, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    model = Linear(torch.diag(scale))
    found = run(model, images, wanted.flatten(1) * scale, epsilon=32, steps=600, learning_rate=1e-3)
    low, high = (images - 32 / 255).clamp(0, 1), (images + 32 / 255).clamp(0, 1)
    nearest = torch.minimum(torch.maximum(wanted, low), high)
    # Within a grey level: Adam's last steps still swing around the optimum.
    torch.testing.assert_close(found.images, nearest, rtol=0, atol=1 / 255)


def test_the_optimum_of_linear_features_is_scipys():
    images, _ = some_images(3)
    generator = torch.Generator().manual_seed(2)
    matrix = torch.randn(20, PIXELS, generator=generator)
    references = torch.randn(3, 20, generator=generator) * 40  # out of reach: the ball binds
    found = run(Linear(matrix), images, references, epsilon=8, steps=600, learning_rate=1e-3)
    reached = distances(Linear(matrix), found.images, references)
    for image, reference, distance in zip(images, references, reached, strict=True):
        x = image.flatten().double().numpy()
        bounds = np.maximum(x - 8 / 255, 0), np.minimum(x + 8 / 255, 1)
        best = lsq_linear(matrix.double().numpy(), reference.double().numpy(), bounds)
        assert distance.item() == pytest.approx(math.sqrt(2 * best.cost), rel=1e-4)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), epsilon=st.floats(0.1, 64), rate=st.floats(1e-4, 1))
def test_it_stays_in_the_ball_and_never_moves_away(seed, epsilon, rate):
    net, (images, references) = SmallNet(), some_images(seed=seed)
    found = run(net, images, references, epsilon=epsilon, steps=6, learning_rate=rate).images
    assert (found - images).abs().max() <= epsilon / 255 + 1e-6
    assert found.min() >= 0
    assert found.max() <= 1
    before, after = (distances(net, x, references) for x in (images, found))
    assert (after <= before + 1e-5).all()


def test_a_larger_ball_comes_closer():
    net, (images, references) = SmallNet(), some_images()
    reached = [
        distances(net, run(net, images, references, epsilon=e).images, references)
        for e in (1, 4, 16)
    ]
    start = distances(net, images, references)
    assert (reached[0] < start).all()
    assert (reached[1] < reached[0]).all()
    assert (reached[2] < reached[1]).all()


@settings(deadline=None, max_examples=10)
@given(batch_size=st.integers(1, 8), order=st.permutations(range(6)))
def test_an_image_is_attacked_alike_in_any_batch(batch_size, order):
    net, (images, references) = SmallNet(), some_images()
    expected = run(net, images, references, epsilon=8, steps=8).images[order]
    got = run(net, images[order], references[order], epsilon=8, steps=8, batch_size=batch_size)
    torch.testing.assert_close(got.images, expected, rtol=0, atol=1e-4)


def test_arguments_stay_as_they_were_and_evaluations_are_counted():
    net, (images, references) = SmallNet(), some_images()
    kept, seen = images.clone(), []

    class Counting(Linear):
        def features_and_logits(self, x):
            seen.append(len(x))
            return net.features_and_logits(x)

    with torch.no_grad():
        found = run(Counting(None), images, references, epsilon=8, steps=5)
    assert torch.equal(images, kept)
    assert not images.requires_grad
    assert images.grad is None
    assert seen.pop(0) == 1  # the check of the targets
    assert found.iterations.sum() == sum(seen) == 30


def test_no_images_give_no_images():
    images, references = some_images()
    assert run(SmallNet(), images[:0], references[:0], epsilon=8).images.shape == (0, 3, 6, 6)


@pytest.mark.parametrize(
    ("key", "values"),
    [("epsilon", [0, 256]), ("steps", [0, 1, 2.5]), ("learning_rate", [0, math.inf, "fast"])],
)
def test_a_bad_parameter_is_an_input_error_that_names_it(key, values):
    for value in values:
        with pytest.raises(InputError, match=f"^{key}: {value!r} is not a"):
            run(SmallNet(), *some_images(), **{"epsilon": 8} | {key: value})


@pytest.mark.parametrize("references", [(5, 16), (16,), (6, 15), (6, 1)])
def test_references_that_do_not_fit_are_refused(references):
    images, _ = some_images()
    with pytest.raises(ValueError, match=r"references are \("):
        run(SmallNet(), images, torch.zeros(references), epsilon=8)
