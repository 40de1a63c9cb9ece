"""Convolutions of 1 x 1, by oneDNN where it is the faster (``onednn``).

With fewer than 16 images torch has them multiplied by MKL on one thread. Convolutions that are
dilated it leaves to oneDNN, and a kernel of 1 x 1 has no second place that a dilation could move:
so it may as well be called dilated.
"""

from torch import Tensor, nn
from torch.nn.functional import conv2d

from varbench import onednn

SMALL = 20_480  # values of an image, in torch


class Pointwise(nn.Module):
    """Stands in for a convolution that ``is_pointwise``; the same results up to rounding."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self.groups = convolution.groups

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, channels, H, W) of (N, other channels, H, W)."""
        count, _, height, width = images.shape
        pays = onednn.pays(count * height * width * self.weight.numel(), images)
        # One small image torch does not give to oneDNN: dilated, it goes to slower code still.
        dilation = 2 if pays and (count > 1 or images.numel() > SMALL) else 1
        return conv2d(images, self.weight, self.bias, dilation=dilation, groups=self.groups)


def is_pointwise(convolution: nn.Conv2d) -> bool:
    """Say whether a convolution is one of 1 x 1 at every place of an image."""
    same_size = convolution.kernel_size == convolution.stride == (1, 1)
    return same_size and convolution.padding == (0, 0)
