"""All that a recommender has learnt, and all that its further training depends on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from varbench.errors import InputError
from varbench.seeds import derive

PARAMETERS = ("user_factors", "item_factors", "user_visual_factors", "embedding", "item_bias")
# Initial values: the parameters' standard deviation, and where Adagrad's sums begin.
SPREAD, ACCUMULATOR = 0.01, 0.1


@dataclass
class State:
    """Parameters of Eq. 2, ``x_ui = p_u . q_i + rho_u . (E f_i) + b_i``, with their Adagrad sums.

    Attributes
    ----------
    epoch
        Epochs trained so far.
    user_factors, item_factors
        p (users, K) and q (items, K).
    user_visual_factors, embedding
        rho (users, K) and E (K, D).
    item_bias
        b (items, 1), which the paper leaves out and VBPR has: zero unless it is trained.
    accumulators
        For each parameter, by its name, the sum of its squared gradients.
    """

    epoch: int
    user_factors: Tensor
    item_factors: Tensor
    user_visual_factors: Tensor
    embedding: Tensor
    item_bias: Tensor
    accumulators: dict[str, Tensor]

    def learnt(self) -> dict[str, Tensor]:
        """Return what was learnt as named tensors on the CPU, for a file."""
        named = {"epoch": torch.tensor(self.epoch)}
        named |= {name: getattr(self, name) for name in PARAMETERS}
        return {name: tensor.detach().cpu() for name, tensor in named.items()}

    def tensors(self) -> dict[str, Tensor]:
        """Return what was learnt and all that further training depends on; copies nothing."""
        sums = {f"accumulator.{name}": self.accumulators[name] for name in PARAMETERS}
        return self.learnt() | {name: tensor.detach().cpu() for name, tensor in sums.items()}

    def restarted(self) -> "State":
        """Return the same parameters with Adagrad's sums as before the first epoch."""
        fresh = {n: torch.full_like(sums, ACCUMULATOR) for n, sums in self.accumulators.items()}
        return replace(self, accumulators=fresh)


def from_tensors(tensors: Mapping[str, Tensor]) -> State:
    """Return the state that ``State.tensors`` gave; other names beside them are ignored.

    Raises InputError where one is missing. Shapes are checked when a training starts from it.
    """
    for name in ("epoch", *PARAMETERS, *(f"accumulator.{name}" for name in PARAMETERS)):
        if name not in tensors:
            raise InputError(f"state: lacks the tensor {name}; it is not one to train on from")
    return State(
        int(tensors["epoch"]),
        **{name: tensors[name] for name in PARAMETERS},
        accumulators={name: tensors[f"accumulator.{name}"] for name in PARAMETERS},
    )


def shapes(users: int, items: int, width: int, factors: int) -> dict[str, tuple[int, int]]:
    """Return the shape of every parameter; ``width`` is that of a feature vector, D."""
    return {
        "user_factors": (users, factors),
        "item_factors": (items, factors),
        "user_visual_factors": (users, factors),
        "embedding": (factors, width),
        "item_bias": (items, 1),
    }


def initial(expected: Mapping[str, tuple[int, int]], *, seed: int) -> State:
    """Return the state before the first epoch, on the CPU.

    As in the experiment's released code: normal values cut off at two standard deviations (each
    parameter has a random stream of its own), and TensorFlow's start for Adagrad's sums, which
    the learning rates were chosen with. PyTorch's is 0. Biases begin at 0, as in VBPR's own code.
    """
    parameters = {}
    for name, shape in expected.items():
        generator = torch.Generator().manual_seed(derive("initial", name, seed))
        values = torch.empty(shape)
        torch.nn.init.trunc_normal_(values, 0, SPREAD, -2 * SPREAD, 2 * SPREAD, generator)
        parameters[name] = values
    parameters["item_bias"].zero_()
    accumulators = {name: torch.full(shape, ACCUMULATOR) for name, shape in expected.items()}
    return State(0, **parameters, accumulators=accumulators)


def check(state: State, expected: Mapping[str, tuple[int, int]]) -> None:
    """Raise InputError if a tensor of ``state`` has not the expected shape or is not finite."""
    for name, tensor in state.tensors().items():
        shape = expected.get(name.removeprefix("accumulator."), ())
        if tuple(tensor.shape) != shape:
            raise InputError(
                f"state: {name} has shape {tuple(tensor.shape)} where {shape} is expected; "
                "was it trained on other data, or with another number of factors?"
            )
        if not bool(tensor.isfinite().all()):
            raise InputError(f"state: {name} holds values that are not finite; train it again")
