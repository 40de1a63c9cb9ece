"""MI-FGSM, APGD and DDN by their equations, one image at a time, and on linear models."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy

from varbench.attacks.apgd import apgd, checkpoints
from varbench.attacks.ddn import ddn
from varbench.attacks.mi_fgsm import mi_fgsm
from varbench.attacks.pgd import pgd
from varbench.images import to_bytes, to_unit

CLASSES = 4


def small_net():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        net = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.Softplus(), nn.Flatten(), nn.Linear(288, CLASSES)
        )
    return net.eval().requires_grad_(False)


def some_images(count=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = (torch.rand(count, 3, 6, 6, generator=generator) * 1.4 - 0.2).clamp(0, 1)
    return images, torch.randint(CLASSES, (count,), generator=generator)


def run(attack, model, images, targets, **parameters):
    return attack(model, images, targets, seeds=range(len(images)), batch_size=4, **parameters)


def losses(model, images, targets):
    return cross_entropy(model(images), targets, reduction="none")


def value_and_gradient(model, x, target):
    x = x.clone().requires_grad_()
    loss = cross_entropy(model(x[None]), torch.tensor([target]))
    (gradient,) = torch.autograd.grad(loss, x)
    return loss.item(), gradient


def assert_same(images, expected):
    """Agree but for a stray pixel: a gradient of about zero may take either sign."""
    assert ((images - torch.stack(expected)).abs() > 1e-5).float().mean() < 0.01


# MI-FGSM


@pytest.mark.parametrize("decay", [0.0, 1.0, 0.7])
def test_mi_fgsm_is_its_equations(decay):
    net, (images, targets) = small_net(), some_images()
    epsilon, steps = 6 / 255, 5
    expected = []
    for clean, target in zip(images, targets.tolist(), strict=True):
        x, g = clean, torch.zeros_like(clean)
        for _ in range(steps):
            _, gradient = value_and_gradient(net, x, target)
            g = decay * g + gradient / gradient.abs().sum()
            x = x - epsilon / steps * g.sign()
            x = torch.minimum(torch.maximum(x, clean - epsilon), clean + epsilon).clamp(0, 1)
        expected.append(x)
    found = run(mi_fgsm, net, images, targets, epsilon=6, steps=steps, decay=decay)
    assert_same(found.images, expected)
    assert found.iterations.tolist() == [steps] * 6


def test_mi_fgsm_without_momentum_is_pgd_without_a_random_start():
    net, (images, targets) = small_net(), some_images()
    options = {"epsilon": 8, "steps": 4, "step_size": 3}
    basic = run(pgd, net, images, targets, random_start=False, **options).images
    assert_same(run(mi_fgsm, net, images, targets, decay=0, **options).images, list(basic))


# APGD


def test_checkpoints_are_the_papers_for_100_steps():
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]


def plain_apgd(net, clean, target, epsilon, steps):
    def project(z):
        return torch.minimum(torch.maximum(z, clean - epsilon), clean + epsilon).clamp(0, 1)

    eta, marks = 2 * epsilon, [0, *checkpoints(steps)]
    f, gradient = value_and_gradient(net, clean, target)
    history, x, before = [f], clean, clean
    best, best_f, best_gradient = clean, f, gradient
    etas, bests = [eta], [f]
    for k in range(1, steps):
        z = project(x - eta * gradient.sign())
        share = 1.0 if k == 1 else 0.75
        x, before = project(x + share * (z - x) + (1 - share) * (x - before)), x
        f, gradient = value_and_gradient(net, x, target)
        history.append(f)
        if f < best_f:
            best, best_f, best_gradient = x, f, gradient
        if k in marks:
            window = k - marks[marks.index(k) - 1]
            gains = sum(history[i + 1] < history[i] for i in range(k - window, k))
            same_eta = len(etas) > 1 and etas[-1] == etas[-2]
            condition_1 = gains < 0.75 * window
            condition_2 = same_eta and bests[-1] == best_f
            etas.append(eta / 2 if condition_1 or condition_2 else eta)
            bests.append(best_f)
            if etas[-1] != eta:
                eta, x, gradient = etas[-1], best, best_gradient
                history[-1] = best_f
    return best, best_f


def curved_net():
    """A network on which steps overshoot, so that the search goes back to the best point."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        *(torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.Tanh()),
        *(torch.nn.Conv2d(16, 16, 3, padding=1), torch.nn.Tanh()),
        *(torch.nn.Flatten(), torch.nn.Linear(16 * 36, 4)),
    ).eval()
    for weights in net.requires_grad_(False).parameters():
        weights.mul_(6)
    return net


@pytest.mark.parametrize(("make", "epsilon"), [(small_net, 8), (curved_net, 32)])
def test_apgd_is_its_algorithm(make, epsilon):
    net, (images, targets) = make(), some_images()
    found = run(apgd, net, images, targets, epsilon=epsilon, steps=30).images
    expected = [
        plain_apgd(net, image, target, epsilon / 255, 30)
        for image, target in zip(images, targets.tolist(), strict=True)
    ]
    theirs = torch.tensor([loss for _, loss in expected])
    torch.testing.assert_close(losses(net, found, targets), theirs, rtol=1e-3, atol=1e-5)
    assert ((found - torch.stack([x for x, _ in expected])).abs() > 1e-4).float().mean() < 0.05


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.floats(1, 32))
def test_apgd_stays_in_the_ball_and_never_loses_to_the_clean_image(seed, epsilon):
    net, (images, targets) = small_net(), some_images(seed=seed)
    found = run(apgd, net, images, targets, epsilon=epsilon, steps=12).images
    assert (found - images).abs().max() <= epsilon / 255 + 1e-6
    assert found.min() >= 0
    assert found.max() <= 1
    assert (losses(net, found, targets) <= losses(net, images, targets) + 1e-6).all()


def test_apgd_reaches_the_corner_of_the_ball_on_a_linear_model():
    weights = torch.randn(2, 108, generator=torch.Generator().manual_seed(1))
    images = torch.full((3, 3, 6, 6), 0.5)
    targets = torch.tensor([0, 1, 0])
    found = run(apgd, lambda x: x.flatten(1) @ weights.T, images, targets, epsilon=8, steps=20)
    towards = torch.stack([weights[t] - weights[1 - t] for t in targets.tolist()]).view(3, 3, 6, 6)
    torch.testing.assert_close(found.images, images + 8 / 255 * towards.sign())


# DDN


@pytest.mark.parametrize("levels", [None, 255])
def test_ddn_is_its_algorithm(levels):
    net, (images, targets) = small_net(), some_images()
    images = (images * 255).round() / 255
    expected = []
    for clean, target in zip(images, targets.tolist(), strict=True):
        delta, radius, best, best_l2 = torch.zeros_like(clean), 1.0, clean, math.inf
        for k in range(40):
            x = clean + delta
            x = (x * levels).round() / levels if levels else x
            _, gradient = value_and_gradient(net, x, target)
            success = int(net(x[None]).argmax()) == target
            if success and (x - clean).norm() < best_l2:
                best, best_l2 = x, float((x - clean).norm())
            step = 0.01 + 0.99 * (1 + math.cos(math.pi * k / 40)) / 2
            delta = delta - step * gradient / gradient.norm()
            radius *= 0.95 if success else 1.05
            delta = (clean + radius * delta / delta.norm()).clamp(0, 1) - clean
        expected.append(best)
    storage = "bits8" if levels else "float"
    found = run(ddn, net, images, targets, steps=40, storage=storage).images
    torch.testing.assert_close(found, torch.stack(expected), rtol=0, atol=1e-3)


def test_ddn_comes_close_to_the_nearest_point_of_a_linear_model():
    weights = torch.randn(2, 108, generator=torch.Generator().manual_seed(2))
    images = torch.full((4, 3, 6, 6), 0.5) + 0.05 * torch.randn(
        4, 3, 6, 6, generator=torch.Generator().manual_seed(3)
    )
    scores = images.flatten(1) @ weights.T
    targets = scores.argmin(1)
    found = run(ddn, lambda x: x.flatten(1) @ weights.T, images, targets, steps=300).images
    distance = (found - images).flatten(1).norm(dim=1)
    lacking = scores.amax(1) - scores.amin(1)
    nearest = lacking / (weights[0] - weights[1]).norm()
    assert ((found.flatten(1) @ weights.T).argmax(1) == targets).all()
    assert (distance >= nearest * 0.999).all()
    assert (distance <= nearest * 1.05).all()
    assert torch.equal(to_unit(to_bytes(found)), found)
