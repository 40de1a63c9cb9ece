"""C&W L2, targeted: the same constants, rate and evaluations; success and distance decide."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from comparing import OURS, Race, Row, missing, race
from peers import toolboxes
from subjects import Given, Subject, subject
from varbench.attacks.carlini_wagner import carlini_wagner
from varbench.images import as_stored

RATE, CONSTANT = 1e-2, 1.0
WHY = "faster gradients; an image ends by itself. No fewer evaluations where none stalls"


@dataclass(frozen=True)
class Search:
    """A subject, the number of constants tried and of evaluations of each."""

    subject: Subject
    constants: int
    evaluations: int


def torchattacks(search: Search) -> Tensor:
    from torchattacks import CW

    s = search.subject
    attack = CW(s.plain, c=CONSTANT, kappa=0, steps=search.evaluations, lr=RATE)
    attack.set_mode_targeted_by_label(quiet=True)
    return attack(s.images, s.targets)


def foolbox(search: Search) -> Tensor:
    from foolbox.attacks import L2CarliniWagnerAttack
    from foolbox.criteria import TargetedMisclassification

    s = search.subject
    attack = L2CarliniWagnerAttack(
        binary_search_steps=search.constants,
        steps=search.evaluations,
        stepsize=RATE,
        initial_const=CONSTANT,
    )
    model = toolboxes.foolbox_model(s.plain)
    return attack.run(model, s.images, TargetedMisclassification(s.targets))


def art(search: Search) -> Tensor:
    from art.attacks.evasion import CarliniL2Method

    s = search.subject
    attack = CarliniL2Method(
        toolboxes.art_classifier(s),
        targeted=True,
        learning_rate=RATE,
        binary_search_steps=search.constants,
        max_iter=search.evaluations,
        initial_const=CONSTANT,
        batch_size=len(s.images),
        verbose=False,
    )
    return torch.from_numpy(attack.generate(s.images.numpy(), toolboxes.one_hot(s)))


def cleverhans(search: Search) -> Tensor:
    from cleverhans.torch.attacks.carlini_wagner_l2 import carlini_wagner_l2

    s = search.subject
    return carlini_wagner_l2(
        s.plain, s.images, s.plain.classes, y=s.targets, targeted=True, lr=RATE,
        initial_const=CONSTANT, binary_search_steps=search.constants,
        max_iterations=search.evaluations,
    )  # fmt: skip


def adversarial_library(search: Search) -> Tensor:
    s = search.subject
    return toolboxes.adversarial_library().carlini_wagner_l2(
        s.plain, s.images, s.targets, targeted=True, learning_rate=RATE, initial_const=CONSTANT,
        binary_search_steps=search.constants, max_iterations=search.evaluations,
    )  # fmt: skip


PEERS: dict[str, tuple[str, Callable[[Search], Tensor]]] = {
    "foolbox": ("foolbox", foolbox),
    "cleverhans": ("cleverhans", cleverhans),
    "adversarial-library": ("adv_lib", adversarial_library),
    "ART": ("art", art),
    "torchattacks": ("torchattacks", torchattacks),
}


def ours(search: Search, storage: str) -> Tensor:
    s = search.subject
    count = len(s.images)
    return carlini_wagner(
        s.fast, s.images, s.targets, seeds=range(count), batch_size=count, learning_rate=RATE,
        iterations=search.evaluations, binary_search_steps=search.constants,
        initial_constant=CONSTANT, storage=storage,
    ).images  # fmt: skip


def rows(given: Given) -> Iterator[Row]:
    if given.smallest:
        search = Search(subject(given, "resnet18", 32, 2), 2, 10)
    else:
        search = Search(subject(given, "squeezenet1_1", 112, 2), 3, 100)
    s = search.subject
    work = f"C&W L2, {search.constants} x {search.evaluations}: {s.name}"
    present = {n: do for n, (module, do) in PEERS.items() if not missing(module)}
    sides = {name: lambda do=do: do(search) for name, do in present.items()}
    # Nothing is set up that a search of hundreds of evaluations would show.
    rounds = min(given.rounds, 2)
    stored = f"{OURS}, as stored"
    mine = {OURS: lambda: ours(search, "float"), stored: lambda: ours(search, "bits8")}
    found = race(mine | sides, rounds, warm=False)
    for name, (module, _) in PEERS.items():
        if missing(module):
            yield Row(work, name, f"{module} is not installed")
        elif name in found.failures:
            yield Row(work, name, found.failures[name])
        else:
            yield compared(work, name, s, found, stored)
    yield Row("C&W L2, 5 x 1000", "all of them", "too long for a run of all; 3 x 100 is above")


def compared(work: str, name: str, s: Subject, found: Race, stored: str) -> Row:
    """Compare success and L2 among successes: ours may not fail where the other succeeds."""
    own = measured(s, found.results[OURS])
    theirs = measured(s, found.results[name].detach())
    kept = int(toolboxes.judge(s, as_stored(found.results[stored])).sum())
    theirs_kept = int(toolboxes.judge(s, as_stored(found.results[name].detach())).sum())
    same = own[0] >= theirs[0] and (own[1] <= 1.02 * theirs[1] or theirs[0] < own[0])
    said = (
        f"success {own[0]} and {theirs[0]} of {len(s.images)} at L2 {own[1]:.3f} and "
        f"{theirs[1]:.3f}; saved as bytes {kept} (searched for that) and {theirs_kept}"
    )
    if name == "ART":
        said += "; it searches for the length of each step too"
    if name == "torchattacks":
        said += "; it has no search for the constant"
        same = False
    return Row(work, name, said, found.ratio(name), same, 3, WHY)


def measured(s: Subject, images: Tensor) -> tuple[int, float]:
    """Return how many succeed, and the mean L2 of these."""
    success = toolboxes.judge(s, images)
    distance = torch.linalg.vector_norm(images - s.images, dim=(1, 2, 3))
    return int(success.sum()), float(distance[success].mean())
