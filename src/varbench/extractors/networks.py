"""Extractors: torchvision networks that normalise their input and give features and logits."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision import models

from varbench.errors import InputError
from varbench.extractors.packed import PackedConvolution, is_plain

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
LISTED = 10  # names of weights that do not fit, in one message


class Extractor(nn.Module):
    """A classifier of images in [0, 1] whose last convolutional map, averaged, is the features.

    Attributes
    ----------
    network
        A torchvision network; its parameters have torchvision's names.
    feature_dim
        D, the number of features.
    classes
        The number of logits.
    architecture
        Its name, for messages.
    gradient_dtype
        What passes compute in that a gradient by the images is taken through, float32 at first. In
        all others, which say what an image is taken for, it is float32.
    """

    mean: Tensor
    std: Tensor
    gradient_dtype: torch.dtype = torch.float32

    def __init__(
        self,
        network: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        architecture: str = "the network",
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.network = network
        # Not persistent: they belong to the configuration, not to the weights.
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.feature_dim, self.classes = self._probe()

    @torch.no_grad()
    def _probe(self) -> tuple[int, int]:
        training = self.training
        self.eval()
        # 224: some networks take no smaller images.
        features, logits = self.features_and_logits(torch.zeros(1, 3, 224, 224))
        self.train(training)
        return features.shape[1], logits.shape[1]

    def features_and_logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (N, D) and logits (N, classes) of images (N, 3, H, W) in [0, 1]."""
        kept: list[Tensor] = []
        head = _head(self.network)
        # The head's input: the last map (N, D, h, w), or its average, (N, D, 1, 1) or (N, D).
        hook = head.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
        try:
            logits = self(images)
        finally:
            hook.remove()
        last = kept[0].to(logits.dtype)
        return (last.mean(dim=(2, 3)) if last.ndim == 4 else last), logits

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, classes) of images (N, 3, H, W) in [0, 1]."""
        x = (images - self.mean) / self.std
        logits: Tensor
        for_gradient = images.requires_grad and torch.is_grad_enabled()
        if not for_gradient or self.gradient_dtype == torch.float32:
            logits = self.network(x)
            return logits
        with torch.autocast(x.device.type, dtype=self.gradient_dtype):
            logits = self.network(x)
        return logits.float()


def _head(network: nn.Module) -> nn.Module:
    """Return the module whose input is the last convolutional map or its average."""
    for name in ("avgpool", "fc", "classifier", "head"):
        # VGG's and AlexNet's own pooling keeps 7 x 7 positions; averaging them comes to the same.
        module = getattr(network, name, None)
        if isinstance(module, nn.Module):
            return module
    raise InputError(
        f"extractor.architecture: {type(network).__name__} has no known pooling or classifier"
    )


def build(
    architecture: str,
    classes: int,
    *,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    seed: int = 0,
) -> Extractor:
    """Build an untrained extractor.

    Parameters
    ----------
    architecture
        A classification network of torchvision, such as ``resnet50``.
    classes
        Number of outputs.
    mean, std
        Normalisation of the three channels, in units of [0, 1].
    seed
        Of the initial weights.

    Raises
    ------
    InputError
        The architecture is unknown or is no convolutional classifier.
    """
    known = models.list_models(module=models)  # classifiers, not the detectors and the like
    if architecture not in known:
        close = get_close_matches(architecture, known, n=3)
        raise InputError(
            f"extractor.architecture: torchvision has no classifier {architecture!r}"
            + (f"; did you mean {' or '.join(close)}?" if close else "")
        )
    # GoogLeNet and Inception have side outputs, which would change what the network returns.
    aside = architecture in ("googlenet", "inception_v3")
    extra = {"aux_logits": False, "init_weights": True} if aside else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = models.get_model(architecture, weights=None, num_classes=classes, **extra)
    return Extractor(network, mean, std, architecture)


def load_weights(extractor: Extractor, weights: Mapping[str, Tensor]) -> None:
    """Load weights under torchvision's names; every name and shape must fit.

    Raises
    ------
    InputError
        Lists what is missing, left over or of another shape.
    """
    own = extractor.network.state_dict()
    shared = [name for name in own if name in weights]
    faults = {
        # Old files lack the counter, which nothing here uses.
        "missing": [n for n in own if n not in weights and not n.endswith("num_batches_tracked")],
        "left over": [n for n in weights if n not in own],
        "of another shape": [
            f"{n} {tuple(weights[n].shape)} for {tuple(own[n].shape)}"
            for n in shared
            if weights[n].shape != own[n].shape
        ],
        "of another kind": [
            f"{n} {weights[n].dtype}, {weights[n].layout}, on {weights[n].device}"
            for n in shared
            if not _is_plain(weights[n], own[n])
        ],
    }
    found = [
        f"{len(names)} {fault} ({', '.join(names[:LISTED])}{', ...' * (len(names) > LISTED)})"
        for fault, names in faults.items()
        if names
    ]
    if found:
        raise InputError(f"weights do not fit the extractor: {'; '.join(found)}")
    extractor.network.load_state_dict(weights, strict=False)


def _is_plain(given: Tensor, own: Tensor) -> bool:
    """Say whether a tensor holds numbers of the kind wanted: real or whole, all of them, here."""
    return (
        given.layout == torch.strided
        and given.device.type == "cpu"
        and not given.is_quantized
        and given.dtype.is_floating_point == own.dtype.is_floating_point
        and not given.dtype.is_complex
    )


def for_inference(extractor: Extractor) -> Extractor:
    """Return a copy that is fast to attack and to read out, with the same outputs up to rounding.

    Evaluation mode, no gradients of parameters, batch norm folded into the convolution before it
    where tracing shows that nothing else reads that convolution, channels last, convolutions as in
    ``packed``.
    """
    copy = deepcopy(extractor).eval().requires_grad_(False)
    _fold_batch_norm(copy.network)
    for name, module in list(copy.network.named_modules()):
        if is_plain(module):
            _replace(copy.network, name, PackedConvolution(module))
    return copy.to(memory_format=torch.channels_last)


def _fold_batch_norm(network: nn.Module) -> None:
    """Replace each (convolution, batch norm) pair by one convolution, in place."""
    try:
        graph = torch.fx.symbolic_trace(network).graph
    except Exception:  # tracing is an optimisation: a network that resists it stays as it is
        return
    modules = dict(network.named_modules())
    for node in list(graph.nodes):
        before = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(before, torch.fx.Node) or before.op != "call_module":
            continue
        norm, convolution = modules[node.target], modules[before.target]
        if (
            isinstance(norm, nn.BatchNorm2d)
            and isinstance(convolution, nn.Conv2d)
            and len(before.users) == 1
        ):
            _replace(network, str(before.target), fuse_conv_bn_eval(convolution, norm))
            _replace(network, str(node.target), nn.Identity())


def _replace(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, module)
