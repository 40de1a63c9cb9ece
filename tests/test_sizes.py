"""Which sizes of images an architecture takes."""

import numpy as np
import pytest
import torch

from varbench.errors import InputError
from varbench.extractors.extract import read_out
from varbench.extractors.networks import build
from varbench.extractors.sizes import check_size, smallest_size

CPU = torch.device("cpu")


def works(network, size) -> bool:
    """Ask the network itself."""
    try:
        with torch.no_grad():
            network.eval().network(torch.zeros(1, 3, size, size))
    except Exception:
        return False
    return True


@pytest.mark.parametrize(
    ("architecture", "size", "smallest"),
    [("alexnet", 32, 63), ("inception_v3", 64, 75), ("squeezenet1_1", 16, None)],
)
def test_the_smallest_size_is_named_and_works(architecture, size, smallest):
    network = build(architecture, 4).train()
    message = rf"^extractor\.image_size: {architecture} takes no images of {size} x {size} \(.*\); "
    with pytest.raises(InputError, match=message) as raised:
        check_size(network, size)
    assert network.training, "left as it was"
    assert "\n" not in str(raised.value)
    found = int(str(raised.value).rpartition(" ")[2])
    assert works(network, found)
    if smallest is not None:
        assert found == smallest
        assert not works(network, found - 1)
    check_size(network, found)


def test_a_network_of_some_sizes_only():
    """MaxViT is built for windows of 224: smaller sizes fail, and so do many above."""
    network = build("maxvit_t", 4)
    with pytest.raises(
        InputError, match=r"maxvit_t takes no images of 160 x 160 .* it takes is 2\d\d$"
    ):
        check_size(network, 160)
    check_size(network, 224)


def test_sizes_that_work_pass():
    network = build("shufflenet_v2_x0_5", 4)
    check_size(network, 32)
    check_size(network, None)
    assert smallest_size(network) == 32, "of those tried"


def test_images_of_their_own_sizes_are_named_where_one_is_too_small():
    images = [np.zeros((side, 70, 3), np.uint8) for side in (70, 40)]
    with pytest.raises(
        InputError, match=r"extractor\.image_size: alexnet takes no images of 70 x 40"
    ):
        read_out(build("alexnet", 4).eval(), images, 2, CPU)
