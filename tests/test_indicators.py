"""Indicators of attack failure, on attacks and networks that fail in known ways."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from attacked import small_net, some_images
from varbench.attacks.carlini_wagner import carlini_wagner
from varbench.attacks.common import Attacked
from varbench.attacks.expa import expa
from varbench.attacks.fgsm import fgsm
from varbench.attacks.indicators import (
    Case,
    Recheck,
    class_losses,
    examine,
    falling,
    gradients,
    recheck,
)
from varbench.attacks.pgd import pgd


def a_case(attack=pgd, model=None, count=7, **parameters):
    images, targets = some_images(count)
    model = model or small_net().requires_grad_(False)
    return Case(attack, model, images, targets, range(count), 3, parameters)


def counting(attack, seen):
    def counted(model, images, targets, **parameters):
        seen.append({"images": images, **parameters})
        return attack(model, images, targets, **parameters)

    return counted


# Gradients.


def test_gradients_that_lead_nowhere_are_counted():
    case = a_case()
    net = case.model

    def logits(x):
        # By the first pixel: stairs, or a root whose slope is infinite where it is.
        first = x[0, 0, 0]
        if first == 0.25:
            return net(x[None]).detach() + 0 * x.sum()
        if first == 0.75:
            return net(x[None]) + (first - first.detach()).abs().sqrt()
        return net(x[None])

    def model(x):
        return torch.cat([logits(row) for row in x])

    images = case.images.clone()
    images[:, 0, 0, 0] = torch.tensor([0.25, 0.75, 0.5, 0.5, 0.5, 0.75, 0.5])
    losses = class_losses(a_case(model=model))
    found = gradients(losses, images, batch_size=3)
    assert found.zero == pytest.approx(1 / 7)
    assert found.not_finite == pytest.approx(2 / 7)
    assert gradients(class_losses(case), images, 3) == gradients(class_losses(case), images, 2)
    assert gradients(class_losses(case), images, 3).zero == 0


def test_a_loss_of_zero_needs_no_gradient():
    _, targets = some_images()
    certain = 1e4 * torch.eye(4)[targets[:1]]
    case = a_case(model=lambda x: certain + 0 * x.sum((1, 2, 3))[:, None])
    one = case.of_images([0])
    assert gradients(class_losses(one), one.images, 1).zero == 0
    assert float(cross_entropy(one.model(one.images), one.targets)) == 0


# A search that ended too early.


def test_a_short_search_is_still_falling_and_a_long_one_is_not():
    short = a_case(epsilon=64, steps=10, step_size=0.2, random_start=False)
    long = a_case(epsilon=2, steps=40, step_size=0.2, random_start=False)
    for case, expected in ((short, True), (long, False)):
        found = falling(case, class_losses(case), case.run())
        assert found.still is expected
    # Where the loss falls evenly, a tenth more steps gain about a tenth.
    assert falling(short, class_losses(short), short.run()).gain == pytest.approx(0.1, rel=0.3)


def test_without_epsilon_it_is_the_distance_that_falls():
    parameters = {"binary_search_steps": 1, "initial_constant": 100.0, "abort_every": 0}
    parameters |= {"learning_rate": 0.02, "storage": "float"}
    case = a_case(carlini_wagner, **parameters, iterations=12)
    attacked, longer = case.run(), case.run(iterations=13)
    before, after = ((x - case.images).flatten(1).norm(dim=1) for x in (attacked, longer))
    both = case.reached(attacked) & case.reached(longer)
    assert both.sum() >= 2
    expected = (before - after)[both].mean() / before[both].mean()
    found = falling(case, class_losses(case), attacked)
    assert found.gain == pytest.approx(float(expected), abs=1e-6)


# Trying harder.


def test_only_the_failed_are_tried_again_with_ten_times_the_steps_and_other_seeds():
    seen = []
    case = a_case(counting(pgd, seen), epsilon=200, steps=2, step_size=10, random_start=False)
    attacked = case.run()
    failed = ~case.reached(attacked)
    assert 0 < failed.sum() < 7
    found = recheck(case, attacked)
    assert torch.equal(seen[1]["images"], case.images[failed])
    assert seen[1]["steps"] == 20
    assert not set(seen[1]["seeds"]) & set(seen[0]["seeds"])
    assert found.images == 7
    assert found.before == pytest.approx(1 - float(failed.float().mean()))
    assert found.before < found.after <= 1


def test_success_counts_as_stored():
    def faint(_model, images, targets, *, steps, **_):
        return Attacked(images + 0.3 / 255, torch.full_like(targets, steps))

    def model(x):
        above = (x * 255 - 100).mean((1, 2, 3))
        return torch.stack([above * 0 + 0.1, above], 1)

    images = torch.full((2, 3, 6, 6), 100 / 255)
    case = Case(faint, model, images, torch.ones(2, dtype=torch.int64), [0, 1], 2, {"steps": 1})
    assert recheck(case, case.run()) == Recheck(2, 0.0, 0.0)


def test_an_attack_that_succeeded_is_not_run_again():
    seen = []
    case = a_case(counting(pgd, seen), epsilon=255, steps=30)
    assert recheck(case, case.run()) == Recheck(7, 1.0, 1.0)
    assert len(seen) == 1


# Together.


def test_at_most_32_images_are_looked_at_spread_over_all():
    seen = []
    case = a_case(counting(pgd, seen), count=80, epsilon=4, steps=3)
    found = examine(case)
    assert found.images == 32
    assert all(len(call["images"]) <= 32 for call in seen)
    assert torch.equal(seen[0]["images"][16], case.images[40])
    assert list(seen[0]["seeds"])[16] == 40
    assert found.clean.zero == found.clean.not_finite == found.attacked.not_finite == 0


def test_an_attack_of_one_step_has_gradients_only():
    found = examine(a_case(fgsm, epsilon=4))
    assert found.falling is None
    assert found.recheck is None
    assert found.clean.zero == 0


def test_what_belongs_to_an_image_goes_with_it():
    net = small_net().requires_grad_(False)

    class Model:
        def features_and_logits(self, x):
            logits = net(x)
            return logits, logits

        def __call__(self, x):
            return net(x)

    images, targets = some_images(40)
    references = net(some_images(40, seed=1)[0])
    parameters = {"epsilon": 8, "steps": 2, "references": references}
    case = Case(expa, Model(), images, targets, range(40), 8, parameters)
    sampled = case.sample()
    rows = [row * 40 // 32 for row in range(32)]
    assert torch.equal(sampled.parameters["references"], references[rows])

    def losses(x, rows):
        return (net(x) - sampled.parameters["references"][rows]).norm(dim=1)

    found = examine(case, losses, aims_at_class=False)
    assert found.falling.still
    assert found.recheck is None


def test_no_images_give_no_indicators():
    found = examine(a_case(count=0, epsilon=4, steps=3))
    assert found.images == 0
    assert found.recheck is None
    assert found.falling is None
