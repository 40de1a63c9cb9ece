"""How far a training is: all that the rest of it depends on, at any boundary of two batches."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from varbench.extractors import processes


class Progress:
    """What changes while a network is trained.

    Attributes
    ----------
    epoch, batches
        Epochs that are finished, and batches of the next one.
    losses
        One for each step of the weights in this epoch, () each.
    seconds
        That this epoch took before it was interrupted.
    epochs
        The log of the epochs that are finished.
    generator
        The defense's own random numbers.
    """

    def __init__(
        self,
        network: nn.Module,
        optimiser: Optimizer,
        schedule: LRScheduler,
        scaler: torch.amp.GradScaler,
        state: dict[str, Tensor],
        device: torch.device,
    ) -> None:
        self._parts: dict[str, Any] = {
            "network": network, "optimiser": optimiser, "schedule": schedule, "scaler": scaler,
        }  # fmt: skip
        self._state, self._device = state, device
        self.epoch, self.batches = 0, 0
        self.losses: list[Tensor] = []
        self.seconds = 0.0
        self.epochs: list[dict[str, float]] = []
        self.generator = torch.Generator()
        self._random: dict[str, Tensor] | None = None

    def reached(self, seconds: float = 0.0) -> dict[str, Any]:
        """Return it as plain containers of tensors that go on changing: save or copy them.

        All processes must call it; the first one's is what is to be saved.
        """
        random = {"own": self.generator.get_state(), "cpu": torch.get_rng_state()}
        if self._device.type == "cuda":
            random["device"] = torch.cuda.get_rng_state(self._device)
        own = {
            "state": {name: tensor.cpu() for name, tensor in self._state.items()},
            "losses": torch.stack(self.losses).cpu() if self.losses else torch.empty(0),
            "random": random,
        }
        return {
            "epochs": self.epochs,
            "epoch": self.epoch,
            "batches": self.batches,
            "seconds": seconds,
            **{name: part.state_dict() for name, part in self._parts.items()},
            "processes": processes.gathered(own),
        }

    def go_on_from(self, reached: dict[str, Any]) -> None:
        """Take over what ``reached`` returned, in this process's part of it."""
        for name, part in self._parts.items():
            part.load_state_dict(reached[name])
        self.epochs = list(reached["epochs"])
        self.epoch, self.batches = reached["epoch"], reached["batches"]
        self.seconds = reached["seconds"]
        own = reached["processes"][processes.rank()]
        for name, tensor in self._state.items():
            tensor.copy_(own["state"][name])
        self.losses = list(own["losses"].to(self._device))
        self._random = own["random"] if self.batches else None

    def restore_random(self) -> None:
        """Set the random streams to where they were within the epoch that was interrupted."""
        if self._random is not None:
            self.generator.set_state(self._random["own"])
            torch.set_rng_state(self._random["cpu"])
            if "device" in self._random:
                torch.cuda.set_rng_state(self._random["device"], self._device)
        self._random = None

    def finish_epoch(self, row: dict[str, float]) -> None:
        """Go on to the next epoch; ``row`` is this one's in the log."""
        self.epochs.append(row)
        self.epoch, self.batches, self.losses, self.seconds = self.epoch + 1, 0, [], 0.0
