"""PGD: ten targeted steps in the L-inf ball from the clean image."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from comparing import OURS, Race, Row, missing, race
from peers import toolboxes
from subjects import Given, Subject, half_gradients, subject
from varbench.attacks.common import targeted_gradient
from varbench.attacks.pgd import pgd
from varbench.extractors.networks import Extractor

EPSILON, STEPS = 4.0, 10  # 255ths
STEP = EPSILON / 6
LOSS_TOLERANCE, EXCESS = 0.05, 1e-5  # of the mean loss, relative to its fall; of the radius
PLAIN = f"{OURS} on the peers' network"
HALF = f"{OURS}, precision: bf16"
BARE = "bare forward and backward loop"
NETWORKS = (("squeezenet1_1", 224, 4), ("resnet50", 224, 2), ("resnet18", 64, 16))
WHY = "channels last, batch norm folded, weights laid out once; a first layer's gradient by phases"
WHY_HALF = f"{WHY}; half precision, which is asked for, and pays on a processor that has it"


@dataclass(frozen=True)
class Peer:
    """A toolbox: the module that it needs, and its attack as a function without arguments."""

    module: str
    attack: Callable[[Subject], Tensor]


def torchattacks(s: Subject) -> Tensor:
    from torchattacks import PGD

    attack = PGD(s.plain, eps=EPSILON / 255, alpha=STEP / 255, steps=STEPS, random_start=False)
    attack.set_mode_targeted_by_label(quiet=True)
    return attack(s.images, s.targets)


def foolbox(s: Subject) -> Tensor:
    from foolbox.attacks import LinfPGD
    from foolbox.criteria import TargetedMisclassification

    attack = LinfPGD(abs_stepsize=STEP / 255, steps=STEPS, random_start=False)
    goal = TargetedMisclassification(s.targets)
    return attack.run(toolboxes.foolbox_model(s.plain), s.images, goal, epsilon=EPSILON / 255)


def art(s: Subject) -> Tensor:
    from art.attacks.evasion import ProjectedGradientDescent

    attack = ProjectedGradientDescent(
        toolboxes.art_classifier(s),
        eps=EPSILON / 255,
        eps_step=STEP / 255,
        max_iter=STEPS,
        targeted=True,
        batch_size=len(s.images),
        verbose=False,
    )
    return torch.from_numpy(attack.generate(s.images.numpy(), toolboxes.one_hot(s)))


def cleverhans(s: Subject) -> Tensor:
    from cleverhans.torch.attacks.projected_gradient_descent import projected_gradient_descent

    return projected_gradient_descent(
        s.plain, s.images, EPSILON / 255, STEP / 255, STEPS, float("inf"),
        clip_min=0.0, clip_max=1.0, y=s.targets, targeted=True, rand_init=False,
        sanity_checks=False,
    )  # fmt: skip


def adversarial_library(s: Subject) -> Tensor:
    return toolboxes.adversarial_library().pgd_linf(
        s.plain, s.images, s.targets, ε=EPSILON / 255, targeted=True, steps=STEPS,
        random_init=False, absolute_step_size=STEP / 255,
    )  # fmt: skip


PEERS = {
    "torchattacks": Peer("torchattacks", torchattacks),
    "foolbox": Peer("foolbox", foolbox),
    "ART": Peer("art", art),
    "cleverhans": Peer("cleverhans", cleverhans),
    # It returns the last of the ten points evaluated that is in the target class, if any is.
    "adversarial-library": Peer("adv_lib", adversarial_library),
}


def ours(s: Subject, network: Extractor | None = None) -> Tensor:
    """Attack the fast network, or another one."""
    count = len(s.images)
    options = {"epsilon": EPSILON, "steps": STEPS, "step_size": STEP, "random_start": False}
    data = (network or s.fast, s.images, s.targets)
    return pgd(*data, seeds=range(count), batch_size=count, **options).images


def bare(s: Subject) -> Tensor:
    """Do what no attack can do without, on the network that ours has."""
    for _ in range(STEPS):
        targeted_gradient(s.fast, s.images, s.targets)
    return s.images


def mean_loss(s: Subject, images: Tensor) -> float:
    with torch.no_grad():
        return float(cross_entropy(s.plain(images), s.targets))


def rows(given: Given) -> Iterator[Row]:
    for architecture, size, count in NETWORKS[-1:] if given.smallest else NETWORKS:
        s = subject(given, architecture, 32 if given.smallest else size, count)
        present = {n: p for n, p in PEERS.items() if not missing(p.module)}
        sides = {name: partial(peer.attack, s) for name, peer in present.items()}
        mine = {
            OURS: partial(ours, s),
            HALF: partial(ours, s, half_gradients(s.fast)),
            BARE: partial(bare, s),
        }
        found = race(mine | sides, given.rounds)
        found.results[PLAIN] = ours(s, s.plain)
        work = f"PGD, {STEPS} steps: {s.name}"
        yield Row(
            work, BARE, "as many gradients of the same network", found.ratio(BARE), aim=0.95,
            why="checks, projection and one forward pass more; the steps themselves are in place",
        )  # fmt: skip
        for name, peer in PEERS.items():
            if missing(peer.module):
                yield Row(work, name, f"{peer.module} is not installed")
            elif name in found.failures:
                yield Row(work, name, found.failures[name])
            else:
                yield compared(work, name, s, found)
        if fast := found.seconds.keys() & sides:
            fastest = min(fast, key=lambda name: median(found.seconds[name]))
            yield compared_half(work, fastest, s, found)


def compared(work: str, name: str, s: Subject, found: Race) -> Row:
    """Compare what two attacks made: inside the ball, and equally far down the loss.

    The fast network rounds otherwise, and a step of the sign goes the other way where a gradient is
    next to nothing: so what shows the same work is ours on the network that the peer has.
    """
    clean = mean_loss(s, s.images)
    values, successes = {}, {}
    for side in (OURS, PLAIN, name):
        images = found.results[side].detach()
        assert (images - s.images).abs().max() <= EPSILON / 255 + EXCESS, side
        values[side] = mean_loss(s, images)
        successes[side] = int(toolboxes.judge(s, images).sum())
    apart = abs(values[PLAIN] - values[name]) / (clean - values[PLAIN])
    same = successes[PLAIN] == successes[name] and apart <= LOSS_TOLERANCE
    if name == "adversarial-library":  # one step behind, in the loss
        same = successes[PLAIN] == successes[name]
    said = (
        f"on the peer's network success {successes[PLAIN]} and {successes[name]} of "
        f"{len(s.images)}, loss {values[PLAIN]:.3f} and {values[name]:.3f}, clean {clean:.3f}; on "
        f"the fast network success {successes[OURS]}, loss {values[OURS]:.3f}"
    )
    return Row(work, name, said, found.ratio(name), same, 1.3, WHY)


def compared_half(work: str, fastest: str, s: Subject, found: Race) -> Row:
    """Compare ours in half precision with the fastest peer, and what it made with our own."""
    work, beside = f"{work}, {HALF.partition(', ')[2]}", f"{fastest}, the fastest"
    if HALF in found.failures:
        return Row(work, beside, found.failures[HALF])
    full, made = (found.results[side].detach() for side in (OURS, HALF))
    clean, loss, loss_half = (mean_loss(s, x) for x in (s.images, full, made))
    successes = [int(toolboxes.judge(s, x).sum()) for x in (full, made)]
    same = successes[0] == successes[1] and loss_half - loss <= LOSS_TOLERANCE * (clean - loss)
    said = (
        f"beside ours in full precision success {successes[1]} and {successes[0]}, judged in full "
        f"precision, loss {loss_half:.3f} and {loss:.3f}"
    )
    return Row(work, beside, said, found.ratio(fastest, ours=HALF), same, 1.3, WHY_HALF)
