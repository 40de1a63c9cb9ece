"""C&W L2, targeted: the same first constant, rate, evaluations; success and distance decide.

Ours goes on where a search step has ended, which takes fewer evaluations of each of more constants;
a further row has it begin anew for each, as the authors' code and most peers do.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from comparing import OURS, Race, Row, missing, race
from peers import toolboxes
from subjects import Given, Subject, subject
from varbench.attacks.carlini_wagner import carlini_wagner
from varbench.attacks.common import Attacked
from varbench.images import as_stored

RATE, CONSTANT = 1e-2, 1.0
WHY = "going on where a search step ended, fewer evaluations; an image ends by itself; gradients"
ANEW = f"{OURS}, anew for each constant"
STORED = f"{OURS}, as stored"


@dataclass(frozen=True)
class Search:
    """A subject, the number of constants tried and of evaluations of each; ours, going on."""

    subject: Subject
    constants: int
    evaluations: int
    own_constants: int
    own_evaluations: int


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


def ours(search: Search, *, restart: bool = False, storage: str = "float") -> Attacked:
    s = search.subject
    count = len(s.images)
    size = (search.own_constants, search.own_evaluations)
    constants, evaluations = (search.constants, search.evaluations) if restart else size
    return carlini_wagner(
        s.fast, s.images, s.targets, seeds=range(count), batch_size=count, learning_rate=RATE,
        iterations=evaluations, binary_search_steps=constants, initial_constant=CONSTANT,
        restart=restart, storage=storage,
    )  # fmt: skip


def rows(given: Given) -> Iterator[Row]:
    if given.smallest:
        search = Search(subject(given, "resnet18", 32, 2), 2, 10, 3, 5)
    else:
        search = Search(subject(given, "squeezenet1_1", 112, 4), 3, 100, 6, 25)
    # ART's takes ten times the others' time. Nothing is set up that a search of hundreds of
    # evaluations would show.
    leave_out = () if given.smallest else ("ART",)
    yield from compared(search, min(given.rounds, 2), leave_out)


def compared(search: Search, rounds: int, leave_out: Collection[str] = ()) -> Iterator[Row]:
    """Let all search, and yield a row for each peer and one for ours begun anew."""
    s = search.subject
    work = f"C&W L2, {search.constants} x {search.evaluations}: {s.name}"
    sides: dict[str, Callable[[], Attacked | Tensor]] = {
        OURS: lambda: ours(search),
        STORED: lambda: ours(search, storage="bits8"),
        ANEW: lambda: ours(search, restart=True),
    }
    for name, (module, do) in PEERS.items():
        if not missing(module) and name not in leave_out:
            sides[name] = partial(do, search)
    found = race(sides, rounds, warm=False)
    for name, (module, _) in PEERS.items():
        if name in leave_out:
            yield Row(work, name, "too long for this")
        elif missing(module):
            yield Row(work, name, f"{module} is not installed")
        elif name in found.failures:
            yield Row(work, name, found.failures[name])
        else:
            yield row(work, name, search, found)
    yield row(work, ANEW, search, found)


def row(work: str, name: str, search: Search, found: Race) -> Row:
    """Compare success and L2 among successes: ours may not fail where the other succeeds."""
    s = search.subject
    own, theirs = (measured(s, images(found.results[side])) for side in (OURS, name))
    kept, theirs_kept = (
        measured(s, as_stored(images(found.results[side]))) for side in (STORED, name)
    )
    same = own[0] >= theirs[0] and (own[1] <= theirs[1] or theirs[0] < own[0])
    said = (
        f"success {own[0]} and {theirs[0]} of {len(s.images)} at L2 {own[1]:.3f} and "
        f"{theirs[1]:.3f}; saved as bytes {kept[0]} (searched for that) and {theirs_kept[0]} at "
        f"{kept[1]:.3f} and {theirs_kept[1]:.3f}; {evaluations(found, OURS):.0f} evaluations an "
        f"image of {search.own_constants} x {search.own_evaluations}"
    )
    if name == ANEW:
        said += f", {evaluations(found, ANEW):.0f} of {search.constants} x {search.evaluations}"
    if name == "ART":
        said += "; it searches for the length of each step too"
    if name == "cleverhans":
        said += "; it goes on as well, and never ends early"
    if name == "torchattacks":
        said += "; it has no search for the constant"
        same = False
    aim = None if name == ANEW else 3
    return Row(work, name, said, found.ratio(name), same, aim, WHY)


def images(result: Attacked | Tensor) -> Tensor:
    return result.images if isinstance(result, Attacked) else result.detach()


def evaluations(found: Race, side: str) -> float:
    """Return the evaluations an image, mean."""
    return float(found.results[side].iterations.float().mean())


def measured(s: Subject, images: Tensor) -> tuple[int, float]:
    """Return how many succeed, and the mean L2 of these."""
    success = toolboxes.judge(s, images)
    distance = torch.linalg.vector_norm(images - s.images, dim=(1, 2, 3))
    return int(success.sum()), float(distance[success].mean())
