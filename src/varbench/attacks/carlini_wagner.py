"""The L2 attack of Carlini and Wagner ("Towards evaluating the robustness of neural networks",
IEEE S&P 2017, sections V and VI A), targeted, with an active set of images.

With x(w) = (tanh(w) + 1) / 2, which lies in [0, 1] whatever w is, an image's search minimises

    ||x(w) - x0||^2 + c f(x(w)),    f(x) = max(max{Z_k(x): k != target} - Z_target(x) + kappa, 0)

over w with Adam, for a sequence of constants c found by binary search. Z are the logits, kappa is
the confidence. f is the paper's f_6 plus kappa, as in the authors' code: the same gradient, and
never negative, so that "the loss fell by one part in ten thousand" has a meaning.

The smallest perturbation is often smaller than rounding to 8 bits, and then nothing of it is
stored. So f is evaluated at the rounded image (``storage``), with the gradient passed through the
rounding as if it were not there (Bengio et al., "Estimating or propagating gradients through
stochastic neurons", 2013), and it is the rounded image that is judged and returned. This costs no
further forward pass, and finds smaller perturbations than a search whose iterates are rounded only
to be judged (docs/configuration.md).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from varbench.attacks.common import (
    STORAGE,
    Attacked,
    Model,
    check_choice,
    check_inputs,
    check_number,
    confirmed,
    lacking,
    per_image,
)
from varbench.attacks.variables import Variable, normalised, tanh

BETA1, BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-8
# As in the authors' code: a search has stalled when its loss is not below this share of what it was
# at the last check.
STALLED = 0.9999

State = dict[str, Tensor]


def carlini_wagner(
    model: Model,
    images: Tensor,
    targets: Tensor,
    *,
    seeds: Sequence[int],
    batch_size: int,
    confidence: float = 0.0,
    learning_rate: float = 5e-3,
    iterations: int = 1000,
    binary_search_steps: int = 5,
    initial_constant: float = 1e-2,
    abort_every: int | None = None,
    restart: bool = True,
    storage: str = "bits8",
    variable: str = "tanh",
    scale: Sequence[float] = (1.0,),
    checkpoint: Callable[[Callable[[], State]], None] | None = None,
    resume: State | None = None,
) -> Attacked:
    """Find the smallest L2 perturbation that the model puts in the target class.

    Each image has its own constant, its own Adam state and its own end: an image whose search step
    has ended goes on to the next one while its neighbours continue, and when its last has ended a
    waiting image takes its place. So the batch stays full, and a result depends on the batch
    through the model's rounding only (which, rarely, puts an iterate on the other side of f's
    kink).

    Parameters
    ----------
    confidence
        kappa, the least margin of the target's logit over all others.
    learning_rate
        Adam's, in units of w.
    iterations
        Gradient evaluations of one image in one search step, at most.
    binary_search_steps
        Number of constants tried. As in the authors' code the constant is multiplied by 10 until
        one succeeds, and bisects the interval from then on.
    initial_constant
        The first c.
    abort_every
        End an image's search step if after this many evaluations its loss is not below 0.9999
        times what it was at the last such check (at the first check: at the clean image). 0:
        never. None: a tenth of ``iterations``, and at least 2.
    restart
        Begin every search step at the clean image, as the authors' code does. False: go on from
        where the one before ended, with Adam's state; a constant then counts as one that succeeds
        if an adversarial point was found since the last check, for the first few points are the
        constant's before. Adam's first step moves every value by the whole rate, whatever the
        gradient is, and a search step spends much of its iterations on coming back from that: so
        fewer iterations find smaller perturbations without it (BENCHMARKS.md).
    storage
        As ``varbench.attacks.common.STORAGE`` has it: "bits8" judges rounded images, "float" those
        of the search.
    variable
        "tanh", x(w) above; or "normalised": w is the normalised image, without bounds, and the
        distance is measured in it.
    scale
        The normalisation's deviations, for the normalised image.
    checkpoint, resume
        Called before each evaluation with a function that returns all that the rest of the search
        depends on (tensors that go on changing: save or copy them), and started from it.

    Returns
    -------
    Attacked
        Per image, the adversarial point with the smallest L2 distance among all that were
        evaluated, or the clean image unchanged where none was. Its iterations are those of all of
        its search steps together.
    """
    check_number("confidence", confidence, at_least=0)
    check_number("learning_rate", learning_rate, above=0)
    check_number("iterations", iterations, at_least=1, whole=True)
    check_number("binary_search_steps", binary_search_steps, at_least=1, whole=True)
    check_number("initial_constant", initial_constant, above=0)
    check_choice("storage", storage, STORAGE)
    if abort_every is None:
        abort_every = max(2, iterations // 10)
    if abort_every:  # the first evaluation is what the first check compares with
        check_number("abort_every", abort_every, at_least=2, whole=True)
    check_inputs(model, images, targets, seeds, batch_size)

    adversarial = torch.empty_like(images)
    used = torch.zeros_like(targets)
    waiting = torch.arange(len(images), device=images.device)
    deviations = images.new_tensor(scale).view(-1, 1, 1)
    space = normalised(deviations) if variable == "normalised" else tanh()
    active = _enter(images, targets, waiting[:batch_size], initial_constant, space)
    waiting = waiting[batch_size:]
    if resume is not None:
        resume = {name: tensor.to(images.device) for name, tensor in resume.items()}
        adversarial, used, waiting = (resume.pop(n) for n in ("adversarial", "done", "waiting"))
        active = _Active(**resume)

    def reached() -> State:
        return {"adversarial": adversarial, "done": used, "waiting": waiting, **vars(active)}

    while len(active.index) > 0:
        # Nothing can end before the next check, so in full precision the device is not asked
        # before it.
        for _ in range(_evaluations_to_next_check(active.t, iterations, abort_every)):
            # Not after it: what is resumed would pass over a check that is due.
            if checkpoint is not None:
                checkpoint(reached)
            _iterate(model, active, confidence, learning_rate, space, STORAGE[storage])
        ended = _ended(active, iterations, abort_every)
        _end_search_steps(active, ended)
        if restart:
            _begin_anew(active, ended, space)
        elif abort_every:
            active.found &= active.t % abort_every != 0
        over = active.search_step == binary_search_steps
        if over.any():
            adversarial[active.index[over]] = active.best[over]
            used[active.index[over]] = active.used[over]
            free = int(over.sum())
            entering = _enter(images, targets, waiting[:free], initial_constant, space)
            waiting = waiting[free:]
            active = _join(active, ~over, entering)
    return Attacked(adversarial, used)


@dataclass
class _Active:
    """The images now in the batch; row b of every tensor belongs to image ``index[b]``."""

    index: Tensor  # (B,)
    clean: Tensor  # (B, 3, H, W)
    target: Tensor  # (B,)
    # The whole search.
    search_step: Tensor  # (B,) constants tried
    constant: Tensor  # (B,) c, and the interval in which it is sought
    lower: Tensor  # (B,)
    upper: Tensor  # (B,) infinite until a constant has succeeded
    best: Tensor  # (B, 3, H, W) smallest adversarial point so far
    best_l2: Tensor  # (B,) its squared distance
    used: Tensor  # (B,) evaluations in the search steps that have ended
    # The search step under way.
    t: Tensor  # (B,) evaluations
    w: Tensor  # (B, 3, H, W), with Adam's steps and moments
    k: Tensor  # (B,)
    m: Tensor  # (B, 3, H, W)
    v: Tensor  # (B, 3, H, W)
    found: Tensor  # (B,) whether this constant has led to an adversarial point
    loss: Tensor  # (B,) at the last evaluation
    checked_loss: Tensor  # (B,) at the last check


def _enter(
    images: Tensor, targets: Tensor, index: Tensor, constant: float, space: Variable
) -> _Active:
    clean, size = images[index], index.shape
    return _Active(
        index=index,
        clean=clean,
        target=targets[index],
        search_step=index.new_zeros(size),
        constant=clean.new_full(size, constant),
        lower=clean.new_zeros(size),
        upper=clean.new_full(size, math.inf),
        best=clean.clone(),
        best_l2=clean.new_full(size, math.inf),
        used=index.new_zeros(size),
        t=index.new_zeros(size),
        w=space.of(clean),
        k=index.new_zeros(size),
        m=torch.zeros_like(clean),
        v=torch.zeros_like(clean),
        found=index.new_zeros(size, dtype=torch.bool),
        loss=clean.new_zeros(size),
        checked_loss=clean.new_zeros(size),
    )


def _join(active: _Active, staying: Tensor, entering: _Active) -> _Active:
    columns = ((getattr(active, f.name), getattr(entering, f.name)) for f in fields(_Active))
    return _Active(*(torch.cat([old[staying], new]) for old, new in columns))


@torch.no_grad()
def _iterate(
    model: Model,
    a: _Active,
    confidence: float,
    learning_rate: float,
    space: Variable,
    stored: Callable[[Tensor], Tensor],
) -> None:
    """Evaluate each image's loss once, keep what is adversarial, and take one Adam step."""
    x = space.image(a.w)
    seen = stored(x).detach().requires_grad_()
    with torch.enable_grad():
        short = lacking(model(seen), a.target) + confidence  # (B,)
        f = short.relu()
        (gradient,) = torch.autograd.grad(f, seen, grad_outputs=a.constant)
    x, seen, f = x.detach(), seen.detach(), f.detach()

    # The rest of the derivative by hand is half the work of leaving it to autograd.
    delta = space.difference(x, a.clean)
    loss = delta.square().sum((1, 2, 3)) + a.constant * f
    gradient = space.gradient(gradient, delta, x)

    adversarial = short < 0
    l2 = space.difference(seen, a.clean).square().sum((1, 2, 3))
    # What is kept is confirmed. A claim of what is no closer only says that this constant is large
    # enough, in the precision that the search goes by.
    closer = l2 < a.best_l2
    better = confirmed(model, seen, a.target, adversarial & closer, confidence)
    a.best = torch.where(per_image(better), seen, a.best)
    a.best_l2 = torch.where(better, l2, a.best_l2)
    a.found |= better | (adversarial & ~closer)
    a.checked_loss = torch.where(a.t == 0, loss, a.checked_loss)
    a.loss = loss

    a.t += 1
    a.k += 1
    a.m.lerp_(gradient, 1 - BETA1)
    a.v.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
    # 1 - beta^k through expm1: in float32 the plain difference loses four digits at k = 1.
    m_hat = a.m / per_image(-torch.expm1(a.k * math.log(BETA1)))
    v_hat = a.v / per_image(-torch.expm1(a.k * math.log(BETA2)))
    a.w.addcdiv_(m_hat, v_hat.sqrt_().add_(ADAM_EPSILON), value=-learning_rate)


def _evaluations_to_next_check(t: Tensor, iterations: int, abort_every: int) -> int:
    left = iterations - t
    if abort_every:
        left = torch.minimum(left, abort_every - t % abort_every)
    return int(left.min())


def _ended(a: _Active, iterations: int, abort_every: int) -> Tensor:
    """Return which search steps (B,) have used up their evaluations or have stalled."""
    ended = a.t == iterations
    if abort_every:
        check = a.t % abort_every == 0
        # Not ">=": a loss that is not a number has stalled as well.
        ended |= check & ~(a.loss < STALLED * a.checked_loss)
        a.checked_loss = torch.where(check, a.loss, a.checked_loss)
    return ended


def _end_search_steps(a: _Active, ended: Tensor) -> None:
    """Move the constants of the ``ended`` (B,) by binary search."""
    succeeded, failed = ended & a.found, ended & ~a.found
    a.upper[succeeded] = a.constant[succeeded]
    a.lower[failed] = a.constant[failed]
    following = torch.where(a.upper.isinf(), 10 * a.constant, (a.lower + a.upper) / 2)
    a.constant[ended] = following[ended]
    a.used[ended] += a.t[ended]
    a.search_step[ended] += 1
    a.t[ended] = 0
    a.found[ended] = False


def _begin_anew(a: _Active, ended: Tensor, space: Variable) -> None:
    """Start the ``ended`` (B,) again from the clean image."""
    a.w[ended] = space.of(a.clean[ended])
    a.k[ended] = 0
    a.m[ended] = 0
    a.v[ended] = 0
