"""DDN and APGD, beside the toolboxes that their authors wrote or keep."""

from collections.abc import Iterator

import torch
from torch import Tensor

from comparing import OURS, Row, missing, race
from peers import toolboxes
from peers.carlini_wagner import measured
from peers.pgd import mean_loss
from subjects import Given, Subject, subject
from varbench.attacks.apgd import apgd
from varbench.attacks.ddn import ddn

EPSILON = 0.5  # 255ths: the loss does not come to nothing, so strength can be compared
WHY = "channels last, batch norm folded, weights laid out once; the same steps otherwise"


def library_ddn(s: Subject, steps: int) -> Tensor:
    attack = toolboxes.adversarial_library().ddn
    return attack(s.plain, s.images, s.targets, targeted=True, steps=steps)


def our_ddn(s: Subject, steps: int) -> Tensor:
    count = len(s.images)
    return ddn(
        s.fast, s.images, s.targets, seeds=range(count), batch_size=count, steps=steps
    ).images


def library_apgd(s: Subject, steps: int) -> Tensor:
    return toolboxes.adversarial_library().apgd(
        s.plain, s.images, s.targets, EPSILON / 255, float("inf"), targeted=True, n_iter=steps,
        loss_function="ce", best_loss=True,
    )  # fmt: skip


def authors_apgd(s: Subject, steps: int) -> Tensor:
    from pyautoattack.autopgd_base import APGDAttack_targeted

    # Its targeted attack tries classes by another loss; this one is in it too, of one class.
    attack = APGDAttack_targeted(s.plain, n_iter=steps, eps=EPSILON / 255, device="cpu")
    attack.loss = "ce-targeted"
    attack.init_hyperparam(s.images)
    attack.y_target = s.targets
    with torch.no_grad():
        labels = s.plain(s.images).argmax(1)
    best: Tensor = attack.attack_single_run(s.images, labels)[0]
    return best


def our_apgd(s: Subject, steps: int) -> Tensor:
    count = len(s.images)
    return apgd(
        s.fast, s.images, s.targets, seeds=range(count), batch_size=count, epsilon=EPSILON,
        steps=steps,
    ).images  # fmt: skip


def rows(given: Given) -> Iterator[Row]:
    if given.smallest:
        s, steps = subject(given, "resnet18", 32, 2), 10
    else:
        s, steps = subject(given, "squeezenet1_1", 112, 4), 50
    rounds = min(given.rounds, 3)
    yield from _ddn(s, steps, rounds)
    yield from _apgd(s, steps, rounds)


def _ddn(s: Subject, steps: int, rounds: int) -> Iterator[Row]:
    work, name = f"DDN, {steps} steps: {s.name}", "adversarial-library"
    if missing("adv_lib"):
        yield Row(work, name, "adv_lib is not installed")
        return
    sides = {OURS: lambda: our_ddn(s, steps), name: lambda: library_ddn(s, steps)}
    found = race(sides, rounds)
    if name in found.failures:
        yield Row(work, name, found.failures[name])
        return
    own, theirs = (measured(s, found.results[side].detach()) for side in (OURS, name))
    same = own[0] >= theirs[0] and (own[1] <= 1.05 * theirs[1] or own[0] > theirs[0])
    said = (
        f"success {own[0]} and {theirs[0]} of {len(s.images)} at L2 {own[1]:.3f} and "
        f"{theirs[1]:.3f}, both rounded to bytes in the search"
    )
    yield Row(work, name, said, found.ratio(name), same, 1.2, WHY)


def _apgd(s: Subject, steps: int, rounds: int) -> Iterator[Row]:
    work = f"APGD, {steps} steps: {s.name}"
    peers = {
        "adversarial-library": ("adv_lib", library_apgd),
        "autoattack (pyautoattack)": ("pyautoattack", authors_apgd),
    }
    present = {n: do for n, (module, do) in peers.items() if not missing(module)}
    sides = {name: lambda do=do: do(s, steps) for name, do in present.items()}
    found = race({OURS: lambda: our_apgd(s, steps)} | sides, rounds)
    for name, (module, _) in peers.items():
        if missing(module):
            yield Row(work, name, f"{module} is not installed")
            continue
        if name in found.failures:
            yield Row(work, name, found.failures[name])
            continue
        clean = mean_loss(s, s.images)
        own, theirs = (mean_loss(s, found.results[side].detach()) for side in (OURS, name))
        # Theirs start at a random point: how far the loss fell is compared.
        same = clean - own >= 0.95 * (clean - theirs)
        said = f"loss {own:.3f} and {theirs:.3f}, clean {clean:.3f}; theirs from a random start"
        yield Row(work, name, said, found.ratio(name), same, 1.2, WHY)
